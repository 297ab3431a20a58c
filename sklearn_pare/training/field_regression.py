"""Fields predicted from other fields, each sample by a regression on the others.

Two kinds of regression follow each other. Most laws are local, and then a few samples
contain thousands of examples: ridge regression of a value on the patch around it and
its position, in linear and random Fourier features (A. Rahimi and B. Recht, NeurIPS
2007). The rest is predicted from whole samples by kernel ridge regression.
"""

import itertools

import numpy as np
import torch
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.preprocessing import QuantileTransformer

from sklearn_pare.nn.linear_path import pool

# Values in all samples together of which errors are measured, and examples of the local
# regression; its random features, folds of samples, and the most values in a patch.
_MEASURED, _EXAMPLES = 60_000, 15_000
_RANDOM, _FOLDS, _WIDEST = 200, 5, 160
# Radii of patches by number of axes, in steps of which an axis has at least so many.
_RADII, _STEPS = {1: (2, 8, 16), 2: (1, 2)}, {1: 256, 2: 32}
_SCALES, _RIDGES = (0.5, 1.5), (1e-6, 1e-3)
# Samples are equal if most squared distances are below this part of their squared norm.
_SAME = 1e-9
# Positions in the kernel ridge regression; its last penalty leaves the rest as it is.
_WHOLE = 256
_GAMMAS, _PENALTIES = (0.03, 0.1, 0.3, 1.0), (1e-5, 1e-3, 1e-1, 1e6)


