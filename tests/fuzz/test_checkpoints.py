"""Checkpoints, damaged and hostile: gone on from as they were, or refused."""

import itertools
import json
import warnings
from collections import Counter

import numpy as np
import pytest

from sklearn_pare import PaReClassifier, _safetensors
from sklearn_pare.exceptions import PaReError
from sklearn_pare.training.checkpoint import Checkpoints
from tests.common.instances import tiny
from tests.fuzz.mutate import edits, mutations, resigned, surgery
from tests.fuzz.watch import watched
from tests.training.same import assert_same_fit

N_BYTES, N_TENSORS, N_METADATA = 300, 200, 200
X = np.random.default_rng(0).normal(size=(40, 5))
Y = X[:, 0] > 0


def _estimator(folder=None):
    settings = {"early_stopping": True, "linear_path": False, "batch_size": 16}
    return tiny(PaReClassifier, checkpoint_dir=folder, max_epochs=3, **settings)


class Fits:
    """Go on from what a file says; count what comes of it."""

    def __init__(self, folder, monkeypatch):
        folder.mkdir()
        self.path = folder / "checkpoint-00000004.safetensors"
        self.whole = _estimator().fit(X, Y)
        self.counts, self.events = Counter(), []
        # Only what is read is of interest, and writing takes long.
        monkeypatch.setattr(Checkpoints, "write", lambda checkpoints, net: None)
        monkeypatch.setattr(Checkpoints, "_written", np.inf, raising=False)

    def try_(self, content):
        """Anything but a `PaReError` comes through."""
        self.path.write_bytes(content)
        clf = _estimator(self.path.parent)
        with warnings.catch_warnings(), watched(self.path) as events:
            # Numbers of strangers overflow; versions differ.
            warnings.simplefilter("ignore")
            try:
                clf.fit(X, Y).predict(X)
            except PaReError as error:
                self.counts[type(error).__name__] += 1
                return None
        # The folder is made if it is not there.
        self.events += [event for event in events if event[0] != "os.mkdir"]
        self.counts["fitted"] += 1
        return clf


@pytest.fixture
def fits(tmp_path, monkeypatch):
    return Fits(tmp_path / "mutated", monkeypatch)


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    """A checkpoint of the second of three epochs."""
    folder = tmp_path_factory.mktemp("whole")
    _estimator(folder).fit(X, Y)
    return min(folder.iterdir()).read_bytes()


@pytest.fixture(scope="module")
def parts(content, tmp_path_factory):
    path = tmp_path_factory.mktemp("parts") / "x"
    path.write_bytes(content)
    return _safetensors.read(path)


def test_fit__checkpoint_as_it_was__goes_on(content, fits):
    assert_same_fit(fits.try_(content), fits.whole)


def test_fit__bytes_changed__same_or_refused(content, fits):
    damaged = mutations(content, np.random.default_rng(1))
    for _, other in itertools.islice(damaged, N_BYTES):
        clf = fits.try_(other)
        if clf is not None:
            # Blanks and the order of names in the header say nothing.
            assert_same_fit(clf, fits.whole)
    assert fits.events == []
    assert fits.counts["ModelFileError"] > 0.9 * N_BYTES


def test_fit__tensors_changed_and_signed__refused(parts, fits):
    arrays, text = parts
    changed = edits(arrays, np.random.default_rng(2))
    for what, other in itertools.islice(changed, N_TENSORS):
        clf = fits.try_(resigned(other, text))
        if clf is not None:
            # The loss that an error would name may be any number.
            assert what == "number guard/loss"
            assert_same_fit(clf, fits.whole)
    assert fits.events == []
    assert fits.counts["CheckpointError"] > 0.9 * N_TENSORS


def test_fit__metadata_changed_and_signed__fits_or_refused(parts, fits):
    arrays, text = parts
    rng = np.random.default_rng(3)
    for _ in range(N_METADATA):
        described = json.dumps(surgery(json.loads(text), rng))
        clf = fits.try_(resigned(arrays, described))
        if clf is not None:
            clf.save(fits.path.with_name("saved.pare"))
    assert fits.events == []
    assert fits.counts["fitted"] < 0.5 * N_METADATA
