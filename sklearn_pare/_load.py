"""Loading of saved estimators."""

import warnings

from sklearn_pare._classifier import PaReClassifier
from sklearn_pare._regressor import PaReRegressor
from sklearn_pare._saving import model_file
from sklearn_pare._utils.surroundings import pinned
from sklearn_pare._version import __version__
from sklearn_pare.exceptions import ModelFileError

# The only classes that a file can name.
_CLASSES = {"PaReClassifier": PaReClassifier, "PaReRegressor": PaReRegressor}


def load(path, *, device="auto"):
    """Load an estimator that was written by its method ``save``.

    Parameters
    ----------
    path : str, Path or file object
        A safetensors file. Nothing in it is executed and nothing is downloaded. No
        other file is read, except for the weights of the backbone if they were left
        out. A file object, open for reading in binary mode, is read from its position
        to its end.
    device : str, int or torch.device, default="auto"
        Device on which the loaded estimator predicts; see
        :class:`sklearn_pare.PaReClassifier`.

    Returns
    -------
    estimator : PaReClassifier or PaReRegressor
        The fitted estimator.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ModelFileError
        If the file is not a model of this package, is damaged, or needs another version
        of the package (ValueError).
    UnknownNameError
        If the backbone was registered by the user who wrote the file, and is not
        registered here (ValueError).
    WeightsError
        If weights were left out and are not available here (RuntimeError).

    Warns
    -----
    UserWarning
        If the file was written with another major or minor version of sklearn_pare,
        scikit-learn or torch.

    See Also
    --------
    PaReClassifier.save : Write such a file.

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
    with pinned():
        saved, arrays = model_file.read(path)
    kind = _CLASSES[saved.kind]
    unknown = sorted(saved.parameters.keys() - set(kind._get_param_names()))
    if unknown:
        written = saved.versions.get("sklearn_pare")
        raise ModelFileError(
            f"{path} has the argument {unknown[0]}, which {saved.kind} of sklearn_pare "
            f"{__version__} does not have. It was written by sklearn_pare {written}: "
            "load it with that version, or a later one."
        )
    if isinstance(saved.parameters.get("input_shape"), list):
        saved.parameters["input_shape"] = tuple(saved.parameters["input_shape"])
    # Arguments that are not in the file keep their defaults.
    estimator = kind(**saved.parameters)
    try:
        estimator._validate_params()
    except (TypeError, ValueError) as error:
        raise ModelFileError(f"{path} has an argument out of range: {error}") from error
    estimator.set_params(device=device)
    estimator.__setstate__(vars(estimator) | saved.fitted | {"_model": arrays})
    if estimator._architecture.config is not None:
        with pinned():
            model_file.check_backbone(path, estimator._model.backbone)
    drift = model_file.drift(saved.versions)
    if drift:
        warnings.warn(
            f"{path} was written with {drift}: predictions may differ in the last "
            "digits. Compare some, then save the estimator again with the present "
            "versions.",
            UserWarning,
            stacklevel=2,
        )
    return estimator
