"""Helpers for tests with small files of the tasks."""

import gzip
import pickle

import numpy as np
import pytest
import scipy.io

from sklearn_pare.datasets import fetch_nas_bench_360

# Training samples in the files.
N = 24
FOLDER = "nas-bench-360"


def fetch(task, home, split="train"):
    return fetch_nas_bench_360(task, data_home=home, download=False, split=split)


def of(task):
    """Parametrise a test with a copy of the files of one task, to change."""
    return pytest.mark.parametrize("home", [task], indirect=True)


def load(path):
    """Return the content of a file; for CSV, its lines; for MATLAB and npz, a dict."""
    if path.suffix == ".npy":
        array = np.load(path, allow_pickle=True)
        return array[()] if array.shape == () else array
    if path.suffix == ".npz":
        return dict(np.load(path))
    if path.suffix == ".mat":
        return scipy.io.loadmat(path, variable_names=["coeff", "sol"])
    if path.suffix == ".csv":
        return path.read_text().splitlines(keepends=True)
    with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
        return pickle.load(file)


def dump(path, content):
    """Write content that `load` has returned."""
    if path.suffix == ".npy":
        if isinstance(content, dict):
            content = np.array(content, dtype=object)
        np.save(path, content, allow_pickle=True)
    elif path.suffix == ".npz":
        np.savez(path, **content)
    elif path.suffix == ".mat":
        arrays = {key: array for key, array in content.items() if key[0] != "_"}
        scipy.io.savemat(path, arrays)
    elif path.suffix == ".csv":
        path.write_text("".join(content))
    else:
        with (gzip.open if path.suffix == ".gz" else open)(path, "wb") as file:
            pickle.dump(content, file, protocol=2)


def cosmic_paths(home, name):
    """Return the images of Cosmic's training or test set, sorted."""
    folder = home / FOLDER / "cosmic" / f"npy_{name}" / "f435w"
    return sorted(p for p in folder.rglob("*.npy") if p.name != "sky.npy")
