"""Damaged and hostile files of benchmarks are read, or refused by an error of ours."""

import copy
import csv
import gzip
import io
import itertools
import json
import pickle
import tarfile
import warnings
import zipfile
from collections import Counter
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
import scipy.io.wavfile

from sklearn_pare.datasets import fetch_nas_bench_360, fetch_pdebench
from sklearn_pare.datasets._readers import files
from sklearn_pare.datasets._readers.fetch import unpack
from sklearn_pare.datasets.write import write_nas_bench_360, write_pdebench
from sklearn_pare.exceptions import FileFormatError, PaReError
from tests.common.room import needs_linux, peak
from tests.datasets._readers.objects import objects
from tests.fuzz.mutate import ANY_FORMAT, mutations
from tests.fuzz.watch import watched

N_BYTES, N_OBJECTS = 60, 25
_CUBE = np.random.default_rng(0).normal(size=(4, 6, 9))
_CONTENT = {"data": objects(), "y": np.arange(9.0), "n": np.float32(3), "l": ["N"]}


def _pickled(protocol):
    return lambda path: path.write_bytes(pickle.dumps(_CONTENT, protocol))


def _hdf5(path, **settings):
    with h5py.File(path, "w", userblock_size=512) as file:
        file.create_dataset("X", data=_CUBE.T, **settings)
        file["other"] = np.eye(3)


def _archive(opened):
    def write(path):
        with opened(path) as file:
            for name in ("top/a.txt", "top/b/c.txt"):
                content = name.encode() * 9
                if isinstance(file, zipfile.ZipFile):
                    file.writestr(name, content)
                else:
                    member = tarfile.TarInfo(name)
                    member.size = len(content)
                    file.addfile(member, io.BytesIO(content))

    return write


def _read_npz(path):
    return files.read_npz(path, "x")


def _read_mat(path):
    index = (slice(2), slice(None, None, 5), slice(None, None, 4))
    return files.read_mat(path, "X", ("N", 6, 9), index)


def _read_wav(path):
    return files.read_wav(path, 22050)


def _unpack(path):
    unpack(path, path.with_suffix(".d"), "top/a.txt")


def _wav(dtype):
    return lambda p: scipy.io.wavfile.write(p, 22050, np.ones(300).astype(dtype))


_CSV = 'files,labels,ext\n1,"x,y",4\n2,z,5\n' * 5
_JSON = '{"a": 1, "b": [1, 2.5, null, "x"], "c": {"d": true}}'

# Name -> writer and reader.
FORMATS = {
    "npy": (lambda p: np.save(p, _CUBE), files.read_object),
    "npy of objects": (
        lambda p: np.save(p, objects(), allow_pickle=True),
        files.read_object,
    ),
    "pickle 0": (_pickled(0), files.read_object),
    "pickle 2": (_pickled(2), files.read_object),
    "pickle 5": (_pickled(5), files.read_object),
    "gzip": (
        lambda p: p.write_bytes(gzip.compress(pickle.dumps(_CONTENT, 2))),
        files.read_object,
    ),
    "npz": (lambda p: np.savez(p, x=np.arange(9.0), o=objects()), _read_npz),
    "npz, compressed": (
        lambda p: np.savez_compressed(p, x=np.arange(9.0)),
        _read_npz,
    ),
    "matlab": (lambda p: scipy.io.savemat(p, {"o": "text", "X": _CUBE}), _read_mat),
    "matlab, compressed": (
        lambda p: scipy.io.savemat(p, {"s": {"a": 1}, "X": _CUBE}, do_compression=True),
        _read_mat,
    ),
    "hdf5": (_hdf5, _read_mat),
    "hdf5, compressed": (
        lambda p: _hdf5(p, chunks=(3, 3, 2), compression="gzip"),
        _read_mat,
    ),
    "wav": (_wav("i2"), _read_wav),
    "wav of floats": (_wav("f4"), _read_wav),
    "csv": (lambda p: p.write_text(_CSV), lambda p: files.read_csv(p, ["ext"])),
    "json": (lambda p: p.write_text(_JSON), files.read_json),
    "tar": (_archive(partial(tarfile.open, mode="w:gz")), _unpack),
    "zip": (_archive(partial(zipfile.ZipFile, mode="w")), _unpack),
}


@pytest.fixture
def little_memory():
    """Check that no file of a few thousand bytes takes a hundred megabytes."""
    with peak() as found:
        yield
    assert found.megabytes < 100


