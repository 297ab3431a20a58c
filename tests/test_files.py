"""Files of arrays: whole or not at all, and never read when damaged."""

import resource
import subprocess
import sys

import numpy as np
import pytest

from sklearn_pare import _files
from sklearn_pare.exceptions import ModelFileError, SaveError

ARRAYS = {
    "weights": np.arange(6, dtype=np.float32).reshape(2, 3),
    "flags": np.array([True, False]),
    "empty": np.zeros((0, 3), np.float64),
    "scalar": np.array(7, dtype=np.int64),
    "transposed": np.arange(6, dtype=np.uint8).reshape(2, 3).T,
}


def test_write__read_back__equal(tmp_path):
    _files.write(tmp_path / "x", ARRAYS, '{"a": 1}')
    arrays, text = _files.read(tmp_path / "x")
    assert text == '{"a": 1}'
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert (arrays[name].dtype, arrays[name].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(arrays[name], array)
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize("bit", range(8))
def test_read__any_byte_changed__typed_error(bit, tmp_path):
    _files.write(tmp_path / "x", ARRAYS, "text")
    content = (tmp_path / "x").read_bytes()
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1 << bit
        (tmp_path / "y").write_bytes(changed)
        try:
            arrays, text = _files.read(tmp_path / "y")
        except ModelFileError:
            continue
        # Blanks that pad the header are free.
        assert text == "text"
        assert _files.digest(arrays) == _files.digest(ARRAYS)


def test_read__cut_short_anywhere__typed_error(tmp_path):
    _files.write(tmp_path / "x", ARRAYS, "text")
    content = (tmp_path / "x").read_bytes()
    for length in range(len(content)):
        (tmp_path / "y").write_bytes(content[:length])
        with pytest.raises(ModelFileError, match="y"):
            _files.read(tmp_path / "y")


def test_read__folder_or_nothing__error(tmp_path):
    with pytest.raises(ModelFileError, match="is not a file of sklearn_pare"):
        _files.read(tmp_path)
    with pytest.raises(FileNotFoundError):
        _files.read(tmp_path / "nowhere")


def test_write__no_such_folder__typed_error(tmp_path):
    with pytest.raises(SaveError, match=r"nowhere.*could not be written"):
        _files.write(tmp_path / "nowhere" / "x", ARRAYS, "text")


_FULL = """
import resource, sys
import numpy as np
from sklearn_pare import _files
from sklearn_pare.exceptions import SaveError
resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, 2**16))
try:
    _files.write(sys.argv[1], {"new": np.ones(2**20)}, "new")
except SaveError as error:
    print(error)
"""


def test_write__no_room__old_file_intact_and_clear_error(tmp_path):
    _files.write(tmp_path / "x", ARRAYS, "old")
    run = subprocess.run(
        [sys.executable, "-c", _FULL, tmp_path / "x"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "could not be written" in run.stdout
    assert "8.0 MB" in run.stdout
    assert _files.read(tmp_path / "x")[1] == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 2**16


def test_digest__other_name_shape_dtype_or_byte__other(tmp_path):
    a = np.zeros(4, np.int32)
    digests = {
        _files.digest(arrays, text)
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
