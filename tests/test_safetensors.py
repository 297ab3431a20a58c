"""Files of arrays: written completely or not at all, and checked when read."""

import json
import os
import stat
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import save_file

from sklearn_pare import _safetensors
from sklearn_pare.exceptions import ModelFileError, SaveError

ARRAYS = {
    "weights": np.arange(6, dtype=np.float32).reshape(2, 3),
    "flags": np.array([True, False]),
    "empty": np.zeros((0, 3), np.float64),
    "scalar": np.array(7, dtype=np.int64),
    "transposed": np.arange(6, dtype=np.uint8).reshape(2, 3).T,
}


def test_write__read_back__equal(tmp_path):
    _safetensors.write(tmp_path / "x", ARRAYS, '{"a": 1}')
    arrays, text = _safetensors.read(tmp_path / "x")
    assert text == '{"a": 1}'
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert (arrays[name].dtype, arrays[name].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(arrays[name], array)
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


# As few as possible, for the tests that change each byte.
FEW = {name: ARRAYS[name] for name in ("flags", "scalar")}


@pytest.mark.parametrize("bit", range(8))
def test_read__any_byte_changed__typed_error(bit, tmp_path):
    _safetensors.write(tmp_path / "x", FEW, "text")
    content = (tmp_path / "x").read_bytes()
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1 << bit
        (tmp_path / "y").write_bytes(changed)
        try:
            arrays, text = _safetensors.read(tmp_path / "y")
        except ModelFileError:
            continue
        # Spaces that pad the header have no meaning.
        assert text == "text"
        assert _safetensors.digest(arrays) == _safetensors.digest(FEW)


def test_read__cut_short_anywhere__typed_error(tmp_path):
    _safetensors.write(tmp_path / "x", FEW, "text")
    content = (tmp_path / "x").read_bytes()
    for length in range(len(content)):
        (tmp_path / "y").write_bytes(content[:length])
        with pytest.raises(ModelFileError, match="y"):
            _safetensors.read(tmp_path / "y")


def test_read__folder_or_nothing__error(tmp_path):
    with pytest.raises(ModelFileError, match="is not a file of sklearn_pare"):
        _safetensors.read(tmp_path)
    with pytest.raises(FileNotFoundError):
        _safetensors.read(tmp_path / "nowhere")


def _same(arrays, others):
    assert arrays.keys() == others.keys()
    for name, array in arrays.items():
        assert others[name].dtype == array.dtype.newbyteorder("=")
        assert others[name].shape == array.shape
        # Compared as bytes, since NaN is not equal to itself.
        native = array.astype(others[name].dtype)
        assert others[name].tobytes() == native.tobytes()


_ARRAY = hnp.arrays(
    st.one_of(
        hnp.boolean_dtypes(),
        hnp.integer_dtypes(endianness="?"),
        hnp.unsigned_integer_dtypes(endianness="?"),
        hnp.floating_dtypes(endianness="?", sizes=(16, 32, 64)),
    ),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)
_ORDER = st.sampled_from([
    lambda a: a,
    lambda a: a.T,
    lambda a: np.asarray(a, order="F"),
    lambda a: a[::-1] if a.ndim else a,
    lambda a: a[..., ::2] if a.ndim else a,
])  # fmt: skip


@given(
    arrays=st.dictionaries(
        st.text().filter(lambda name: name != "__metadata__"),
        st.builds(lambda array, order: order(array), _ARRAY, _ORDER),
        max_size=3,
    ),
    text=st.text(),
)
def test_write__any_arrays_and_text__read_back_to_the_bit(
    arrays, text, tmp_path_factory
):
    path = tmp_path_factory.mktemp("files") / "x"
    _safetensors.write(path, arrays, text)
    found, read = _safetensors.read(path)
    assert read == text
    _same(arrays, found)


def test_digest__byte_order_or_strides__same_numbers_same_digest():
    a = np.arange(6, dtype="<i4").reshape(2, 3)
    for other in (a.astype(">i4"), np.asfortranarray(a), a[::-1][::-1]):
        assert _safetensors.digest({"a": other}) == _safetensors.digest({"a": a})
    assert _safetensors.digest({"a": a}) == _safetensors.digest({"a": a}, "")
    ab, ba = {"a": a, "b": 2 * a}, {"b": 2 * a, "a": a}
    assert _safetensors.digest(ab) == _safetensors.digest(ba)
    assert _safetensors.digest(ab) != _safetensors.digest({"a": 2 * a, "b": a})


@pytest.mark.skipif(sys.platform == "win32", reason="files have other permissions")
def test_write__permissions__those_of_any_new_file(tmp_path):
    (tmp_path / "other").touch()
    _safetensors.write(tmp_path / "x", ARRAYS, "text")
    assert (tmp_path / "x").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_write__flushed__file_before_it_is_moved_and_folder_after(
    tmp_path, monkeypatch
):
    seen, fsync = [], os.fsync

    def spy(descriptor):
        kind = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        seen.append(("folder" if kind else "file", (tmp_path / "x").exists()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", spy)
    _safetensors.write(tmp_path / "x", ARRAYS, "text")
    assert seen == [("file", False), ("folder", True)]


def test_write__two_processes__each_writes_a_file_of_its_own(tmp_path, monkeypatch):
    seen = []

    def spy(arrays, path, metadata):
        seen.append(path.name)
        save_file(arrays, path, metadata=metadata)

    monkeypatch.setattr(_safetensors, "save_file", spy)
    for pid in (71, 72):
        monkeypatch.setattr(os, "getpid", lambda pid=pid: pid)
        _safetensors.write(tmp_path / "x", ARRAYS, "text")
    assert seen == ["x.71.partial", "x.72.partial"]


def test_read__damaged__error_has_both_hashes_and_the_remedy(tmp_path):
    path = tmp_path / "x"
    written = {"sklearn_pare": "text", "sha256": "0" * 64}
    save_file({"a": np.zeros(2)}, path, metadata=written)
    with pytest.raises(ModelFileError) as error:
        _safetensors.read(path)
    found = _safetensors.digest({"a": np.zeros(2)}, "text")
    assert str(error.value) == (
        f"{path} is damaged: its content has sha256 {found}, but was written "
        f"with {'0' * 64}. Copy the file again from its origin."
    )


def test_read__no_hash__error_names_possible_origins(tmp_path):
    path = tmp_path / "x"
    save_file({"a": np.zeros(2)}, path, metadata={"sklearn_pare": "text"})
    with pytest.raises(ModelFileError) as error:
        _safetensors.read(path)
    assert str(error.value) == (
        f"{path} has no sha256: it was written before the first release of "
        "sklearn_pare, or by another program. Fit and save again."
    )


@pytest.mark.parametrize("metadata", [None, {}, {"format": "pt"}])
def test_read__safetensors_of_another_program__typed_error(metadata, tmp_path):
    save_file({"a": np.zeros(2)}, tmp_path / "x", metadata=metadata)
    words = "x is not a file of sklearn_pare, or is damaged: KeyError"
    with pytest.raises(ModelFileError, match=words):
        _safetensors.read(tmp_path / "x")


def test_read__dtype_that_numpy_lacks__typed_error(tmp_path):
    header = json.dumps(
        {"a": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}
    ).encode()
    content = len(header).to_bytes(8, "little") + header + bytes(2)
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(ModelFileError, match="x is not a file of sklearn_pare"):
        _safetensors.read(tmp_path / "x")


def test_write__no_such_folder__typed_error(tmp_path):
    path = tmp_path / "nowhere" / "x"
    with pytest.raises(SaveError) as error:
        _safetensors.write(path, ARRAYS | {"more": np.zeros(2**19)}, "text")
    assert str(error.value).startswith(f"{path} could not be written: ")
    assert str(error.value).endswith(
        " It needs 4.0 MB in an existing folder with write permission. An existing "
        "file is left untouched."
    )


_FULL = """
import resource, sys
import numpy as np
from sklearn_pare import _safetensors
from sklearn_pare.exceptions import SaveError
resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, 2**16))
try:
    _safetensors.write(sys.argv[1], {"new": np.ones(2**20)}, "new")
except SaveError as error:
    print(error)
"""


def test_write__disk_full__old_file_intact_and_clear_error(tmp_path):
    resource = pytest.importorskip("resource")
    _safetensors.write(tmp_path / "x", ARRAYS, "old")
    run = subprocess.run(
        [sys.executable, "-c", _FULL, tmp_path / "x"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "could not be written" in run.stdout
    assert "8.0 MB" in run.stdout
    assert _safetensors.read(tmp_path / "x")[1] == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 2**16


def test_digest__other_name_shape_dtype_or_byte__other(tmp_path):
    a = np.zeros(4, np.int32)
    digests = {
        _safetensors.digest(arrays, text)
        for arrays, text in [
            ({"a": a}, ""),
            ({"b": a}, ""),
            ({"a": a.reshape(2, 2)}, ""),
            ({"a": a.view(np.float32)}, ""),
            ({"a": a + 1}, ""),
            ({"a": a}, "text"),
            ({"a": a, "b": a}, ""),
        ]
    }
    assert len(digests) == 7
