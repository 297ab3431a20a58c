"""Pickles, copies and files of fitted estimators, also in other processes."""

import copy
import os
import pickle
import pickletools
import subprocess
import sys

import joblib
import numpy as np
import pytest
import skops.io

from sklearn_pare import PaReClassifier
from sklearn_pare._architecture import export_arrays
from tests.common.callbacks import needs_callbacks
from tests.common.instances import tiny

_ELSEWHERE = """
import sys
import joblib, skops.io, torch
import numpy as np
import sklearn_pare

folder = sys.argv[1]
assert not torch.cuda.is_available()
X = np.load(folder + "/X.npy")
trusted = skops.io.get_untrusted_types(file=folder + "/clf.skops")
found = {
    "file": sklearn_pare.load(folder + "/clf.pare"),
    "joblib": joblib.load(folder + "/clf.joblib"),
    "skops": skops.io.load(folder + "/clf.skops", trusted=trusted),
}
for name, clf in found.items():
    for threads in (1, 2):
        torch.set_num_threads(threads)
        clf.set_params(device="cpu")
        np.save(f"{folder}/{name} {threads}.npy", clf.predict_proba(X))
assert not torch.cuda.is_initialized()
"""


@pytest.fixture(scope="module")
def elsewhere(fitted, digits, tmp_path_factory):
    """Folder of predictions by a process without a GPU, with 1 and 2 threads.

    The argument ``device`` of the estimator is a second GPU.
    """
    folder = tmp_path_factory.mktemp("elsewhere")
    np.save(folder / "X.npy", digits[0])
    clf = copy.copy(fitted).set_params(device="cuda:1")
    clf.save(folder / "clf.pare")
    joblib.dump(clf, folder / "clf.joblib")
    skops.io.dump(clf, folder / "clf.skops")
    subprocess.run(
        [sys.executable, "-W", "error", "-c", _ELSEWHERE, folder],
        check=True,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": ""},
    )
    return folder


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("form", ["file", "joblib", "skops"])
def test_load__other_process_device_threads__equal_to_the_bit(
    form, threads, elsewhere, fitted, digits
):
    np.testing.assert_array_equal(
        np.load(elsewhere / f"{form} {threads}.npy"), fitted.predict_proba(digits[0])
    )


# ---- pickle, joblib, copy, skops


def test_pickle__size__little_more_than_the_weights(fitted):
    weights = sum(array.nbytes for array in export_arrays(fitted._model).values())
    assert len(pickle.dumps(fitted)) <= 1.15 * weights + 64 * 1024


def _named(content):
    """Return pairs of module and name that a pickle imports."""
    found, texts = set(), []
    for operation, argument, _ in pickletools.genops(content):
        if operation.name == "GLOBAL":
            found.add(tuple(argument.split(" ")))
        elif operation.name == "STACK_GLOBAL":
            found.add(tuple(texts[-2:]))
        elif operation.name in ("MEMOIZE", "BINGET"):
            continue
        elif isinstance(argument, str):
            texts.append(argument)
    return found


def test_pickle__arrays_and_our_own_classes_alone(fitted, table):
    state = fitted.__getstate__()
    assert all(type(array) is np.ndarray for array in state["_model"].values())
    assert not any(name.startswith("source_") for name in state["_model"])
    modules = {module for module, _ in _named(pickle.dumps(fitted, protocol=2))}
    assert {module.partition(".")[0] for module in modules} <= {
        "_codecs",
        "copyreg",
        "numpy",
        "sklearn_pare",
        "__builtin__",
    }


@needs_callbacks
def test_pickle__callbacks__left_out_after_fit(table):
    from sklearn.callback import ScoringMonitor

    clf = tiny(PaReClassifier, max_epochs=1)
    clf.set_callbacks(ScoringMonitor(scoring="accuracy"))
    # Workers of a grid search need them.
    assert b"ScoringMonitor" in pickle.dumps(clf)
    content = pickle.dumps(clf.fit(*table))
    assert b"callback" not in content
    assert b"authkey" not in content
    np.testing.assert_array_equal(
        pickle.loads(content).predict_proba(table[0]), clf.predict_proba(table[0])
    )
    assert len(clf._skl_callbacks) == 1


@pytest.mark.parametrize("copier", [copy.copy, copy.deepcopy])
def test_copy__same_predictions_and_independent(copier, table):
    clf = tiny(PaReClassifier).fit(*table)
    again = copier(clf)
    np.testing.assert_array_equal(
        again.predict_proba(table[0]), clf.predict_proba(table[0])
    )
    # Later changes of one do not affect the other.
    again._model.head.linear.bias.data += 1
    assert (again.decision_function(table[0]) != clf.predict(table[0])).any()
    assert clf._model.head.linear.bias is not again._model.head.linear.bias


OURS = {
    "sklearn_pare._architecture.Architecture",
    "sklearn_pare._classifier.PaReClassifier",
    "sklearn_pare._report.FitReport",
    "sklearn_pare._data.tables.TableEncoder",
    "sklearn_pare._data.class_targets.ClassTarget",
}


def test_skops__trusting_our_own_classes__predicts_the_same(table):
    clf = tiny(PaReClassifier).fit(*table)
    content = skops.io.dumps(clf)
    assert set(skops.io.get_untrusted_types(data=content)) == OURS
    again = skops.io.loads(content, trusted=sorted(OURS))
    np.testing.assert_array_equal(
        again.predict_proba(table[0]), clf.predict_proba(table[0])
    )
    assert again.get_params() == clf.get_params()
