"""Losses per sample, and the weighted sum that PaRe minimises."""

from typing import NamedTuple

import torch
import torch.nn.functional as F

# Class code of the positions of a mask that the loss ignores.
IGNORED = -100
# Predictions with a higher probability serve as labels of unlabelled samples.
CONFIDENT = 0.95
# Targets that are smaller than this part of the spread are weighted as if they had it.
_SMALLEST = 0.1


def _per_sample(losses):
    """Average losses (B, ...) over all axes but the first."""
    return losses.flatten(1).mean(1)


def cross_entropy(outputs, y, class_weight=None, label_smoothing=0.0):
    """Return losses (B,) of logits (B, K, ...) for classes (B, ...).

    Positions of a mask with the code ``IGNORED`` do not count; ``class_weight`` (K,)
    weights the others by their class. A part ``label_smoothing`` of each label is
    spread over all classes (Szegedy et al., CVPR 2016).
    """
    smoothed = {"reduction": "none", "label_smoothing": label_smoothing}
    if y.ndim == 1:
        return F.cross_entropy(outputs, y, **smoothed)
    weight = class_weight and outputs.new_tensor(class_weight)
    losses = F.cross_entropy(outputs, y, weight, ignore_index=IGNORED, **smoothed)
    used = (y != IGNORED).flatten(1).sum(1).clamp_min(1)
    return losses.flatten(1).sum(1) / used


def binary_cross_entropy(outputs, y, class_weight=None, label_smoothing=0.0):
    """Return losses (B,) of logits (B, K) for indicators (B, K): means over the labels.

    ``class_weight`` has one pair per label: the weights of 0 and of 1 in its loss.
    ``label_smoothing`` moves each indicator by half of it towards the other value.
    """
    smooth = y + label_smoothing * (0.5 - y)
    losses = F.binary_cross_entropy_with_logits(outputs, smooth, reduction="none")
    if class_weight is not None:
        absent, present = outputs.new_tensor(class_weight).T
        losses = losses * torch.where(y > 0, present, absent)
    return _per_sample(losses)


def fill(y, outputs):
    """Return y (B, K, ...) with outputs in place of missing targets, which are NaN.

    Their losses are then 0 and part of the mean, so that all known targets of a batch
    have the same weight.
    """
    return torch.where(y.isnan(), outputs.detach(), y)


def squared_error(outputs, y):
    """Return the mean squared error (B,) of outputs (B, K, ...)."""
    return _per_sample(F.mse_loss(outputs, fill(y, outputs), reduction="none"))


def absolute_error(outputs, y):
    """Return the mean absolute error (B,) of outputs (B, K, ...)."""
    return _per_sample(F.l1_loss(outputs, fill(y, outputs), reduction="none"))


def poisson(outputs, y):
    """Return half the Poisson deviance (B,) of logarithms (B, K, ...) of means."""
    y = fill(y, outputs.exp())
    return _per_sample(torch.xlogy(y, y) - y - y * outputs + outputs.exp())


def pinball(outputs, y, levels=(0.5,)):
    """Return the mean pinball losses (B,) of quantiles for y (B, K, ...).

    ``outputs`` (B, K * Q, ...) hold the Q quantiles of each number side by side.
    """
    outputs = outputs.unflatten(1, (-1, len(levels)))
    error = fill(y.unsqueeze(2), outputs) - outputs
    level = y.new_tensor(levels).reshape(-1, *[1] * (y.ndim - 2))
    loss = torch.maximum(level * error, (level - 1) * error)
    # The gradient of the maximum is not 0 where both are.
    return _per_sample(torch.where(y.isnan().unsqueeze(2), 0.0, loss))


def huber(outputs, y):
    """Return the Huber loss (B,): linear beyond a standard deviation of the target."""
    return _per_sample(F.huber_loss(outputs, fill(y, outputs), reduction="none"))


def relative_l2(outputs, y, spread=(1.0,)):
    """Return the relative errors |outputs - y| / |y| (B,) of outputs (B, K, ...).

    Both norms are in units of ``spread``, one number for all channels or one for each:
    the standard deviations of y. The norm of a target that is nearly zero is taken to
    be a tenth of its expectation. If targets are missing, both norms are those of the
    known ones, and the sample weighs as much as it has of these.
    """
    spread = y.new_tensor(spread).reshape(-1, *[1] * (y.ndim - 2))
    known = ~y.isnan()
    error = _per_sample(((outputs - fill(y, outputs)) / spread).square())
    size = _per_sample((torch.where(known, y, 0.0) / spread).square())
    share = _per_sample(known.to(y.dtype))
    least, tiny = _SMALLEST**2 * share, torch.finfo(y.dtype).eps
    return share * ((error + tiny**2) / torch.maximum(size, least)).sqrt()


def class_agreement(mixed, clean):
    """Return losses (B,) of logits (B, K, ...) of mixed samples, given the clean ones.

    The loss is the cross-entropy for the class predicted from the clean sample where
    this prediction is confident, and 0 elsewhere.
    """
    confidence, y = clean.softmax(1).max(1)
    losses = F.cross_entropy(mixed, y, reduction="none") * (confidence > CONFIDENT)
    return losses if losses.ndim == 1 else _per_sample(losses)


