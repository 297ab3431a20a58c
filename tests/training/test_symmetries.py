"""Symmetries of fields that the data support, and samples transformed by them."""

import numpy as np
import pytest
import torch

from sklearn_pare import PaReRegressor, datasets
from sklearn_pare.training.symmetries import Symmetries, supported
from tests.common import tiny

ALL = (("reversed", 0), ("reversed", 1), ("swapped", 0))
SQUARE = Symmetries(ALL)
SHIFT, FLIP, MIRROR = ("shifted", 0), ("reversed", 0), ("mirrored", 0)


def _standardised(values, n_axes):
    values = values.reshape(len(values), -1, *values.shape[-n_axes:])
    axes = (0, *range(2, values.ndim))
    mean = np.nanmean(values, axes, keepdims=True)
    std = np.nanstd(values, axes, keepdims=True)
    std[std == 0] = 1.0
    return torch.from_numpy(((values - mean) / std).astype(np.float32))


def _found(X, y):
    n_axes = X.ndim - 2
    return supported(_standardised(X, n_axes), _standardised(y, n_axes), 0).moves


def _darcy(n_samples, **settings):
    return datasets.make_darcy(n_samples, size=16, random_state=1, **settings)


def _line(name, n_samples, **settings):
    make = getattr(datasets, f"make_{name}")
    return make(n_samples, resolution=64, random_state=1, **settings)


def _anisotropic(n_samples):
    # A squeezed square flows more easily along one axis.
    X, y = _darcy(n_samples)
    weight = 1 + 0.3 * np.linspace(-1, 1, 16) ** 2
    return X, y * weight[:, None]


def _torus(n_samples):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n_samples, 1, 8, 8))
    return x, x[:, 0] + 0.5 * np.roll(x[:, 0], 1, -1)


def _smooth(n_samples, n_modes, seed=0):
    rng = np.random.default_rng(seed)
    modes, place = np.arange(1, n_modes + 1), 2 * np.pi * np.arange(32) / 32
    phase = rng.uniform(0, 2 * np.pi, (n_samples, 1, n_modes))
    waves = np.sin(place[:, None] * modes + phase)
    return waves @ rng.normal(size=(n_samples, n_modes, 1))


def _images(n_samples, law, *size):
    x = np.random.default_rng(0).normal(size=(n_samples, 1, *size))
    return x, law(x[:, 0])


def _mosaic(n_samples):
    # Even and odd positions measure another colour; the colours are the target.
    lines = _smooth(n_samples, 4, 0), _smooth(n_samples, 4, 1), _smooth(n_samples, 4, 2)
    red, green, blue = (own * own[:, ::-1].swapaxes(1, 2) for own in lines)
    x = green.copy()
    x[:, ::2, ::2], x[:, 1::2, 1::2] = red[:, ::2, ::2], blue[:, 1::2, 1::2]
    return x[:, None], np.stack([red, green, blue], axis=1)


def _source(n_samples):
    # Only the strength of a source at one position differs, and only slightly.
    strength = np.random.default_rng(0).uniform(0.95, 1.05, (n_samples, 1))
    x = np.zeros((n_samples, 1, 32))
    x[:, 0, 10] = strength[:, 0]
    return x, np.sin(20 * strength) * np.exp(-((PLACE - PLACE[10]) ** 2) / 0.1)


def _with_missing(n_samples):
    X, y = _of_signals(lambda x: (x + 0.2 * x**2) * (1 + 0.2 * PLACE), n_samples, 8)
    y[np.random.default_rng(0).random(y.shape) < 0.2] = np.nan
    return X, y


def _never_both(n_samples):
    X, y = _of_signals(lambda x: x**2, n_samples, 4)
    y = np.stack([y, y], axis=1)
    y[:, 0, ::2], y[:, 1, 1::2] = np.nan, np.nan
    return X, y


