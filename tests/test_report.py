"""The report of a fit, its HTML, and the warning where the network is not used."""

import dataclasses
import json
import pickle
import warnings

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import estimator_html_repr

import sklearn_pare
from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.exceptions import DivergenceError, NetworkUnusedWarning
from tests.common.callbacks import Callback, needs_callbacks
from tests.common.instances import tiny
from tests.common.tiny import NAME

X = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)
Y = X[:, 0] > 0
SIGNALS = np.random.default_rng(1).normal(size=(60, 2, 32))
IMAGES = np.random.default_rng(2).normal(size=(60, 1, 8, 8))
FEW = {"max_epochs": 2}

REPORTS = {
    # name: (estimator, samples, targets, other arguments of fit, fields of the report)
    "table": (
        tiny(PaReClassifier, **FEW), X, Y, {},
        {"linear_path": True, "n_training": 40, "n_share": 20, "n_validation": 0},
    ),
    "signals": (
        tiny(PaReClassifier, **FEW), SIGNALS, Y, {},
        {"linear_path": True, "n_training": 40, "n_share": 20, "n_validation": 0},
    ),
    "validation samples": (
        tiny(PaReRegressor, **FEW), X, X[:, 1], {"X_val": X[:25], "y_val": X[:25, 1]},
        {"linear_path": True, "n_training": 60, "n_share": 25, "n_validation": 25},
    ),
    "early stopping": (
        tiny(PaReClassifier, **FEW, early_stopping=True, linear_path=False), X, Y, {},
        {"linear_path": False, "n_training": 54, "n_share": 0, "n_validation": 6},
    ),
    "unlabelled samples": (
        tiny(PaReClassifier, **FEW), IMAGES, Y, {"X_unlabeled": IMAGES[:9]},
        {"linear_path": False, "n_training": 60, "n_share": 0, "n_unlabeled": 9},
    ),
    "alignment": (
        tiny(PaReClassifier, **FEW, alignment="l2"), IMAGES, Y, {},
        {"linear_path": False, "n_training": 60, "n_share": 0, "n_validation": 0},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REPORTS)
def test_report__every_kind_of_fit__samples_losses_and_times(name):
    estimator, samples, y, more, expected = REPORTS[name]
    estimator.fit(samples, y, **more)
    report = estimator.fit_report_
    found = dataclasses.asdict(report)
    assert json.loads(json.dumps(found)) == found
    assert found.items() >= expected.items()
    assert report.network_share == estimator.network_share_
    assert (report.n_epochs, report.max_epochs, report.ended) == (2, 2, "completed")
    assert (report.loss is None) == (not report.linear_path)
    if report.linear_path:
        assert report.loss <= report.linear_loss
    stages = {"checks and encoding", "building", "training", "share"}
    stages |= {"linear model"} if report.linear_path else set()
    stages |= {"alignment"} if estimator.alignment else set()
    assert report.seconds.keys() == stages
    assert min(report.seconds.values()) >= 0
    shown = repr(report)
    assert f"{expected['n_training']} trained on" in shown
    assert "2 of 2 epochs: all epochs ran" in shown
    assert "<td" in report._repr_html_()


@pytest.mark.parametrize("copy", ["file", "pickle"])
def test_report__copied__the_same(copy, tmp_path):
    clf = tiny(PaReClassifier, **FEW).fit(X, Y)
    clf.save(tmp_path / "x.pare")
    again = {
        "file": lambda: sklearn_pare.load(tmp_path / "x.pare"),
        "pickle": lambda: pickle.loads(pickle.dumps(clf)),
    }[copy]()
    assert again.fit_report_ == clf.fit_report_


def test_report__diverged__says_so(monkeypatch):
    from sklearn_pare.training.guard import Guard

    def fail(self, epoch):
        if epoch == 2:
            raise self.error("training loss", epoch)
        return 0

    monkeypatch.setattr(Guard, "check", fail)
    clf = tiny(PaReClassifier, max_epochs=3)
    with pytest.raises(DivergenceError):
        clf.fit(X, Y)
    assert (clf.fit_report_.ended, clf.fit_report_.n_epochs) == ("diverged", 1)


def test_report__early_stopping__says_so():
    settings = {"early_stopping": True, "n_iter_no_change": 1, "lr": 1e-30}
    clf = tiny(PaReClassifier, max_epochs=5, **settings).fit(X, Y)
    assert (clf.fit_report_.ended, clf.fit_report_.n_epochs) == ("early stopping", 1)
    assert "1 of 5 epochs: the validation score" in repr(clf.fit_report_)


@needs_callbacks
def test_report__callback__says_so_and_saves_what_it_saw(tmp_path):
    class Stop(Callback):
        def on_fit_task_end(self, estimator, context, *, fitted_estimator):
            fitted_estimator.save(tmp_path / "x.pare")
            seen.append(sklearn_pare.load(tmp_path / "x.pare").fit_report_.ended)
            return True

    seen = []
    clf = tiny(PaReClassifier, max_epochs=3).set_callbacks(Stop()).fit(X, Y)
    assert (clf.fit_report_.ended, clf.fit_report_.n_epochs) == ("callback", 1)
    assert seen == ["running", "callback"]


def test_report__warm_start__of_the_last_fit():
    clf = tiny(PaReClassifier, warm_start=True, linear_path=False, **FEW).fit(X, Y)
    assert clf.fit(X, Y).fit_report_.n_epochs == 2
    assert clf.n_iter_ == 4


# ---- HTML


LINK = (
    "https://sklearn-pare.readthedocs.io/en/latest/generated/sklearn_pare.{}.html"
).format
HTML = {
    # name: (estimator, samples, targets, texts)
    "the linear model alone": (
        tiny(PaReClassifier, **FEW), X, Y,
        ["input_shape_ (5,)", "share 0, the linear model predicts alone"],
    ),
    "the network alone": (
        tiny(PaReRegressor, linear_path=False, **FEW), SIGNALS, X[:, 0],
        ["input_shape_ (2, 32)", "network&#x27;s share 1 |"],
    ),
    "flattened images": (
        tiny(PaReClassifier, input_shape=(1, 8, 8), **FEW), IMAGES.reshape(60, 64), Y,
        ["input_shape_ (1, 8, 8)", "network&#x27;s share 1 |"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("surroundings", ["alone", "pipeline", "loaded"])
@pytest.mark.parametrize("name", HTML)
def test_html__fitted__shape_backbone_share_time_and_link(name, surroundings, tmp_path):
    estimator, samples, y, texts = HTML[name]
    estimator.fit(samples, y)
    seconds = sum(estimator.fit_report_.seconds.values())
    if surroundings == "loaded":
        estimator.save(tmp_path / "x.pare")
        estimator = sklearn_pare.load(tmp_path / "x.pare")
    shown = estimator
    if surroundings == "pipeline":
        shown = make_pipeline(FunctionTransformer(), estimator)
    found = estimator_html_repr(shown)
    for text in [*texts, f"backbone {NAME} |", f"fitted in {seconds:.1f} s"]:
        assert text in found
    assert LINK(type(estimator).__name__) in found


@pytest.mark.parametrize("kind", [PaReClassifier, PaReRegressor])
def test_html__not_fitted__link_alone(kind):
    found = estimator_html_repr(kind())
    assert LINK(kind.__name__) in found
    assert "| fitted in " not in found


def test_html__class_of_a_user__no_link():
    class Own(PaReClassifier):
        pass

    assert "readthedocs" not in estimator_html_repr(Own())


# ---- warning


UNUSED = {
    # The linear model explains these targets; samples that a class has too few of.
    "table of classes": (tiny(PaReClassifier, **FEW), X, Y, "did not lower the loss"),
    "table of numbers": (
        tiny(PaReRegressor, **FEW), X, X[:, 1], "did not lower the loss",
    ),
    "signals": (
        tiny(PaReClassifier, **FEW), SIGNALS, Y, "did not lower the loss",
    ),
    "few samples": (
        tiny(PaReClassifier, **FEW), X[:24], Y[:24], "needs at least 20 held-out",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", UNUSED)
def test_fit__predictions_of_the_linear_model_alone__one_warning(name):
    estimator, samples, y, words = UNUSED[name]
    with pytest.warns(NetworkUnusedWarning, match=words) as caught:
        estimator.fit(samples, y)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert "linear_path=False" in str(caught[0].message)
    assert estimator.network_share_ == 0
    assert "linear model alone" in repr(estimator.fit_report_)


@pytest.mark.parametrize(
    "samples", [X, SIGNALS, IMAGES], ids=["table", "signals", "images"]
)
def test_fit__no_linear_model__no_warning(samples):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tiny(PaReClassifier, linear_path=False, **FEW).fit(samples, Y)


def test_grid__over_arguments_of_an_unused_network__warned():
    grid = GridSearchCV(tiny(PaReClassifier, **FEW), {"lr": [1e-3, 1e-2]}, cv=2)
    with pytest.warns(NetworkUnusedWarning, match="lr, mix_start and source"):
        grid.fit(X, Y)
