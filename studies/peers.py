"""Estimators that a practitioner would try first, beside PaRe in its tables."""

import itertools
import warnings

import numpy as np
from scipy.ndimage import median_filter
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.cross_decomposition import PLSRegression
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression, RidgeClassifierCV, RidgeCV
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if

from studies.unet import TimedRegressor, UNetRegressor


class Flattened(BaseEstimator):
    """An estimator of flat samples, for samples and targets of any shape.

    Parameters
    ----------
    estimator : estimator
        Fitted as it is, not a clone.
    """

    def __init__(self, estimator):
        self.estimator = estimator

    def fit(self, X, y):
        """Fit on samples (n, ...) and targets (n,) or (n, ...)."""
        self._shape = y.shape[1:]
        self.estimator.fit(_flat(X), _flat(y) if y.ndim > 1 else y)
        return self

    def predict(self, X):
        """Return targets of samples (n, ...), in the shape of those in `fit`."""
        return self.estimator.predict(_flat(X)).reshape(len(X), *self._shape)

    @available_if(lambda self: hasattr(self.estimator, "predict_proba"))
    def predict_proba(self, X):
        """Return probabilities of the classes of samples (n, ...)."""
        return self.estimator.predict_proba(_flat(X))

    @property
    def classes_(self):
        """Classes of the estimator."""
        return self.estimator.classes_

    def __sklearn_tags__(self):  # noqa: D105
        return self.estimator.__sklearn_tags__()


def _flat(X):
    return X.reshape(len(X), -1)


