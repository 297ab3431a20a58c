"""The network of a fitted estimator as a torch module and as an ONNX file."""

import copy
from functools import partial

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from sklearn_pare._data.grids import encode_on_grid, on_grid
from sklearn_pare._data.reach import check_reach
from sklearn_pare._data.validation import check_rows
from sklearn_pare._saving import onnx_file
from sklearn_pare._utils.surroundings import pinned
from sklearn_pare.nn.fitted import FittedModule


def _calibrated(finish, temperature, outputs):
    return finish(outputs / temperature)


class ModuleMixin:
    """Methods of the estimators for those who work with their network in torch."""

    @property
    def module_(self):
        """The network as a :class:`~sklearn_pare.nn.FittedModule`, in evaluation mode.

        ``estimator.module_(estimator.encode(X))`` is ``decision_function(X)`` of a
        classifier and ``predict(X)`` of a regressor, computed in float32. With
        ``precision="fp32"`` they agree up to rounding. Each access copies the weights.
        """
        check_is_fitted(self)
        finish = getattr(self._target, "decide", self._target.decode)
        if self._conformal is not None and self._conformal.temperature != 1:
            finish = partial(_calibrated, finish, self._conformal.temperature)
        return FittedModule(copy.deepcopy(self._model), finish)

    def encode(self, X):
        """Return samples as input of `module_`: standardised, categories as codes.

        Parameters
        ----------
        X : array-like of shape (n, F), (n, C, L) or (n, C, H, W)

        Returns
        -------
        x : torch.Tensor of shape (n, F), (n, C, L) or (n, C, H, W), float32
            NaN where values are missing.
        """
        check_is_fitted(self)
        with pinned():
            X, shape = check_rows(self, X, reset=False), tuple(self.input_shape_)
            X = on_grid(X, shape, len(self._target.output_shape) > 1)
            samples = X if X.ndim == 2 else np.asarray(X[:])
            encoded = encode_on_grid(self._encoder, shape, samples)
            return torch.from_numpy(check_reach(encoded, samples, self._encoder))

    def to_onnx(self, path):
        """Write `module_` as an ONNX file, completely or not at all.

        The input "samples" takes any number of samples as ``encode`` returns them, but
        without NaN in signals and images; the output is called "predictions". If
        onnxruntime is installed, its predictions for random samples are compared with
        those of `module_`.

        Parameters
        ----------
        path : str, Path or file object
            An existing file is replaced. A file object is open in binary mode.

        Raises
        ------
        ImportError
            If onnx or onnxscript is missing.
        SaveError
            If a part has no form in ONNX, predictions differ by more than 1e-4 of the
            largest, or the file cannot be written (OSError).
        """
        check_is_fitted(self)
        with pinned():
            cardinalities = getattr(self._encoder, "cardinalities", None)
            x = onnx_file.random_samples(self.input_shape_, cardinalities)
            onnx_file.write(path, self.module_, x, self.backbone_)
