import json

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits, load_wine

import sklearn_pare
from sklearn_pare import PaReClassifier, PaReRegressor, backbones, sources
from sklearn_pare.exceptions import DataError, UnknownNameError
from sklearn_pare.nn.embed import embedder
from sklearn_pare.otdd import coarse_classes, dataset_distance
from sklearn_pare.sources import FormulaSource, formula
from tests.common.instances import tiny
from tests.common.tiny import NAME

RNG = np.random.default_rng(1)
FAMILIES = [f"formula:{name}" for name in formula.FAMILIES]


@pytest.fixture
def digits_rows():
    X, y = load_digits(return_X_y=True)
    return X[:80].reshape(-1, 1, 8, 8), y[:80]


def test_family__classes_and_images_of_the_whole(generator):
    numbers = []
    for name in FAMILIES:
        source = sources.get(name)
        x, y = source.sample(64, generator)
        assert x.shape == (64, 3, 32, 32)
        assert 0 <= y.min() <= y.max() < source.n_classes
        numbers += source.classes
    assert numbers == list(range(formula.N_CLASSES))
    first, same = (
        source.with_masks().sample(4, torch.Generator().manual_seed(0))
        for source in (FormulaSource.of_family("heaps") for _ in "ab")
    )
    assert torch.equal(first[1], same[1])


def test_family__unknown__names_those_that_are():
    with pytest.raises(UnknownNameError, match=r"formula:cubes.*contours.*fields"):
        sources.get("formula:cubes")


def test_rank__one_candidate__distance_by_hand(digits_rows):
    X, y = digits_rows
    names = ["formula:heaps"]
    ((name, distance),) = sources.rank(X, y, names, backbone=NAME, random_state=3)
    assert name == "formula:heaps"
    seed = int(np.random.RandomState(3).randint(2**31 - 1, size=4)[1])
    backbone = backbones.get(NAME, generator=torch.Generator().manual_seed(seed))
    scaled = (X - X.mean()) / X.std()
    x, labels = sources.get(name).sample(80, torch.Generator().manual_seed(seed))
    features = []
    with torch.no_grad():
        for rows in (torch.from_numpy(scaled.astype(np.float32)), x):
            module = embedder(tuple(rows.shape[1:]), backbone.stem)
            module.start_from(backbone.stem)
            features.append(module(rows).mean(1).numpy())
    classes = coarse_classes(features[1], labels.numpy(), seed)
    expected = dataset_distance(features[0], y, features[1], classes)
    assert distance == pytest.approx(expected, rel=1e-4)


def test_rank__own_rows_as_a_source__nearest(digits_rows):
    X, y = digits_rows
    other = RNG.normal(size=(60, 1, 8, 8)), np.arange(60) % 3
    table = sources.rank(X, y, [other, (X, y), "formula:heaps"], random_state=0)
    assert table[0].source == "arrays 1"
    assert [row.distance for row in table] == sorted(row.distance for row in table)


def test_rank__twice__same_table_and_no_global_state(digits_rows):
    state = torch.get_rng_state()
    first, second = (
        sources.rank(*digits_rows, backbone=NAME, random_state=0) for _ in "ab"
    )
    assert first == second
    assert {row.source for row in first} >= {"formula", *FAMILIES}
    assert not {"noise", "mask-token"} & {row.source for row in first}
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"candidates": []}, DataError, "names no source"),
        ({"candidates": ["cubes"]}, UnknownNameError, "'cubes' is not known"),
        ({"candidates": ["folder:/nowhere"]}, DataError,
         r"'folder:/nowhere' cannot be comp.*samples of shape \(1, 8, 8\).*test-tiny"),
        ({"candidates": ["mask-token"]}, DataError, "'mask-token' has no samples"),
        ({"y": [0, 1]}, DataError, "X has 80 samples and y has 2"),
        ({"y": [np.nan] * 80}, DataError, "y holds nan in sample 0"),
        ({"y": [None] * 80}, DataError, "y holds None in sample 0"),
        ({"y": None}, DataError, "X has 80 samples and y has no"),
        ({"max_samples": 1}, ValueError,
         r"'max_samples' parameter of rank must be .*\[2, inf\).* Got 1"),
        ({"candidates": ("formula", "noise")}, DataError,
         r"tuple of names.*\['formula"),
        ({"candidates": [([[0.0], [1.0]], [0, np.nan])]}, DataError,
         "y_source holds nan in sample 1"),
        ({"candidates": [([[0.0], [1.0]], [0, 1, 1])]}, DataError,
         "X_source has 2 samples and y_source has 3"),
        ({"input_shape": (3, 5, 5)}, DataError, "do not fit input_shape"),
    ],
)  # fmt: skip
def test_rank__bad_input__clear_error(digits_rows, arguments, error, words):
    X, y = digits_rows
    given = {"X": X, "y": y, "candidates": "nearest", "backbone": NAME} | arguments
    with pytest.raises(error, match=f"(?s){words}"):
        sources.rank(**given)


