"""The same seed gives the same model: in other processes, threads and workers."""

import subprocess
import sys
import threading

import joblib
import numpy as np
import pytest
from sklearn.base import clone

from sklearn_pare import PaReClassifier
from tests.common.instances import tiny

# New processes and workers of loky have only the backbones of the package.
_CODE = """
import sys
import joblib, torch
import numpy as np
from sklearn.datasets import load_digits
from sklearn_pare import PaReClassifier
torch.set_num_threads(1)
X, y = load_digits(return_X_y=True)
torch.rand(7)
clf = PaReClassifier(input_shape=(1, 8, 8), max_epochs=2, random_state=7)
np.save(sys.argv[1], clf.fit(X[:80], y[:80]).predict_proba(X[:80]))
"""


def _fit(X, y, seed=7):
    clf = PaReClassifier(input_shape=(1, 8, 8), max_epochs=2, random_state=seed)
    return clf.fit(X[:80], y[:80]).predict_proba(X[:80])


@pytest.fixture(scope="module")
def reference(digits):
    return _fit(*digits)


def test_fit__same_process__same_bits(digits, reference):
    np.testing.assert_array_equal(_fit(*digits), reference)


def test_fit__other_seed__other_model(digits, reference):
    assert not np.array_equal(_fit(*digits, seed=8), reference)


def test_fit__fresh_process__same_bits(tmp_path, reference):
    path = tmp_path / "proba.npy"
    subprocess.run([sys.executable, "-c", _CODE, str(path)], check=True)
    np.testing.assert_array_equal(np.load(path), reference)


def test_fit__four_threads__same_bits(digits, reference):
    results = [None] * 4

    def work(i):
        results[i] = _fit(*digits)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        np.testing.assert_array_equal(result, reference)


def test_fit__loky__same_bits(digits, reference):
    # One thread per worker, as in this process.
    with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
        results = joblib.Parallel(n_jobs=2)(joblib.delayed(_fit)(*digits) for _ in "ab")
    for result in results:
        np.testing.assert_array_equal(result, reference)


def test_predict__bundled_backbone_sample_among_any_others__same_bits(digits):
    X, y = digits
    for precision in ("fp32", "bf16"):
        clf = PaReClassifier(
            input_shape=(1, 8, 8), max_epochs=1, random_state=0, precision=precision
        ).fit(X, y)
        outputs = clf._outputs(X)
        order = np.random.default_rng(0).permutation(len(X))
        np.testing.assert_array_equal(clf._outputs(X[order]), outputs[order])
        np.testing.assert_array_equal(clf._outputs(X[:65]), outputs[:65])
        for i in (0, 63, 64, 119):
            np.testing.assert_array_equal(
                clf._outputs(X[i : i + 1]), outputs[i : i + 1]
            )


def test_fit__random_state_instance__advances(table):
    random_state = np.random.RandomState(0)
    clf = tiny(PaReClassifier, linear_path=False, random_state=random_state)
    first = clf.fit(*table).predict_proba(table[0])
    second = clf.fit(*table).predict_proba(table[0])
    assert not np.array_equal(first, second)


@pytest.mark.parametrize(
    "settings",
    [{}, {"linear_path": False}, {"selector": "gate"}, {"early_stopping": True}],
    ids=str,
)
def test_fit__again_or_cloned__same_bits(settings, table):
    clf = tiny(PaReClassifier, **settings)
    first = clf.fit(*table).predict_proba(table[0])
    np.testing.assert_array_equal(clf.fit(*table).predict_proba(table[0]), first)
    other = clone(clf).fit(*table)
    np.testing.assert_array_equal(other.predict_proba(table[0]), first)
