import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import mean_pinball_loss, mean_poisson_deviance

from sklearn_pare.nn.heads import TokenHead
from sklearn_pare.nn.losses import (
    IGNORED,
    REGRESSION_LOSSES,
    LossTerms,
    Targets,
    add_agreement,
    binary_cross_entropy,
    class_agreement,
    cross_entropy,
    label_agreement,
    pare_loss,
    pinball,
    poisson,
    relative_l2,
    source_loss,
)
from sklearn_pare.nn.model import Outputs


def test_pare_loss__mixed__is_the_papers_sum():
    # Two samples and two classes; -log softmax by hand.
    clean = torch.tensor([[0.0, 0.0], [math.log(3), 0.0]])
    mixed = torch.tensor([[0.0, 0.0], [0.0, math.log(3)]])
    source = torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    clean_and_mixed = torch.tensor([0, 0]), torch.ones(2), 2
    targets = Targets(*2 * clean_and_mixed, torch.tensor([2, 1]))
    outputs = Outputs(clean, mixed, source, fraction=0.25)
    terms = pare_loss(outputs, targets, cross_entropy, 0.5, source_weight=3.0)
    target = (math.log(2) + math.log(4 / 3)) / 2
    mixed_target = (math.log(2) + math.log(4)) / 2
    assert terms.target.item() == pytest.approx(target)
    assert terms.mixed_target.item() == pytest.approx(mixed_target)
    assert terms.mixed_source.item() == pytest.approx(math.log(3))
    expected = target + 0.5 * (0.75 * mixed_target + 0.25 * 3 * math.log(3))
    assert terms.total.item() == pytest.approx(expected)


def test_pare_loss__own_samples__both_targets_by_their_tokens():
    clean, mixed = torch.randn(2, 3, 2)
    y, weight = torch.tensor([0, 1, 1]), torch.tensor([1.0, 2.0, 0.5])
    y_own, weight_own = torch.tensor([1, 0, 1]), torch.tensor([0.5, 1.0, 3.0])
    outputs = Outputs(clean, mixed, fraction=0.25)
    targets = Targets(*2 * (y, weight, 3), None, y_own, weight_own)
    terms = pare_loss(outputs, targets, cross_entropy)
    own = (weight * cross_entropy(mixed, y)).sum() / 3
    other = (weight_own * cross_entropy(mixed, y_own)).sum() / 3
    torch.testing.assert_close(terms.mixed_target, own)
    torch.testing.assert_close(terms.mixed_source, other)
    expected = terms.target + 0.75 * own + 0.25 * other
    torch.testing.assert_close(terms.total, expected)


def test_pare_loss__clean_only():
    outputs = Outputs(torch.zeros(2, 4))
    y, weight = torch.tensor([0, 3]), torch.tensor([0.5, 1.5])
    terms = pare_loss(outputs, Targets(y, weight, 2), cross_entropy)
    assert terms.total.item() == pytest.approx(math.log(4))
    assert terms.mixed_target is None
    assert terms.mixed_source is None


def test_pare_loss__fewer_mixed_rows__those_of_the_first():
    clean, mixed = torch.randn(2, 4, 3)
    y, weight = torch.tensor([0, 2, 1, 1]), torch.tensor([2.0, 0.5, 1.0, 0.5])
    source, y_source = torch.randn(2, 5), torch.tensor([4, 0])
    outputs = Outputs(clean, mixed[:2], source, fraction=0.5)
    targets = Targets(y, weight, 4, y[:2], weight[:2], 2, y_source)
    terms = pare_loss(outputs, targets, cross_entropy)
    alone = Targets(y[:2], weight[:2], 2)
    expected = pare_loss(Outputs(mixed[:2]), alone, cross_entropy).target
    torch.testing.assert_close(terms.mixed_target, expected)
    clean = pare_loss(Outputs(clean), Targets(y, weight, 4), cross_entropy).target
    torch.testing.assert_close(terms.target, clean)


def test_pare_loss__weights_count_in_target_terms_only():
    outputs = Outputs(*torch.randn(2, 3, 2), torch.randn(3, 5), fraction=0.5)
    y, y_source = torch.tensor([0, 1, 0]), torch.tensor([4, 0, 2])
    targets = Targets(*2 * (y, torch.zeros(3), 3), y_source)
    none = pare_loss(outputs, targets, cross_entropy)
    assert none.target == 0
    assert none.mixed_target == 0
    torch.testing.assert_close(none.total, 0.5 * none.mixed_source)


