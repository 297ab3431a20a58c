"""Pretraining of "pare-tiny": formulas of images, and two transforms at every pixel."""

import torch
import torch.nn.functional as F

from sklearn_pare.backbones.bundled import WEIGHTS, build_tiny
from sklearn_pare.sources import formula
from sklearn_pare.sources.formula.fields import sine_basis

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


class Images:
    """Task of the pretraining on images; `studies.pretraining` names what it needs."""

    defaults = {
        "output": WEIGHTS,
        "steps": 28_000,
        "batch_size": 128,
        "lr": 1.2e-3,
    }
    warmup, log_every = 200, 500
    options = ""

    def __init__(self, batch_size, seed, device, compiled, bfloat16):
        self.batch_size, self.seed, self.bfloat16 = batch_size, seed, bfloat16
        self.device = device
        self.backbone = build_tiny(torch.Generator().manual_seed(seed))
        self.parts = self.backbone.parts.to(device)
        self._network = torch.compile(self._run) if compiled else self._run

    def _run(self, images):
        """Return features for the class head and stages for the dense head."""
        module = self.backbone.module
        stages = module.stages(self.backbone.stem(images))
        return module.norm(stages[-1]).flatten(1, 2), stages

    def _outputs(self, images):
        """Return the logits of the formulas and the values of each pixel."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            features, stages = self._network(images)
        logits = self.backbone.source_head(features.float())
        return logits, self.backbone.dense_head([stage.float() for stage in stages])

    def losses(self, generator, progress):
        """Return the loss of a new batch, and the losses to report."""
        labels = torch.randint(
            formula.N_CLASSES,
            (self.batch_size,),
            generator=generator,
            device=self.device,
        )
        images, grey = formula.draw(labels, generator, _simple_fraction(progress))
        logits, dense = self._outputs(images)
        named = F.cross_entropy(logits, labels, label_smoothing=0.1)
        painted = F.mse_loss(dense, dense_targets(images, grey))
        reported = {"train_loss": named, "train_dense_loss": painted}
        return named + DENSE_WEIGHT * painted, reported

    def seen(self, steps):
        """Return the number of images in a number of steps."""
        return {"images": steps * self.batch_size}

    @torch.no_grad()
    def validate(self):
        """Return top-1, top-5 and explained dense variance on images not trained on."""
        generator = torch.Generator(self.device).manual_seed(self.seed + 2**32)
        size = self.batch_size
        labels = torch.arange(N_VALIDATION, device=self.device) % formula.N_CLASSES
        # Complete batches only, so that the network is compiled once.
        batches = labels[: max(1, N_VALIDATION // size) * size]
        sums = torch.zeros(4, device=self.device)
        for part in batches.split(size):
            images, grey = formula.draw(part, generator)
            logits, dense = self._outputs(images)
            top = logits.topk(5).indices == part[:, None]
            target = dense_targets(images, grey)
            residual = (dense - target).square().mean()
            spread = target.var((0, 2, 3)).mean()
            sums += torch.stack([top[:, 0].sum(), top.any(1).sum(), residual, spread])
        top1, top5, residual, spread = sums.tolist()
        return {
            "validation_top1": top1 / len(batches),
            "validation_top5": top5 / len(batches),
            "validation_dense_r2": 1 - residual / spread,
        }
