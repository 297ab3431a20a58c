"""Searches and benchmarks on clusters of Dask and Ray, where workers are killed."""

import io
import json
import multiprocessing
import os
import signal
import time
from contextlib import redirect_stdout
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
X = np.random.default_rng(0).normal(size=(240, 5)).view(workers.Counted)
Y = np.where(X[:, 0] + X[:, 1] > 0, "up", "down")
SPLITS = list(StratifiedKFold(3).split(X, Y))
#: Dask copies these to all workers, so that they outlive one of them.
ARRAYS = [X, Y, *chain.from_iterable(SPLITS)]
#: Ray starts workers again, and repeats what they did.
AGAIN = {"max_restarts": 3, "max_task_retries": 3}
COMMAND = ["run", "--suite", "tiny", "--preset", "tiny", "--methods", "nft,scratch"]


@pytest.fixture(scope="module")
def cluster():
    """A Dask cluster of two processes."""
    distributed = pytest.importorskip("distributed")
    config = distributed.utils.dask.config
    own = {
        "distributed.worker.multiprocessing-method": "forkserver",
        # Otherwise a worker is given up if it dies a second time just then.
        "distributed.deploy.lost-worker-timeout": "10 minutes",
    }
    with config.set(own):
        # Workers are forked from a server that has imported the package.
        distributed.utils.get_mp_context()
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tests.benchmarks.workers"])
        with distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0"
        ) as cluster:
            yield cluster


@pytest.fixture
def dask(cluster):
    """A client of the cluster, after both workers have started."""
    distributed = pytest.importorskip("distributed")
    with distributed.Client(cluster) as client:
        client.wait_for_workers(2, timeout=60)
        # Otherwise it drops copies of the data.
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
    """A backend that survives the death of a worker, and samples for it."""
    module = request.getfixturevalue(request.param)
    workers.Counted.n_pickled = 0
    if request.param == "dask":
        with parallel_config("dask", scatter=ARRAYS):
            yield X
    else:
        stored = X.view(workers.Stored)
        stored.reference = module.put(X)
        with parallel_config("ray", n_jobs=2, ray_remote_args=AGAIN):
            yield stored
    # Ray pickles X to store it, Dask sends its bytes. No fit has a copy of its own.
    assert workers.Counted.n_pickled <= 1


@pytest.fixture
def kill(tmp_path):
    """A file because of which one process other than this one dies."""
    path = tmp_path / "kill"
    path.write_text(str(os.getpid()))
    return path


# ---- searches


def _search(X, path):
    grid = {"max_epochs": [1, 2], "lr": [1e-3, 1e-2]}
    score = partial(workers.score, path)
    clf = tiny(PaReClassifier, linear_path=False)
    search = GridSearchCV(clf, grid, scoring=score, cv=SPLITS, refit=False)
    results = search.fit(X, Y).cv_results_
    return {k: list(v) for k, v in results.items() if "time" not in k}


@pytest.fixture(scope="module")
def searched():
    return _search(X, "nothing")


def test_grid_search__worker_is_killed__results_of_serial(searched, backend, kill):
    assert _search(backend, kill) == searched
    assert not kill.exists()


def _validate(X):
    clf = tiny(PaReClassifier, max_epochs=2, linear_path=False)
    # Workers import its module, which registers the tiny backbone.
    score = partial(workers.score, "nothing")
    return cross_validate(clf, X, Y, cv=SPLITS, scoring=score, return_estimator=True)


@pytest.fixture(scope="module")
def validated():
    return _validate(X)


def test_cross_validate__scores_and_estimators_of_serial(validated, backend):
    found = _validate(backend)
    np.testing.assert_array_equal(found["test_score"], validated["test_score"])
    for one, same in zip(found["estimator"], validated["estimator"], strict=True):
        np.testing.assert_array_equal(one._outputs(X), same._outputs(X))


# ---- benchmarks


