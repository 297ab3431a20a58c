import sys
import types

import openml
import pytest
import requests
import skorch
import timm
import torch
from numpydoc.docscrape import ClassDoc
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklearn_pare import PaReClassifier
from sklearn_pare.exceptions import (
    FlowError,
    PublishError,
    RunExistsError,
    TaskError,
)
from sklearn_pare.openml import _flow, fold_scores, publish, run_task
from tests.common.instances import tiny
from tests.openml.conftest import CANCER, MIXED
from tests.openml_server import KEY, Fault, schemas

pytestmark = [
    # openml does not close the file of the folds.
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
    # Raised in openml's own list_runs.
    pytest.mark.filterwarnings("ignore:Support for `output_format`:FutureWarning"),
]


def test_publish__run_arrives_whole(server, clf):
    run = run_task(clf, CANCER)
    assert publish(run) is run
    assert run.run_id in server.api.runs
    assert run.openml_url.endswith(f"/r/{run.run_id}")
    server.api.evaluate()
    there = openml.runs.get_run(run.run_id)
    assert (there.task_id, there.dataset_id) == (CANCER, 1510)
    assert there.fold_evaluations == run.fold_evaluations
    assert fold_scores(there).equals(fold_scores(run))
    assert openml.config.apikey == KEY
    assert openml.config.connection_n_retries == 1


def test_publish__estimator_comes_back_equal(server):
    settings = {"class_weight": {"Good": 2.0, "bad": 1.0}, "mix_weight": 0.5}
    clf = tiny(PaReClassifier, max_epochs=1, linear_path=False, **settings)
    run = publish(run_task(clf, MIXED))
    again = openml.runs.initialize_model_from_run(run.run_id)
    assert type(again) is PaReClassifier
    assert again.get_params() == clf.get_params() == run.model.get_params()


def test_publish__flow_names_versions_and_describes_parameters(server, ready, clf):
    run = publish(ready(CANCER))
    flow = openml.flows.get_flow(run.flow_id)
    for module in (skorch, timm, torch):
        number = module.__version__.partition("+")[0]
        name = module.__name__
        assert f"{name}=={number}" in flow.external_version.split(",")
        assert f"{name}>={number}" in flow.dependencies.splitlines()
    assert "sklearn_pare==" in flow.external_version
    assert flow.parameters.keys() == clf.get_params().keys()
    documented = ClassDoc(PaReClassifier)
    assert flow.description.startswith(documented["Summary"][0])
    descriptions = {
        each.name: each.desc[0].rstrip(".") for each in documented["Parameters"]
    }
    for name in ("mix_start", "tune"):
        assert descriptions[name] in flow.parameters_meta_info[name]["description"]


def test_publish__classes_not_sorted__server_agrees(server, ready):
    run = publish(ready(MIXED))
    assert fold_scores(openml.runs.get_run(run.run_id)).equals(fold_scores(run))


def test_publish__search__trace_and_estimator_come_back(server, clf):
    grid = GridSearchCV(clf, {"lr": [0.01, 0.02], "selector": ["random"]}, cv=2)
    run = publish(run_task(grid, CANCER))
    server.api.evaluate()
    trace = openml.runs.get_run_trace(run.run_id)
    assert len(trace.trace_iterations) == 4
    for candidate in trace:
        sent = run.trace.trace_iterations[
            candidate.repeat, candidate.fold, candidate.iteration
        ]
        assert candidate.evaluation == pytest.approx(sent.evaluation)
        assert candidate.selected == sent.selected
        assert candidate.get_parameters()["lr"] in (0.01, 0.02)
    flow = openml.flows.get_flow(run.flow_id)
    assert "torch==" in flow.external_version
    assert "torch==" in flow.components["estimator"].external_version
    again = openml.runs.initialize_model_from_run(run.run_id)
    assert again.estimator.get_params() == run.model.estimator.get_params()
    assert again.param_grid == grid.param_grid
    second = openml.runs.initialize_model_from_trace(run.run_id, 0, 1, iteration=1)
    assert second.get_params() == clf.set_params(lr=0.02).get_params()


