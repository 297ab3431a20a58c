"""Devices and precisions, with faked availability."""

import multiprocessing
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.base import clone

import sklearn_pare
from sklearn_pare import PaReClassifier, PaReRegressor, _device
from sklearn_pare.exceptions import DeviceError
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


def test_resolve_device__not_there__error_names_the_remedy(fake):
    fake()
    with pytest.raises(
        ValueError, match=r"device='cuda:1' is not available.*device='cpu'"
    ):
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


@pytest.fixture
def forked(monkeypatch):
    """A process forked from one that had used CUDA, where there is one device."""
    monkeypatch.setattr(torch.cuda, "_is_in_bad_fork", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)


@pytest.mark.parametrize("device", ["cuda", "cuda:0", "auto"])
def test_fit_and_predict__cuda_in_a_forked_process__error_names_loky(
    device, forked, table
):
    clf = tiny(PaReClassifier, device="cpu").fit(*table).set_params(device=device)
    with pytest.raises(DeviceError, match=f"device='{device}'.*fork.*loky.*spawn"):
        clf.fit(*table)
    with pytest.raises(DeviceError, match=f"device='{device}'.*fork.*loky.*spawn"):
        clf.predict(table[0])


def test_resolve_device__cpu_in_a_forked_process__cpu(forked, monkeypatch):
    assert _device.resolve_device("cpu").type == "cpu"
    # For torch, a call of is_available before the fork is enough for a bad fork.
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert _device.resolve_device("auto").type in ("cpu", "mps", "xpu")


