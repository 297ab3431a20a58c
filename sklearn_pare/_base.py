"""Base class of the estimators: fit, prediction in batches, state."""

import threading
from functools import partial
from numbers import Integral, Real
from os import PathLike

import numpy as np
import torch
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from sklearn_pare._architecture import export_arrays, restore
from sklearn_pare._data.conformal import ConformalMixin
from sklearn_pare._data.fit_data import (
    FitData,
    check_hold_out,
    check_unlabeled,
    check_validation,
    hold_out,
    in_words,
)
from sklearn_pare._data.forms import warn_swapped
from sklearn_pare._data.grids import encode_on_grid, on_grid
from sklearn_pare._data.lengths import trimmed
from sklearn_pare._data.splits import check_groups, check_several
from sklearn_pare._data.validation import (
    check_input_shape,
    check_rows,
    check_weights,
    positive,
    shape_rows,
)
from sklearn_pare._device import (
    check_deterministic,
    is_out_of_memory,
    resolve_device,
    resolve_precision,
)
from sklearn_pare._inference import in_batches, in_blocks, remedies
from sklearn_pare._report import ReprMixin, Stopwatch
from sklearn_pare._saving import model_file
from sklearn_pare._saving.module import ModuleMixin
from sklearn_pare._utils import CallbackSupportMixin, NoCallbacks
from sklearn_pare._utils.surroundings import pinned
from sklearn_pare.exceptions import DivergenceError
from sklearn_pare.nn.model import PaReModel
from sklearn_pare.training.callbacks import UserCallbacks, logger, visible_log
from sklearn_pare.training.distributed import join
from sklearn_pare.training.network import align_network, build_network
from sklearn_pare.training.no_effect import warn_of_no_effect
from sklearn_pare.training.outcome import (
    fitted_attributes,
    out_of_memory_in_fit,
    warn_of_interruption,
)
from sklearn_pare.training.recipe import make_recipe, resolve, samples_per_batch
from sklearn_pare.training.scoring import find_scorer, validation_scorer
from sklearn_pare.training.share import fit_share, warn_if_unused
from sklearn_pare.training.start import open_start
from sklearn_pare.training.train import train

# Fits of one process run one at a time: torch's threads and lazily read sources are
# shared, and a fit must not depend on what runs beside it. Prediction takes no lock.
_FIT_LOCK = threading.RLock()
_COUNT = Interval(Integral, 1, None, closed="left")


