"""Losses per row, and the sum that PaRe minimises."""

from typing import NamedTuple

import torch
import torch.nn.functional as F

# Code of a place of a mask that takes no part in the loss.
IGNORED = -100
# From this probability on a prediction serves as a label.
CONFIDENT = 0.95


def _per_row(losses):
    """Losses (B, ...) -> their means (B,)."""
    return losses.flatten(1).mean(1)


def cross_entropy(outputs, y, class_weight=None):
    """Logits (B, K, ...) and classes (B, ...) -> losses (B,).

    Places of masks that are `IGNORED` count for nothing; `class_weight` (K,) weighs
    the others by their class.
    """
    if y.ndim == 1:
        return F.cross_entropy(outputs, y, reduction="none")
    weight = class_weight and outputs.new_tensor(class_weight)
    losses = F.cross_entropy(outputs, y, weight, ignore_index=IGNORED, reduction="none")
    used = (y != IGNORED).flatten(1).sum(1).clamp_min(1)
    return losses.flatten(1).sum(1) / used


def binary_cross_entropy(outputs, y, class_weight=None):
    """Return losses (B,) of logits (B, K) and indicators (B, K), averaged over labels.

    `class_weight` has one pair per label: the weights of 0 and of 1 in its loss.
    """
    losses = F.binary_cross_entropy_with_logits(outputs, y, reduction="none")
    if class_weight is not None:
        weight = outputs.new_tensor(class_weight)
        losses = losses * torch.where(y > 0, weight[:, 1], weight[:, 0])
    return _per_row(losses)


def squared_error(outputs, y):
    """Values (B, K, ...) and targets -> losses (B,), the mean over outputs."""
    return _per_row(F.mse_loss(outputs, y, reduction="none"))


def huber(outputs, y):
    """As `squared_error`, but linear beyond one standard deviation of the target."""
    return _per_row(F.huber_loss(outputs, y, reduction="none"))


def relative_l2(outputs, y):
    """Values (B, K, ...) and targets -> |outputs - y| / |y|, (B,)."""
    error = (outputs - y).flatten(1).square().sum(1)
    size = y.flatten(1).square().sum(1)
    tiny = torch.finfo(y.dtype).eps
    return ((error + tiny**2) / (size + tiny)).sqrt()


def class_agreement(mixed, clean):
    """Logits (B, K, ...) of mixed and of clean rows -> losses (B,).

    Cross-entropy of the class that the clean row is given, where it is given one with
    confidence; elsewhere 0.
    """
    confidence, y = clean.softmax(1).max(1)
    losses = F.cross_entropy(mixed, y, reduction="none") * (confidence > CONFIDENT)
    return losses if losses.ndim == 1 else _per_row(losses)


def label_agreement(mixed, clean):
    """Logits (B, K) of mixed and of clean rows -> losses (B,), as `class_agreement`."""
    likely = clean.sigmoid()
    confident = torch.maximum(likely, 1 - likely) > CONFIDENT
    losses = F.binary_cross_entropy_with_logits(
        mixed, (likely > 0.5).float(), reduction="none"
    )
    return _per_row(losses * confident)


REGRESSION_LOSSES = {
    "squared_error": squared_error,
    "huber": huber,
    "relative_l2": relative_l2,
}


def source_loss(outputs, y):
    """Loss of the source head, a scalar.

    Parameters
    ----------
    outputs : torch.Tensor of shape (B, K) or (B, K, h, w)
        Logits of rows, or of a coarse mask.
    y : torch.Tensor of shape (B,), (B, L) or (B, H, W), int64
        Classes of the rows, or of their samples or pixels.

    Returns
    -------
    loss : torch.Tensor
        Cross-entropy; a coarse mask is compared with the share of each class in the
        pixels that a token stands for.
    """
    if y.ndim == 1:
        return cross_entropy(outputs, y).mean()
    share = F.one_hot(y, outputs.shape[1]).float().movedim(-1, 1)
    if y.ndim == 2:
        # A signal fills the grid row by row.
        share = F.adaptive_avg_pool1d(share, outputs[0, 0].numel())
        share = share.reshape(outputs.shape)
    else:
        share = F.adaptive_avg_pool2d(share, outputs.shape[2:])
    return F.cross_entropy(outputs, share)


