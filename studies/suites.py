"""Small tasks of every modality, to compare methods on.

Every fit is bounded to about 20 s on one core of 2026, by few rows and small batches.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_sample_images,
    load_wine,
    make_classification,
    make_friedman1,
    make_friedman2,
    make_hastie_10_2,
)
from sklearn.model_selection import train_test_split

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.benchmarks.methods import CHOICES
from sklearn_pare.datasets import (
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
    make_patterns,
    make_permeability,
    make_shallow_water_2d,
    make_spherical_digits,
    make_vibration,
)
from studies import peers
from studies.probes import WRAPPERS

_MAX_TEST = 500


@dataclass(frozen=True)
class Task:
    """Data, and how many of their rows are for training.

    Parameters
    ----------
    modality : str
    load : callable
        Gives X and y, always the same.
    n_train : int
        At most 500 of the other rows are for the test.
    kind : {PaReClassifier, PaReRegressor}
    settings : dict
        Arguments of `kind` that the data ask for.
    peers : dict
        Name in the table -> name for `peers.make`.
    """

    modality: str
    load: Callable
    n_train: int
    kind: type = PaReClassifier
    settings: dict = field(default_factory=dict)
    peers: dict = field(default_factory=dict)

    def split(self, seed):
        """X, X_test, y, y_test; classes in equal shares."""
        X, y = self.load()
        classes = self.kind is PaReClassifier and y.ndim == 1
        return train_test_split(
            X,
            y,
            train_size=self.n_train,
            test_size=min(len(X) - self.n_train, _MAX_TEST),
            stratify=y if classes else None,
            random_state=seed,
        )

    def has(self, method):
        """Whether a method or peer of this name is there."""
        return method in CHOICES or method in self.peers

    def settings_of(self, method):
        """Arguments of the estimator that are no defaults; none of a peer.

        The linear path is the same for all methods and would hide them: it is left
        out, unless a method asks for it.
        """
        if method in self.peers:
            return {}
        return {"linear_path": False} | self.settings | CHOICES[method]

    def estimator(self, method, settings, seed):
        """The estimator of a method with such arguments, not fitted."""
        if method in self.peers:
            return peers.make(self.peers[method], seed)
        estimator = self.kind(**settings, random_state=seed)
        return WRAPPERS.get(method, lambda own: own)(estimator)


def _sklearn(load):
    return functools.partial(load, return_X_y=True)


def _simulated(make, n_samples=400, **settings):
    # Always the same rows: the seed of a run moves the split and the fit alone.
    return functools.partial(make, n_samples, random_state=0, **settings)


def _photographs():
    """Patches (n, 3, 16, 16) of the two photographs that scikit-learn has."""
    images = [image / 255 for image in load_sample_images().images]
    patches = [
        image[row : row + 16, column : column + 16].transpose(2, 0, 1)
        for image in images
        for row in range(0, 416, 32)
        for column in range(0, 624, 32)
    ]
    y = np.repeat([0, 1], len(patches) // 2)
    # Brightness and colour of a patch would give the photograph away.
    X = np.stack(patches)
    return X - X.mean((2, 3), keepdims=True), y


def _madelon():
    return make_classification(
        600, 20, n_informative=8, n_classes=4, class_sep=1.5, random_state=0
    )


def _mean_of_fields(load):
    """Fields, and the mean of what becomes of each: one number a row."""

    def load_means():
        X, y = load()
        return X, y.reshape(len(y), -1).mean(1)

    return load_means


# Steps are what a fit costs: batches are small, and fields are left long before "auto".
_SMALL = {"batch_size": 16}
_IMAGE = _SMALL | {"input_shape": (1, 8, 8)}
_SIGNAL = _SMALL | {"input_shape": (1, 64)}
_FIELDS = {"max_steps": 200}


_CLASS_PEERS = {
    "linear": "StandardScaler + LogisticRegression",
    "forest": "RandomForest",
}
_NUMBER_PEERS = {"linear": "ridge", "forest": "regression forest"}


def _classes(modality, load, n_train, settings=_SMALL):
    return Task(modality, load, n_train, PaReClassifier, settings, _CLASS_PEERS)


def _numbers(modality, load, n_train):
    return Task(modality, load, n_train, PaReRegressor, _SMALL, _NUMBER_PEERS)


def _fields(load):
    return Task("fields", load, 100, PaReRegressor, _FIELDS, _NUMBER_PEERS)


_digits = _sklearn(load_digits)

#: Names of peers: what scikit-learn has for such data, in the tasks that it fits.
PEERS = ("linear", "forest")

#: Suite -> name -> `Task`. Defaults are chosen on "tuning"; "small" has none of it.
SUITES = {
    "small": {
        "digits-100": _classes("images", _digits, 100, _IMAGE),
        "spherical-digits-150": _classes(
            "images", _simulated(make_spherical_digits, 650), 150
        ),
        "ecg-100": _classes("signals", _simulated(make_ecg), 100),
        "chirps-100": _classes("signals", _simulated(make_chirps), 100),
        "motifs-150": Task(
            "signals",
            _simulated(make_motifs),
            150,
            PaReClassifier,
            _SMALL,
            {"forest": "FFT + RandomForest"},
        ),
        "digits-scan-100": _classes("signals", _digits, 100, _SIGNAL),
        "digits-table-100": _classes("tables", _digits, 100),
        "wine-50": _classes("tables", _sklearn(load_wine), 50),
        "cancer-60": _classes("tables", _sklearn(load_breast_cancer), 60),
        "iris-45": _classes("tables", _sklearn(load_iris), 45),
        "hastie-100": _classes("tables", _simulated(make_hastie_10_2, 600), 100),
        "diabetes-150": _numbers("tables", _sklearn(load_diabetes), 150),
        "friedman1-100": _numbers(
            "tables", _simulated(make_friedman1, 600, noise=1.0), 100
        ),
        "permeability-100": _numbers("fields", _simulated(make_permeability), 100),
        "darcy-16": _fields(_simulated(make_darcy, 300, size=16)),
        "darcy-two-valued-16": _fields(
            _simulated(make_darcy, 300, size=16, medium="two-valued")
        ),
        "burgers-64": _fields(_simulated(make_burgers, 300, resolution=64)),
        "navier-stokes-64": _fields(
            _simulated(make_navier_stokes_1d, 300, resolution=64)
        ),
        "diffusion-sorption-64": _fields(
            _simulated(make_diffusion_sorption, 300, resolution=64)
        ),
        "shallow-water-16": _fields(_simulated(make_shallow_water_2d, 300, size=16)),
        "distance-maps-16": _fields(_simulated(make_distance_maps, 300, length=16)),
        "cosmic-rays-32": Task(
            "fields",
            _simulated(make_cosmic_rays, 300, size=32),
            100,
            PaReClassifier,
            _FIELDS,
        ),
    },
    "tuning": {
        "photographs-100": _classes("images", _photographs, 100),
        "patterns-100": _classes("images", _simulated(make_patterns), 100),
        "gait-100": _classes("signals", _simulated(make_gait), 100),
        "vibration-100": _classes("signals", _simulated(make_vibration), 100),
        "madelon-100": _classes("tables", _madelon, 100),
        "friedman2-100": _numbers(
            "tables", _simulated(make_friedman2, 600, noise=100.0), 100
        ),
        "diffusion-reaction-64": _fields(
            _simulated(make_diffusion_reaction_1d, 300, resolution=64)
        ),
        "patterns-ahead-16": _fields(
            _simulated(make_diffusion_reaction_2d, 300, size=16)
        ),
        "diffusion-reaction-mean-64": _numbers(
            "signals",
            _mean_of_fields(_simulated(make_diffusion_reaction_1d, 300, resolution=64)),
            100,
        ),
        "patterns-ahead-mean-16": _numbers(
            "images",
            _mean_of_fields(_simulated(make_diffusion_reaction_2d, 300, size=16)),
            100,
        ),
    },
}
