"""Files that lack a part, have one too many, or whose parts do not fit each other."""

import dataclasses

import numpy as np
import pytest

from sklearn_pare.datasets.nas_bench_360 import TASKS
from sklearn_pare.exceptions import FileFormatError, MissingFileError
from tests.datasets.nas_bench_360.files import (
    FOLDER,
    N,
    cosmic_paths,
    dump,
    fetch,
    load,
    of,
)

each_task = pytest.mark.parametrize(
    ("home", "task"), [(task, task) for task in TASKS], indirect=["home"], ids=TASKS
)
# Files that are read for training, and their arrays: (keys, sample axis).
FILES = {
    "cifar-100": {"cifar-100-python/train": [b"data", b"fine_labels"]},
    "spherical": {"spherical/s2_cifar100.gz": [("train", "images"), ("train", "labels")]},
    "ninapro": {"ninapro/ninapro_train.npy": [None], "ninapro/label_train.npy": [None]},
    "fsd50k": {"audio/chunks/tr.csv": [None], "audio/chunks/lbl_map.json": []},
    "darcy": {"piececonst_r421_N1024_smooth1.mat": ["coeff", "sol"]},
    "psicov": {
        "protein/deepcov.lst": [],
        "protein/deepcov/features/deepcov000.pkl": ["seq", "ss", "pssm", "sa", "entropy",
                                                    "ccmpred", "freecon", "potential"],
        "protein/deepcov/distance/deepcov000-cb.npy": [2],
    },
    "cosmic": {"cosmic/npy_train/f435w/10760/2/sky.npy": []},
    "ecg": {"challenge2017.pkl": ["data", "label"]},
    "satellite": {"satellite/satellite_train.npy": ["data", "label"]},
    "deepsea": {"deepsea/deepsea_filtered.npz": ["x_train", "y_train"]},
}  # fmt: skip


def _parts():
    for task, files in FILES.items():
        for file, keys in files.items():
            for key in keys:
                yield task, file, key


def _changed(content, key, change):
    """Return the content of a file with another value at a key."""
    if key is None:
        return change(content)
    first, *rest = key if isinstance(key, tuple) else (key,)
    value = (
        _changed(content[first], tuple(rest), change)
        if rest
        else change(content[first])
    )
    if isinstance(content, dict):
        return content | {first: value}
    content[first] = value
    return content


def _without(content, key):
    first, *rest = key if isinstance(key, tuple) else (key,)
    if rest:
        return content | {first: _without(content[first], tuple(rest))}
    return {name: value for name, value in content.items() if name != first}
