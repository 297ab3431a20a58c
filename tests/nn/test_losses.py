import math

import numpy as np
import pytest
import torch

from sklearn_pare.nn.heads import TokenHead
from sklearn_pare.nn.losses import (
    IGNORED,
    REGRESSION_LOSSES,
    binary_cross_entropy,
    cross_entropy,
    pare_loss,
    relative_l2,
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


def test_pare_loss__fewer_mixed_rows__those_of_the_first():
    clean, mixed = torch.randn(2, 4, 3)
    y, weight = torch.tensor([0, 2, 1, 1]), torch.tensor([2.0, 0.5, 1.0, 0.5])
    source, y_source = torch.randn(2, 5), torch.tensor([4, 0])
    outputs = Outputs(clean, mixed[:2], source, fraction=0.5)
    terms = pare_loss(outputs, y, weight, cross_entropy, y_source)
    alone = Outputs(mixed[:2])
    expected = pare_loss(alone, y[:2], weight[:2], cross_entropy).target
    torch.testing.assert_close(terms.mixed_target, expected)
    clean = pare_loss(Outputs(clean), y, weight, cross_entropy).target
    torch.testing.assert_close(terms.target, clean)


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


def _mask(generator, classes=3):
    outputs = torch.randn(2, classes, 4, 5, generator=generator)
    return outputs, torch.randint(classes, (2, 4, 5), generator=generator)


def test_cross_entropy__mask__mean_over_places(generator):
    outputs, y = _mask(generator)
    each = -outputs.log_softmax(1).gather(1, y[:, None])[:, 0]
    torch.testing.assert_close(cross_entropy(outputs, y), each.mean((1, 2)))


def test_cross_entropy__ignored_places__no_influence(generator):
    outputs, y = _mask(generator)
    y[:, 2:] = IGNORED
    outputs.requires_grad_()
    loss = cross_entropy(outputs, y)
    torch.testing.assert_close(loss, cross_entropy(outputs[:, :, :2], y[:, :2]))
    loss.sum().backward()
    assert (outputs.grad[:, :, 2:] == 0).all()
    assert (outputs.grad[:, :, :2] != 0).all()


def test_cross_entropy__row_without_places__zero(generator):
    outputs, y = _mask(generator)
    y[0] = IGNORED
    loss = cross_entropy(outputs, y, [1.0, 2.0, 3.0])
    assert loss[0] == 0
    assert loss[1] > 0


def test_cross_entropy__class_weight__weighs_places(generator):
    outputs, y = _mask(generator)
    weight = torch.tensor([0.5, 1.0, 4.0])
    each = -outputs.log_softmax(1).gather(1, y[:, None])[:, 0]
    expected = (weight[y] * each).mean((1, 2))
    torch.testing.assert_close(cross_entropy(outputs, y, weight.tolist()), expected)
    plain = cross_entropy(outputs, y, [1.0, 1.0, 1.0])
    torch.testing.assert_close(plain, cross_entropy(outputs, y))


def test_binary_cross_entropy__pos_weight__labels_that_are_there(generator):
    outputs = torch.randn(6, 2, generator=generator)
    there = torch.ones(6, 2)
    plain = binary_cross_entropy(outputs[:, :1], there[:, :1])
    weighed = binary_cross_entropy(outputs[:, :1], there[:, :1], [3.0])
    torch.testing.assert_close(weighed, 3 * plain)
    absent = binary_cross_entropy(outputs, 0 * there, [3.0, 7.0])
    torch.testing.assert_close(absent, binary_cross_entropy(outputs, 0 * there))


@pytest.mark.parametrize("shape", [(3,), (2, 7), (2, 4, 5)], ids=str)
def test_relative_l2__as_in_numpy(shape, generator):
    y, outputs = torch.randn(2, 5, *shape, generator=generator).double()
    flat = y.flatten(1).numpy(), outputs.flatten(1).numpy()
    expected = np.linalg.norm(flat[1] - flat[0], axis=1) / np.linalg.norm(
        flat[0], axis=1
    )
    np.testing.assert_allclose(relative_l2(outputs, y), expected, rtol=1e-6)
    np.testing.assert_allclose(relative_l2(1e3 * outputs, 1e3 * y), expected, rtol=1e-6)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_relative_l2__exact_or_zero_target__finite_gradient(value):
    y = torch.full((2, 3), value)
    outputs = y.clone().requires_grad_()
    relative_l2(outputs, y).sum().backward()
    assert outputs.grad.isfinite().all()


@pytest.mark.parametrize("name", REGRESSION_LOSSES)
def test_regression_loss__one_number_a_row(name, generator):
    outputs, y = torch.randn(2, 5, 2, 3, 4, generator=generator)
    loss = REGRESSION_LOSSES[name]
    assert loss(outputs, y).shape == (5,)
    alone = torch.cat([loss(o[None], t[None]) for o, t in zip(outputs, y, strict=True)])
    torch.testing.assert_close(loss(outputs, y), alone)


def test_huber__far_off__pulls_with_constant_force():
    outputs = torch.tensor([[10.0], [20.0]], requires_grad=True)
    REGRESSION_LOSSES["huber"](outputs, torch.zeros(2, 1)).sum().backward()
    assert outputs.grad.tolist() == [[1.0], [1.0]]
