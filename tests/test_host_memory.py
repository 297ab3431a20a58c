"""How much memory a fit takes beside the array it is given."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sklearn_pare._data.encoders import ChannelScaler
from sklearn_pare._data.fingerprint import describe
from sklearn_pare._data.lazy import ChosenRows
from sklearn_pare._data.tables import TableEncoder
from sklearn_pare._data.validation import positive, select
from tools.host_memory import CASES

# The array and all else, in units of the array: rows as the network sees them are half
# as much again, of float32 as much again.
MOST = {np.float64: 2.2, np.float32: 2.7}
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def measured():
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("needs Linux's account of memory")
    code = [sys.executable, "-m", "tools.host_memory"]
    done = subprocess.run(code, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", CASES)
def test_fit__large_array__a_little_over_twice_its_size(name, measured):
    peak, size = measured[name]
    assert size > 100 * 2**20
    # Pages of the array itself are counted: the measure sees something.
    assert 1.0 < peak / size < MOST[CASES[name][1]]


@pytest.fixture
def table():
    X = RNG.normal(3.0, 2.0, size=(900, 7))
    X[RNG.random(X.shape) < 0.1] = np.nan
    return X


@pytest.fixture
def chosen():
    return RNG.permutation(900)[:700]


def test_select__array__rows_without_a_copy(table, chosen):
    X = select(table, chosen)
    assert isinstance(X, ChosenRows)
    assert X.array.base is table or X.array is table
    assert (X.shape, X.ndim, X.dtype, len(X)) == ((700, 7), 2, table.dtype, 700)
    np.testing.assert_array_equal(X, table[chosen])
    again = select(X, np.array([5, 2, 2]))
    np.testing.assert_array_equal(again, table[chosen[[5, 2, 2]]])
    np.testing.assert_array_equal(select(X, X.index > 300), table[chosen[chosen > 300]])
    np.testing.assert_array_equal(X[:, 2:4], table[chosen, 2:4])
    np.testing.assert_array_equal(X[10:20, 1:], table[chosen[10:20], 1:])
    assert np.asarray(X, np.float32).dtype == np.float32


def test_positive__some_rows__all_in_step(table):
    weight = np.arange(900.0) % 3
    X, y, left = positive(weight, table, np.arange(900))
    np.testing.assert_array_equal(X, table[weight > 0])
    np.testing.assert_array_equal(y, np.flatnonzero(weight))
    np.testing.assert_array_equal(left, weight[weight > 0])


@pytest.mark.parametrize("kind", [ChannelScaler, TableEncoder])
@pytest.mark.parametrize("n_block", [200, 10_000])
def test_encoders__chosen_rows__same_bits_as_of_a_copy(
    kind, n_block, table, chosen, monkeypatch
):
    # In many blocks of rows and of columns.
    monkeypatch.setattr("sklearn_pare._data.lazy.blocks.__defaults__", (0, n_block))
    copied = table[chosen]
    view = select(table, chosen)
    encoder, other = kind().fit(view), kind().fit(copied)
    np.testing.assert_array_equal(encoder.mean_, other.mean_)
    np.testing.assert_array_equal(encoder.scale_, other.scale_)
    np.testing.assert_array_equal(encoder.transform(view), other.transform(copied))


def test_describe__chosen_rows__as_of_a_copy(table, chosen):
    assert describe(select(table, chosen)) == describe(table[chosen])
