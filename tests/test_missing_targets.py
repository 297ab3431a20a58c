"""Missing targets, NaN in (n, K) or in fields: skipped by everything that fit does."""

from functools import partial

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare._data.value_targets import ValueTarget
from sklearn_pare.exceptions import DataError
from tests.common.instances import tiny
from tests.test_losses import LOSSES

pytestmark = pytest.mark.filterwarnings("ignore:Predictions are those of the linear")

RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(120, 3))
NUMBERS = np.c_[TABLE[:, 0], 1e4 + TABLE[:, 1] * 50, TABLE.sum(1), TABLE[:, 2] ** 2]
SIGNALS = RNG.normal(size=(60, 2, 8))
IMAGES = RNG.normal(size=(40, 1, 6, 6))
DATA = {
    "numbers": (TABLE, NUMBERS),
    "two numbers of signals": (SIGNALS, SIGNALS[:, :, :3].mean(2)),
    "field": (SIGNALS, SIGNALS[:, 0].cumsum(1)),
    "fields": (SIGNALS, 300 + SIGNALS.cumsum(2)),
    "image fields": (IMAGES, IMAGES[:, 0].cumsum(1)),
}
one_epoch = partial(tiny, PaReRegressor, max_epochs=1)
data = pytest.mark.parametrize("name", DATA)


def _with_gaps(y, share=0.3):
    missing = np.random.default_rng(1).random(y.shape) < share
    # One sample lacks all of its targets.
    missing[5] = True
    return np.where(missing, np.nan, y)


@data
@pytest.mark.parametrize("settings", LOSSES.values(), ids=LOSSES)
def test_fit__every_loss__finite_and_scored(name, settings):
    if name in ("two numbers of signals", "field") and settings["loss"] != "quantile":
        pytest.skip("as the others")
    X, y = DATA[name]
    y = np.abs(y) if settings["loss"] == "poisson" else y
    source = "formula" if "field" in name else "self"
    reg = one_epoch(early_stopping=True, source=source, **settings)
    reg.fit(X, _with_gaps(y), X_unlabeled=X[:9])
    row = reg.history_[-1]
    keys = ("train_loss", "valid_loss", "valid_score", "unlabeled_loss")
    assert np.isfinite([row[key] for key in keys]).all()
    assert np.isfinite(reg.predict(X)).all()
    assert np.isfinite(reg.score(X, _with_gaps(y)))


@data
def test_fit__hidden_values__have_no_effect(name):
    X, y = DATA[name]
    gaps = _with_gaps(y)
    plain = one_epoch().fit(X, gaps, X_val=X[:30], y_val=gaps[:30])
    # Samples without targets are left out.
    kept = ~np.isnan(gaps).reshape(len(X), -1).all(1)
    less = one_epoch().fit(
        X[kept], gaps[kept], X_val=X[:30][kept[:30]], y_val=gaps[:30][kept[:30]]
    )
    np.testing.assert_array_equal(less.predict(X), plain.predict(X))
    assert plain.fit_report_.n_training == kept.sum() < len(X)
    assert plain.fit_report_.n_validation == kept[:30].sum()


@data
def test_fit__complete__as_before(name):
    _, y = DATA[name]
    target = ValueTarget.from_y(y, y.shape[1:] if name == "field" else (), "huber")
    weight = np.ones(len(y))
    assert target.weigh(weight, target.encode(y)) is weight
    assert not target.gaps
    one_gap = y.copy()
    one_gap.flat[7] = np.nan
    other = ValueTarget.from_y(one_gap, target.size, "huber")
    assert other.gaps
    np.testing.assert_allclose(other.mean, target.mean, atol=0.1 * target.scale.max())


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber"])
def test_loss__missing__mean_over_the_others(loss, rng):
    y = rng.normal(size=(6, 4))
    target = ValueTarget.from_y(y, (), loss)
    codes, outputs = torch.from_numpy(target.encode(y)), torch.zeros(6, 4)
    outputs.requires_grad_()
    hidden = codes.clone()
    hidden[2, 1:] = torch.nan
    losses = target.loss(outputs, hidden)
    torch.testing.assert_close(losses[3:], target.loss(outputs, codes)[3:])
    # One of four numbers is known.
    one = ValueTarget.from_y(y[:, :1], (), loss).loss(outputs[2:3, :1], codes[2:3, :1])
    torch.testing.assert_close(losses[2:3], one / 4)
    losses.sum().backward()
    assert (outputs.grad[2, 1:] == 0).all()
    assert outputs.grad.isfinite().all()


