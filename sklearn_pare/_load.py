"""Read estimators back; the only classes a file can ask for are listed here."""

from sklearn_pare import _persist
from sklearn_pare._base import _FITTED
from sklearn_pare._classifier import PaReClassifier
from sklearn_pare._regressor import PaReRegressor
from sklearn_pare.exceptions import ModelFileError

_REQUIRED = set(_FITTED) - {"feature_names_in_"}
_CLASSES = {"PaReClassifier": PaReClassifier, "PaReRegressor": PaReRegressor}


def load(path, *, device="auto"):
    """Load an estimator written by its method `save`.

    Parameters
    ----------
    path : str or Path
        A safetensors file. Nothing in it is executed.
    device : str, default="auto"
        Where the loaded estimator predicts; see `PaReClassifier`.

    Returns
    -------
    estimator : PaReClassifier or PaReRegressor
        Fitted.

    Raises
    ------
    ModelFileError
        If the file is not a model of this package; a ValueError.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_iris
    >>> import sklearn_pare
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = sklearn_pare.PaReClassifier(max_epochs=1, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     clf.save(Path(folder) / "iris.pare")
    ...     again = sklearn_pare.load(Path(folder) / "iris.pare")
    >>> bool((again.predict_proba(X) == clf.predict_proba(X)).all())
    True
    """

    def build(class_name, parameters, arrays, state):
        if class_name not in _CLASSES:
            raise ModelFileError(
                f"{path} holds a {class_name!r}; this version loads "
                f"{', '.join(_CLASSES)}."
            )
        if isinstance(parameters["input_shape"], list):
            parameters["input_shape"] = tuple(parameters["input_shape"])
        estimator = _CLASSES[class_name](**(parameters | {"device": device}))
        missing = _REQUIRED - state.keys()
        if missing:
            raise ModelFileError(f"{path} lacks {', '.join(sorted(missing))}.")
        estimator.__setstate__(vars(estimator) | state | {"_model": arrays})
        return estimator

    return _persist.read(path, build)
