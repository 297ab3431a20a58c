import copy
import io
import pickle
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.exceptions import NotFittedError
from torch import nn

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare._data.encoders import ChannelScaler
from sklearn_pare._saving import onnx_file
from sklearn_pare.exceptions import SaveError
from sklearn_pare.nn import FittedModule
from sklearn_pare.training.share import Share
from tests.common.instances import tiny

RNG = np.random.default_rng(1)
N = 24
HALF = {"linear_path": True}
ALONE = {"linear_path": False}


def signals(channels=2, length=24):
    return RNG.normal(size=(N, channels, length))


def images(side=12):
    return RNG.normal(size=(N, 1, side, side))


def table():
    X = RNG.normal(size=(N, 4))
    X[::5, 1] = np.nan
    return X


def frame():
    X = pd.DataFrame(table(), columns=list("abcd"))
    return X.assign(e=RNG.choice(["red", "blue", "green"], N))


def classes(k):
    return np.arange(N) % k


def numbers(*k):
    return 50 + 10 * RNG.normal(size=(N, *k))


CASES = {
    "signals, 3 classes": (PaReClassifier, signals, lambda X: classes(3), HALF),
    "signals, 2 classes": (PaReClassifier, signals, lambda X: classes(2), ALONE),
    "signals, 2 numbers": (PaReRegressor, signals, lambda X: numbers(2), ALONE),
    "table, 2 classes": (PaReClassifier, table, lambda X: classes(2), HALF),
    "table, labels": (
        PaReClassifier,
        table,
        lambda X: np.stack([classes(2), classes(3) > 0], 1).astype(int),
        HALF,
    ),
    "frame, 1 number": (PaReRegressor, frame, lambda X: numbers(), HALF),
    "images, 3 classes": (PaReClassifier, images, lambda X: classes(3), ALONE),
    "images, 3 numbers": (PaReRegressor, images, lambda X: numbers(3), HALF),
    "fields of images": (PaReRegressor, images, lambda X: 7 + X[:, 0], HALF),
    "fields of signals": (PaReRegressor, signals, lambda X: X.cumsum(-1), HALF),
    "masks of signals": (PaReClassifier, signals, lambda X: X[:, 0] > 0, ALONE),
    "masks of images": (PaReClassifier, images, lambda X: X[:, 0] > 0, ALONE),
}
exports = pytest.mark.skipif(
    tuple(map(int, torch.__version__.split(".")[:2])) < (2, 9),
    reason="older exporters do not know all operations",
)
# Exporting takes seconds each.
EXPORTED = ["signals, 3 classes", "table, 2 classes", "frame, 1 number",
            "fields of signals", "masks of images"]  # fmt: skip


@pytest.fixture(scope="module")
def fits():
    """A function that fits a case once, with the network's share, and new samples."""
    made = {}

    def fit(name, share=0.5):
        if (name, share) not in made:
            kind, make, target, settings = CASES[name]
            X = make()
            # In bfloat16 predictions differ by about 1 %.
            estimator = tiny(kind, max_epochs=1, precision="fp32", **settings)
            with pytest.MonkeyPatch.context() as patch:
                if settings is HALF:
                    patch.setattr("sklearn_pare._base.fit_share", scaled(share))
                made[name, share] = estimator.fit(X, target(X)), make()
        return made[name, share]

    return fit


def scaled(share):
    def fit_share(network, recipe, processes):
        network.model.head.scale(share)
        return Share(share, 1.0, 1.0)

    return fit_share


def predictions(estimator, X):
    if isinstance(estimator, PaReRegressor):
        return estimator.predict(X)
    return estimator.decision_function(X)


def difference(found, expected):
    assert found.shape == expected.shape
    return np.abs(found - expected).max() / np.abs(expected).max()


@pytest.mark.parametrize("name", CASES)
def test_module__predicts_like_the_estimator(name, fits):
    estimator, X = fits(name)
    x = estimator.encode(X)
    found = estimator.module_(x)
    assert (x.dtype, found.dtype) == (torch.float32, torch.float32)
    assert difference(found.detach().numpy(), predictions(estimator, X)) < 1e-5


@pytest.mark.parametrize("name", ["signals, 3 classes", "table, 2 classes",
                                  "frame, 1 number", "images, 3 numbers",
                                  "fields of images"])  # fmt: skip
def test_module__network_without_a_share(name, fits):
    estimator, X = fits(name, share=0.0)
    assert estimator.network_share_ == 0
    found = estimator.module_(estimator.encode(X)).detach().numpy()
    assert difference(found, predictions(estimator, X)) < 1e-5


def test_module__probabilities(fits):
    estimator, X = fits("signals, 3 classes")
    found = estimator.module_(estimator.encode(X)).softmax(1).detach().numpy()
    np.testing.assert_allclose(found, estimator.predict_proba(X), atol=1e-5)
    estimator, X = fits("signals, 2 classes")
    found = estimator.module_(estimator.encode(X)).sigmoid().detach().numpy()
    np.testing.assert_allclose(found, estimator.predict_proba(X)[:, 1], atol=1e-5)


