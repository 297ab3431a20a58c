"""What both estimators share: fit, and prediction in batches of one size."""

import math
import threading
from functools import partial

import numpy as np
import torch
from sklearn.base import (
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.callback import CallbackSupportMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sklearn_pare import _safetensors, backbones, sources
from sklearn_pare._architecture import Architecture, build, export_arrays, restore
from sklearn_pare._data import validation
from sklearn_pare._data.fingerprint import describe
from sklearn_pare._data.fit_data import GivenData
from sklearn_pare._data.lazy import LazyArray
from sklearn_pare._device import (
    algorithms,
    is_out_of_memory,
    out_of_memory,
    resolve_device,
    resolve_precision,
)
from sklearn_pare._inference import in_batches
from sklearn_pare._parameters import Parameters
from sklearn_pare._saving import model_file
from sklearn_pare.backbones.freezing import freeze
from sklearn_pare.exceptions import DataError, DivergenceError
from sklearn_pare.nn.model import PaReModel
from sklearn_pare.sources.ranking import distances, encoded_sample
from sklearn_pare.training.align import align
from sklearn_pare.training.callbacks import UserCallbacks
from sklearn_pare.training.checkpoint import Checkpoints
from sklearn_pare.training.linear_path import MAX_ROWS, fit_share
from sklearn_pare.training.prepare import prepare
from sklearn_pare.training.recipe import auto_for
from sklearn_pare.training.train import Recipe, train
from sklearn_pare.training.warm_start import WarmStart

# One fit at a time in a process: torch's threads and the lazily drawn source are
# shared, and a fit must not depend on what runs beside it. Prediction takes no lock.
_FIT_LOCK = threading.RLock()


# What a fit has only after training.
_TRAINED = ("n_iter_", "history_", "_model")


class _BasePaRe(
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    CallbackSupportMixin,
    GivenData,
    Parameters,
):
    """Fit, forward and state; what y means is the subclasses' affair."""

    # ---- fit

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X,
        y,
        sample_weight=None,
        *,
        X_val=None,
        y_val=None,
        X_unlabeled=None,
    ):
        """Fine-tune the backbone on labelled rows.

        Parameters
        ----------
        X : array-like of shape (n, F), (n, C, L) or (n, C, H, W)
            A table, signals, or images; with `input_shape` also flattened rows.
        y : array-like of shape (n,), (n, K), (n, L), (n, C, L), (n, H, W), (n, C, H, W)
            Targets of the rows, or of their samples or pixels; see the notes of the
            class.
        sample_weight : array-like of shape (n,), default=None
            Weight of each row in the loss; rows of weight 0 are left out.
        X_val, y_val : array-like, default=None
            Rows to validate on after each epoch. They take the place of the part of X
            that is held out by `early_stopping`, and of the part that says how much of
            the network to add to the linear path.
        X_unlabeled : array-like, default=None
            Rows without targets, like those of X. In every step as many of them as
            labelled rows are mixed join the batch: where the prediction for the clean
            row is confident, that for the mixed row shall agree with it (of numbers
            always), after FixMatch (Sohn et al., NeurIPS 2020).

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        DataError
            If X, y or weights cannot be used; a ValueError.
        UnknownNameError
            If no backbone or source has the name given; a ValueError.
        WeightsError
            If weights of the backbone are neither in the cache nor to be fetched; a
            RuntimeError.
        DivergenceError
            If the loss becomes infinite or NaN; a RuntimeError.
        OutOfMemoryError
            If the device has no room even for one row; a MemoryError.
        CheckpointError
            If `checkpoint_dir` belongs to another fit; a ValueError.
        SaveError
            If a checkpoint cannot be written; an OSError.
        """
        given = {"X": X, "y": y}
        data = self._check_data(X, y, sample_weight, X_val, y_val)
        data = data._replace(unlabeled=self._check_unlabeled(X_unlabeled, data.X))
        device = resolve_device(self.device)
        candidates = self._open_candidates()
        backbones.check(self.backbone)
        start = None
        if self.warm_start and hasattr(self, "_model"):
            start = WarmStart(self, data.target)

        # Complaints about data are above: refused data leave random_state as it was.
        random_state = check_random_state(self.random_state)
        seeds = random_state.randint(2**31 - 1, size=4).tolist()
        checkpoints = None
        if self.checkpoint_dir is not None:
            fingerprint = self._fingerprint(data, device, start, seeds)
            checkpoints = Checkpoints(self.checkpoint_dir, fingerprint, seeds)
            seeds = checkpoints.seeds
        try:
            with _FIT_LOCK, algorithms(device, deterministic=self.deterministic):
                self._fit(data, device, candidates, start, seeds, checkpoints, given)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            shape = data.X.shape
            size = math.prod(shape) * 4 / 2**20
            raise out_of_memory(
                device,
                f"training {self.backbone!r} on {shape[0]} rows of shape {shape[1:]} "
                f"({size:.1f} MB in float32), even one row at a time",
                ("a smaller max_tokens", "tune='none'", "another device or backbone"),
            ) from error
        return self

    def _fit(self, data, device, candidates, start, seeds, checkpoints, given):
        """Build, train and keep; of two fits in a process the second one waits."""
        init_seed, split_seed, *train_seeds = seeds
        data = self._hold_out(data, split_seed)
        encoder = validation.encoder_for(data.X)
        architecture = Architecture(
            self.backbone,
            data.X.shape[1:],
            data.target.output_shape,
            self.selector,
            self.max_tokens,
            getattr(encoder, "cardinalities", None),
            self._has_linear_path(data),
        )
        found = self._measure(
            candidates, data, encoder, architecture, device, split_seed
        )
        # The first of both is the nearest, or the only one.
        name = next(iter(found or candidates), None)
        source = candidates.get(name)
        prepared = prepare(architecture, encoder, data, device, split_seed)
        target = prepared.target
        model, architecture, source = build(
            prepared.architecture,
            torch.Generator().manual_seed(init_seed),
            pretrained=self.pretrained,
            source=source,
            linear=prepared.linear,
        )
        if hasattr(model.embed, "fit"):
            model.embed.fit(prepared.some)
        if target.kind == "masks":
            # Rare classes would take most of the steps to become rare.
            shares = target.log_shares(data.codes)
            model.head.start_at(torch.from_numpy(shares))
        if start is not None:
            start.apply(model, architecture, encoder)
        model.to(device)
        freeze(model.backbone, self.tune)
        model.embed.requires_grad_(self.tune != "head")
        if self.compile:
            model.backbone.compile()
        recipe = self._recipe(len(prepared.rows), target, model, device)
        past = [] if start is None else start.history
        fitted = {
            "input_shape_": data.X.shape[1:],
            "n_tokens_": recipe.n_tokens,
            "_encoder": encoder,
            "_target": target,
            "_architecture": architecture,
            "_init_seed": init_seed,
            "alignment_history_": self._align(
                model, prepared.rows, source, start, checkpoints, split_seed
            ),
            "source_": name,
            "source_distances_": found,
            "network_share_": 1.0,
        }

        def attributes(history):
            # Built anew from arrays: compiled code, gradients and what only the
            # source needed stay behind, and the weights leave the device.
            history = [row | {"epoch": len(past) + row["epoch"]} for row in history]
            return fitted | {
                "n_iter_": len(past) + len(history),
                "history_": [*past, *history],
                "_model": restore(architecture, export_arrays(model)),
            }

        def finish(history):
            if prepared.share_rows is not None:
                fitted["network_share_"] = fit_share(
                    model, prepared.share_rows, target.loss, recipe.batch_size
                )
            vars(self).update(attributes(history))

        context = self._init_callback_context(max_subtasks=recipe.n_epochs)
        context.call_on_fit_task_begin(estimator=self, **given)
        try:
            history = train(
                model,
                recipe,
                prepared.rows,
                prepared.valid_rows,
                unlabeled_rows=prepared.unlabeled_rows,
                source=source,
                seeds=train_seeds,
                scorer=target.score,
                callbacks=[UserCallbacks(context, self, given, attributes)],
                checkpoints=checkpoints,
                verbose=self.verbose,
            )
        except DivergenceError as error:
            # What was learned until then is worth having.
            if error.history:
                finish(error.history)
            raise
        finish(history)
        kept = {name: vars(self)[name] for name in [*fitted, *_TRAINED]}
        context.call_on_fit_task_end(
            estimator=self, reconstruction_attributes=lambda: kept, **given
        )

    def _align(self, model, rows, source, start, checkpoints, seed):
        """Losses of the stage before training, which is run at most once."""
        if self.alignment is None:
            return []
        if start is not None:
            return start.alignment_history
        if checkpoints is not None and checkpoints.found:
            return checkpoints.alignment_history
        losses = align(model, rows, source, self.alignment, self.lr, seed)
        if checkpoints is not None:
            checkpoints.alignment_history = losses
        return losses

    def _fingerprint(self, data, device, start, seeds):
        """What the result depends on, in words."""
        arguments = self.get_params(deep=False)
        for name in ("checkpoint_dir", "verbose", "warm_start", "random_state"):
            del arguments[name]
        if self.random_state is not None:
            arguments["random_state"] = seeds
        names = ("X_val", "y_val", "validation weights")
        given = {
            "X": data.X,
            "y": data.y,
            "sample_weight": data.weight,
            "X_unlabeled": data.unlabeled,
            **dict(zip(names, data.validation or (None,) * 3, strict=True)),
            "the model it starts from": start and _safetensors.digest(start.arrays),
        }
        own = arguments | given | {"device": device.type}
        return {name: describe(value) for name, value in own.items()}

    def _has_linear_path(self, data):
        """Whether a linear map of the raw row has something to say."""
        small = len(data.X) <= MAX_ROWS and not isinstance(data.X, LazyArray)
        if not self.linear_path or not small or data.target.kind == "masks":
            return False
        # Single pixels say little about what an image shows.
        return data.target.kind == "values" or data.X.ndim < 4

    def _open_candidates(self):
        """Sources by name, to take the nearest of; none where nothing asks for one."""
        opened = sources.open_candidates(self.source)
        trains = [name for name, source in opened.items() if source.trains]
        if self.alignment is not None and (not opened or trains):
            raise DataError(
                f"alignment={self.alignment!r} moves the data's tokens to those of a "
                f"source, but source={self.source!r} has none to move to. Give another "
                'source, such as source="formula", or alignment=None.'
            )
        if self.alignment is not None and self.tune == "head":
            raise DataError(
                f"alignment={self.alignment!r} trains the embedder, which tune='head' "
                "fixes. Use another tune, such as tune='none', or alignment=None."
            )
        used = max(self.mix_start, self.mix_end) > 0 or self.alignment is not None
        return opened if used else {}

    def _measure(self, candidates, data, encoder, architecture, device, seed):
        """Distances of the candidates, nearest first; none without a choice."""
        if len(candidates) < 2:
            return {}
        rows, codes = encoded_sample(data.X, data.codes, encoder, seed)
        backbone = backbones.get(
            self.backbone,
            pretrained=self.pretrained,
            generator=torch.Generator().manual_seed(seed),
            input_shape=architecture.input_shape,
            max_tokens=self.max_tokens,
        )
        cardinalities = architecture.cardinalities
        return distances(
            candidates, rows.to(device), codes, backbone, cardinalities, seed
        )

    def _rows_per_batch(self, target):
        if self.batch_size != "auto":
            return int(self.batch_size)
        return auto_for(target).batch_size

    def _recipe(self, n_rows, target, model, device):
        auto = auto_for(target)
        batch_size = self._rows_per_batch(target)
        steps_per_epoch = math.ceil(n_rows / batch_size)
        n_epochs, mix_weight = self.max_epochs, self.mix_weight
        if n_epochs == "auto":
            n_epochs = max(auto.n_epochs, math.ceil(auto.n_steps / steps_per_epoch))
        if mix_weight == "auto":
            mix_weight = auto.mix_weight
        n_steps = int(n_epochs) * steps_per_epoch
        if self.max_steps is not None:
            n_steps = min(n_steps, int(self.max_steps))
        return Recipe(
            loss=target.loss,
            agreement=target.agreement,
            n_epochs=math.ceil(n_steps / steps_per_epoch),
            n_steps=n_steps,
            batch_size=batch_size,
            n_tokens=math.prod(model.backbone.grid),
            lr=self.lr,
            weight_decay=self.weight_decay,
            # Lower blocks of a pretrained backbone know most; those of a fresh one nothing.
            layer_decay=self.layer_decay if self.pretrained else 1.0,
            mix_start=self.mix_start,
            mix_end=self.mix_end,
            mix_schedule=self.mix_schedule,
            mix_weight=mix_weight,
            mixed_share=auto.mixed_share,
            bfloat16=resolve_precision(self.precision, device),
            patience=self.n_iter_no_change if self.early_stopping else None,
        )

    # ---- prediction

    def _infer(self, X, compute):
        """Apply ``compute(model, batch, bfloat16=...)`` to all rows."""
        check_is_fitted(self)
        X = validation.check_rows(self, X, reset=False)
        X = validation.shape_rows(X, self.input_shape_)
        encode = self._encoder.transform
        if X.ndim == 2:
            # Columns of a DataFrame are encoded at once or slowly.
            X, encode = encode(X), np.asarray
        device = resolve_device(self.device)
        bfloat16 = resolve_precision(self.precision, device)
        with algorithms(device, deterministic=self.deterministic):
            return in_batches(
                partial(compute, bfloat16=bfloat16),
                self._model,
                X,
                encode,
                tuple(self.input_shape_),
                self._rows_per_batch(self._target),
                device,
                self._remedies(device, bfloat16),
            )

    def _remedies(self, device, bfloat16):
        """What to type where a device has no room for a row."""
        found = ["to end other programs that use it"]
        found.append("more swap space" if device.type == "cpu" else "device='cpu'")
        if not bfloat16:
            found.append("precision='bf16'")
        if self.backbone != "pare-tiny":
            found += [
                f"a fit with max_tokens={max(1, self.n_tokens_ // 2)}",
                "a fit with a smaller backbone, such as backbone='pare-tiny'",
            ]
        return [*found, "a fit with rows that are pooled or cut to fewer numbers"]

    def _outputs(self, X):
        return self._infer(X, PaReModel.predict)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        # In a table; missing parts of signals and images are refused.
        tags.input_tags.allow_nan = self.input_shape is None
        return tags

    def transform(self, X):
        """Features of the fine-tuned backbone: the mean over its output tokens.

        Parameters
        ----------
        X : array-like of shape (n, F), (n, C, L) or (n, C, H, W)

        Returns
        -------
        features : ndarray of shape (n, E), float32
            E is 256 for "pare-tiny".
        """
        return self._infer(X, PaReModel.features)

    @property
    def _n_features_out(self):
        return self._model.backbone.feature_dim

    # ---- state

    def save(self, path, *, omit_pretrained=False):
        """Write the fitted estimator to one safetensors file, whole or not at all.

        Parameters
        ----------
        path : str or Path
            An existing file is replaced.
        omit_pretrained : bool, default=False
            Leave out the weights of the backbone that are still those it was pretrained
            with, such as all of them after ``tune="none"``: the file is smaller by as
            much. Whoever loads it needs the backbone, see `sklearn_pare.backbones.fetch`.

        Raises
        ------
        SaveError
            If the file cannot be written, such as on a full disk, or the estimator is
            of a class that `sklearn_pare.load` does not know; an OSError. What was
            there before is untouched.
        WeightsError
            If weights of the backbone are needed to compare with and cannot be fetched; a
            RuntimeError.

        See Also
        --------
        sklearn_pare.load : Read it back, on any machine.

        Notes
        -----
        `checkpoint_dir` and callbacks are not saved. A `source` of arrays and a
        `random_state` that is a generator are not either, and there is a warning.

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
        model_file.write(
            path,
            type(self).__name__,
            self.get_params(deep=False),
            vars(self),
            export_arrays(self._model),
            omit_pretrained=omit_pretrained,
        )

    def __getstate__(self):
        """Plain arrays in place of the network: small, and free of devices.

        Callbacks have done their work in fit; they hold sockets and logs.
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
            self._model = restore(self._architecture, state["_model"])
