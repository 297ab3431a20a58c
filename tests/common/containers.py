"""Arrays as libraries for files give them."""

import numpy as np
from scipy.io import netcdf_file


class Variable:
    """Attributes of a variable of netCDF4, which returns masked arrays."""

    def __init__(self, array, mask=False):
        self.array = np.ma.MaskedArray(array, mask)
        self.shape, self.dtype = array.shape, array.dtype

    def __getitem__(self, key):
        return self.array[key]

    def __array__(self, dtype=None, copy=None):
        return self.array


def netcdf_variable(folder, X, *, scale=False, **attributes):
    """Return a variable of scipy, which has neither dtype nor length."""
    with netcdf_file(folder / "X.nc", "w") as file:
        names = [f"axis {number}" for number in range(X.ndim)]
        for name, size in zip(names, X.shape, strict=True):
            file.createDimension(name, size)
        # The format has no integers of 64 bits.
        dtype = ">i4" if X.dtype.kind == "i" else ">f8"
        variable = file.createVariable("X", dtype, names)
        variable[:] = X
        for name, value in attributes.items():
            setattr(variable, name, value)
    with netcdf_file(folder / "X.nc", mmap=False, maskandscale=scale) as file:
        return file.variables["X"]
