"""Weights of other projects: cache, offline mode and check of the bytes.

`huggingface_hub` downloads a file in one process at a time, into a temporary file that
is renamed when complete. Files in the cache are used without any access to the network.
"""

import hashlib
import os
import re
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from pathlib import Path

from sklearn_pare.exceptions import ModelFileError, UnknownNameError, WeightsError

_SHA256 = re.compile(r"[0-9a-f]{64}")
_FORBIDDEN = ContextVar("_FORBIDDEN", default=None)


@contextmanager
def offline(reason):
    """Download nothing in this thread; `reason` is part of error messages."""
    token = _FORBIDDEN.set(reason)
    try:
        yield
    finally:
        _FORBIDDEN.reset(token)


def cached_file(repo_id, filename, *, backbone, cache_dir=None) -> Path:
    """Return the path of a file of a repository, and download it if necessary.

    `backbone` is its name, for error messages. The default of `cache_dir` is the
    environment variable HF_HUB_CACHE, or the cache of `huggingface_hub`,
    "~/.cache/huggingface/hub". Errors are those of `backbones.fetch`.
    """
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    cache_dir = Path(
        cache_dir or os.environ.get("HF_HUB_CACHE") or constants.HF_HUB_CACHE
    ).expanduser()

    settings = {"cache_dir": cache_dir, "endpoint": os.environ.get("HF_ENDPOINT")}
    locate = partial(hf_hub_download, repo_id, filename, **settings)
    try:
        path = Path(locate(local_files_only=True))
    except HFValidationError as error:
        raise UnknownNameError(
            f"backbone={backbone!r}: {repo_id!r} is no name of a repository: {error}"
        ) from error
    except LocalEntryNotFoundError:
        reason = _FORBIDDEN.get()
        if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
            reason = "HF_HUB_OFFLINE is set"
        if reason is not None:
            raise _missing(repo_id, filename, backbone, cache_dir, reason) from None
        try:
            path = Path(locate())
        # The library raises its own errors, those of its HTTP client and OSError.
        except Exception as error:
            reason = f"the download failed with {type(error).__name__}: {error}"
            raise _missing(repo_id, filename, backbone, cache_dir, reason) from error
        # Partial files of killed processes are no longer needed.
        blob = path.resolve()
        for incomplete in blob.parent.glob(f"{blob.name}*.incomplete"):
            incomplete.unlink(missing_ok=True)
    _check(path)
    return path


def checked_sha256(path):
    """Return the sha256 that names a file in the cache and was compared, or None."""
    name = path.resolve().name
    return name if _SHA256.fullmatch(name) else None


def _check(path):
    """Compare the content with the sha256 that names the file in the cache, if any."""
    if checked_sha256(path) is None:
        return
    blob = path.resolve()
    with blob.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != blob.name:
        path.unlink()
        blob.unlink()
        raise ModelFileError(
            f"{path} has sha256 {found} instead of {blob.name}: it was changed, "
            "truncated or not downloaded correctly. It is no longer in the cache; the "
            "next call downloads it again."
        )


def _missing(repo_id, filename, backbone, cache_dir, reason):
    return WeightsError(
        f"backbone={backbone!r} needs the file {filename} of {repo_id}. It is not in "
        f"the cache {cache_dir}, and {reason}. On a machine with a network, run "
        f"sklearn_pare.backbones.fetch({backbone!r}) or "
        f"'hf download {repo_id} {filename}', and copy the cache folder; the "
        "environment variable HF_HUB_CACHE sets its location. backbone='pare-tiny' "
        "needs no files, and pretrained=False needs no weights."
    )
