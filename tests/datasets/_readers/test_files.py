"""Files of others: what is in them is read, and nothing that they name is run."""

import codecs
import contextlib
import gzip
import io
import os
import pickle
import zipfile

import numpy as np
import pytest
import scipy.io.wavfile

from sklearn_pare.datasets._readers import files
from sklearn_pare.datasets._readers.unpickle import unpickle
from sklearn_pare.exceptions import FileFormatError

RNG = np.random.default_rng(0)

# A dictionary with an array and a number, as Python 2 and numpy 1 wrote it.
PYTHON_2 = (
    b"\x80\x02}(U\x04datacnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n"
    b"K\x00\x85U\x01b\x87R(K\x01K\x02K\x02\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R"
    b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x04\x01\x02\x03\xff"
    b"tbU\x01nK\x03U\x04nameU\x02\xc3\xa4u."
)


def _objects():
    array = np.empty((2, 2), dtype=object)
    array[0, 0], array[0, 1] = {"a": [1, (2.5, None)]}, np.arange(3)
    array[1, 0], array[1, 1] = b"bytes", "text"
    return array


CONTENT = [
    {"a": 1, "b": [1.5, True, None, 2 + 3j, 10**30], "c": ("x", b"y")},
    np.arange(6).reshape(2, 3),
    np.asfortranarray(RNG.normal(size=(3, 4))),
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
    found = unpickle(io.BytesIO(pickle.dumps(_objects(), protocol)))
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


# Objects by their addresses, dtypes of pointers, and changes of what is called.
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
    # Nothing stays changed.
    assert unpickle(io.BytesIO(pickle.dumps(np.arange(2)))).tolist() == [0, 1]


def _doubled(times, pair):
    content = pair(("x", "x"))
    for _ in range(times):
        content = pair((content, content))
    return content


def test_unpickle__what_is_held_often_is_read_once():
    deep = unpickle(io.BytesIO(pickle.dumps(_doubled(15, list))))
    assert deep[0] is deep[1]


def test_unpickle__held_2_to_the_60_times__refused():
    # To print, compare, stack or hash it would take for ever.
    for content in (_doubled(60, list), {"a": _doubled(60, tuple)}):
        with pytest.raises(pickle.UnpicklingError, match="same again and again"):
            unpickle(io.BytesIO(pickle.dumps(content)))
    pairs = b"K\x01\x94" + b"".join(b"h%ch%c\x86\x94" % (i, i) for i in range(60))
    for code in (b"}h\x3cK\x01s.", b"}(h\x3cK\x01u.", b"(h\x3cK\x01d."):
        with pytest.raises(pickle.UnpicklingError, match="a tuple is a key"):
            unpickle(io.BytesIO(b"\x80\x04" + pairs + code))


def test_unpickle__claims_exabytes__refused_at_once():
    with pytest.raises(pickle.UnpicklingError):
        unpickle(io.BytesIO(b"\x80\x05\x96" + (2**34).to_bytes(8, "little") + b"x."))


def test_truncated_pickle__at_any_byte__one_kind_of_error():
    whole = pickle.dumps({"a": _objects(), "b": np.arange(9.0)}, 4)
    for length in range(0, len(whole), 3):
        with pytest.raises(pickle.UnpicklingError):
            unpickle(io.BytesIO(whole[:length]))


def test_damaged_pickle__reads_or_one_kind_of_error():
    whole = bytearray(pickle.dumps({"a": _objects(), "b": np.arange(9.0)}, 2))
    for place in range(len(whole)):
        damaged = whole.copy()
        damaged[place] ^= RNG.integers(1, 256)
        with contextlib.suppress(pickle.UnpicklingError):
            unpickle(io.BytesIO(bytes(damaged)))


def _hdf5(path, **arrays):
    h5py = pytest.importorskip("h5py")
    # As MATLAB does, after a header of its own.
    with h5py.File(path, "w", userblock_size=512) as file:
        for key, array in arrays.items():
            file[key] = array.T


def _matlab(path, **arrays):
    scipy.io.savemat(path, arrays)


@pytest.mark.parametrize("write", [_matlab, _hdf5])
def test_read_mat__part_with_matlabs_axes(write, tmp_path):
    X = RNG.normal(size=(4, 6, 9))
    write(tmp_path / "a.mat", X=X, other=np.eye(3))
    index = (slice(2), slice(None, None, 5), slice(None, None, 4))
    found = files.read_mat(tmp_path / "a.mat", "X", (None, 6, 9), index)
    np.testing.assert_array_equal(found, X[index])


@pytest.mark.parametrize("write", [_matlab, _hdf5])
def test_read_mat__key_and_shape(write, tmp_path):
    path = tmp_path / "a.mat"
    write(path, X=np.zeros((4, 6, 9)), other=np.eye(3))
    index = (slice(None),) * 3
    with pytest.raises(
        FileFormatError, match=r"a\.mat, 'Y': no such key.*'X', 'other'"
    ):
        files.read_mat(path, "Y", (None, 6, 9), index)
    with pytest.raises(
        FileFormatError, match=r"a\.mat, 'X': has shape.*Expected an arr"
    ):
        files.read_mat(path, "X", (None, 6, 10), index)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(
        FileFormatError, match=r"a\.mat, 'X': broken|a\.mat, 'X': no such"
    ):
        files.read_mat(path, "X", (None, 6, 9), index)


def test_read_npz__key_truncated_and_objects(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, x=np.arange(3), o=_objects())
    np.testing.assert_array_equal(files.read_npz(path, "x"), np.arange(3))
    assert files.read_npz(path, "o")[1, 1] == "text"
    with pytest.raises(
        FileFormatError, match=r"a\.npz, 'y': no such array; there are x"
    ):
        files.read_npz(path, "y")
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    with pytest.raises(FileFormatError, match=r"a\.npz, 'x': broken .*Expected an npz"):
        files.read_npz(path, "x")
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("x.npy", b"\x93NUMPY\x01\x00\x76\x00{'descr'")
    with pytest.raises(FileFormatError, match=r"a\.npz, 'x': broken"):
        files.read_npz(path, "x")


@pytest.mark.parametrize(
    ("dtype", "scale"), [("i2", 2**15), ("i4", 2**31), ("f4", 1), ("u1", None)]
)
def test_read_wav__between_minus_one_and_one(dtype, scale, tmp_path):
    wave = np.sin(np.arange(500) / 9) * 0.9
    stored = 128 + 127 * wave if scale is None else wave * scale
    path = tmp_path / "a.wav"
    scipy.io.wavfile.write(path, 22050, stored.astype(dtype))
    found = files.read_wav(path, 22050)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wave, atol=0.02)


