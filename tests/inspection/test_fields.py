import numpy as np
import pytest

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.exceptions import DataError
from sklearn_pare.inspection import FieldDisplay
from tests.common.instances import tiny

RNG = np.random.default_rng(1)
FEW = {"max_epochs": 1, "linear_path": False}

FITS = {
    # name: (estimator, shape of X, function that makes y of X, shape that is shown)
    "fields of signals": (PaReRegressor, (2, 16), lambda X: X[:, 0], (16,)),
    "fields of signals, channels": (PaReRegressor, (2, 16), lambda X: X, (16,)),
    "fields of images": (PaReRegressor, (1, 8, 6), lambda X: X[:, 0], (8, 6)),
    "fields of images, channels": (PaReRegressor, (2, 8, 8), lambda X: X, (8, 8)),
    "masks of signals": (PaReClassifier, (1, 16), lambda X: X[:, 0] > 0, (16,)),
    "masks of images": (PaReClassifier, (1, 8, 8), lambda X: X[:, 0] > 0, (8, 8)),
}


@pytest.mark.parametrize("name", FITS)
def test_from_estimator__truth_prediction_and_error(name):
    kind, shape, make, shown = FITS[name]
    X = RNG.normal(size=(24, *shape))
    y = make(X).astype(int) if kind is PaReClassifier else make(X)
    estimator = tiny(kind, **FEW).fit(X, y)
    has_channels = y.ndim > len(shape)
    settings = {"channel": 1} if has_channels else {}
    display = FieldDisplay.from_estimator(estimator, X, y, n_samples=2, **settings)
    truth, found = y[:2], estimator.predict(X[:2])
    if has_channels:
        truth, found = truth[:, 1], found[:, 1]
    error = truth != found if kind is PaReClassifier else found - truth
    assert display.axes_.shape == (2, 3)
    for line, *expected in zip(display.axes_, truth, found, error, strict=True):
        for ax, values in zip(line, expected, strict=True):
            assert values.shape == shown
            np.testing.assert_allclose(_drawn(ax), values)
    first, second, third = (_scale(ax) for ax in display.axes_[0])
    assert first == second == _scale(display.axes_[1, 0])
    assert third == _scale(display.axes_[1, 2])
    assert third[0] == -third[1]


def _drawn(ax):
    return ax.images[0].get_array() if ax.images else ax.lines[0].get_ydata()


def _scale(ax):
    return ax.images[0].get_clim() if ax.images else ax.get_ylim()


def test_from_predictions__fields__measure_of_each_sample():
    y = RNG.normal(size=(5, 4, 4))
    display = FieldDisplay.from_predictions(y, 1.25 * y)
    titles = [ax.get_title() for ax in display.axes_[:, 2]]
    assert titles == ["error, relative L2 0.25"] * 3
    # One bar for truth and prediction, one for the error.
    labels = [ax.get_ylabel() for ax in display.figure_.axes[9:]]
    assert labels == ["value", "error"]


def test_from_predictions__masks__part_of_wrong_positions():
    y = np.zeros((1, 10, 10), dtype=int)
    found = y.copy()
    found[0, 0, :5] = 3
    display = FieldDisplay.from_predictions(y, found)
    assert display.axes_[0, 2].get_title() == "error, 5.0% wrong"
    assert display.axes_[0, 0].images[0].cmap.N == 4
    (bar,) = display.figure_.axes[3:]
    assert bar.get_yticks().tolist() == [0, 1, 2, 3]


UNKNOWN = {"nan of fields": np.nan, "ignored class": -1}


@pytest.mark.parametrize("name", UNKNOWN)
def test_unknown_positions__left_out(name):
    value, X = UNKNOWN[name], RNG.normal(size=(24, 1, 8, 8))
    y, kind, settings = X[:, 0].copy(), PaReRegressor, {}
    if value == -1:
        y, kind, settings = (y > 0).astype(int), PaReClassifier, {"ignore_index": -1}
    y[:, :4] = value
    display = FieldDisplay.from_estimator(tiny(kind, **FEW, **settings).fit(X, y), X, y)
    for column in (0, 2):
        hidden = np.isnan(np.ma.filled(_drawn(display.axes_[0, column]), np.nan))
        np.testing.assert_array_equal(hidden, np.indices((8, 8))[0] < 4)
    assert "nan" not in display.axes_[0, 2].get_title()


def test_constant_fields__drawn():
    y = np.ones((2, 7))
    assert FieldDisplay.from_predictions(y, y).axes_.shape == (2, 3)


WRONG = {
    "numbers": ((6,), (6,)),
    "other shapes": ((6, 4, 4), (6, 4, 5)),
    "channels": ((6, 2, 4, 4), (6, 2, 4, 4)),
    "nothing": ((0, 4), (0, 4)),
}


@pytest.mark.parametrize("name", WRONG)
def test_from_predictions__other_shapes__named(name):
    pair = [np.zeros(shape) for shape in WRONG[name]]
    with pytest.raises(DataError, match=r"y_true has shape.*such as y\[:, 0\]"):
        FieldDisplay.from_predictions(*pair)


@pytest.mark.parametrize("n", [1, 2])
def test_plot__axes_of_a_row_or_a_table__drawn_there(n):
    plt = pytest.importorskip("matplotlib.pyplot")
    y = np.random.default_rng(0).normal(size=(n, 8))
    axes = plt.subplots(n, 3)[1]
    FieldDisplay.from_predictions(y, y + 0.1).plot(axes=axes)
    assert [len(ax.lines) > 0 for ax in axes.flat] == [True] * 3 * n
    plt.close("all")
