"""Paths that begin with "~"."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import sklearn_pare
from sklearn_pare import PaReClassifier, datasets, sources
from sklearn_pare.exceptions import MissingFileError
from tests.common.instances import tiny

X = np.random.default_rng(0).normal(size=(12, 3))
y = np.arange(12) % 2


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The home directory, which is not the working directory."""
    folder = tmp_path / "home"
    folder.mkdir()
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


def _fit(**settings):
    return tiny(PaReClassifier, max_epochs=1, **settings).fit(X, y)


def _files(folder):
    paths = folder.rglob("*")
    return sorted(p.relative_to(folder).as_posix() for p in paths if p.is_file())


@pytest.mark.parametrize("path", ["~/m.pare", Path("~/m.pare")], ids=["str", "Path"])
def test_save_and_load__in_the_home_directory(path, home, tmp_path):
    clf = _fit()
    clf.save(path)
    clf.save(path, omit_pretrained=True)
    assert _files(tmp_path) == ["home/m.pare"]
    assert (sklearn_pare.load(path).predict(X) == clf.predict(X)).all()


@pytest.mark.parametrize("path", ["~/runs/a", Path("~/runs/a")], ids=["str", "Path"])
def test_checkpoints__in_the_home_directory(path, home, tmp_path):
    clf = _fit(checkpoint_dir=path)
    assert {p.rpartition("/")[0] for p in _files(tmp_path)} == {"home/runs/a"}
    again = _fit(checkpoint_dir=str(home / "runs" / "a"))
    assert again.predict_proba(X).tobytes() == clf.predict_proba(X).tobytes()


def test_sources__in_the_home_directory(home):
    for name in ("cat", "dog"):
        (home / "photos" / name).mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(home / "photos" / name / "1.png")
    (home / "words.conll").write_text("Rome NNP B-NP B-LOC\n\nAda NNP B-NP B-PER\n")
    generator = torch.Generator().manual_seed(0)
    rows, _ = sources.get("folder:~/photos").sample(2, generator)
    assert rows.shape == (2, 3, 32, 32)
    assert sources.get("text:~/words.conll").labels == ["LOC", "PER"]


@pytest.mark.parametrize(
    "fetch", [datasets.fetch_pdebench, datasets.fetch_nas_bench_360]
)
@pytest.mark.parametrize("variable", [False, True])
def test_data_home__in_the_home_directory(variable, fetch, home, monkeypatch):
    monkeypatch.setenv("SKLEARN_PARE_DATA", "~/data" if variable else "/elsewhere")
    data_home = None if variable else "~/data"
    task = "darcy" if fetch is datasets.fetch_pdebench else "ninapro"
    with pytest.raises(MissingFileError, match=str(home / "data")):
        fetch(task, data_home=data_home, download=False)


@pytest.mark.parametrize("name", ["~draft", "a~", "~m.pare", "~no-such-user/m.pare"])
def test_paths__other_tildes__as_they_are(name, home, tmp_path):
    place = tmp_path / name
    place.parent.mkdir(exist_ok=True)
    clf = _fit()
    clf.save(name)
    assert place.is_file()
    assert (sklearn_pare.load(name).predict(X) == clf.predict(X)).all()
    _fit(checkpoint_dir=f"{name}.runs")
    assert (tmp_path / f"{name}.runs").is_dir()
    assert sources.FolderSource(f"{name}.photos").path == Path(f"{name}.photos")
    assert datasets.get_data_home(name) == Path(name)
    with pytest.raises(MissingFileError, match=f"pdebench/{name}"):
        datasets.fetch_pdebench("darcy", data_home="d", file=name, download=False)