def _equal(n_samples):
    X, y = _of_signals(lambda x: x**2, n_samples, 4)
    X[: n_samples * 3 // 4] = X[0]
    return X, y


def _of_signals(law, *sizes):
    X = _smooth(*sizes)[..., 0][:, None]
    return X, law(X[:, 0])


def _noise(n_samples):
    return np.random.default_rng(0).normal(size=(2, n_samples, 1, 32))


PLACE = np.linspace(-1, 1, 32)
BURGERS = _line("burgers", 300, viscosity=0.02)
# The regression of 40 of them predicts mirrored samples as well as the others.
REACTION = datasets.make_diffusion_reaction_1d(500, resolution=64, random_state=1001)
# Data, and the symmetries of their law.
LAWS = {
    "Darcy, 60 samples": (lambda: _darcy(60), ALL),
    "Darcy, two-valued": (lambda: _darcy(80, medium="two-valued"), ALL),
    "Darcy, anisotropic": (lambda: _anisotropic(80), ALL[:2]),
    "advection": (lambda: _line("advection", 60), (SHIFT,)),
    "Burgers": (lambda: BURGERS, (MIRROR, SHIFT)),
    "reaction": (lambda: _line("diffusion_reaction_1d", 150), (FLIP, SHIFT)),
    "soil with two ends": (lambda: _line("diffusion_sorption", 60), ()),
    "torus": (lambda: _torus(120), (FLIP, MIRROR, SHIFT, ("shifted", 1))),
    "squares": (lambda: _of_signals(lambda x: x + 0.2 * x**2, 60, 8), (FLIP, SHIFT)),
    "gain that depends on the position": (
        lambda: _of_signals(lambda x: x * (1 + 0.1 * PLACE), 40, 14),
        (),
    ),
    # Their regression is predicted better with transformed samples.
    "gain of few samples": (
        lambda: _of_signals(lambda x: x * (1 + 0.6 * PLACE) + 0.1 * x**2, 39, 12),
        (),
    ),
    "growth along few samples": (
        lambda: _of_signals(lambda x: x * np.exp(0.8 * PLACE), 39, 28),
        (),
    ),
    "gain of many modes": (
        lambda: _of_signals(lambda x: x * (1 + 0.6 * PLACE) + 0.1 * x**2, 50, 14),
        (),
    ),
    "samples of zeros": (lambda: (np.zeros((40, 1, 32)), _smooth(40, 4)[..., 0]), ()),
    "Darcy, anisotropic, 30 samples": (lambda: _anisotropic(30), ALL[:2]),
    "Darcy, two-valued, 30 samples": (lambda: _darcy(30, medium="two-valued"), ALL),
    "advection, 35 samples": (lambda: _line("advection", 35), (SHIFT,)),
    "reaction, 40 samples": (lambda: [v[:40] for v in REACTION], (FLIP, SHIFT)),
    "soil, 30 samples": (lambda: _line("diffusion_sorption", 30), ()),
    "noise, 30 samples": (lambda: _noise(30), ()),
    "rectangle": (
        lambda: _images(60, lambda x: x + 0.3 * x**2, 34, 40),
        (FLIP, ("reversed", 1), SHIFT, ("shifted", 1)),
    ),
    "gain of every second line": (
        lambda: _images(60, lambda x: x**2 * (1 + 0.4 * (-1) ** np.arange(40)), 6, 40),
        (FLIP, SHIFT),
    ),
    "gain of one of two lines": (
        lambda: _images(60, lambda x: x**2 * np.array([[1], [0.2]]), 2, 32),
        (("reversed", 1), ("shifted", 1)),
    ),
    "mosaic of colours": (lambda: _mosaic(60), (("swapped", 0),)),
    "gain, missing values": (lambda: _with_missing(30), ()),
    "fields of which one is missing everywhere": (lambda: _never_both(40), ()),
    "source of about one strength": (lambda: _source(40), ()),
    "equal samples": (lambda: _equal(40), ()),
    "two positions": (lambda: _images(30, lambda x: x * np.array([1, 3]), 2), ()),
    "one position": (lambda: _images(30, np.square, 1), ()),
    "too few samples": (lambda: _darcy(29, medium="two-valued"), ()),
    # What cannot be predicted does not show its law.
    "noise": (lambda: _noise(90), ()),
}


@pytest.mark.parametrize("name", LAWS)
def test_supported__those_of_the_law(name):
    make, expected = LAWS[name]
    assert _found(*make()) == expected


@pytest.mark.parametrize("size", [(9,), (6, 6)], ids=str)
def test_supported__other_positions_than_the_sample__none(size):
    x, y = torch.randn(50, 1, 8, *size[1:]), torch.randn(50, 1, *size)
    assert supported(x, y, 0).moves == ()


def _all_forms(x):
    turned = [torch.rot90(x, k, (-2, -1)) for k in range(4)]
    return turned + [form.mT for form in turned]


def test_apply__square__each_sample_its_own_form_alike_in_all_tensors(generator):
    x, y = torch.randn(64, 2, 5, 5), torch.randn(64, 1, 5, 5)
    new_x, new_y = SQUARE.apply([x, y], generator)
    found = set()
    for row in range(64):
        forms = list(zip(_all_forms(x[row]), _all_forms(y[row]), strict=True))
        same = [torch.equal(new_x[row], form) for form, _ in forms]
        assert sum(same) == 1
        assert torch.equal(new_y[row], forms[same.index(True)][1])
        found.add(same.index(True))
    assert len(found) == 8


@pytest.mark.parametrize("axis", [0, 1])
def test_apply__shifts__by_any_number_of_positions(axis, generator):
    x = torch.arange(12.0).reshape(1, 1, 3, 4).repeat(50, 1, 1, 1)
    (new,) = Symmetries((("shifted", axis),)).apply([x], generator)
    shifts = [(x[0] != row).any().item() for row in new]
    assert 0 < sum(shifts) < 50
    for row in new:
        assert any(torch.equal(row, x[0].roll(k, axis + 1)) for k in range(4))


def test_apply__nothing_drawn_without_symmetries(generator):
    fields = torch.randn(2, 1, 4), torch.randn(2, 1, 4), torch.ones(2), None
    state = generator.get_state()
    assert Symmetries().apply(fields, generator) is fields
    assert torch.equal(generator.get_state(), state)


@pytest.mark.parametrize("move", [FLIP, SHIFT], ids=str)
def test_apply__missing_values_and_offsets_move_along(move, generator):
    x = torch.arange(8.0).expand(6, 1, 8).clone()
    x[:, :, 3] = torch.nan
    weight, symmetries = torch.arange(6.0), Symmetries((move,))
    new, y, same, offset = symmetries.apply((x, x + 1, weight, x + 2), generator)
    assert same is weight
    assert torch.equal(y.nan_to_num(), (new + 1).nan_to_num())
    assert torch.equal(offset.nan_to_num(), (new + 2).nan_to_num())
    assert not torch.equal(new.nan_to_num(), x.nan_to_num())
    assert symmetries.apply((x, x, weight, None), generator)[3] is None


def test_apply__mirrors__opposite_sign_of_the_standardised_value(generator):
    x = torch.arange(24.0).reshape(1, 2, 3, 4).repeat(40, 1, 1, 1)
    found = Symmetries((("mirrored", 1),)).apply([x, x[:, :1]], generator)
    mirrored = [torch.equal(row, -x[0].flip(2)) for row in found[0]]
    assert 0 < sum(mirrored) < 40
    for row, same, other in zip(found[0], mirrored, found[1], strict=True):
        assert same or torch.equal(row, x[0])
        assert torch.equal(other[0], row[0])


@pytest.mark.parametrize("own_groups", [None, np.arange(100) // 2], ids=["no", "pairs"])
def test_add_forms__in_the_group_of_their_sample(own_groups):
    x, weight = torch.randn(100, 2, 8), np.arange(100.0)
    y = (x[:, :1] + 2 * x[:, 1:]).numpy()
    every, fields, weights, groups = Symmetries((SHIFT,)).add_forms(
        x, y, weight, own_groups, seed=0
    )
    assert torch.equal(every[:100], x)
    assert np.array_equal(fields[:100], y)
    np.testing.assert_allclose(fields, every[:, :1] + 2 * every[:, 1:], atol=1e-6)
    assert len({tuple(row) for row in every[::100, 0].tolist()}) > 3
    assert np.array_equal(weights, np.tile(weight, 9))
    expected = np.arange(100) if own_groups is None else own_groups
    assert np.array_equal(groups, np.tile(expected, 9))


@pytest.mark.parametrize(
    ("moves", "shape"),
    [((), (20, 1, 8)), ((SHIFT,), (500, 1, 8)), ((SHIFT,), (20, 1, 200_000))],
    ids=["no symmetries", "many samples", "large samples"],
)
def test_add_forms__none(moves, shape):
    given = torch.zeros(shape), np.zeros(shape), np.ones(shape[0])
    assert Symmetries(moves).add_forms(*given, None, seed=0) is None


def _nearly_shifted(n_samples):
    # The regression of few samples does not see the gain, linear maps are exact.
    rng, modes = np.random.default_rng(1), np.arange(1, 7)
    place = 2 * np.pi * np.arange(64) / 64
    waves = np.vstack([f(place * modes[:, None]) for f in (np.cos, np.sin)])
    x = rng.normal(size=(n_samples, 12)) / np.tile(modes, 2) @ waves
    return x[:, None], np.roll(x, 20, 1) * (1 + 0.01 * np.cos(place))


@pytest.mark.parametrize(
    ("make", "helps"),
    [(lambda: _line("advection", 340), True), (lambda: _nearly_shifted(340), False)],
    ids=["advection", "nearly shifted"],
)
def test_fit__linear_path__forms_of_samples_if_they_help(make, helps, monkeypatch):
    X, y = make()
    settings = {"max_epochs": 1, "batch_size": 20, "random_state": 0}

    def error():
        reg = PaReRegressor(backbone=tiny.NAME, **settings).fit(X[:40], y[:40])
        assert reg.fit_report_.symmetries == ["shifted along axis 0"]
        rest = np.linalg.norm(reg.predict(X[40:]) - y[40:], axis=1)
        return (rest / np.linalg.norm(y[40:], axis=1)).mean()

    found = error()
    monkeypatch.setattr(Symmetries, "add_forms", lambda *given: None)
    assert found <= (0.5 if helps else 1.0) * error()


@pytest.mark.parametrize("offset", [0.0, 300.0])
@pytest.mark.parametrize("factor", [1.0, 1e-3])
def test_fit__symmetries_of_the_report__for_any_units(offset, factor):
    X, y = BURGERS
    reg = PaReRegressor(
        max_epochs=1, batch_size=150, random_state=0, backbone=tiny.NAME
    )
    report = reg.fit(X * factor, y + offset).fit_report_
    assert report.symmetries == ["mirrored along axis 0", "shifted along axis 0"]
    assert str(report.symmetries[0]) in repr(report)


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"loss": "absolute_error"}, True),
        ({"loss": "quantile", "quantile": [0.2, 0.8]}, False),
        ({"mix_start": 0.5}, True),
    ],
    ids=str,
)
def test_fit__losses_and_mixing(settings, found):
    X, y = _darcy(40)
    settings = {"max_epochs": 1, "batch_size": 20, "backbone": tiny.NAME} | settings
    reg = PaReRegressor(random_state=0, **settings).fit(X, y)
    assert bool(reg.fit_report_.symmetries) == found
    assert np.isfinite(reg.predict(X)).all()
