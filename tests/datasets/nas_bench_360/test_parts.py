"""Files that lack a part, have one too many, or whose parts do not fit each other."""

import dataclasses
import inspect

import numpy as np
import pytest

from sklearn_pare.datasets.nas_bench_360 import TASKS
from sklearn_pare.exceptions import FileFormatError, MissingFileError
from tests.datasets.nas_bench_360.files import (
    FOLDER,
    N,
    cosmic_paths,
    dump,
    fetch,
    load,
    of,
)

_FEATURES = ("seq", "ss", "pssm", "sa", "entropy", "ccmpred", "freecon", "potential")
# Task -> files that are read for training -> parts that must fit each other; for a
# nested dictionary, both keys.
FILES = {
    "cifar-100": {"cifar-100-python/train": (b"data", b"fine_labels")},
    "spherical": {"spherical/s2_cifar100.gz": ("train/images", "train/labels")},
    "ninapro": {
        "ninapro/ninapro_train.npy": (None,),
        "ninapro/label_train.npy": (None,),
    },
    "fsd50k": {"audio/chunks/tr.csv": (), "audio/chunks/lbl_map.json": ()},
    "darcy": {"piececonst_r421_N1024_smooth1.mat": ("coeff", "sol")},
    "psicov": {
        "protein/deepcov.lst": (),
        "protein/deepcov/features/deepcov000.pkl": _FEATURES,
        "protein/deepcov/features/deepcov017.pkl": (),
        "protein/deepcov/distance/deepcov000-cb.npy": (2,),
        "protein/deepcov/distance/deepcov017-cb.npy": (),
    },
    "cosmic": {"cosmic/npy_train/f435w/10760/2/sky.npy": ()},
    "ecg": {"challenge2017.pkl": ("data", "label")},
    "satellite": {"satellite/satellite_train.npy": ("data", "label")},
    "deepsea": {"deepsea/deepsea_filtered.npz": ("x_train", "y_train")},
}  # fmt: skip
PARTS = [
    (task, file, key)
    for task, files in FILES.items()
    for file, keys in files.items()
    for key in keys
]


def _edit(content, key, change):
    """Return content with a part replaced by ``change(part)``, None: without it."""
    if key is None:
        return change(content)
    if isinstance(content, dict):
        first, _, rest = key.partition("/") if isinstance(key, str) else (key, "", "")
        inner = _edit(content[first], rest or None, change)
        rest = {name: part for name, part in content.items() if name != first}
        return rest if inner is None else rest | {first: inner}
    content[key] = change(content[key])
    return content


def _read(task, home, split="train"):
    bunch = fetch(task, home, split)
    return np.asarray(bunch.data[:3]), np.asarray(bunch.target[:3])


@pytest.mark.parametrize(
    ("home", "task", "file"),
    [(task, task, file) for task, files in FILES.items() for file in files],
    indirect=["home"],
    ids=[f"{task}-{file}" for task, files in FILES.items() for file in files],
)
def test_file_missing__refused(home, task, file):
    path = home / FOLDER / file
    path.unlink()
    with pytest.raises(
        (FileFormatError, MissingFileError), match=r"Expected|Put|Use"
    ) as e:
        _read(task, home)
    assert path.name in str(e.value)
    assert str(home / FOLDER) in str(e.value)


def _longer(part):
    more = part[-1:]
    return np.concatenate([part, more]) if isinstance(part, np.ndarray) else part + more


CHANGES = {
    "missing": lambda part: None,
    "shorter": lambda part: part[:-1],
    "longer": _longer,
}


@pytest.mark.parametrize("kind", CHANGES)
@pytest.mark.parametrize(
    ("home", "task", "file", "key"),
    [(task, task, file, key) for task, file, key in PARTS],
    indirect=["home"],
    ids=[f"{task}-{file.rpartition('/')[2]}-{key}" for task, file, key in PARTS],
)
def test_part_missing_or_of_another_length__refused(home, task, file, key, kind):
    path = home / FOLDER / file
    dump(path, _edit(load(path), key, CHANGES[kind]))
    with pytest.raises(FileFormatError, match=r"Expected .* remove it and") as caught:
        _read(task, home)
    # The file, or the one that does not fit it.
    assert str(path.parent) in str(caught.value)