@pytest.mark.parametrize("shape", [(8,), (2, 8), (1, 4, 4)], ids=str)
def test_relative_l2__missing__relative_to_the_known_positions(shape, rng):
    y = rng.normal(size=(6, *shape))
    size = shape[-1:] if len(shape) < 3 else shape[-2:]
    target = ValueTarget.from_y(y, size, "relative_l2")
    codes = torch.from_numpy(target.encode(y))
    outputs = codes + torch.from_numpy(rng.normal(size=codes.shape)).float()
    known = torch.from_numpy(rng.random(codes.shape) < 0.6)
    losses = target.loss(outputs, torch.where(known, codes, torch.nan))
    for i, k in enumerate(known):
        error, norm = (outputs - codes)[i][k].norm(), codes[i][k].norm()
        expected = error / norm * k.float().mean()
        assert losses[i].item() == pytest.approx(expected.item(), rel=1e-4)


def test_linear_path__each_output_by_its_known_samples():
    y = _with_gaps(NUMBERS[:, :3])
    reg = one_epoch().fit(TABLE, y)
    assert reg.network_share_ == 0
    prediction = reg.predict(TABLE)
    for k in range(3):
        known = ~np.isnan(y[:, k])
        ridge = Ridge(1e-3).fit(TABLE[known], y[known, k])
        assert r2_score(ridge.predict(TABLE), prediction[:, k]) > 0.999


@pytest.mark.parametrize("kind", ["numbers", "fields"])
def test_score__missing__as_without_them(kind):
    X, y = DATA[kind]
    reg = one_epoch().fit(X, y)
    gaps = _with_gaps(y)
    prediction = reg.predict(X)
    if kind == "numbers":
        known = ~np.isnan(gaps)
        expected = [r2_score(y[k, c], prediction[k, c]) for c, k in enumerate(known.T)]
        assert reg.score(X, gaps) == pytest.approx(np.mean(expected))
        weight = np.arange(len(X)) % 3 + 1.0
        repeated = np.repeat(np.arange(len(X)), weight.astype(int))
        assert reg.score(X, gaps, weight) == pytest.approx(
            reg.score(X[repeated], gaps[repeated])
        )
    # Values that are hidden have no effect.
    y = np.where(np.isnan(gaps), np.nan, y)
    assert reg.score(X, gaps) == reg.score(X, y)


def test_errors__missing_half_of_the_targets__near_the_complete_fit():
    y = NUMBERS[:, :3]
    reg = one_epoch().fit(TABLE[:80], _with_gaps(y)[:80])
    assert reg.score(TABLE[80:], y[80:]) > 0.99


@pytest.mark.parametrize("name", ["numbers", "fields"])
def test_conformalize__missing__skipped(name):
    X, y = DATA[name]
    half = len(X) // 2
    reg = one_epoch().fit(X[:half], _with_gaps(y)[:half])
    reg.conformalize(X[half:], _with_gaps(y)[half:])
    lower, upper = reg.predict_interval(X, 0.5)
    assert np.isfinite(upper - lower).all()


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (np.where(np.arange(4) == 2, np.nan, NUMBERS), "output 2"),
        (np.full_like(NUMBERS, np.nan), "output 0"),
        (np.where(np.arange(120) == 7, np.nan, NUMBERS[:, 0]), "NaN"),
        (np.where(np.arange(120) == 7, np.nan, NUMBERS[:, 0])[:, None], "NaN"),
        (np.where(np.arange(4) == 2, np.inf, NUMBERS), "infinity"),
    ],
    ids=["output", "all", "one number", "one column", "infinite"],
)
@pytest.mark.filterwarnings("ignore:A column-vector y")
def test_fit__targets_that_no_fit_can_use__error_names_them(y, words):
    with pytest.raises(ValueError, match=words):
        one_epoch().fit(TABLE, y)


def test_fit__channel_without_a_target__error_names_it():
    y = DATA["fields"][1].copy()
    y[:, 1] = np.nan
    with pytest.raises(DataError, match="channel 1"):
        one_epoch().fit(SIGNALS, y)


@pytest.mark.parametrize(
    "y", [NUMBERS[:, :2], NUMBERS[:, 0]], ids=["labels", "classes"]
)
def test_classifier__missing__error(y):
    y = np.where(np.arange(120).reshape(-1, *[1] * (y.ndim - 1)) == 3, np.nan, y > 0)
    with pytest.raises(ValueError, match="NaN"):
        tiny(PaReClassifier, max_epochs=1).fit(TABLE, y)
