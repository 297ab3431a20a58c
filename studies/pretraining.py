"""Pretraining of the bundled backbones on images or signals that are drawn.

"pare-tiny" learns to name the formula of an image and to predict two transforms of it
at every pixel. "pare-signal" learns which two of many signals are from the same random
program. Images and signals are rendered on the fly, on the device; nothing is read or
downloaded. The result is one safetensors file in float16 and the card of the backbone
beside it. The same command continues a run that was stopped, with the same result to
the bit.
"""

import json
import math
import time
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from sklearn_pare._device import resolve_device, resolve_precision
from sklearn_pare._utils import expand
from sklearn_pare.backbones.bundled import write_weights
from sklearn_pare.benchmarks import console
from sklearn_pare.exceptions import ModelFileError
from studies.pretraining_images import Images
from studies.pretraining_signals import Signals
from studies.record import log

#: Modality -> class of the task, whose objects have `backbone`, the modules `parts` to
#: train, `losses`, `validate` and `seen`.
MODALITIES = {"images": Images, "signals": Signals}


def _learning_rate(step, steps, peak, warmup):
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup)))


def add_arguments(parser):
    """Add the options of the study."""
    parser.add_argument("--modality", choices=MODALITIES, default="images")
    parser.add_argument("--output", type=expand, help="file to write")
    for option, kind, meaning in (
        ("--steps", int, ""),
        ("--batch-size", int, "images or programs per step; "),
        ("--lr", float, "peak learning rate; "),
    ):
        key = option[2:].replace("-", "_")
        defaults = (f"{task.defaults[key]:g} for {m}" for m, task in MODALITIES.items())
        parser.add_argument(
            option, type=kind, help=f"{meaning}default: {', '.join(defaults)}"
        )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument(
        "--no-compile",
        dest="compiled",
        action="store_false",
        help="do not compile the backbone: half as fast, but without a C++ compiler",
    )


def main(arguments):
    """Pretrain the backbone and return the figures."""
    given = {k: v for k, v in vars(arguments).items() if k != "main" and v is not None}
    given = MODALITIES[arguments.modality].defaults | given
    console.check_writable(given["output"])
    return json.dumps(pretrain(**given))