@pytest.mark.parametrize(
    ("name", "outputs", "y", "expected"),
    [
        ("squared_error", [[1.0, 2.0]], [[0.0, 4.0]], 2.5),
        ("absolute_error", [[1.0, 2.0]], [[0.0, 4.0]], 1.5),
        ("huber", [[0.5, 2.0]], [[0.0, 5.0]], (0.125 + 2.5) / 2),
        ("poisson", [[0.0, math.log(3)]], [[0.0, 3.0]], 0.5),
        ("poisson", [[0.0]], [[2.0]], 2 * math.log(2) - 1),
        ("pinball", [[1.0, 2.0]], [[0.0, 4.0]], 0.75),
        ("relative_l2", [[1.0, 2.0]], [[1.0, 4.0]], 2 / math.sqrt(17)),
        ("binary_cross_entropy", [[0.0, 0.0]], [[1.0, 0.0]], math.log(2)),
        ("binary_cross_entropy", [[math.log(3)]], [[1.0]], math.log(4 / 3)),
    ],
)
def test_target_loss__by_hand(name, outputs, y, expected):
    others = (binary_cross_entropy, pinball, poisson)
    loss = (REGRESSION_LOSSES | {other.__name__: other for other in others})[name]
    losses = loss(torch.tensor(outputs), torch.tensor(y))
    assert losses.tolist() == pytest.approx([expected])


def test_pinball__levels_side_by_side__as_in_scikit_learn(rng):
    y, outputs, levels = (
        rng.normal(size=(9, 2)),
        rng.normal(size=(9, 6)),
        [0.9, 0.1, 0.3],
    )
    expected = [
        mean_pinball_loss(y[:, k], outputs[:, 3 * k + q], alpha=level)
        for k in range(2)
        for q, level in enumerate(levels)
    ]
    losses = pinball(torch.from_numpy(outputs), torch.from_numpy(y), levels)
    assert losses.mean().item() == pytest.approx(np.mean(expected))
    # Fields are averaged over their positions as well.
    wide = torch.from_numpy(outputs)[..., None, None].expand(-1, -1, 2, 3)
    same = pinball(
        wide, torch.from_numpy(y)[..., None, None].expand(-1, -1, 2, 3), levels
    )
    torch.testing.assert_close(same, losses)


def test_poisson__as_in_scikit_learn(rng):
    y, outputs = rng.poisson(3, 20).astype(float), rng.normal(size=20)
    losses = poisson(torch.from_numpy(outputs)[:, None], torch.from_numpy(y)[:, None])
    expected = mean_poisson_deviance(y, np.exp(outputs)) / 2
    assert losses.mean().item() == pytest.approx(expected)


def test_source_loss__mask__share_of_each_class_under_a_token():
    # Two tokens side by side: half of the left one is of class 1, and all of the right.
    mask = torch.tensor([[[0, 1, 1, 1], [0, 1, 1, 1]]])
    logits = torch.zeros(1, 2, 1, 2)
    logits[0, 1, 0, 1] = math.log(3)
    left, right = math.log(2), math.log(4 / 3)
    assert source_loss(logits, mask).item() == pytest.approx((left + right) / 2)


@pytest.mark.parametrize("shape", [(4,), (2, 2)])
def test_source_loss__mask_without_the_last_classes__as_with_them(shape):
    # The logits of the five classes are equal.
    mask = torch.zeros(1, *shape, dtype=torch.int64)
    logits = torch.zeros(1, 5, 2, 2)
    assert source_loss(logits, mask).item() == pytest.approx(math.log(5))


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


def test_cross_entropy__row_of_one_place__loss_of_that_place(generator):
    outputs, y = _mask(generator)
    y[0] = IGNORED
    y[0, 1, 3] = 2
    expected = -outputs.log_softmax(1)[0, 2, 1, 3]
    torch.testing.assert_close(cross_entropy(outputs, y)[0], expected)


def test_cross_entropy__rows__one_loss_each(generator):
    outputs, y = torch.randn(5, 3, generator=generator), torch.tensor([0, 2, 1, 1, 0])
    expected = -outputs.log_softmax(1)[range(5), y]
    torch.testing.assert_close(cross_entropy(outputs, y), expected)


def test_cross_entropy__class_weight__weighs_places(generator):
    outputs, y = _mask(generator)
    weight = torch.tensor([0.5, 1.0, 4.0])
    each = -outputs.log_softmax(1).gather(1, y[:, None])[:, 0]
    expected = (weight[y] * each).mean((1, 2))
    torch.testing.assert_close(cross_entropy(outputs, y, weight.tolist()), expected)
    plain = cross_entropy(outputs, y, [1.0, 1.0, 1.0])
    torch.testing.assert_close(plain, cross_entropy(outputs, y))


@pytest.mark.parametrize("zero", [0.0, 0.3, 1.0, 2.5])
def test_binary_cross_entropy__class_weight__multiplies_the_terms(zero, generator):
    outputs = torch.randn(6, 2, generator=generator, requires_grad=True)
    y = (torch.rand(6, 2, generator=generator) > 0.5).float()
    terms = torch.where(y == 1, -outputs.sigmoid().log(), -(-outputs).sigmoid().log())
    weights = torch.where(y == 1, torch.tensor([3.0, 0.7]), torch.tensor([zero, 1.0]))
    expected = (weights * terms).mean(1)
    found = binary_cross_entropy(outputs, y, [(zero, 3.0), (1.0, 0.7)])
    torch.testing.assert_close(found, expected)
    (gradient,) = torch.autograd.grad(expected.sum(), outputs)
    torch.testing.assert_close(
        torch.autograd.grad(found.sum(), outputs)[0], gradient, atol=1e-6, rtol=1e-5
    )


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