class FNORegressor(TimedRegressor):
    """Fourier neural operator [1]_ of the package neuralop, trained for a given time.

    Half of the Fourier modes, up to 16 in each of two dimensions or 64 in one; 32
    channels, four layers, and coordinates, as in the examples of that package. The
    parameters are those of `TimedRegressor`.

    References
    ----------
    .. [1] Z. Li, N. Kovachki, K. Azizzadenesheli, B. Liu, K. Bhattacharya, A. Stuart,
       A. Anandkumar. Fourier neural operator for parametric partial differential
       equations. ICLR (2021).
    """

    def _build(self, n_dims, n_in, n_out, size):
        from neuralop.models import FNO

        return FNO(
            n_modes=tuple(min(16 if n_dims == 2 else 64, n // 2) for n in size),
            in_channels=n_in,
            out_channels=n_out,
            hidden_channels=32,
        )


def spectra(X):
    """Amplitudes of the Fourier transform of each channel: (n, C, L) -> flat."""
    return _flat(np.abs(np.fft.rfft(X)))


class MedianResidual(ClassifierMixin, BaseEstimator):
    """Distance of a pixel from the median around it, in units of the local noise.

    Parameters
    ----------
    size : int, default=5
        Pixels along a side of the window.
    """

    def __init__(self, size=5):
        self.size = size

    def fit(self, X, y):
        """Find the classes; nothing is learned."""
        self.classes_ = np.unique(y)
        return self

    def decision_function(self, X):
        """(n, C, H, W) -> (n, H, W), the largest of the channels."""
        window = (1, 1, self.size, self.size)
        residual = X - median_filter(X, window)
        noise = median_filter(np.abs(residual), window)
        return (residual / (noise + 1e-6 * X.std())).max(1)


class MiniRocket(TransformerMixin, BaseEstimator):
    """Features of signals from dilated convolutions with two-valued kernels [1]_.

    A kernel has nine weights, three of them 2 and six -1. Each of the 84 kernels is
    used with dilations that grow exponentially up to the length of the signal; a
    feature is the share of the convolution's output above a bias, and the biases are
    quantiles of the output for a training sample. With several channels a convolution
    is summed over a random set of them. Missing values are replaced by 0.

    Parameters
    ----------
    n_features : int, default=10_000
        Rounded down to a multiple of 84.
    random_state : int, RandomState instance or None, default=None

    References
    ----------
    .. [1] A. Dempster, D. F. Schmidt, G. I. Webb. MiniRocket: a very fast (almost)
       deterministic transform for time series classification. KDD (2021).
    """

    _WIDTH = 9
    _KERNELS = tuple(itertools.combinations(range(_WIDTH), 3))
    _MAX_DILATIONS = 32

    def __init__(self, n_features=10_000, random_state=None):
        self.n_features = n_features
        self.random_state = random_state

    def fit(self, X, y=None):
        """Choose channels and biases from signals (n, C, L), L at least 9."""
        rng = check_random_state(self.random_state)
        X = np.nan_to_num(np.asarray(X, np.float32))
        _, n_channels, length = X.shape
        limit = np.log2(min(n_channels, self._WIDTH) + 1)
        quantiles = (i * (5**0.5 + 1) / 2 % 1 for i in itertools.count(1))
        self.convolutions_ = []
        for (level, (dilation, n_biases)), (number, kernel) in itertools.product(
            enumerate(self._dilations(length)), enumerate(self._KERNELS)
        ):
            size = int(2 ** rng.uniform(0, limit))
            channels = rng.choice(n_channels, size, replace=False)
            # Every other convolution leaves out the ends, where the signal is padded.
            how = (dilation, kernel, channels, (level + number) % 2 == 0)
            output = _convolve(X[[rng.randint(len(X))]], *how)
            biases = np.quantile(output, list(itertools.islice(quantiles, n_biases)))
            self.convolutions_.append((how, biases.astype(np.float32)))
        return self

    def _dilations(self, length):
        """Return pairs of a dilation and the number of biases of a kernel with it."""
        n_biases = self.n_features // len(self._KERNELS)
        longest = np.log2((length - 1) / (self._WIDTH - 1))
        exponents = np.linspace(0, longest, min(n_biases, self._MAX_DILATIONS))
        dilations, counts = np.unique((2**exponents).astype(int), return_counts=True)
        ends = n_biases * np.cumsum([0, *counts]) // counts.sum()
        return list(zip(dilations, np.diff(ends), strict=True))

    def transform(self, X):
        """(n, C, L) -> (n, n_features), each in [0, 1]."""
        X = np.nan_to_num(np.asarray(X, np.float32))
        features = [
            (_convolve(X, *how) > biases[:, None, None]).mean(2)
            for how, biases in self.convolutions_
        ]
        return np.concatenate(features).T


def _convolve(X, dilation, kernel, channels, padded):
    """Convolve the sum of some channels: (n, L), less without the padded ends."""
    x = X[:, channels].sum(1)
    reach = dilation * (MiniRocket._WIDTH // 2)
    wide = np.pad(x, ((0, 0), (reach, reach)))
    shifted = [
        wide[:, start : start + x.shape[1]]
        for start in range(0, 2 * reach + 1, dilation)
    ]
    output = 3 * sum(shifted[place] for place in kernel) - sum(shifted)
    return output if padded else output[:, reach:-reach]


def _rocket(seed):
    return make_pipeline(
        MiniRocket(random_state=seed),
        StandardScaler(),
        RidgeClassifierCV(np.logspace(-3, 3, 10)),
    )


def _aeon(name, seed):
    """Return a classifier of the package aeon, which only its own rows need.

    Missing values, which these classifiers refuse, are replaced by 0.
    """
    from aeon.classification import convolution_based

    classifier = getattr(convolution_based, name)(random_state=seed)
    return make_pipeline(FunctionTransformer(np.nan_to_num), classifier)


class Calibrated(ClassifierMixin, BaseEstimator):
    """A classifier with temperature scaling on three folds, or two for rare classes.

    Parameters
    ----------
    estimator : estimator
    """

    def __init__(self, estimator):
        self.estimator = estimator

    def fit(self, X, y):
        """Fit and calibrate; a class may have a single sample."""
        # Temperatures of scikit-learn 1.9 are wrong for labels that are not 0, 1, ...
        self.classes_, y, counts = np.unique(y, return_inverse=True, return_counts=True)
        folds = StratifiedKFold(min(3, max(2, counts.min())))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The least populated class")
            folds = list(folds.split(X, y))
        self._calibrated = CalibratedClassifierCV(
            self.estimator, method="temperature", cv=folds, ensemble=False
        ).fit(X, y)
        return self

    def predict_proba(self, X):
        """Return probabilities of the classes of samples (n, ...)."""
        return self._calibrated.predict_proba(X)

    def predict(self, X):
        """Return the most likely class of each sample."""
        return self.classes_[self._calibrated.predict(X)]


def _kernel_ridge():
    # With standardised columns gamma 1e-6 is almost linear and 1e-2 almost local.
    grid = {"gamma": np.logspace(-6, -2, 9), "alpha": np.logspace(-6, 0, 7)}
    search = GridSearchCV(KernelRidge(kernel="rbf"), grid, cv=3)
    return TransformedTargetRegressor(search, transformer=StandardScaler())


class FewComponents(PLSRegression):
    """Partial least squares with at most as many components as samples allow."""

    def fit(self, X, y):
        """Fit on samples (n, F) and targets (n,)."""
        self.n_components = min(self.n_components, len(X) - 1, X.shape[1])
        return super().fit(X, y)


def _partial_least_squares():
    grid = {"fewcomponents__n_components": range(1, 21)}
    return GridSearchCV(_scaled(FewComponents()), grid, cv=5)


def _scaled(estimator):
    return make_pipeline(StandardScaler(), estimator)


# Name -> function of a seed. These see flat samples.
_FLAT = {
    "SVC": lambda seed: SVC(random_state=seed),
    "StandardScaler + SVC": lambda seed: _scaled(SVC()),
    "RandomForest": lambda seed: RandomForestClassifier(random_state=seed),
    "StandardScaler + LogisticRegression": lambda seed: _scaled(
        LogisticRegression(max_iter=1000)
    ),
    "HistGradientBoosting": lambda seed: HistGradientBoostingClassifier(
        random_state=seed
    ),
    "PLS": lambda seed: _partial_least_squares(),
    "ridge": lambda seed: _scaled(RidgeCV(np.logspace(-4, 8, 25))),
    "KNN": lambda seed: _scaled(KNeighborsRegressor(weights="distance")),
    "kernel ridge": lambda seed: _scaled(_kernel_ridge()),
    "regression forest": lambda seed: RandomForestRegressor(random_state=seed),
}
# These see signals and images as they are.
_SHAPED = {
    "MiniRocket + ridge": _rocket,
    "MiniRocket + calibrated ridge": lambda seed: Calibrated(_rocket(seed)),
    "aeon MiniRocket": lambda seed: _aeon("MiniRocketClassifier", seed),
    "aeon MultiRocket-Hydra": lambda seed: _aeon("MultiRocketHydraClassifier", seed),
    "FFT + RandomForest": lambda seed: make_pipeline(
        FunctionTransformer(spectra), RandomForestClassifier(random_state=seed)
    ),
    "median filter": lambda seed: MedianResidual(),
}
#: These are trained for as long as PaRe was.
TIMED = {"UNet": UNetRegressor, "FNO": FNORegressor}


def make(name, seed, **settings):
    """Return the peer of a name, not fitted.

    Parameters
    ----------
    name : str
    seed : int
    **settings : float
        "seconds" of training, for those in `TIMED`.
    """
    if name in TIMED:
        return TIMED[name](random_state=seed, **settings)
    if name in _SHAPED:
        return _SHAPED[name](seed)
    return Flattened(_FLAT[name](seed))
