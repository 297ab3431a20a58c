"""Searches and benchmarks on clusters of Dask and Ray, where workers are killed."""

import json
import os
import signal
from functools import partial
from itertools import chain

import numpy as np
import pytest
from joblib import Parallel, delayed, parallel_config
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_validate

from sklearn_pare import PaReClassifier
from sklearn_pare.benchmarks import presets, runner, tasks
from sklearn_pare.benchmarks.cli import main
from sklearn_pare.benchmarks.lines import read
from sklearn_pare.exceptions import ProcessError
from tests.benchmarks import stand_ins, workers
from tests.common.instances import tiny

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "SIGKILL"), reason="needs signals of Unix"
)
X = np.random.default_rng(0).normal(size=(240, 5))
Y = np.where(X[:, 0] + X[:, 1] > 0, "up", "down")
SPLITS = list(StratifiedKFold(3).split(X, Y))
#: Dask copies these to all workers, so that they outlive one of them.
ARRAYS = [X, Y, *chain.from_iterable(SPLITS)]
COMMAND = ["run", "--suite", "tiny", "--preset", "tiny", "--methods", "nft,scratch"]


@pytest.fixture(scope="module")
def cluster():
    """A Dask cluster of two processes."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        yield cluster


@pytest.fixture
def dask(cluster):
    """A client of the cluster, after both workers have started."""
    distributed = pytest.importorskip("distributed")
    with distributed.Client(cluster) as client:
        client.wait_for_workers(2, timeout=60)
        # Otherwise it drops copies of data.
        client.amm.stop()
        yield client


@pytest.fixture(scope="module")
def ray():
    """Ray with two workers, and two GPUs that nobody uses."""
    ray = pytest.importorskip("ray")
    from ray.util.joblib import register_ray

    register_ray()
    ray.init(num_cpus=2, num_gpus=2, include_dashboard=False, log_to_driver=False)
    yield ray
    ray.shutdown()


@pytest.fixture(params=["dask", "ray"])
def backend(request):
    """The context of a backend that survives the death of a worker."""
    request.getfixturevalue(request.param)
    if request.param == "dask":
        return partial(parallel_config, "dask", scatter=ARRAYS)
    again = {"max_restarts": 3, "max_task_retries": 3}
    return partial(parallel_config, "ray", n_jobs=2, ray_remote_args=again)


@pytest.fixture
def kill(tmp_path):
    """A file because of which one process other than this one dies."""
    path = tmp_path / "kill"
    path.write_text(str(os.getpid()))
    return path


@pytest.fixture
def tiny_suite(monkeypatch):
    """The suite "tiny", whose second task is deadly for one worker."""
    monkeypatch.setitem(tasks.SUITES, "tiny", workers.TASKS)
    monkeypatch.setitem(presets.PRESETS, "tiny", stand_ins.small)


def _search(path):
    grid = {"max_epochs": [1, 2], "lr": [1e-3, 1e-2]}
    score = partial(workers.score, path)
    clf = tiny(PaReClassifier, linear_path=False)
    search = GridSearchCV(clf, grid, scoring=score, cv=SPLITS, refit=False)
    results = search.fit(X, Y).cv_results_
    return {k: list(v) for k, v in results.items() if "time" not in k}


def test_grid_search__worker_is_killed__results_of_serial(backend, kill):
    serial = _search(kill)
    assert kill.exists()
    with backend():
        assert _search(kill) == serial
    assert not kill.exists()


def test_cross_validate__scores_and_estimators_of_serial(backend):
    clf = tiny(PaReClassifier, max_epochs=2, linear_path=False)
    # Workers import its module, which registers the tiny backbone.
    score = partial(workers.score, "nothing")
    more = {"cv": SPLITS, "scoring": score, "return_estimator": True}
    serial = cross_validate(clf, X, Y, **more)
    with backend():
        found = cross_validate(clf, X, Y, **more)
    np.testing.assert_array_equal(found["test_score"], serial["test_score"])
    for estimator, same in zip(found["estimator"], serial["estimator"], strict=True):
        np.testing.assert_array_equal(estimator._outputs(X), same._outputs(X))


def _untimed(path):
    """Return the lines of a file, in order, without figures that chance affects."""
    dull = {"cpu", "wall", "memory_mb"}
    rows = ({k: v for k, v in row.items() if k not in dull} for row in read(path))
    return sorted(json.dumps(row) for row in rows)


def _table(folder, capsys, *words):
    """Return the table that the command prints, and the lines that it writes."""
    path = folder / "rows.jsonl"
    path.unlink(missing_ok=True)
    words = [*COMMAND, "--seeds", "2", "--data", str(folder), *words]
    assert main([*words, "--out", str(path)]) is None
    said = capsys.readouterr().out
    lines = _untimed(path)
    assert len(lines) == 8
    assert not list(folder.glob("*.lock")) or list(folder.glob("*.lock")) == [
        folder / "rows.jsonl.lock"
    ]
    # Times differ.
    return said[said.index("#") :] if "#" in said else said, lines


@pytest.mark.parametrize("name", ["dask", "ray"])
def test_run__worker_is_killed__table_of_serial_and_each_cell_once(
    name, kill, tiny_suite, capsys, request
):
    request.getfixturevalue(name)
    serial = _table(kill.parent, capsys)
    assert kill.exists()
    if name == "dask":
        address = request.getfixturevalue("cluster").scheduler_address
        found = _table(kill.parent, capsys, "--dask", address)
    else:
        again = {"max_restarts": 3, "max_task_retries": 3}
        with parallel_config("ray", n_jobs=2, ray_remote_args=again):
            found = _table(kill.parent, capsys)
    assert not kill.exists()
    assert found == serial
