"""Competing kernels, compared with a plain reference."""

import numpy as np
import pytest
import torch

from sklearn_pare.nn.competing import CompetingKernels


def _reference(kernels, x):
    """Return the features of one signal (C, L), position by position."""
    length, found = x.shape[1], []
    changes = np.diff(x, prepend=x[:, :1])
    weights = (kernels.taps * kernels.read[..., None, :, None]).double().numpy()
    for dilation, halves in zip(kernels.dilations, weights, strict=True):
        for form, groups in zip((x, changes), halves, strict=True):
            padded = np.pad(form, [(0, 0), (4 * dilation, 4 * dilation)])
            sums, counts = np.zeros((32, 8)), np.zeros((32, 8))
            for place in range(length):
                window = padded[:, place : place + 8 * dilation + 1 : dilation]
                responses = np.einsum("gkct,ct->gk", groups, window)
                rows = np.arange(32)
                sums[rows, responses.argmax(1)] += responses.max(1)
                counts[rows, responses.argmin(1)] += 1
            found += [sums.ravel(), counts.ravel()]
    return np.sqrt(np.maximum(np.concatenate(found), 0))


@pytest.mark.parametrize("shape", [(1, 40), (3, 25), (2, 9)], ids=str)
def test_features__as_in_the_reference(shape, rng):
    kernels = CompetingKernels(*shape)
    x = rng.normal(size=(3, *shape))
    found = kernels(torch.from_numpy(x).float())
    assert found.shape == (3, kernels.n_features)
    expected = np.stack([_reference(kernels, row) for row in x])
    np.testing.assert_allclose(found, expected, atol=2e-3, rtol=1e-3)


@pytest.mark.parametrize("shape", [(1, 1), (60, 2), (2, 24), (1, 9000)], ids=str)
def test_features__any_shape__finite(shape, rng):
    kernels = CompetingKernels(*shape)
    x = torch.from_numpy(rng.normal(size=(2, *shape))).float()
    for signals in (x, torch.zeros_like(x), 1e6 * x):
        assert kernels(signals).isfinite().all()


def test_features__of_a_sample__independent_of_the_batch(rng):
    kernels = CompetingKernels(2, 50)
    x = torch.from_numpy(rng.normal(size=(5, 2, 50))).float()
    torch.testing.assert_close(kernels(x)[3:4], kernels(x[3:4]))


def test_design__same_in_each_process_and_read_by_every_group():
    first, again = CompetingKernels(5, 64), CompetingKernels(5, 64)
    torch.testing.assert_close(first.taps, again.taps, rtol=0, atol=0)
    n_read = first.read.sum(-1)
    assert 1 <= n_read.min() < n_read.max() <= 5
    # Kernels do not respond to a constant level.
    assert first.taps.sum(-1).abs().max() < 1e-5


def test_features__padded_with_a_constant__independent_of_rounding(rng):
    kernels = CompetingKernels(1, 150)
    x = rng.normal(size=(20, 1, 150))
    x[:, :, 40:] = -0.83
    first, again = (
        kernels(torch.from_numpy(scale * x).float()).square()
        for scale in (1.0, 1 + 1e-6)
    )
    # Counts and sums, of which a tie could change one or two at the edge.
    assert (first - again).abs().max() < 3
