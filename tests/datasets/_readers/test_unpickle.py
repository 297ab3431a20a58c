"""Pickles that are not trusted: their content is read, and nothing in them is run."""

import codecs
import contextlib
import gzip
import io
import os
import pickle

import numpy as np
import pytest

from sklearn_pare.datasets._readers import files
from sklearn_pare.datasets._readers.unpickle import unpickle
from sklearn_pare.exceptions import FileFormatError
from tests.datasets._readers.objects import objects

# A dictionary with an array and a number, written by Python 2 and numpy 1.
PYTHON_2 = (
    b"\x80\x02}(U\x04datacnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n"
    b"K\x00\x85U\x01b\x87R(K\x01K\x02K\x02\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R"
    b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x04\x01\x02\x03\xff"
    b"tbU\x01nK\x03U\x04nameU\x02\xc3\xa4u."
)


CONTENT = [
    {"a": 1, "b": [1.5, True, None, 2 + 3j, 10**30], "c": ("x", b"y")},
    np.arange(6).reshape(2, 3),
    np.asfortranarray(np.linspace(-1, 2, 12).reshape(3, 4)),
    np.arange(4, dtype=">i2"),
    np.array(["one", "three"]),
    np.array([b"one", b"three"]),
    np.array(3.5),
    np.float32(1.5),
    np.int64(7),
    np.bool_(True),
    np.zeros((0, 3)),
    np.array([(1, 2.5)], dtype=[("i", "i4"), ("x", "f8", (2,))]),
]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("content", CONTENT, ids=lambda c: str(c)[:20])
def test_unpickle__same_as_pickle(content, protocol):
    found = unpickle(io.BytesIO(pickle.dumps(content, protocol)))
    if isinstance(content, np.ndarray | np.generic):
        assert found.dtype == content.dtype
        np.testing.assert_array_equal(found, content)
    else:
        assert found == content


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_unpickle__arrays_of_objects(protocol):
    found = unpickle(io.BytesIO(pickle.dumps(objects(), protocol)))
    assert found.shape == (2, 2)
    assert found[0, 0] == {"a": [1, (2.5, None)]}
    np.testing.assert_array_equal(found[0, 1], np.arange(3))
    assert found[1].tolist() == [b"bytes", "text"]


def test_unpickle__python_2():
    found = unpickle(io.BytesIO(PYTHON_2))
    np.testing.assert_array_equal(found["data"], np.uint8([[1, 2], [3, 255]]))
    assert found["n"] == 3
    assert found["name"] == b"\xc3\xa4"


def test_unpickle__result_is_writable_and_its_own():
    array = unpickle(io.BytesIO(pickle.dumps(np.arange(3), 5)))
    array[0] = 9
    assert array.tolist() == [9, 1, 2]


class _Runs:
    def __init__(self, function, *args):
        self.what = function, args

    def __reduce__(self):
        return self.what


MALICIOUS = {
    "system": _Runs(os.system, "touch {}"),
    "eval": _Runs(eval, "open({!r}, 'w')"),
    "open": _Runs(open, "{}", "w"),
    "getattr": _Runs(getattr, "x", "upper"),
    "numpy function": _Runs(np.fromfile, "/etc/hostname"),
    "codec": _Runs(codecs.encode, "x" * 100, "zip"),
    "set": {1, 2},
    "class": np.float64,
    "random state": np.random.default_rng(0),
}


def _armed(thing, goal):
    if isinstance(thing, _Runs):
        function, args = thing.what
        args = [a.format(goal) if isinstance(a, str) else a for a in args]
        return _Runs(function, *args)
    return thing


