"""The local server refuses requests with OpenML's error codes."""

import openml
import pytest
import requests
from openml.exceptions import OpenMLNotAuthorizedError, OpenMLServerException
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB

from sklearn_pare.openml import publish, run_task
from tests.openml.conftest import CANCER, MIXED, SMALL
from tests.openml_server import Fault, schemas

pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")

needs_schemas = pytest.mark.skipif(
    not schemas.AVAILABLE, reason="OpenML's schemas are not here"
)


def _refused(code, function, *args):
    with pytest.raises(OpenMLServerException) as caught:
        function(*args)
    assert caught.value.code == code


def test_server__dataset_and_task(server):
    dataset = openml.datasets.get_dataset(
        1510, download_qualities=True, download_features_meta_data=True
    )
    assert (dataset.name, dataset.default_target_attribute) == ("wdbc", "Class")
    assert dataset.qualities["NumberOfInstances"] == 60
    assert len(dataset.features) == 31
    X, y, _, _ = dataset.get_data(target="Class")
    assert X.shape == (60, 30)
    assert set(y) == {"1", "2"}
    task = openml.tasks.get_task(CANCER)
    assert task.get_split_dimensions() == (1, 2, 1)


def test_server__unknown_ids__refused(server):
    _refused(151, openml.tasks.get_task, 1)
    _refused(111, openml.datasets.get_dataset, 1)
    _refused(181, openml.flows.get_flow, 1)
    _refused(236, openml.runs.get_run, 1)
    _refused(512, openml.runs.functions._list_runs, [1])


def test_server__no_key__102(server, ready):
    flow = ready(CANCER).flow
    openml.config.apikey = ""
    with pytest.raises(OpenMLNotAuthorizedError):
        flow.publish()


def test_server__wrong_key__103(server, ready):
    flow = ready(CANCER).flow
    openml.config.apikey = "wrong"
    _refused(103, flow.publish)


def test_server__flow_twice__171(server, ready):
    flow = ready(CANCER).flow.publish()
    flow.flow_id = flow.uploader = flow.version = flow.upload_date = None
    _refused(171, super(openml.flows.OpenMLFlow, flow).publish)


def _sent(run):
    """Upload the flow of a run, and return the run."""
    run.flow.publish()
    run.flow_id = run.flow.flow_id
    return run


def test_server__unknown_task_flow_and_parameter(server, ready):
    run = _sent(ready(CANCER))
    run.parameter_settings = run.flow.extension.obtain_parameter_values(run.flow)
    text = run._to_xml()
    for old, new, code in (
        (f"task_id>{CANCER}<", "task_id>4<", 204),
        (f"flow_id>{run.flow_id}<", "flow_id>4<", 205),
        ("name>mix_start<", "name>mix_begin<", 213),
        ("name>mix_start<", "name>mix_end<", 213),
        ('fold="1"', 'fold="2"', 216),
        ("name>predictive_accuracy<", "name>luck<", 217),
    ):
        assert old in text
        run._to_xml = lambda old=old, new=new: text.replace(old, new, 1)
        _refused(code, run.publish)
    del run._to_xml
    run.publish()


@needs_schemas
def test_server__run_against_its_schema__202(server, ready):
    run = _sent(ready(CANCER))
    run.tags = ["two words"]
    _refused(202, run.publish)


def _first(change):
    """Return a function that changes the first line of the predictions."""
    return lambda lines: [change(list(lines[0])), *lines[1:]]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda lines: lines[1:], 216),
        (lambda lines: [*lines, lines[0]], 216),
        (_first(lambda line: [0, 2, *line[2:]]), 216),
        (_first(lambda line: [1, *line[1:]]), 216),
        (_first(lambda line: [*line[:3], 10**6, *line[4:]]), 216),
        (_first(lambda line: [*line[:4], *line[4:6], 0.9, 0.9]), 209),
        (_first(lambda line: [*line[:6], *line[:5:-1]]), 209),
        (_first(lambda line: [*line[:5], "12".strip(line[5]), *line[6:]]), 209),
    ],
    ids=["row missing", "row twice", "unknown fold", "unknown repeat", "unknown row",
         "no distribution", "confidences swapped", "wrong truth"],
)  # fmt: skip
def test_server__predictions_that_are_not_each_row_once(
    change, code, server, ready, clf
):
    run = _sent(ready(CANCER))
    run.data_content = change(run.data_content)
    _refused(code, run.publish)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [("predictions.csv", None, 206), ("predictions.arff", "no ARFF", 209)],
)
def test_server__predictions_in_another_format(name, content, code, server, ready):
    run = _sent(ready(CANCER))
    files = run._get_file_elements()
    files["predictions"] = name, content or files["predictions"][1]
    run._get_file_elements = lambda: files
    _refused(code, run.publish)


def test_server__trace_without_a_choice_for_a_fold__216(server, clf):
    grid = GridSearchCV(clf, {"mix_start": [0.2, 0.6]}, cv=2)
    run = _sent(run_task(grid, CANCER))
    for candidate in run.trace:
        candidate.selected = candidate.selected and candidate.fold == 0
    _refused(216, run.publish)


def test_server__takes_duplicates_as_openml_does(server, ready):
    publish(ready(MIXED))
    _sent(ready(MIXED)).publish()
    assert len(server.api.runs) == 2


