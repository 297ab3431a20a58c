import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits
from sklearn.inspection import permutation_importance as of_columns

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.exceptions import DataError
from sklearn_pare.inspection import PermutationImportanceDisplay, permutation_importance
from sklearn_pare.metrics import get_scorer
from tests.common.instances import tiny

RNG = np.random.default_rng(1)
N = 40


class Sum:
    """A fitted regressor that predicts sums of one part of the samples."""

    input_shape, n_features_in_ = None, 3

    def __init__(self, shape, part):
        self.input_shape_, self.part = shape, part
        self.n_features_in_ = shape[0]

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
    "column of tables": ((5,), "channel", (4,), (5,)),
    "channel of images": ((2, 6, 8), "channel", (0,), (2,)),
    "patch of images": (
        (1, 8, 12),
        "patch",
        (slice(None), slice(2, 4), slice(9, 12)),
        (4, 4),
    ),
}
PLACES = {"channel of signals": 1, "window of signals": 1, "column of tables": 4,
          "channel of images": 0, "patch of images": (1, 3)}  # fmt: skip


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


def test_columns__as_in_scikit_learn():
    X = RNG.normal(size=(N, 4))
    reg = tiny(PaReRegressor, max_epochs=1).fit(X, X[:, 0] - 2 * X[:, 2])
    y = reg.predict(X)
    ours = permutation_importance(reg, X, y, n_repeats=20, random_state=0)
    theirs = of_columns(reg, X, y, n_repeats=20, random_state=0)
    np.testing.assert_allclose(
        ours.importances_mean, theirs.importances_mean, rtol=0.5, atol=0.05
    )


def test_frame__text_and_numbers():
    X = pd.DataFrame({"a": RNG.normal(size=N), "b": RNG.choice(["x", "y"], N)})
    clf = tiny(PaReClassifier, max_epochs=1).fit(X, X["b"])
    X.index = X.index[::-1]
    display = PermutationImportanceDisplay.from_estimator(
        clf, X, X["b"], n_repeats=2, random_state=0
    )
    shown = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert shown == ["a", "b"]
    assert display.importances[1].mean() > display.importances[0].mean()


def test_flat_samples__patches():
    X, y = load_digits(return_X_y=True)
    clf = tiny(PaReClassifier, input_shape=(1, 8, 8), max_epochs=1)
    display = PermutationImportanceDisplay.from_estimator(
        clf.fit(X[:60], y[:60]), X[60:80], y[60:80], by="patch", n_parts=2,
        n_repeats=1, scoring="neg_log_loss", random_state=0,
    )  # fmt: skip
    assert display.importances.shape == (2, 2, 1)
    assert display.ax_.images[0].get_extent() == [-0.5, 7.5, 7.5, -0.5]


def test_fields__scorer_of_fields():
    X = RNG.normal(size=(N, 2, 16))
    reg = tiny(PaReRegressor, max_epochs=1).fit(X, X[:, 0])
    display = PermutationImportanceDisplay.from_estimator(
        reg, X, X[:, 0], by="window", n_parts=4, n_repeats=2,
        scoring=get_scorer("rmse"), random_state=0,
    )  # fmt: skip
    assert display.importances.shape == (4, 2)
    assert (display.importances.mean(1) > 0).all()
    assert display.ax_.get_xlim() == (0, 16)


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
