"""Import, fit, predict, save and load do not change the state of the process."""

import random
import subprocess
import sys

import numpy as np
import pytest
import torch

import sklearn_pare
from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.exceptions import DataError, DivergenceError, PaReError
from sklearn_pare.nn.model import PaReModel
from tests.common.instances import tiny
from tests.common.process import snapshot, unchanged

TABLE = np.random.default_rng(0).normal(size=(40, 4))
SIGNALS = np.random.default_rng(1).normal(size=(40, 2, 16))
IMAGES = np.random.default_rng(2).normal(size=(40, 1, 8, 8))


def _fit(X=TABLE, kind=PaReClassifier, **settings):
    y = X.reshape(len(X), -1)[:, 0]
    y = y > 0 if kind is PaReClassifier else y
    return tiny(kind, **({"max_epochs": 2} | settings)).fit(X, y)


@pytest.fixture
def fitted():
    return _fit()


FITS = {
    "table": {},
    "numbers": {"kind": PaReRegressor},
    "signals": {"X": SIGNALS},
    "images": {"X": IMAGES},
    "bfloat16": {"precision": "bf16"},
    "verbose": {"verbose": 1},
    "early stopping": {"early_stopping": True},
    "two sources": {"source": ["formula", "noise"]},
    "alignment": {"alignment": "otdd"},
    "a generator as seed": {"random_state": np.random.RandomState(0)},
    "the bundled backbone": {"backbone": "pare-tiny", "max_epochs": 1},
}


@pytest.mark.parametrize("settings", FITS.values(), ids=FITS)
def test_fit_and_predict__process_as_before(settings):
    with unchanged():
        estimator = _fit(**settings)
        estimator.predict(settings.get("X", TABLE))
        estimator.transform(settings.get("X", TABLE))


@pytest.mark.parametrize("warn_only", [False, True])
def test_fit_and_predict__deterministic_algorithms__process_as_before(
    warn_only, deterministic
):
    deterministic(True, warn_only=warn_only)
    with unchanged():
        _fit().predict(TABLE)
    with unchanged(), pytest.raises(DivergenceError):
        _fit(lr=1e30)


@pytest.mark.parametrize("folder", [False, True])
def test_checkpoints_save_and_load__process_as_before(folder, tmp_path):
    with unchanged():
        where = {"checkpoint_dir": str(tmp_path / "run")} if folder else {}
        clf = _fit(**where)
        _fit(**where)
        clf.save(tmp_path / "model.pare")
        sklearn_pare.load(tmp_path / "model.pare").predict(TABLE)


def _interrupt(*args, **kwargs):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("error", "settings"),
    [
        (DataError, {"X": np.full((40, 4), np.inf)}),
        (DivergenceError, {"lr": 1e30, "verbose": 1}),
        (PaReError, {"backbone": "nothing"}),
        (ValueError, {"lr": -1.0}),
        (KeyboardInterrupt, {"verbose": 1}),
    ],
)
def test_fit__fails__process_as_before(error, settings, monkeypatch):
    if error is KeyboardInterrupt:
        monkeypatch.setattr(PaReModel, "forward", _interrupt)
    with unchanged(), pytest.raises(error):
        _fit(**settings)


def test_predict_and_load__fail__process_as_before(fitted, tmp_path):
    path = tmp_path / "model.pare"
    path.write_bytes(b"nothing")
    with unchanged():
        with pytest.raises(PaReError):
            fitted.predict(np.full((2, 4), np.inf))
        with pytest.raises(PaReError):
            sklearn_pare.load(path)
        with pytest.raises(PaReError):
            fitted.save(tmp_path / "nowhere" / "model.pare")


def test_fit__any_global_seeds__same_bits(fitted):
    torch.manual_seed(7)
    np.random.seed(7)  # noqa: NPY002
    random.seed(7)
    np.testing.assert_array_equal(_fit()._outputs(TABLE), fitted._outputs(TABLE))


_CODE = """
import sys, warnings
warnings.filterwarnings("ignore", "Predictions are those of the linear model alone")
import contextlib, skorch, scipy.special, sklearn.metrics
with contextlib.suppress(ImportError):
    import sklearn.callback
from tests.common.process import unchanged
with unchanged():
    import sklearn_pare
    import sklearn_pare.datasets, sklearn_pare.inspection, sklearn_pare.metrics
    import sklearn_pare.sources, sklearn_pare.benchmarks, sklearn_pare.openml
import numpy as np
X = np.random.default_rng(0).normal(size=(40, 4))
# The first fit of a process imports timm and torch's compiler.
with unchanged():
    clf = sklearn_pare.PaReClassifier(max_epochs=2, random_state=0)
    clf.fit(X, X[:, 0] > 0).predict(X)
with unchanged():
    clf.save(sys.argv[1])
    sklearn_pare.load(sys.argv[1]).predict(X)
"""


def test_import_and_first_use__process_as_before(tmp_path):
    path = str(tmp_path / "model.pare")
    subprocess.run([sys.executable, "-W", "error", "-c", _CODE, path], check=True)


def test_snapshot__sees_what_changes(monkeypatch):
    with pytest.raises(AssertionError, match="environment"), unchanged():
        monkeypatch.setenv("SOMETHING", "else")
    with pytest.raises(AssertionError, match="torch seed"), unchanged():
        torch.rand(1)
    with pytest.raises(AssertionError, match="numpy errors"), unchanged():
        np.seterr(under="raise")
    np.seterr(under="ignore")
    assert snapshot()["matplotlib"] == ("matplotlib" in sys.modules)
