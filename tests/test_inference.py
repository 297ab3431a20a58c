"""Prediction in batches, which are made smaller if the memory is too small."""

import copy
import math

import numpy as np
import pytest
import torch

from sklearn_pare import PaReClassifier, PaReRegressor, _inference
from sklearn_pare.exceptions import OutOfMemoryError
from sklearn_pare.nn.model import PaReModel
from tests.common.instances import tiny

BATCH = 16
META = torch.device("meta")


class Memory:
    """A device with memory for `n_rows` samples; `sizes` are those of all batches."""

    def __init__(self, monkeypatch):
        self.n_rows, self.error = math.inf, torch.OutOfMemoryError("CUDA out of memory")
        self.at, self.sizes = None, []
        for name in ("predict", "features"):
            monkeypatch.setattr(
                PaReModel, name, self._limited(getattr(PaReModel, name))
            )

    def _limited(self, compute):
        def limited(model, x, *args, **kwargs):
            self.sizes.append(len(x))
            if len(x) > self.n_rows or len(self.sizes) == self.at:
                raise self.error
            return compute(model, x, *args, **kwargs)

        return limited


@pytest.fixture(scope="module")
def signals():
    """Other signals than those of the fit, from which thresholds are computed."""
    return np.random.default_rng(1).normal(size=(41, 2, 24))


@pytest.fixture(scope="module")
def fitted():
    signals = np.random.default_rng(0).normal(size=(40, 2, 24))
    settings = {"batch_size": BATCH, "max_epochs": 2, "linear_path": False}
    clf = tiny(PaReClassifier, precision="fp32", **settings)
    return clf.fit(signals, signals[:, 0, 0] > 0)


@pytest.fixture
def memory(monkeypatch):
    return Memory(monkeypatch)


@pytest.mark.parametrize("method", ["predict_proba", "transform"])
@pytest.mark.parametrize("n_rows", [15, 8, 3, 1])
def test_infer__memory_for_few_samples__all_in_one_smaller_shape(
    n_rows, method, fitted, signals, memory
):
    whole = getattr(fitted, method)(signals)
    memory.sizes.clear()
    memory.n_rows = n_rows
    np.testing.assert_allclose(getattr(fitted, method)(signals), whole, atol=1e-5)
    size = 2 ** int(math.log2(n_rows))
    n_retries = int(math.log2(BATCH / size))
    retries, batches = memory.sizes[:n_retries], memory.sizes[n_retries:]
    assert retries == [BATCH // 2**i for i in range(n_retries)]
    assert batches == [size] * math.ceil(len(signals) / size)


def test_infer__out_of_memory_in_the_last_batch__starts_again(fitted, signals, memory):
    memory.at = 3
    fitted.predict(signals)
    assert memory.sizes == [16] * 3 + [8] * 6


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried ..."),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling ..."),
    ],
    ids=repr,
)
def test_infer__any_error_about_memory__halves(error, fitted, signals, memory):
    memory.error, memory.n_rows = error, 8
    fitted.predict(signals)
    assert set(memory.sizes) == {16, 8}


def test_infer__tables_and_fields_in_small_batches__same_to_rounding(table, memory):
    X, _ = table
    fields = np.random.default_rng(0).normal(size=(20, 1, 8, 8))
    for rows, y in ((X, X[:, 0]), (fields, fields[:, 0])):
        memory.n_rows = math.inf
        reg = tiny(PaReRegressor, max_epochs=2, precision="fp32").fit(rows, y)
        whole = reg.predict(rows)
        memory.n_rows = 3
        np.testing.assert_allclose(reg.predict(rows), whole, rtol=0, atol=1e-5)


def test_infer__no_memory_for_one_sample__error_with_sizes_and_remedies(
    fitted, signals, memory
):
    memory.n_rows = 0
    with pytest.raises(OutOfMemoryError) as raised:
        fitted.predict(signals)
    assert memory.sizes == [16, 8, 4, 2, 1]
    assert isinstance(raised.value.__cause__, torch.OutOfMemoryError)
    message = str(raised.value)
    assert "1 sample of shape (2, 24), 48 numbers" in message
    assert "GiB are free" in message
    for remedy in ("?max_tokens=8", "backbone='pare-tiny'", "ending other programs"):
        assert remedy in message


def test_infer__no_memory_for_the_weights__error_at_once(
    fitted, signals, memory, monkeypatch
):
    def to(*args):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(torch.nn.Module, "to", to)
    # A device other than the CPU that exists on every machine.
    monkeypatch.setattr("sklearn_pare._base.resolve_device", lambda name: META)
    with pytest.raises(OutOfMemoryError, match=r"backbone with [\d,]+ weights.*'cpu'"):
        fitted.predict(signals)
    assert memory.sizes == []


def test_infer__bfloat16_in_small_batches__same_to_its_rounding(
    fitted, signals, memory
):
    clf = copy.deepcopy(fitted).set_params(precision="bf16")
    whole = clf.predict_proba(signals)
    memory.n_rows = 1
    np.testing.assert_allclose(clf.predict_proba(signals), whole, atol=2e-3)


def test_infer__other_errors__as_they_are(fitted, signals, memory, monkeypatch):
    memory.error, memory.n_rows = RuntimeError("something else"), 0
    with pytest.raises(RuntimeError, match="something else"):
        fitted.predict(signals)
    assert memory.sizes == [16]

    def to(*args):
        raise RuntimeError("no such device")

    monkeypatch.setattr(torch.nn.Module, "to", to)
    arguments = fitted._model, signals, None, ((2, 24), (2,)), 1, META, ()
    with pytest.raises(RuntimeError, match="no such device"):
        next(_inference.in_batches(None, *arguments))
