"""Linear path: ridge or logistic regression.

The network learns the residuals of the linear path. On the path's own training samples
they would be too small, so the network is trained with out-of-sample predictions of the
path: leave-one-out for ridge regression, five folds for logistic regression and for
samples in groups, such as a sample and its transformed forms.
"""

import warnings
from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge, RidgeCV
from sklearn.model_selection import StratifiedKFold
from sklearn.utils import gen_batches

from sklearn_pare._data.splits import grouped_folds
from sklearn_pare.training.feature_groups import choose_groups

# With more samples the network learns a linear map by itself.
MAX_SAMPLES = 4_000
_FOLDS = 5
_BATCH = 64
_ALPHAS = np.logspace(-6, 4, 21)
_CS = np.logspace(-2, 4, 7)
# For products of features, in which rounding drowns smaller penalties.
_SAFE = _ALPHAS[_ALPHAS > 1e-5]
# A linear map that leaves less than this part of the target is taken to be exact.
_EXACT = 1e-4


def has_linear_path(X, target):
    """Return whether a linear model is fitted to such data."""
    if len(X) > MAX_SAMPLES or target.kind == "masks":
        return False
    # Single pixels say little about the class of an image.
    return target.linear if target.kind == "values" else X.ndim < 4


@torch.no_grad()
def fit_linear_path(path, x, codes, weight, kind, groups=None):
    """Fit a linear path in place.

    Parameters
    ----------
    path : nn.linear_path.LinearPath
        With all groups of features that it may read; those that do not help are left
        out.
    x : torch.Tensor or EncodedSamples of shape (n, ...)
    codes : ndarray of shape (n,) or (n, K, ...)
        Classes, indicators or standardised numbers.
    weight : ndarray of shape (n,)
    kind : {"classes", "labels", "values"}
    groups : ndarray of int of shape (n,), optional
        Groups that the folds do not divide.

    Returns
    -------
    offset : ndarray of shape (n, K, ...), float32
        Outputs for each sample of a path that was fitted without it.
    """
    y = path.fold(torch.from_numpy(codes)).numpy() if kind == "values" else codes
    parts = _read_groups(path, x)
    if len(parts) > 1:
        targets = y if kind == "values" else _indicators(codes, path.shape[0])
        read = {name: part.features for name, part in parts.items()}
        grams = {name: (own @ own.T).astype(np.float64) for name, own in read.items()}
        # A wrong choice among few samples of each class costs more than it gains.
        always = () if kind == "values" else ("kernels",)
        targets = np.nan_to_num(targets)
        names = choose_groups(grams, targets, weight, groups, _SAFE, always)
        parts = {name: parts[name] for name in names}
        path.keep(names)
    share = np.sqrt(len(parts))
    mean, scale, used = (
        np.concatenate([getattr(part, name) for part in parts.values()])
        for name in ("mean", "scale", "used")
    )
    features = np.hstack([parts.pop(name).features / share for name in [*parts]])
    # Penalties are invariant under rotation, so n features are enough.
    rotation = None
    if features.shape[1] > len(features):
        _, _, rotation = np.linalg.svd(features, full_matrices=False)
        features = features @ rotation.T
    if kind == "values":
        weights, bias, offset = _ridge_of_known(features, y, weight, groups)
    else:
        # With many features least squares is better than likelihood, as in MiniRocket.
        classify = _logistic if rotation is None else _least_squares
        n_classes = None if kind == "labels" else path.shape[0]
        weights, bias, offset = _classify(
            classify, features, codes, weight, n_classes, groups
        )
    if rotation is not None:
        weights = rotation.T @ weights
    weights = np.where(used[:, None], weights / (scale * share)[:, None], 0.0)
    path.weight.copy_(torch.from_numpy(weights.T))
    path.bias.copy_(torch.from_numpy(bias - mean @ weights))
    path.mean.copy_(torch.from_numpy(mean))
    return path.unfold(torch.from_numpy(offset.astype(np.float32))).numpy()


class _Standardised(NamedTuple):
    """Features of a group with mean 0 and total variance 1, and how to get them."""

    features: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    used: np.ndarray


