"""What a practitioner would try first: the estimators beside PaRe in its tables."""

import itertools

import numpy as np
from scipy.ndimage import median_filter
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import RidgeClassifierCV, RidgeCV
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state

from studies import accuracy
from studies.unet import TimedRegressor, UNetRegressor


class Flattened(BaseEstimator):
    """An estimator of flat rows, for rows and targets of any shape.

    Parameters
    ----------
    estimator : estimator
        Fitted as it is, not a clone.
    """

    def __init__(self, estimator):
        self.estimator = estimator

    def fit(self, X, y):
        """Fit on rows (n, ...) and targets (n,) or (n, ...)."""
        self._shape = y.shape[1:]
        self.estimator.fit(_flat(X), _flat(y) if y.ndim > 1 else y)
        return self

    def predict(self, X):
        """Targets of rows (n, ...), in the shape of those in `fit`."""
        return self.estimator.predict(_flat(X)).reshape(len(X), *self._shape)

    def predict_proba(self, X):
        """Probabilities of the classes of rows (n, ...)."""
        return self.estimator.predict_proba(_flat(X))

    @property
    def classes_(self):
        """Of the estimator."""
        return self.estimator.classes_

    def __sklearn_tags__(self):
        return self.estimator.__sklearn_tags__()


def _flat(X):
    return X.reshape(len(X), -1)


class FNORegressor(TimedRegressor):
    """Fourier neural operator [1]_ of the package neuralop, trained for a given time.

    Half of the Fourier modes up to 16 in each dimension, 32 channels, four layers,
    and coordinates: what the package's own examples take.

    Parameters
    ----------
    seconds : float, default=60.0
        Wall-clock time of `fit`.
    random_state : int, RandomState instance or None, default=None

    References
    ----------
    .. [1] Z. Li, N. Kovachki, K. Azizzadenesheli, B. Liu, K. Bhattacharya, A. Stuart,
       A. Anandkumar. Fourier neural operator for parametric partial differential
       equations. ICLR (2021).
    """

    def _build(self, n_dims, n_in, n_out, size):
        from neuralop.models import FNO

        return FNO(
            n_modes=tuple(min(16, n // 2) for n in size),
            in_channels=n_in,
            out_channels=n_out,
            hidden_channels=32,
        )


class Spectra(TransformerMixin, BaseEstimator):
    """Amplitudes of the Fourier transform of each channel, as flat rows."""

    def fit(self, X, y=None):
        """Do nothing."""
        return self

    def transform(self, X):
        """(n, C, L) -> (n, C * (L // 2 + 1))."""
        return _flat(np.abs(np.fft.rfft(X)))

    def __sklearn_is_fitted__(self):
        return True


class MedianResidual(BaseEstimator):
    """How far a pixel sticks out of the median around it, in units of the noise there.

    Parameters
    ----------
    size : int, default=5
        Pixels along a side of the window.
    """

    def __init__(self, size=5):
        self.size = size

    def fit(self, X, y=None):
        """Do nothing."""
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
    quantiles of the output for a training row. With several channels a convolution is
    summed over a random set of them.

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
        """Choose channels and biases from rows (n, C, L), L at least 9."""
        rng = check_random_state(self.random_state)
        X = np.asarray(X, np.float32)
        _, n_channels, length = X.shape
        limit = np.log2(min(n_channels, self._WIDTH) + 1)
        quantiles = (i * (5**0.5 + 1) / 2 % 1 for i in itertools.count(1))
        self.convolutions_ = []
        for (level, (dilation, n_biases)), (number, kernel) in itertools.product(
            enumerate(self._dilations(length)), enumerate(self._KERNELS)
        ):
            size = int(2 ** rng.uniform(0, limit))
            channels = rng.choice(n_channels, size, replace=False)
            # The ends, where the signal is padded, count every other time.
            how = (dilation, kernel, channels, (level + number) % 2 == 0)
            output = _convolve(X[[rng.randint(len(X))]], *how)
            biases = np.quantile(output, list(itertools.islice(quantiles, n_biases)))
            self.convolutions_.append((how, biases.astype(np.float32)))
        return self

    def _dilations(self, length):
        """Pairs of a dilation and how many biases a kernel has with it."""
        n_biases = self.n_features // len(self._KERNELS)
        longest = np.log2((length - 1) / (self._WIDTH - 1))
        exponents = np.linspace(0, longest, min(n_biases, self._MAX_DILATIONS))
        dilations, counts = np.unique((2**exponents).astype(int), return_counts=True)
        ends = n_biases * np.cumsum([0, *counts]) // counts.sum()
        return list(zip(dilations, np.diff(ends), strict=True))

    def transform(self, X):
        """(n, C, L) -> (n, n_features), each in [0, 1]."""
        X = np.asarray(X, np.float32)
        features = [
            (_convolve(X, *how) > biases[:, None, None]).mean(2)
            for how, biases in self.convolutions_
        ]
        return np.concatenate(features).T


def _convolve(X, dilation, kernel, channels, padded):
    """Convolution of the sum of some channels, (n, L), or without the padded ends."""
    x = X[:, channels].sum(1)
    reach = dilation * (MiniRocket._WIDTH // 2)
    wide = np.pad(x, ((0, 0), (reach, reach)))
    shifted = [
        wide[:, start : start + x.shape[1]]
        for start in range(0, 2 * reach + 1, dilation)
    ]
    output = 3 * sum(shifted[place] for place in kernel) - sum(shifted)
    return output if padded else output[:, reach:-reach]


def _ridge(seed):
    return Flattened(make_pipeline(StandardScaler(), RidgeCV(np.logspace(-4, 8, 25))))


def _nearest(seed):
    return Flattened(
        make_pipeline(StandardScaler(), KNeighborsRegressor(weights="distance"))
    )


def _kernel_ridge(seed):
    # With standardised columns gamma 1e-6 is almost linear and 1e-2 almost local.
    grid = {"gamma": np.logspace(-6, -2, 9), "alpha": np.logspace(-6, 0, 7)}
    search = GridSearchCV(KernelRidge(kernel="rbf"), grid, cv=3)
    centred = TransformedTargetRegressor(search, transformer=StandardScaler())
    return Flattened(make_pipeline(StandardScaler(), centred))


def _mini_rocket(seed):
    return make_pipeline(
        MiniRocket(random_state=seed),
        StandardScaler(),
        RidgeClassifierCV(np.logspace(-3, 3, 10)),
    )


def _forest_of_spectra(seed):
    return make_pipeline(Spectra(), RandomForestClassifier(random_state=seed))


def _forest(seed):
    return Flattened(RandomForestRegressor(random_state=seed))


def _median_residual(seed):
    return MedianResidual()


_MAKERS = {
    "ridge": _ridge,
    "KNN": _nearest,
    "kernel ridge": _kernel_ridge,
    "regression forest": _forest,
    "MiniRocket + ridge": _mini_rocket,
    "FFT + RandomForest": _forest_of_spectra,
    "median filter": _median_residual,
}

#: Peers that train as long as PaRe did.
TIMED = {"UNet": UNetRegressor, "FNO": FNORegressor}


def make(name, seed, seconds=None):
    """Peer of a name.

    Parameters
    ----------
    name : str
        One of `accuracy.peers`, of `TIMED`, or of this module's own.
    seed : int
    seconds : float, default=None
        Time of training, for those in `TIMED`.

    Returns
    -------
    estimator : estimator
    """
    if name in TIMED:
        return TIMED[name](seconds=seconds, random_state=seed)
    if name in _MAKERS:
        return _MAKERS[name](seed)
    return Flattened(accuracy.peers(seed)[name])