def predict_left_out(x, y):
    """Predict fields y (n, K, ...) from x (n, C, ...), tensors of the same positions.

    Missing values of y are not used. Fields at a position have a local regression only
    if all of them are known.

    Returns
    -------
    errors : ndarray of shape (n,)
        Relative errors of the samples.
    errors_of : callable
        Function of transformed samples x and y. Returns their relative errors, each
        predicted without the sample that it was made of.
    """
    place, best = _places(x, _MEASURED // y.shape[1]), (np.inf,)
    fields = _at(y, place)
    for view in (lambda x: x, _to_normal(x)):
        for near in (_nothing, _best_local(view(x), y, place)):
            rest, far = _far(view(x), np.nan_to_num(fields - near(view(x))))
            errors = _norm(np.where(np.isnan(fields), 0, rest)) / _norm(fields)
            if errors.mean() < best[0]:
                best = errors.mean(), errors, view, near, far
    _, errors, view, near, far = best

    def errors_of(x, y):
        x, fields = view(x), _at(y, place)
        return _norm(fields - near(x) - far(x)) / _norm(fields)

    return errors, errors_of


def _to_normal(x):
    """Return a function that gives each channel of x a normal distribution.

    The response to coefficients that span some decades is more linear in these.
    """
    columns = x.movedim(1, -1).flatten(0, -2).numpy()
    made = QuantileTransformer(
        n_quantiles=min(100, len(columns)),
        output_distribution="normal",
        random_state=0,
    ).fit(columns)

    def view(x):
        last = x.movedim(1, -1)
        normal = made.transform(last.flatten(0, -2).numpy()).clip(-3, 3)
        return torch.from_numpy(normal).reshape(last.shape).movedim(-1, 1)

    return view


def _nothing(x):
    return 0.0


def _places(x, most):
    """Choose a grid of positions, about ``most`` in all samples together.

    It stays the same if an axis is reversed, so that errors can be compared.
    """
    size, side = x.shape[2:], (most / len(x)) ** (1 / (x.ndim - 2))
    grid = []
    for length in size:
        number = max(1, int(min(side, length) / 2))
        half = np.linspace(0, (length - 1) / 2, number, dtype=int)
        grid.append(np.union1d(half, length - 1 - half))
    return np.ravel_multi_index(np.ix_(*grid), size).ravel()


def _at(fields, place):
    """Return the values of fields (n, K, ...) at positions, (n, K * positions)."""
    return fields.flatten(2)[:, :, place].flatten(1).double().numpy()


def _best_local(x, y, place):
    """Return a function of samples that predicts their fields locally, left out."""
    best, (n, channels), sides = (np.inf, _nothing), x.shape[:2], x.ndim - 2
    some, fold = _places(x, _EXAMPLES), np.arange(n) % _FOLDS
    fields = y.flatten(2)[:, :, some].mT.double().numpy()
    known = ~np.isnan(fields).any(2, keepdims=True)
    fields = np.where(known, fields, 0.0)
    for radius, scale in itertools.product(_RADII[sides], _SCALES):
        if channels * (2 * radius + 1) ** sides > _WIDEST:
            continue
        own = _features(x, some, radius, scale) * known
        for weights in _ridge(own, fields, fold):
            error = _norm((fields - own @ weights[fold]).reshape(n, -1)).mean()
            best = min(best, (error, radius, scale, weights), key=lambda b: b[0])
    if best[1] is _nothing:
        return _nothing
    _, radius, scale, weights = best

    def local(x):
        predicted = _features(x, place, radius, scale) @ weights[fold]
        return predicted.swapaxes(1, 2).reshape(n, -1)

    return local


def _ridge(features, fields, fold):
    """Yield weights (folds, F, K) of regressions without the samples of each fold."""
    grams, products = [], []
    for k in range(_FOLDS):
        own, values = features[fold == k], fields[fold == k]
        grams.append(np.tensordot(own, own, ((0, 1), (0, 1))))
        products.append(np.tensordot(own, values, ((0, 1), (0, 1))))
    gram, product = sum(grams) - np.stack(grams), sum(products) - np.stack(products)
    # Where all values are missing, there is no scale.
    unit = np.trace(grams[0]) or 1.0
    for ridge in _RIDGES:
        yield np.linalg.solve(gram + ridge * unit * np.eye(gram.shape[1]), product)


def _features(x, place, radius, scale):
    """Return features (n, positions, F) of the patches around positions."""
    size, sides = x.shape[2:], x.ndim - 2
    steps = np.indices((2 * radius + 1,) * sides).reshape(sides, -1, 1) - radius
    steps *= np.maximum(1, np.array(size) // _STEPS[sides])[:, None, None]
    centre = np.stack(np.unravel_index(place, size))
    near = np.ravel_multi_index(tuple(centre[:, None] + steps), size, mode="wrap")
    patches = x.flatten(2)[:, :, near].flatten(1, 2).mT
    where = torch.from_numpy(2 * centre.T / np.array(size) - 1).to(x)
    where = where.expand(len(x), -1, -1)
    inputs = torch.cat([patches * (scale / patches.shape[2] ** 0.5), where], 2)
    generator = torch.Generator().manual_seed(0)
    directions = torch.randn(inputs.shape[2], _RANDOM, generator=generator)
    phases = 2 * np.pi * torch.rand(_RANDOM, generator=generator)
    waves = torch.cos(inputs @ directions + phases)
    # Gains that differ along an axis, and between even and odd positions.
    signs = torch.from_numpy(1.0 - 2 * (np.vstack([centre, centre.sum(0)]) % 2)).to(x)
    signs = signs[: 2 * sides - 1].mT.expand(len(x), -1, -1)
    factors = torch.cat([where, signs], 2).unbind(2)
    gains = [patches * factor[..., None] for factor in factors]
    every = [torch.ones_like(where[..., :1]), where, signs, patches, *gains, waves]
    return torch.cat(every, 2).double().numpy()


def _far(x, y):
    """Predict rows y (n, m) from whole samples x by kernel ridge regression.

    Returns what is left of each row if it is predicted by the others, and a function of
    transformed samples that predicts their rows.
    """
    own, best = _whole(x), (np.inf,)
    distances = euclidean_distances(own, squared=True)
    unit = np.median(distances)
    if unit <= _SAME * np.square(own).sum(1).mean():
        return y, _nothing
    for gamma in _GAMMAS:
        values, vectors = np.linalg.eigh(np.exp(-gamma * distances / unit))
        for penalty in _PENALTIES:
            inverse = vectors / (values + penalty) @ vectors.T
            rest = inverse @ y / np.diag(inverse)[:, None]
            error = _norm(rest).mean()
            if error < best[0]:
                best = error, gamma, inverse, rest
    _, gamma, inverse, rest = best

    def far(x):
        distances = euclidean_distances(_whole(x), own, squared=True)
        weights = np.exp(-gamma * distances / unit) @ inverse
        # The share of the sample itself is subtracted.
        return weights @ y - np.diag(weights)[:, None] * rest

    return rest, far


def _whole(x):
    side = round(_WHOLE ** (1 / (x.ndim - 2)))
    size = tuple(min(side, length) for length in x.shape[2:])
    return pool(x, size).flatten(1).double().numpy()


def _norm(values):
    """Return the norms of rows of which values may be missing."""
    return np.maximum(np.linalg.norm(np.nan_to_num(values), axis=1), 1e-12)
