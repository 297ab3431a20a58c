"""Errors for numbers that are too far from those of fit to be computed with."""

import numpy as np

from sklearn_pare._data.tables import is_frame
from sklearn_pare._data.validation import select
from sklearn_pare.exceptions import DataError


def check_reach(encoded, X, encoder):
    """Return encoded samples, or raise DataError if a number left float32's range."""
    far = np.isinf(encoded).reshape(len(encoded), -1).any(1)
    if far.any():
        sample = int(far.argmax())
        raise _too_far(encoded[sample], sample, X, encoder)
    return encoded


def check_outputs(outputs, X, encoder, first=0):
    """Return outputs for samples from `first` on, or raise if one is not finite."""
    finite = np.isfinite(outputs).reshape(len(outputs), -1).all(1)
    if not finite.all():
        sample = first + int(finite.argmin())
        encoded = encoder.transform(select(X, slice(sample, sample + 1)))
        raise _too_far(encoded[0], sample, X, encoder)
    return outputs


def _too_far(encoded, sample, X, encoder):
    """Return the error that names the farthest number of an encoded sample."""
    distance = np.nan_to_num(np.abs(encoded), nan=-1, posinf=np.inf)
    if hasattr(encoder, "cardinalities"):
        distance[np.array(encoder.cardinalities) > 0] = -1
    channel, *place = map(int, np.unravel_index(distance.argmax(), encoded.shape))
    if is_frame(X):
        where, value = f"column {X.columns[channel]!r}", X.iloc[sample, channel]
    else:
        kind = "channel" if place else "column"
        where = f"{kind} {channel}"
        value = np.asarray(X[sample : sample + 1])[0, channel, *place]
    if place:
        where += f" at position {', '.join(map(str, place))}"
    deviations = abs(float(value) - encoder.mean_[channel]) / encoder.scale_[channel]
    return DataError(
        f"Nothing finite can be computed for sample {sample} of X: {where} holds "
        f"{float(value):g}, {deviations:.3g} standard deviations from the mean in fit. "
        "Look for a wrong unit, or a number that stands for a missing value."
    )
