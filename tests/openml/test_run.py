import itertools
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from sklearn_pare import PaReClassifier
from sklearn_pare.exceptions import FlowError, TaskError
from sklearn_pare.openml import fold_scores, run_task
from sklearn_pare.openml._scores import column_order
from sklearn_pare.openml._tasks import load_task
from tests.common.instances import tiny
from tests.openml.conftest import CANCER, MIXED, write_cancer, write_mixed
from tests.openml.write_task import write_task


def test_run_task__ten_folds_from_the_cache_without_a_network(no_network):
    write_cancer()
    # Four steps of 128 samples.
    settings = {"max_epochs": 1, "batch_size": 128, "linear_path": False}
    run = run_task(tiny(PaReClassifier, **settings), CANCER)
    scores = fold_scores(run)
    assert scores["fold"].tolist() == list(range(10))
    assert scores["repeat"].tolist() == [0] * 10
    assert scores["n_test"].sum() == 569
    assert sorted(line[3] for line in run.data_content) == list(range(569))
    assert scores["auroc"].mean() > 0.95
    assert scores["accuracy"].mean() > 0.85


def test_run_task__same_as_a_loop_by_hand(clf):
    write_mixed()
    run, scores = run_task(clf, MIXED), []
    task, X, y = load_task(MIXED)
    X = X.drop(columns="empty")
    for fold in range(3):
        train, test = task.get_train_test_split_indices(fold=fold)
        model = clone(clf).fit(X.iloc[train], y[train])
        # Classes are sorted: column 1 belongs to "good".
        probabilities = model.predict_proba(X.iloc[test])[:, 1]
        scores.append(
            {
                "auroc": roc_auc_score(y[test] == "good", probabilities),
                "accuracy": accuracy_score(y[test], model.predict(X.iloc[test])),
            }
        )
        lines = [line for line in run.data_content if line[1] == fold]
        assert [line[3] for line in lines] == list(test)
        np.testing.assert_allclose(
            [line[6] for line in lines], probabilities, atol=1e-7
        )
    found = fold_scores(run)[["auroc", "accuracy"]]
    pd.testing.assert_frame_equal(found, pd.DataFrame(scores))


def test_run_task__classes_true_and_false(clf):
    write_mixed(("true", "false"))
    run = run_task(clf, MIXED)
    assert {line[4] for line in run.data_content} <= {"true", "false"}
    assert fold_scores(run)["auroc"].between(0, 1).all()


def test_run_task__class_unknown_to_a_fold__confidence_0():
    y = pd.Categorical(["b", "a"] * 10 + ["c"] * 2, ["b", "a", "c"])
    X = np.r_[np.tile([0.0, 5.0], 10), 9.0, 9.0][:, None]
    folder, _ = write_task(5, X, y, dataset_id=6, n_folds=2)
    # Put both samples of the third class into the test part of the second fold.
    file = folder / "datasplits.arff"
    lines = [line.split(",") for line in file.read_text().splitlines()]
    lines = [line for line in lines if line[1:2] not in (["20"], ["21"])]
    lines += [
        [k, row, "0", f]
        for row in ("20", "21")
        for k, f in (("TRAIN", "0"), ("TEST", "1"))
    ]
    file.write_text("\n".join(",".join(line) for line in lines) + "\n")
    run = run_task(LogisticRegression(), 5)
    assert {line[8] for line in run.data_content if line[1] == 1} == {0.0}
    scores = fold_scores(run)
    # b and a are separable; c is unknown in the second fold.
    assert scores["auroc"][0] == 1.0
    assert 0.3 < scores["auroc"][1] < 1.0


def test_run_task__leaves_the_estimator_and_records_the_seed():
    write_cancer(n_rows=60, n_folds=2)
    clf = tiny(PaReClassifier, max_epochs=1, linear_path=False, random_state=None)
    run = run_task(clf, CANCER)
    assert clf.random_state is None
    assert type(run.model.random_state) is int
    assert not hasattr(clf, "classes_")
    again = run_task(run.model, CANCER)
    assert again.data_content == run.data_content


def test_run_task__measures_of_every_fold(clf):
    write_cancer(n_rows=60, n_folds=2)
    run = run_task(clf, CANCER)
    accuracy = run.fold_evaluations["predictive_accuracy"][0]
    assert list(accuracy.values()) == fold_scores(run)["accuracy"].tolist()
    for clock in ("wall_clock", "usercpu"):
        parts = [
            run.fold_evaluations[f"{clock}_time_millis{part}"][0][1]
            for part in ("_training", "_testing", "")
        ]
        assert 0 < parts[0] < parts[2]
        assert sum(parts[:2]) == pytest.approx(parts[2])


