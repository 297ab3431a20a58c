import numpy as np
import pytest
from sklearn.base import BaseEstimator

from sklearn_pare.exceptions import DataError, UnknownNameError
from sklearn_pare.metrics import get_scorer, nrmse


@pytest.mark.parametrize("shape", [(7, 5), (7, 2, 9), (4, 3, 6, 5)])
def test_nrmse__formula_of_the_paper(shape, rng):
    y, prediction = rng.normal(3, 2, shape), rng.normal(size=shape)
    expected = 0.0
    for row, guess in zip(y, prediction, strict=True):
        squared = [(a - b) ** 2 for a, b in zip(row.flat, guess.flat, strict=True)]
        size = [a**2 for a in row.flat]
        expected += (np.mean(squared) ** 0.5 / np.mean(size) ** 0.5) / len(y)
    assert nrmse(y, prediction) == pytest.approx(expected, rel=1e-12)


def test_nrmse__single_precision__summed_in_double():
    y = np.full((1, 10**6), 0.1, np.float32)
    error = nrmse(y, y + np.float32(0.01))
    exact = (y.astype(float) - (y + np.float32(0.01)).astype(float))[0, 0]
    assert error == pytest.approx(-exact / float(y[0, 0]), rel=1e-12)


def test_nrmse__scale_of_a_row__does_not_matter(rng):
    y, prediction = rng.normal(size=(2, 5, 8))
    factor = np.array([1, 10, 0.1, 1e-6, 1e6])[:, None]
    assert nrmse(factor * y, factor * prediction) == pytest.approx(nrmse(y, prediction))
    assert nrmse(y, y) == 0
    assert nrmse(y, np.zeros_like(y)) == pytest.approx(1)


@pytest.mark.parametrize(
    ("y", "prediction", "message"),
    [
        (np.ones((3, 4)), np.ones((3, 1, 4)), r"\(3, 4\), the prediction \(3, 1, 4\)"),
        (np.ones((0, 4)), np.ones((0, 4)), "Expected the same shape, and at least"),
        ([[1.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 0.0]], "Sample 1 of y_true is 0"),
    ],
)
def test_nrmse__bad_input__error(y, prediction, message):
    with pytest.raises(DataError, match=message):
        nrmse(y, prediction)


def test_get_scorer__error__negative(rng):
    class Zeros(BaseEstimator):
        def fit(self, X, y):
            return self

        def predict(self, X):
            return np.asarray(X) * 0

    X = rng.normal(size=(4, 3))
    assert get_scorer("nrmse")(Zeros(), X, X) == pytest.approx(-1)


def test_get_scorer__unknown__nearest():
    with pytest.raises(
        UnknownNameError, match=r"'nmrse' is unknown\. Did you mean 'nrmse'\?"
    ):
        get_scorer("nmrse")