# what the server of OpenML does, and a simple double would not


def test_server__setup_of_more_than_60_parameters__588_and_215(server, clf, plain_run):
    parts = [clf, RandomForestClassifier(), LogisticRegression()]
    many = VotingClassifier([(str(i), part) for i, part in enumerate(parts)])
    run = _sent(plain_run(SMALL, many))
    _refused(588, openml.setups.setup_exists, run.flow)
    _refused(215, run.publish)


def test_server__setup_of_an_unknown_flow_or_parameter__584_and_586(
    server, ready, monkeypatch
):
    run = _sent(ready(CANCER))
    unparse = openml.setups.functions.xmltodict.unparse
    for old, new, code in (
        (f"flow_id>{run.flow_id}<", "flow_id>4<", 584),
        ("name>mix_start<", "name>mix_begin<", 586),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(
                openml.setups.functions.xmltodict,
                "unparse",
                lambda *a, old=old, new=new, **k: unparse(*a, **k).replace(old, new),
            )
            _refused(code, openml.setups.setup_exists, run.flow)


@needs_schemas
def test_server__setup_against_its_schema__582_in_several_lines(server, ready):
    run = _sent(ready(CANCER))
    run.flow.model.class_weight = {f"class number {i}": 1.0 for i in range(100)}
    with pytest.raises(OpenMLServerException) as caught:
        openml.setups.setup_exists(run.flow)
    assert caught.value.code == 582
    first, *_, last = str(caught.value).splitlines()
    assert first.endswith("XML does not correspond to XSD schema.")
    assert "&#x27;maxLength&#x27;" in str(caught.value)
    assert "maxLength" not in last


@pytest.mark.parametrize("procedure", ["leaveoneout", "testontrainingdata"])
def test_server__measures_of_folds_without_a_number_of_folds__216(server, plain_run):
    with pytest.raises(OpenMLServerException) as caught:
        plain_run(SMALL, GaussianNB()).publish()
    assert caught.value.code == 216
    assert "predictive_accuracy(0, 0)" in str(caught.value)


@pytest.mark.parametrize("procedure", ["crossvalidation", "holdout"])
def test_server__measures_of_folds_with_a_number_of_folds__taken(server, plain_run):
    run = plain_run(SMALL, GaussianNB()).publish()
    assert run.run_id in server.api.runs


def test_server__killed_while_it_writes_a_flow__half_a_flow(server, ready):
    flow = ready(CANCER).flow
    server.faults.append(Fault("POST", "/flow/", "die", "during", rows=3))
    with pytest.raises(requests.ConnectionError):
        flow.publish()
    number = openml.flows.flow_exists(flow.name, flow.external_version)
    assert len(openml.flows.get_flow(number).parameters) == 2
    assert openml.flows.delete_flow(number)
    assert not openml.flows.flow_exists(flow.name, flow.external_version)


def test_server__flow_of_a_run_or_of_a_flow__not_deleted(server, clf):
    grid = GridSearchCV(clf, {"mix_start": [0.2, 0.6]}, cv=2)
    run = publish(run_task(grid, CANCER))
    for flow in (run.flow, run.flow.components["estimator"]):
        with pytest.raises(OpenMLNotAuthorizedError, match="associated entities"):
            openml.flows.delete_flow(flow.flow_id)


def test_server__two_processes_upload_a_flow__171_then_half_then_whole(server, ready):
    flow = ready(CANCER).flow
    server.faults.append(Fault("POST", "/flow/", "rival", "during", rows=9))
    _refused(171, flow.publish)
    number = openml.flows.flow_exists(flow.name, flow.external_version)
    sizes = [
        server.api.answer("GET", f"/flow/{number}", {}, {}).count(b"oml:parameter>")
        for _ in range(3)
    ]
    assert sizes[0] < sizes[1] == sizes[2]


def test_server__upload_too_large__102_or_207(server, ready):
    run = _sent(ready(CANCER))
    server.api.file_limit = 1000
    _refused(207, run.publish)
    server.form_limit = 1000
    with pytest.raises(OpenMLNotAuthorizedError):
        run.publish()


def test_server__measures_and_traces__after_the_engine_has_run(server, clf):
    grid = GridSearchCV(clf, {"mix_start": [0.2, 0.6]}, cv=2)
    run = publish(run_task(grid, CANCER))
    assert openml.runs.get_run(run.run_id).fold_evaluations is None
    _refused(572, openml.runs.get_run_trace, run.run_id)
    server.api.evaluate()
    there = openml.runs.get_run(run.run_id, ignore_cache=True)
    assert there.fold_evaluations == run.fold_evaluations
    assert len(openml.runs.get_run_trace(run.run_id).trace_iterations) == 4


def test_server__run_that_the_engine_cannot_evaluate__not_listed(server, ready):
    ids = [_sent(ready(MIXED)).publish().run_id for _ in range(2)]
    server.api.evaluate(failed={ids[0]})
    listed = openml.runs.functions._list_runs(task=[MIXED], output_format="dict")
    assert list(listed) == ids[1:]


def test_server__classes__in_the_order_of_its_database(server):
    assert openml.tasks.get_task(MIXED).class_labels == ["bad", "Good"]