class _BasePaRe(
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    ConformalMixin,
    CallbackSupportMixin,
    ModuleMixin,
    ReprMixin,
    BaseEstimator,
):
    """Base class of PaReClassifier and PaReRegressor.

    Subclasses define the constructor and two methods: ``_check_y(y, input_shape)``
    returns the targets as an array, ``_make_target(y, input_shape)`` the target of
    `_data.class_targets` or `_data.value_targets` for such an array.
    """

    _parameter_constraints: dict = {
        "backbone": [str],
        "pretrained": ["boolean"],
        "tune": [
            StrOptions({"auto", "all", "norm", "attention-frozen", "none", "head"})
        ],
        "layer_decay": [Interval(Real, 0, 1, closed="right")],
        "input_shape": [tuple, list, None],
        "source": [str, tuple, list, None],
        "mix_start": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="both")],
        "mix_end": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="both")],
        "mix_weight": [StrOptions({"auto"}), Interval(Real, 0, None, closed="left")],
        "selector": [StrOptions({"gate", "random", "paper"})],
        "alignment": [StrOptions({"otdd", "mmd", "l2"}), None],
        "linear_path": ["boolean"],
        "max_epochs": [StrOptions({"auto"}), _COUNT],
        "batch_size": [StrOptions({"auto"}), _COUNT],
        "lr": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [_COUNT],
        "scoring": [str, callable, None],
        "max_time": [Interval(Real, 0, None, closed="neither"), None],
        "on_interrupt": [StrOptions({"raise", "keep"})],
        "device": [str, torch.device, Interval(Integral, 0, None, closed="left")],
        "precision": [StrOptions({"auto", "fp32", "bf16"})],
        "warm_start": ["boolean"],
        "checkpoint_dir": [str, PathLike, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    # ---- fit

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X,
        y,
        sample_weight=None,
        *,
        groups=None,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
        X_unlabeled=None,
    ):
        """Fine-tune the backbone on labelled samples.

        Parameters
        ----------
        X : array-like of shape (n, F), (n, C, L) or (n, C, H, W)
            A table, signals, or images; with ``input_shape`` also flattened samples.
            Signals of different lengths are a list of arrays (C, L_i). Values that are
            missing are NaN.
        y : array-like of shape (n,), (n, K), (n, L), (n, C, L), (n, H, W) or \
                (n, C, H, W)
            Targets of the samples, or of their positions; see the notes of the class.
        sample_weight : array-like of shape (n,), default=None
            Weight of each sample in the loss. Samples of weight 0 are left out.
        groups : array-like of shape (n,), default=None
            Group of each sample, such as the patient or the device it comes from. All
            samples that fit holds out, for ``early_stopping``, for `network_share_` and
            for the folds of the linear model, are whole groups.
        X_val, y_val : array-like, default=None
            Validation samples and their targets, scored after each epoch. They replace
            the samples that ``early_stopping`` holds out, and those that determine
            `network_share_`.
        sample_weight_val : array-like of shape (m,), default=None
            Weight of each validation sample in its loss and score.
        X_unlabeled : array-like, default=None
            Samples without targets, shaped like those of X. Each step adds as many of
            them to the batch as labelled samples are mixed. As in FixMatch (Sohn et
            al., NeurIPS 2020), the prediction for the mixed form of a sample is trained
            to agree with that for its clean form: for classes only if the latter is
            confident, for numbers always.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        DataError
            If X, y or weights cannot be used (ValueError).
        UnknownNameError
            If there is no backbone or source of the given name (ValueError).
        WeightsError
            If pretrained weights are neither cached nor downloadable (RuntimeError).
        DivergenceError
            If the loss becomes infinite or NaN (RuntimeError).
        OutOfMemoryError
            If not even one sample fits into the memory of the device (MemoryError).
        ProcessError
            If another process of a fit on several devices fails (RuntimeError).
        CheckpointError
            If ``checkpoint_dir`` belongs to another fit (ValueError).
        SaveError
            If a checkpoint cannot be written (OSError).
        """
        stopwatch, validation = Stopwatch(), (X_val, y_val, sample_weight_val)
        with join() as processes:
            with pinned():
                data = self._check_data(
                    X, y, sample_weight, groups, validation, X_unlabeled
                )
                start = open_start(self, data, stopwatch, processes)
            warn_of_no_effect(self, data, X_val)
            try:
                with _FIT_LOCK, pinned(), visible_log(self.verbose):
                    self._fit(data, start, {"X": X, "y": y})
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                raise out_of_memory_in_fit(start, data.X.shape) from error
            warn_of_interruption(self.fit_report_)
            warn_if_unused(self.fit_report_)
        return self

    def _check_data(self, X, y, sample_weight, groups, validation, X_unlabeled):
        """Check everything that fit was called with, and encode the targets."""
        check_input_shape(self.input_shape)
        X, y = check_rows(self, X, y, reset=True)
        X = shape_rows(trimmed(X, y, self.input_shape), self.input_shape)
        warn_swapped("X", X.shape, self.input_shape)
        input_shape = X.shape[1:]
        weight = check_weights(sample_weight, X)
        y, groups = self._check_y(y, input_shape), check_groups(groups, X)
        if y.ndim == len(input_shape) + 1 and y.shape[-1] <= 4:
            warn_swapped("y", y.shape)
        X, y, groups, weight = positive(weight, X, y, groups)
        target = self._make_target(y, input_shape)
        codes = target.encode(y)
        weight = target.weigh(weight, codes)
        X, y, codes, groups, weight = positive(weight, X, y, codes, groups)
        check_several(groups)
        find_scorer(self.scoring, target)
        data = FitData(
            X,
            codes,
            weight,
            target,
            y,
            check_validation(self, *validation, input_shape, target),
            check_unlabeled(self, X_unlabeled, input_shape),
            groups,
        )
        if self.early_stopping:
            check_hold_out(data, self.validation_fraction)
        return data

    def _fit(self, data, start, user_data):
        """Build the network, align it, train it, and keep the result."""
        arguments = resolve(self.get_params(deep=False), data)
        n_samples = len(data.X)
        logger.info(in_words(data))
        if self.early_stopping:
            data = hold_out(data, self.validation_fraction, start.seeds[1])
        network = build_network(arguments, data, start)
        alignment_history = align_network(arguments, network, start)
        prepared = network.prepared
        n_kept = len(prepared.rows)
        logger.info("%d samples to train on, %d held out", n_kept, n_samples - n_kept)
        recipe = make_recipe(
            arguments,
            n_kept,
            network.model.backbone,
            prepared.target,
            resolve_precision(self.precision, start.device),
        )
        parts = network, start, recipe, alignment_history
        context = NoCallbacks()
        if start.processes.is_first:
            context = self._init_callback_context(max_subtasks=recipe.n_epochs)
        context.call_on_fit_task_begin(estimator=self, **user_data)
        attributes = partial(fitted_attributes, *parts)
        callbacks = [UserCallbacks(context, self, user_data, attributes)]
        try:
            scorer = validation_scorer(self, network, data.validation)
            run = callbacks, scorer, self.on_interrupt
            history, ended = train(network, start, recipe, *run)
        except DivergenceError as error:
            # The weights of the last finite epoch are kept.
            if error.history:
                self._keep(*parts, error.history, "diverged")
            raise
        kept = self._keep(*parts, history, ended)
        logger.info(self.fit_report_)
        context.call_on_fit_task_end(
            estimator=self, reconstruction_attributes=lambda: kept, **user_data
        )

    def _keep(self, network, start, recipe, *results):
        """Determine the network's share; assign and return the fitted attributes."""
        start.stopwatch.lap("training")
        share = fit_share(network, recipe, start.processes)
        start.stopwatch.lap("share")
        kept = fitted_attributes(network, start, recipe, *results, share)
        vars(self).update(kept)
        return kept

    # ---- prediction

    def _infer(self, X, compute, finish=np.asarray, out=None):
        """Return ``finish(compute(model, batch, bfloat16=...))`` for all samples."""
        check_is_fitted(self)
        X, shape = check_rows(self, X, reset=False), tuple(self.input_shape_)
        X = on_grid(X, shape, len(self._target.output_shape) > 1)
        rows, encode = X, partial(encode_on_grid, self._encoder, shape)
        if X.ndim == 2:
            # DataFrames are slow to encode in small batches.
            rows, encode = encode(X), np.asarray
        device, shapes = resolve_device(self.device), (shape, self._target.output_shape)
        check_deterministic(device)
        bfloat16 = resolve_precision(self.precision, device)
        batches = in_batches(
            partial(compute, bfloat16=bfloat16),
            self._model,
            rows,
            encode,
            shapes,
            samples_per_batch(self.batch_size, self._target),
            device,
            remedies(self.backbone_, self.n_tokens_, device, bfloat16),
        )
        return in_blocks(batches, finish, X, self._encoder, shapes, out)

    def _outputs(self, X, finish=np.asarray, out=None):
        # A network without a share does not change the outputs.
        unused = getattr(self, "network_share_", 1) == 0 and self._model.linear
        compute = PaReModel.predict_linear if unused else PaReModel.predict
        return self._infer(X, compute, finish, out)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        return tags

    def transform(self, X):
        """Return features of the fine-tuned backbone, averaged over its output tokens.

        Parameters
        ----------
        X : array-like of shape (n, F), (n, C, L) or (n, C, H, W)

        Returns
        -------
        features : ndarray of shape (n, E), float32
            E is 256 for "pare-tiny" and 320 for "pare-signal".
        """
        with pinned():
            return self._infer(X, PaReModel.features)

    @property
    def backbone_(self):
        """Name of the backbone, with its limit on tokens if it has one."""
        return self._architecture.backbone

    @property
    def _n_features_out(self):
        return self._model.backbone.feature_dim

    # ---- state

    def __sklearn_is_fitted__(self):
        # A fit that fails may have counted features already.
        return hasattr(self, "_model")

    def save(self, path, *, omit_pretrained=False):
        """Write the fitted estimator to one safetensors file, completely or not at all.

        Parameters
        ----------
        path : str, Path or file object
            An existing file is replaced. A file object, open for writing in binary
            mode, is written to at its position and not closed; if that fails, a part
            may have been written.
        omit_pretrained : bool, default=False
            If True, leave out the weights of the backbone that are unchanged since its
            pretraining, for example all of them after ``tune="none"``. Loading the file
            then needs the backbone, see :func:`sklearn_pare.backbones.fetch`.

        Raises
        ------
        SaveError
            If the file cannot be written, for example on a full disk, or if
            :func:`sklearn_pare.load` does not know the class of the estimator
            (OSError). An existing file is left untouched.
        WeightsError
            If the pretrained weights are needed for comparison and cannot be
            downloaded (RuntimeError).

        See Also
        --------
        sklearn_pare.load : Load the file on any machine.

        Notes
        -----
        ``checkpoint_dir`` and callbacks are not saved. Neither are a ``source`` of
        arrays and a ``random_state`` that is a generator; both cause a warning.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> from sklearn.datasets import load_iris
        >>> from sklearn_pare import PaReClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = PaReClassifier(tune="none", max_epochs=1, random_state=0).fit(X, y)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "iris.pare"
        ...     clf.save(path)
        ...     whole = path.stat().st_size
        ...     clf.save(path, omit_pretrained=True)
        ...     small = path.stat().st_size
        >>> small < whole / 5
        True
        """
        check_is_fitted(self)
        self._validate_params()
        with pinned():
            model_file.write(
                path,
                type(self).__name__,
                self.get_params(deep=False),
                vars(self),
                export_arrays(self._model),
                omit_pretrained=omit_pretrained,
            )

    def __getstate__(self):
        """Return the state with plain arrays in place of the network.

        Callbacks have done their work in fit and may hold sockets and logs.
        """
        state = dict(super().__getstate__())
        if "_model" in state:
            state["_model"] = export_arrays(state["_model"])
            state.pop("_skl_callbacks", None)
        return state

    def __setstate__(self, state):
        """Build the network again from its arrays."""
        super().__setstate__(state)
        if "_model" in state:
            with pinned():
                self._model = restore(self._architecture, state["_model"])
