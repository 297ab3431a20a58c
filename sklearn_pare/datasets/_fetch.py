"""Where data sets lie, and how a missing file is fetched."""

import os
from pathlib import Path

import sklearn.datasets

from sklearn_pare.exceptions import MissingFileError


def get_data_home(data_home=None):
    """Folder of the data sets.

    Parameters
    ----------
    data_home : path-like, optional
        By default the environment variable SKLEARN_PARE_DATA, or else the folder
        sklearn_pare in scikit-learn's own.

    Returns
    -------
    folder : Path
        It need not exist.
    """
    data_home = data_home or os.environ.get("SKLEARN_PARE_DATA")
    if data_home is None:
        return Path(sklearn.datasets.get_data_home()) / "sklearn_pare"
    return Path(data_home).expanduser()


def retrieve(url, path, *, known_hash=None, download=True):
    """A file that is at hand, or is downloaded now and checked once.

    Parameters
    ----------
    url : str
    path : path-like
    known_hash : str, optional
        Such as "md5:0123...", checked after a download.
    download : bool, default=True

    Returns
    -------
    path : Path

    Raises
    ------
    MissingFileError
        If the file is not there and is not to be downloaded, or cannot be.
    """
    path = Path(path)
    if path.exists():
        return path
    if not download:
        raise MissingFileError(
            f"{path.name} is not in {path.parent}. Download {url} to {path}, or call "
            "again with download=True."
        )
    try:
        import pooch
    except ImportError as error:
        raise ImportError(
            "Downloads need pooch. Install it by "
            "pip install 'sklearn-pare[benchmarks]'."
        ) from error
    try:
        pooch.retrieve(url, known_hash, fname=path.name, path=path.parent)
    # pooch raises errors of its own, of requests and of urllib3.
    except Exception as error:
        raise MissingFileError(
            f"{path.name} is not in {path.parent}, and {url} could not be downloaded "
            f"({type(error).__name__}: {error}). Put the file there by hand."
        ) from error
    return path
