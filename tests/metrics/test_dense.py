"""Metrics of fields and masks, alone, as scorers, and in scikit-learn's tools."""

import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    jaccard_score,
    mean_absolute_error,
    root_mean_squared_error,
)
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    cross_val_predict,
    cross_val_score,
)
from sklearn.preprocessing import FunctionTransformer

from sklearn_pare import PaReClassifier, PaReRegressor, metrics
from sklearn_pare.exceptions import DataError
from tests.common.instances import tiny

N = 24
SIGNALS = np.random.default_rng(1).normal(size=(N, 2, 16))
IMAGES = np.random.default_rng(2).normal(size=(N, 1, 8, 8))
FIELDS = {
    "signals": (SIGNALS, SIGNALS[:, 0]),
    "channels": (SIGNALS, SIGNALS * [[1.0], [100.0]]),
    "images": (IMAGES, IMAGES[:, 0] ** 2),
    "images, channels": (IMAGES, np.concatenate([IMAGES, 3 * IMAGES], 1)),
}
MASKS = {
    "signals": (SIGNALS, (SIGNALS[:, 0] > 0) + 3),
    "images": (IMAGES, np.digitize(IMAGES[:, 0], [-0.5, 0.5])),
    "ignored": (IMAGES, np.where(IMAGES[:, 0] > 1.5, 255, IMAGES[:, 0] > 0)),
}


@pytest.mark.parametrize("shape", [(9,), (9, 5), (9, 2, 5), (9, 2, 4, 3)], ids=str)
def test_numbers__as_in_scikit_learn(shape, rng):
    y, prediction = rng.normal(size=(2, *shape))
    flat = y.ravel(), prediction.ravel()
    assert metrics.mae(y, prediction) == pytest.approx(mean_absolute_error(*flat))
    assert metrics.rmse(y, prediction) == pytest.approx(root_mean_squared_error(*flat))
    left = ((y - prediction) ** 2).sum()
    expected = 1 - left / ((y - y.mean(0)) ** 2).sum()
    assert metrics.r2(y, prediction) == pytest.approx(expected)


def test_r2__channels__mean_whose_units_do_not_matter(rng):
    y, prediction = rng.normal(size=(2, 9, 2, 5))
    each = [metrics.r2(y[:, c], prediction[:, c]) for c in (0, 1)]
    units = np.array([1.0, 1e-6])[:, None]
    found = metrics.r2(y * units, prediction * units, channel_axis=1)
    assert found == pytest.approx(np.mean(each))


@pytest.mark.parametrize("ignore_index", [None, 2, -100])
@pytest.mark.parametrize("shape", [(9, 7), (4, 6, 5)], ids=str)
def test_classes__as_in_scikit_learn(shape, ignore_index, rng):
    y, prediction = rng.integers(0, 4, (2, *shape))
    if ignore_index == -100:
        y[0] = -100
    used = y != ignore_index
    pair = y[used], prediction[used]
    options = {"ignore_index": ignore_index}
    for function, expected in [
        (metrics.iou, jaccard_score(*pair, average="macro")),
        (metrics.dice, f1_score(*pair, average="macro")),
        (metrics.pixel_accuracy, accuracy_score(*pair)),
    ]:
        assert function(y, prediction, **options) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["r2", "rmse", "mae", "iou", "dice", "pixel-accuracy"])
def test_metric__other_shapes__error_names_both(name):
    function = getattr(metrics, name.replace("-", "_"))
    with pytest.raises(DataError, match=r"\(3, 4\).*\(4, 3\)"):
        function(np.ones((3, 4)), np.ones((4, 3)))


@pytest.mark.parametrize("name", ["iou", "dice", "pixel_accuracy"])
def test_metric__nothing_left_to_score__error(name):
    with pytest.raises(DataError, match="All positions"):
        getattr(metrics, name)([[7, 7]], [[0, 1]], ignore_index=7)


@pytest.mark.parametrize("name", ["r2", "rmse", "mae", "relative-l2", "nrmse"])
@pytest.mark.parametrize("case", FIELDS)
def test_search__dense_scorer_of_fields__finite_and_the_metric_itself(case, name):
    X, y = FIELDS[case]
    reg = tiny(PaReRegressor, max_epochs=1, linear_path=False, source=None)
    scores = cross_val_score(
        reg, X, y, cv=KFold(2), scoring=metrics.get_scorer(name), error_score="raise"
    )
    half = N // 2
    prediction = reg.fit(X[half:], y[half:]).predict(X[:half])
    expected = getattr(metrics, name.replace("-", "_"))(y[:half], prediction)
    assert scores[0] == pytest.approx(expected if name == "r2" else -expected)


