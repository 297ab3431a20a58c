"""Few samples: small batches with the same bits, and nothing computed in vain."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch

from sklearn_pare import PaReClassifier, PaReRegressor, _inference
from sklearn_pare.nn.competing import CompetingKernels
from sklearn_pare.nn.kernels import DilatedKernels
from sklearn_pare.nn.model import PaReModel
from sklearn_pare.nn.parts import convolve, indicator, product
from sklearn_pare.training import kept
from tests.common.instances import tiny

N = 70
RNG = np.random.default_rng(1)
TABLE = RNG.normal(size=(N, 5))
SIGNALS = RNG.normal(size=(N, 2, 24))
IMAGES = RNG.normal(size=(N, 3, 12, 12))
CLASSES = np.arange(N) % 3
GAPS = np.where(RNG.uniform(size=SIGNALS.shape) < 0.2, np.nan, SIGNALS)
SOME_GAPS = np.where(np.arange(N)[:, None, None] % 3, SIGNALS, GAPS)
FRAME = pd.DataFrame(TABLE, columns=list("abcde")).assign(
    f=np.array(["x", "y", "z"])[CLASSES], g=pd.Categorical(CLASSES[::-1])
)
network = {"linear_path": False}
FITS = {
    # name: (estimator, settings, X, y)
    "table": (PaReClassifier, network, TABLE, CLASSES),
    "categories": (PaReClassifier, network, FRAME, CLASSES),
    "numbers": (PaReRegressor, network, TABLE, TABLE[:, :2] ** 2),
    "signals": (PaReClassifier, network, SIGNALS, CLASSES),
    "signals, linear": (PaReClassifier, {}, SIGNALS, CLASSES),
    "gaps": (PaReClassifier, network, GAPS, CLASSES),
    "some gaps": (PaReClassifier, {}, SOME_GAPS, CLASSES),
    "images": (PaReClassifier, network, IMAGES, CLASSES),
    "labels": (PaReClassifier, network, IMAGES, np.c_[CLASSES > 0, CLASSES > 1] * 1),
    "masks": (PaReClassifier, {}, IMAGES, (IMAGES[:, 0] > 0).astype(int)),
    "field": (PaReRegressor, {}, IMAGES, IMAGES[:, 0] ** 2),
    "field 1-D": (PaReRegressor, {}, SIGNALS, SIGNALS[:, 0] ** 2),
}


@pytest.fixture(scope="module")
def fitted():
    found = {}

    def fit(name):
        if name not in found:
            kind, settings, X, y = FITS[name]
            found[name] = tiny(kind, max_epochs=1, **settings).fit(X, y)
        return found[name]

    return fit


def _rows(X, i):
    return X.iloc[i] if isinstance(X, pd.DataFrame) else X[i]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", FITS)
def test_few_samples__any_company__same_bits(name, precision, fitted):
    clf, X = fitted(name).set_params(precision=precision), FITS[name][2]
    # A thousand samples, or, as they cost more in this way, two batches of them.
    together = clf._outputs(_rows(X, np.arange(1000 if name == "table" else N) % N))
    for i in (0, 31, N - 1):
        # From the second call on, batches are small.
        for _ in range(2):
            alone = clf._outputs(_rows(X, slice(i, i + 1)))
            np.testing.assert_array_equal(alone, together[i : i + 1])
    for n in (3, 5, 64):
        np.testing.assert_array_equal(clf._outputs(_rows(X, slice(n))), together[:n])
    features = clf.transform(X)[[3]]
    for _ in range(2):
        np.testing.assert_array_equal(clf.transform(_rows(X, [3])), features)


def test_few_samples__bundled_backbone__same_bits():
    clf = PaReClassifier(max_epochs=1, random_state=0, **network)
    outputs = clf.fit(IMAGES[::7], CLASSES[::7])._outputs(IMAGES)
    alone = [clf._outputs(IMAGES[i : i + 1]) for i in range(0, N, 7)]
    np.testing.assert_array_equal(np.concatenate(alone), outputs[::7])


class _Sizes:
    """Sizes of the batches that a fake network sees; `differs` has other bits there."""

    def __init__(self, differs=()):
        self.differs, self.seen = differs, []

    def __call__(self, model, x, *, bfloat16):
        self.seen.append(len(x))
        return x.sum(1) + (len(x) in self.differs)


@pytest.mark.parametrize(
    ("differs", "n", "expected"),
    [
        ((), 1, [1]),
        ((), 4, [1] * 4),
        ((1,), 1, [2]),
        ((1, 2, 8), 3, [4]),
        ((1, 2, 4, 8, 16, 32), 1, [64]),
        ((), 5, [64]),
        ((), 130, [64] * 3),
    ],
    ids=str,
)
def test_few_samples__smallest_size_with_the_same_bits(differs, n, expected):
    compute, model = _Sizes(differs), torch.nn.Identity()
    batches = partial(
        _inference.in_batches, partial(compute, bfloat16=False), model, size=64,
        encode=np.asarray, shapes=((3,), (1,)), device=torch.device("cpu"), remedies=(),
    )  # fmt: skip

    def run(X):
        return np.concatenate([found for _, found in batches(X)])

    X = np.arange(3.0 * n, dtype=np.float32).reshape(n, 3)
    np.testing.assert_array_equal(run(X), X.sum(1) + (64 in differs))
    # A single prediction is not worth a trial.
    assert set(compute.seen) == {64}
    np.testing.assert_array_equal(run(X), X.sum(1) + (expected[0] in differs))
    compute.seen.clear()
    run(X)
    # The size is found once.
    assert compute.seen == expected


@pytest.mark.parametrize("name", ["table", "signals", "numbers", "linear field"])
def test_share_0__network_is_not_run(name, monkeypatch):
    waves = TABLE[:, :1, None] * np.sin(np.arange(24))
    linear_field = PaReRegressor, {}, waves, 2 * waves[:, 0]
    kind, _, X, y = (FITS | {"linear field": linear_field})[name]
    est = tiny(kind, max_epochs=1, precision="fp32").fit(X[::2], y[::2])
    est._model.head.scale(0.0)
    whole, est.network_share_ = est._outputs(X), 0.0
    monkeypatch.setattr(PaReModel, "predict", None)
    monkeypatch.setattr(type(est._model.embed), "forward", None)
    for n in (1, 3, 64, N):
        np.testing.assert_allclose(est._outputs(X[:n]), whole[:n], atol=1e-6)


@pytest.mark.parametrize("n", [1, 5, 65])
@pytest.mark.parametrize("what", ["dilated", "competing", "product", "windows"])
def test_parts__rows_do_not_depend_on_their_number(what, n, generator):
    x = torch.randn(70, 2, 50, generator=generator)
    dilated, competing = DilatedKernels(2, 50, 500), CompetingKernels(2, 50)
    dilated.fit(x)
    weight = torch.randn(8, 100, generator=generator)
    compute = {
        "dilated": dilated,
        "windows": partial(dilated.windows, n=7),
        "competing": competing,
        "product": lambda x: product(x.flatten(1), weight, torch.ones(8)),
    }[what]
    assert torch.equal(compute(x[:n]), compute(x)[:n])


@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (1, 5), (2, 3), (3, 8)])
def test_convolve__as_torch_does(stride, dilation, generator):
    x = torch.randn(3, 4, 61, generator=generator)
    weight = torch.randn(6, 4, 9, generator=generator)
    expected = torch.nn.functional.conv1d(
        x, weight, None, stride, 4 * dilation, dilation
    )
    torch.testing.assert_close(convolve(x, weight, stride, dilation), expected)


def test_indicator__ones_and_zeros(generator):
    x = torch.randn(3, 5, generator=generator, requires_grad=True)
    found = indicator(torch.gt, x, torch.zeros(3, 1))
    assert found.dtype == torch.float32
    assert not found.requires_grad
    assert torch.equal(found, (x > 0).float())


MORE = {
    "network": {"linear_path": False},
    "linear": {},
    "gaps": {"linear_path": False},
    "early stopping": {"early_stopping": True, "linear_path": False},
    "own samples": {"source": "self", "linear_path": False},
    "alignment": {"alignment": "mmd", "linear_path": False},
}


def _count(monkeypatch):
    calls, windows = [], DilatedKernels.windows

    def counted(kernels, x, n):
        calls.append((n, len(x)))
        return windows(kernels, x, n)

    monkeypatch.setattr(DilatedKernels, "windows", counted)
    return calls


@pytest.mark.parametrize("name", MORE)
def test_fit__kernels_of_signals_once__same_bits(name, monkeypatch):
    X, y = (GAPS if name == "gaps" else SIGNALS)[:30], CLASSES[:30]
    est, calls = tiny(PaReClassifier, **MORE[name], max_epochs=3), _count(monkeypatch)
    est.fit(X, y)
    # One more for the size of the result.
    assert sum(n for windows, n in calls if windows > 1) == len(X) + 1
    found = est._outputs(X)
    monkeypatch.setattr(kept, "_SHARE", 0)
    np.testing.assert_array_equal(est.fit(X, y)._outputs(X), found)


def test_fit__unlabeled_and_validation_samples__read_once(monkeypatch):
    est = tiny(PaReClassifier, max_epochs=3)
    calls = _count(monkeypatch)
    est.fit(SIGNALS[:30], CLASSES[:30], X_val=SIGNALS[30:50], y_val=CLASSES[30:50],
            X_unlabeled=SIGNALS[50:])  # fmt: skip
    assert sum(n for windows, n in calls if windows > 1) == N + 1
    assert sum(n for windows, n in calls if windows == 1) <= N
