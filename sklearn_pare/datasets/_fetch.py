"""Where data sets lie, and how their files get there.

Downloads go on where they were cut short, are checked, and appear under their name only
when they are whole. Many processes may ask for one file: one of them fetches it.
"""

import importlib
import os
import shutil
import tarfile
import tempfile
import zipfile
from pathlib import Path

from sklearn_pare.exceptions import FileFormatError, MissingFileError

# Bytes in one go; as many are lost where a connection breaks.
_BLOCK = 2**16


def extra(name):
    """A module of the extra "benchmarks", or an ImportError that says how to get it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(
            f"The files of the benchmarks need {name}, which is not installed: "
            "pip install 'sklearn-pare[benchmarks]'."
        ) from error


def get_data_home(data_home=None) -> Path:
    """Folder of the data sets that this package reads.

    Parameters
    ----------
    data_home : str or Path, default=None
        None: what the environment variable SKLEARN_PARE_DATA names, else
        "sklearn_pare" in the folder of :func:`sklearn.datasets.get_data_home`.

    Returns
    -------
    path : Path
        It need not exist.

    Examples
    --------
    >>> from sklearn_pare.datasets import get_data_home
    >>> get_data_home("/data/benchmarks").name
    'benchmarks'
    """
    data_home = data_home or os.environ.get("SKLEARN_PARE_DATA")
    if data_home:
        return Path(data_home).expanduser()
    from sklearn.datasets import get_data_home as of_sklearn

    return Path(of_sklearn()) / "sklearn_pare"


def retrieve(url, path, *, known_hash=None, download=True) -> Path:
    """Path of a file, fetched if it is not there.

    A file that is there is used as it is. A download that was cut short lies beside it
    as "NAME.part" and is continued.

    Parameters
    ----------
    url : str or None
        None: nobody but the user can get the file.
    path : str or Path
    known_hash : str, default=None
        "md5:..." or "sha256:..." of the whole file, checked after the download.
    download : bool, default=True

    Returns
    -------
    path : Path

    Raises
    ------
    MissingFileError
        If the file is not there and cannot, or must not, be fetched; a
        FileNotFoundError.
    FileFormatError
        If what was fetched has another hash; a ValueError. It is removed.
    """
    path = Path(path)
    if path.exists():
        return path
    if not download or url is None:
        reason = "download=False" if url else "it can be fetched by hand only"
        raise MissingFileError(
            f"{path.name} was looked for as {path}; it is not there, and {reason}. "
            f"{_advice(url, path)}"
        )
    filelock, pooch = extra("filelock"), extra("pooch")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    with filelock.FileLock(path.with_name(f"{path.name}.lock")):
        if path.exists():
            return path
        try:
            pooch.retrieve(
                url,
                known_hash,
                fname=path.name,
                path=path.parent,
                downloader=_Resuming(part),
            )
        except ValueError as error:
            if "hash" not in str(error):
                raise
            raise FileFormatError(
                f"{url} was fetched and has not the hash {known_hash}: {error} It has "
                "been removed. Try again; if that does not help, the file was changed "
                "at its source."
            ) from error
        # Errors of requests are of that class too.
        except OSError as error:
            kept = f"{part} holds what came; the next call goes on from there. "
            raise MissingFileError(
                f"{path.name} was not fetched from {url}: {type(error).__name__}: "
                f"{error}. {kept * part.exists()}{_advice(url, path)}"
            ) from error
    return path


def _advice(url, path):
    if url is None:
        return f"Put it at {path}."
    return (
        f"download=True fetches it from {url}; so does 'curl -L -C - -o {path} {url}' "
        "on a machine with a network."
    )


class _Resuming:
    """Downloader for pooch that goes on with a file that was cut short."""

    def __init__(self, part):
        self.part = part

    def __call__(self, url, output_file, pooch):
        import requests

        start = self.part.stat().st_size if self.part.exists() else 0
        headers = {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        with requests.get(url, headers=headers, stream=True, timeout=60) as answer:
            if answer.status_code == 416:
                # Nothing is left to send: whole, or longer than the file ever was.
                whole = answer.headers.get("Content-Range", "").rpartition("/")[2]
                if whole != str(start):
                    self.part.unlink()
                    return self(url, output_file, pooch)
            else:
                answer.raise_for_status()
                continued = answer.status_code == 206
                self._receive(answer, start if continued else 0)
        shutil.move(self.part, output_file)
        return None

    def _receive(self, answer, start):
        with self.part.open("ab" if start else "wb") as file:
            for block in answer.iter_content(_BLOCK):
                file.write(block)
        length = answer.headers.get("Content-Length")
        have = self.part.stat().st_size - start
        if length is not None and have != int(length):
            raise OSError(f"{have} of {length} bytes came")


def unpack(archive, folder, marker):
    """Unpack a tar or zip file beside what a folder holds already.

    Archives differ in how deep their content lies: its top is where `marker` is found.

    Parameters
    ----------
    archive : Path
    folder : Path
        Gets the files; those that are there are kept.
    marker : str
        Relative path of a file or folder that must be in the archive.

    Raises
    ------
    FileFormatError
        If it is no such archive, is cut short, holds no `marker`, or holds paths that
        lead out of it; a ValueError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".unpacking-") as temporary:
        top = Path(temporary)
        try:
            _extract(archive, top)
        # Errors of both formats, of five compressions, and of names in strange bytes.
        except Exception as error:
            raise FileFormatError(
                f"{archive} cannot be unpacked: {type(error).__name__}: {error}. "
                "Expected a whole tar or zip file. Remove it, and fetch it again."
            ) from error
        name = Path(marker).name
        found = [path for path in top.rglob(name) if path.match(marker)]
        if not found:
            some = ", ".join(sorted(path.name for path in top.iterdir())[:5])
            raise FileFormatError(
                f"{archive} holds no {marker!r}; it starts with {some}. Expected the "
                "archive of the benchmark: fetch it again, or unpack it by hand into "
                f"{folder}."
            )
        top = min(found, key=lambda path: len(path.parts))
        for _ in Path(marker).parts:
            top = top.parent
        for path in list(top.iterdir()):
            if not (folder / path.name).exists():
                path.rename(folder / path.name)


def _extract(archive, folder):
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as file:
            # It drops drives, roots and "..".
            file.extractall(folder)
    else:
        with tarfile.open(archive) as file:
            file.extractall(folder, filter="data")
