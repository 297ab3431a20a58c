"""Data sets of OpenML as sources: "openml:ID"."""

import math
from functools import cached_property

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OrdinalEncoder, StandardScaler

from sklearn_pare._utils.openml_cache import Reader
from sklearn_pare.exceptions import DataError, UnknownNameError
from sklearn_pare.sources.arrays import ArraySource
from sklearn_pare.sources.base import Source

# Columns may be the pixels of an image whose sides have at least this length.
_SMALLEST_SIDE = 8


class OpenMLSource(Source):
    """Samples and classes of an OpenML data set: the source named "openml:ID".

    Data with 3 s^2 or s^2 columns, s >= 8, are images (3, s, s) or (1, s, s), as in
    CIFAR-10 ("openml:40927"); all others are tables. Categories become numbers, missing
    values become the mean of their column, and each channel or column is standardised.
    The data set is loaded on first use, from the cache of openml or from its server.

    Parameters
    ----------
    spec : str
        Number of the data set.

    Raises
    ------
    UnknownNameError
        If `spec` is not a positive integer (ValueError).
    DataError
        On first use, if the data set cannot be loaded, has no classes, or has the
        format Sparse_ARFF (ValueError).

    Examples
    --------
    >>> from sklearn_pare import sources
    >>> sources.get("openml:40927").dataset_id
    40927
    """

    def __init__(self, spec):
        if not (spec.isascii() and spec.isdigit() and int(spec) > 0):
            raise UnknownNameError(
                f"source='openml:{spec}' names no data set. Write the number of the "
                "data set after the colon, as in 'openml:40927' (CIFAR-10)."
            )
        self.dataset_id = int(spec)

    @cached_property
    def _arrays(self):
        frame, target = self._load()
        known = target.notna().to_numpy()
        X, y = _numbers(frame[known]), target[known].to_numpy()
        if np.issubdtype(y.dtype, np.floating) and (y % 1).any():
            raise DataError(
                f"source='openml:{self.dataset_id}': the target {target.name!r} is a "
                "number, not a class. Choose a data set for classification."
            )
        classes, codes = np.unique(y, return_inverse=True)
        X = _standardised(X.reshape(len(X), *_row_shape(X.shape[1])))
        return ArraySource(X, codes.astype(np.int64), len(classes))

    def _load(self):
        """Load the columns and the target of the data set with openml."""
        number = self.dataset_id
        reader = Reader(
            f"source='openml:{number}': data set {number}",
            DataError,
            f"openml.datasets.get_dataset({number}, download_data=True)",
        )
        dataset = reader.dataset(number)
        frame, target = reader.frame(dataset, dataset.default_target_attribute)
        if target is None:
            raise DataError(
                f"source='openml:{self.dataset_id}': data set {self.dataset_id} has no "
                "default target, so no classes. Choose a data set for classification."
            )
        return frame, target

    @property
    def n_classes(self):
        """Number of classes in the data."""
        return self._arrays.n_classes

    @property
    def row_shape(self):
        """Shape of one sample: (3, s, s), (1, s, s) or (F,)."""
        return self._arrays.row_shape

    def sample(self, n, generator):
        """Draw `n` samples with their classes."""
        return self._arrays.sample(n, generator)


def _row_shape(n_columns):
    for channels in (3, 1):
        side = math.isqrt(n_columns // channels)
        if side >= _SMALLEST_SIDE and channels * side**2 == n_columns:
            return channels, side, side
    return (n_columns,)


def _numbers(frame):
    """Return columns of any kind as numbers (n, F), float32, without missing values."""
    categories = frame.select_dtypes(exclude="number").columns
    if len(categories):
        frame = frame.copy()
        frame[categories] = OrdinalEncoder().fit_transform(frame[categories])
    X = frame.to_numpy(dtype=np.float32, na_value=np.nan)
    return SimpleImputer(keep_empty_features=True).fit_transform(X)


def _standardised(X):
    """Scale each channel, or each column of a table, to mean 0 and variance 1."""
    last = np.moveaxis(X, 1, -1)
    flat = StandardScaler().fit_transform(last.reshape(-1, X.shape[1]))
    return np.ascontiguousarray(np.moveaxis(flat.reshape(last.shape), -1, 1))
