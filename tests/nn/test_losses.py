import math

import pytest
import torch

from sklearn_pare.nn.heads import TokenHead
from sklearn_pare.nn.losses import (
    IGNORED,
    REGRESSION_LOSSES,
    binary_cross_entropy,
    cross_entropy,
    pare_loss,
    source_loss,
)
from sklearn_pare.nn.model import Outputs


def test_pare_loss__mixed__is_the_papers_sum():
    # Two rows, two classes: -log softmax by hand.
    clean = torch.tensor([[0.0, 0.0], [math.log(3), 0.0]])
    mixed = torch.tensor([[0.0, 0.0], [0.0, math.log(3)]])
    source = torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    y, y_source = torch.tensor([0, 0]), torch.tensor([2, 1])
    weight = torch.tensor([1.0, 1.0])
    outputs = Outputs(clean, mixed, source, fraction=0.25)
    terms = pare_loss(outputs, y, weight, cross_entropy, y_source, mix_weight=0.5)
    target = (math.log(2) + math.log(4 / 3)) / 2
    mixed_target = (math.log(2) + math.log(4)) / 2
    assert terms.target.item() == pytest.approx(target)
    assert terms.mixed_target.item() == pytest.approx(mixed_target)
    assert terms.mixed_source.item() == pytest.approx(math.log(3))
    expected = target + 0.5 * (0.75 * mixed_target + 0.25 * math.log(3))
    assert terms.total.item() == pytest.approx(expected)


def test_pare_loss__clean_only():
    outputs = Outputs(torch.zeros(2, 4))
    y, weight = torch.tensor([0, 3]), torch.tensor([0.5, 1.5])
    terms = pare_loss(outputs, y, weight, cross_entropy)
    assert terms.total.item() == pytest.approx(math.log(4))
    assert terms.mixed_target is None
    assert terms.mixed_source is None


def test_pare_loss__weights_count_in_target_terms_only():
    outputs = Outputs(*torch.randn(2, 3, 2), torch.randn(3, 5), fraction=0.5)
    y, y_source = torch.tensor([0, 1, 0]), torch.tensor([4, 0, 2])
    none = pare_loss(outputs, y, torch.zeros(3), cross_entropy, y_source)
    assert none.target == 0
    assert none.mixed_target == 0
    torch.testing.assert_close(none.total, 0.5 * none.mixed_source)


@pytest.mark.parametrize(
    ("name", "outputs", "y", "expected"),
    [
        ("squared_error", [[1.0, 2.0]], [[0.0, 4.0]], 2.5),
        ("huber", [[0.5, 2.0]], [[0.0, 5.0]], (0.125 + 2.5) / 2),
        ("relative_l2", [[1.0, 2.0]], [[1.0, 4.0]], 2 / math.sqrt(17)),
        ("binary_cross_entropy", [[0.0, 0.0]], [[1.0, 0.0]], math.log(2)),
        ("binary_cross_entropy", [[math.log(3)]], [[1.0]], math.log(4 / 3)),
    ],
)
def test_target_loss__by_hand(name, outputs, y, expected):
    loss = (REGRESSION_LOSSES | {"binary_cross_entropy": binary_cross_entropy})[name]
    losses = loss(torch.tensor(outputs), torch.tensor(y))
    assert losses.tolist() == pytest.approx([expected])


def test_source_loss__mask__share_of_each_class_under_a_token():
    # Two tokens side by side: the left one sees half of class 1, the right one all.
    mask = torch.tensor([[[0, 1, 1, 1], [0, 1, 1, 1]]])
    logits = torch.zeros(1, 2, 1, 2)
    logits[0, 1, 0, 1] = math.log(3)
    left, right = math.log(2), math.log(4 / 3)
    assert source_loss(logits, mask).item() == pytest.approx((left + right) / 2)


def test_source_loss__mask_of_a_signal__fills_the_grid_row_by_row():
    mask = torch.tensor([[0, 0, 0, 0, 0, 0, 1, 1]])
    logits = torch.zeros(1, 2, 2, 2)
    logits[0, 1, 1, 1] = math.log(3)
    expected = (3 * math.log(2) + math.log(4 / 3)) / 4
    assert source_loss(logits, mask).item() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("grid", "n_features", "out"), [((4, 4), 16, (4, 4)), ((8, 16), 8, (2, 4))]
)
def test_token_head__merged_tokens__keep_the_aspect(grid, n_features, out):
    head = TokenHead(6, 3, grid)
    assert head(torch.zeros(2, n_features, 6)).shape == (2, 3, *out)