class LossTerms(NamedTuple):
    """The loss of one step and the means it is made of; mixed ones are None at k=0."""

    total: torch.Tensor
    target: torch.Tensor
    mixed_target: torch.Tensor | None = None
    mixed_source: torch.Tensor | None = None
    unlabeled: torch.Tensor | None = None

    def plus(self, other):
        """Terms of two parts of a batch; what one of them lacks is the other's."""
        pairs = zip(self, other, strict=True)
        return LossTerms(
            *(b if a is None else a if b is None else a + b for a, b in pairs)
        )


def pare_loss(
    outputs,
    y,
    weight,
    loss,
    y_source=None,
    mix_weight=1.0,
    source_weight=1.0,
    shares=(1.0, 1.0),
):
    """L(clean) + w * ((1 - lam) * L(mixed) + lam * v * CE_source(mixed)).

    Parameters
    ----------
    outputs : nn.model.Outputs
        Of a clean or of a mixed step.
    y : torch.Tensor of shape (B,) or (B, K)
        Targets of the rows.
    weight : torch.Tensor of shape (B,)
        Weight of every row in the target's terms; mean 1 over the training set.
    loss : callable
        ``loss(outputs, y)`` -> losses (B,).
    y_source : torch.Tensor of shape (B,), (B, L) or (B, H, W), int64, optional
        Classes of the source rows that were mixed in, or of their pixels.
    mix_weight, source_weight : float, default=1.0
        w and v. The paper has no v: it is 1.
    shares : tuple of two float, default=(1.0, 1.0)
        Of the rows of a batch, and of its mixed rows, that these outputs belong to:
        then the terms of all parts add up to those of the batch.

    Returns
    -------
    terms : LossTerms

    Notes
    -----
    lam = k / N_t is the fraction of replaced tokens (Cai et al., ICML 2024).
    """
    share, mixed_share = shares
    target = share * (weight * loss(outputs.target, y)).mean()
    if outputs.mixed_target is None:
        return LossTerms(target, target)
    lam = outputs.fraction
    n_mixed = len(outputs.mixed_target)
    mixed_target = loss(outputs.mixed_target, y[:n_mixed])
    mixed_target = mixed_share * (weight[:n_mixed] * mixed_target).mean()
    mixed_source = mixed_share * source_loss(outputs.mixed_source, y_source)
    mixed = (1 - lam) * mixed_target + lam * source_weight * mixed_source
    return LossTerms(target + mix_weight * mixed, target, mixed_target, mixed_source)


def add_agreement(terms, outputs, agreement, mix_weight=1.0, share=1.0):
    """Ask of unlabelled rows that their mixed and their clean predictions agree.

    Parameters
    ----------
    terms : LossTerms
    outputs : nn.model.Outputs
        Of the unlabelled rows, all of them mixed.
    agreement : callable
        ``agreement(mixed, clean)`` -> losses (B,).
    mix_weight : float, default=1.0
    share : float, default=1.0
        Of the unlabelled rows of a batch that these outputs belong to.

    Returns
    -------
    terms : LossTerms
        With (1 - lam) of that loss, weighted as the loss on mixed rows is.

    Notes
    -----
    As in FixMatch (Sohn et al., NeurIPS 2020) the easy view of a row labels the hard
    one; here the hard view is the row with tokens of the source.
    """
    loss = agreement(outputs.mixed_target, outputs.target.detach()).mean()
    loss = share * loss
    total = terms.total + mix_weight * (1 - outputs.fraction) * loss
    return terms._replace(total=total, unlabeled=loss)