def test_run_task__search_in_a_pipeline_or_without_probabilities():
    write_cancer(n_rows=60, n_folds=2)
    grid = GridSearchCV(SVC(), {"C": [1e-4, 1.0]}, cv=2)
    run = run_task(grid, CANCER)
    candidates = list(run.trace)
    assert [(c.fold, c.iteration) for c in candidates] == list(
        itertools.product([0, 1], [0, 1])
    )
    assert [c.parameters["parameter_C"] for c in candidates] == ["0.0001", "1.0"] * 2
    assert sum(c.selected for c in candidates) == 2
    # Without predict_proba the predicted class has confidence 1.
    assert {tuple(line[6:]) for line in run.data_content} <= {(0.0, 1.0), (1.0, 0.0)}
    pipeline = make_pipeline(SimpleImputer(), LogisticRegression(max_iter=5000))
    assert fold_scores(run_task(pipeline, CANCER))["accuracy"].min() > 0.8


def test_run_task__arrays_as_source__refused():
    write_cancer(n_rows=60, n_folds=2)
    clf = tiny(PaReClassifier, source=(np.zeros((4, 3)), np.zeros(4)))
    with pytest.raises(FlowError, match="PaReClassifier cannot be described") as caught:
        run_task(clf, CANCER)
    assert "lists, tuples or dicts" in str(caught.value)


def test_run_task__random_state_instance__refused():
    write_cancer(n_rows=60, n_folds=2)
    clf = tiny(PaReClassifier, random_state=np.random.RandomState(0))
    with pytest.raises(FlowError, match="random_state an int or None"):
        run_task(clf, CANCER)


def test_run_task__no_estimator__refused():
    write_cancer(n_rows=60, n_folds=2)
    with pytest.raises(FlowError, match="str cannot be described"):
        run_task("PaReClassifier", CANCER)


def _run(labels, truth, guess, confidences, fold=0):
    frame = pd.DataFrame(confidences, columns=[f"confidence.{k}" for k in labels])
    frame.insert(0, "repeat", 0)
    frame.insert(1, "fold", fold)
    return SimpleNamespace(
        predictions=frame.assign(prediction=list(guess), correct=list(truth))
    )


@pytest.mark.parametrize("labels", [["a", "b", "c"], ["10", "2", "1"]])
def test_fold_scores__one_vs_one_auroc_is_that_of_its_definition(labels):
    labels, rng = np.array(labels), np.random.default_rng(1)
    confidences = rng.dirichlet(np.ones(3), 80)
    truth = labels[rng.integers(3, size=80)]
    guess = labels[confidences.argmax(1)]
    pairs = []
    for i, j in itertools.permutations(range(3), 2):
        p = confidences[truth == labels[i], i]
        q = confidences[truth == labels[j], i]
        pairs.append(np.mean(p[:, None] > q))
    scores = fold_scores(_run(labels, truth, guess, confidences))
    assert scores["auroc"][0] == pytest.approx(np.mean(pairs), abs=1e-12)
    assert scores["accuracy"][0] == np.mean(truth == guess)


def test_fold_scores__one_class_in_a_fold__nan():
    scores = fold_scores(_run("ab", "aa", "ab", [[0.9, 0.1], [0.2, 0.8]]))
    assert np.isnan(scores["auroc"][0])
    assert scores["accuracy"][0] == 0.5


def test_fold_scores__no_confidences__refused():
    run = _run("", "a", "a", np.empty((1, 0)))
    with pytest.raises(TaskError, match=r"columns \['repeat', 'fold', 'prediction'"):
        fold_scores(run)


def test_fold_scores__run_of_openml_itself__columns_are_told_apart(plain_run, clf):
    write_mixed(empty=False)
    rightly = run_task(clf, MIXED)
    plain = plain_run(MIXED)
    # openml exchanges the confidences of "bad" and "good".
    assert [x[6] for x in plain.data_content] != [x[6] for x in rightly.data_content]
    pd.testing.assert_frame_equal(fold_scores(plain), fold_scores(rightly))


def test_column_order__stays_unless_sorting_mends_all():
    labels, right = np.array(["good", "bad"]), np.array([[0.8, 0.2], [0.1, 0.9]])
    guess = np.array(["good", "bad"])
    assert column_order(labels, guess, right).tolist() == [0, 1]
    assert column_order(labels, guess, right[:, ::-1]).tolist() == [1, 0]
    # A classifier that does not predict the class of the largest probability.
    assert column_order(labels, guess[[0, 0]], right).tolist() == [0, 1]
    three = np.array(["1", "2", "10"])
    right = np.eye(3)
    in_sorted = right[:, [0, 2, 1]]
    order = column_order(three, three, in_sorted)
    np.testing.assert_array_equal(in_sorted[:, order], right)
