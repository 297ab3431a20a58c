"""An array of objects, as data sets contain them."""

import numpy as np


def objects():
    array = np.empty((2, 2), dtype=object)
    array[0, 0], array[0, 1] = {"a": [1, (2.5, None)]}, np.arange(3)
    array[1, 0], array[1, 1] = b"bytes", "text"
    return array