def _read_groups(path, x):
    """Return the standardised features of each group of a path."""
    device = path.bias.device
    path.features.fit(x)
    read = {name: [] for name in path.features}
    for batch in gen_batches(len(x), _BATCH):
        rows = x[batch].to(device)
        for name, group in path.features.items():
            read[name].append(group(rows).cpu())
    return {name: _standardise(torch.cat(read.pop(name)).numpy()) for name in [*read]}


def _standardise(raw):
    missing = np.isnan(raw)
    if missing.any():
        # Features that cannot be computed are replaced by the mean of the others.
        mean = np.sum(raw, 0, where=~missing) / np.maximum((~missing).sum(0), 1)
        raw = np.where(missing, mean.astype(raw.dtype), raw)
    mean, scale = raw.mean(0), raw.std(0)
    # Features that hardly vary would get huge weights.
    used = scale > 1e-6 * max(scale.max(), 1e-6)
    scale = np.where(used, scale, 1.0) * np.sqrt(max(used.sum(), 1))
    features = (raw - mean) / scale
    features[:, ~used] = 0.0
    return _Standardised(features, mean, scale, used)


def _indicators(codes, n_outputs):
    """Return -1 and 1 for each class of classes (n,), or each label of (n, K)."""
    there = codes if codes.ndim > 1 else np.eye(n_outputs, dtype=np.float32)[codes]
    return 2 * there - 1


def remainder(offset, codes):
    """Return the standard deviation (K,) of the residuals of standardised numbers."""
    left = codes - offset
    if np.isnan(left).any():
        left = np.ma.masked_invalid(left)
    if codes.ndim == 2:
        return np.maximum(np.asarray(left.std(0)), _EXACT)
    # Fields keep the proportions of their channels.
    return np.full(codes.shape[1], max(left.std(), _EXACT))


def _ridge_of_known(features, y, weight, groups):
    """Fit `_ridge`; if targets are missing, each output to the samples that have it.

    The other samples are predicted by the model, which was fitted without them.
    """
    known = ~np.isnan(y)
    if known.all():
        return _ridge(features, y, weight, groups)
    parts = []
    for own, rows in zip(y.T, known.T, strict=True):
        if rows.sum() < 2:
            # Nothing is learned but the mean of standardised numbers.
            own, rows = np.zeros_like(own), np.ones_like(rows)
        kept = None if groups is None else groups[rows]
        if kept is not None and len(np.unique(kept)) < 2:
            kept = None
        fit = _ridge(features[rows], own[rows, None], weight[rows], kept)
        weights, bias, offset = (np.asarray(part, np.float64) for part in fit)
        others = features @ weights + bias
        others[rows] = offset
        parts.append((weights, bias, others))
    return (np.concatenate(part, -1) for part in zip(*parts, strict=True))


def _ridge(features, y, weight, groups):
    """Fit ridge regression; penalty and offsets are from leave-one-out, or from folds.

    Samples in groups are predicted from other groups.
    """
    if groups is not None:
        alpha, offset = _ridge_of_folds(features, y, weight, groups)
        ridge = Ridge(alpha).fit(features, y, weight)
    else:
        alpha = RidgeCV(_ALPHAS).fit(features, y, weight).alpha_
        ridge = RidgeCV(
            [alpha], scoring="neg_mean_squared_error", store_cv_results=True
        )
        ridge.fit(features, y, weight)
        offset = ridge.cv_results_[..., 0].reshape(y.shape)
    coef = ridge.coef_.reshape(y.shape[1], -1)
    return coef.T, np.broadcast_to(ridge.intercept_, y.shape[1:]), offset


def _ridge_of_folds(features, y, weight, groups):
    """Return the best penalty, and predictions for the groups that are held out."""
    folds = []
    for kept, held_out in grouped_folds(None, groups, _FOLDS):
        mean, y_mean = (
            np.average(a[kept], axis=0, weights=weight[kept]) for a in (features, y)
        )
        # One decomposition serves all penalties.
        root = np.sqrt(weight[kept])[:, None]
        u, s, vt = np.linalg.svd(root * (features[kept] - mean), full_matrices=False)
        fitted = u.T @ (root * (y[kept] - y_mean))
        folds.append((held_out, y_mean, (features[held_out] - mean) @ vt.T, s, fitted))
    best, offset = np.inf, np.empty_like(y)
    for alpha in _ALPHAS:
        prediction = np.empty_like(y)
        for held_out, y_mean, turned, s, fitted in folds:
            prediction[held_out] = y_mean + turned * (s / (s**2 + alpha)) @ fitted
        error = np.average(np.square(y - prediction).mean(1), weights=weight)
        if error < best:
            best, best_alpha, offset = error, alpha, prediction
    return best_alpha, offset