@pytest.mark.parametrize("name", ["iou", "dice", "pixel-accuracy"])
@pytest.mark.parametrize("case", MASKS)
def test_search__dense_scorer_of_masks__finite_and_the_metric_itself(case, name):
    X, y = MASKS[case]
    ignored = 255 if case == "ignored" else None
    clf = tiny(
        PaReClassifier, max_epochs=1, ignore_index=ignored, mix_end=0.0, mix_start=0.0
    )
    search = GridSearchCV(
        clf,
        {"lr": [1e-3, 1e-2]},
        cv=KFold(2),
        scoring=metrics.get_scorer(name, ignore_index=ignored),
        error_score="raise",
    ).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    function = getattr(metrics, name.replace("-", "_"))
    expected = function(y, search.predict(X), ignore_index=ignored)
    assert search.score(X, y) == pytest.approx(expected)
    if name == "pixel-accuracy":
        assert search.best_estimator_.score(X, y) == pytest.approx(expected)


@pytest.mark.parametrize("case", FIELDS)
def test_score__is_the_metric(case):
    X, y = FIELDS[case]
    reg = tiny(PaReRegressor, max_epochs=1, linear_path=False).fit(X, y)
    channel_axis = 1 if y.ndim == X.ndim else None
    expected = metrics.r2(y, reg.predict(X), channel_axis=channel_axis)
    assert reg.score(X, y) == pytest.approx(expected)


def _mistakes():
    _, fields = FIELDS["channels"]
    _, masks = MASKS["images"]
    yield "transposed", FIELDS["channels"], fields.transpose(0, 2, 1)
    yield "one channel", FIELDS["channels"], fields[:, 0]
    yield "flat", FIELDS["images"], FIELDS["images"][1].reshape(N, -1)
    yield "an axis more", FIELDS["images"], FIELDS["images"][1][:, None]
    yield "fewer samples", FIELDS["images"], FIELDS["images"][1][1:]
    yield "mask transposed", MASKS["signals"], MASKS["signals"][1].T
    yield "mask flat", MASKS["images"], masks.reshape(N, -1)
    yield "fewer masks", MASKS["images"], masks[1:]


@pytest.mark.parametrize("name", [name for name, *_ in _mistakes()])
def test_score__targets_of_another_shape__error(name):
    (X, y), wrong = {name: rest for name, *rest in _mistakes()}[name]
    kind = PaReClassifier if "mask" in name else PaReRegressor
    estimator = tiny(kind, max_epochs=1, linear_path=False, source=None).fit(X, y)
    with pytest.raises(ValueError, match=r"shape|inconsistent|length"):
        estimator.score(X, wrong)


def test_cross_val_predict__masks__classes_by_it_and_probabilities_by_the_recipe():
    X, y = MASKS["images"]
    clf = tiny(PaReClassifier, max_epochs=1, source=None)
    made = cross_val_predict(clf, X, y, cv=KFold(2))
    # The recipe of the user guide.
    proba = np.empty((len(y), 3, *y.shape[1:]))
    for train, test in KFold(2).split(X):
        proba[test] = clf.fit(X[train], y[train]).predict_proba(X[test])
    np.testing.assert_array_equal(proba.argmax(1), made)


@pytest.mark.parametrize("case", FIELDS)
def test_transformed_target_regressor__fields__by_the_recipe(case):
    X, y = FIELDS[case]
    y = np.exp(y / y.std())
    reg = tiny(PaReRegressor, max_epochs=1, linear_path=False, source=None)
    # The recipe of the user guide.
    logarithm = FunctionTransformer(np.log, np.exp)
    model = TransformedTargetRegressor(reg, transformer=logarithm, check_inverse=False)
    expected = np.exp(reg.fit(X, np.log(y)).predict(X))
    np.testing.assert_allclose(model.fit(X, y).predict(X), expected, rtol=1e-6)


@pytest.mark.parametrize("where", ["y_true", "y_pred"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf], ids=str)
@pytest.mark.parametrize(
    "name", ["r2", "rmse", "mae", "relative_l2", "iou", "label_auroc", "pixel_auroc"]
)
def test_metric__number_that_is_not_finite__error_names_the_place(name, bad, where):
    pair = {"y_true": np.eye(3)[:, :2], "y_pred": np.ones((3, 2))}
    pair[where][2, 1] = bad
    with pytest.raises(DataError, match=rf"holds {bad} in sample 2, at \(1,\)"):
        getattr(metrics, name)(*pair.values())


@pytest.mark.parametrize(
    "values",
    [
        [["a", "b"]],
        [["0.5", "1"]],
        [[1j, 0]],
        [[{}, None]],
        np.array([["2020-01-01", "2020-01-02"]], "datetime64[D]"),
    ],
    ids=["text", "numbers as text", "complex", "objects", "dates"],
)
@pytest.mark.parametrize("name", ["r2", "mae", "dice", "pixel_auroc"])
def test_metric__no_real_numbers__error_names_the_dtype(name, values):
    for pair in [([[0, 1]], values), (values, [[0, 1]])]:
        with pytest.raises(DataError, match=r"dtype .* real numbers"):
            getattr(metrics, name)(*pair)


