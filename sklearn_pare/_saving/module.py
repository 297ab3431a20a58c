"""The network of a fitted estimator in the open: as a torch module and as ONNX."""

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from sklearn_pare._data.grids import encode_on_grid, on_grid
from sklearn_pare._data.reach import check_reach
from sklearn_pare._data.validation import check_rows
from sklearn_pare._saving import onnx_file
from sklearn_pare._utils.surroundings import pinned
from sklearn_pare.nn.fitted import FittedModule


class ModuleMixin:
    """Methods of the estimators for those who work with their network in torch."""

    @property
    def module_(self):
        """The network as a :class:`~sklearn_pare.nn.FittedModule`, in evaluation mode.

        ``estimator.module_(estimator.encode(X))`` equals ``decision_function(X)`` of a
        classifier and ``predict(X)`` of a regressor up to rounding, with
        ``precision="fp32"``: the module computes in float32, while "auto" may be
        bfloat16, which changes predictions by about 1 %. Each access copies the
        weights, so keep the module in a variable.
        """
        check_is_fitted(self)
        target = self._target
        return FittedModule(self._model, getattr(target, "decide", target.decode))

    def encode(self, X):
        """Return the samples as input of `module_`.

        Numbers are standardised and categories replaced by codes, as for ``predict``.

        Parameters
        ----------
        X : array-like of shape (n, F), (n, C, L) or (n, C, H, W)

        Returns
        -------
        x : torch.Tensor of shape (n, F), (n, C, L) or (n, C, H, W), float32
            In a table, NaN where values are missing.
        """
        check_is_fitted(self)
        with pinned():
            X, shape = check_rows(self, X, reset=False), tuple(self.input_shape_)
            X = on_grid(X, shape, len(self._target.output_shape) > 1)
            samples = X if X.ndim == 2 else np.asarray(X[:])
            encoded = encode_on_grid(self._encoder, shape, samples)
            return torch.from_numpy(check_reach(encoded, samples, self._encoder))

    def to_onnx(self, path):
        """Write the network as an ONNX file, completely or not at all.

        The file has one input "samples", which holds any number of samples as
        ``encode`` returns them, and one output "predictions", which holds what
        `module_` returns for them. If onnxruntime is installed, its predictions for
        random samples are compared with those of `module_`.

        Parameters
        ----------
        path : str, Path or file object
            An existing file is replaced. A file object is open for writing in binary
            mode.

        Raises
        ------
        ImportError
            If onnx or onnxscript is missing.
        SaveError
            If part of the network has no form in ONNX, if the predictions of
            onnxruntime differ by more than 1e-4, in standard deviations of y in a
            regressor, or if the file cannot be written; an OSError. An existing file
            is left untouched.
        """
        check_is_fitted(self)
        with pinned():
            cardinalities = getattr(self._encoder, "cardinalities", ())
            onnx_file.write(
                path,
                self.module_,
                onnx_file.random_samples(self.input_shape_, cardinalities),
                np.max(getattr(self._target, "scale", 1.0)) or 1.0,
                self.backbone,
            )
