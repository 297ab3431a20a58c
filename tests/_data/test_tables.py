"""Tables of numbers and categories: codes, missing values, unknown categories."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import KFold, cross_val_score

import sklearn_pare
from sklearn_pare import PaReClassifier
from sklearn_pare._data.tables import MAX_CATEGORIES, TableEncoder
from sklearn_pare.exceptions import NetworkUnusedWarning
from tests.common.instances import tiny

N = 40
FRAME = pd.DataFrame(
    {
        "width": np.random.default_rng(0).normal(5.0, 2.0, N),
        "count": pd.array([1, None, 3, 4] * 10, dtype="Int64"),
        "old": [True, False] * 20,
        "color": ["red", "blue", None, "green"] * 10,
        "size": pd.Categorical([3, 1, 2, np.nan] * 10),
        "object": np.array(["a", np.nan, "b", "a"] * 10, dtype=object),
        "number objects": np.array([1, 2.5, None, 4] * 10, dtype=object),
        "range": pd.cut(np.arange(N), 4),
    }
)
NAN = np.nan


def test_fit__column_missing_in_all_rows_that_quantiles_are_taken_from__finite():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1100, 3))
    X[np.linspace(0, 1099, 512).astype(int), 2] = NAN
    y = X[:, 0] > 0
    clf = tiny(PaReClassifier, max_epochs=1, linear_path=False).fit(X, y)
    assert clf.score(X, y) > 0.9
    assert clf._model.embed.edges.isfinite().all()


def test_transform__categories__sorted_codes_and_nan():
    Z = TableEncoder().fit(FRAME).transform(FRAME)
    assert Z.dtype == np.float32
    np.testing.assert_array_equal(Z[:4, 3], [2, 0, NAN, 1])
    np.testing.assert_array_equal(Z[:4, 4], [2, 0, 1, NAN])
    np.testing.assert_array_equal(Z[:4, 5], [0, NAN, 1, 0])
    np.testing.assert_array_equal(np.unique(Z[:, 7]), np.arange(4))


def test_transform__numbers__standardised_over_what_is_there(monkeypatch):
    monkeypatch.setattr("sklearn_pare._data.lazy._BLOCK", 30)  # several blocks
    Z = TableEncoder().fit(FRAME).transform(FRAME)[:, [0, 1, 2, 6]]
    np.testing.assert_allclose(np.nanmean(Z, 0), 0, atol=1e-6)
    np.testing.assert_allclose(np.nanstd(Z, 0), 1, atol=1e-6)
    assert np.isnan(Z[:, 1]).sum() == np.isnan(Z[:, 3]).sum() == 10


@pytest.mark.filterwarnings("error")
def test_fit__column_missing_in_the_first_block__no_warning(monkeypatch):
    monkeypatch.setattr("sklearn_pare._data.lazy._BLOCK", 10)
    X = np.array([[NAN, 1.0]] * 10 + [[2.0, 1.0], [4.0, 1.0]])
    Z = TableEncoder().fit(X).transform(X)
    np.testing.assert_allclose(Z[-2:], [[-1, 0], [1, 0]])


def test_cardinalities__zero_for_numbers():
    assert TableEncoder().fit(FRAME).cardinalities == (0, 0, 0, 3, 3, 2, 0, 4)


def test_transform__not_seen_in_fit__nan():
    new = pd.DataFrame({"color": ["red", "pink", None]})
    Z = TableEncoder().fit(FRAME[["color"]]).transform(new)
    np.testing.assert_array_equal(Z[:, 0], [2, NAN, NAN])


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_transform__all_missing_now__nan(missing):
    encoder = TableEncoder().fit(FRAME[["color", "width"]])
    new = pd.DataFrame({"color": [missing] * 2, "width": [missing] * 2})
    assert np.isnan(encoder.transform(new)).all()


def test_transform__same_values_in_other_dtypes__same_codes():
    encoder = TableEncoder().fit(FRAME[["color", "size"]])
    other = pd.DataFrame(
        {"color": FRAME["color"].astype("category"), "size": [3.0, 1, 2, NAN] * 10}
    )
    expected = encoder.transform(FRAME[["color", "size"]])
    np.testing.assert_array_equal(encoder.transform(other), expected)


def test_transform__frame_of_numbers__as_array():
    X = FRAME[["width", "old"]]
    array = X.to_numpy(dtype=float)
    a, b = TableEncoder().fit(X), TableEncoder().fit(array)
    np.testing.assert_array_equal(a.transform(X), b.transform(array))


def test_fit__identifiers__just_encoded():
    X = pd.DataFrame({"id": [f"row {i:02}" for i in range(N)]})
    Z = TableEncoder().fit(X).transform(X)
    np.testing.assert_array_equal(Z[:, 0], np.arange(N))


def test_fit__constant_column__zero():
    X = np.c_[np.full(N, 1e9), FRAME["width"]]
    np.testing.assert_array_equal(TableEncoder().fit(X).transform(X)[:, 0], 0)


NUMBERS = np.random.default_rng(1).normal(size=(N, 3))
EMPTY = {
    # name: (X in fit, X in predict, words of the warning)
    "numbers": (FRAME.assign(width=NAN), FRAME, "1 of 8 columns of X hold.*: 'width'"),
    "text": (FRAME.assign(color=None), FRAME, "hold no value: 'color'"),
    "nullable": (
        FRAME.assign(count=pd.array([None] * N, dtype="Int64")), FRAME,
        "hold no value: 'count'",
    ),
    "categorical": (
        FRAME.assign(size=pd.Categorical([NAN] * N)), FRAME, "hold no value: 'size'",
    ),
    "text as of now": (FRAME.assign(width=NAN), FRAME.assign(width="a"), "'width'"),
    "several": (
        FRAME.assign(width=NAN, color=None), FRAME,
        "2 of 8 columns of X hold no value: 'width', 'color'",
    ),
    "array": (NUMBERS * [1, NAN, 1], NUMBERS, "1 of 3 columns of X hold no value: 1"),
    "frame of numbers": (
        pd.DataFrame(NUMBERS * [1, NAN, 1], columns=list("abc")),
        pd.DataFrame(NUMBERS, columns=list("abc")), "hold no value: 'b'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EMPTY)
def test_empty_column__in_fit__warning_and_no_effect_in_predict(name, tmp_path):
    X, new, words = EMPTY[name]
    clf = tiny(PaReClassifier, max_epochs=1)
    with pytest.warns(UserWarning, match=f"{words}. They have no effect") as w:
        clf.fit(X, FRAME["old"])
    own = [one for one in w if one.category is not NetworkUnusedWarning]
    assert (len(own), own[0].filename) == (1, __file__)
    found = clf.predict_proba(new)
    np.testing.assert_array_equal(found, clf.predict_proba(X))
    assert np.isfinite(found).all()
    clf.save(tmp_path / "model.pare")
    again = sklearn_pare.load(tmp_path / "model.pare")
    np.testing.assert_array_equal(again.predict_proba(new), found)


def test_empty_column__in_one_fold__scored():
    X = FRAME.assign(rare=np.where(np.arange(N) < 20, None, "a"))
    with pytest.warns(UserWarning, match="no value: 'rare'"):
        scores = cross_val_score(
            tiny(PaReClassifier, max_epochs=1), X, FRAME["old"], cv=KFold(2)
        )
    assert np.isfinite(scores).all()


def test_empty_column__after_samples_were_held_out__no_effect():
    X = np.c_[NUMBERS, np.full(N, NAN)]
    X[3, 3] = 1.0
    clf = tiny(PaReClassifier, max_epochs=1)
    clf.fit(X, FRAME["old"], sample_weight=np.arange(N) != 3)
    expected = clf.predict_proba(X)
    X[:, 3] = 5.0
    np.testing.assert_array_equal(clf.predict_proba(X), expected)


def _ids(n, often=()):
    return np.array([*[f"id {i:04}" for i in range(n)], *often], dtype=object)


MANY = {
    # name: (column, categories that are kept)
    "distinct": (_ids(3000), _ids(MAX_CATEGORIES)),
    "frequent": (_ids(3000, ["id 2999"] * 2), [*_ids(MAX_CATEGORIES - 1), "id 2999"]),
    "categorical": (pd.Categorical(_ids(MAX_CATEGORIES + 1)), _ids(MAX_CATEGORIES)),
    "numbers": (pd.Categorical(np.arange(600)), np.arange(MAX_CATEGORIES)),
    "with gaps": (_ids(600, [None] * 9), _ids(MAX_CATEGORIES)),
}


@pytest.mark.parametrize("name", MANY)
def test_many_categories__the_most_frequent_are_kept_with_a_warning(name):
    column, kept = MANY[name]
    X = pd.DataFrame({"patient": column, "age": np.arange(len(column))})
    n_found = f"{X['patient'].nunique():,}"
    encoder = TableEncoder()
    with pytest.warns(UserWarning, match=f"Column 'patient' of X holds {n_found} cat"):
        encoder.fit(X)
    assert encoder.categories_ == [list(kept), None]
    codes = encoder.transform(X)[:, 0]
    rest = ~X["patient"].isin(kept)
    assert np.isnan(codes[rest]).all()
    assert np.isfinite(codes[~rest]).all()


def test_many_categories__fit__one_warning_at_the_caller():
    X = pd.DataFrame({"patient": _ids(600), "age": np.arange(600)})
    clf = tiny(PaReClassifier, max_epochs=1, linear_path=False, early_stopping=True)
    with pytest.warns(UserWarning, match="drop it") as caught:
        clf.fit(X, np.arange(600) % 2)
    assert (len(caught), caught[0].filename) == (1, __file__)


def test_vars__survive_json():
    encoder = TableEncoder().fit(FRAME)
    state = json.loads(json.dumps(vars(encoder), default=lambda array: array.tolist()))
    again = TableEncoder.__new__(TableEncoder)
    vars(again).update(state)
    np.testing.assert_array_equal(again.transform(FRAME), encoder.transform(FRAME))


def test_classifier__frame__learns_from_each_kind_of_column():
    y = (FRAME["color"] == "red").to_numpy() ^ FRAME["old"].to_numpy()
    clf = tiny(PaReClassifier, max_epochs=40).fit(FRAME, y)
    assert clf.n_features_in_ == 8
    assert clf.score(FRAME, y) > 0.9


def test_classifier__sample_alone__as_among_others():
    clf = tiny(PaReClassifier, max_epochs=1).fit(FRAME, FRAME["old"])
    alone = [clf.predict_proba(FRAME[i : i + 1]) for i in range(N)]
    np.testing.assert_array_equal(np.concatenate(alone), clf.predict_proba(FRAME))


def test_classifier__saved_and_loaded__same_probabilities(tmp_path):
    clf = tiny(PaReClassifier, max_epochs=1).fit(FRAME, FRAME["old"])
    clf.save(tmp_path / "model.safetensors")
    again = sklearn_pare.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.predict_proba(FRAME), clf.predict_proba(FRAME))


def test_classifier__array_with_nan__works(rng):
    X = np.where(rng.random((N, 3)) < 0.2, NAN, rng.normal(size=(N, 3)))
    clf = tiny(PaReClassifier, early_stopping=True).fit(X, np.arange(N) % 2)
    assert np.isfinite(clf.predict_proba(X)).all()
