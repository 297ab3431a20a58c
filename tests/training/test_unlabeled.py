"""Unlabelled samples in training."""

import pickle

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_wine

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.exceptions import DataError
from sklearn_pare.nn.losses import add_agreement
from sklearn_pare.training import step
from sklearn_pare.training.net import PaReNet
from tests.common.instances import tiny


@pytest.fixture
def digits_parts():
    X, y = load_digits(return_X_y=True)
    return X[:40], y[:40], X[40:140]


def _clf(**settings):
    settings = {"input_shape": (1, 8, 8), "max_epochs": 3} | settings
    return tiny(PaReClassifier, **settings)


def test_fit__unlabelled_samples__clean_and_mixed_predictions_agree_better(
    rng, monkeypatch
):
    # `python -m studies unlabeled` measures how much better the predictions become;
    # here the loss is compared with that of a fit that does not lower it.
    X, more = rng.normal(size=(40, 1, 8, 8)), rng.normal(size=(60, 1, 8, 8))
    settings = {"max_epochs": 15, "batch_size": 20, "linear_path": False}
    settings |= {"mix_start": 0.6, "mix_end": 0.6, "mix_weight": 1.0}
    reg = tiny(PaReRegressor, **settings)

    def disagreement():
        history = reg.fit(X, X[:, 0, 0, 0], X_unlabeled=more).history_
        return np.mean([row["unlabeled_loss"] for row in history[-5:]])

    trained = disagreement()

    def record_only(terms, *args):
        return add_agreement(terms, *args)._replace(total=terms.total)

    monkeypatch.setattr(step, "add_agreement", record_only)
    assert trained < 0.75 * disagreement()


def test_fit__none__as_without_the_argument(digits_parts):
    X, y, _ = digits_parts
    first, second = _clf().fit(X, y), _clf().fit(X, y, X_unlabeled=None)
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))
    assert all(row["unlabeled_loss"] is None for row in second.history_)


def test_fit__unlabelled_samples__are_learned_from(digits_parts):
    X, _, X_unlabeled = digits_parts
    settings = {"input_shape": (1, 8, 8), "linear_path": False, "max_epochs": 3}
    first, second = (
        tiny(PaReRegressor, **settings).fit(X, X.mean(1), X_unlabeled=rows)
        for rows in (X_unlabeled, X_unlabeled[::-1])
    )
    assert all(row["unlabeled_loss"] > 0 for row in first.history_)
    assert not np.array_equal(first.predict(X), second.predict(X))


def test_fit__same_seed__same_model_and_pickles(digits_parts):
    X, y, X_unlabeled = digits_parts
    first, second = (_clf().fit(X, y, X_unlabeled=X_unlabeled) for _ in "ab")
    expected = first.predict_proba(X)
    np.testing.assert_array_equal(second.predict_proba(X), expected)
    again = pickle.loads(pickle.dumps(first))
    np.testing.assert_array_equal(again.predict_proba(X), expected)


def test_fit__order_of_labelled_samples__stays(digits_parts, monkeypatch):
    X, y, X_unlabeled = digits_parts
    seen = []
    step = PaReNet.train_step_single

    def spy(self, batch, **kwargs):
        seen[-1].append(batch[1].tolist())
        return step(self, batch, **kwargs)

    monkeypatch.setattr(PaReNet, "train_step_single", spy)
    for rows in (None, X_unlabeled):
        seen.append([])
        _clf(batch_size=16).fit(X, y, X_unlabeled=rows)
    assert seen[0] == seen[1]


@pytest.mark.parametrize("kind", ["numbers", "fields", "masks", "labels", "lazy"])
def test_fit__every_target(kind, tmp_path, rng, monkeypatch):
    monkeypatch.setattr("sklearn_pare._data.lazy.MAX_READ", 0)
    X = rng.normal(size=(24, 1, 8, 8)).astype(np.float32)
    more = rng.normal(size=(11, 1, 8, 8)).astype(np.float32)
    y = {
        "numbers": X[:, 0, 0, 0],
        "fields": X[:, 0],
        "masks": (X[:, 0] > 0).astype(int),
        "labels": (X[:, 0, 0, :3] > 0).astype(int),
        "lazy": (X[:, 0, 0, 0] > 0).astype(int),
    }[kind]
    if kind == "lazy":
        mapped = np.memmap(tmp_path / "more", np.float32, "w+", shape=more.shape)
        mapped[:] = more
        more = mapped
    estimator = PaReRegressor if kind in ("numbers", "fields") else PaReClassifier
    model = tiny(estimator, max_epochs=2).fit(X, y, X_unlabeled=more)
    assert all(np.isfinite(row["unlabeled_loss"]) for row in model.history_)
    assert model.predict(X).shape == y.shape


def test_fit__table_with_linear_path_and_validation_rows():
    data = load_wine(as_frame=True)
    X, y = data.data, data.target
    clf = tiny(PaReClassifier, max_epochs=3)
    clf.fit(X[::3], y[::3], X_val=X[1::3], y_val=y[1::3], X_unlabeled=X[2::3])
    assert clf._architecture.linear
    assert clf.score(X[2::3], y[2::3]) > 0.8


@pytest.mark.parametrize(
    ("settings", "rows", "words"),
    [
        (
            {},
            np.zeros((5, 63)),
            r"must be like.*\(1, 8, 8\).*63 features",
        ),
        ({}, np.zeros((0, 64)), r"must be like the data of fit.*0 sample"),
        ({}, np.full((5, 64), np.nan), r"must be like the data of fit.*missing"),
        ({"source": None}, np.zeros((5, 64)), "source=None"),
        ({"mix_start": 0.0, "mix_end": 0.0}, np.zeros((5, 64)), "mix_start=0.0"),
    ],
)
def test_fit__bad_rows__clear_error(digits_parts, settings, rows, words):
    X, y, _ = digits_parts
    with pytest.raises(DataError, match=f"(?s){words}"):
        _clf(**settings).fit(X, y, X_unlabeled=rows)
