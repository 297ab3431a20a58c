"""Folder of the data sets, downloads and archives.

A download continues where it was interrupted, is verified, and gets its final name only
when it is complete. Several processes may request one file: one of them downloads it.
"""

import difflib
import hashlib
import importlib
import os
import tarfile
import tempfile
import zipfile
from pathlib import Path

from sklearn_pare._utils import expand
from sklearn_pare.exceptions import FileFormatError, MissingFileError

# Bytes per write: at most this much is lost when a connection breaks.
_BLOCK = 2**16


def extra(name, group="benchmarks"):
    """Import a module of an extra of this package; the error names the extra."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(
            f"The benchmarks need {name}, which is not installed. Run: pip install "
            f"'sklearn-pare[{group}]'"
        ) from error


def get_data_home(data_home=None) -> Path:
    """Return the folder of the data sets that this package reads.

    Parameters
    ----------
    data_home : str or Path, default=None
        If None, the folder is that of the environment variable SKLEARN_PARE_DATA, or
        else "sklearn_pare" in :func:`sklearn.datasets.get_data_home`.

    Returns
    -------
    path : Path
        The folder may not exist yet.

    Examples
    --------
    >>> from sklearn_pare.datasets import get_data_home
    >>> get_data_home("/data/benchmarks").name
    'benchmarks'
    """
    data_home = data_home or os.environ.get("SKLEARN_PARE_DATA")
    if data_home:
        return expand(data_home)
    # As in scikit-learn, whose function would create the folder.
    home = os.environ.get("SCIKIT_LEARN_DATA", "~/scikit_learn_data")
    return expand(home) / "sklearn_pare"


def retrieve(url, path, *, known_hash=None, download=True) -> Path:
    """Return ``path``, after downloading the file if it is missing.

    An interrupted download is kept as "NAME.part" and continued by the next call.
    ``url`` is None if the file can only be obtained by hand; ``known_hash`` is
    "md5:..." or "sha256:...". Raises MissingFileError, or FileFormatError for another
    hash.
    """
    path = Path(path)
    if path.exists():
        return path
    if not download or url is None:
        reason = "download=False" if url else "it can only be obtained by hand"
        raise MissingFileError(
            f"{path.name} is missing: {path} does not exist, and {reason}. "
            f"{_advice(url, path)} {_beside(path)}"
        )
    filelock = extra("filelock")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    with filelock.FileLock(path.with_name(f"{path.name}.lock")):
        if path.exists():
            return path
        try:
            _download(url, part)
        # The errors of requests are OSErrors.
        except OSError as error:
            kept = f"{part} holds the bytes received; the next call continues there. "
            raise MissingFileError(
                f"{path.name} could not be downloaded from {url}: "
                f"{type(error).__name__}: {error}. "
                f"{kept * part.exists()}{_advice(url, path)}"
            ) from error
        if known_hash is not None:
            _check_hash(url, part, known_hash)
        part.replace(path)
    return path


def _beside(path):
    """Return a sentence on the files in the folder of a missing file."""
    if not path.parent.is_dir():
        return f"The folder {path.parent} does not exist either."
    names = [other.name for other in path.parent.iterdir() if other.name[0] != "."]
    # The most similar names are shown, in the order of the alphabet.
    names = sorted(difflib.get_close_matches(path.name, names, 10, 0))
    return (
        f"Its folder contains {', '.join(names)}." if names else "Its folder is empty."
    )


def _advice(url, path):
    if url is None:
        return f"Put it at {path}."
    return (
        f"Use download=True to download it from {url} (--download on the command "
        f"line), or run 'curl -L -C - -o {path} "
        f"{url}' on a machine with a network connection."
    )


def _download(url, part):
    """Download a file to ``part``, continuing after the bytes that it holds."""
    requests = extra("requests")
    start = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    with requests.get(url, headers=headers, stream=True, timeout=60) as answer:
        if answer.status_code == 416:
            # Nothing left to send: the part is complete, or longer than the file.
            size = answer.headers.get("Content-Range", "").rpartition("/")[2]
            if size == str(start):
                return
            part.unlink()
            return _download(url, part)
        answer.raise_for_status()
        if answer.status_code != 206:
            start = 0
        with part.open("ab" if start else "wb") as file:
            for block in answer.iter_content(_BLOCK):
                file.write(block)
        length = answer.headers.get("Content-Length")
        received = part.stat().st_size - start
        if length is not None and received != int(length):
            raise OSError(f"{received} of {length} bytes were received")


def _check_hash(url, part, known_hash):
    """Remove a downloaded file and raise an error if its hash is not the known one."""
    algorithm = known_hash.partition(":")[0]
    with part.open("rb") as file:
        found = f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"
    if found != known_hash:
        part.unlink()
        raise FileFormatError(
            f"The file downloaded from {url} has the hash {found}. Expected "
            f"{known_hash}. It has been removed: try again; if the error persists, the "
            "file has changed at its source."
        )


def unpack(archive, folder, marker):
    """Unpack a tar or zip file into ``folder``; existing files are kept.

    The top is the folder of the archive that holds the relative path ``marker``. Raises
    FileFormatError if the file is no complete archive or lacks ``marker``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".unpacking-") as temporary:
        top = Path(temporary)
        try:
            if zipfile.is_zipfile(archive):
                with zipfile.ZipFile(archive) as file:
                    # This drops drives, roots and "..".
                    file.extractall(top)
            else:
                with tarfile.open(archive) as file:
                    file.extractall(top, filter="data")
        # Both formats, five compressions and invalid names raise many kinds of errors.
        except Exception as error:
            raise FileFormatError(
                f"{archive} cannot be unpacked: {type(error).__name__}: {error}. "
                "Expected a complete tar or zip file. Remove it and download it again."
            ) from error
        found = [p for p in top.rglob(Path(marker).name) if p.match(marker)]
        if not found:
            some = ", ".join(sorted(path.name for path in top.iterdir())[:5])
            raise FileFormatError(
                f"{archive} does not contain {marker!r}; it starts with {some}. "
                "Expected the archive of the benchmark: download it again, or unpack "
                f"it by hand into {folder}."
            )
        top = min(found, key=lambda path: len(path.parts))
        top = top.parents[len(Path(marker).parts) - 1]
        for path in list(top.iterdir()):
            if not (folder / path.name).exists():
                path.rename(folder / path.name)