@pytest.mark.parametrize("name", MALICIOUS)
@pytest.mark.parametrize("form", ["pickle", "nested", "gzip", "npy", "npz"])
def test_malicious_pickle__refused_and_not_run(name, form, tmp_path):
    goal, path = tmp_path / "was-run", tmp_path / "file"
    thing = _armed(MALICIOUS[name], goal)
    array = np.empty((), dtype=object)
    array[()] = thing
    if form == "npy":
        with path.open("wb") as file:
            np.save(file, array, allow_pickle=True)
    elif form == "npz":
        with path.open("wb") as file:
            np.savez(file, a=array)
    else:
        thing = {"a": [thing]} if form == "nested" else thing
        opened = gzip.open if form == "gzip" else open
        with opened(path, "wb") as file:
            pickle.dump(thing, file, protocol=2)
    with pytest.raises(
        FileFormatError, match=r"file.*not read: .*Expected a pickle of"
    ):
        files.read_npz(path, "a") if form == "npz" else files.read_object(path)
    assert not goal.exists()


# Pickles with addresses of objects, dtypes of pointers, and modified functions.
_RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nI0\ntVbtR"
CRAFTED = {
    "pointers": b"cnumpy\ndtype\n(VO8\nI0\nI1\ntRp0\n(I3\nV|\nNNNI8\nI8\nI0\ntb"
    + b"0cnumpy.core.multiarray\nscalar\n(g0\nV12345678\ntR.",
    "call changed": b"cnumpy\ndtype\n}V_function\nI1\nsb.",
    "slots changed": b"cnumpy\ndtype\n(N}V_function\nI1\nstb.",
    "dtype of code": b"cnumpy\ndtype\n(Vi4,(2)O\ntR.",
    "itself": b"\x80\x02]q\x00h\x00a.",
    "new object": b"\x80\x02cnumpy\ndtype\n)\x81.",
    "persistent": b"Pname\n.",
    "nothing": b".",
    "empty": b"",
}


@pytest.mark.parametrize("name", CRAFTED)
def test_crafted_pickle__refused(name):
    with pytest.raises(pickle.UnpicklingError):
        unpickle(io.BytesIO(CRAFTED[name]))
    # Nothing has been modified.
    assert unpickle(io.BytesIO(pickle.dumps(np.arange(2)))).tolist() == [0, 1]


def _doubled(times, pair):
    content = pair(("x", "x"))
    for _ in range(times):
        content = pair((content, content))
    return content


def test_unpickle__repeated_values__read_once():
    deep = unpickle(io.BytesIO(pickle.dumps(_doubled(15, list))))
    assert deep[0] is deep[1]


def test_unpickle__repeated_2_to_the_60_times__refused():
    # Printing, comparing, stacking or hashing the content would take forever.
    for content in (_doubled(60, list), {"a": _doubled(60, tuple)}):
        with pytest.raises(pickle.UnpicklingError, match="repeats the same values"):
            unpickle(io.BytesIO(pickle.dumps(content)))
    pairs = b"K\x01\x94" + b"".join(b"h%ch%c\x86\x94" % (i, i) for i in range(60))
    for code in (b"}h\x3cK\x01s.", b"}(h\x3cK\x01u.", b"(h\x3cK\x01d."):
        with pytest.raises(pickle.UnpicklingError, match="a tuple is used as a key"):
            unpickle(io.BytesIO(b"\x80\x04" + pairs + code))


def test_unpickle__claims_exabytes__refused_at_once():
    with pytest.raises(pickle.UnpicklingError):
        unpickle(io.BytesIO(b"\x80\x05\x96" + (2**34).to_bytes(8, "little") + b"x."))


def test_truncated_pickle__at_any_byte__one_kind_of_error():
    whole = pickle.dumps({"a": objects(), "b": np.arange(9.0)}, 4)
    for length in range(0, len(whole), 3):
        with pytest.raises(pickle.UnpicklingError):
            unpickle(io.BytesIO(whole[:length]))


def test_damaged_pickle__reads_or_one_kind_of_error():
    rng = np.random.default_rng(0)
    whole = bytearray(pickle.dumps({"a": objects(), "b": np.arange(9.0)}, 2))
    for place in range(len(whole)):
        damaged = whole.copy()
        damaged[place] ^= rng.integers(1, 256)
        with contextlib.suppress(pickle.UnpicklingError):
            unpickle(io.BytesIO(bytes(damaged)))