@pytest.mark.parametrize(
    ("home", "task", "file"),
    [(task, task, file) for task, file in dict.fromkeys(part[:2] for part in PARTS)
     if task != "ninapro" and file[-7:] != "-cb.npy"],
    indirect=["home"],
    ids=str,
)  # fmt: skip
def test_part_surplus__same_bits(home, task, file):
    path = home / FOLDER / file
    expected = _read(task, home)
    content = load(path) | {"more": np.zeros(3)}
    dump(path, content)
    path.with_name("more.txt").write_text("by another program")
    for found, known in zip(_read(task, home), expected, strict=True):
        np.testing.assert_array_equal(found, known)


@pytest.mark.parametrize("task", sorted(set(TASKS) - {"cosmic"}))
def test_more_samples_than_the_original__warns(task, written, monkeypatch):
    home = written(task)
    bunches = [fetch(task, home, split) for split in ("train", "valid", "test")]
    sizes = [
        len(bunch.data if bunch.groups is None else set(bunch.groups))
        for bunch in bunches
    ]
    for split, least in (("train", 0), ("valid", 1), ("train+valid", 1), ("test", 2)):
        known = [n - (number == least) for number, n in enumerate(sizes)]
        found = dataclasses.replace(TASKS[task], sizes=tuple(known))
        monkeypatch.setitem(TASKS, task, found)
        with pytest.warns(UserWarning, match=f"at most {known[least]} as in") as caught:
            fetch(task, home, split)
        assert str(home / FOLDER) in str(caught[0].message)
    monkeypatch.setitem(TASKS, task, dataclasses.replace(found, sizes=tuple(sizes)))
    fetch(task, home, "train+valid")


@pytest.mark.parametrize(
    ("home", "task", "file", "split"),
    [
        ("psicov", "psicov", "protein/deepcov.lst", "train"),
        ("psicov", "psicov", "protein/psicov.lst", "test"),
        ("fsd50k", "fsd50k", "audio/chunks/tr.csv", "train"),
        ("fsd50k", "fsd50k", "audio/chunks/eval.csv", "test"),
        ("cosmic", "cosmic", "cosmic/test_dirs.npy", "test"),
    ],
    indirect=["home"],
    ids=lambda value: value if "/" in value else "",
)
def test_sample_listed_twice__warns(home, task, file, split):
    path = home / FOLDER / file
    if task == "cosmic":
        names = [f"./{image.relative_to(home / FOLDER)}" for image in
                 cosmic_paths(home, "test")]  # fmt: skip
        np.save(path, np.array([*names, names[3]]))
    else:
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join([*lines, lines[3]]))
    with pytest.warns(UserWarning, match=r" 2 times\. Expected each sample once") as e:
        fetch(task, home, split)
    assert str(path) in str(e[0].message)
    assert e[0].filename == inspect.getfile(fetch)


@of("cosmic")
def test_sky_missing__refused_for_training_only(home):
    sky = home / FOLDER / "cosmic/npy_train/f435w/13737/3/sky.npy"
    sky.unlink()
    for split in ("train", "train+valid"):
        with pytest.raises(
            FileFormatError, match=r"no such file\. .* light of the sky"
        ):
            fetch("cosmic", home, split)
    for split in ("valid", "test", "valid+test"):
        assert len(fetch("cosmic", home, split).data[:])
    sky.write_bytes((sky.parents[2] / "10760" / "2" / "sky.npy").read_bytes())
    assert np.isfinite(fetch("cosmic", home).data[:]).all()


@of("fsd50k")
def test_chunk_missing__refused_before_it_is_read(home):
    chunk = sorted((home / FOLDER / "audio" / "tr_chunks").iterdir())[-1]
    chunk.unlink()
    with pytest.raises(FileFormatError, match=r"no such file\. .*/tr\.csv lists") as e:
        fetch("fsd50k", home)
    assert str(chunk) in str(e.value)


@of("ninapro")
def test_ninapro__two_folders__not_mixed(home):
    folder = home / FOLDER
    (folder / "ninaPro").mkdir()
    dump(folder / "ninaPro" / "ninapro_train.npy", np.zeros((N, 52, 16)))
    with pytest.raises(MissingFileError, match=r"ninaPro/label_train\.npy"):
        fetch("ninapro", home)
