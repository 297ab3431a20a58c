"""Weights of other projects: one cache, one offline switch, one check of the bytes.

Files are fetched by `huggingface_hub`, which downloads to a temporary file, goes on
with one that was cut short, renames it when it is whole, and lets one of many processes
do the work. What is in the cache is used without a look at the network.
"""

import hashlib
import os
import re
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from sklearn_pare.exceptions import ModelFileError, UnknownNameError, WeightsError

_SHA256 = re.compile(r"[0-9a-f]{64}")


_FORBIDDEN = ContextVar("_FORBIDDEN", default=None)


@contextmanager
def offline(reason):
    """Fetch nothing in this thread for a while.

    Parameters
    ----------
    reason : str
        For the text of errors.
    """
    token = _FORBIDDEN.set(reason)
    try:
        yield
    finally:
        _FORBIDDEN.reset(token)


def _why_offline():
    """What forbids the network, or None."""
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
        return "HF_HUB_OFFLINE is set"
    return _FORBIDDEN.get()


def cached_file(repo_id, filename, *, backbone, cache_dir=None) -> Path:
    """Path of one file of a repository, fetched if it is not in the cache.

    Parameters
    ----------
    repo_id : str
        Such as "timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k".
    filename : str
        Such as "model.safetensors".
    backbone : str
        What the user asked for, for the text of errors.
    cache_dir : str or Path, optional
        By default the folder that the environment variable HF_HUB_CACHE names, else
        that of `huggingface_hub`, "~/.cache/huggingface/hub".

    Returns
    -------
    path : Path

    Raises
    ------
    UnknownNameError
        If no repository can have such a name; a ValueError.
    WeightsError
        If the file is not in the cache and cannot be fetched; a RuntimeError.
    ModelFileError
        If the file has other bytes than its sha256 says; a ValueError. It is removed
        from the cache.
    """
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    cache_dir = Path(
        cache_dir or os.environ.get("HF_HUB_CACHE") or constants.HF_HUB_CACHE
    ).expanduser()

    def locate(local_files_only):
        return Path(
            hf_hub_download(
                repo_id,
                filename,
                cache_dir=cache_dir,
                local_files_only=local_files_only,
                endpoint=os.environ.get("HF_ENDPOINT"),
            )
        )

    try:
        path = locate(local_files_only=True)
    except HFValidationError as error:
        raise UnknownNameError(
            f"backbone={backbone!r}: {repo_id!r} is no name of a repository: {error}"
        ) from error
    except LocalEntryNotFoundError:
        reason = _why_offline()
        if reason is not None:
            raise _missing(repo_id, filename, backbone, cache_dir, reason) from None
        try:
            path = locate(local_files_only=False)
        # The library raises its own errors, those of its HTTP client and OSErrors.
        except Exception as error:
            reason = f"the download failed with {type(error).__name__}: {error}"
            raise _missing(repo_id, filename, backbone, cache_dir, reason) from error
        # The file is whole: what killed processes left of it is of no more use.
        blob = path.resolve()
        for partial in blob.parent.glob(f"{blob.name}*.incomplete"):
            partial.unlink(missing_ok=True)
    _check(path)
    return path


def _check(path):
    """Compare the bytes with the sha256 that the cache files them under, if any."""
    blob = path.resolve()
    if not _SHA256.fullmatch(blob.name):
        return
    with blob.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != blob.name:
        path.unlink()
        blob.unlink()
        raise ModelFileError(
            f"{path} has sha256 {found}, it should have {blob.name}: it was changed, "
            "cut short or badly transferred. It has been removed from the cache; the "
            "next call fetches it again."
        )


def _missing(repo_id, filename, backbone, cache_dir, reason):
    return WeightsError(
        f"backbone={backbone!r} needs the file {filename} of {repo_id}. It is not in "
        f"the cache {cache_dir}, and {reason}. Fetch it on a machine with a network by "
        f"sklearn_pare.backbones.fetch({backbone!r}), or by "
        f"'hf download {repo_id} {filename}', and copy the cache folder; the "
        "environment variable HF_HUB_CACHE says where it lies. backbone='pare-tiny' "
        "needs no file, pretrained=False no weights."
    )
