"""Refusals of the server: what it says, and what is sent so that it does not refuse."""

import html
import re

import openml
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB

from sklearn_pare.exceptions import PublishError
from sklearn_pare.openml import publish, run_task
from tests.openml.conftest import CANCER, SMALL
from tests.openml_server import KEY, Fault, schemas
from tests.openml_server.schemas import Refusal

pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:Support for `output_format`:FutureWarning"),
]


def _ours(estimator, plain_run):
    return run_task(estimator, SMALL)


def _plain(estimator, plain_run):
    return plain_run(SMALL, estimator)


@pytest.mark.parametrize("procedure", ["leaveoneout", "testontrainingdata"])
@pytest.mark.parametrize("make", [_ours, _plain])
@pytest.mark.parametrize(
    "estimator",
    [GaussianNB(), GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9, 0.1]}, cv=2)],
    ids=["classifier", "search"],
)
def test_publish__procedure_without_a_number_of_folds__no_measures_of_folds(
    estimator, make, procedure, server, plain_run
):
    run = publish(make(estimator, plain_run))
    sent = server.api.runs[run.run_id]["description"]
    assert not list(sent.iter("{*}evaluation"))
    server.api.evaluate()
    assert openml.runs.get_run(run.run_id).fold_evaluations is None


@pytest.mark.parametrize("procedure", ["crossvalidation", "holdout"])
@pytest.mark.parametrize("make", [_ours, _plain])
def test_publish__procedure_with_a_number_of_folds__measures_of_folds(
    make, procedure, server, plain_run
):
    run = publish(make(GaussianNB(), plain_run))
    server.api.evaluate()
    assert openml.runs.get_run(run.run_id).fold_evaluations == run.fold_evaluations
    assert run.fold_evaluations["predictive_accuracy"]


LONG = "Measure(s): " + ", ".join(f"predictive_accuracy(0, {i})" for i in range(1600))


@pytest.mark.parametrize("path", ["/flow/exists", "/flow/", "/setup/exists/", "/run/"])
@pytest.mark.parametrize(
    "details",
    [LONG, "no_spaces" * 4000, "line\n" * 9000, "<b>" * 9000],
    ids=["measures", "one word", "lines", "tags"],
)
def test_publish__long_refusal__cut_to_a_readable_length(details, path, server, clf):
    run = run_task(GaussianNB(), SMALL)
    server.faults.append(Fault("POST", path, Refusal(999, "Not possible", details)))
    with pytest.raises(PublishError, match="error 999: Not possible - ") as caught:
        publish(run)
    assert len(str(caught.value)) < 800


# Step -> path and code of a refusal.
STEPS = {
    "flow": ("/flow/", 163),
    "setup": ("/setup/exists/", 582),
    "run": ("/run/", 202),
}
REASON = "The value of 'x' has the length 3021, allowed are < 2048."


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("last", ["", "\n", "\nNot valid.\n\n", "\nSee & read on."])
def test_publish__refusal_of_several_lines__reason_shown_and_unescaped(
    last, step, server
):
    path, code = STEPS[step]
    run = run_task(GaussianNB(), SMALL)
    details = f"No XSD.\nError 1831 on line 9: {REASON}{last}"
    refusal = Refusal(code, "Problem validating it", html.escape(details))
    server.faults.append(Fault("POST", path, refusal))
    with pytest.raises(PublishError) as caught:
        publish(run)
    text = str(caught.value)
    start = (
        f"error {code}: Problem validating it - No XSD. Error 1831 on line 9: {REASON}"
    )
    assert start in text
    assert "\n" not in text
    assert "oml:" not in text
    assert server.url in text


@pytest.mark.skipif(not schemas.AVAILABLE, reason="OpenML's schemas are not here")
def test_publish__xml_against_its_schema__the_character_is_named(server):
    run = run_task(GaussianNB(), SMALL)
    run.tags = ["two words"]
    with pytest.raises(PublishError, match=r"error 202: .*'pattern'.*'two words'"):
        publish(run)


def _form(server):
    server.form_limit = 3000


def _file(server):
    server.api.file_limit = 5000


def _proxy(server):
    server.faults.append(Fault("POST", "/run/", "413"))


@pytest.mark.parametrize("task", [CANCER, SMALL])
@pytest.mark.parametrize("limit", [_form, _file, _proxy])
def test_publish__upload_too_large__said_with_its_size_and_not_blamed_on_the_key(
    limit, task, server
):
    run = run_task(GaussianNB(), task)
    whole, run.data_content = run.data_content, run.data_content * 300
    limit(server)
    with pytest.raises(PublishError, match="refused, uploading the run") as caught:
        publish(run)
    size = {CANCER: r"0\.[6-9]", SMALL: r"0\.[12]"}[task]
    text = rf"it has {size} MB and is probably too large; the key is right"
    assert re.search(text, str(caught.value))
    assert "Check the key" not in str(caught.value)
    server.form_limit = server.api.file_limit = 10**6
    run.data_content = whole
    publish(run)
    assert len(server.api.runs) == 1


def test_publish__wrong_key__still_blamed_on_the_key(server):
    run = run_task(GaussianNB(), SMALL)
    openml.config.apikey = "0" * 32
    with pytest.raises(PublishError, match=r"error 103.*Check the key") as caught:
        publish(run)
    assert "too large" not in str(caught.value)


@pytest.mark.parametrize("key", [f"{KEY}\n", f"{KEY}\r\n", f" {KEY}", f"{KEY}\t "])
@pytest.mark.parametrize("place", ["configuration", "environment"])
def test_publish__key_with_white_space__stripped(key, place, server, monkeypatch):
    if place == "environment":
        openml.config.apikey = ""
        monkeypatch.setenv("OPENML_APIKEY", key)
    else:
        openml.config.apikey = key
    run = publish(run_task(GaussianNB(), SMALL))
    assert run.run_id in server.api.runs
    assert openml.config.apikey == ("" if place == "environment" else key)


@pytest.mark.parametrize(
    ("text", "details"),
    [
        ("torch==2.15.0+cpu\nCreated by x", "torch_2.15.0_cpu,Created_by_x"),
        ("Se\u00e1n's laptop: 8 GB", "Se_n_s_laptop:_8_GB"),
        ("a" * 3000, "a" * 1024),
        ("", None),
        (None, None),
    ],
    ids=["versions", "other characters", "long", "empty", "none"],
)
@pytest.mark.parametrize("field", ["description_text", "run_details"])
def test_publish__description_of_the_run__sent_in_characters_that_the_server_takes(
    field, text, details, server
):
    run = run_task(GaussianNB(), SMALL)
    run.description_text = None
    setattr(run, field, text)
    publish(run)
    sent = server.api.runs[run.run_id]["description"]
    assert sent.findtext("{*}run_details") == details


@pytest.mark.parametrize("make", [_ours, _plain])
def test_publish__run__versions_and_maker_are_sent(make, server, plain_run):
    run = publish(make(GaussianNB(), plain_run))
    sent = server.api.runs[run.run_id]["description"].findtext("{*}run_details")
    assert re.search(r"(?i)sklearn_+\d+\.\d+", sent)
    assert "Created_by" in sent