@pytest.fixture(scope="module", autouse=True)
def _tiny_suite():
    """Register the suite "tiny", whose second task can kill a worker."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(tasks.SUITES, "tiny", workers.TASKS)
        patch.setitem(presets.PRESETS, "tiny", stand_ins.small)
        yield


def _table(folder, *words):
    """Return the table that the command prints, and the lines that it writes."""
    path, said = folder / "rows.jsonl", io.StringIO()
    words = [*COMMAND, "--seeds", "2", "--data", str(folder), *words]
    with redirect_stdout(said):
        assert main([*words, "--out", str(path)]) is None
    dull = {"cpu", "wall", "memory_mb"}
    rows = ({k: v for k, v in row.items() if k not in dull} for row in read(path))
    text = said.getvalue()
    return text[text.index("###") :], sorted(json.dumps(row) for row in rows)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    table = _table(tmp_path_factory.mktemp("serial"))
    assert len(table[1]) == 8
    return table


def test_run__dask_worker_is_killed__table_of_serial_and_each_cell_once(
    dask, kill, table
):
    address = dask.scheduler.address
    assert _table(kill.parent, "--dask", address) == table
    assert not kill.exists()


def test_run__ray_worker_is_killed__table_of_serial_and_each_cell_once(
    ray, kill, table
):
    with parallel_config("ray", n_jobs=2, ray_remote_args=AGAIN):
        assert _table(kill.parent) == table
    assert not kill.exists()


def _run(client, chosen, folder):
    said = []
    address = client.scheduler.address
    rows, failures = runner.run(
        chosen, ["nft"], [0], "tiny", said.append, data_home=folder, dask=address
    )
    return [row["task"] for row in rows], failures, said


def test_run__task_kills_each_worker__other_cells_continue(
    dask, cluster, tmp_path, monkeypatch
):
    (tmp_path / "test").write_text(str(os.getpid()))
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", 0)
    chosen = [workers.DEADLY, stand_ins.TASKS["iris"]]
    rows, failures, said = _run(dask, chosen, tmp_path)
    assert rows == ["iris"]
    assert [cell["task"] for cell in failures] == ["deadly"]
    assert failures[0]["failed"].startswith("KilledWorker: ")
    assert sum("failed  deadly  nft  seed 0  KilledWorker: " in line for line in said)


def test_run__more_cells_than_wait__each_once(dask, tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "_AHEAD", 1)
    chosen = list(stand_ins.TASKS.values())
    assert _run(dask, chosen, tmp_path)[:2] == (["iris", "waves"], [])


def test_run__dask_workers_with_threads__error(dask, tmp_path, monkeypatch):
    monkeypatch.setattr(type(dask), "nthreads", lambda self: {"a": 1, "b": 4})
    with pytest.raises(ProcessError, match="one thread each: dask worker --nworkers"):
        _run(dask, [stand_ins.TASKS["iris"]], tmp_path)


def test_run__no_scheduler__one_line(tmp_path, capsys):
    distributed = pytest.importorskip("distributed")
    config = distributed.utils.dask.config
    words = [*COMMAND, "--data", str(tmp_path), "--dask", "tcp://127.0.0.1:1"]
    with (
        config.set({"distributed.comm.timeouts.connect": "100ms"}),
        pytest.raises(SystemExit) as stop,
    ):
        main(words)
    assert stop.value.code == 1
    error = capsys.readouterr().err
    assert "trying to connect to tcp://127.0.0.1:1" in error
    assert error.count("\n") == 1


def test_run__wrong_address__error_shows_one(tmp_path):
    pytest.importorskip("distributed")
    task = stand_ins.TASKS["iris"]
    with pytest.raises(ProcessError, match=r"'host' is no address.*tcp://host:8786"):
        runner.run([task], ["nft"], [0], "tiny", print, data_home=tmp_path, dask="host")


# ---- devices


def _restart(client, scheduler, name):
    """Kill a worker of Dask, and wait until it is there again."""
    (address,) = [a for a, w in scheduler.workers.items() if w.name == name]
    os.kill(client.run(os.getpid)[address], signal.SIGKILL)
    while address in scheduler.workers:
        time.sleep(0.01)
    client.wait_for_workers(2, timeout=60)


def test_device__dask__one_per_worker_also_after_restarts(dask, cluster, tmp_path):
    # After one of two restarts, a count of processes has the parity of worker 0.
    for n_restarts in range(3):
        folder = tmp_path / str(n_restarts)
        folder.mkdir()
        found = dask.map(workers.device, [folder] * 2, [2] * 2, pure=False)
        assert set(dask.gather(found)) == {"cuda:0", "cuda:1"}
        _restart(dask, cluster.scheduler, 1)


def test_device__loky__one_per_worker(tmp_path):
    with parallel_config("loky", n_jobs=2):
        found = Parallel()(delayed(workers.device)(tmp_path, 2) for _ in range(2))
    assert set(found) == {"cuda:0", "cuda:1"}


def test_device__ray__each_worker_sees_one_of_its_own(ray, tmp_path):
    with parallel_config("ray", n_jobs=2, ray_remote_args={"num_gpus": 1}):
        found = Parallel()(delayed(workers.visible)(tmp_path, 2) for _ in range(2))
    assert set(found) == {"0", "1"}
