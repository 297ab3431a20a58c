"""Encoders: X in the units that the network is trained with."""

import math

import numpy as np
from sklearn.preprocessing import StandardScaler

from sklearn_pare._data.lazy import SMALL, LazyArray, blocks, standardise
from sklearn_pare._data.tables import TableEncoder
from sklearn_pare.exceptions import DataError

# Numbers of a lazy array that means and standard deviations are estimated from.
_SAMPLE = 2**26


def _channels_last(block):
    """Return a block (n, C, ...) as (m, C), and a block (n, F) unchanged."""
    if block.ndim == 2:
        return block
    return np.moveaxis(block, 1, -1).reshape(-1, block.shape[1])


class ChannelScaler:
    """Standardisation of each channel of signals or images, computed in blocks."""

    def fit(self, X):
        """Learn mean and standard deviation of the known numbers of each channel.

        For a `LazyArray` they are estimated from evenly spaced samples of together at
        most 2**26 numbers. Raises DataError if a channel has no number.
        """
        if isinstance(X, LazyArray):
            count = max(1, _SAMPLE // math.prod(X.shape[1:]))
            X = X[:: math.ceil(len(X) / count)]
        scaler = StandardScaler()
        for rows in blocks(X):
            with np.errstate(invalid="ignore"):
                scaler.partial_fit(_channels_last(np.asarray(X[rows])))
        empty = np.flatnonzero(np.isnan(scaler.mean_))
        if len(empty):
            raise DataError(
                f"Channel {empty[0]} of X holds no number in any training sample. "
                "Leave it out, or give samples in which it is known."
            )
        self.mean_, self.scale_ = scaler.mean_, scaler.scale_
        return self

    def transform(self, X):
        """Return a standardised copy of X in float32; NaN stays NaN."""
        shape = (-1,) + (1,) * (X.ndim - 2)
        mean, scale = self.mean_.reshape(shape), self.scale_.reshape(shape)
        scaled = np.empty(X.shape, dtype=np.float32)
        for rows in blocks(X, size=SMALL):
            scaled[rows] = standardise(np.asarray(X[rows]), mean, scale)
        return scaled


def encoder_for(X):
    """Return an encoder fitted to X: a `TableEncoder` or a `ChannelScaler`."""
    return (TableEncoder if X.ndim == 2 else ChannelScaler)().fit(X)