def test_publish__pipeline(server, clf):
    run = publish(run_task(make_pipeline(SimpleImputer(), clf), CANCER))
    again = openml.runs.initialize_model_from_run(run.run_id)
    assert again[-1].get_params() == clf.get_params()


def test_publish__from_the_file_system(server, ready, clf, tmp_path):
    ready(CANCER).to_filesystem(tmp_path / "run")
    run = openml.runs.OpenMLRun.from_filesystem(tmp_path / "run")
    publish(run)
    again = openml.runs.initialize_model_from_run(run.run_id)
    assert again.get_params() == clf.get_params()


# openml's own functions


def test_plain_run_and_publish__work(server, plain_run, clf):
    run = plain_run(CANCER).publish()
    again = openml.runs.initialize_model_from_run(run.run_id)
    assert again.get_params() == clf.get_params()
    flow = openml.flows.get_flow(run.flow_id)
    assert all(x["description"] for x in flow.parameters_meta_info.values())
    # openml records only the version of the estimator's package.
    assert "sklearn_pare==" in flow.external_version
    assert "torch" not in flow.external_version + flow.dependencies


def test_plain_search__trace_arrives(server, plain_run, clf):
    grid = GridSearchCV(clf, {"mix_start": [0.2, 0.6]}, cv=2)
    run = plain_run(CANCER, grid).publish()
    server.api.evaluate()
    assert len(openml.runs.get_run_trace(run.run_id).trace_iterations) == 4


def test_publish__plain_run_of_mixed_columns__versions_and_order_put_right(
    server, plain_run, clf
):
    run = plain_run(MIXED)
    with pytest.warns(UserWarning, match=r"columns of other classes.*'bad', 'Good'"):
        publish(run)
    assert "torch==" in openml.flows.get_flow(run.flow_id).external_version
    scores = fold_scores(run_task(clf, MIXED))
    assert fold_scores(openml.runs.get_run(run.run_id)).equals(scores)


def test_plain_publish__columns_of_other_classes__refused_by_the_double(
    server, plain_run
):
    with pytest.raises(openml.exceptions.OpenMLServerException) as caught:
        plain_run(MIXED).publish()
    assert caught.value.code == 209


def test_publish__beside_a_plain_run_of_the_same__both_flows_stand(
    server, plain_run, clf
):
    plain = plain_run(CANCER).publish()
    run = publish(run_task(clf, CANCER))
    assert run.flow_id != plain.flow_id


def test_study__of_published_runs(server, ready):
    ids = [publish(ready(task)).run_id for task in (CANCER, MIXED)]
    study = openml.study.create_study("PaRe", "Two tasks", run_ids=ids).publish()
    assert openml.study.get_study(study.id).runs == ids
    suite = openml.study.create_benchmark_suite("Both", "Tasks", [CANCER, MIXED])
    assert openml.study.get_suite(suite.publish().id).tasks == [CANCER, MIXED]


# errors before anything is sent


def test_publish__same_run_again__caught(server, ready):
    run = publish(ready(CANCER))
    with pytest.raises(RunExistsError, match="was published as http") as caught:
        publish(run)
    assert caught.value.run_ids == [run.run_id]


def test_publish__run_of_the_same_parameters__caught_before_the_upload(server, clf):
    first = publish(run_task(clf, CANCER))
    second = run_task(clf, CANCER)
    with pytest.raises(RunExistsError, match=rf"/r/{first.run_id}. Nothing") as caught:
        publish(second)
    assert caught.value.run_ids == [first.run_id]
    assert second.run_id is None
    assert server.requests.count("POST /run/") == 1
    publish(run_task(clf.set_params(random_state=1), CANCER))
    assert server.requests.count("POST /run/") == 2
    assert server.requests.count("POST /flow/") == 1


def test_publish__no_key__says_where_to_put_it(server, ready):
    openml.config.apikey = ""
    run, asked = ready(CANCER), len(server.requests)
    with pytest.raises(PublishError, match="There is no key") as caught:
        publish(run)
    assert "set_field_in_config_file" in str(caught.value)
    assert "OPENML_APIKEY" in str(caught.value)
    assert len(server.requests) == asked


