"""Pipelines, grid searches, cross-validation and routing of metadata."""

import numpy as np
import sklearn
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_pare import PaReClassifier
from tests.common.callbacks import needs_callbacks
from tests.common.instances import tiny


def test_grid_search__pipeline_two_jobs__works(digits):
    X, y = digits
    search = GridSearchCV(
        make_pipeline(
            StandardScaler(),
            PaReClassifier(input_shape=(1, 8, 8), max_epochs=1, random_state=0),
        ),
        {"pareclassifier__mix_start": [0.0, 0.6]},
        cv=2,
        n_jobs=2,
    ).fit(X[:60], y[:60])
    assert len(search.cv_results_["params"]) == 2
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.predict(X).shape == y.shape


@needs_callbacks
def test_grid_search__callbacks_two_jobs__gather_epochs(digits):
    from sklearn.callback import ScoringMonitor

    X, y = digits
    clf = PaReClassifier(input_shape=(1, 8, 8), max_epochs=2, random_state=0)
    monitor = ScoringMonitor(scoring="accuracy")
    clf.set_callbacks(monitor)
    GridSearchCV(clf, {"lr": [1e-3]}, cv=2, n_jobs=2).fit(X[:60], y[:60])
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(rows) == 3 * 2  # two folds and the refit, two epochs each


def test_cross_val_score__works(table):
    scores = cross_val_score(
        tiny(PaReClassifier, max_epochs=30, linear_path=False), *table, cv=3
    )
    assert scores.mean() > 0.7


def test_metadata_routing__weights_and_validation_samples(table):
    X, y = table
    with sklearn.config_context(enable_metadata_routing=True):
        clf = tiny(PaReClassifier, max_epochs=2).set_fit_request(
            sample_weight=True, X_val=True, y_val=True
        )
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, clf)
        pipeline.set_params(transform_input=["X_val"])
        pipeline.fit(X, y, sample_weight=np.ones(60), X_val=X[:9], y_val=y[:9])
    assert "valid_score" in pipeline[-1].history_[0]