def test_module__features__those_of_transform(fits):
    estimator, X = fits("images, 3 classes")
    found = estimator.module_.features(estimator.encode(X)).detach().numpy()
    np.testing.assert_allclose(found, estimator.transform(X), atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_gradients__of_the_samples__finite_and_not_all_zero(name, fits):
    estimator, X = fits(name)
    x = estimator.encode(X).requires_grad_()
    estimator.module_(x).sum().backward()
    assert x.grad.isfinite().all()
    assert x.grad.any()


def test_gradients__constant_signal__finite(fits):
    estimator, X = fits("signals, 3 classes")
    x = torch.zeros(2, *X.shape[1:], requires_grad=True)
    estimator.module_(x).sum().backward()
    assert x.grad.isfinite().all()


def test_module__changed__leaves_the_estimator_alone(fits):
    estimator, X = fits("images, 3 classes")
    before = estimator.predict_proba(X)
    module = estimator.module_.train().half()
    for parameter in module.parameters():
        nn.init.zeros_(parameter)
    assert np.array_equal(estimator.predict_proba(X), before)
    assert not any(part.training for part in estimator.module_.modules())


def test_module__not_part_of_the_state(fits):
    estimator, X = fits("table, 2 classes")
    size = len(pickle.dumps(estimator))
    assert isinstance(estimator.module_, FittedModule)
    assert len(pickle.dumps(estimator)) == size
    names = {name.partition(".")[2] for name in estimator.module_.state_dict()}
    assert not any(name.startswith(("gate", "source")) for name in names)
    again = copy.deepcopy(estimator.module_)
    x = estimator.encode(X)
    assert torch.equal(again(x), estimator.module_(x))


@pytest.mark.parametrize("what", ["module_", "encode", "to_onnx"])
def test_module__unfitted(what):
    estimator = tiny(PaReClassifier)
    assert not hasattr(estimator, "module_")
    with pytest.raises(NotFittedError):
        getattr(estimator, what)(io.BytesIO())


def test_encode__categories_and_missing_values(fits):
    estimator, X = fits("frame, 1 number")
    x = estimator.encode(X)
    assert x.shape == X.shape
    assert torch.equal(x[:, 1].isnan(), torch.tensor(X["b"].isna()))
    assert set(x[:, 4].tolist()) <= {0.0, 1.0, 2.0}
    assert estimator.encode(X.assign(e="black"))[:, 4].isnan().all()


def test_encode__flat_samples():
    X = images().reshape(N, -1)
    estimator = tiny(PaReClassifier, input_shape=(1, 12, 12), max_epochs=1)
    estimator.fit(X, classes(2))
    scaler = ChannelScaler().fit(X.reshape(N, 1, 12, 12))
    expected = scaler.transform(X.reshape(N, 1, 12, 12))
    assert np.array_equal(estimator.encode(X), expected)


@exports
@pytest.mark.parametrize("name", EXPORTED)
def test_onnx__predicts_like_torch(name, fits, tmp_path):
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    estimator, X = fits(name)
    estimator.to_onnx(tmp_path / "model.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    session = runtime.InferenceSession(tmp_path / "model.onnx")
    x = estimator.encode(X)
    for n in (1, 3, N):
        found = session.run(["predictions"], {"samples": x[:n].numpy()})[0]
        assert difference(found, predictions(estimator, X[:n])) < 1e-4


def test_onnx__file_object(fits, monkeypatch):
    estimator, _ = fits("table, 2 classes")
    monkeypatch.setattr(onnx_file, "_export", lambda module, x: b"network")
    monkeypatch.setattr(onnx_file, "_check", lambda *arguments: None)
    file = io.BytesIO()
    estimator.to_onnx(file)
    assert file.getvalue() == b"network"
    with pytest.raises(SaveError, match="could not be written"):
        estimator.to_onnx("/nowhere/model.onnx")


class Odd(nn.Module):
    """A part whose operation has no form in ONNX."""

    def __init__(self, part):
        super().__init__()
        self.part, self.grid = part, part.grid

    def forward(self, x):
        return self.part(x) + torch.linalg.eigvals(x @ x.mT).abs().sum()


class Shifted(nn.Module):
    def __init__(self, part):
        super().__init__()
        self.part = part

    def forward(self, x):
        return self.part(x) + 1e-3


@exports
def test_onnx__part_that_has_no_form__named(fits, tmp_path):
    pytest.importorskip("onnxscript")
    estimator = copy.deepcopy(fits("images, 3 classes")[0])
    estimator._model.backbone = Odd(estimator._model.backbone)
    path = tmp_path / "model.onnx"
    path.write_text("old")
    with pytest.raises(SaveError, match=r"part 'backbone' of .*backbone='test-tiny'"):
        estimator.to_onnx(path)
    assert path.read_text() == "old"


@exports
def test_onnx__other_predictions__refused(fits, monkeypatch, tmp_path):
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    estimator, _ = fits("table, 2 classes")
    export = onnx_file._export

    def wrong(module, x):
        return export(Shifted(module), x)

    monkeypatch.setattr(onnx_file, "_export", wrong)
    with pytest.raises(SaveError, match="differ from those of torch by"):
        estimator.to_onnx(tmp_path / "model.onnx")


def test_onnx__packages_missing__says_how_to_install(fits, monkeypatch):
    estimator, _ = fits("table, 2 classes")
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ImportError, match=r"pip install 'sklearn-pare\[onnx\]'"):
        estimator.to_onnx(io.BytesIO())
