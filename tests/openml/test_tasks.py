from pathlib import Path

import numpy as np
import openml
import pytest
from sklearn.datasets import load_breast_cancer

from sklearn_pare.exceptions import TaskError
from sklearn_pare.openml import CC18, run_task
from sklearn_pare.openml._tasks import load_task
from tests.openml.conftest import CANCER, MIXED, write_cancer, write_mixed
from tests.openml_server import schemas


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
    assert "tasks/9946/task.xml, tasks/9946/datasplits.arff is missing" in text
    assert "get_task(9946, download_splits=True)" in text
    assert "OPENML_CACHE_DIR" in text


@pytest.mark.parametrize("file", ["description.xml", "features.xml", "dataset.arff"])
def test_run_task__data_missing__named_and_the_task_is_kept(file, clf, no_network):
    task, data = write_cancer()
    (data / file).unlink()
    with pytest.raises(TaskError, match=f"datasets/1510/.*{file}.* is missing"):
        run_task(clf, CANCER)
    assert (task / "task.xml").exists()


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


def test_run_task__no_answer__key_is_not_shown(clf):
    openml.config.apikey = "secret/key"
    with pytest.raises(TaskError, match="ConnectionError") as caught:
        run_task(clf, CANCER)
    error = caught.value
    assert "secret" not in str(error)
    assert error.__cause__ is error.__context__ is None
