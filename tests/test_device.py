"""Devices and precisions, with availability faked."""

import pytest
import torch

from sklearn_pare import PaReClassifier, _device
from tests.common.instances import tiny


@pytest.fixture
def fake(monkeypatch):
    """Make exactly these kinds of device available."""

    def set_available(*kinds):
        monkeypatch.setattr(_device, "_count", kinds.count)

    return set_available


@pytest.mark.parametrize(
    ("available", "expected"),
    [
        ((), "cpu"),
        (("mps",), "mps"),
        (("mps", "xpu"), "xpu"),
        (("cuda", "xpu", "mps"), "cuda"),
    ],
)
def test_resolve_device__auto__takes_the_best(available, expected, fake):
    fake(*available)
    assert _device.resolve_device("auto").type == expected


def test_resolve_device__not_there__error_names_what_to_do(fake):
    fake()
    with pytest.raises(ValueError, match=r"'cuda:1' was asked for.*device='cpu'"):
        _device.resolve_device("cuda:1")


@pytest.mark.parametrize("device", ["cuda:1", "meta", "hpu", "abacus"])
def test_resolve_device__no_such_device__value_error(device, fake):
    fake("cuda")
    with pytest.raises(ValueError, match=f"device='{device}'"):
        _device.resolve_device(device)


@pytest.mark.parametrize(
    ("capability", "expected"), [((7, 5), False), ((8, 0), True), ((9, 0), True)]
)
def test_resolve_precision__auto_on_cuda__by_capability(
    capability, expected, monkeypatch
):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert _device.resolve_precision("auto", torch.device("cuda")) is expected


@pytest.mark.parametrize("fast", [True, False])
def test_resolve_precision__auto_on_cpu__by_instructions(fast, monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: fast)
    assert _device.resolve_precision("auto", torch.device("cpu")) is fast
    assert _device.resolve_precision("bf16", torch.device("cpu")) is True
    assert _device.resolve_precision("fp32", torch.device("cpu")) is False


def test_fit__absent_device__clear_error(table):
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    with pytest.raises(ValueError, match="device='cuda'"):
        tiny(PaReClassifier, device="cuda").fit(*table)
