"""Regressor."""

from numbers import Real

from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from sklearn_pare._base import _BasePaRe
from sklearn_pare._data.validation import check_target, check_weights, read_targets
from sklearn_pare._data.value_targets import (
    LOSSES,
    check_values,
    make_value_target,
)
from sklearn_pare._utils.docstrings import fill_docstring
from sklearn_pare._utils.surroundings import pinned


@fill_docstring
class PaReRegressor(RegressorMixin, _BasePaRe):
    r"""Regressor that fine-tunes a pretrained backbone on another modality with PaRe.

    PaRe (Cai et al., ICML 2024) bridges the gap between the data of pretraining and
    your data. If y holds numbers, a quarter of the samples are mixed in each step of
    fine-tuning: a part of each, 60 % at first and 10 % at the end, is replaced by data
    like those of pretraining. Fields are by default neither mixed nor read by a
    backbone. Targets are standardised internally.

    Parameters
    ----------
    {parameters}
    loss : str or callable, default="auto"
        "squared_error", "absolute_error", "huber", "relative_l2", "poisson" or
        "quantile". "huber" is the squared error up to one standard deviation of the
        residuals of the linear model (of y if there is none), and linear beyond.
        "relative_l2" is the norm of the error of a sample divided by the norm of its
        standardised y. "auto" is "relative_l2" for fields and "squared_error" for
        numbers. "poisson" is half the Poisson deviance, for y >= 0. A callable
        ``loss(prediction, target)`` gets two tensors shaped like y, standardised per
        number or channel, and returns one loss per sample or number. With a callable or
        "poisson" there is no linear model.
    quantile : float, list of float or None, default=None
        Level between 0 and 1, or several levels, for ``loss="quantile"``. A list adds a
        last axis to predictions. Predicted quantiles do not cross.

    Attributes
    ----------
    {attributes}

    See Also
    --------
    PaReClassifier : Classifier for classes, label sets and masks.

    Notes
    -----
    {data}
    y holds one number per sample, (n,); several, (n, K); or fields with one or several
    numbers at every position: (n, L) or (n, C, L) for signals, (n, H, W) or
    (n, C, H, W) for images. Fields may have other channels and another size than the
    samples, except that (n, L) requires the length of the samples. In all forms but
    (n,), missing targets are NaN and are skipped.

    {method}

    References
    ----------
    {references}

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_pare import PaReRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> reg = PaReRegressor(max_epochs=2, random_state=0).fit(X[:100], y[:100])
    >>> reg.predict(X[100:103]).shape
    (3,)
    """

    _parameter_constraints: dict = {
        **_BasePaRe._parameter_constraints,
        "loss": [StrOptions({"auto", *LOSSES} - {"callable"}), callable],
        "quantile": [Interval(Real, 0, 1, closed="neither"), list, tuple, None],
    }

    def __init__(
        self,
        *,
        backbone="auto",
        pretrained=True,
        tune="auto",
        layer_decay=0.75,
        input_shape=None,
        source="auto",
        mix_start="auto",
        mix_end="auto",
        mix_weight="auto",
        selector="random",
        alignment=None,
        linear_path=True,
        max_epochs="auto",
        max_time=None,
        batch_size="auto",
        lr="auto",
        weight_decay=0.05,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        scoring=None,
        device="auto",
        precision="auto",
        warm_start=False,
        checkpoint_dir=None,
        on_interrupt="raise",
        random_state=None,
        verbose=0,
        loss="auto",
        quantile=None,
    ):
        self.backbone = backbone
        self.pretrained = pretrained
        self.tune = tune
        self.layer_decay = layer_decay
        self.input_shape = input_shape
        self.source = source
        self.mix_start = mix_start
        self.mix_end = mix_end
        self.mix_weight = mix_weight
        self.selector = selector
        self.alignment = alignment
        self.linear_path = linear_path
        self.max_epochs = max_epochs
        self.max_time = max_time
        self.batch_size = batch_size
        self.lr = lr
        self.weight_decay = weight_decay
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.scoring = scoring
        self.device = device
        self.precision = precision
        self.warm_start = warm_start
        self.checkpoint_dir = checkpoint_dir
        self.on_interrupt = on_interrupt
        self.random_state = random_state
        self.verbose = verbose
        self.loss = loss
        self.quantile = quantile

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _check_y(self, y, input_shape):
        return check_values(y)

    def _make_target(self, y, input_shape):
        return make_value_target(y, input_shape, self.loss, self.quantile)

    def predict(self, X, *, out=None):
        """Predict numbers or fields in the units of y.

        Parameters
        ----------
        X : array-like of shape (n, F), (n, C, L) or (n, C, H, W)
        out : array, default=None
            Array of the shape of the predictions, of numpy or in a file such as HDF5 or
            zarr, into which they are written block by block. It must not overlap X.

        Returns
        -------
        y : ndarray, float64
            Shaped like y in fit: (n,), (n, K), (n, L), (n, C, L), (n, H, W) or
            (n, C, H, W). A list ``quantile`` adds a last axis, such as (n, Q). ``out``
            if given.
        """
        check_is_fitted(self)
        with pinned():
            return self._outputs(X, self._target.decode, out)

    def predict_interval(self, X, coverage=0.9):
        """Predict intervals that contain y with a given probability.

        :meth:`conformalize` must have been called before. The coverage is that of each
        number or position, on average over new samples that are drawn like those of
        conformalize (split conformal prediction). With several levels of ``quantile``,
        intervals are from the lowest to the highest quantile, wider or narrower by a
        constant (conformalized quantile regression).

        Parameters
        ----------
        X : array-like of shape (n, F), (n, C, L) or (n, C, H, W)
        coverage : float, default=0.9
            Probability between 0 and 1; 0.9 needs 9 samples in conformalize, 0.95
            needs 19.

        Returns
        -------
        lower, upper : ndarray, float64
            Ends of the intervals, each shaped like y in fit.
        """
        radius = self._radius(coverage)
        with pinned():
            return self._target.interval(self._outputs_of_fit(X), radius)

    def score(self, X, y, sample_weight=None):
        """Return the coefficient of determination R2, or for quantiles D2.

        Parameters
        ----------
        X : array-like of shape (n, F), (n, C, L) or (n, C, H, W)
        y : array-like
            Shaped like y in fit.
        sample_weight : array-like of shape (n,), default=None

        Returns
        -------
        score : float
            For several numbers per sample the mean, as in scikit-learn. For fields,
            1 - a / b, where a is the squared error and b the squared distance of y from
            the mean field; for several channels the mean over them. With
            ``loss="quantile"``, as :func:`sklearn.metrics.d2_pinball_score`; for
            several levels the mean over them. Missing targets do not count.
        """
        check_is_fitted(self)
        y = read_targets(y)
        weight, target = check_weights(sample_weight, y), self._target
        with pinned():
            if not (target.shape or target.levels):
                return r2_score(y, self.predict(X), sample_weight=weight)
            y = target.check_shape(check_target(self, y))
            values = target.numbers(self._outputs_of_fit(X))
            check_consistent_length(y, values[0] if target.levels else values)
            return target.rate(values, y.reshape(len(y), -1, *target.size), weight)
