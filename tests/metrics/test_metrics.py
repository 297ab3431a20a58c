"""Tests of the metrics against independent formulas or scikit-learn's functions."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    f1_score,
    roc_auc_score,
)
from sklearn.model_selection import cross_val_score
from sklearn.multiclass import OneVsRestClassifier

from sklearn_pare import metrics
from sklearn_pare.exceptions import DataError, UnknownNameError

CLOSE = {"rel": 1e-12, "abs": 1e-12}


def _chunks(n, size):
    return [slice(first, first + size) for first in range(0, n, size)]


def _labels(rng, n, k):
    """Return labels, some of them rare, and scores that correlate with them."""
    y = (rng.random((n, k)) < np.linspace(0.002, 0.6, k)).astype(int)
    return y, y + 1.5 * rng.normal(size=y.shape)


@pytest.mark.parametrize("shape", [(7, 1, 9, 8), (7, 3, 11), (7, 5)])
def test_relative_l2__row_by_row(shape, rng):
    y, prediction = rng.normal(size=(2, *shape))
    rows = [
        np.sqrt(((p - t) ** 2).sum() / (t**2).sum())
        for p, t in zip(prediction, y, strict=True)
    ]
    assert metrics.relative_l2(y, prediction) == pytest.approx(np.mean(rows), **CLOSE)
    # One chunk of four samples, one of three: samples of the second weigh more.
    expected = (np.mean(rows[:4]) + np.mean(rows[4:])) / 2
    found = metrics.legacy_relative_l2(y, prediction, chunk=4)
    assert found == pytest.approx(expected, **CLOSE)
    assert metrics.legacy_relative_l2(y, prediction) == pytest.approx(
        np.mean(rows), **CLOSE
    )


def test_relative_l2__field_of_zeros():
    with pytest.raises(DataError, match="Sample 1 of y_true is 0 everywhere"):
        metrics.relative_l2([[1.0], [0.0]], [[1.0], [1.0]])


def _proteins(rng, lengths, size=60):
    """Return distances on canvases, as the loader places them, and a prediction."""
    y = np.full((len(lengths), 1, size, size), 100.0)
    for row, length in enumerate(lengths):
        distances = rng.uniform(4, 30, (length, length))
        inside = slice(5, 5 + length)
        y[row, 0, inside, inside] = (distances + distances.T) / 2
    return y, y + rng.normal(0, 3, y.shape)


def _pairs(y, length):
    """Return the scored pairs, one after the other."""
    return [
        (i, j)
        for i in range(5, 5 + length)
        for j in range(i + 24, 5 + length)
        if y[i, j] <= 8
    ]


def test_mae8__pair_by_pair(rng):
    lengths = [30, 48, 20, 40]
    y, prediction = _proteins(rng, lengths)
    errors = []
    for row, length in enumerate(lengths):
        true, guess = y[row, 0], np.clip(prediction[row, 0], 0.01, None)
        pairs = _pairs(true, length)
        if pairs:
            errors.append(
                np.mean(
                    [
                        abs((guess[i, j] + guess[j, i]) / 2 - true[i, j])
                        for i, j in pairs
                    ]
                )
            )
    # A protein of 20 residues has no pair that is 24 apart.
    assert len(errors) == 3
    assert metrics.mae8(y, prediction) == pytest.approx(np.mean(errors), **CLOSE)
    assert metrics.mae8(y[:, 0], prediction[:, 0]) == metrics.mae8(y, prediction)


@pytest.mark.parametrize("length", [None, 30])
def test_legacy_mae8__in_place_and_as_long_as_the_first(length, rng):
    y, prediction = _proteins(rng, [30, 48, 40])
    errors = []
    for row in range(3):
        guess = np.clip(prediction[row, 0], 0.01, None)[5:35, 5:35]
        # Literally as the reference: in place, upper triangle first, then all.
        for i in range(30):
            for j in range(i, 30):
                guess[i, j] = (guess[i, j] + guess[j, i]) / 2
        for i in range(30):
            for j in range(i, 30):
                guess[j, i] = (guess[j, i] + guess[i, j]) / 2
        true = y[row, 0, 5:35, 5:35]
        pairs = [(i - 5, j - 5) for i, j in _pairs(y[row, 0], 30)]
        errors.append(np.mean([abs(guess[j, i] - true[i, j]) for i, j in pairs]))
    found = metrics.legacy_mae8(y, prediction, length=length)
    assert found == pytest.approx(np.mean(errors), **CLOSE)
    assert found != pytest.approx(metrics.mae8(y, prediction), rel=1e-3)


def test_mae8__no_pair(rng):
    y, prediction = _proteins(rng, [20, 22])
    with pytest.raises(DataError, match="None of 2 proteins has a pair"):
        metrics.mae8(y, prediction)
    assert metrics.legacy_mae8(y, prediction) == np.inf
    with pytest.raises(DataError, match=r"shape \(2, 3\). Expected square maps"):
        metrics.mae8(np.ones((2, 3)), np.ones((2, 3)))


def _masks(rng, n=12):
    y = (rng.random((n, 9, 8)) < 0.2).astype(int)
    logits = 2 * y - 1 + 1.5 * rng.normal(size=y.shape)
    y[rng.random(y.shape) < 0.1] = -100
    return y, logits


def test_pixel_auroc__of_pixels_that_count(rng):
    y, logits = _masks(rng)
    expected = roc_auc_score(y[y >= 0], logits[y >= 0])
    assert metrics.pixel_auroc(y, logits) == pytest.approx(expected, **CLOSE)
    two = np.stack([rng.normal(size=y.shape)] * 2, 1)
    two[:, 1] += logits
    assert metrics.pixel_auroc(y, two) == pytest.approx(expected, **CLOSE)


@pytest.mark.parametrize("chunk", [5, 1000])
def test_legacy_pixel_auroc__balanced_accuracy_with_ignored_as_right(chunk, rng):
    y, logits = _masks(rng)
    hits = (y == 1).astype(int)
    mask = np.where(y == -100, 0, logits > 0)
    expected = np.mean(
        [
            balanced_accuracy_score(hits[rows].ravel(), mask[rows].ravel())
            for rows in _chunks(len(y), chunk)
        ]
    )
    found = metrics.legacy_pixel_auroc(y, logits, chunk=chunk)
    assert found == pytest.approx(expected, **CLOSE)
    assert abs(found - metrics.pixel_auroc(y, logits)) > 0.01


def test_pixel_auroc__one_value_only():
    with pytest.raises(DataError, match="0 of 2 pixels in y_true are 1"):
        metrics.pixel_auroc([[0, 0, -100]], [[1.0, 2, 3]])


def test_mean_f1__of_all_rows_and_of_chunks(rng):
    y = np.sort(rng.integers(0, 4, 230))
    prediction = np.where(rng.random(230) < 0.7, y, rng.integers(0, 4, 230))
    per_class = [
        2
        * ((y == k) & (prediction == k)).sum()
        / ((y == k).sum() + (prediction == k).sum())
        for k in range(4)
    ]
    assert metrics.mean_f1(y, prediction) == pytest.approx(np.mean(per_class), **CLOSE)
    expected = np.mean(
        [f1_score(y[r], prediction[r], average="macro") for r in _chunks(230, 100)]
    )
    found = metrics.legacy_mean_f1(y, prediction, chunk=100)
    assert found == pytest.approx(expected, **CLOSE)
    assert abs(found - metrics.mean_f1(y, prediction)) > 0.01


def test_mean_f1__class_that_is_nowhere():
    y = np.array([0, 1, 2, 0])
    assert metrics.mean_f1(y, y) == pytest.approx(0.75, **CLOSE)
    assert metrics.legacy_mean_f1(y, y) == pytest.approx(1, **CLOSE)
    assert metrics.mean_f1(y, y, n_classes=3) == pytest.approx(1, **CLOSE)


def test_legacy_accuracy__last_chunk_weighs_as_much(rng):
    y, prediction = rng.integers(0, 3, (2, 1100))
    halves = [accuracy_score(y[r], prediction[r]) for r in _chunks(1100, 1000)]
    found = metrics.legacy_accuracy(y, prediction)
    assert found == pytest.approx(np.mean(halves), **CLOSE)
    assert found != pytest.approx(accuracy_score(y, prediction), rel=1e-6)


def _mean_area(y, score):
    both = [k for k in range(y.shape[1]) if 0 < y[:, k].sum() < len(y)]
    return np.mean([roc_auc_score(y[:, k], score[:, k]) for k in both])


def test_label_auroc__of_all_rows_and_of_chunks(rng):
    y, score = _labels(rng, 2500, 9)
    expected = roc_auc_score(y, score, average="macro")
    assert metrics.label_auroc(y, score) == pytest.approx(expected, **CLOSE)
    # A label that is 0 everywhere is left out.
    padded = [np.pad(a, ((0, 0), (0, 1))) for a in (y, score)]
    assert metrics.label_auroc(*padded) == pytest.approx(expected, **CLOSE)
    chunks = [_mean_area(y[r], score[r]) for r in _chunks(2500, 1000)]
    found = metrics.legacy_label_auroc(y, score)
    assert found == pytest.approx(np.mean(chunks), **CLOSE)
    assert abs(found - expected) > 1e-4


def test_label_auroc__nowhere_defined():
    with pytest.raises(DataError, match="No label of y_true holds both"):
        metrics.label_auroc([[1], [1]], [[0.5], [0.5]])
    assert np.isnan(metrics.legacy_label_auroc([[1], [1]], [[0.5], [0.5]]))


def test_clip_map__of_rows(rng):
    y, score = _labels(rng, 500, 6)
    # A label that is 0 everywhere is left out.
    y[:, 0] = 0
    expected = average_precision_score(y[:, 1:], score[:, 1:], average="macro")
    assert metrics.clip_map(y, score) == pytest.approx(expected, **CLOSE)
    assert metrics.legacy_clip_map(y, score) == pytest.approx(expected, **CLOSE)


def test_clip_map__of_clips(rng):
    clips = rng.integers(0, 90, 500)
    labels, _ = _labels(rng, 90, 6)
    y = labels[clips]
    logits = y + 3 * rng.normal(size=y.shape)
    present = np.unique(clips)
    mean = [np.mean(logits[clips == clip], axis=0) for clip in present]
    probability = 1 / (1 + np.exp(-logits))
    mean_probability = [np.mean(probability[clips == clip], axis=0) for clip in present]
    known = labels[present].any(0)
    names = np.array([f"clip {clip:02d}" for clip in clips])
    for function, scores, given in (
        (metrics.clip_map, mean_probability, probability),
        (metrics.legacy_clip_map, mean, logits),
    ):
        expected = average_precision_score(
            labels[present][:, known], np.array(scores)[:, known], average="macro"
        )
        assert function(y, given, groups=names) == pytest.approx(expected, **CLOSE)
    right = metrics.clip_map(y, probability, groups=names)
    assert abs(right - metrics.legacy_clip_map(y, logits, groups=names)) > 1e-4
    assert abs(right - metrics.clip_map(y, probability)) > 1e-3


def test_clip_map__no_labels_or_other_groups():
    with pytest.raises(DataError, match="All labels of y_true are 0"):
        metrics.clip_map([[0], [0]], [[0.5], [0.1]])
    with pytest.raises(DataError, match="groups has 1 entries, y_true 2 samples"):
        metrics.clip_map([[0], [1]], [[0.5], [0.1]], groups=[1])


SHAPES = [metrics.relative_l2, metrics.mae8, metrics.pixel_auroc, metrics.label_auroc,
          metrics.clip_map, metrics.legacy_clip_map]  # fmt: skip


@pytest.mark.parametrize("metric", SHAPES, ids=lambda metric: metric.__name__)
def test_metric__other_shapes(metric):
    with pytest.raises(DataError, match=r"y_true has shape \(2, 3\), the prediction"):
        metric(np.ones((2, 3)), np.ones((2, 4)))


class _Given(ClassifierMixin, BaseEstimator):
    """A classifier that returns its input."""

    def fit(self, X, y):
        self.classes_ = np.unique(y[y >= 0])
        return self

    def decision_function(self, X):
        return X

    def predict(self, X):
        return X


def test_scorer__masks_by_their_logits(rng):
    y, logits = _masks(rng)
    two = np.stack([0 * logits, logits], 1)
    estimator = _Given().fit(two, y)
    for name in ("pixel-auroc", "legacy-pixel-auroc"):
        function = getattr(metrics, name.replace("-", "_"))
        found = metrics.get_scorer(name)(estimator, two, y)
        assert found == pytest.approx(function(y, logits), **CLOSE)


def test_scorer__errors_have_a_minus_sign(rng):
    X, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 5))
    model = Ridge().fit(X, y)
    for name in ("relative-l2", "legacy-relative-l2"):
        score = metrics.get_scorer(name)(model, X, y)
        assert score == -metrics.relative_l2(y, model.predict(X))
        assert metrics.as_error(name, score) == -score


@pytest.mark.parametrize(
    "model",
    [
        OneVsRestClassifier(LogisticRegression()),
        RandomForestClassifier(10, random_state=0),
    ],
    ids=["one array", "a list"],
)
def test_scorer__labels_of_any_classifier(model):
    X, y = make_multilabel_classification(200, n_classes=4, random_state=0)
    model.fit(X[:100], y[:100])
    probability = model.predict_proba(X[100:])
    if isinstance(probability, list):
        probability = np.stack([column[:, 1] for column in probability], 1)
    found = metrics.get_scorer("label-auroc")(model, X[100:], y[100:])
    assert found == pytest.approx(roc_auc_score(y[100:], probability), **CLOSE)
    groups = np.arange(100) // 2
    found = metrics.get_scorer("clip-map", groups=groups)(model, X[100:], y[100:])
    expected = metrics.clip_map(y[100:], probability, groups=groups)
    assert found == pytest.approx(expected, **CLOSE)


def test_scorer__classes_in_cross_validation():
    X, y = make_classification(200, n_informative=6, n_classes=4, random_state=0)
    for name in ("accuracy", "mean-f1", "legacy-mean-f1", "legacy-accuracy"):
        scores = cross_val_score(
            LogisticRegression(), X, y, cv=3, scoring=metrics.get_scorer(name)
        )
        plain = "accuracy" if "accuracy" in name else "f1_macro"
        expected = cross_val_score(LogisticRegression(), X, y, cv=3, scoring=plain)
        np.testing.assert_allclose(scores, expected, rtol=1e-12)
        np.testing.assert_allclose(metrics.as_error(name, scores), 1 - expected)


def test_get_scorer__unknown_name_and_argument():
    with pytest.raises(UnknownNameError, match="Did you mean 'label-auroc'"):
        metrics.get_scorer("label-auc")
    with pytest.raises(UnknownNameError, match="metric=None is unknown"):
        metrics.as_error(None, 1)
    with pytest.raises(TypeError, match="groups"):
        metrics.get_scorer("mean-f1", groups=[1])
    with pytest.raises(ValueError, match="chunk=0 is not a number of samples"):
        metrics.legacy_accuracy([1], [1], chunk=0)


def test_list_scorers__each_metric_of_the_papers_has_its_legacy():
    names = metrics.list_scorers()
    right = [name for name in names if not name.startswith("legacy-")]
    # The papers' code computes nRMSE correctly; the others are not of the papers.
    general = {"nrmse", "dice", "iou", "mae", "pixel-accuracy", "r2", "rmse"}
    assert names == right + [f"legacy-{name}" for name in right if name not in general]
    for name in names:
        metrics.get_scorer(name)
