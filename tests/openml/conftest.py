"""An empty openml cache for every test, and a local server as a fixture."""

import copy
import socket
import warnings
from pathlib import Path

import numpy as np
import openml
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer

from sklearn_pare import PaReClassifier
from sklearn_pare.openml import run_task
from tests.common.instances import tiny
from tests.openml.write_task import write_task
from tests.openml_server import KEY, OpenMLServer

_SETTINGS = (
    "apikey", "avoid_duplicate_runs", "connection_n_retries", "retry_policy", "server",
    "show_progress", "_root_cache_directory",
)  # fmt: skip

CANCER, MIXED, SMALL = 9946, 31, 59


@pytest.fixture(autouse=True)
def _settings(tmp_path, monkeypatch):
    """Remove the key and the server's address, and keep all files below tmp_path."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("OPENML_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("OPENML_APIKEY", raising=False)
    (tmp_path / "config").mkdir()
    for name in _SETTINGS:
        monkeypatch.setattr(openml.config, name, getattr(openml.config, name))
    openml.config.apikey = ""
    openml.config.server = "http://127.0.0.1:9/api/v1/xml"
    openml.config.connection_n_retries = 1
    openml.config.set_root_cache_directory(tmp_path / "cache")


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("the network is cut")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def write_cancer(n_rows=569, n_folds=10):
    """Write task 9946 of OpenML: the same data, under the same names."""
    X, y = load_breast_cancer(return_X_y=True)
    X, y = X[:n_rows], np.where(y[:n_rows] == 0, "2", "1")
    return write_task(
        CANCER, X, y, dataset_id=1510, name="wdbc", target="Class", n_folds=n_folds
    )


def write_mixed(labels=("good", "bad"), n_folds=3, n_rows=90, empty=True):
    """Write a task with mixed columns, missing values and unsorted classes."""
    rng = np.random.default_rng(0)
    codes = np.arange(n_rows) % len(labels)
    X = pd.DataFrame(
        {
            "amount of money": codes * 2 + rng.normal(size=n_rows),
            "purpose": rng.choice(["radio/tv", "car, new", "it's"], n_rows),
            "own": rng.random(n_rows) < 0.5,
            "rank": pd.Categorical(
                rng.choice(["low", "high"], n_rows), ["low", "high"]
            ),
        }
    )
    if empty:
        X["empty"] = np.nan
    for column in ("amount of money", "purpose", "rank"):
        X[column] = X[column].mask(rng.random(n_rows) < 0.2)
    y = pd.Categorical(np.array(labels)[codes], labels)
    return write_task(MIXED, X, y, dataset_id=31, n_folds=n_folds)


def write_small(n_rows=12, **settings):
    """Write a task of few samples with two separable classes."""
    y = np.array(["no", "yes"])[np.arange(n_rows) % 2]
    X = np.where(y == "yes", 3.0, 0.0)[:, None] + np.arange(n_rows)[:, None] / 100
    return write_task(SMALL, X, y, dataset_id=61, **({"n_folds": 3} | settings))


@pytest.fixture
def procedure():
    """Procedure of the task SMALL of the server."""
    return "crossvalidation"


@pytest.fixture
def server(tmp_path, procedure):
    """A server with three tasks, and a client with its key and an empty cache."""
    with OpenMLServer(tmp_path / "served") as double:
        openml.config.server = double.url
        openml.config.set_root_cache_directory(tmp_path / "written")
        write_cancer(n_rows=60, n_folds=2)
        # The database and Python sort these classes differently.
        write_mixed(("Good", "bad"), empty=False)
        write_small(procedure=procedure)
        Path(openml.config.get_cache_directory()).rename(tmp_path / "served")
        openml.config.set_root_cache_directory(tmp_path / "cache")
        openml.config.apikey = KEY
        yield double


@pytest.fixture
def clf():
    """A classifier that fits in milliseconds."""
    return tiny(PaReClassifier, max_epochs=1, linear_path=False, source="noise")


_MADE = {}


@pytest.fixture
def ready(server, clf):
    """A function that returns a copy of a run, which is computed only once."""

    def copy_of(task_id):
        if task_id not in _MADE:
            _MADE[task_id] = run_task(clf, task_id)
        return copy.deepcopy(_MADE[task_id])

    return copy_of


@pytest.fixture
def plain_run(clf):
    """A function that runs a task with openml's own function."""

    def run(task_id, estimator=clf):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "unclosed file", ResourceWarning)
            task = openml.tasks.get_task(task_id)
            return openml.runs.run_model_on_task(
                estimator, task, avoid_duplicate_runs=False
            )

    return run
