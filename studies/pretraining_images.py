"""Pretraining of "pare-tiny" on images drawn from formulas.

The backbone learns to name the formula of an image and to predict two transforms of it
at every pixel. Images are rendered on the fly, on the device; nothing is read or
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
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from sklearn_pare._device import resolve_device, resolve_precision
from sklearn_pare._utils import expand
from sklearn_pare.backbones.bundled import WEIGHTS, build_tiny, write_weights
from sklearn_pare.benchmarks import console
from sklearn_pare.exceptions import ModelFileError
from sklearn_pare.sources import formula
from sklearn_pare.sources.formula.fields import sine_basis
from studies.record import log

# White-on-black drawings first: with full colour from the start the loss stays at that
# of a constant guess.
EASY_SHARE = 0.2
N_VALIDATION = 2 * formula.N_CLASSES
DENSE_WEIGHT = 0.5
# Standard deviation of the solution below over all pixels of 20,000 images.
_POISSON_SCALE = 0.29


def _simple_fraction(progress):
    """Return the share of white-on-black images: 1, then falling linearly to 0.5."""
    late = max(progress - EASY_SHARE, 0) / (1 - EASY_SHARE)
    return 1 - 0.5 * late


def _learning_rate(step, steps, peak, warmup=200):
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup)))


def dense_targets(images, grey):
    """Compute two transforms of an image, one local and one global, for each pixel.

    Parameters
    ----------
    images : torch.Tensor of shape (n, 3, S, S)
    grey : torch.Tensor of shape (n, S, S)
        The drawings without colour.

    Returns
    -------
    targets : torch.Tensor of shape (n, 2, S, S)
        The steepness of the drawing, in units of its root mean square, and the
        solution of a Poisson equation, zero on the boundary, whose right-hand side is
        the brightness of the image; of about unit variance.
    """
    dy = F.pad(grey[:, 1:] - grey[:, :-1], (0, 0, 0, 1))
    dx = F.pad(grey[:, :, 1:] - grey[:, :, :-1], (0, 1))
    steepness = torch.hypot(dx, dy)
    typical = steepness.square().mean((1, 2), keepdim=True).sqrt()
    steepness = (steepness / typical.clamp_min(1e-3)).clamp_max(4)
    basis, k = sine_basis(images.device)
    load = images.mean(1)
    load = load - load.mean((1, 2), keepdim=True)
    solution = basis @ ((basis @ load @ basis) / (k[:, None] ** 2 + k**2)) @ basis
    return torch.stack([steepness, solution / _POISSON_SCALE], 1)


def add_arguments(parser):
    """Add the options of the study."""
    parser.add_argument("--output", type=expand, default=WEIGHTS, help="file to write")
    parser.add_argument("--steps", type=int, default=28_000)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--lr", type=float, default=1.2e-3, help="peak learning rate")
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
    console.check_writable(arguments.output)
    given = {k: v for k, v in vars(arguments).items() if k != "main"}
    return json.dumps(pretrain(**given))


class _Run:
    """State of the training, which can be saved and resumed."""

    def __init__(self, seed, device, lr):
        self.backbone = build_tiny(torch.Generator().manual_seed(seed))
        self.parts = self.backbone.parts.to(device)
        self.generator = torch.Generator(device).manual_seed(seed + 1)
        parameters = list(self.parts.parameters())
        matrices = [p for p in parameters if p.ndim > 1]
        vectors = [p for p in parameters if p.ndim <= 1]
        self.optimizer = torch.optim.AdamW(
            [{"params": matrices}, {"params": vectors, "weight_decay": 0.0}],
            lr=lr,
            betas=(0.9, 0.98),
            weight_decay=0.05,
        )
        self.step, self.seconds, self.figures = 0, 0.0, {}

    def save(self, path, settings):
        """Write the state to a file; an existing file is replaced at the end."""
        tensors = {f"parts.{k}": v for k, v in self.parts.state_dict().items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{k}": v for k, v in state.items()}
        tensors["generator"] = self.generator.get_state()
        described = {
            "settings": settings,
            "step": self.step,
            "seconds": self.seconds,
            "figures": self.figures,
        }
        partial = path.with_suffix(".partial")
        tensors = {name: value.contiguous() for name, value in tensors.items()}
        save_file(tensors, partial, metadata={"run": json.dumps(described)})
        partial.replace(path)

    def resume(self, path, settings):
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
        if described["settings"] != settings:
            raise ModelFileError(
                f"{path} belongs to a run with {described['settings']}, this one has "
                f"{settings}. Delete it to start again, or use the settings of that "
                "run to continue it."
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


def _network(backbone, compiled):
    """Images -> features for the class head and pixels of the dense head."""

    def run(images):
        stages = backbone.module.stages(backbone.stem(images))
        return backbone.module.norm(stages[-1]).flatten(1, 2), stages

    return torch.compile(run) if compiled else run


def _losses(backbone, network, images, bfloat16):
    with torch.autocast(images.device.type, torch.bfloat16, enabled=bfloat16):
        features, stages = network(images)
    logits = backbone.source_head(features.float())
    return logits, backbone.dense_head([stage.float() for stage in stages])


@torch.no_grad()
def _validate(backbone, network, batch_size, device, seed, bfloat16):
    """Return top-1, top-5 and explained dense variance on images not trained on."""
    generator = torch.Generator(device).manual_seed(seed + 2**32)
    labels = torch.arange(N_VALIDATION, device=device) % formula.N_CLASSES
    # Complete batches only, so that the network is compiled once.
    batches = labels[: max(1, N_VALIDATION // batch_size) * batch_size]
    sums = torch.zeros(4, device=device)
    for part in batches.split(batch_size):
        images, grey = formula.draw(part, generator)
        logits, dense = _losses(backbone, network, images, bfloat16)
        top = logits.topk(5).indices == part[:, None]
        target = dense_targets(images, grey)
        residual = (dense - target).square().mean()
        spread = target.var((0, 2, 3)).mean()
        sums += torch.stack([top[:, 0].sum(), top.any(1).sum(), residual, spread])
    top1, top5, residual, spread = sums.tolist()
    return top1 / len(batches), top5 / len(batches), 1 - residual / spread


def pretrain(output, steps, batch_size, lr, seed, device, compiled, log_every=500):
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
        Determines weights and images.
    device : str
        As in the estimators.
    compiled : bool
        If True, compile the backbone, which needs a C++ compiler.
    log_every : int, default=500
        Steps between lines of progress, weights files and states.

    Returns
    -------
    figures : dict
        Loss, accuracy and time, as written to the card.
    """
    output, device = Path(output), resolve_device(device)
    bfloat16 = resolve_precision("auto", device)
    settings = {
        "steps": steps,
        "batch_size": batch_size,
        "lr": lr,
        "seed": seed,
        # Results differ between devices and precisions.
        "device": device.type,
        "bfloat16": bfloat16,
        "compiled": compiled,
    }
    state = output.with_suffix(".state.safetensors")
    run = _Run(seed, device, lr)
    if state.exists():
        run.resume(state, settings)
    backbone, generator = run.backbone, run.generator
    network = _network(backbone, compiled)
    start, running = time.monotonic() - run.seconds, torch.zeros(2, device=device)
    while run.step < steps:
        for group in run.optimizer.param_groups:
            group["lr"] = _learning_rate(run.step, steps, lr)
        labels = torch.randint(
            formula.N_CLASSES, (batch_size,), generator=generator, device=device
        )
        images, grey = formula.draw(
            labels, generator, _simple_fraction(run.step / steps)
        )
        logits, dense = _losses(backbone, network, images, bfloat16)
        named = F.cross_entropy(logits, labels, label_smoothing=0.1)
        painted = F.mse_loss(dense, dense_targets(images, grey))
        run.optimizer.zero_grad()
        (named + DENSE_WEIGHT * painted).backward()
        torch.nn.utils.clip_grad_norm_(run.parts.parameters(), 1.0)
        run.optimizer.step()
        run.step += 1
        running += torch.stack([named.detach(), painted.detach()])
        if run.step % log_every == 0 or run.step == steps:
            top1, top5, explained = _validate(
                backbone, network, batch_size, device, seed, bfloat16
            )
            run.seconds = time.monotonic() - start
            named, painted = (running / ((run.step - 1) % log_every + 1)).tolist()
            running.zero_()
            run.figures = {
                "steps": run.step,
                "images": run.step * batch_size,
                "train_loss": round(named, 4),
                "train_dense_loss": round(painted, 4),
                "validation_top1": round(top1, 4),
                "validation_top5": round(top5, 4),
                "validation_dense_r2": round(explained, 4),
                "minutes": round(run.seconds / 60, 1),
            }
            command = (
                "python -m studies pretraining "
                f"--steps {steps} --batch-size {batch_size} --lr {lr} --seed {seed}"
            )
            card = replace(
                backbone.card, seed=seed, command=command, figures=run.figures
            )
            write_weights(run.parts.state_dict(), card, output)
            run.save(state, settings)
            remaining = run.seconds / run.step * (steps - run.step) / 60
            log(json.dumps(run.figures | {"minutes_left": round(remaining, 1)}))
    state.unlink(missing_ok=True)
    return run.figures
