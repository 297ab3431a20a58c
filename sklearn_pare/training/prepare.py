"""Data for the training loop, and the fitted linear path."""

import copy
import math
from typing import NamedTuple

import numpy as np
import torch

from sklearn_pare._architecture import Architecture, new_linear_path
from sklearn_pare._data.lazy import LazyArray
from sklearn_pare._data.reach import check_reach
from sklearn_pare._data.splits import split
from sklearn_pare.nn.parts import in_parts
from sklearn_pare.training.batches import EncodedSamples, LazyRows, Rows
from sklearn_pare.training.linear_path import fit_linear_path, remainder
from sklearn_pare.training.share import FEWEST
from sklearn_pare.training.symmetries import Symmetries, find_symmetries

# Samples that embedders compute quantiles from.
_ROWS = 512
# If a linear path leaves more than this part of a field, it adds more noise than it
# saves the decoder time.
_LEFT = 0.1
# Part of the samples that determines the network's share; less for dense targets, where
# each sample has many numbers. More than _MOST samples are not needed.
_FRACTION, _DENSE_FRACTION, _MOST = 0.2, 0.05, 200


class Prepared(NamedTuple):
    """Data of a training run.

    Attributes
    ----------
    architecture : Architecture
        Without a linear path if it explains too little.
    linear : LinearPath or None
        The fitted linear path.
    target : ClassTarget, LabelTarget, MaskTarget or ValueTarget
        Numbers are in units of what the linear path leaves.
    some : torch.Tensor
        Some samples, for thresholds and quantiles of embedders.
    rows, valid_rows, share_rows, unlabeled_rows : Rows or LazyRows
        Training samples, with weights of mean 1; validation samples or None; samples
        that determine the network's share, which are the validation samples or, without
        these, held out from the data, or None without a linear path; and samples
        without targets or None.
    symmetries : Symmetries
    """

    architecture: Architecture
    linear: object
    target: object
    some: torch.Tensor
    rows: object
    valid_rows: object
    share_rows: object
    unlabeled_rows: object
    symmetries: Symmetries


def prepare(architecture, encoder, data, start, pretrained):
    """Encode the data and fit the linear path.

    Parameters
    ----------
    architecture : Architecture
        With all groups of features that a linear path may read.
    encoder : ChannelScaler or TableEncoder
        The fitted encoder.
    data : FitData
    start : Start
        Its device is that of the batches, its first seed determines random weights of
        the backbone, and its second one the samples that are held out.
    pretrained : bool
        Whether the backbone has its pretrained weights.
    """
    weight = data.weight / data.weight.mean()

    def encode(X):
        if isinstance(X, LazyArray):
            return EncodedSamples(X, encoder.transform)
        return torch.from_numpy(check_reach(encoder.transform(X), X, encoder))

    def make_rows(x, codes, weight, offset=None):
        if linear is not None and offset is None and isinstance(x, torch.Tensor):
            offset = in_parts(linear, x.to(start.device), samples=64).cpu().numpy()
        make = LazyRows if isinstance(x, EncodedSamples) else Rows.from_arrays
        return make(x, codes, weight, start.device, offset)

    x = encode(data.X)
    start.stopwatch.lap("checks and encoding")
    symmetries = find_symmetries(x, data, start.seeds[1])
    linear = offset = valid_rows = unlabeled_rows = None
    if architecture.linear:
        linear = new_linear_path(architecture, pretrained, start.seeds[0])
        linear, offset, data = _fit_linear(linear, x, data, weight, symmetries, start)
        start.stopwatch.lap("linear model")
    rows = make_rows(x, data.codes, weight, offset)
    if data.validation is not None:
        X_val, codes_val, weight_val, _ = data.validation
        valid_rows = make_rows(encode(X_val), codes_val, weight_val)
    rows, share_rows = _for_the_share(rows, valid_rows, linear, data, start.seeds[1])
    if data.unlabeled is not None:
        nothing = np.zeros(len(data.unlabeled))
        unlabeled_rows = make_rows(encode(data.unlabeled), nothing, nothing)
    return Prepared(
        architecture._replace(linear=tuple(getattr(linear, "features", ()))),
        linear,
        data.target,
        x[np.linspace(0, len(x) - 1, min(len(x), _ROWS)).astype(int)],
        rows,
        valid_rows,
        share_rows,
        unlabeled_rows,
        symmetries,
    )


def _for_the_share(rows, valid_rows, linear, data, seed):
    """Return samples to train on, and those that determine the share, or None."""
    if linear is None:
        return rows, None
    if valid_rows is not None:
        return rows, valid_rows
    return map(rows.subset, _hold_out(data, seed))


def _fit_linear(linear, x, data, weight, symmetries, start):
    """Return the linear path, its offsets, and the data in units of its residuals.

    If the path explains too little, there is none, and the data are as before.
    """
    target, values = data.target, data.target.kind == "values"
    codes = target.repeat(data.codes) if values else data.codes
    linear = linear.to(start.device)
    offset = fit_linear_path(linear, x, codes, weight, target.kind, data.groups)
    if not values:
        return linear, offset, data
    left = remainder(offset, codes)
    forms = symmetries.add_forms(x, codes, weight, data.groups, start.seeds[1])
    if forms is not None:
        # A law that is nearly symmetric may be predicted better without.
        other, (*every, groups) = copy.deepcopy(linear), forms
        others = fit_linear_path(other, *every, target.kind, groups)[: len(codes)]
        if remainder(others, codes).max() < left.max():
            linear, offset, left = other, others, remainder(others, codes)
    if codes.ndim > 2 and left.max() > _LEFT * codes.std():
        return None, None, data
    shift = target.shift(codes - offset, weight)
    if shift is not None:
        # Ridge regression predicts means, these losses are lowest at quantiles.
        linear.shift(torch.from_numpy(shift).to(linear.bias.device))
        offset = offset + shift.reshape(-1, *[1] * (codes.ndim - 2))
    linear.zoom(torch.from_numpy(left).to(linear.bias.device))
    own, validation = left[:: len(left) // len(target.mean)], data.validation
    if validation is not None:
        validation = validation._replace(codes=_divide(validation.codes, own))
    data = data._replace(
        codes=_divide(data.codes, own), target=target.zoom(own), validation=validation
    )
    return linear, _divide(offset, left), data


def _divide(values, factor):
    """Return values (n, K, ...) divided by one factor per channel, in float32."""
    factor = factor.reshape(-1, *[1] * (values.ndim - 2))
    return (values / factor).astype(np.float32)


def _hold_out(data, seed):
    """Return the indices of training samples, and of samples for `fit_share`."""
    codes, target = data.codes, data.target
    fraction = _DENSE_FRACTION if len(target.output_shape) > 1 else _FRACTION
    count = max(FEWEST, min(math.ceil(fraction * len(codes)), _MOST))
    count = min(count, len(codes) // 2)
    return split(len(codes), count, target.strata(codes), data.groups, seed)