_FORK = """
import os, sys
import numpy as np, torch
from sklearn_pare import PaReClassifier
from tests.common.instances import tiny
torch.set_num_threads(1)
X = np.random.default_rng(0).normal(size=(24, 5))
def fit():
    return tiny(PaReClassifier, max_epochs=1).fit(X, X[:, 0] > 0)._outputs(X).tobytes()
here = fit()
child = os.fork()
if child == 0:
    assert torch.cuda._is_in_bad_fork()
    os._exit(0 if fit() == here else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_fit__forked_where_there_is_no_cuda__works():
    if not hasattr(os, "fork"):
        pytest.skip("this system cannot fork")
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device here, which does not survive a fork")
    subprocess.run([sys.executable, "-c", _FORK], check=True)


CUDA = torch.device("cuda")


@pytest.mark.parametrize("workspace", [None, ":8:8", ""])
def test_check_deterministic__cuda_without_its_workspace__error_names_the_remedy(
    workspace, deterministic, monkeypatch
):
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    if workspace is not None:
        monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", workspace)
    _device.check_deterministic(CUDA)
    deterministic(True)
    with pytest.raises(DeviceError) as error:
        _device.check_deterministic(torch.device("cuda:1"))
    assert str(error.value) == (
        "torch.use_deterministic_algorithms(True) on 'cuda:1' requires the environment "
        "variable CUBLAS_WORKSPACE_CONFIG to be :4096:8 or :16:8; it is "
        f"{workspace!r}. Set it before Python starts, for example with export "
        "CUBLAS_WORKSPACE_CONFIG=:4096:8."
    )
    # Only a warning of torch.
    deterministic(True, warn_only=True)
    _device.check_deterministic(CUDA)


@pytest.mark.parametrize("workspace", [":4096:8", ":16:8"])
def test_check_deterministic__cuda_with_its_workspace__passes(
    workspace, deterministic, monkeypatch
):
    deterministic(True)
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", workspace)
    _device.check_deterministic(CUDA)


@pytest.mark.parametrize("kind", ["cpu", "mps", "xpu"])
def test_check_deterministic__other_devices__need_no_workspace(
    kind, deterministic, monkeypatch
):
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    deterministic(True)
    _device.check_deterministic(torch.device(kind))


def test_fit_and_predict__deterministic_algorithms_on_cuda__clear_error(
    fake, table, deterministic, monkeypatch
):
    fake("cuda")
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    random_state = np.random.RandomState(3)
    clf = tiny(PaReClassifier, device="cpu", linear_path=False, max_epochs=1)
    clf.fit(*table).set_params(device="cuda:0", random_state=random_state)
    deterministic(True)
    with pytest.raises(DeviceError, match="CUBLAS_WORKSPACE_CONFIG=:4096:8"):
        clf.fit(*table)
    assert random_state.randint(100) == np.random.RandomState(3).randint(100)
    with pytest.raises(DeviceError, match="CUBLAS_WORKSPACE_CONFIG=:4096:8"):
        clf.predict(table[0])


@pytest.mark.parametrize("shape", [(24, 5), (24, 2, 16), (24, 1, 8, 8)], ids=str)
@pytest.mark.parametrize("kind", [PaReClassifier, PaReRegressor])
def test_fit_and_predict__deterministic_algorithms__same_bits_on_a_cpu(
    kind, shape, deterministic
):
    X = np.random.default_rng(0).normal(size=shape)
    y = X.reshape(len(X), -1)[:, 0]
    y = y > 0 if kind is PaReClassifier else y
    usual = tiny(kind, max_epochs=2).fit(X, y)._outputs(X)
    deterministic(True)
    estimator = tiny(kind, max_epochs=2).fit(X, y)
    np.testing.assert_array_equal(estimator._outputs(X), usual)


def test_init__asks_nothing_of_cuda(monkeypatch):
    def asked(*args):
        raise AssertionError

    for name in ("is_available", "device_count", "_lazy_init", "is_initialized"):
        monkeypatch.setattr(torch.cuda, name, asked)
    for kind in (PaReClassifier, PaReRegressor):
        repr(kind(device="cuda").set_params(device="auto"))


DEVICES = {
    "cpu": torch.device("cpu"),
    "first cpu": torch.device("cpu", 0),
    "name": "cpu:0",
    "auto": "auto",
}


@pytest.mark.parametrize("name", DEVICES)
def test_device__object_of_torch__like_its_name(name, tmp_path):
    X = np.random.default_rng(0).normal(size=(40, 4))
    y = X[:, 0] > 0
    usual = tiny(PaReClassifier, max_epochs=1, device="cpu").fit(X, y)
    clf = clone(tiny(PaReClassifier, max_epochs=1, device=DEVICES[name])).fit(X, y)
    assert clf.get_params()["device"] == DEVICES[name]
    assert repr(clf).startswith("PaReClassifier(")
    clf.save(tmp_path / "model.pare")
    loaded = sklearn_pare.load(tmp_path / "model.pare", device=DEVICES[name])
    for own in (clf, pickle.loads(pickle.dumps(clf)), loaded):
        assert own.device == DEVICES[name]
        assert own.predict_proba(X).tobytes() == usual.predict_proba(X).tobytes()


@pytest.mark.parametrize(
    ("device", "same"),
    [
        (torch.device("cuda"), "cuda"),
        (torch.device("cuda", 1), "cuda:1"),
        (torch.device("xpu", 0), "xpu:0"),
        (torch.device("mps"), "mps"),
    ],
    ids=str,
)
def test_resolve_device__object_of_torch__like_its_name(device, same, fake):
    fake("cuda", "cuda", "xpu", "mps")
    assert _device.resolve_device(device) == _device.resolve_device(same) == device
    fake()
    with pytest.raises(DeviceError, match=same):
        _device.resolve_device(device)


@pytest.mark.parametrize("device", [-1, 1.5, None, ["cpu"], True], ids=repr)
def test_device__neither_name_nor_device__value_error(device):
    with pytest.raises(ValueError, match="device"):
        tiny(PaReClassifier, device=device).fit(np.eye(4), [0, 1, 0, 1])


@pytest.mark.parametrize(
    ("device", "n_devices", "expected"),
    [
        ("auto", 2, "cuda:1"),
        ("cuda", 2, "cuda:1"),
        ("cuda:0", 2, "cuda:0"),
        # Each process sees a device of its own.
        ("auto", 1, "cuda:0"),
        ("cpu", 2, "cpu"),
    ],
)
def test_resolve_device__torchrun__device_of_the_process(
    device, n_devices, expected, fake, monkeypatch
):
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    fake(*["cuda"] * n_devices)
    assert str(_device.resolve_device(device)) == expected


def test_resolve_device__torchrun_of_one__as_without(fake, monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "1")
    fake("cuda", "cuda")
    assert str(_device.resolve_device("auto")) == "cuda"


@pytest.mark.parametrize(
    ("counts", "device", "expected"),
    [
        ((), "auto", "cuda"),
        ((1,), "auto", "cuda:0"),
        ((2,), "auto", "cuda:1"),
        ((3,), "cuda", "cuda:0"),
        # The first worker of the second process.
        ((2, 1), "auto", "cuda:0"),
        ((2,), "cuda:0", "cuda:0"),
        ((2,), "cpu", "cpu"),
    ],
)
def test_resolve_device__workers__round_robin(
    counts, device, expected, fake, monkeypatch
):
    monkeypatch.setattr(multiprocessing.current_process(), "_identity", counts)
    fake("cuda", "cuda")
    assert str(_device.resolve_device(device)) == expected


def test_resolve_device__workers_of_dask_cuda__first_device(fake, monkeypatch):
    monkeypatch.setattr(multiprocessing.current_process(), "_identity", (2,))
    monkeypatch.setitem(sys.modules, "dask_cuda", None)
    fake("cuda", "cuda")
    assert str(_device.resolve_device("auto")) == "cuda"
