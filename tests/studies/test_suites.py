import numpy as np
import pytest
from sklearn.base import is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyRegressor

from sklearn_pare import datasets
from studies import suites
from studies.suites import METRICS, SUITES, Task

TASKS = [task for suite in SUITES.values() for task in suite.values()]


def _is_simulated(task):
    return getattr(task.load, "func", None) in vars(datasets).values()


def _few(task):
    """Some samples of a task, and the number of all."""
    if not _is_simulated(task):
        X, y = task.load()
        return X, y, len(X)
    X, y = task.load.func(2, **task.load.keywords)
    return X, y, task.load.args[0]


# The means of fields are made from all of them: their data are fields of other tasks.
CHEAP = [task for task in TASKS if "mean" not in task.name]


@pytest.mark.parametrize("task", CHEAP, ids=lambda task: task.name)
def test_task__data_suit_metric_and_estimator(task):
    X, y, n = _few(task)
    assert n - task.n_train >= 64
    assert np.isfinite(X).all()
    dense = y.ndim > 1
    assert dense == (task.metric in ("relative L2", "macro AP", "pixel AUROC"))
    classes = y.dtype.kind == "i" or set(y.ravel()) == {-1, 1}
    assert is_classifier(METRICS[task.metric].kind()) == classes
    shape = task.settings.get("input_shape", X.shape[1:])
    assert np.prod(shape) == np.prod(X.shape[1:])


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_task__estimators_of_the_method_and_of_all_peers(task):
    ours = task.estimator("scratch", 3)
    assert ours.get_params().items() >= task.settings.items()
    assert (ours.pretrained, ours.random_state) == (False, 3)
    for name in task.peers:
        peer = task.estimator(name, 0)
        assert is_classifier(peer) == is_classifier(ours), name


def test_split__classes_in_equal_shares_and_at_most_500_to_test():
    task = SUITES["transfer"]["digits-300"]
    X, X_test, y, y_test = task.split(0)
    assert (len(X), len(X_test)) == (len(y), len(y_test)) == (300, 500)
    assert np.bincount(y).min() >= 28
    again, other = task.split(0)[0], task.split(1)[0]
    np.testing.assert_array_equal(X, again)
    assert not np.array_equal(X, other)


def test_split__without_a_limit__all_that_remain():
    _, X_test, _, _ = SUITES["modalities"]["digits-300"].split(0)
    assert len(X_test) == 1797 - 300


def test_estimator__settings_of_task_method_and_call(wine):
    task = Task("t", wine.load, 40, settings={"linear_path": False, "lr": 0.1})
    estimator = task.estimator("pare-linear-path", 0, lr=0.2)
    assert (estimator.linear_path, estimator.lr) == (True, 0.2)
    assert isinstance(task.estimator("pare-temperature", 0), CalibratedClassifierCV)


def test_scored__error_of_fields_is_positive(wine):
    task = Task("fields", wine.load, 40, "relative L2")
    X, y = np.zeros((3, 1)), np.ones((3, 2))
    model = DummyRegressor(strategy="constant", constant=[0.75, 0.75]).fit(X, y)
    assert task.scored(model, X, y) == {"score": 0.25}


def test_suites__tuning_and_small__share_no_data():
    # Names begin with the name of the data.
    small, tuning = (
        {name.rpartition("-")[0] for name in SUITES[suite]}
        for suite in ("small", "tuning")
    )
    assert not small & tuning
    assert suites.PEERS == ("linear", "forest")
