from itertools import product
from pathlib import Path

import numpy as np
import openml
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.naive_bayes import GaussianNB

from sklearn_pare.exceptions import TaskError
from sklearn_pare.openml import CC18, publish, run_task
from sklearn_pare.openml._tasks import load_task
from tests.openml.conftest import (
    CANCER,
    MIXED,
    SMALL,
    write_cancer,
    write_mixed,
    write_small,
)
from tests.openml_server import KEY, schemas


def test_cc18__72_tasks():
    assert len(CC18) == len(set(CC18)) == 72
    assert sorted(CC18) == list(CC18)
    assert all(type(number) is int for number in CC18)
    assert CANCER in CC18
    # Task 43 has data set 44; there is no task 44 in the suite.
    assert 43 in CC18
    assert 44 not in CC18


def test_write_task__read_by_openml_as_written(no_network):
    write_cancer()
    task, X, y = load_task(CANCER)
    data, target = load_breast_cancer(return_X_y=True)
    assert task.dataset_id == 1510
    assert task.target_name == "Class"
    assert task.class_labels == ["1", "2"]
    assert list(X.columns) == [f"V{i}" for i in range(1, 31)]
    np.testing.assert_array_equal(X, data)
    np.testing.assert_array_equal(y == "2", target == 0)


def test_write_task__ten_stratified_folds_that_cover_all_rows(no_network):
    write_cancer()
    task, _, y = load_task(CANCER)
    assert task.get_split_dimensions() == (1, 10, 1)
    seen = []
    for fold in range(10):
        train, test = task.get_train_test_split_indices(fold=fold)
        assert sorted([*train, *test]) == list(range(569))
        assert abs(np.mean(y[test] == "2") - np.mean(y == "2")) < 0.02
        seen += list(test)
    assert sorted(seen) == list(range(569))


def test_write_task__categories_booleans_and_gaps_come_back(no_network):
    write_mixed()
    task, X, y = load_task(MIXED)
    assert task.class_labels == ["good", "bad"]
    assert list(y[:3]) == ["good", "bad", "good"]
    assert list(X["rank"].cat.categories) == ["low", "high"]
    assert set(X["purpose"].dropna()) == {"radio/tv", "car, new", "it's"}
    assert set(X["own"]) == {True, False}
    assert 5 < X["amount of money"].isna().sum() < 40
    assert X["empty"].isna().all()


@pytest.mark.skipif(not schemas.AVAILABLE, reason="OpenML's schemas are not here")
def test_write_task__files_keep_the_schemas():
    write_mixed()
    folder = Path(openml.config.get_cache_directory(), "datasets", "31")
    for file, schema in (
        ("description", "data.upload"),
        ("features", "data.features"),
        ("qualities", "data.qualities"),
    ):
        schemas.parse((folder / f"{file}.xml").read_bytes(), schema, 1)


@pytest.mark.parametrize("labels", [("true", "false"), ("TRUE", "FALSE")])
def test_load_task__classes_true_and_false__spelt_as_the_task(labels, no_network):
    write_mixed(labels)
    task, _, y = load_task(MIXED)
    assert task.class_labels == list(labels)
    assert list(y[:2]) == list(labels)


def test_run_task__not_in_the_cache__says_how_to_fetch(clf, no_network):
    with pytest.raises(TaskError, match="Task 9946 could not be loaded") as caught:
        run_task(clf, CANCER)
    text = str(caught.value)
    assert openml.config.get_cache_directory() in text
    assert "tasks/9946/task.xml is missing" in text
    assert "get_task(9946, download_splits=True)" in text
    assert "OPENML_CACHE_DIR" in text


