"""Arrays in any container, as plain arrays of numpy."""

from numbers import Number

import numpy as np
import torch
from scipy.sparse import issparse

from sklearn_pare.exceptions import DataError

# Attributes of netCDF variables that hold the value of missing numbers.
_FILL_VALUES = ("_FillValue", "missing_value")
# Attributes that say what packed integers stand for.
_PACKING = ("_Unsigned", "scale_factor", "add_offset")
# Names of types of missing values in numpy.ma and pandas.
_MISSING = ("MaskedConstant", "NAType", "NaTType")
# Types of single values, which hold no arrays.
_SCALARS = (str, bytes, Number, np.generic, type(None))


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
    """Return samples of an array as numbers; fill values of netCDF are masked.

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
    for name in _FILL_VALUES:
        fill = _fitting(_attribute(array, name), block.dtype)
        if fill.size:
            block = np.ma.masked_where(np.isin(block, fill), block, copy=False)
    return block if block.dtype.kind == "f" else _unpack(block, array)


def is_packed(array):
    """Return whether the integers of an array in a file stand for other numbers."""
    return any(_attribute(array, name).size for name in _PACKING)


def _attribute(array, name):
    """Return the values of an attribute of HDF5, zarr or netCDF, none if missing."""
    attributes = getattr(array, "attrs", {})
    return np.ravel(attributes.get(name, getattr(array, name, ())))


def _fitting(fill, dtype):
    """Return the fill values that a dtype can hold; floats may be rounded."""
    if fill.dtype.kind not in "fiu":
        return fill[:0]
    with np.errstate(all="ignore"):
        own = fill.astype(dtype)
    if dtype.kind == "f":
        return own[np.isfinite(own) == np.isfinite(fill)]
    return own[own == fill]


def _unpack(block, array):
    """Return the numbers that integers stand for, by the convention of netCDF."""
    unsigned, scale, offset = (_attribute(array, name) for name in _PACKING)
    if unsigned.size and unsigned[0] in ("true", b"true"):
        block = block.astype(f"u{block.dtype.itemsize}")
    block = block * scale[0] if scale.size else block
    return block + offset[0] if offset.size else block


def rows_of(values):
    """Return a list if values are a sequence of arrays, images or lists.

    Other values, such as lists of numbers and arrays, are returned unchanged.
    """
    objects = getattr(getattr(values, "dtype", None), "kind", None) == "O"
    objects &= getattr(values, "ndim", 1) == 1
    if not objects and not isinstance(values, list | tuple):
        return values
    kinds = set() if np.ma.isMaskedArray(values) else set(map(type, values))
    return values if all(issubclass(kind, _SCALARS) for kind in kinds) else list(values)


def as_numpy(values):
    """Return an array in any container as one of numpy, which may be masked.

    Lists are searched for arrays. Anything else is returned unchanged: lists of
    numbers, DataFrames, sparse matrices.
    """
    if isinstance(values, torch.Tensor):
        return _from_torch(values)
    if hasattr(values, "getbands"):
        # Images of PIL have their channels last.
        pixels = np.asarray(values)
        return pixels if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)
    if is_foreign(values):
        return read(values)
    rows = rows_of(values)
    if rows is values:
        return values
    rows = list(map(as_numpy, rows))
    masked = any(map(np.ma.isMaskedArray, rows))
    # Rows of different shapes raise an error later.
    if masked and len(set(map(np.shape, rows))) == 1:
        data, mask = map(np.ma.getdata, rows), map(np.ma.getmaskarray, rows)
        return np.ma.MaskedArray(list(data), list(mask))
    return rows


def _from_torch(tensor):
    tensor = tensor.detach().cpu()
    if tensor.layout != torch.strided:
        tensor = tensor.to_dense()
    if tensor.is_floating_point() and tensor.element_size() < 4:
        # numpy has neither bfloat16 nor floats of 8 bits.
        tensor = tensor.float()
    return tensor.resolve_conj().resolve_neg().numpy()


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
            f"Leave the sample out, or give a value in its place with {name}.filled; "
            "numpy.nan marks a missing target."
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
    unmasked = isinstance(values, np.ndarray) and not np.ma.isMaskedArray(values)
    return unmasked and values.dtype == object


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
    if value is None or type(value).__name__ in _MISSING:
        return True
    return isinstance(value, float | np.floating) and bool(np.isnan(value))
