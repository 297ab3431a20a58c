"""Samples on another grid than those of fit."""

import warnings
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F

from sklearn_pare._data.validation import shape_rows
from sklearn_pare.exceptions import DataError
from sklearn_pare.nn.gaps import average


def on_grid(X, input_shape, dense):
    """Return X with samples of shape `input_shape`, or of another size with a warning.

    Images of another height and width, and signals of another length if there is a
    target at every position (`dense`), are left as they are, to be resampled later.
    """
    channels, *size = input_shape
    if len(size) == 1 and X.ndim == 3 and isinstance(X, np.ndarray):
        beyond = X[:, :, size[0] :]
        # Signals that end with NaN are not on another grid.
        X = X[:, :, : size[0]] if np.isnan(beyond).all() else X
    same_kind = X.ndim == len(input_shape) + 1 and X.shape[1] == channels
    fixed = len(size) == 1 and not dense
    if same_kind and fixed and X.shape[2] < size[0]:
        raise DataError(
            f"X has shape {X.shape}, but the estimator was fitted to X of shape "
            f"(n, {channels}, {size[0]}). Signals in a list may be shorter."
        )
    if not same_kind or X.shape[2:] == tuple(size) or fixed:
        return shape_rows(X, input_shape)
    places, found = (" x ".join(map(str, s)) for s in (size, X.shape[2:]))
    back = ", and predictions back to the positions of X" if dense else ""
    warnings.warn(
        f"X has samples on a grid of {found} positions; in fit it was {places}. They "
        f"are resampled to the grid of fit by linear interpolation{back}. Finer "
        "details are lost; to learn from them, fit on the grid of X.",
        UserWarning,
        stacklevel=5,
    )
    return X


def encode_on_grid(encoder, input_shape, X):
    """Return samples as `encoder` encodes them, on the grid of `input_shape`."""
    encoded = encoder.transform(X)
    return encoded if X.ndim == 2 else resample(encoded, input_shape[1:])


def resample(values, size):
    """Interpolate known values (n, C, ...), or average positions, to a grid of `size`.

    Positions are centres of cells: the corners of both grids coincide.
    """
    if values.shape[2:] == tuple(size):
        return values
    # Signals are images of height 1: averages are implemented for images only.
    signals, size = values.ndim == 3, (1, *size)[-2:]
    images = torch.from_numpy(values[:, :, None] if signals else values)
    how = {"size": size, "mode": "bilinear", "antialias": True}
    images = average(images, partial(F.interpolate, **how)).numpy()
    return images[:, :, 0] if signals else images


def restore_grid(outputs, size, fit_size):
    """Return outputs (n, K, ...) for samples of `size`, which had `fit_size` in fit."""
    if outputs.ndim == 2:
        return outputs
    pairs = zip(outputs.shape[2:], size, fit_size, strict=True)
    return resample(outputs, [max(1, round(own * s / f)) for own, s, f in pairs])
