"""The classifier: classes, weights, mixing, outputs."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification
from sklearn.metrics import log_loss

from sklearn_pare import PaReClassifier
from tests.common.instances import tiny


@pytest.mark.parametrize("shape", [(3, 8), (1, 4, 6)])
def test_fit__nd_input__equals_flattened_with_input_shape(shape, digits):
    X, y = digits[0][:, 20:44], digits[1]
    clf = tiny(PaReClassifier, linear_path=False)
    folded = clone(clf).fit(X.reshape(len(X), *shape), y)
    flat = clone(clf).set_params(input_shape=shape).fit(X, y)
    assert folded.input_shape_ == flat.input_shape_ == shape
    assert folded.n_features_in_ == shape[0]
    assert flat.n_features_in_ == 24
    np.testing.assert_array_equal(
        folded.predict_proba(X.reshape(len(X), *shape)), flat.predict_proba(X)
    )


def test_fit__input_shape_with_minus_one__follows_from_columns(digits):
    settings = {"input_shape": (2, -1), "linear_path": False}
    clf = tiny(PaReClassifier, **settings).fit(*digits)
    assert clf.input_shape_ == (2, 32)


def test_fit__learns_digits(digits):
    X, y = digits
    clf = tiny(PaReClassifier, input_shape=(1, 8, 8), max_epochs=60).fit(X, y)
    assert clf.score(X, y) > 0.9


def test_fit__string_classes__sorted_and_returned(table):
    clf = tiny(PaReClassifier).fit(*table)
    assert clf.classes_.tolist() == ["down", "up"]
    assert set(clf.predict(table[0])) <= {"down", "up"}
    assert clf.decision_function(table[0]).shape == (60,)


def test_fit__history__has_the_curriculum(table):
    clf = tiny(PaReClassifier, max_epochs=8, mix_start=0.75, mix_end=0.25).fit(*table)
    assert clf.n_iter_ == len(clf.history_) == 8
    assert clf.n_tokens_ == 16
    # 60 samples in batches of 64: one step, and thus one fraction, per epoch.
    fractions = [row["mix_fraction"] for row in clf.history_]
    expected = [round(16 * (0.75 - 0.5 * i / 7)) / 16 for i in range(8)]
    assert fractions == expected
    assert all(np.isfinite(row["mixed_source_loss"]) for row in clf.history_)
    assert all(row["duration"] > 0 for row in clf.history_)


@pytest.mark.parametrize(
    "settings", [{"mix_start": 0.0, "mix_end": 0.0}, {"source": None}]
)
def test_fit__no_mixing__no_mixed_terms(settings, table):
    clf = tiny(PaReClassifier, **settings).fit(*table)
    assert {row["mix_fraction"] for row in clf.history_} == {0.0}
    assert {row["mixed_target_loss"] for row in clf.history_} == {None}


def test_fit__mixing_ends_at_zero__last_step_is_clean(table):
    clf = tiny(PaReClassifier, max_epochs=5, mix_end=0.0).fit(*table)
    assert clf.history_[-1]["mix_fraction"] == 0.0
    assert clf.history_[-1]["mixed_target_loss"] is None
    assert clf.history_[0]["mixed_target_loss"] is not None


def test_fit__multilabel__indicator_out():
    X, y = make_multilabel_classification(80, 6, n_classes=3, random_state=0)
    clf = tiny(PaReClassifier, max_epochs=60).fit(X, y)
    assert clf.predict(X).shape == clf.predict_proba(X).shape == y.shape
    np.testing.assert_array_equal(clf.predict(X), clf.predict_proba(X) > 0.5)
    assert (clf.predict(X) == y).mean() > 0.8
    assert clf.classes_.tolist() == [0, 1, 2]


def test_fit__sample_weight__samples_of_high_weight_win(table):
    X, y = table
    X, y = (
        np.concatenate([X, X]),
        np.concatenate([y, np.where(y == "up", "down", "up")]),
    )
    weight = np.repeat([1.0, 0.01], 60)
    clf = tiny(PaReClassifier, max_epochs=40).fit(X, y, sample_weight=weight)
    assert clf.score(X[:60], y[:60]) > 0.9


def test_fit__zero_weight__sample_left_out(table):
    X, y = table
    weight = np.r_[np.ones(50), np.zeros(10)]
    garbage, wrong = X.copy(), y.copy()
    garbage[50:], wrong[50:] = 1e6, "no"
    clf = tiny(PaReClassifier, class_weight="balanced")
    left_out = clone(clf).fit(garbage, wrong, sample_weight=weight)
    never_there = clone(clf).fit(X[:50], y[:50])
    assert left_out.classes_.tolist() == ["down", "up"]
    np.testing.assert_array_equal(
        left_out.predict_proba(X), never_there.predict_proba(X)
    )


def test_fit__class_weight__same_as_sample_weight(table):
    X, y = table
    by_class = tiny(PaReClassifier, class_weight={"up": 3.0, "down": 1.0}).fit(X, y)
    by_row = tiny(PaReClassifier).fit(X, y, sample_weight=np.where(y == "up", 3.0, 1.0))
    np.testing.assert_array_equal(by_class.predict_proba(X), by_row.predict_proba(X))


@pytest.mark.parametrize(
    "settings",
    [
        {"selector": "gate"},
        {"source": "noise"},
        {"tune": "norm"},
        {"mix_weight": 0.1},
        {"precision": "bf16"},
        {"batch_size": 16},
        {"linear_path": True},
    ],
    ids=str,
)
def test_fit__setting__changes_the_model(settings, table):
    X, y = table
    base = {"precision": "fp32", "linear_path": False}
    plain = tiny(PaReClassifier, **base).fit(X, y)
    other = tiny(PaReClassifier, **(base | settings)).fit(X, y)
    assert not np.array_equal(plain.predict_proba(X), other.predict_proba(X))


def test_fit__source_arrays__classes_read_from_them(table):
    X, y = table
    images = np.random.default_rng(0).normal(size=(30, 1, 8, 8))
    labels = np.array(["cat", "dog", "emu"] * 10)
    clf = tiny(PaReClassifier, source=(images, labels)).fit(X, y)
    assert clf.history_[0]["mixed_source_loss"] == pytest.approx(np.log(3), abs=0.5)
    assert clone(clf).source[0] is not None


def test_fit__noise_source__has_one_class(table):
    clf = tiny(PaReClassifier, source="noise").fit(*table)
    assert {row["mixed_source_loss"] for row in clf.history_} == {0.0}


def test_predict_proba__sums_to_one_and_agrees_with_predict(digits):
    X, y = digits
    clf = tiny(PaReClassifier).fit(X, y)
    proba = clf.predict_proba(X)
    np.testing.assert_allclose(proba.sum(1), 1, atol=1e-12)
    np.testing.assert_array_equal(clf.classes_[proba.argmax(1)], clf.predict(X))
    assert log_loss(y, proba) < np.log(10)


def test_transform__pandas_output_named(table):
    clf = tiny(PaReClassifier).set_output(transform="pandas").fit(*table)
    features = clf.transform(table[0])
    assert features.shape == (60, 24)
    assert features.columns[0] == "pareclassifier0"
    assert (features.columns == clf.get_feature_names_out()).all()


def test_fit__float32_input__as_float64(digits):
    X, y = digits
    clf = tiny(PaReClassifier).fit(X.astype(np.float32), y)
    np.testing.assert_allclose(
        clf.predict_proba(X), tiny(PaReClassifier).fit(X, y).predict_proba(X), atol=1e-3
    )
