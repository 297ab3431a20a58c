import itertools

import pytest
import torch

from sklearn_pare.nn.kernels import DilatedKernels


@pytest.mark.parametrize("channels", [1, 3, 30])
def test_weight__84_kernels_of_three_twos_and_sum_zero(channels):
    kernels = DilatedKernels(channels, 100, 84)
    shape = len(kernels.dilations), 84, channels, 9
    assert kernels.weight.shape == shape
    read = kernels.weight.any(-1)
    taps = kernels.weight[read]
    assert (taps.sum(-1) == 0).all()
    assert ((taps == 2).sum(-1) == 3).all()
    assert ((taps == -1).sum(-1) == 6).all()
    # Every kernel reads at least one channel and at most as many as it has taps.
    counts = read.sum(-1)
    assert counts.min() == 1
    assert counts.max() <= min(channels, 9)
    twos = {tuple((k.any(0) & (k.amax(0) == 2)).tolist()) for k in kernels.weight[0]}
    expected = {
        tuple(i in chosen for i in range(9))
        for chosen in itertools.combinations(range(9), 3)
    }
    assert twos == expected


@pytest.mark.parametrize("length", [1, 5, 9, 17, 100, 5000])
def test_dilations__longest_kernel_spans_the_signal(length):
    dilations = DilatedKernels(1, length, 84).dilations
    assert dilations[0] == 1
    assert len(set(dilations)) == len(dilations) <= 32
    reach = 8 * dilations[-1] + 1
    assert reach <= max(length, 9)
    if length > 9:
        assert reach > length / 2


@pytest.mark.parametrize("wanted", [84, 1000, 10_000])
def test_n_features__near_what_is_asked_for(wanted, generator):
    kernels = DilatedKernels(2, 200, wanted)
    x = torch.randn(3, 2, 200, generator=generator)
    assert kernels(x).shape == (3, kernels.n_features)
    per_dilation = 84 * len(kernels.dilations)
    assert abs(kernels.n_features - max(wanted, per_dilation)) <= per_dilation / 2


def _fitted(shape, generator, n_features=2000, n_rows=20):
    kernels = DilatedKernels(*shape, n_features)
    x = torch.randn(n_rows, *shape, generator=generator)
    kernels.fit(x)
    return kernels, x


@pytest.mark.parametrize("shape", [(1, 100), (4, 60)], ids=str)
def test_fit__shares_spread_over_zero_to_one(shape, generator):
    kernels, x = _fitted(shape, generator)
    shares = kernels(x)
    assert shares.min() >= 0
    assert shares.max() <= 1
    means = shares.mean(0)
    # Quantiles by the golden ratio are spread evenly.
    counts = torch.histc(means, 10, 0, 1) / len(means)
    assert (counts - 0.1).abs().max() < 0.05
    assert shares.std(0).max() > 0.05


def test_fit__again__same_thresholds_and_no_gradient(generator):
    kernels, x = _fitted((2, 30), generator)
    before = kernels.thresholds.clone()
    kernels.fit(x)
    assert torch.equal(kernels.thresholds, before)
    assert list(kernels.parameters()) == []
    # The constructor computes the kernels again, so only thresholds are saved.
    assert list(kernels.state_dict()) == ["thresholds"]


def test_forward__by_hand(generator):
    kernels, x = _fitted((1, 40), generator, 84)
    i, j = len(kernels.dilations) - 1, 50
    dilation, taps = kernels.dilations[i], kernels.weight[i, j, 0]
    padded = torch.nn.functional.pad(x[0, 0], (4 * dilation, 4 * dilation))
    response = sum(
        tap * padded[k * dilation : k * dilation + 40] for k, tap in enumerate(taps)
    )
    expected = (response > kernels.thresholds[i, j, 0]).float().mean()
    share = kernels(x)[0].reshape(len(kernels.dilations), 84)[i, j]
    assert share.item() == pytest.approx(expected.item(), abs=1 / 40 + 1e-6)


def test_windows__mean_over_even_windows_is_the_whole(generator):
    kernels, x = _fitted((1, 64), generator)
    windows = kernels.windows(x, 16)
    assert windows.shape == (20, kernels.n_features, 16)
    torch.testing.assert_close(windows.mean(2), kernels(x))


def test_forward__level_of_the_signal__inner_responses_blind(generator):
    # Kernels that sum to zero ignore a constant, except where they read padding.
    kernels = DilatedKernels(1, 200, 84, max_dilations=1)
    x = torch.randn(2, 1, 200, generator=generator)
    (low,), (high,) = kernels._responses(x), kernels._responses(x + 100)
    torch.testing.assert_close(low[..., 4:-4], high[..., 4:-4], atol=1e-3, rtol=0)


@pytest.mark.parametrize("length", [1, 5, 9_000])
def test_forward__any_length__finite(length, generator):
    kernels, x = _fitted((1, length), generator, 500, n_rows=2)
    shares = kernels.windows(x, 16)
    assert shares.shape == (2, kernels.n_features, 16)
    assert shares.isfinite().all()
    assert kernels(x).std() > 0


def test_forward__later_channel_matters(generator):
    kernels, x = _fitted((12, 50), generator)
    for channel in range(12):
        changed = x[:1].clone()
        changed[:, channel] = torch.randn(50, generator=generator)
        assert not torch.equal(kernels(changed), kernels(x[:1]))