def _classify(classify, features, codes, weight, n_classes, groups):
    """Return weights (p, K), bias (K,) and offsets (n, K) of logits.

    Without `n_classes`, codes are indicators of labels. If a class has no samples, the
    logits are those of the class frequencies.
    """
    if n_classes is None:
        parts = [
            _classify(classify, features, codes_of_label, weight, 2, groups)
            for codes_of_label in codes.T.astype(np.int64)
        ]
        # The difference of the two logits of a label is its log-odds.
        return tuple(
            np.stack([part[..., 1] - part[..., 0] for part in own], -1)
            for own in zip(*parts, strict=True)
        )
    rarest = np.bincount(codes, minlength=n_classes).min()
    if rarest == 0:
        share = np.bincount(codes, weight, n_classes) + 1
        bias = np.log(share / share.sum())
        weights = np.zeros((features.shape[1], n_classes))
        return weights, bias, np.tile(bias, (len(codes), 1))
    # Folds of logistic regression need two samples of each class.
    classify = classify if rarest > 1 else _least_squares
    return classify(features, codes, weight, groups)


def _least_squares(features, codes, weight, groups):
    """Fit ridge regression to indicators, scaled to the most likely logits.

    One more sample, of every class in equal parts, keeps them finite if no sample is
    misclassified (compare Platt, "Probabilistic outputs for support vector machines",
    1999).
    """
    indicators = 2.0 * np.eye(codes.max() + 1)[codes]
    weights, bias, offset = _ridge(features, indicators, weight, groups)
    spread = 1 / (len(codes) + 1)

    def loss(log_factor):
        logits = np.exp(log_factor) * offset
        even = -np.average(log_softmax(logits, 1).mean(1), weights=weight)
        own = _cross_entropy(logits, codes, weight)
        return (1 - spread) * own + spread * even

    factor = np.exp(minimize_scalar(loss, bounds=(-3, 5), method="bounded").x)
    return factor * weights, factor * bias, factor * offset


def _cross_entropy(logits, codes, weight):
    likelihood = log_softmax(logits, 1)[np.arange(len(codes)), codes]
    return -np.average(likelihood, weights=weight)


def _logistic(features, codes, weight, groups):
    """Fit logistic regression; penalty and offsets are from folds."""
    n_classes = codes.max() + 1
    if groups is None:
        folds = StratifiedKFold(min(_FOLDS, np.bincount(codes).min()))
        split = list(folds.split(features, codes))
    else:
        split = grouped_folds(codes, groups, _FOLDS)
    if any(len(np.unique(codes[kept])) < n_classes for kept, _ in split):
        # Some class is in one group only.
        return _least_squares(features, codes, weight, groups)
    best = np.inf
    for c in _CS:
        logits = np.empty((len(codes), n_classes))
        for kept, held_out in split:
            own, bias = _solve(features[kept], codes[kept], weight[kept], c)
            logits[held_out] = features[held_out] @ own + bias
        loss = _cross_entropy(logits, codes, weight)
        if loss < best:
            best, best_c, offset = loss, c, logits
    return *_solve(features, codes, weight, best_c), offset


def _solve(features, codes, weight, c):
    """Return weights (p, K) and bias (K,) of a logistic regression."""
    model = LogisticRegression(C=c, max_iter=300)
    with warnings.catch_warnings():
        # Weak penalties converge slowly, and the folds choose between penalties.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(features, codes, weight)
    coef, bias = model.coef_, model.intercept_
    if len(coef) == 1:
        coef, bias = np.vstack([-coef, coef]) / 2, np.concatenate([-bias, bias]) / 2
    return coef.T, bias