def _cut(path):
    path.write_text(path.read_text()[: path.stat().st_size // 2])


def _delete(path):
    path.unlink()


def _empty(path):
    path.write_text("")


def _page(path):
    path.write_text("<html><body>Log in to the network</body></html>")


def _files(*folders):
    return {
        file
        for path in folders
        for file in path.iterdir()
        if not file.name.endswith((".pkl", ".py3"))
    }


@pytest.mark.parametrize("harm", [_cut, _delete, _empty, _page])
@pytest.mark.parametrize(
    ("function", "name"),
    [
        (run_task, "dataset.arff"),
        *product(
            [run_task, publish],
            ["task.xml", "datasplits.arff", "description.xml", "features.xml"],
        ),
    ],
)
def test_task__file_of_the_cache_damaged_or_missing__named_and_the_others_kept(
    function, name, harm, clf, no_network
):
    folders = write_small()
    if function is publish:
        openml.config.apikey = KEY
        arguments = [run_task(GaussianNB(), SMALL)]
        for path in folders:
            for file in (*path.glob("*.pkl"), *path.glob("*.py3")):
                file.unlink()
    else:
        arguments = [GaussianNB(), SMALL]
    file = next(path / name for path in folders if (path / name).exists())
    harm(file)
    before = _files(*folders)
    for _ in range(2):
        with pytest.raises(TaskError) as caught:
            function(*arguments)
        text = str(caught.value)
        # A file of data that is cut at the end of a line has too few samples.
        assert "/".join(file.parts[-3:]) in text or f"remove {file.parent} too" in text
        assert "Remove the folder" in text or "With a network" in text
        assert caught.value.__context__ is None
        assert _files(*folders) == before


@pytest.mark.parametrize("harm", [_cut, _delete, _empty])
def test_run_task__qualities_damaged_or_missing__not_needed(harm, no_network):
    _, data = write_small()
    harm(data / "qualities.xml")
    assert len(run_task(GaussianNB(), SMALL).data_content) == 12


@pytest.mark.parametrize("word", ["Sparse_ARFF", "sparse_arff"])
def test_run_task__sparse_data__said_that_it_is_not_supported(word, no_network):
    _, data = write_small()
    text = (data / "description.xml").read_text()
    (data / "description.xml").write_text(text.replace(">ARFF<", f">{word}<"))
    with pytest.raises(TaskError, match=rf"61 has the format {word}, which is not sup"):
        run_task(GaussianNB(), SMALL)


COLUMNS = ["type", "row", "repeat", "fold"]


def _without(**wanted):
    """Return a function that removes the lines with these values."""

    def change(lines):
        return [
            line
            for line in lines
            if any(line[COLUMNS.index(name)] != value for name, value in wanted.items())
        ]

    return change


def _renumbered(column, old, new):
    """Return a function that replaces a value in a column."""

    def change(lines):
        return [
            [new if (i, value) == (column, old) else value for i, value in enumerate(x)]
            for x in lines
        ]

    return change


# Damage -> procedure, and change of the lines of its file of folds.
CV, LOO, OUT, SAME = "crossvalidation", "leaveoneout", "holdout", "testontrainingdata"
SHORT = {
    "5 % short": (CV, lambda lines: lines[:-3]),
    "first lines lost": (CV, lambda lines: lines[30:]),
    "never tested": (CV, _without(type="TEST", row="3", repeat="0")),
    "never trained on": (CV, lambda lines: lines[1:]),
    "tested twice": (CV, lambda lines: [*lines, lines[-1]]),
    "trained on and tested": (CV, lambda lines: [*lines, ["TEST", *lines[0][1:]]]),
    "trained on twice": (CV, lambda lines: [*lines, lines[0]]),
    "no such row": (CV, lambda lines: [["TRAIN", "12", "0", "0"], *lines]),
    "another row": (CV, lambda lines: [["TEST", "99", "0", "0"], *lines[1:]]),
    "negative row": (CV, lambda lines: [["TEST", "-1", "0", "0"], *lines[1:]]),
    "last row unknown": (CV, _without(row="11")),
    "last fold lost": (CV, _without(fold="2")),
    "first fold lost": (CV, _without(fold="0")),
    "fold renumbered": (CV, _renumbered(3, "2", "5")),
    "repeat renumbered": (CV, _renumbered(2, "1", "7")),
    "fold of a repeat lost": (CV, _without(fold="2", repeat="1")),
    "repeat lost": (CV, _without(repeat="1")),
    "fold without training": (CV, _without(fold="2", type="TRAIN")),
    "one left out lost": (LOO, _without(fold="11")),
    "one left out elsewhere lost": (LOO, _without(row="4", fold="7")),
    "hold-out short": (OUT, lambda lines: lines[:-1]),
    "hold-out without training": (OUT, _without(type="TRAIN")),
    "training data short": (SAME, lambda lines: lines[:-1]),
    "training data twice": (SAME, lambda lines: [*lines, lines[-1]]),
}


def _write_changed(procedure, change):
    task, _ = write_small(procedure=procedure, n_repeats=2 if procedure == CV else 1)
    head, body = (task / "datasplits.arff").read_text().split("@DATA\n")
    lines = [line.split(",") for line in body.splitlines() if line.startswith("T")]
    text = "\n".join(",".join(line) for line in change(lines))
    (task / "datasplits.arff").write_text(f"{head}@DATA\n{text}\n")
    return task


@pytest.mark.parametrize("name", SHORT)
def test_run_task__folds_not_whole__refused(name, no_network):
    task = _write_changed(*SHORT[name])
    for _ in range(2):
        with pytest.raises(TaskError, match=r"59.* Remove the folder") as caught:
            run_task(GaussianNB(), SMALL)
        assert str(task) in str(caught.value)
        assert (task / "datasplits.arff").exists()


@pytest.mark.parametrize("procedure", [CV, LOO, OUT, SAME])
def test_run_task__folds_whole__accepted(procedure, no_network):
    _write_changed(procedure, lambda lines: lines[::-1])
    run = run_task(GaussianNB(), SMALL)
    assert len(run.data_content) == {CV: 24, OUT: 4}.get(procedure, 12)


@pytest.mark.parametrize(
    "name", ["5 % short", "tested twice", "never trained on", "one left out lost"]
)
def test_publish__plain_run_on_folds_not_whole__refused(name, no_network, plain_run):
    _write_changed(*SHORT[name])
    run = plain_run(SMALL, GaussianNB())
    openml.config.apikey = KEY
    with pytest.raises(TaskError, match="folds of task 59 are damaged"):
        publish(run)


def test_run_task__arff_beside_an_address_of_parquet__not_asked_for(no_network, clf):
    _, data = write_cancer(n_rows=60, n_folds=2)
    text = (data / "description.xml").read_text()
    address = "<oml:parquet_url>http://127.0.0.1:9/data/1510.pq</oml:parquet_url>"
    text = text.replace("<oml:file_id>", address + "<oml:file_id>")
    (data / "description.xml").write_text(text)
    assert len(run_task(clf, CANCER).data_content) == 60


def test_run_task__regression__refused(clf):
    task, _ = write_cancer()
    text = (task / "task.xml").read_text()
    text = text.replace("_id>1<", "_id>2<").replace("Classification", "Regression")
    (task / "task.xml").write_text(text)
    with pytest.raises(TaskError, match=r"type 'Supervised Regression'\. Exp"):
        run_task(clf, CANCER)


def test_run_task__label_that_the_task_does_not_know__refused(clf):
    _, data = write_cancer()
    text = (data / "features.xml").read_text()
    text = text.replace("nominal_value>2<", "nominal_value>3<")
    (data / "features.xml").write_text(text)
    with pytest.raises(TaskError, match=r"holds '2', which is none of its classes"):
        run_task(clf, CANCER)


def test_run_task__target_without_classes__refused(no_network):
    _, data = write_small()
    text = (data / "features.xml").read_text()
    (data / "features.xml").write_text(text.replace(">class<", ">other<"))
    with pytest.raises(TaskError, match=r"target 'class' of task 59 has no classes"):
        run_task(GaussianNB(), SMALL)


def test_run_task__no_answer__key_is_not_shown(clf):
    openml.config.apikey = "secret/key"
    with pytest.raises(TaskError, match="ConnectionError") as caught:
        run_task(clf, CANCER)
    error = caught.value
    assert "secret" not in str(error)
    assert error.__cause__ is error.__context__ is None
