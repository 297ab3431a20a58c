"""Pretrain "pare-tiny" to tell apart images drawn from formulas.

Run as ``python -m sklearn_pare.backbones.pretrain --help``. Images are rendered on the
fly; nothing is read or downloaded. The result is one safetensors file in float16 and
the card of the body beside it.
"""

import argparse
import json
import math
import sys
import time
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F

from sklearn_pare._device import resolve_device, resolve_precision
from sklearn_pare.backbones.bundled import WEIGHTS, build_tiny
from sklearn_pare.backbones.weights import write_weights
from sklearn_pare.sources import formula

# White-on-black drawings first: with full colour from the start the loss stays at that
# of a constant guess.
EASY_SHARE = 0.35
N_VALIDATION = 4 * formula.N_CLASSES


def _simple_fraction(progress):
    """Share of white-on-black images: 1, then falling linearly to 0.5."""
    late = max(progress - EASY_SHARE, 0) / (1 - EASY_SHARE)
    return 1 - 0.5 * late


def _learning_rate(step, steps, peak, warmup=200):
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup)))


def _logits(backbone, images, bfloat16):
    with torch.autocast(images.device.type, torch.bfloat16, enabled=bfloat16):
        features = backbone.body(backbone.stem(images))
    return backbone.source_head(features.float())


@torch.no_grad()
def _validate(backbone, device, seed, bfloat16):
    """Top-1 and top-5 accuracy on images of a seed that training never uses."""
    generator = torch.Generator(device).manual_seed(seed + 2**32)
    labels = torch.arange(N_VALIDATION, device=device) % formula.N_CLASSES
    hits = torch.zeros(2)
    for part in labels.split(224):
        images = formula.render(part, generator)
        top = _logits(backbone, images, bfloat16).topk(5).indices == part[:, None]
        hits += torch.stack([top[:, 0].sum(), top.any(1).sum()]).cpu()
    return (hits / N_VALIDATION).tolist()


def pretrain(output, steps, batch_size, lr, seed, device, log_every=200):
    """Train from Xavier weights and write the body to `output`.

    Parameters
    ----------
    output : str or Path
        The safetensors file to write, also in the middle of the run.
    steps, batch_size : int
    lr : float
        Peak learning rate of AdamW.
    seed : int
        Fixes weights and images.
    device : str
        As in the estimators.
    log_every : int, default=200
        Steps between lines of progress.

    Returns
    -------
    figures : dict
        Loss, accuracy and time, as written to the card.
    """
    output, device = Path(output), resolve_device(device)
    bfloat16 = resolve_precision("auto", device)
    backbone = build_tiny(torch.Generator().manual_seed(seed))
    parts = backbone.parts.to(device)
    generator = torch.Generator(device).manual_seed(seed + 1)
    matrices = [p for p in parts.parameters() if p.ndim > 1]
    vectors = [p for p in parts.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": matrices}, {"params": vectors, "weight_decay": 0.0}],
        lr=lr,
        betas=(0.9, 0.98),
        weight_decay=0.05,
    )
    start, running = time.monotonic(), 0.0
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = _learning_rate(step, steps, lr)
        labels = torch.randint(
            formula.N_CLASSES, (batch_size,), generator=generator, device=device
        )
        images = formula.render(labels, generator, _simple_fraction(step / steps))
        logits = _logits(backbone, images, bfloat16)
        loss = F.cross_entropy(logits, labels, label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parts.parameters(), 1.0)
        optimizer.step()
        running += loss.detach()
        if (step + 1) % log_every == 0 or step + 1 == steps:
            top1, top5 = _validate(backbone, device, seed, bfloat16)
            seconds = time.monotonic() - start
            figures = {
                "steps": step + 1,
                "images": (step + 1) * batch_size,
                "train_loss": round(float(running) / (step % log_every + 1), 4),
                "validation_top1": round(top1, 4),
                "validation_top5": round(top5, 4),
                "minutes": round(seconds / 60, 1),
            }
            running = 0.0
            command = (
                "python -m sklearn_pare.backbones.pretrain "
                f"--steps {steps} --batch-size {batch_size} --lr {lr} --seed {seed}"
            )
            card = replace(backbone.card, seed=seed, command=command, figures=figures)
            write_weights(parts.state_dict(), card, output)
            sys.stdout.write(json.dumps(figures) + "\n")
            sys.stdout.flush()
    return figures


def main(argv=None):
    """Command line of the pretraining."""
    parser = argparse.ArgumentParser(
        prog="python -m sklearn_pare.backbones.pretrain",
        description="Pretrain the bundled body on images drawn from formulas.",
    )
    parser.add_argument("--output", default=WEIGHTS, help="file to write")
    parser.add_argument("--steps", type=int, default=12_000)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--lr", type=float, default=1.2e-3, help="peak learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    pretrain(**vars(parser.parse_args(argv)))


if __name__ == "__main__":
    main()