@pytest.mark.parametrize("source", ["nearest", ["formula:heaps", "formula:waves"]])
def test_fit__choice__takes_the_nearest_and_says_so(digits_rows, source, tmp_path):
    X, y = digits_rows
    clf = tiny(PaReClassifier, source=source, max_epochs=1).fit(X, y)
    names = list(clf.source_distances_)
    assert clf.source_ == names[0]
    assert list(clf.source_distances_.values()) == sorted(
        clf.source_distances_.values()
    )
    assert set(names) >= set(FAMILIES if source == "nearest" else source)
    table = sources.rank(X, y, source, backbone=NAME, random_state=0)
    assert [row.source for row in table] == names
    np.testing.assert_allclose(
        [row.distance for row in table], list(clf.source_distances_.values()), rtol=1e-6
    )
    plain = tiny(PaReClassifier, source=clf.source_, max_epochs=1).fit(X, y)
    np.testing.assert_array_equal(plain.predict_proba(X), clf.predict_proba(X))
    assert plain.source_distances_ == {}
    clf.save(tmp_path / "clf.pare")
    again = sklearn_pare.load(tmp_path / "clf.pare")
    assert (again.source_, again.source_distances_) == (
        clf.source_, clf.source_distances_,
    )  # fmt: skip
    assert again.source == source
    json.dumps(clone(clf).get_params())


def test_fit__table_and_numbers__choice():
    X = load_wine().data
    model = tiny(PaReRegressor, source="nearest", max_epochs=1).fit(X[::3], X[::3, 0])
    assert len(model.source_distances_) >= 8


def test_fit__fields__choice_of_drawings_with_masks():
    X = RNG.normal(size=(24, 1, 8, 8))
    names = ["formula:fields", "formula:heaps"]
    model = tiny(PaReRegressor, source=names, max_epochs=1).fit(X, X[:, 0])
    assert set(model.source_distances_) == set(names)


def test_fit__memory_map__a_sample_is_read(tmp_path, digits_rows, monkeypatch):
    monkeypatch.setattr("sklearn_pare._data.lazy.MAX_READ", 0)
    X, y = digits_rows
    mapped = np.memmap(tmp_path / "X", np.float32, "w+", shape=X.shape)
    mapped[:] = X
    clf = tiny(PaReClassifier, source="nearest", max_epochs=1).fit(mapped, y)
    assert clf.source_ == next(iter(clf.source_distances_))


@pytest.mark.parametrize(
    ("source", "name"),
    [("noise", "noise"), (None, None), ("arrays", "arrays")],
)
def test_fit__no_choice__source_is_named(digits_rows, source, name):
    X, y = digits_rows
    source = (X, y) if source == "arrays" else source
    clf = tiny(PaReClassifier, source=source, max_epochs=1).fit(X, y)
    assert clf.source_ == name
    assert clf.source_distances_ == {}


def test_fit__no_mixing__nothing_is_measured(digits_rows):
    naive = {"mix_start": 0.0, "mix_end": 0.0}
    clf = tiny(PaReClassifier, source="nearest", max_epochs=1, **naive)
    clf.fit(*digits_rows)
    assert clf.source_ is None
    assert clf.source_distances_ == {}


def test_fit__source_that_cannot_be_read__names_both_sides(digits_rows):
    clf = tiny(PaReClassifier, source=["formula", "folder:/nowhere"])
    with pytest.raises(DataError, match=r"folder:/nowhere.*\(1, 8, 8\)"):
        clf.fit(*digits_rows)


@pytest.mark.parametrize("kind", ["masks", "fields"])
def test_rank__signals_with_a_target_at_every_position__backbone_of_the_fit(kind):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 1, 32))
    y = X[:, 0] if kind == "fields" else (X[:, 0] > 0).astype(int)
    auto, tiny_one = (
        sources.rank(X, y, ["formula:heaps", "formula:waves"], backbone=name,
                     random_state=0)
        for name in ("auto", "pare-tiny")
    )  # fmt: skip
    assert auto == tiny_one
