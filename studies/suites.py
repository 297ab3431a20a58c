"""Tasks of the studies: data, their splits, and the estimators for them."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from sklearn import datasets as public
from sklearn import metrics as scores
from sklearn.model_selection import train_test_split

from sklearn_pare import PaReClassifier, PaReRegressor, datasets, metrics
from studies import every_token, peers, probes


@dataclass(frozen=True)
class Metric:
    """A score of the test part, and the estimator for such targets.

    Parameters
    ----------
    kind : {PaReClassifier, PaReRegressor}
    scorer : callable
    smaller_is_better : bool, default=False
        If True, the scorer returns minus the metric.
    """

    kind: type
    scorer: Callable
    smaller_is_better: bool = False


#: Name in the tables -> `Metric`.
METRICS = {
    "accuracy": Metric(PaReClassifier, metrics.get_scorer("accuracy")),
    "AUC": Metric(PaReClassifier, scores.get_scorer("roc_auc")),
    "macro AP": Metric(PaReClassifier, metrics.get_scorer("clip-map")),
    "pixel AUROC": Metric(PaReClassifier, metrics.get_scorer("pixel-auroc")),
    "R2": Metric(PaReRegressor, scores.get_scorer("r2")),
    "relative L2": Metric(PaReRegressor, metrics.get_scorer("relative-l2"), True),
}


@dataclass(frozen=True)
class Task:
    """Data, their splits, and the estimators that are fitted to them.

    Parameters
    ----------
    name : str
    load : callable
        Returns X and y, always the same.
    n_train : int
        Number of training samples.
    metric : str, default="accuracy"
        Name in `METRICS`.
    settings : dict
        Arguments of PaRe on these data.
    peers : dict
        Name in the tables -> name for `peers.make`.
    max_test : int or None, default=500
        Limit of the number of test samples. None: all other samples.
    """

    name: str
    load: Callable
    n_train: int
    metric: str = "accuracy"
    settings: dict = field(default_factory=dict)
    peers: dict = field(default_factory=dict)
    max_test: int | None = 500

    def split(self, seed):
        """Return X, X_test, y, y_test, stratified by class."""
        X, y = _loaded(self.load)
        n_test = self.max_test
        if n_test is not None:
            n_test = min(len(X) - self.n_train, n_test)
        return self.hold_out(X, y, self.n_train, n_test, seed)

    def hold_out(self, X, y, n_train, n_test, seed):
        """Split data of this task; if `n_test` is None, test on all other samples."""
        return train_test_split(
            X,
            y,
            train_size=n_train,
            test_size=n_test,
            stratify=y if self.metric in ("accuracy", "AUC") else None,
            random_state=seed,
        )

    def settings_of(self, method):
        """Return the arguments of PaRe for a method; none for a peer."""
        if method in self.peers:
            return {}
        known = METRICS[self.metric].kind().get_params()
        choices = probes.CHOICES[method]
        # Numbers have no labels to smooth.
        own = {name: value for name, value in choices.items() if name in known}
        return self.settings | own

    def estimator(self, method, seed, **settings):
        """Return the estimator of a method or peer, not fitted.

        Parameters
        ----------
        method : str
            Name in `probes.CHOICES` or in `peers`.
        seed : int
        **settings : object
            Arguments that override those of the task and of the method.
        """
        if method in self.peers:
            return peers.make(self.peers[method], seed, **settings)
        settings = self.settings_of(method) | settings
        estimator = METRICS[self.metric].kind(**settings, random_state=seed)
        return probes.tempered(method, estimator)

    def scored(self, estimator, X, y):
        """Return the metric of a fitted estimator as "score"."""
        metric = METRICS[self.metric]
        sign = -1 if metric.smaller_is_better else 1
        return {"score": sign * float(metric.scorer(estimator, X, y))}


@functools.lru_cache(maxsize=1)
def _loaded(load):
    return load()


def _simulated(name, n_samples=400, **settings):
    # Always the same data: the seed of a study changes the split and the fit alone.
    make = getattr(datasets, f"make_{name}")
    return functools.partial(make, n_samples, random_state=0, **settings)


def _made(make):
    return functools.partial(make, 700, random_state=0)


def _photographs():
    """Cut the two photographs of scikit-learn into patches (n, 3, 16, 16)."""
    images = [image / 255 for image in public.load_sample_images().images]
    patches = [
        image[top : top + 16, left : left + 16].transpose(2, 0, 1)
        for image in images
        for top in range(0, 416, 32)
        for left in range(0, 624, 32)
    ]
    y = np.repeat([0, 1], len(patches) // 2)
    # Brightness and colour of a patch would reveal the photograph.
    X = np.stack(patches)
    return X - X.mean((2, 3), keepdims=True), y


def _rare(digit):
    """Return digits of which 3 % are this one, and whether they are."""
    X, y = _digits()
    kept = np.r_[np.flatnonzero(y == digit)[:50], np.flatnonzero(y != digit)]
    return X[kept], (y[kept] == digit).astype(int)


def _rare_digit(digit):
    load = functools.partial(_rare, digit)
    settings = _SMALL | _PIXELS | _STOPPED
    return Task(f"digits-{digit}-200", load, 200, "AUC", settings, max_test=None)


def _mean_of_fields(load):
    """Replace the target field of each sample by its mean."""

    def load_means():
        X, y = load()
        return X, y.reshape(len(y), -1).mean(1)

    return load_means


_hastie = functools.partial(public.make_hastie_10_2, 600, random_state=0)
_friedman1 = functools.partial(public.make_friedman1, 600, noise=1.0, random_state=0)
_friedman2 = functools.partial(public.make_friedman2, 600, noise=100.0, random_state=0)
_madelon = functools.partial(
    public.make_classification,
    600,
    20,
    n_informative=8,
    n_classes=4,
    class_sep=1.5,
    random_state=0,
)
_digits, _diabetes, _iris, _wine, _cancer = (
    functools.partial(load, return_X_y=True)
    for load in (
        public.load_digits,
        public.load_diabetes,
        public.load_iris,
        public.load_wine,
        public.load_breast_cancer,
    )
)
_PIXELS = {"input_shape": (1, 8, 8)}
# All methods share the linear path, which would hide their differences.
_NETWORK = {"linear_path": False}
# The number of steps determines the cost of a fit: batches are small, and fields are
# trained for fewer epochs than "auto".
_SMALL = _NETWORK | {"batch_size": 16}
_FIELDS = _NETWORK | {"max_epochs": 16}
# Of 200 samples, two validation samples are of a class of 3 %.
_STOPPED = {"early_stopping": True, "validation_fraction": 0.35, "max_epochs": 10}

#: Peers of the suites "small" and "tuning".
PEERS = ("linear", "forest")
_CLASS_PEERS = ("StandardScaler + LogisticRegression", "RandomForest")
_NUMBER_PEERS = ("ridge", "regression forest")


def _classes(name, load, n_train, **settings):
    own = dict(zip(PEERS, _CLASS_PEERS, strict=True))
    return Task(name, load, n_train, settings=_SMALL | settings, peers=own)


def _numbers(name, load, n_train=100, metric="R2", settings=_SMALL):
    own = dict(zip(PEERS, _NUMBER_PEERS, strict=True))
    return Task(name, load, n_train, metric, settings, own)


def _fields(name, make, **settings):
    load = _simulated(make, 300, **settings)
    return _numbers(name, load, metric="relative L2", settings=_FIELDS)


def _whole(name, load, n_train, own, metric="accuracy", **settings):
    """Return a task of "modalities", with all other samples for the test."""
    return Task(name, load, n_train, metric, settings, {p: p for p in own}, None)


def _large_fields(name, make, own, **settings):
    return _whole(name, _simulated(make, **settings), 300, own, "relative L2")


def _large_signals(name):
    own = ("SVC", "MiniRocket + ridge")
    return _whole(f"{name}-150", _simulated(name), 150, own)


def _backbone(name, load, n_train, metric="accuracy", **settings):
    return Task(name, load, n_train, metric, _NETWORK | settings)


def _named(*tasks):
    return {task.name: task for task in tasks}


_SPECTRA = {"forest": "FFT + RandomForest"}
_LINE = ("ridge", "KNN", "UNet")
_DARCY = ("ridge", "KNN", "kernel ridge", "UNet", "FNO")
_TABLE = (
    "StandardScaler + LogisticRegression",
    "StandardScaler + SVC",
    "RandomForest",
    "HistGradientBoosting",
)
_reactions = _simulated("diffusion_reaction_1d", 300, resolution=64)
_patterns_ahead = _simulated("diffusion_reaction_2d", 300, size=16)
_rays_32 = _simulated("cosmic_rays", 300, size=32)
_rays_64 = _simulated("cosmic_rays", 300, size=64)

#: Suite -> name -> `Task`. The defaults of the package were chosen on "tuning", which
#: shares no task with "small". A fit of either takes about ten seconds on one core.
SUITES = {
    "small": _named(
        _classes("digits-100", _digits, 100, **_PIXELS),
        _classes("spherical-digits-150", _simulated("spherical_digits", 650), 150),
        _classes("ecg-100", _simulated("ecg"), 100),
        _classes("chirps-100", _simulated("chirps"), 100),
        Task("motifs-150", _simulated("motifs"), 150, "macro AP", _SMALL, _SPECTRA),
        _classes("digits-scan-100", _digits, 100, input_shape=(1, 64)),
        _classes("digits-table-100", _digits, 100),
        _classes("wine-50", _wine, 50),
        _classes("cancer-60", _cancer, 60),
        _classes("iris-45", _iris, 45),
        _classes("hastie-100", _hastie, 100),
        _numbers("diabetes-150", _diabetes, 150),
        _numbers("friedman1-100", _friedman1),
        _numbers("permeability-100", _simulated("permeability")),
        _fields("darcy-16", "darcy", size=16),
        _fields("darcy-two-valued-16", "darcy", size=16, medium="two-valued"),
        _fields("burgers-64", "burgers", resolution=64),
        _fields("navier-stokes-64", "navier_stokes_1d", resolution=64),
        _fields("diffusion-sorption-64", "diffusion_sorption", resolution=64),
        _fields("shallow-water-16", "shallow_water_2d", size=16),
        _fields("distance-maps-16", "distance_maps", length=16),
        Task("cosmic-rays-32", _rays_32, 100, "pixel AUROC", _NETWORK),
    ),
    "tuning": _named(
        _classes("photographs-100", _photographs, 100),
        _classes("patterns-100", _simulated("patterns"), 100),
        _classes("gait-100", _simulated("gait"), 100),
        _classes("vibration-100", _simulated("vibration"), 100),
        _classes("madelon-100", _madelon, 100),
        _numbers("friedman2-100", _friedman2),
        _fields("diffusion-reaction-64", "diffusion_reaction_1d", resolution=64),
        _fields("patterns-ahead-16", "diffusion_reaction_2d", size=16),
        _numbers("diffusion-reaction-mean-64", _mean_of_fields(_reactions)),
        _numbers("patterns-ahead-mean-16", _mean_of_fields(_patterns_ahead)),
        _classes("count-spots-200", _made(every_token.count_spots), 200),
        _classes("any-event-200", _made(every_token.any_event), 200),
        _classes("order-of-marks-200", _made(every_token.order_of_marks), 200),
    ),
    "every-token": _named(
        _classes("count-pulses-200", _made(every_token.count_pulses), 200),
        _classes("any-mark-200", _made(every_token.any_mark), 200),
        _classes("order-of-events-200", _made(every_token.order_of_events), 200),
    ),
    "modalities": _named(
        _large_fields("darcy-lognormal", "darcy", _DARCY, size=32, medium="lognormal"),
        _large_fields(
            "darcy-two-valued", "darcy", _DARCY, size=32, medium="two-valued"
        ),
        _large_fields("advection-256", "advection", _LINE, resolution=256),
        # The damping of PDEBench at viscosity 0.01, which its code divides by pi.
        _large_fields("burgers-256", "burgers", _LINE, resolution=256, viscosity=0.003),
        _large_fields(
            "diffusion-reaction-1d-256", "diffusion_reaction_1d", _LINE, resolution=256
        ),
        _large_fields(
            "diffusion-reaction-2d",
            "diffusion_reaction_2d",
            ("ridge", "UNet"),
            size=32,
        ),
        _whole("digits-300", _digits, 300, ("SVC", "StandardScaler + SVC"), **_PIXELS),
        _large_signals("ecg"),
        _large_signals("chirps"),
        _large_signals("gait"),
        _whole("wine-50", _wine, 50, _TABLE),
        _whole("cancer-60", _cancer, 60, _TABLE),
        _whole("iris-45", _iris, 45, _TABLE),
        _whole("diabetes-150", _diabetes, 150, _NUMBER_PEERS, "R2"),
        _whole("cosmic-64", _rays_64, 200, ("median filter",), "pixel AUROC"),
        _whole("motifs-200", _simulated("motifs"), 200, _SPECTRA.values(), "macro AP"),
    ),
    "transfer": _named(
        _backbone("digits-100", _digits, 100, **_PIXELS),
        _backbone("digits-300", _digits, 300, **_PIXELS),
        _backbone("ecg-150", _simulated("ecg"), 150),
        _backbone("vibration-120", _simulated("vibration"), 120),
        _backbone("wine-50", _wine, 50),
        _backbone("cancer-60", _cancer, 60),
        _backbone("diabetes-150", _diabetes, 150, "R2"),
        _backbone("permeability-150", _simulated("permeability", 350), 150, "R2"),
        _backbone("patterns-100", _simulated("patterns", 300), 100),
    ),
    "rare": _named(*map(_rare_digit, (0, 3, 8))),
    "budget": _named(
        Task("digits-1000", _digits, 1000, settings=_PIXELS, max_test=None)
    ),
    "unlabeled": _named(
        Task("digits-50", _digits, 50, settings=_PIXELS, max_test=None),
        Task("gait-60", _simulated("gait", 560), 60, settings=_NETWORK, max_test=None),
        Task("diabetes-50", _diabetes, 50, "R2", _NETWORK, max_test=None),
    ),
    # A part of the training samples calibrates the intervals.
    "intervals": _named(
        Task("diabetes-300", _diabetes, 300, "R2", {"max_epochs": 12}),
        Task("friedman1-300", _friedman1, 300, "R2", {"max_epochs": 12}),
        Task(
            "darcy-120",
            _simulated("darcy", 300, size=16),
            120,
            "relative L2",
            {"max_epochs": 5},
        ),
    ),
}