def test_relative_l2__exact__next_to_nothing(generator):
    y = torch.randn(5, 3, generator=generator)
    assert (relative_l2(y, y) < 1e-6).all()


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


# --- agreement of predictions for unlabelled samples


def test_class_agreement__only_where_the_clean_row_is_sure():
    clean = torch.tensor([[9.0, 0.0, 0.0], [0.5, 0.0, 0.0], [0.0, 0.0, 9.0]])
    mixed = torch.tensor([[0.0, 1.0, 0.0], [5.0, 0.0, 0.0], [1.0, 2.0, 3.0]])
    found = class_agreement(mixed, clean)
    expected = -mixed.log_softmax(1)[[0, 2], [0, 2]]
    torch.testing.assert_close(found[[0, 2]], expected)
    assert found[1] == 0


def test_class_agreement__masks__mean_over_places(generator):
    clean = torch.zeros(1, 2, 2, 2)
    clean[0, 1, 0, 0] = 9
    mixed = torch.randn(1, 2, 2, 2, generator=generator)
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
    added = add_agreement(terms, outputs, class_agreement, 1, 0.3)
    loss = class_agreement(mixed, clean).item()
    assert added.unlabeled.item() == pytest.approx(loss)
    assert added.total.item() == pytest.approx(1 + 0.3 * 0.75 * loss)
    half = add_agreement(terms, outputs, class_agreement, 2)
    assert half.unlabeled.item() == pytest.approx(loss / 2)
    assert half.total.item() == pytest.approx(1 + 0.75 * loss / 2)
    added.total.backward()
    assert clean.grad is None
    assert mixed.grad.abs().sum() > 0


# --- parts of a batch


def test_loss_terms__parts__added_where_both_have_them():
    one = LossTerms(*map(torch.tensor, (1.0, 2.0, 4.0, 8.0)))
    other = LossTerms(torch.tensor(16.0), torch.tensor(32.0))
    unlabeled = other._replace(unlabeled=torch.tensor(64.0))
    assert one.plus(other) == (17, 34, 4, 8, None)
    assert other.plus(one) == (17, 34, 4, 8, None)
    assert one.plus(unlabeled) == (17, 34, 4, 8, 64)
    assert unlabeled.plus(one) == (17, 34, 4, 8, 64)
    assert one.plus(one) == (2, 4, 8, 16, None)


@given(
    n=st.integers(1, 9),
    n_parts=st.integers(1, 9),
    n_mixed=st.integers(0, 9),
    own=st.booleans(),
    weights=st.tuples(st.floats(0, 3), st.floats(0, 3)),
    fraction=st.floats(0, 1),
    seed=st.integers(0, 2**31),
)
def test_pare_loss__parts_of_a_batch__add_up_to_that_of_the_whole(
    n, n_parts, n_mixed, own, weights, fraction, seed
):
    n_mixed, n_parts = min(n_mixed, n), min(n_parts, n)
    generator = torch.Generator().manual_seed(seed)
    clean, mixed = torch.randn(2, n, 3, generator=generator).double()
    source = torch.randn(n_mixed, 5, generator=generator).double()
    weight, weight_own = torch.rand(2, n, generator=generator).double()
    y, y_own = torch.randint(3, (2, n), generator=generator)
    targets = Targets(y, weight, n, y[:n_mixed], weight[:n_mixed], n_mixed)
    if own:
        own_parts = {"y_own": y_own[:n_mixed], "weight_own": weight_own[:n_mixed]}
        targets = targets._replace(**own_parts)
    else:
        y_source = torch.randint(5, (n_mixed,), generator=generator)
        targets = targets._replace(y_source=y_source)

    def terms(i, n_parts):
        places = torch.arange(n_mixed)[i::n_parts]
        outputs = Outputs(clean[i::n_parts])
        if len(places):
            read = None if own else source[places]
            outputs = Outputs(clean[i::n_parts], mixed[places], read, fraction)
        return pare_loss(outputs, targets.part(i, n_parts), cross_entropy, *weights)

    added = terms(0, n_parts)
    for i in range(1, n_parts):
        added = added.plus(terms(i, n_parts))
    for found, expected in zip(added[:4], terms(0, 1)[:4], strict=True):
        if found is not None:
            torch.testing.assert_close(found, expected)


@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    rows=st.integers(1, 5),
    name=st.sampled_from(sorted(REGRESSION_LOSSES)),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    seed=st.integers(0, 2**31),
)
def test_regression_loss__any_shape__a_row_alone_is_the_row_in_a_batch(
    shape, rows, name, dtype, seed
):
    generator = torch.Generator().manual_seed(seed)
    outputs, y = torch.randn(2, rows, *shape, generator=generator).to(dtype)
    losses = REGRESSION_LOSSES[name](outputs, y)
    assert (losses.shape, losses.dtype) == ((rows,), dtype)
    assert (losses >= 0).all()
    alone = [
        REGRESSION_LOSSES[name](o[None], t[None])
        for o, t in zip(outputs, y, strict=True)
    ]
    torch.testing.assert_close(losses, torch.cat(alone))
