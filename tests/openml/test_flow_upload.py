"""Uploads of flows that fail halfway, collide, break a limit or are known already."""

import re

import openml
import pytest
from lxml import etree
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.feature_selection import SelectFromModel
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_pare.exceptions import FlowError, PublishError
from sklearn_pare.openml import _flow, publish, run_task
from sklearn_pare.openml._flow import _count_parameters, check, make_flow
from tests.openml.conftest import SMALL
from tests.openml_server import Fault

pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:Support for `output_format`:FutureWarning"),
]


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(_flow, "_PAUSES", (0, 0, 0, 0))


def _estimators(clf):
    return {
        "alone": clf,
        "pipeline": make_pipeline(SimpleImputer(), clf),
        "search": GridSearchCV(clf, {"lr": [0.01, 0.02]}, cv=2),
        "search of a pipeline": GridSearchCV(
            make_pipeline(StandardScaler(), clf), {"standardscaler__with_std": [True]},
            cv=2,
        ),
    }  # fmt: skip


def _ids(flow):
    return {flow.flow_id}.union(*map(_ids, flow.components.values()))


def _publish_with_the_named_deletions(run):
    for _ in range(3):
        try:
            return publish(run)
        except PublishError as error:
            assert _ids(run.flow) == {None}
            numbers = re.findall(r"openml\.flows\.delete_flow\((\d+)\)", str(error))
            assert all(openml.flows.delete_flow(int(number)) for number in numbers)
    raise AssertionError("three attempts failed")


@pytest.mark.parametrize(
    ("name", "rows"),
    [("alone", 1), ("alone", 12), ("pipeline", 4), ("pipeline", 9), ("pipeline", 20),
     ("search", 15), ("search of a pipeline", 21)],
)  # fmt: skip
def test_publish__server_killed_within_a_flow__works_after_the_named_deletions(
    name, rows, server, clf
):
    run = run_task(_estimators(clf)[name], SMALL)
    server.faults.append(Fault("POST", "/flow/", "die", "during", rows=rows))
    with pytest.raises(PublishError, match="did not answer"):
        publish(run)
    _publish_with_the_named_deletions(run)
    assert any(asked.startswith("DELETE /flow/") for asked in server.requests)
    again = openml.runs.initialize_model_from_run(run.run_id)
    assert again.get_params().keys() == run.model.get_params().keys()


def _in_the_cache(number):
    return _flow.folder("flows", number) / "flow.xml"


def _other_process(server, flow):
    """Let another process upload the same flow at the same time."""
    server.faults.append(Fault("POST", "/flow/", "rival", "during", rows=6))


def _other_process_uploads_a_part(server, flow):
    part = etree.fromstring(flow.components["estimator"]._to_xml())
    rows = server.api._write(part, 7)
    next(rows)
    server.api._rivals.append((rows, 4))


def _half_a_flow_in_the_cache(server, flow):
    rows = server.api._write(etree.fromstring(flow._to_xml()), 7)
    next(rows)
    openml.flows.get_flow(7)
    list(rows)
    assert _in_the_cache(7).exists()


def _cut_file_in_the_cache(server, flow):
    list(server.api._write(etree.fromstring(flow._to_xml()), 7))
    openml.flows.get_flow(7)
    _in_the_cache(7).write_text(_in_the_cache(7).read_text()[:300])


def _empty_file_in_the_cache(server, flow):
    _cut_file_in_the_cache(server, flow)
    _in_the_cache(7).write_text("")


@pytest.mark.parametrize(
    "happens",
    [_other_process, _other_process_uploads_a_part, _half_a_flow_in_the_cache,
     _cut_file_in_the_cache, _empty_file_in_the_cache],
)  # fmt: skip
def test_publish__two_processes_upload_one_flow__both_succeed(happens, server, clf):
    run = run_task(_estimators(clf)["search"], SMALL)
    happens(server, run.flow)
    publish(run)
    assert run.run_id in server.api.runs
    names = [flow.findtext("{*}name") for flow in server.api.flows.values()]
    assert len(names) == len(set(names)) == 2
    again = openml.runs.initialize_model_from_run(run.run_id)
    assert again.get_params().keys() == run.model.get_params().keys()


def _forest(clf):
    return RandomForestClassifier(n_estimators=2)


