import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.datasets import load_digits

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.exceptions import DataError
from sklearn_pare.inspection import PermutationImportanceDisplay, permutation_importance
from sklearn_pare.metrics import get_scorer
from tests.common.instances import tiny

RNG = np.random.default_rng(1)
N = 40


class Sum(RegressorMixin, BaseEstimator):
    """A fitted regressor that predicts sums of one part of the samples."""

    input_shape = None

    def __init__(self, shape, part):
        self.input_shape_, self.part = shape, part

    def fit(self, X, y):
        return self

    def __sklearn_is_fitted__(self):
        return True

    def predict(self, X):
        return X[:, *self.part].reshape(len(X), -1).sum(1)

    def score(self, X, y):
        return -np.abs(self.predict(X) - y).max()


CASES = {
    "channel of signals": ((3, 20), "channel", (1,), (3,)),
    "window of signals": ((2, 20), "window", (slice(None), slice(5, 10)), (4,)),
    "channel of images": ((2, 6, 8), "channel", (0,), (2,)),
    "patch of images": (
        (1, 8, 12),
        "patch",
        (slice(None), slice(2, 4), slice(9, 12)),
        (4, 4),
    ),
}
PLACES = {
    "channel of signals": 1,
    "window of signals": 1,
    "channel of images": 0,
    "patch of images": (1, 3),
}


@pytest.mark.parametrize("name", CASES)
def test_importance__of_the_part_that_is_read_alone(name, monkeypatch):
    monkeypatch.setattr(
        "sklearn_pare.inspection._permutation.check_rows",
        lambda estimator, X, reset: X,
    )
    shape, by, part, expected = CASES[name]
    estimator, X = Sum(shape, part), RNG.normal(size=(N, *shape))
    before, y = X.copy(), estimator.predict(X)
    result = permutation_importance(
        estimator, X, y, by=by, n_parts=4, n_repeats=3, random_state=0
    )
    assert result.importances.shape == (*expected, 3)
    read = np.zeros(expected, dtype=bool)
    read[PLACES[name]] = True
    assert np.array_equal(result.importances_mean > 0, read)
    assert (result.importances_mean[~read] == 0).all()
    assert np.array_equal(X, before)


def test_table__columns():
    X = RNG.normal(size=(N, 3))
    reg = tiny(PaReRegressor, max_epochs=1).fit(X, X[:, 1])
    display = PermutationImportanceDisplay.from_estimator(
        reg, X, X[:, 1], n_repeats=2, random_state=0
    )
    assert display.importances.mean(1).argmax() == 1
    assert len(display.ax_.patches) == 3


def test_flat_samples__patches():
    X, y = load_digits(return_X_y=True)
    clf = tiny(PaReClassifier, input_shape=(1, 8, 8), max_epochs=1)
    display = PermutationImportanceDisplay.from_estimator(
        clf.fit(X[:60], y[:60]), X[60:80], y[60:80], by="patch", n_parts=2,
        n_repeats=1, scoring="neg_log_loss", random_state=0,
    )  # fmt: skip
    assert display.importances.shape == (2, 2, 1)
    shown = display.ax_.images[0].get_array()
    np.testing.assert_allclose(shown, display.importances[..., 0])


def test_fields__scorer_of_fields():
    X = RNG.normal(size=(N, 2, 16))
    reg = tiny(PaReRegressor, max_epochs=1).fit(X, X[:, 0])
    display = PermutationImportanceDisplay.from_estimator(
        reg, X, X[:, 0], by="window", n_parts=4, n_repeats=2,
        scoring=get_scorer("rmse"), random_state=0,
    )  # fmt: skip
    assert display.importances.shape == (4, 2)
    assert (display.importances.mean(1) > 0).all()
    heights = [bar.get_height() for bar in display.ax_.patches]
    np.testing.assert_allclose(heights, display.importances.mean(1))


def test_random_state__same_numbers():
    X = RNG.normal(size=(N, 2, 16))
    clf = tiny(PaReClassifier, max_epochs=1).fit(X, X[:, 0, 0] > 0)
    y = clf.predict(X)
    first, second = (
        permutation_importance(clf, X, y, n_repeats=2, random_state=3).importances
        for _ in range(2)
    )
    assert np.array_equal(first, second)


@pytest.mark.parametrize(
    ("by", "kind"), [("window", "table"), ("patch", "signals"), ("window", "images")]
)
def test_parts_that_the_samples_lack__named(by, kind):
    shape = {"table": (3,), "signals": (1, 8), "images": (1, 4, 4)}[kind]
    X = RNG.normal(size=(N, *shape))
    with pytest.raises(DataError, match=f"by='{by}', but samples of shape"):
        permutation_importance(Sum(shape, (0,)), X, np.zeros(N), by=by)


def test_unknown_part__error():
    with pytest.raises(
        DataError, match=r"by='windows'.*Use by='channel' or by='window'"
    ):
        permutation_importance(
            Sum((1, 8), (0,)), np.zeros((2, 1, 8)), [0, 1], by="windows"
        )
