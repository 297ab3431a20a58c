"""Fits on the device that is found; without a GPU a rehearsal on the CPU."""

import os
import threading

import numpy as np
import pytest
import torch

from sklearn_pare import PaReClassifier, PaReRegressor, load
from sklearn_pare._device import free_cache, resolve_device
from sklearn_pare.exceptions import OutOfMemoryError
from tests.common.instances import tiny

pytestmark = pytest.mark.gpu

DEVICE = resolve_device("auto")
RNG = np.random.default_rng(1)
N = 48
CLASSES = np.arange(N) % 3
# In float32, sums in another order.
CLOSE = {"rtol": 1e-3, "atol": 1e-3}
_MB = 2**20
KINDS = ["table", "signals", "images", "masks", "fields", "lines"]


def _data(name):
    """Return an estimator, and data whose classes or numbers can be learned."""
    # Images and fields are resized, masks are not.
    shape = {"table": (5,), "signals": (3, 40), "images": (3, 20, 20),
             "masks": (1, 16, 16), "fields": (1, 20, 20),
             "lines": (1, 40)}[name]  # fmt: skip
    X = RNG.normal(size=(N, *shape)).astype(np.float32)
    X.reshape(N, -1)[:, 0] += 4 * CLASSES
    if name == "masks":
        return tiny(PaReClassifier, max_epochs=2), X, (X[:, 0] > 0).astype(int)
    if name in ("fields", "lines"):
        return tiny(PaReRegressor, max_epochs=2), X, X[:, 0] ** 2
    return tiny(PaReClassifier), X, CLASSES


def _table(**settings):
    clf, X, y = _data("table")
    return clf.set_params(linear_path=False, **settings), X, y


@pytest.fixture
def strict(deterministic):
    """Deterministic algorithms, as far as the process was started for them."""
    if DEVICE.type == "cuda" and "CUBLAS_WORKSPACE_CONFIG" not in os.environ:
        pytest.skip("CUBLAS_WORKSPACE_CONFIG is not set, as `studies gpu` does")
    deterministic(True)


@pytest.mark.parametrize("name", KINDS)
def test_fit__prediction_on_the_cpu__the_same(name):
    estimator, X, y = _data(name)
    estimator.set_params(precision="fp32").fit(X, y)
    assert all(p.device.type == "cpu" for p in estimator._model.parameters())
    compute = getattr(estimator, "predict_proba", estimator.predict)
    here = compute(X)
    estimator.set_params(device="cpu")
    np.testing.assert_allclose(compute(X), here, **CLOSE)


def test_fit__classes__learned():
    clf, X, y = _table(max_epochs=20)
    assert clf.fit(X, y).score(X, y) > 0.8


def test_fit__alignment_and_samples_without_targets__finite():
    clf, X, y = _table(alignment="otdd", max_epochs=2)
    clf.fit(X, y, X_unlabeled=X + 1)
    assert np.isfinite([row["train_loss"] for row in clf.history_]).all()


def test_fit__afterwards__no_memory_in_use():
    if DEVICE.type == "cpu":
        pytest.skip("a CPU has no memory of its own")
    clf, X, y = _table()
    module = torch.get_device_module(DEVICE)
    clf.fit(X, y)
    before = module.memory_allocated(DEVICE)
    clf.fit(X, y).predict(X)
    assert module.memory_allocated(DEVICE) - before < 16 * _MB