@pytest.mark.parametrize(
    ("y_true", "y_pred"),
    [
        ([[0, 1]], [[0.2, 0.9]]),
        ([[0.5, 1]], [[0, 1]]),
        ([[0, 1]], np.float32([[1, 1.5]])),
        ([0, 1], [[0], [0.999]]),
    ],
    ids=["probabilities", "y_true", "float32", "column"],
)
@pytest.mark.parametrize("name", ["iou", "dice", "pixel_accuracy"])
def test_metric_of_masks__probabilities__error(name, y_true, y_pred):
    with pytest.raises(DataError, match="give classes, not probabilities"):
        getattr(metrics, name)(y_true, y_pred)
    # Classes may be stored as floats, and ignored positions hold anything finite.
    assert getattr(metrics, name)([[0.0, 1.0]], [[0, 1]]) == 1
    assert getattr(metrics, name)([[0, -100]], [[0, 0.5]], ignore_index=-100) == 1


@pytest.mark.parametrize("name", ["r2", "rmse", "mae", "relative_l2", "iou"])
def test_metric__column_against_flat__same_as_flat(name):
    y, prediction = np.array([1, 2, 3, 5]), np.array([1, 2, 4, 5])
    metric = getattr(metrics, name)
    expected = metric(y, prediction)
    assert metric(y[:, None], prediction) == metric(y, prediction[:, None]) == expected
    with pytest.raises(DataError, match="same shape"):
        metric(y[:, None], prediction[None])


def test_scorer__y_as_column__as_flat():
    X, y = SIGNALS[:, 0], SIGNALS[:, 0, 0]
    reg = tiny(PaReRegressor, max_epochs=1, linear_path=False).fit(X, y)
    for name in ("rmse", "mae", "r2"):
        scorer = metrics.get_scorer(name)
        assert scorer(reg, X, y[:, None]) == scorer(reg, X, y)


@pytest.fixture(scope="module")
def fitted():
    """Estimators of each kind of target, with their X and y."""
    mask = (SIGNALS[:, 0] > 0) + 0
    targets = {
        "field": (PaReRegressor, SIGNALS[:, 0]),
        "channels": (PaReRegressor, SIGNALS),
        "numbers": (PaReRegressor, SIGNALS[:, 0, 0]),
        "classes": (PaReClassifier, mask[:, 0]),
        "masks": (PaReClassifier, mask),
    }
    return {
        name: (tiny(kind, max_epochs=1, linear_path=False).fit(SIGNALS, y), y)
        for name, (kind, y) in targets.items()
    }


@pytest.mark.parametrize(
    "weight",
    [
        np.full(N, np.nan),
        np.r_[np.inf, np.ones(N - 1)],
        np.r_[-1.0, np.ones(N - 1)],
        np.zeros(N),
        np.ones(N - 1),
    ],
    ids=["nan", "infinity", "negative", "zeros", "too few"],
)
@pytest.mark.parametrize("target", ["field", "channels", "numbers", "classes", "masks"])
def test_score__unusable_weights__error(fitted, target, weight):
    estimator, y = fitted[target]
    with pytest.raises(ValueError, match=r"[Ss]ample.weight"):
        estimator.score(SIGNALS, y, sample_weight=weight)


@pytest.mark.parametrize(
    ("target", "bad"),
    [("field", np.inf), ("channels", np.inf), ("numbers", np.inf), ("numbers", np.nan)],
)
def test_score__y_that_is_not_finite__error(fitted, target, bad):
    estimator, y = fitted[target]
    y = y.copy()
    y.reshape(N, -1)[3, -1] = bad
    with pytest.raises(ValueError, match=r"holds (nan|inf) in sample 3|contains"):
        estimator.score(SIGNALS, y)


@pytest.mark.parametrize("weight", [None, np.arange(N) < 5], ids=["none", "some"])
def test_score__all_positions_ignored__error(weight):
    X, y = SIGNALS, np.where(np.arange(N)[:, None] < 5, 9, SIGNALS[:, 0] > 0)
    clf = tiny(PaReClassifier, max_epochs=1, linear_path=False, ignore_index=9)
    clf.fit(X, y)
    assert 0 <= clf.score(X, y) <= 1
    used = slice(5) if weight is None else slice(None)
    with pytest.raises(DataError, match="ignore_index"):
        clf.score(X[used], y[used], sample_weight=weight)


@pytest.mark.parametrize("target", ["field", "numbers", "classes", "masks"])
def test_score__no_samples__error_names_the_shape(fitted, target):
    estimator, y = fitted[target]
    with pytest.raises(ValueError, match=r"0 sample.*\(0, (2, )?16\)"):
        estimator.score(SIGNALS[:0], y[:0])