def label_agreement(mixed, clean):
    """Return losses (B,) for label sets, otherwise as ``class_agreement``."""
    likely = clean.sigmoid()
    confident = torch.maximum(likely, 1 - likely) > CONFIDENT
    losses = F.binary_cross_entropy_with_logits(
        mixed, (likely > 0.5).float(), reduction="none"
    )
    return _per_sample(losses * confident)


REGRESSION_LOSSES = {
    "squared_error": squared_error,
    "absolute_error": absolute_error,
    "huber": huber,
    "relative_l2": relative_l2,
}


def source_loss(outputs, y):
    """Return the losses (B,) of the source head, cross-entropies.

    ``outputs`` are logits (B, K) for classes (B,), or logits (B, K, h, w) of
    coarse masks. These are compared with the share of each class in the positions of a
    token, for classes (B, L) or (B, H, W).
    """
    if y.ndim == 1:
        return cross_entropy(outputs, y)
    share = F.one_hot(y, outputs.shape[1]).float().movedim(-1, 1)
    if y.ndim == 2:
        # The windows of a signal fill the token grid line by line.
        share = F.adaptive_avg_pool1d(share, outputs[0, 0].numel())
        share = share.view_as(outputs)
    else:
        share = F.adaptive_avg_pool2d(share, outputs.shape[2:])
    return _per_sample(F.cross_entropy(outputs, share, reduction="none"))


class LossTerms(NamedTuple):
    """Total loss of a step and its terms; those without samples are None."""

    total: torch.Tensor
    target: torch.Tensor
    mixed_target: torch.Tensor | None = None
    mixed_source: torch.Tensor | None = None
    unlabeled: torch.Tensor | None = None

    def plus(self, other):
        """Add the terms of another part of the same batch."""
        pairs = zip(self, other, strict=True)
        return LossTerms(
            *(b if a is None else a if b is None else a + b for a, b in pairs)
        )


class Targets(NamedTuple):
    """Targets of a batch or of a part of it, and the sizes of the batch.

    Attributes
    ----------
    y, weight : torch.Tensor of shape (B, ...) and (B,)
        Targets and weights of the clean samples.
    n : int
        Number of clean samples in the whole batch.
    y_mixed, weight_mixed : torch.Tensor of shape (m, ...) and (m,), or None
        Those of the mixed samples.
    n_mixed : int
        Number of mixed samples in the whole batch.
    y_source : torch.Tensor of shape (m, ...) or None
        Classes of source samples, or of their positions.
    y_own, weight_own : torch.Tensor of shape (m, ...) and (m,), or None
        Targets and weights of the target samples whose tokens replace others.
    """

    y: torch.Tensor
    weight: torch.Tensor
    n: int
    y_mixed: torch.Tensor | None = None
    weight_mixed: torch.Tensor | None = None
    n_mixed: int = 0
    y_source: torch.Tensor | None = None
    y_own: torch.Tensor | None = None
    weight_own: torch.Tensor | None = None

    def part(self, i, n_parts):
        """Return every ``n_parts``-th target, beginning with those of sample i."""
        return Targets(*(v[i::n_parts] if torch.is_tensor(v) else v for v in self))


def pare_loss(outputs, targets, loss, mix_weight=1.0, source_weight=1.0):
    """Return L(clean) + w * ((1 - lam) * L(mixed) + lam * v * L_source(mixed)).

    Here lam = k / N_t is the fraction of replaced tokens (Cai et al., ICML 2024), w is
    ``mix_weight`` and v is ``source_weight``, 1 in the paper. L is the mean of the
    losses (B,) that ``loss(outputs, y)`` returns, times the weights of the samples,
    which have mean 1 over the training set. L_source is the cross-entropy for the class
    of the source sample or, where a target sample replaces tokens, the loss for its
    target. Means are over the samples of the whole batch, so that the terms of parts
    of a batch add up.
    """
    target = (targets.weight * loss(outputs.target, targets.y)).sum() / targets.n
    if outputs.mixed_target is None:
        return LossTerms(target, target)
    lam, mixed, n = outputs.fraction, outputs.mixed_target, targets.n_mixed
    mixed_target = (targets.weight_mixed * loss(mixed, targets.y_mixed)).sum() / n
    if outputs.mixed_source is None:
        others = targets.weight_own * loss(mixed, targets.y_own)
    else:
        others = source_loss(outputs.mixed_source, targets.y_source)
    mixed_source = others.sum() / n
    sum_of_both = (1 - lam) * mixed_target + lam * source_weight * mixed_source
    total = target + mix_weight * sum_of_both
    return LossTerms(total, target, mixed_target, mixed_source)


def add_agreement(terms, outputs, agreement, n, mix_weight=1.0):
    """Add a loss for mixed and clean predictions of unlabelled samples that differ.

    As in FixMatch (Sohn et al., NeurIPS 2020), the prediction from an easy view of a
    sample labels a hard view; here the hard view contains other tokens. All samples of
    ``outputs`` are mixed, and the batch has ``n`` unlabelled ones. The losses (B,) that
    ``agreement(mixed, clean)`` returns are weighted as those of other mixed samples, by
    ``mix_weight`` and 1 - lam.
    """
    loss = agreement(outputs.mixed_target, outputs.target.detach()).sum() / n
    total = terms.total + mix_weight * (1 - outputs.fraction) * loss
    return terms._replace(total=total, unlabeled=loss)
