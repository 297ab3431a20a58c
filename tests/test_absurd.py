"""Absurd values in predict, such as a fill value or a wrong unit: an error, no NaN."""

import numpy as np
import pandas as pd
import pytest

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.exceptions import DataError
from tests.common.instances import tiny

N = 24
TABLE = np.random.default_rng(0).normal(size=(N, 4))
SIGNALS = np.random.default_rng(1).normal(size=(N, 2, 16))
IMAGES = np.random.default_rng(2).normal(size=(N, 1, 8, 8))
FRAME = pd.DataFrame(TABLE, columns=["age", "dose", "weight", "site"])
FRAME["site"] = np.where(TABLE[:, 3] > 0, "here", "there")
CLASSES = (TABLE[:, 0] > 0).astype(int)


def _with(X, place, value):
    X = X.copy()
    if isinstance(X, pd.DataFrame):
        X.iloc[place] = value
    else:
        X[place] = value
    return X


CASES = {
    # kind, X, y, position of the value, words of the error
    "table": (PaReClassifier, TABLE, CLASSES, (5, 2), "sample 5 of X: column 2 holds"),
    "frame": (PaReClassifier, FRAME, CLASSES, (7, 1), "sample 7 of X: column 'dose'"),
    "signals": (
        PaReClassifier, SIGNALS, CLASSES, (3, 1, 4),
        "sample 3 of X: channel 1 at position 4",
    ),
    "images": (
        PaReRegressor, IMAGES, TABLE[:, 0], (21, 0, 6, 7),
        "sample 21 of X: channel 0 at position 6, 7",
    ),
    "numbers": (PaReRegressor, TABLE, TABLE[:, :2], (0, 3), "sample 0 of X: column 3"),
    "field": (
        PaReRegressor, SIGNALS, SIGNALS[:, 0], (9, 0, 0), "sample 9 of X: channel 0 at",
    ),
    "masks": (
        PaReClassifier, IMAGES, (IMAGES[:, 0] > 0).astype(int), (2, 0, 1, 1),
        "sample 2 of X: channel 0 at position 1, 1",
    ),
    "labels": (
        PaReClassifier, TABLE, (TABLE > 0).astype(int), (1, 1),
        "sample 1 of X: column 1",
    ),
}  # fmt: skip
# Finite in float32, and beyond it.
VALUES = {"1e+25": 1e25, "-3e+37": -3e37, "1e+60": 1e60, "9e+120": 9e120}


@pytest.fixture(scope="module")
def fitted():
    """Networks alone: a linear path would hide nothing, but takes its time."""
    settings = {"max_epochs": 1, "linear_path": False, "source": None}
    return {
        case: tiny(kind, **settings).fit(X, y)
        for case, (kind, X, y, *_) in CASES.items()
    }


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("case", CASES)
def test_predict__absurd_value__error_names_sample_and_place(case, value, fitted):
    _, X, _, place, words = CASES[case]
    wrong = _with(X, place, VALUES[value])
    estimator = fitted[case]
    for method in ("predict", "predict_proba", "decision_function", "transform"):
        if not hasattr(estimator, method):
            continue
        with pytest.raises(DataError) as error:
            getattr(estimator, method)(wrong)
        assert words in str(error.value)
        assert value.lstrip("-") in str(error.value)
        assert "standard deviations from the mean in fit" in str(error.value)


def test_predict__linear_path__absurd_value_named_too():
    clf = tiny(PaReClassifier, max_epochs=1).fit(TABLE, CLASSES)
    with pytest.raises(DataError, match="sample 4 of X: column 0 holds 1e"):
        clf.predict_proba(_with(TABLE, (4, 0), 1e39))


def test_score__absurd_value__error(fitted):
    _, X, y, place, words = CASES["table"]
    with pytest.raises(DataError, match=words):
        fitted["table"].score(_with(X, place, 1e30), y)


@pytest.mark.parametrize("name", ["X_val", "X_unlabeled"])
def test_fit__absurd_value_in_other_samples__error(name):
    wrong = {name: _with(TABLE, (6, 1), 1e60)}
    if name == "X_val":
        wrong["y_val"] = CLASSES
    with pytest.raises(DataError, match="sample 6 of X: column 1 holds 1e"):
        tiny(PaReClassifier, max_epochs=1).fit(TABLE, CLASSES, **wrong)


def test_predict__far_but_computable__no_error(fitted):
    assert np.isfinite(fitted["numbers"].predict(_with(TABLE, (0, 3), 1e6))).all()