def _is_syntax(event):
    """Return whether text was only parsed, as numpy does with headers."""
    return event[0] == "compile" and event[2] == "<unknown>"


def _outcome(read, *paths):
    """Return "read" or "refused", and other actions; other errors are not caught."""
    with warnings.catch_warnings(), watched(*paths) as events:
        # Damaged numbers overflow.
        warnings.simplefilter("ignore")
        try:
            read()
            outcome = "read"
        except PaReError:
            outcome = "refused"
    return outcome, [event for event in events if not _is_syntax(event)]


@needs_linux
@pytest.mark.parametrize("name", FORMATS)
def test_read__bytes_changed__read_or_refused(name, tmp_path, little_memory):
    write, read = FORMATS[name]
    path = tmp_path / ("file.npz" if "npz" in name else "file.npy")
    write(path)
    content, outcomes = path.read_bytes(), Counter()
    # Lazy imports happen here.
    read(path)
    damaged = mutations(content, np.random.default_rng(1), ANY_FORMAT)
    for _, changed in itertools.islice(damaged, N_BYTES):
        path.write_bytes(changed)
        outcome, events = _outcome(lambda: read(path), path)
        outcomes[outcome] += 1
        # Archives write files; other tests check where.
        assert name in ("tar", "zip") or events == []
    assert outcomes["refused"] > 0


# ------------------------------------------------------------ content of files

# Values that replace others.
NASTY = [
    None, True, -1, 0, 10**6, 10**400, 2.5, float("nan"), "", "x", "../../etc/passwd",
    "a" * 5000, "A" * 100_000, "\0", b"\xff", [], {}, [[]], [None], [1, "a"], [10**400],
    {"a": 1}, np.zeros(0), np.array(3), np.array([None, 1]), np.array([{}]),
    np.zeros(3, "M8[s]"), np.zeros((2, 2), complex), np.array(["a"]), np.array([b"a"]),
    np.zeros(2, [("a", "i4")]), np.float32("nan"), np.zeros((10**6, 0)),
    np.full(7, np.inf),
]  # fmt: skip


def _nodes(tree):
    """Yield (container, key) of every value inside; for lists, of the first five."""
    if isinstance(tree, np.ndarray) and tree.dtype == object:
        keys = np.ndindex(tree.shape)
    elif isinstance(tree, dict):
        keys = tree
    else:
        keys = range(min(len(tree), 5)) if isinstance(tree, list) else ()
    for key in keys:
        yield tree, key
        yield from _nodes(tree[key])


def _changed(array, rng):
    """Return the array with another shape, dtype or range."""
    ways = [
        array * np.nan,
        array[:1],
        array[None],
        array.T,
        array - 10,
        array.astype("S9"),
    ]
    return ways[rng.integers(len(ways))]


def _surgery(tree, rng):
    tree = copy.deepcopy(tree)
    nasty, nodes = copy.deepcopy(NASTY[rng.integers(len(NASTY))]), list(_nodes(tree))
    if not nodes or rng.random() < 0.1:
        return nasty
    owner, key = nodes[rng.integers(len(nodes))]
    numbers = isinstance(owner[key], np.ndarray) and owner[key].dtype.kind in "if"
    way = rng.integers(4)
    if way == 0 and isinstance(owner, dict):
        del owner[key]
    elif way == 1 and numbers and owner[key].ndim:
        owner[key] = _changed(owner[key], rng)
    else:
        owner[key] = nasty
    return tree


def _load(path):
    """Return the content of a file without our readers; for lines of text, a list."""
    if path.suffix == ".npy":
        array = np.load(path, allow_pickle=True)
        return array[()] if array.shape == () else array
    if path.suffix in (".csv", ".lst"):
        return list(csv.reader(path.read_text().splitlines()))
    if path.suffix == ".json":
        return json.loads(path.read_text())
    return pickle.loads(path.read_bytes())


def _dump(path, content):
    if path.suffix == ".npy":
        if not isinstance(content, np.ndarray):
            array = np.empty((), dtype=object)
            array[()], content = content, array
        np.save(path, content, allow_pickle=True)
    elif path.suffix in (".csv", ".lst"):
        lines = content if isinstance(content, list) else [content]
        with path.open("w", newline="", errors="replace") as file:
            csv.writer(file).writerows(
                line if isinstance(line, list) else [line] for line in lines
            )
    elif path.suffix == ".json":
        path.write_text(json.dumps(content, default=str))
    else:
        path.write_bytes(pickle.dumps(content, 2))