def test_publish__key_from_the_environment__used_and_not_kept(
    server, clf, monkeypatch, tmp_path
):
    openml.config.apikey = ""
    monkeypatch.setenv("OPENML_APIKEY", KEY)
    run = publish(run_task(clf, CANCER))
    assert run.run_id in server.api.runs
    assert openml.config.apikey == ""
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert files
    assert not any(KEY.encode() in file.read_bytes() for file in files)


def test_publish__wrong_key__refused_and_not_shown(server, clf, caplog, capsys):
    openml.config.apikey = ""
    run = run_task(clf, CANCER)
    openml.config.apikey = "not/the key"
    with pytest.raises(PublishError, match=r"refused.*error 103.*key") as caught:
        publish(run)
    assert "not/the" not in str(caught.value) + caplog.text + "".join(
        capsys.readouterr()
    )
    openml.config.apikey = KEY
    publish(run)


@pytest.fixture
def odd_module(monkeypatch):
    """A package for estimators that a test defines."""
    module = types.ModuleType("odd")
    module.__version__ = "1.0"
    monkeypatch.setitem(sys.modules, "odd", module)

    def define(docstring):
        kind = type("Odd", (PaReClassifier,), {"__doc__": docstring})
        kind.__init__ = PaReClassifier.__init__
        kind.__module__, module.Odd = "odd", kind
        return kind

    return define


@pytest.mark.parametrize(
    ("docstring", "match"),
    [
        ("Na\u00efve PaRe.", r"description of odd.Odd holds '\u00ef' \(U\+00EF\)"),
        (
            "PaRe.\n\nParameters\n----------\nlr : float\n    From 1 \u2013 2.\n",
            r"description of the parameter lr of odd.Odd holds '\u2013' \(U\+2013\)",
        ),
        ("", "odd.Odd has no docstring"),
    ],
)
def test_flow__docstring_that_openml_refuses__named(
    docstring, match, odd_module, server, clf
):
    odd = odd_module(docstring)(**clf.get_params())
    with pytest.raises(FlowError, match=match):
        run_task(odd, CANCER)
    assert not any(asked.startswith("POST") for asked in server.requests)


def test_publish__plain_run_with_such_a_docstring__named(
    odd_module, server, plain_run, clf
):
    run = plain_run(CANCER, odd_module("Na\u00efve PaRe.")(**clf.get_params()))
    with pytest.raises(FlowError, match="write that character in ASCII"):
        publish(run)
    assert not server.api.flows


@pytest.mark.skipif(not schemas.AVAILABLE, reason="OpenML's schemas are not here")
def test_plain_publish__such_a_docstring__error_163(odd_module, server, plain_run, clf):
    run = plain_run(CANCER, odd_module("Na\u00efve PaRe.")(**clf.get_params()))
    with pytest.raises(openml.exceptions.OpenMLServerException) as caught:
        run.publish()
    assert caught.value.code == 163


def test_flow__external_version_too_long__said(odd_module, server, clf):
    kind = odd_module("PaRe.")
    sys.modules["odd"].__version__ = "1." + "0" * 100
    with pytest.raises(FlowError, match=r"external_version of odd.Odd has \d+ char"):
        run_task(kind(**clf.get_params()), CANCER)


# requests that the server refuses


def test_publish__fold_missing__refused_and_mended(server, ready):
    run = ready(CANCER)
    whole = run.data_content
    run.data_content = [line for line in whole if line[1] != 1]
    with pytest.raises(PublishError, match=r"refused, uploading the run.*error 216"):
        publish(run)
    assert not server.api.runs
    run.data_content = whole
    publish(run)
    assert len(server.api.runs) == 1


def test_publish__flow_that_the_server_does_not_know__uploaded(server, ready):
    run = ready(CANCER)
    run.flow, run.flow_id = None, 9
    publish(run)
    assert list(server.api.flows) == [run.flow_id]


def test_publish__run_without_an_estimator__refused(server, ready):
    run = ready(CANCER)
    run.model = None
    with pytest.raises(PublishError, match="holds no estimator"):
        publish(run)


