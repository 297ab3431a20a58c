import pickle

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits, load_wine

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.exceptions import DataError
from sklearn_pare.nn.losses import (
    LossTerms,
    add_agreement,
    class_agreement,
    label_agreement,
)
from sklearn_pare.nn.model import Outputs
from tests.common.instances import tiny

RNG = np.random.default_rng(1)


@pytest.fixture
def digits_parts():
    X, y = load_digits(return_X_y=True)
    return X[:40], y[:40], X[40:140]


def _clf(**settings):
    settings = {"input_shape": (1, 8, 8), "max_epochs": 3} | settings
    return tiny(PaReClassifier, **settings)


# --- what agreement is


def test_class_agreement__only_where_the_clean_row_is_sure():
    clean = torch.tensor([[9.0, 0.0, 0.0], [0.5, 0.0, 0.0], [0.0, 0.0, 9.0]])
    mixed = torch.tensor([[0.0, 1.0, 0.0], [5.0, 0.0, 0.0], [1.0, 2.0, 3.0]])
    found = class_agreement(mixed, clean)
    expected = -mixed.log_softmax(1)[[0, 2], [0, 2]]
    torch.testing.assert_close(found[[0, 2]], expected)
    assert found[1] == 0


def test_class_agreement__masks__mean_over_places():
    clean = torch.zeros(1, 2, 2, 2)
    clean[0, 1, 0, 0] = 9
    mixed = torch.randn(1, 2, 2, 2, generator=torch.Generator().manual_seed(0))
    expected = -mixed.log_softmax(1)[0, 1, 0, 0] / 4
    torch.testing.assert_close(class_agreement(mixed, clean)[0], expected)


def test_label_agreement__labels_that_are_sure_either_way():
    clean = torch.tensor([[9.0, -9.0, 0.3]])
    mixed = torch.tensor([[0.4, 0.7, 5.0]])
    expected = -torch.tensor(0.4).sigmoid().log() - torch.tensor(-0.7).sigmoid().log()
    torch.testing.assert_close(label_agreement(mixed, clean)[0], expected / 3)


def test_add_agreement__weighted_as_the_mixed_loss_and_no_gradient_to_clean_rows():
    clean = torch.tensor([[9.0, 0.0]], requires_grad=True)
    mixed = torch.tensor([[1.0, 2.0]], requires_grad=True)
    outputs = Outputs(clean, mixed, None, 0.25)
    terms = LossTerms(torch.tensor(1.0), torch.tensor(1.0))
    added = add_agreement(terms, outputs, class_agreement, 0.3)
    loss = class_agreement(mixed, clean).item()
    assert added.unlabeled.item() == pytest.approx(loss)
    assert added.total.item() == pytest.approx(1 + 0.3 * 0.75 * loss)
    added.total.backward()
    assert clean.grad is None
    assert mixed.grad.abs().sum() > 0


# --- in fit


def test_fit__digits__a_point_better_with_unlabelled_rows():
    # The promise is for the bundled body and five splits: `benchmarks unlabeled`.
    X, y = load_digits(return_X_y=True)
    settings = {"input_shape": (1, 8, 8), "max_epochs": 80, "random_state": 0}
    scores = [
        PaReClassifier(**settings)
        .fit(X[:50], y[:50], X_unlabeled=rows)
        .score(X[1000:], y[1000:])
        for rows in (None, X[50:550])
    ]
    assert scores[1] > scores[0] + 0.01


def test_fit__none__as_without_the_argument(digits_parts):
    X, y, _ = digits_parts
    first, second = _clf().fit(X, y), _clf().fit(X, y, X_unlabeled=None)
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))
    assert all(row["unlabeled_loss"] is None for row in second.history_)


def test_fit__unlabelled_rows__are_learned_from(digits_parts):
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


def test_fit__order_of_labelled_rows__stays(digits_parts, monkeypatch):
    from sklearn_pare.training.net import PaReNet

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
def test_fit__every_target(kind, tmp_path):
    X = RNG.normal(size=(24, 1, 8, 8)).astype(np.float32)
    more = RNG.normal(size=(11, 1, 8, 8)).astype(np.float32)
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
        ({}, np.zeros((5, 63)), r"X_unlabeled does not go.*\(1, 8, 8\).*63 features"),
        ({}, np.zeros((0, 64)), r"X_unlabeled does not go.*0 sample"),
        ({}, np.full((5, 64), np.nan), r"X_unlabeled does not go.*NaN"),
        ({"source": None}, np.zeros((5, 64)), "source=None"),
        ({"mix_start": 0.0, "mix_end": 0.0}, np.zeros((5, 64)), "mix_start=0.0"),
    ],
)
def test_fit__bad_rows__clear_error(digits_parts, settings, rows, words):
    X, y, _ = digits_parts
    with pytest.raises(DataError, match=f"(?s){words}"):
        _clf(**settings).fit(X, y, X_unlabeled=rows)