def test_read_wav__channels_rate_and_cut(tmp_path):
    path = tmp_path / "a.wav"
    scipy.io.wavfile.write(path, 22050, np.array([[0.5, 0.1], [1, 0]], np.float32))
    np.testing.assert_allclose(files.read_wav(path, 22050), [0.3, 0.5], rtol=1e-6)
    with pytest.raises(FileFormatError, match=r"a\.wav: 2 samples at 22050 Hz.*44100"):
        files.read_wav(path, 44100)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(FileFormatError, match=r"a\.wav: broken .*Expected a wav file"):
        files.read_wav(path, 22050)


def test_check_array__names_file_key_and_expectation(tmp_path):
    path = tmp_path / "a.npy"
    with pytest.raises(
        FileFormatError, match=r"a\.npy, 'x': has shape \(2,\).*\(N, 3\)"
    ):
        files.check_array(np.zeros(2), path, "x", (None, 3))
    with pytest.raises(FileFormatError, match=r"has shape \(0, 3\)"):
        files.check_array(np.zeros((0, 3)), path, "x", (None, 3))
    with pytest.raises(FileFormatError, match=r"has dtype float64.*of integers\."):
        files.check_array(np.zeros(2), path, "x", (None,), kinds="iu")
    with pytest.raises(FileFormatError, match=r"from 0\.0 to 5\.0.*from 1 to 5"):
        files.check_array([0.0, 5.0], path, "x", (None,), low=1, high=5)
    with pytest.raises(FileFormatError, match=r"is no array.*Expected numbers"):
        files.check_array(np.array(["a"]), path, "x", (None,))
    objects = np.array([b"1", 2, "3.5"], dtype=object)
    found = files.check_array(objects, path, "x", (3,))
    assert found.tolist() == [1, 2, 3.5]


def test_read_csv_and_json__columns_and_damage(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('a,b\n1,"x,y"\n2,z\n')
    assert files.read_csv(path, ["b", "a"]) == [["x,y", "z"], ["1", "2"]]
    with pytest.raises(FileFormatError, match=r"a\.csv, 'c': no such key; .*'a', 'b'"):
        files.read_csv(path, ["c"])
    path.write_text("a,b\n1\n")
    with pytest.raises(FileFormatError, match=r"1 values in line 2\. Expected 2"):
        files.read_csv(path, ["b"])
    path.write_text("a,b\n")
    with pytest.raises(FileFormatError, match="no rows"):
        files.read_csv(path, ["b"])
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileFormatError, match="no CSV"):
        files.read_csv(path, ["b"])
    with pytest.raises(FileFormatError, match=r"a\.csv: no JSON"):
        files.read_json(path)
