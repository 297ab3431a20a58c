"""Losses of the regressor, on numbers and fields, with all that a fit can be given."""

import pickle
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.metrics import mean_pinball_loss

import sklearn_pare
from sklearn_pare import PaReRegressor
from sklearn_pare.exceptions import DataError, DivergenceError
from tests.common.instances import tiny

pytestmark = pytest.mark.filterwarnings("ignore:Predictions are those of the linear")

RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(60, 3))
SIGNALS = RNG.normal(size=(40, 2, 8))
NUMBER = TABLE[:, 0] + 0.3 * RNG.normal(size=60)
DATA = {
    "number": (TABLE, NUMBER),
    "numbers": (TABLE, np.c_[NUMBER, TABLE[:, 1] ** 2]),
    "field": (SIGNALS, SIGNALS[:, 0].cumsum(1)),
    "fields": (SIGNALS, SIGNALS.cumsum(2)),
    "field of a linear map": (SIGNALS, SIGNALS[:, :1] * 2 + 1),
}


def asymmetric(prediction, target):
    """Return squared errors that weigh twice if the prediction is too low."""
    error = target - prediction
    return torch.where(error > 0, 2.0, 1.0) * error.square()


LOSSES = {
    "squared_error": {"loss": "squared_error"},
    "absolute_error": {"loss": "absolute_error"},
    "huber": {"loss": "huber"},
    "relative_l2": {"loss": "relative_l2"},
    "poisson": {"loss": "poisson"},
    "one quantile": {"loss": "quantile", "quantile": 0.8},
    "quantiles": {"loss": "quantile", "quantile": [0.9, 0.1, 0.5]},
    "function": {"loss": asymmetric},
    "module": {"loss": torch.nn.SmoothL1Loss(reduction="none")},
}
losses = pytest.mark.parametrize("settings", LOSSES.values(), ids=LOSSES)
data = pytest.mark.parametrize("name", DATA)
one_epoch = partial(tiny, PaReRegressor, max_epochs=1)


def _data(name, settings):
    X, y = DATA[name]
    return X, np.abs(y) if settings["loss"] == "poisson" else y


@losses
@data
def test_fit__every_loss__shape_score_copies_and_file(name, settings, tmp_path):
    X, y = _data(name, settings)
    reg = one_epoch(**settings).fit(X, y)
    prediction = reg.predict(X)
    levels = settings.get("quantile", 0.5)
    assert prediction.shape == y.shape + np.shape(levels)
    assert np.isfinite(prediction).all()
    assert reg.score(X, y) <= 1
    if np.ndim(levels):
        assert (prediction[..., 0] >= prediction[..., 2]).all()
        assert (prediction[..., 2] >= prediction[..., 1]).all()
    if settings["loss"] == "poisson":
        assert (prediction > 0).all()
    copy = pickle.loads(pickle.dumps(reg))
    np.testing.assert_array_equal(copy.predict(X), prediction)
    again = clone(reg).fit(X, y)
    np.testing.assert_array_equal(again.predict(X), prediction)
    if isinstance(settings["loss"], str):
        reg.save(tmp_path / "model.pare")
    else:
        with pytest.warns(UserWarning, match="loss=.* not saved.*loss='auto'"):
            reg.save(tmp_path / "model.pare")
    loaded = sklearn_pare.load(tmp_path / "model.pare")
    np.testing.assert_array_equal(loaded.predict(X), prediction)
    assert loaded.score(X, y) == reg.score(X, y)


@losses
@pytest.mark.parametrize("name", ["numbers", "fields"])
def test_fit__every_loss__all_that_fit_takes(name, settings):
    X, y = _data(name, settings)
    groups = np.arange(len(X)) // 2
    weight = np.where(np.arange(len(X)) < 6, 0.0, 1.0 + np.arange(len(X)) % 3)
    # Fields cannot be mixed with each other.
    source = "self" if name == "numbers" else "formula"
    reg = one_epoch(early_stopping=True, source=source, **settings)
    reg.fit(X, y, weight, groups=groups, X_unlabeled=X[:9])
    row = reg.history_[-1]
    assert np.isfinite([row[f"{term}_loss"] for term in ("unlabeled", "train")]).all()
    assert np.isfinite([row["valid_loss"], row["valid_score"]]).all()
    # Samples of weight 0 are left out.
    other = y.copy()
    other[:6] = 7
    same = clone(reg).fit(X, other, weight, groups=groups, X_unlabeled=X[:9])
    np.testing.assert_array_equal(same.predict(X), reg.predict(X))