class _Run:
    """State of the training on a task, which can be saved and resumed."""

    def __init__(self, task, settings, device):
        self.task, self.settings, self.parts = task, settings, task.parts
        self.generator = torch.Generator(device).manual_seed(settings["seed"] + 1)
        parameters = list(self.parts.parameters())
        matrices = [p for p in parameters if p.ndim > 1]
        vectors = [p for p in parameters if p.ndim <= 1]
        self.optimizer = torch.optim.AdamW(
            [{"params": matrices}, {"params": vectors, "weight_decay": 0.0}],
            lr=settings["lr"],
            betas=(0.9, 0.98),
            weight_decay=0.05,
        )
        self.step, self.seconds, self.figures = 0, 0.0, {}

    def advance(self):
        """Take one step and return the losses to report."""
        steps, lr = self.settings["steps"], self.settings["lr"]
        for group in self.optimizer.param_groups:
            group["lr"] = _learning_rate(self.step, steps, lr, self.task.warmup)
        loss, reported = self.task.losses(self.generator, self.step / steps)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parts.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        return {name: value.detach() for name, value in reported.items()}

    def measure(self, losses, start):
        """Set the figures, given the mean losses and the time of the start."""
        validated = self.task.validate()
        self.seconds = time.monotonic() - start
        measured = {name: value.item() for name, value in losses.items()} | validated
        self.figures = {
            "steps": self.step,
            **self.task.seen(self.step),
            **{name: round(value, 4) for name, value in measured.items()},
            "minutes": round(self.seconds / 60, 1),
        }

    def write(self, path):
        """Write the weights file and the card of the backbone."""
        command = "python -m studies pretraining " + self.task.options
        for key in ("steps", "batch_size", "lr", "seed"):
            command += f"--{key.replace('_', '-')} {self.settings[key]} "
        backbone = self.task.backbone
        card = replace(
            backbone.card,
            seed=self.settings["seed"],
            command=command.strip(),
            figures=self.figures,
        )
        write_weights(backbone.parts.state_dict(), card, path)

    def save(self, path):
        """Write the state to a file; an existing file is replaced at the end."""
        tensors = {f"parts.{k}": v for k, v in self.parts.state_dict().items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{k}": v for k, v in state.items()}
        tensors["generator"] = self.generator.get_state()
        described = {
            "settings": self.settings,
            "step": self.step,
            "seconds": self.seconds,
            "figures": self.figures,
        }
        partial = path.with_suffix(".partial")
        tensors = {name: value.contiguous() for name, value in tensors.items()}
        save_file(tensors, partial, metadata={"run": json.dumps(described)})
        partial.replace(path)

    def resume(self, path):
        """Load the state of a run with the same settings."""
        try:
            with safe_open(path, framework="pt") as file:
                described = json.loads(file.metadata()["run"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, KeyError, TypeError) as error:
            raise ModelFileError(
                f"{path} is not a state of the pretraining, or is damaged: {error}. "
                "Delete it to start again."
            ) from error
        if described["settings"] != self.settings:
            raise ModelFileError(
                f"{path} belongs to a run with {described['settings']}, this one has "
                f"{self.settings}. Delete it to start again, or use the settings of "
                "that run to continue it."
            )
        self.step, self.seconds = described["step"], described["seconds"]
        self.figures = described["figures"]
        self.generator.set_state(tensors.pop("generator"))
        optimizer = self.optimizer.state_dict()
        parts = {}
        for name, value in tensors.items():
            kind, rest = name.split(".", 1)
            if kind == "parts":
                parts[rest] = value
            else:
                index, key = rest.split(".")
                optimizer["state"].setdefault(int(index), {})[key] = value
        self.parts.load_state_dict(parts)
        self.optimizer.load_state_dict(optimizer)


def pretrain(
    output,
    steps,
    batch_size,
    lr,
    seed,
    device,
    compiled,
    modality="images",
    log_every=None,
):
    """Train from Xavier weights and write the backbone to `output`.

    Parameters
    ----------
    output : str or Path
        The safetensors file, written every `log_every` steps. The state to resume
        from is stored beside it until the run is complete.
    steps, batch_size : int
    lr : float
        Peak learning rate of AdamW.
    seed : int
        Determines weights and images or signals.
    device : str
        As in the estimators.
    compiled : bool
        If True, compile the backbone, which needs a C++ compiler.
    modality : {"images", "signals"}, default="images"
    log_every : int, default=None
        Steps between lines of progress, weights files and states. None: 500 for images,
        50 for signals, whose steps take longer.

    Returns
    -------
    figures : dict
        Loss, accuracy and time, as written to the card.
    """
    output, device = Path(output), resolve_device(device)
    settings = {
        "modality": modality,
        "steps": steps,
        "batch_size": batch_size,
        "lr": lr,
        "seed": seed,
        # Results differ between devices and precisions.
        "device": device.type,
        "bfloat16": resolve_precision("auto", device),
        "compiled": compiled,
    }
    bfloat16 = settings["bfloat16"]
    task = MODALITIES[modality](batch_size, seed, device, compiled, bfloat16)
    log_every = log_every or task.log_every
    run, state = _Run(task, settings, device), output.with_suffix(".state.safetensors")
    if state.exists():
        run.resume(state)
    start, sums = time.monotonic() - run.seconds, {}
    while run.step < steps:
        for name, loss in run.advance().items():
            sums[name] = sums.get(name, 0) + loss
        if run.step % log_every == 0 or run.step == steps:
            n_summed = (run.step - 1) % log_every + 1
            run.measure({k: value / n_summed for k, value in sums.items()}, start)
            sums = {}
            run.write(output)
            run.save(state)
            remaining = run.seconds / run.step * (steps - run.step) / 60
            log(json.dumps(run.figures | {"minutes_left": round(remaining, 1)}))
    state.unlink(missing_ok=True)
    return run.figures
