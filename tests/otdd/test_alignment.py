"""The distance as a loss."""

import numpy as np
import pytest
import torch

from sklearn_pare.exceptions import DataError
from sklearn_pare.otdd import Alignment, _alignment, _solvers, dataset_distance
from tests.otdd.data import clusters


@pytest.mark.parametrize("inner", ["exact", "gaussian", "sinkhorn"])
def test_alignment__value__near_the_squared_distance(inner):
    a, (Z, z) = clusters(0, 200), clusters(1, 100)
    loss = Alignment(*a, inner=inner).loss(torch.from_numpy(Z), z)
    expected = dataset_distance(*a, Z, z, inner=inner) ** 2
    assert loss.item() == pytest.approx(expected, rel=0.05)


def test_alignment__source_without_spread__exact():
    Z, z = clusters(1, 30)
    source = np.ones((20, Z.shape[1]))
    features = torch.from_numpy(Z).requires_grad_()
    loss = Alignment(source, None).loss(features, z)
    loss.backward()
    expected = dataset_distance(source, None, Z, z, inner="gaussian") ** 2
    assert loss.item() == pytest.approx(expected, rel=1e-3)
    assert features.grad.isfinite().all()


def test_alignment__source_itself__zero_without_gradient():
    X, y = clusters(0, 60)
    features = torch.from_numpy(X).requires_grad_()
    loss = Alignment(X, y).loss(features, y)
    loss.backward()
    assert abs(loss.item()) < 1e-9
    assert features.grad.abs().max() < 1e-9


@pytest.mark.parametrize("labels", [True, False])
def test_alignment__gradient__finite_differences(labels, monkeypatch):
    monkeypatch.setattr(_solvers, "TOLERANCE", 1e-10)
    monkeypatch.setattr(_solvers, "MAX_ITERATIONS", 5_000)
    monkeypatch.setattr(_solvers, "REGULARISATION", 0.5)
    alignment = Alignment(*clusters(0, 8, d=2, n_classes=2))
    Z, z = clusters(1, 4, d=2, n_classes=2)
    z = z if labels else None
    features = torch.from_numpy(Z).requires_grad_()
    # The distances between classes have no gradient.
    held = alignment.label_distances(features, z)
    assert torch.autograd.gradcheck(
        lambda rows: alignment.loss(rows, z, label_distances=held),
        features,
        eps=1e-5,
        atol=1e-5,
        rtol=1e-4,
    )


def test_alignment__descent__comes_near():
    a = clusters(0, 60)
    alignment = Alignment(*a)
    features = torch.from_numpy(clusters(1, 40)[0] + 5).float().requires_grad_()
    y = clusters(1, 40)[1]
    losses = []
    for _ in range(30):
        loss = alignment.loss(features, y)
        (gradient,) = torch.autograd.grad(loss, features)
        features = (features - 8 * gradient).detach().requires_grad_()
        losses.append(loss.item())
    assert loss.dtype == torch.float32
    assert losses[-1] < 0.2 * losses[0]


def test_alignment__held_label_distances__only_the_batch_is_solved(monkeypatch):
    alignment = Alignment(*clusters(0, 60), inner="exact")
    Z, z = clusters(1, 8)
    features = torch.from_numpy(Z)
    held, expected = alignment.label_distances(features, z), alignment.loss(features, z)
    solved, potentials = [], _solvers.potentials

    def spy(cost, *args, **kwargs):
        solved.append(cost.shape)
        return potentials(cost, *args, **kwargs)

    monkeypatch.setattr(_solvers, "potentials", spy)
    monkeypatch.setattr(_alignment, "statistics", None)
    monkeypatch.setattr(_alignment, "between", None)
    assert torch.equal(alignment.loss(features, z, label_distances=held), expected)
    assert solved == [(60, 8), (8, 8)]


@pytest.mark.parametrize(
    ("features", "labels", "message"),
    [
        (torch.zeros(4, 3, 2), None, r"\[4, 3, 2\].*\(B, d\).*mean over tokens"),
        (torch.zeros(4, 2), None, r"X_source has 3 features and features has 2"),
        (torch.zeros(4, 3), [0, 1], r"features has 4 samples and labels has 2"),
    ],
)
def test_alignment__bad_input__says_what_to_do(features, labels, message):
    alignment = Alignment(*clusters(0))
    with pytest.raises(DataError, match=message):
        alignment.loss(features, labels)


def test_alignment__other_classes_than_held__says_what_to_do():
    alignment, features = Alignment(*clusters(0)), torch.zeros(4, 3)
    held = alignment.label_distances(features)
    with pytest.raises(DataError, match=r"2 classes.*holds 1.*label_distances"):
        alignment.loss(features, [0, 0, 1, 1], label_distances=held)
