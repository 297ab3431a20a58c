"""Tests of all simulators."""

import inspect

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.utils._param_validation import InvalidParameterError

from sklearn_pare import datasets
from sklearn_pare.datasets import (
    make_advection,
    make_burgers,
    make_chirps,
    make_cosmic_rays,
    make_darcy,
    make_diffusion_reaction_1d,
    make_diffusion_reaction_2d,
    make_diffusion_sorption,
    make_distance_maps,
    make_ecg,
    make_gait,
    make_motifs,
    make_navier_stokes_1d,
    make_navier_stokes_2d,
    make_patterns,
    make_permeability,
    make_shallow_water_2d,
    make_spherical_digits,
    make_vibration,
)

# Simulator -> parameter of the size, shapes of a sample of X and y, number of classes.
# The size is that of the last axis of X.
CASES = {
    make_advection: ("resolution", (1, 32), (32,), None),
    make_burgers: ("resolution", (1, 32), (32,), None),
    make_diffusion_reaction_1d: ("resolution", (1, 32), (32,), None),
    make_diffusion_sorption: ("resolution", (1, 32), (32,), None),
    make_navier_stokes_1d: ("resolution", (3, 32), (3, 32), None),
    make_darcy: ("size", (1, 16, 16), (16, 16), None),
    make_diffusion_reaction_2d: ("size", (2, 16, 16), (2, 16, 16), None),
    make_shallow_water_2d: ("size", (1, 16, 16), (16, 16), None),
    make_navier_stokes_2d: ("size", (4, 16, 16), (4, 16, 16), None),
    make_cosmic_rays: ("size", (1, 16, 16), (16, 16), None),
    make_spherical_digits: ("size", (1, 16, 16), (), 10),
    make_patterns: ("size", (1, 16, 16), (), 5),
    make_permeability: ("size", (1, 16, 16), (), None),
    make_distance_maps: ("length", (5, 16, 16), (16, 16), None),
    make_ecg: ("length", (1, 130), (), 5),
    make_vibration: ("length", (2, 130), (), 4),
    make_chirps: ("length", (1, 130), (), 6),
    make_gait: ("length", (6, 130), (), 5),
    make_motifs: ("length", (1, 130), (5,), None),
}
EQUATIONS = list(CASES)[:8]


def _id(make):
    return make.__name__.removeprefix("make_")


every = pytest.mark.parametrize("make", CASES, ids=_id)


def test_cases__all_simulators():
    names = [name for name in datasets.__all__ if name.startswith("make_")]
    assert sorted(make.__name__ for make in CASES) == names


@every
def test_make__shapes_classes_and_seed(make):
    size, shape, target, n_classes = CASES[make]
    n = 5 if n_classes is None else 20
    before = np.random.get_state()  # noqa: NPY002
    X, y = make(n, **{size: shape[-1]}, random_state=3)
    assert (X.shape, y.shape) == ((n, *shape), (n, *target))
    assert X.dtype == np.float64
    assert np.isfinite(X).all()
    assert np.isfinite(y).all()
    if n_classes is not None:
        counts = np.bincount(y)
        assert len(counts) == n_classes
        assert np.ptp(counts) <= 1
    # A seed determines the samples, and the global random state is not used.
    again = make(n, **{size: shape[-1]}, random_state=np.random.RandomState(3))
    np.testing.assert_array_equal(X, again[0])
    np.testing.assert_array_equal(y, again[1])
    assert not np.array_equal(X, make(n, **{size: shape[-1]}, random_state=4)[0])
    after = np.random.get_state()  # noqa: NPY002
    np.testing.assert_array_equal(before[1], after[1])
    assert before[2:] == after[2:]


@every
def test_make__one_sample_of_another_size(make):
    size, shape, _, _ = CASES[make]
    other = shape[-1] + 1
    X, y = make(1, **{size: other}, random_state=0)
    assert X.shape[2:] == (other,) * (len(shape) - 1)
    assert len(y) == 1


@every
def test_make__bad_parameters__invalid(make):
    size = CASES[make][0]
    bad = [{"n_samples": 0}, {"random_state": "seed"}, {size: 3}, {size: 132.5}]
    if "time" in inspect.signature(make).parameters:
        bad += [{"time": 0}, {"time": -1.0}]
    for parameters in bad:
        with pytest.raises(InvalidParameterError, match=next(iter(parameters))):
            make(**parameters)


@pytest.mark.parametrize(
    ("make", "parameters"),
    [
        (make_advection, {"speed": "fast"}),
        (make_burgers, {"viscosity": 0}),
        (make_diffusion_reaction_1d, {"diffusivity": -0.1}),
        (make_diffusion_reaction_1d, {"rate": 0}),
        (make_navier_stokes_1d, {"viscosity": -0.1}),
        (make_navier_stokes_2d, {"viscosity": -1}),
        (make_darcy, {"medium": "sand"}),
        (make_motifs, {"n_labels": 9}),
        (make_motifs, {"n_labels": 1}),
    ],
)
def test_make__bad_constants__invalid(make, parameters):
    with pytest.raises(InvalidParameterError, match=next(iter(parameters))):
        make(2, **parameters)


@pytest.mark.parametrize("make", EQUATIONS, ids=_id)
def test_make__neither_frozen_nor_uniform(make):
    size = {"size": 24} if CASES[make][0] == "size" else {}
    X, y = make(40, **size, random_state=0)
    # The variation between samples is a large part of all variation.
    assert y.std(0).mean() > 0.4 * y.std()
    assert y.std() > 0.1 * np.abs(y).mean()
    if X[:, 0].shape == y.shape or X.shape == y.shape:
        change = y - X.reshape(y.shape)
        assert change.std() > 0.5 * y.std(0).mean()


def _spectrum(X):
    spectrum = np.fft.rfftn(X, axes=tuple(range(2, X.ndim)))
    return np.log(np.abs(spectrum) + 1e-3).reshape(len(X), -1)


@pytest.mark.parametrize(
    "make", [make_ecg, make_vibration, make_chirps, make_gait, make_patterns], ids=_id
)
def test_classes__spectrum_helps_but_does_not_suffice(make):
    X, y = make(300, **({"size": 16} if make is make_patterns else {}), random_state=0)
    model = RandomForestClassifier(50, random_state=0)
    model.fit(_spectrum(X[:180]), y[:180])
    # Three standard errors of 120 samples are about 0.1.
    chance = 1 / CASES[make][3]
    assert chance + 0.1 < model.score(_spectrum(X[180:]), y[180:]) < 0.85