def _fetch(task, home):
    for split in ("train", "test"):
        bunch = fetch_nas_bench_360(task, data_home=home, download=False, split=split)
        np.asarray(bunch.data[:2]), np.asarray(bunch.target[:2])


# Task -> files that are changed.
CHANGED = {
    "cifar-100": ["cifar-100-python/train"],
    "ninapro": ["ninapro/ninapro_train.npy", "ninapro/label_train.npy"],
    "fsd50k": ["audio/chunks/lbl_map.json", "audio/chunks/tr.csv"],
    "cosmic": ["cosmic/train_dirs.npy"],
    "ecg": ["challenge2017.pkl"],
    "satellite": ["satellite/satellite_train.npy"],
}


@needs_linux
@pytest.mark.parametrize("task", CHANGED)
def test_fetch__content_changed__read_or_refused(task, tmp_path, little_memory):
    write_nas_bench_360(task, tmp_path, n=20)
    folder, rng, outcomes = tmp_path / "nas-bench-360", np.random.default_rng(2), {}
    if task == "cosmic":
        images = (folder / "cosmic" / "npy_train").rglob("*_*.npy")
        names = [f"./{path.relative_to(folder)}" for path in images]
        _dump(folder / "cosmic" / "train_dirs.npy", np.array(names, dtype=object))
    _fetch(task, tmp_path)
    files = [path for path in folder.rglob("*") if path.is_file()]
    for name in CHANGED[task]:
        path = folder / name
        content = _load(path)
        whole, outcomes[name] = path.read_bytes(), Counter()
        for _ in range(N_OBJECTS):
            _dump(path, _surgery(content, rng))
            outcome, events = _outcome(lambda: _fetch(task, tmp_path), *files)
            outcomes[name][outcome] += 1
            assert [event for event in events if event[0] != "open"] == []
        path.write_bytes(whole)
        assert outcomes[name]["refused"] > 0


@needs_linux
@pytest.mark.parametrize("task", ["advection", "diffusion-sorption"])
def test_fetch_pdebench__bytes_changed__read_or_refused(task, tmp_path, little_memory):
    path = Path(write_pdebench(task, tmp_path, n=20))
    content, outcomes = path.read_bytes(), Counter()

    def fetch():
        bunch = fetch_pdebench(task, data_home=tmp_path, download=False)
        np.asarray(bunch.data[:2]), np.asarray(bunch.target[:2])

    fetch()
    damaged = mutations(content, np.random.default_rng(3), ANY_FORMAT)
    for _, changed in itertools.islice(damaged, N_BYTES):
        path.write_bytes(changed)
        outcome, events = _outcome(fetch, path)
        outcomes[outcome] += 1
        assert events == []
    assert outcomes["refused"] > 0


# ------------------------------------------------------------ by hand


def _refused(read, match):
    with peak() as found, pytest.raises(FileFormatError, match=match):
        read()
    assert found.megabytes < 100