@losses
@pytest.mark.parametrize("offset", [300.0, -50.0, 101325.0])
@data
def test_fit__offset_of_y__prediction_moves_with_it(name, offset, settings):
    if settings["loss"] == "poisson":
        pytest.skip("an offset changes the distribution")
    if offset != 300.0 and name not in ("number", "fields"):
        pytest.skip("one offset is enough")
    X, y = DATA[name]
    plain = one_epoch(**settings).fit(X, y).predict(X)
    moved = one_epoch(**settings).fit(X, y + offset).predict(X)
    np.testing.assert_allclose(moved - offset, plain, atol=0.05 * np.ptp(y))


@losses
@pytest.mark.parametrize("name", ["numbers", "fields"])
@pytest.mark.parametrize("factor", [1e-3, 1e5])
def test_fit__unit_of_one_channel__changes_no_channel(name, factor, settings):
    X, y = _data(name, settings)
    unit = np.array([1.0, factor]).reshape(2, *[1] * (y.ndim - 2))
    plain = one_epoch(**settings).fit(X, y).predict(X)
    other = one_epoch(**settings).fit(X, y * unit).predict(X)
    unit = unit[..., None] if plain.ndim > y.ndim else unit
    np.testing.assert_allclose(other / unit, plain, atol=0.02 * np.ptp(y))


@pytest.mark.parametrize("level", [0.1, 0.3, 0.5, 0.8, 0.95])
def test_quantile__linear_model_alone__quantile_of_its_residuals(level):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3))
    y = 5 * X[:, 0] + rng.gamma(1, size=400)
    reg = one_epoch(loss="quantile", quantile=level).fit(X, y)
    assert reg.network_share_ == 0
    assert np.mean(y <= reg.predict(X)) == pytest.approx(level, abs=0.03)
    mean = tiny(PaReRegressor, max_epochs=1).fit(X, y).predict(X)
    own = mean_pinball_loss(y, reg.predict(X), alpha=level)
    assert own <= mean_pinball_loss(y, mean, alpha=level)


def test_absolute_error__linear_model_alone__median_of_its_residuals():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3))
    y = 5 * X[:, 0] + rng.gamma(0.3, size=400)
    reg = one_epoch(loss="absolute_error").fit(X, y)
    assert reg.network_share_ == 0
    assert np.mean(y <= reg.predict(X)) == pytest.approx(0.5, abs=0.03)


def test_quantile__network_alone__near_the_levels():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 2))
    y = 100 + rng.normal(size=400)
    levels = [0.2, 0.5, 0.8]
    reg = tiny(PaReRegressor, loss="quantile", quantile=levels, linear_path=False)
    below = y[:, None] <= reg.fit(X, y).predict(X)
    np.testing.assert_allclose(below.mean(0), levels, atol=0.12)


def test_poisson__learns_a_rate():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    y = rng.poisson(np.exp(1 + 0.8 * X[:, 0]))
    reg = tiny(PaReRegressor, loss="poisson", max_epochs=30).fit(X, y)
    assert reg.fit_report_.linear_path is False
    assert reg.score(X, y) > 0.3


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"loss": "quantile"}, "quantile is None"),
        ({"loss": "quantile", "quantile": [0.1, 2]}, r"quantile is \[0.1, 2\]"),
        ({"loss": "quantile", "quantile": 1.5}, "'quantile' parameter"),
        ({"loss": "l1"}, "'loss' parameter"),
        ({"loss": "callable"}, "'loss' parameter"),
        ({"loss": "poisson"}, "y holds -"),
        ({"loss": torch.nn.functional.mse_loss}, "reduction='none'"),
    ],
    ids=[
        "no level",
        "a level of 2",
        "a level of 1.5",
        "unknown",
        "word",
        "negative",
        "mean of a batch",
    ],
)
def test_fit__wrong_loss__error_says_what(settings, words):
    with pytest.raises(ValueError, match=words):
        one_epoch(**settings).fit(*DATA["numbers"])


def test_fit__function_that_is_not_finite__diverges():
    def loss(prediction, target):
        return (prediction - target) * np.inf

    reg = one_epoch(loss=loss, precision="fp32")
    with pytest.raises(DivergenceError):
        reg.fit(*DATA["number"])


def test_fit__quantile_without_its_loss__warns():
    with pytest.warns(UserWarning, match=r"no effect on this fit: quantile"):
        one_epoch(quantile=0.3).fit(*DATA["number"])


def test_score__other_shape__error_names_both():
    X, y = DATA["number"]
    reg = one_epoch(loss="quantile", quantile=[0.1, 0.9]).fit(X, y)
    with pytest.raises(DataError, match="as in y of fit"):
        reg.score(X, np.c_[y, y])
