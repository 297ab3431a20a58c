"""Arrays in any container, as plain arrays of numpy."""

import numpy as np
import torch
from scipy.sparse import issparse

from sklearn_pare.exceptions import DataError

# Attributes of netCDF variables that hold the value of missing numbers.
_FILL_VALUES = ("_FillValue", "missing_value")


def is_foreign(array):
    """Return whether an array belongs to another library than numpy, torch and pandas.

    Examples are data sets of HDF5 and zarr, variables of netCDF, and arrays of xarray
    and dask.
    """
    known = isinstance(array, np.ndarray | np.generic | torch.Tensor)
    known |= issparse(array) or hasattr(array, "iloc")
    # Variables of scipy.io.netcdf_file have no dtype.
    dtype = getattr(array, "dtype", np.dtype(float))
    indexed = hasattr(array, "shape") and hasattr(array, "__getitem__")
    return not known and indexed and isinstance(dtype, np.dtype)


def read(array, rows=...):
    """Return samples of an array; those that equal a fill value of netCDF are masked.

    Parameters
    ----------
    array : array-like with `shape` and slices
    rows : slice, optional
        By default all samples.
    """
    block = array[rows]
    # Conversion of an array of dask to one of numpy would drop the mask.
    block = np.asanyarray(block.compute() if hasattr(block, "compute") else block)
    if np.ma.isMaskedArray(block) or block.dtype.kind not in "fiu":
        return block
    attributes = getattr(array, "attrs", {})
    for name in _FILL_VALUES:
        fill = np.ravel(attributes.get(name, getattr(array, name, ())))
        if fill.size and fill.dtype.kind in "fiu":
            fill = fill.astype(block.dtype)
            block = np.ma.masked_where(np.isin(block, fill), block, copy=False)
    return block


def as_numpy(values):
    """Return an array in any container as one of numpy, which may be masked.

    Anything else is returned unchanged: lists of numbers, DataFrames, sparse matrices.
    """
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu()
        # numpy has no bfloat16.
        half = values.dtype == torch.bfloat16
        return (values.float() if half else values).numpy()
    if is_foreign(values):
        return read(values)
    rows = values
    if is_array_of_objects(values) and values.ndim == 1:
        rows = list(values)
    masked = isinstance(rows, list | tuple) and any(map(np.ma.isMaskedArray, rows))
    # Rows of different shapes raise an error later.
    if masked and len(set(map(np.shape, rows))) == 1:
        data, mask = map(np.ma.getdata, rows), map(np.ma.getmaskarray, rows)
        return np.ma.MaskedArray(list(data), list(mask))
    return values


def plain(values, name):
    """Return an array in any container as one of numpy, or raise if a value is masked.

    Objects that are numbers become numbers. Anything else than an array is returned
    unchanged.

    Raises
    ------
    DataError
        If a value is masked; it shows the `name` of the array.
    """
    values = as_numpy(values)
    if not np.ma.isMaskedArray(values):
        return as_numbers(values)
    if np.ma.is_masked(values):
        raise DataError(
            f"{name} holds a masked value in {_first(np.ma.getmaskarray(values))}. "
            "Leave the sample out, or give a value in its place, such as with "
            f"{name}.filled(0)."
        )
    return as_numbers(values.data)


def finite(values, name):
    """Return finite numbers in any container as an array, or raise DataError."""
    values = np.asarray(plain(values, name))
    if values.dtype.kind not in "fiub":
        raise DataError(
            f"{name} has dtype {values.dtype}. Expected real numbers or booleans."
        )
    wrong = ~np.isfinite(values)
    if wrong.any():
        raise DataError(
            f"{name} holds {values[wrong][0]} in {_first(wrong)}. Give every position "
            "a finite number, or leave the sample out."
        )
    return values


def _first(wrong):
    """Return the sample and the position of the first True as text."""
    sample, *place = np.argwhere(wrong)[0].tolist()
    return f"sample {sample}" + (f", at {tuple(place)}" if place else "")


def is_array_of_objects(values):
    """Return whether values are a numpy array of objects, without a mask."""
    plain = isinstance(values, np.ndarray) and not np.ma.isMaskedArray(values)
    return plain and values.dtype == object


def as_numbers(values):
    """Return objects that are all numbers as numbers, and other values unchanged."""
    if getattr(getattr(values, "dtype", None), "kind", None) != "O":
        return values
    try:
        numbers = np.array(np.asarray(values).tolist())
    except ValueError:
        # Arrays of different shapes.
        return values
    return numbers if numbers.dtype.kind in "biuf" else values


def is_missing(value):
    """Return whether an object stands for a missing value."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating) and bool(np.isnan(value))