def test_publish__flow_there_is_another__named(server, clf, monkeypatch):
    monkeypatch.setattr(_flow, "_PAUSES", (0,))
    run = run_task(clf, CANCER)
    publish(run_task(clf.set_params(random_state=5), CANCER))
    run.flow.language = "Latin"
    with pytest.raises(PublishError, match=r"flow 101 .* but other content"):
        publish(run)


# a server that fails in the middle

UPLOADS = [
    ("POST", "/flow/", "before"),
    ("POST", "/flow/", "after"),
    ("POST", "/run/", "before"),
    ("POST", "/run/", "after"),
]
PLACES = [
    ("POST", "/flow/exists", "before"),
    *UPLOADS,
    ("GET", r"/flow/\d+", "before"),
    ("POST", "/setup/exists/", "before"),
    ("GET", "/run/list/.*", "before"),
]


@pytest.mark.parametrize("kind", ["502", "drop"])
@pytest.mark.parametrize(("method", "path", "when"), PLACES)
def test_publish__server_fails_in_the_middle__a_retry_succeeds(
    method, path, when, kind, server, ready, clf
):
    if path == "/run/list/.*":
        # This request needs such a setup, here from a run on another task.
        publish(ready(MIXED))
    run = ready(CANCER)
    before = set(server.api.runs)
    server.faults.append(Fault(method, path, kind, when))
    with pytest.raises(PublishError, match="did not answer") as caught:
        publish(run)
    assert "call publish(run) again" in str(caught.value)
    assert KEY not in str(caught.value)
    assert caught.value.__context__ is None
    assert publish(run) is run
    assert set(server.api.runs) - before == {run.run_id}
    assert len(server.api.flows) == 1
    again = openml.runs.initialize_model_from_run(run.run_id)
    assert again.get_params() == clf.get_params()


@pytest.mark.parametrize(("method", "path", "when"), UPLOADS)
def test_publish__retries_of_openml__do_not_upload_twice(
    method, path, when, server, ready
):
    run = ready(CANCER)
    openml.config.connection_n_retries = 5
    server.faults.append(Fault(method, path, "drop", when))
    with pytest.raises(PublishError, match="did not answer"):
        publish(run)
    assert server.requests.count(f"{method} {path}") == 1
    assert openml.config.connection_n_retries == 5


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("path", ["/flow/", "/run/"])
def test_publish__time_out_in_the_middle__a_retry_succeeds(
    path, when, server, ready, monkeypatch
):
    run = ready(CANCER)
    request = requests.Session.request
    server.faults.append(Fault("POST", path, "stall", when))
    with monkeypatch.context() as patch:
        # openml itself has no time limit.
        patch.setattr(
            requests.Session,
            "request",
            lambda *args, **kwargs: request(*args, **kwargs, timeout=0.6),
        )
        with pytest.raises(PublishError, match=r"uploading the \w+ \(ReadTimeout"):
            publish(run)
    publish(run)
    assert list(server.api.runs) == [run.run_id]
    assert len(server.api.flows) == 1


def test_publish__interrupted_after_the_run_arrived__taken_up(
    server, ready, monkeypatch
):
    run = ready(CANCER)
    parse = openml.runs.OpenMLRun._parse_publish_response

    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(openml.runs.OpenMLRun, "_parse_publish_response", interrupt)
    with pytest.raises(KeyboardInterrupt):
        publish(run)
    assert openml.config.connection_n_retries == 1
    monkeypatch.setattr(openml.runs.OpenMLRun, "_parse_publish_response", parse)
    publish(run)
    assert list(server.api.runs) == [run.run_id]


def test_publish__nobody_there__key_is_not_shown(server, ready):
    run = publish(ready(CANCER))
    openml.config.server = "http://127.0.0.1:9/api/v1/xml"
    run.run_id = None
    # The address of this GET request contains the key.
    with pytest.raises(TaskError, match="Task 9946 could not be loaded") as caught:
        publish(run)
    assert "api_key=(key)" in str(caught.value)
    assert KEY not in str(caught.value)
    assert caught.value.__context__ is None