@pytest.mark.parametrize(
    "make",
    [
        lambda clf: VotingClassifier(
            [("a", clf), ("b", _forest(clf)), ("c", LogisticRegression())]
        ),
        lambda clf: make_pipeline(
            OneHotEncoder(), SimpleImputer(), StandardScaler(),
            VotingClassifier([("a", clf), ("b", _forest(clf))]),
        ),
        lambda clf: GridSearchCV(
            VotingClassifier([("a", clf), ("b", _forest(clf))]), {"b__ccp_alpha": [0]}
        ),
        lambda clf: RandomizedSearchCV(
            make_pipeline(SimpleImputer(), SelectFromModel(_forest(clf)), clf), {}
        ),
    ],
    ids=["voting", "long pipeline", "search", "search of a pipeline"],
)  # fmt: skip
def test_flow__more_than_60_parameters__refused_before_anything_is_sent(
    make, server, clf
):
    with pytest.raises(FlowError, match=r"has \d+ parameters over all its parts"):
        run_task(make(clf), SMALL)
    assert not any(asked.startswith("POST") for asked in server.requests)


def test_flow__60_parameters__taken_and_61_refused_with_their_number(clf):
    flow = make_flow(make_pipeline(SimpleImputer(), clf))
    part = flow.components["simpleimputer"]
    for number in range(60 - _count_parameters(flow)):
        part.parameters[f"more_{number}"] = "0"
    check(flow)
    part.parameters["one_more"] = "0"
    with pytest.raises(FlowError, match=r"Pipeline has 61 parameters.*accepts 60"):
        check(flow)


def _weighted(clf):
    return clf.set_params(class_weight={f"class {i}": 0.123456 for i in range(200)})


MANY = {"var_smoothing": [i / 7 for i in range(1, 151)]}
LONG_VALUES = {
    "weights": ("class_weight", _weighted),
    "grid": ("param_grid", lambda clf: GridSearchCV(GaussianNB(), MANY)),
    "distributions": (
        "param_distributions",
        lambda clf: RandomizedSearchCV(GaussianNB(), MANY, n_iter=1, cv=2),
    ),
    "text in a part": (
        "fill_value",
        lambda clf: make_pipeline(SimpleImputer(fill_value="x" * 2100), clf),
    ),
    "path": ("backbone", lambda clf: clf.set_params(backbone="hf:/home" + "/x" * 1100)),
}


@pytest.mark.parametrize("name", LONG_VALUES)
def test_flow__value_of_more_than_2048_characters__refused_before_anything_is_sent(
    name, server, clf
):
    parameter, make = LONG_VALUES[name]
    match = rf"value of the parameter {parameter} of \S+ has \d+ characters.* 2048"
    with pytest.raises(FlowError, match=match):
        run_task(make(clf), SMALL)
    assert not any(asked.startswith("POST") for asked in server.requests)


def test_flow__value_of_2048_characters__taken(clf):
    # Two characters are quotes.
    check(make_flow(clf.set_params(backbone="x" * 2046)))
    with pytest.raises(FlowError, match="has 2049 characters"):
        make_flow(clf.set_params(backbone="x" * 2047))


def test_publish__plain_run_with_a_long_value__refused_before_anything_is_sent(
    server, plain_run
):
    _, make = LONG_VALUES["distributions"]
    run = plain_run(SMALL, make(None))
    with pytest.raises(FlowError, match="Shorten it"):
        publish(run)
    assert not any(asked.startswith("POST") for asked in server.requests)


def _avoiding_duplicates(estimator, task):
    return openml.runs.run_model_on_task(estimator, task)


def _with_its_flow_uploaded(estimator, task):
    return openml.runs.run_model_on_task(estimator, task, upload_flow=True)


def _of_a_downloaded_flow(estimator, task):
    run = _avoiding_duplicates(estimator, task)
    flow = openml.flows.get_flow(run.flow_id, reinstantiate=True)
    flow.model.set_params(**estimator.get_params())
    return openml.runs.run_flow_on_task(flow, task)


def _without_its_flow(estimator, task):
    run = _avoiding_duplicates(estimator, task)
    run.flow = None
    return run


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (_avoiding_duplicates, "alone"),
        (_avoiding_duplicates, "pipeline"),
        (_with_its_flow_uploaded, "search"),
        (_of_a_downloaded_flow, "alone"),
        (_without_its_flow, "alone"),
        (_without_its_flow, "pipeline"),
    ],
)
def test_publish__plain_run_whose_flow_is_known__all_versions_recorded(
    make, name, server, clf
):
    task = openml.tasks.get_task(SMALL)
    first = openml.runs.run_model_on_task(_estimators(clf)[name], task).publish()
    clf.set_params(random_state=5)
    run = make(_estimators(clf)[name], task)
    assert run.flow_id == first.flow_id
    publish(run)
    flow = openml.flows.get_flow(run.flow_id)
    for package in ("torch", "timm", "skorch", "sklearn_pare"):
        assert f"{package}==" in flow.external_version
    again = openml.runs.initialize_model_from_run(run.run_id)
    assert again.get_params().keys() == run.model.get_params().keys()
    seeds = [v for k, v in again.get_params().items() if k.endswith("random_state")]
    assert seeds == [5]