def test_fit__interrupted_and_resumed__same_bits(strict, tmp_path, monkeypatch):
    clf, X, y = _table(batch_size=8)
    whole = clf.fit(X, y).predict_proba(X)
    step, seen = torch.optim.AdamW.step, []

    def cut(*args, **kwargs):
        seen.append(None)
        if len(seen) == 15:
            raise KeyboardInterrupt
        return step(*args, **kwargs)

    clf.set_params(checkpoint_dir=tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(torch.optim.AdamW, "step", cut)
        with pytest.raises(KeyboardInterrupt):
            clf.fit(X, y)
    assert list(tmp_path.glob("*.safetensors"))
    np.testing.assert_array_equal(clf.fit(X, y).predict_proba(X), whole)


def test_save__loaded_for_the_cpu__same_predictions(tmp_path):
    clf, X, y = _table(precision="fp32")
    here = clf.fit(X, y).predict_proba(X)
    clf.save(tmp_path / "model.pare")
    loaded = load(tmp_path / "model.pare").set_params(device="cpu")
    np.testing.assert_allclose(loaded.predict_proba(X), here, **CLOSE)


@pytest.mark.parametrize("name", KINDS)
def test_fit__deterministic__same_bits(strict, name):
    estimator, X, y = _data(name)
    compute = getattr(estimator, "predict_proba", estimator.predict)
    estimator.fit(X, y)
    first = compute(X)
    estimator.fit(X, y)
    np.testing.assert_array_equal(compute(X), first)


def test_fit__two_threads__same_bits(strict):
    results = {}

    def work(name):
        clf, X, y = data[name]
        results[name] = clf.fit(X, y).predict_proba(X)

    data = {name: _data(name) for name in ("table", "images")}
    alone = {}
    for name in data:
        work(name)
        alone[name] = results.pop(name)
    threads = [threading.Thread(target=work, args=(name,)) for name in data]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, expected in alone.items():
        np.testing.assert_array_equal(results[name], expected)


def test_predict__bf16__close_to_fp32():
    clf, X, y = _table(precision="bf16", max_epochs=20)
    clf.fit(X, y)
    in_bf16 = clf.predict_proba(X)
    in_fp32 = clf.set_params(precision="fp32").predict_proba(X)
    assert not np.array_equal(in_bf16, in_fp32)
    np.testing.assert_allclose(in_bf16, in_fp32, atol=0.05)


def test_module__compiled__same_outputs():
    clf, X, y = _data("images")
    module, x = clf.fit(X, y).module_.to(DEVICE), clf.encode(X).to(DEVICE)
    # Compiling for a CPU needs a C++ compiler, and a minute.
    backend = "eager" if DEVICE.type == "cpu" else "inductor"
    compiled = torch.compile(module, backend=backend)
    with torch.no_grad():
        torch.testing.assert_close(compiled(x), module(x), **CLOSE)


@pytest.mark.skipif(DEVICE.type != "cuda", reason="only CUDA can cap its memory")
class TestLittleMemory:
    """Fits and predictions with a capped allocator."""

    @pytest.fixture
    def cap(self):
        """Cap the memory that the allocator may take beyond what is in use."""

        def set_cap(n_bytes):
            free_cache(DEVICE)
            total = torch.cuda.get_device_properties(DEVICE).total_memory
            share = (torch.cuda.memory_reserved(DEVICE) + n_bytes) / total
            torch.cuda.set_per_process_memory_fraction(share, DEVICE)

        yield set_cap
        torch.cuda.set_per_process_memory_fraction(1.0, DEVICE)

    @pytest.fixture(scope="class")
    def large(self):
        """A fit whose steps take hundreds of megabytes, and its peak."""
        X = np.random.default_rng(0).normal(size=(1024, 3, 32, 32)).astype(np.float32)
        clf = PaReClassifier(max_epochs=2, batch_size=1024, linear_path=False,
                             precision="fp32", random_state=0)  # fmt: skip
        y = np.arange(len(X)) % 4
        torch.cuda.reset_peak_memory_stats(DEVICE)
        before = torch.cuda.memory_allocated(DEVICE)
        clf.fit(X, y)
        return clf, X, y, torch.cuda.max_memory_allocated(DEVICE) - before

    def test_fit__half_of_the_memory__close_to_the_same(self, cap, large):
        clf, X, y, peak = large
        losses = [row["train_loss"] for row in clf.history_]
        cap(peak // 2)
        capped = clf.__class__(**clf.get_params()).fit(X, y)
        found = [row["train_loss"] for row in capped.history_]
        np.testing.assert_allclose(found, losses, rtol=1e-2)

    def test_predict__half_of_the_memory__close_to_the_same(self, cap, large):
        clf, X, _, peak = large
        expected = clf.predict_proba(X)
        cap(peak // 8)
        np.testing.assert_allclose(clf.predict_proba(X), expected, atol=1e-4)

    def test_fit__no_memory__clear_error(self, cap, large):
        clf, X, y, _ = large
        cap(4 * _MB)
        with pytest.raises(OutOfMemoryError, match="not enough memory"):
            clf.__class__(**clf.get_params()).fit(X, y)
