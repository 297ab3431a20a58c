"""The equations of the method, tested on tensors."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sklearn_pare.nn import relaxed_top_k, replace_in_order, replace_tokens
from sklearn_pare.nn.replace import RandomGate

SIZES = [(5, 2), (16, 1), (64, 6), (64, 38), (256, 100), (256, 255)]


def _scores(n, generator, rows=3, dtype=torch.float64):
    return 1.5 * torch.randn(rows, n, generator=generator, dtype=dtype)


def _loop(scores, k, tau):
    """Compute k successive softmaxes sample by sample and term by term."""
    result = []
    for row in scores.tolist():
        khot = [0.0] * len(row)
        left = [0.0] * len(row)
        for _ in range(k):
            top = max((s + m) / tau for s, m in zip(row, left, strict=True))
            e = [math.exp((s + m) / tau - top) for s, m in zip(row, left, strict=True)]
            p = [value / sum(e) for value in e]
            khot = [a + b for a, b in zip(khot, p, strict=True)]
            left = [
                m + math.log(max(1 - b, 2.3e-308)) for m, b in zip(left, p, strict=True)
            ]
        result.append(khot)
    return torch.tensor(result, dtype=scores.dtype)


@pytest.mark.parametrize(("n", "k"), SIZES)
def test_relaxed_top_k__sums_to_k(n, k, generator):
    khot = relaxed_top_k(_scores(n, generator), k)
    torch.testing.assert_close(khot.sum(1), torch.full((3,), float(k)).double())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_relaxed_top_k__many_tokens_and_outliers__sums_to_k(dtype, generator):
    scores = _scores(3136, generator, dtype=dtype)
    scores[0, :5] += 60
    scores[1, 7] = -200
    for k in (0, 1, 500, 3000, 3136):
        khot = relaxed_top_k(scores, k)
        assert torch.isfinite(khot).all()
        torch.testing.assert_close(
            khot.sum(1), torch.full((3,), k, dtype=dtype), rtol=1e-5, atol=1e-5
        )


@pytest.mark.parametrize(("n", "k"), SIZES)
def test_relaxed_top_k__grows_with_the_score(n, k, generator):
    scores = _scores(n, generator)
    order = scores.argsort(1)
    assert (relaxed_top_k(scores, k).gather(1, order).diff(dim=1) > 0).all()


@pytest.mark.parametrize("constants", [(7, 7, 7), (-900, 0, 900), (5e3, -5e3, -5e3)])
def test_relaxed_top_k__constant_added_to_a_row__same(constants, generator):
    scores = _scores(64, generator)
    moved = scores + torch.tensor(constants, dtype=scores.dtype)[:, None]
    torch.testing.assert_close(relaxed_top_k(moved, 20), relaxed_top_k(scores, 20))


@given(
    n=st.integers(1, 200),
    share=st.floats(0, 1),
    spread=st.floats(0, 30),
    tau=st.floats(0.1, 3),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    seed=st.integers(0, 2**31),
)
def test_relaxed_top_k__any_scores__positive_rising_and_sums_to_k(
    n, share, spread, tau, dtype, seed
):
    generator = torch.Generator().manual_seed(seed)
    scores = spread * torch.randn(2, n, generator=generator, dtype=dtype)
    k = round(share * n)
    khot = relaxed_top_k(scores, k, tau)
    assert khot.dtype == dtype
    assert (khot >= 0).all()
    rounding = 16 * torch.finfo(dtype).eps * khot.amax(1, keepdim=True)
    assert (khot.gather(1, scores.argsort(1)).diff(dim=1) >= -rounding).all()
    total = torch.full((2,), k, dtype=dtype)
    torch.testing.assert_close(khot.sum(1), total, rtol=1e-5, atol=1e-5)


def test_relaxed_top_k__zero__no_token(generator):
    assert (relaxed_top_k(_scores(8, generator), 0) == 0).all()


def test_relaxed_top_k__jacobian__symmetric_without_row_sum(generator):
    scores = _scores(12, generator, rows=1)
    jacobian = torch.autograd.functional.jacobian(
        lambda s: relaxed_top_k(s[None], 5)[0], scores[0]
    )
    torch.testing.assert_close(jacobian, jacobian.T)
    torch.testing.assert_close(jacobian.sum(1), torch.zeros(12).double())
    assert (jacobian.abs() <= 1).all()
    assert jacobian.abs().max() > 0.01


def test_relaxed_top_k__gradient__finite_differences(generator):
    scores = _scores(20, generator).requires_grad_()
    assert torch.autograd.gradcheck(lambda s: relaxed_top_k(s, 7), scores)


@pytest.mark.parametrize(("n", "k"), [(8, 3), (64, 20)])
def test_relaxed_top_k__exact__is_the_loop(n, k, generator):
    scores = _scores(n, generator)
    torch.testing.assert_close(
        relaxed_top_k(scores, k, exact=True), _loop(scores, k, 0.9), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize(("n", "k", "least"), [(64, 20, 0.97), (1024, 300, 0.999)])
def test_relaxed_top_k__gradient_follows_the_loop(n, k, least, generator):
    upstream = torch.randn(2, n, generator=generator, dtype=torch.float64)
    scores = _scores(n, generator, rows=2)
    gradients = []
    for exact in (False, True):
        leaf = scores.clone().requires_grad_()
        relaxed_top_k(leaf, k, exact=exact).backward(upstream)
        gradients.append(leaf.grad)
    assert torch.cosine_similarity(*gradients, dim=1).min() > least


def _tokens(generator, n_target=10, n_source=7, rows=4, width=3):
    make = lambda n: torch.randn(rows, n, width, generator=generator)  # noqa: E731
    return make(n_target), make(n_source)


def test_replace_tokens__largest_differences__same_positions():
    target = torch.arange(1.0, 6)[None, :, None]
    mixed, target_index, source_index = replace_tokens(
        target,
        10 * target,
        torch.tensor([[0.1, 0.6, 0.4, 0.3, 0.7]]),
        torch.tensor([[0.3, 0.7, 0.1, 0.5, 0.2]]),
        2,
    )
    # Differences: .2, .1, -.3, .2, -.5.
    assert mixed.flatten().tolist() == [10.0, 2.0, 3.0, 40.0, 5.0]
    assert target_index.tolist() == source_index.tolist() == [[0, 3]]


def test_replace_tokens__score_gradient__is_that_of_the_swap(generator):
    # m = relaxed_top_k(b - a, k) in M = m S + (1 - m) T has the gradient <G, S - T>.
    target, source = _tokens(generator, 8, 8, rows=2)
    a, b = torch.randn(2, 2, 8, generator=generator)
    upstream = torch.randn(2, 8, 3, generator=generator)
    leaves = [a.clone().requires_grad_(), b.clone().requires_grad_()]
    replace_tokens(target, source, *leaves, 3)[0].backward(upstream)
    own = [a.clone().requires_grad_(), b.clone().requires_grad_()]
    swap = (upstream * (source - target)).sum(-1)
    (relaxed_top_k(own[1] - own[0], 3) * swap).sum().backward()
    for leaf, expected in zip(leaves, own, strict=True):
        torch.testing.assert_close(leaf.grad, expected.grad)


def test_replace_tokens__token_gradient__to_the_tokens_that_are_there(generator):
    target, source = (t.requires_grad_() for t in _tokens(generator, 8, 8))
    scores = torch.randn(2, 4, 8, generator=generator)
    mixed, index, _ = replace_tokens(target, source, *scores, 3)
    (mixed**2).sum().backward()
    replaced = torch.zeros(4, 8, dtype=torch.bool).scatter(1, index, True)[..., None]
    assert torch.equal(source.grad != 0, replaced.expand(-1, -1, 3))
    assert torch.equal(target.grad != 0, ~replaced.expand(-1, -1, 3))


@given(
    rows=st.integers(1, 3),
    n=st.integers(1, 12),
    width=st.integers(1, 4),
    share=st.floats(0, 1),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    seed=st.integers(0, 2**31),
)
def test_replace_tokens__any_shape__exactly_k_tokens_of_the_source(
    rows, n, width, share, dtype, seed
):
    generator = torch.Generator().manual_seed(seed)
    make = lambda *shape: torch.randn(*shape, generator=generator, dtype=dtype)  # noqa: E731
    target, source, k = make(rows, n, width), make(rows, n, width), round(share * n)
    scores = make(2, rows, n)
    before = target.clone(), source.clone()
    mixed, index, _ = replace_tokens(target, source, *scores, k)
    assert (mixed.shape, mixed.dtype, index.shape) == (target.shape, dtype, (rows, k))
    expected = target.clone()
    for row in range(rows):
        expected[row, index[row]] = source[row, index[row]]
    assert torch.equal(mixed, expected)
    assert torch.equal(target, before[0])
    assert torch.equal(source, before[1])


def test_replace_in_order__example_of_the_paper():
    # The second and fourth source token replace the first and fourth target token.
    target = torch.arange(1.0, 6)[None, :, None]
    mixed, target_index, source_index = replace_in_order(
        target,
        10 * target,
        torch.tensor([[0.1, 0.6, 0.4, 0.3, 0.7]]),
        torch.tensor([[0.3, 0.7, 0.1, 0.5, 0.2]]),
        2,
    )
    assert mixed.flatten().tolist() == [20.0, 2.0, 3.0, 40.0, 5.0]
    assert target_index.tolist() == [[0, 3]]
    assert source_index.tolist() == [[1, 3]]


@pytest.mark.parametrize("k", [0, 1, 4, 7])
def test_replace_in_order__lowest_out_highest_in_by_position(k, generator):
    target, source = _tokens(generator)
    a = torch.randn(4, 10, generator=generator)
    b = torch.randn(4, 7, generator=generator)
    mixed, _, _ = replace_in_order(target, source, a, b, k)
    for row in range(4):
        freed = sorted(a[row].argsort().tolist()[:k])
        chosen = sorted(b[row].argsort(descending=True).tolist()[:k])
        expected = target[row].clone()
        for slot, token in zip(freed, chosen, strict=True):
            expected[slot] = source[row, token]
        assert torch.equal(mixed[row], expected)


def test_replace_in_order__all__equals_source(generator):
    target, source = _tokens(generator, 6, 6)
    scores = torch.randn(2, 4, 6, generator=generator)
    mixed, _, _ = replace_in_order(target, source, *scores, 6)
    assert torch.equal(mixed, source)


def test_replace_in_order__inputs_stay_as_they_are(generator):
    target, source = _tokens(generator)
    before = target.clone(), source.clone()
    replace_in_order(target, source, target[..., 0], source[..., 0], 3)
    assert torch.equal(target, before[0])
    assert torch.equal(source, before[1])


def test_replace_in_order__gradient_reaches_tokens_and_scores(generator):
    target, source = (t.requires_grad_() for t in _tokens(generator))
    a = torch.randn(4, 10, generator=generator, requires_grad=True)
    b = torch.randn(4, 7, generator=generator, requires_grad=True)
    mixed, target_index, source_index = replace_in_order(target, source, a, b, 3)
    (mixed**2).sum().backward()
    for leaf in (a, b):
        assert (leaf.grad.abs().sum(1) > 0).all()
    kept = torch.ones(4, 10, dtype=torch.bool).scatter(1, target_index, False)
    taken = torch.zeros(4, 7, dtype=torch.bool).scatter(1, source_index, True)
    assert torch.equal(target.grad != 0, kept[..., None].expand(-1, -1, 3))
    assert torch.equal(source.grad != 0, taken[..., None].expand(-1, -1, 3))


def test_replace_in_order__score_gradient__is_that_of_the_relaxed_masks(generator):
    # In the paper's pseudo-code, kept target tokens are multiplied by
    # 1 + (u - stop(u)) with u = relaxed_top_k(a, N - k).
    target, source = _tokens(generator, 8, 8, rows=1)
    a = torch.randn(1, 8, generator=generator, requires_grad=True)
    b = torch.randn(1, 8, generator=generator)
    upstream = torch.randn(1, 8, 3, generator=generator)
    mixed, freed, _ = replace_in_order(target, source, a, b, 3)
    mixed.backward(upstream)
    mask = torch.ones(1, 8).scatter(1, freed, 0.0)
    weight = (upstream * target).sum(-1) * mask
    expected = torch.autograd.grad((relaxed_top_k(a, 5) * weight).sum(), a)[0]
    torch.testing.assert_close(a.grad, expected)


def test_replace_in_order__source_score_gradient__is_that_of_the_relaxed_choice(
    generator,
):
    # There, source tokens are multiplied by 1 + (v - stop(v)), v = relaxed_top_k(b, k).
    target, source = _tokens(generator, 8, 8, rows=1)
    a = torch.randn(1, 8, generator=generator)
    b = torch.randn(1, 8, generator=generator, requires_grad=True)
    upstream = torch.randn(1, 8, 3, generator=generator)
    mixed, freed, chosen = replace_in_order(target, source, a, b, 3)
    mixed.backward(upstream)
    weight = torch.zeros(1, 8)
    weight[0, chosen[0]] = (upstream[0, freed[0]] * source[0, chosen[0]]).sum(-1)
    expected = torch.autograd.grad((relaxed_top_k(b, 3) * weight).sum(), b)[0]
    torch.testing.assert_close(b.grad, expected)


@given(
    rows=st.integers(1, 3),
    n_target=st.integers(1, 12),
    n_source=st.integers(1, 12),
    width=st.integers(1, 4),
    share=st.floats(0, 1),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    seed=st.integers(0, 2**31),
)
def test_replace_in_order__any_shape__k_tokens_of_the_source_and_the_rest_as_it_was(
    rows, n_target, n_source, width, share, dtype, seed
):
    generator = torch.Generator().manual_seed(seed)
    make = lambda *shape: torch.randn(*shape, generator=generator, dtype=dtype)  # noqa: E731
    target, source = make(rows, n_target, width), make(rows, n_source, width)
    k = round(share * min(n_target, n_source))
    mixed, slots, tokens = replace_in_order(
        target, source, make(rows, n_target), make(rows, n_source), k
    )
    assert (mixed.shape, mixed.dtype) == (target.shape, dtype)
    assert slots.shape == tokens.shape == (rows, k)
    assert (slots.diff(dim=1) > 0).all()
    assert (tokens.diff(dim=1) > 0).all()
    for row in range(rows):
        expected = target[row].clone()
        expected[slots[row]] = source[row, tokens[row]]
        assert torch.equal(mixed[row], expected)


def test_random_gate__equal_scores(generator):
    tokens = torch.randn(2, 5, 3, generator=generator)
    assert torch.equal(RandomGate()(tokens), torch.zeros(2, 5))
