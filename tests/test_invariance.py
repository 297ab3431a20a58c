"""Units: another offset or scale of X or y, in any channel, changes nothing else."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.datasets import make_burgers, make_darcy
from tests.common.instances import tiny

RNG = np.random.default_rng(1)
N = 40
TABLE = np.random.default_rng(0).normal(size=(2 * N, 5))
SIGNALS = np.cumsum(np.random.default_rng(1).normal(size=(2 * N, 3, 24)), axis=2)
IMAGES = np.random.default_rng(2).normal(size=(2 * N, 2, 8, 10))
LEVELS = {
    "table": TABLE[:, 0] - TABLE[:, 1] ** 2,
    "signals": SIGNALS[:, 0].mean(1),
    "images": IMAGES[:, 0, :4].mean((1, 2)),
}
ROWS = {"table": TABLE, "signals": SIGNALS, "images": IMAGES}
NUMBERS = {
    "number of a table": ("table", LEVELS["table"]),
    "numbers of a table": ("table", np.c_[LEVELS["table"], TABLE[:, 2:4]]),
    "number of signals": ("signals", LEVELS["signals"]),
    "number of images": ("images", LEVELS["images"]),
    "field 1-D": ("signals", SIGNALS[:, 1]),
    "channels 1-D": ("signals", SIGNALS[:, :2] ** 2),
    "field 2-D": ("images", np.abs(IMAGES[:, 0])),
    "channels 2-D": ("images", np.exp(IMAGES)),
}
# Scales of X and of y from one channel to the next, and offsets in spreads.
MAPS = {
    "kelvin": (1.0, 300.0, 1.0, 300.0),
    "pascal": (100.0, 1e4, 100.0, 1e3),
    "tiny": (1e-12, 0.0, 1e-6, 0.0),
    "huge": (1e12, 3.0, 1e6, -1e4),
    "micro, far": (1e-6, -1e4, 1e-6, 1e4),
}


def _channels(array, n_axes):
    """Return the axis of channels of X or y as the last, (n, ..., C), to be mapped."""
    return np.moveaxis(array, 1, -1) if array.ndim == n_axes + 1 else array[..., None]


def _mapped(array, scale, offset, n_axes):
    """Return array * scale + offset, both different from channel to channel.

    Returns
    -------
    mapped : ndarray
    inverse : callable
        From another array of that kind to the units of `array`.
    """
    channels = _channels(array, n_axes)
    axes = tuple(range(channels.ndim - 1))
    turns = 1 + np.arange(channels.shape[-1]) / 2
    scale = scale * turns
    offset = offset * turns * np.abs(scale) * channels.std(axes)

    def back(made):
        made = np.asarray(made).reshape(array[: len(made)].shape)
        made = (_channels(made, n_axes) - offset) / scale
        return np.moveaxis(made, -1, 1).reshape(array[: len(made)].shape)

    mapped = channels * scale + offset
    return np.moveaxis(mapped, -1, 1).reshape(array.shape), back


def _fitted(kind, X, y, **settings):
    estimator = tiny(kind, **({"max_epochs": 2} | settings)).fit(X[:N], y[:N])
    return estimator.predict(X[N:])


@pytest.fixture(scope="module")
def plain():
    """Predictions of fits in the units of the data."""
    return {
        case: _fitted(PaReRegressor, ROWS[rows], y)
        for case, (rows, y) in NUMBERS.items()
    }


@pytest.mark.parametrize("units", MAPS)
@pytest.mark.parametrize("case", NUMBERS)
def test_numbers__other_units_of_x_and_y__same_predictions(case, units, plain):
    rows, y = NUMBERS[case]
    X = ROWS[rows]
    a, b, c, d = MAPS[units]
    n_axes = X.ndim - 1 if y.ndim > 2 or case == "field 1-D" else 1
    X, _ = _mapped(X, a, b, X.ndim - 1)
    y_mapped, back = _mapped(y, c, d, n_axes)
    found = back(_fitted(PaReRegressor, X, y_mapped))
    spread = y.std(0).max()
    assert np.abs(found - plain[case]).max() < 0.02 * spread


@pytest.mark.parametrize("loss", ["squared_error", "huber", "relative_l2"])
@pytest.mark.parametrize("case", ["numbers of a table", "channels 1-D", "field 2-D"])
def test_numbers__any_loss__an_offset_costs_nothing(case, loss):
    rows, y = NUMBERS[case]
    found, shifted = (
        _fitted(PaReRegressor, ROWS[rows], own, loss=loss) for own in (y, 1e4 + y)
    )
    assert np.abs(shifted - 1e4 - found).max() < 0.02 * y.std()


@pytest.mark.parametrize("settings", [
    {"early_stopping": True}, {"linear_path": False}, {"precision": "bf16"},
    {"alignment": "mmd"},
], ids=str)  # fmt: skip
@pytest.mark.parametrize("case", ["number of a table", "channels 2-D"])
def test_numbers__other_settings__same_predictions(case, settings):
    rows, y = NUMBERS[case]
    X = ROWS[rows]
    other, _ = _mapped(X, 1e-3, 50.0, X.ndim - 1)
    y_mapped, back = _mapped(y, 1e5, -30.0, X.ndim - 1 if y.ndim > 2 else 1)
    plain = _fitted(PaReRegressor, X, y, **settings)
    found = back(_fitted(PaReRegressor, other, y_mapped, **settings))
    assert np.abs(found - plain).max() < 0.02 * y.std()


@pytest.mark.parametrize("units", MAPS)
@pytest.mark.parametrize("rows", [*ROWS, "masks"])
def test_classes__other_units_of_x__same_classes(rows, units):
    X = ROWS["images" if rows == "masks" else rows]
    y = X[:, 0] > 0 if rows == "masks" else LEVELS[rows] > np.median(LEVELS[rows])
    a, b, *_ = MAPS[units]
    other, _ = _mapped(X, a, b, X.ndim - 1)
    plain, found = (_fitted(PaReClassifier, own, y.astype(int)) for own in (X, other))
    assert np.mean(plain == found) >= 0.99


@pytest.mark.parametrize("factor", [1e-6, 1e3])
def test_channels__other_unit_of_one__its_r2_as_it_was(factor):
    rows, y = NUMBERS["channels 1-D"]
    units = np.array([1.0, factor])[:, None]
    plain, scaled = (
        tiny(PaReRegressor, max_epochs=2).fit(ROWS[rows][:N], own[:N])
        for own in (y, y * units)
    )
    X, y = ROWS[rows][N:], y[N:]
    np.testing.assert_allclose(
        scaled.predict(X)[:, 1] / factor, plain.predict(X)[:, 1], atol=0.02 * y.std()
    )
    assert scaled.score(X, y * units) == pytest.approx(plain.score(X, y), abs=0.01)


@pytest.mark.parametrize("offset", [300.0, -3000.0])
def test_float32__offset__as_far_as_float32_can_hold_it(offset):
    rows, y = NUMBERS["field 1-D"]
    X = ROWS[rows].astype(np.float32)
    y = y.astype(np.float32)
    plain, found = (
        _fitted(PaReRegressor, X + far, y + far, lr=1e-3)
        for far in (np.float32(0), np.float32(offset))
    )
    # The last bits of the samples are others, and training enlarges differences.
    left = found - np.float32(offset) - plain
    assert np.sqrt(np.square(left).mean()) < 0.02 * y.std()


def test_fields__targets_near_zero__bounded_loss():
    rows, y = NUMBERS["field 1-D"]
    y = y - y.mean()
    y[[3, 17]] = 0.0
    reg = tiny(PaReRegressor, max_epochs=1, linear_path=False).fit(
        ROWS[rows][:N], y[:N]
    )
    assert reg.history_[0]["target_loss"] < 20


@pytest.mark.parametrize(
    ("make", "size", "c", "d"),
    [
        (make_darcy, {"size": 16}, 100, 101325),
        (make_burgers, {"resolution": 32}, 1, 300),
    ],
    ids=["darcy in Pa", "burgers in K"],
)
def test_bundled_backbone__fields_far_from_0__same_predictions(make, size, c, d):
    X, y = make(40, random_state=0, **size)
    fits = (
        PaReRegressor(max_epochs=1, random_state=0).fit(X[:30], own[:30])
        for own in (y, c * y + d)
    )
    plain, found = (reg.predict(X[30:]) for reg in fits)
    assert np.abs((found - d) / c - plain).max() < 0.02 * y.std()


def test_bundled_backbone__digits_in_other_units__same_classes():
    X, y = load_digits(return_X_y=True)
    X = X.reshape(-1, 1, 8, 8)
    plain, found = (
        PaReClassifier(max_epochs=1, random_state=0).fit(own[:100], y[:100])
        for own in (X, 1e-9 * X + 1e-5)
    )
    same = plain.predict(X[100:400]) == found.predict(1e-9 * X[100:400] + 1e-5)
    assert same.mean() >= 0.99