@needs_linux
def test_read__announces_more_than_it_contains__refused(tmp_path):
    path = tmp_path / "file"
    header = {"descr": "<f8", "fortran_order": False, "shape": (2**37,)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.write(bytes(80))
    _refused(lambda: files.read_object(path), "broken")
    # Elements without bytes: a billion of them take none.
    with path.open("wb") as file:
        header = {"descr": "|S0", "fortran_order": False, "shape": (2**30, 4)}
        np.lib.format.write_array_header_1_0(file, header)

    def check():
        files.check_array(files.read_object(path), path, None, ("N", 4))

    _refused(check, "is no array")
    # A pickle that announces two gigabytes and contains none.
    path.write_bytes(b"\x80\x05\x96" + (2**31).to_bytes(8, "little") + b".")
    _refused(lambda: files.read_object(path), "not read")
    scipy.io.savemat(path, {"X": _CUBE}, appendmat=False)
    content = bytearray(path.read_bytes())
    start = content.index(_CUBE.tobytes("F")) - 4
    content[start : start + 4] = (2**31).to_bytes(4, "little")
    path.write_bytes(content)
    _refused(lambda: _read_mat(path), "bytes are missing")


def test_read_json__deep_brackets__refused(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("[" * 100_000)
    with pytest.raises(FileFormatError, match="a JSON file"):
        files.read_json(path)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ({"X": {"a": 1}}, "MATLAB's class 2, not an array of real numbers"),
        ({"X": "text"}, "MATLAB's class 4"),
        ({"X": _CUBE * 1j}, "MATLAB's class 6, not an array of real numbers"),
    ],
)
def test_read_mat__other_than_numbers__refused(content, match, tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", content)
    with pytest.raises(FileFormatError, match=match):
        _read_mat(tmp_path / "a.mat")


@pytest.mark.parametrize(
    "dtype", ["f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8"]
)
@pytest.mark.parametrize("compressed", [False, True])
def test_read_mat__same_as_scipy(dtype, compressed, tmp_path):
    path = tmp_path / "a.mat"
    X = np.arange(4 * 6 * 9).reshape(4, 6, 9).astype(dtype)
    scipy.io.savemat(path, {"X": X, "Y": X}, do_compression=compressed)
    index = (slice(None),) * 3
    found = files.read_mat(path, "X", ("N", 6, 9), index)
    expected = scipy.io.loadmat(path)["X"]
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == expected.dtype


def _elsewhere(file, path):
    Path(path).with_name("secret").write_bytes(bytes(4 * 6 * 9 * 8))
    external = [(str(Path(path).with_name("secret")), 0, h5py.h5f.UNLIMITED)]
    file.create_dataset("X", (9, 6, 4), "f8", external=external)


def _virtual(file, path):
    layout = h5py.VirtualLayout((9, 6, 4), "f8")
    layout[:] = h5py.VirtualSource("secret", "X", (9, 6, 4))
    file.create_virtual_dataset("X", layout)


@pytest.mark.parametrize("write", [_elsewhere, _virtual])
def test_read_hdf5__numbers_in_another_file__refused(write, tmp_path):
    path = tmp_path / "a.mat"
    with h5py.File(path, "w") as file:
        write(file, path)
        file.move("X", "tensor")
        file["X"] = file["tensor"]
    with pytest.raises(FileFormatError, match="is stored in another file"):
        _read_mat(path)


@needs_linux
def test_fetch_pdebench__elsewhere_or_frames_of_terabytes__refused(tmp_path):
    path = Path(write_pdebench("darcy", tmp_path, n=20))

    def fetch():
        bunch = fetch_pdebench("darcy", data_home=tmp_path, download=False)
        return bunch.data[:1]

    with h5py.File(path, "w") as file:
        file.create_dataset("nu", (20, 10**6, 10**6), "f4", chunks=(1, 9, 9))
        file.create_dataset("tensor", (20, 1, 10**6, 10**6), "f4", chunks=(1, 1, 9, 9))
    _refused(fetch, "has frames of shape")
    with h5py.File(path, "w") as file:
        layout = h5py.VirtualLayout((20, 8, 8), "f4")
        layout[:] = h5py.VirtualSource("secret", "X", (20, 8, 8))
        file.create_virtual_dataset("nu", layout)
        file["tensor"] = np.zeros((20, 1, 8, 8), "f4")
    _refused(fetch, "is stored in another file")


@needs_linux
def test_fetch_psicov__protein_of_a_million_residues__refused(tmp_path):
    write_nas_bench_360("psicov", tmp_path, n=20)
    folder = tmp_path / "nas-bench-360" / "protein" / "deepcov"
    protein = (folder.with_suffix(".lst")).read_text().split()[0]
    path = folder / "features" / f"{protein}.pkl"
    content = _load(path)
    _dump(path, content | {"seq": "A" * 10**6})
    with pytest.raises(
        FileFormatError, match=r"Expected an array of shape \(1000000, 1"
    ):
        fetch_nas_bench_360("psicov", data_home=tmp_path, download=False)
    # A name that no file can have.
    folder.with_suffix(".lst").write_text("a" * 5000)
    with pytest.raises(FileFormatError, match="a file is missing"):
        fetch_nas_bench_360("psicov", data_home=tmp_path, download=False)


def test_unpack__encrypted_or_strange__refused(tmp_path):
    path = tmp_path / "a.zip"
    FORMATS["zip"][0](path)
    content = bytearray(path.read_bytes())
    # The flag of encryption, and an unknown compression.
    for place, value in ((8, 1), (10, 77)):
        changed = content.copy()
        at = changed.index(b"PK\x01\x02")
        changed[at + place], changed[place - 2] = value, value
        path.write_bytes(changed)
        with pytest.raises(FileFormatError, match="cannot be unpacked"):
            _unpack(path)
    assert not list(path.with_suffix(".d").iterdir())
