"""Scores of the validation samples by the argument `scoring`."""

import copy
import pickle
import warnings

import numpy as np
import pytest
from sklearn import metrics as public
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

import sklearn_pare
from sklearn_pare import PaReClassifier, PaReRegressor, metrics
from sklearn_pare.exceptions import CheckpointError, DataError, UnknownNameError
from sklearn_pare.inspection import CurriculumDisplay
from sklearn_pare.openml._flow import make_flow
from sklearn_pare.training.net import PaReNet
from tests.common.instances import tiny
from tests.training.interrupted import fresh
from tests.training.same import assert_same_fit

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 5))
VAL = RNG.normal(size=(25, 5))
IMAGES = RNG.normal(size=(24, 1, 8, 8))
NAMES = np.array(["down", "level", "up"])


def _classes(X, n=2):
    return NAMES[[0, 2, 1]][np.digitize(X[:, 0], [0, 0.8][: n - 1])]


def _id(scoring):
    return getattr(scoring, "__name__", str(scoring))


def _weighted_mean(estimator, X, y, sample_weight=None):
    return np.average(estimator.predict(X) == y, weights=sample_weight)


def _mean(estimator, X, y):
    return float(np.mean(estimator.predict(X) == y))


TABLE = X, _classes(X), VAL, _classes(VAL)
THREE = X, _classes(X, 3), VAL, _classes(VAL, 3)
LABELS = X, (X[:, :3] > 0).astype(int), VAL, (VAL[:, :3] > 0).astype(int)
NUMBERS = X, X[:, 0] + 5, VAL, VAL[:, 0] + 5
SEVERAL = X, X[:, :2], VAL, VAL[:, :2]
MASKS = IMAGES, (IMAGES[:, 0] > 0).astype(int), IMAGES, (IMAGES[:, 0] > 0).astype(int)
FIELDS = IMAGES, IMAGES[:, 0], IMAGES, IMAGES[:, 0]

CASES = {
    # name: estimator, data, scoring, the scorer that it stands for, its key
    "string labels": (PaReClassifier, TABLE, "roc_auc", None, "roc_auc"),
    "labels": (PaReClassifier, LABELS, "average_precision", None, "average_precision"),
    "three classes": (PaReClassifier, THREE, "roc_auc_ovr", None, "roc_auc_ovr"),
    "log loss": (PaReClassifier, THREE, "neg_log_loss", None, "neg_log_loss"),
    "numbers": (PaReRegressor, NUMBERS, "neg_mean_absolute_error", None,
                "neg_mean_absolute_error"),
    "positive numbers": (PaReRegressor, NUMBERS, "neg_mean_gamma_deviance", None,
                         "neg_mean_gamma_deviance"),
    "several numbers": (PaReRegressor, SEVERAL, "r2", None, "r2"),
    "masks": (PaReClassifier, MASKS, "iou", metrics.get_scorer("iou"), "iou"),
    "logits of masks": (PaReClassifier, MASKS, "pixel-auroc",
                        metrics.get_scorer("pixel-auroc"), "pixel-auroc"),
    "fields": (PaReRegressor, FIELDS, "r2", metrics.get_scorer("r2"), "r2"),
    "relative": (PaReRegressor, FIELDS, "relative-l2",
                 metrics.get_scorer("relative-l2"), "relative-l2"),
    "scorer": (PaReClassifier, TABLE, public.make_scorer(
        public.f1_score, pos_label="up"), None, "f1_score"),
    "callable": (PaReClassifier, THREE, _mean, _mean, "_mean"),
    "lambda": (PaReClassifier, TABLE, lambda e, X, y: -len(y), None, "score"),
    "own scorer": (PaReClassifier, LABELS, metrics.get_scorer("label-auroc"), None,
                   "label_auroc"),
}  # fmt: skip
FEW = {"max_epochs": 1, "linear_path": False}


@pytest.mark.parametrize("name", CASES)
def test_scoring__score_of_the_last_epoch__that_of_the_estimator(name):
    kind, (X, y, X_val, y_val), scoring, scorer, key = CASES[name]
    estimator = tiny(kind, scoring=scoring, **FEW)
    estimator.fit(X, y, X_val=X_val, y_val=y_val)
    scorer = scorer or public.get_scorer(scoring)
    row = estimator.history_[-1]
    assert row[f"valid_{key}"] == pytest.approx(scorer(estimator, X_val, y_val))
    assert ("valid_score" in row) == (key == "score")
    assert estimator.fit_report_.scoring == key


def test_scoring__nothing_is_predicted_twice(monkeypatch):
    seen = []

    def both(estimator, X, y):
        found = estimator.predict_proba(X), estimator.decision_function(X)
        # Of other samples too.
        estimator.predict(X[:1])
        return float(found[0].shape == (25, 3) == found[1].shape)

    infer = PaReClassifier._infer
    monkeypatch.setattr(
        PaReClassifier,
        "_infer",
        lambda self, X, *more: seen.append(len(X)) or infer(self, X, *more),
    )
    X, y, X_val, y_val = THREE
    clf = tiny(PaReClassifier, scoring=both, **FEW).fit(X, y, X_val=X_val, y_val=y_val)
    assert seen == [1]
    assert clf.history_[-1]["valid_both"] == 1


SETTINGS = {"early_stopping": True, "max_epochs": 6, "n_iter_no_change": 9,
            "linear_path": False}  # fmt: skip
HELD_OUT = SETTINGS | {"validation_fraction": 0.4}


@pytest.mark.parametrize(
    "scoring", ["roc_auc", "loss", "balanced_accuracy", _mean], ids=_id
)
def test_early_stopping__best_weights_by_this_score(scoring):
    X, y, X_val, y_val = TABLE
    clf = tiny(PaReClassifier, scoring=scoring, **SETTINGS)
    clf.fit(X, y, X_val=X_val, y_val=y_val)
    if scoring == "loss":
        assert "valid_score" not in clf.history_[0]
        best = -min(row["valid_loss"] for row in clf.history_)
        found = public.get_scorer("neg_log_loss")(clf, X_val, y_val)
    else:
        key = getattr(scoring, "__name__", scoring)
        best = max(row[f"valid_{key}"] for row in clf.history_)
        found = public.check_scoring(clf, scoring)(clf, X_val, y_val)
    # The initial weights count too.
    assert found >= best - 1e-6


def test_early_stopping__minus_the_score__other_weights():
    fits = [
        tiny(PaReClassifier, scoring=scoring, **HELD_OUT).fit(X, TABLE[1])
        for scoring in (_mean, lambda e, X, y: -_mean(e, X, y))
    ]
    losses = [public.log_loss(TABLE[1], clf.predict_proba(X)) for clf in fits]
    assert losses[0] < losses[1]


@pytest.mark.parametrize("value", [None, "accuracy"])
def test_scoring__none__bits_and_key_as_before(value):
    clf = tiny(PaReClassifier, scoring=value, **HELD_OUT).fit(X, TABLE[1])
    default = tiny(PaReClassifier, **HELD_OUT).fit(X, TABLE[1])
    np.testing.assert_array_equal(clf.predict_proba(X), default.predict_proba(X))
    key = "valid_score" if value is None else "valid_accuracy"
    assert [row[key] for row in clf.history_] == [
        row["valid_score"] for row in default.history_
    ]


# ---- weights of validation samples

WEIGHT = np.linspace(0, 3, 25)


@pytest.mark.parametrize(
    "scoring", [None, "loss", "roc_auc", "neg_log_loss", _weighted_mean], ids=_id
)
def test_sample_weight_val__counts_in_loss_and_score(scoring):
    X, y, X_val, y_val = TABLE
    clf = tiny(PaReClassifier, scoring=scoring, **FEW)
    data = {"X_val": X_val, "y_val": y_val, "sample_weight_val": 5 * WEIGHT}
    row = clf.fit(X, y, **data).history_[-1]
    probabilities = clf.predict_proba(X_val)
    loss = public.log_loss(y_val, probabilities, sample_weight=WEIGHT)
    assert row["valid_loss"] == pytest.approx(loss, rel=1e-5)
    score = {
        None: lambda: clf.score(X_val, y_val, WEIGHT),
        "loss": lambda: loss,
        "roc_auc": lambda: public.roc_auc_score(
            y_val == "up", probabilities[:, 1], sample_weight=WEIGHT
        ),
        "neg_log_loss": lambda: -loss,
        _weighted_mean: lambda: clf.score(X_val, y_val, WEIGHT),
    }[scoring]()
    assert row[f"valid_{clf.fit_report_.scoring}"] == pytest.approx(score, rel=1e-5)


def test_sample_weight_val__zero__as_left_out():
    X, y, X_val, y_val = NUMBERS
    weight = np.r_[np.ones(20), np.zeros(5)]
    settings = {"scoring": "neg_mean_absolute_error", "early_stopping": True}
    fits = [
        tiny(PaReRegressor, **settings).fit(X, y, X_val=X_val[:n], y_val=y_val[:n], **w)
        for n, w in ((25, {"sample_weight_val": weight}), (20, {}))
    ]
    assert_same_fit(*fits)


@pytest.mark.parametrize(
    ("weight", "words"),
    [
        (np.ones(3), "sample_weight.shape"),
        (-np.ones(25), "must be finite and not negative"),
        (np.full(25, np.nan), "NaN"),
        (np.zeros(25), "[Ww]eights.* at least one"),
        (["a"] * 25, "convert|sample_weight_val"),
    ],
    ids=["short", "negative", "nan", "zero", "text"],
)
def test_sample_weight_val__unusable__error(weight, words):
    X, y, X_val, y_val = TABLE
    data = {"X_val": X_val, "y_val": y_val, "sample_weight_val": weight}
    with pytest.raises(ValueError, match=words):
        tiny(PaReClassifier).fit(X, y, **data)


def test_sample_weight_val__without_samples__error():
    with pytest.raises(DataError, match="sample_weight_val is given without X_val"):
        tiny(PaReClassifier).fit(*TABLE[:2], sample_weight_val=WEIGHT)


@pytest.mark.parametrize("scoring", [_mean, "mean-f1", "neg_max_error"], ids=_id)
def test_scoring__takes_no_weight__error_if_weights_differ(scoring):
    X, y, X_val, y_val = NUMBERS if scoring == "neg_max_error" else TABLE
    kind = PaReRegressor if scoring == "neg_max_error" else PaReClassifier
    estimator = tiny(kind, scoring=scoring, **FEW)
    data = {"X_val": X_val, "y_val": y_val}
    with pytest.raises(DataError, match="takes no sample_weight, but the"):
        estimator.fit(X, y, **data, sample_weight_val=WEIGHT)


# ---- scores that are not defined


def _rare(n_rare, n=60):
    y = np.zeros(n, int)
    y[:n_rare] = 1
    return y


@pytest.mark.parametrize(
    ("scoring", "y", "y_val", "words"),
    [
        ("roc_auc", _rare(20), np.zeros(25, int), "None of these samples has the cla"),
        ("roc_auc", TABLE[1], np.full(25, "up"), "has the class 'down'"),
        ("roc_auc_ovr", THREE[1], TABLE[3], "has the class 'level'"),
        ("neg_log_loss", THREE[1], TABLE[3], "has the class 'level'"),
        ("roc_auc", LABELS[1], LABELS[3] * [1, 1, 0], "same value of the label 2"),
        ("f1", TABLE[1], TABLE[3], "pos_label"),
        ("neg_mean_absolute_error", TABLE[1], TABLE[3], "fails"),
        (lambda e, X, y: {"a": 1.0}, TABLE[1], TABLE[3], "returned .* instead of a"),
        (lambda e, X, y: None, TABLE[1], TABLE[3], "returned None instead of a num"),
        (lambda e, X, y: 1j, TABLE[1], TABLE[3], "returned 1j instead of a number"),
    ],
    ids=["rare", "text", "one of three", "log loss", "labels", "pos_label", "text as "
         "numbers", "dict", "None", "complex"],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:Only one class is present")
def test_scoring__not_defined_for_these_samples__error(scoring, y, y_val, words):
    clf = tiny(PaReClassifier, scoring=scoring, **SETTINGS)
    with pytest.raises(DataError, match=f"(?s){words}.*Use .*make_scorer"):
        clf.fit(X, y, X_val=VAL, y_val=y_val)


@pytest.mark.filterwarnings("ignore:Only one class is present")
def test_scoring__class_not_among_held_out_samples__error():
    y = _rare(1)
    clf = tiny(PaReClassifier, scoring="roc_auc", early_stopping=True)
    with (
        pytest.warns(UserWarning, match="without stratification"),
        pytest.raises(DataError, match="None of these samples has the class 1"),
    ):
        clf.fit(X, y)


def test_scoring__nan_for_some_epochs__warned_once_and_never_the_best():
    values = iter([np.nan, 0.5, np.nan, 0.4, 0.3, 0.2, 0.1])
    clf = tiny(PaReClassifier, scoring=lambda e, X, y: next(values), **HELD_OUT)
    with pytest.warns(UserWarning, match="'score' is NaN for the 24") as caught:
        clf.fit(X, TABLE[1])
    assert len(caught) == 1
    assert clf.n_iter_ == 6
    assert np.isnan(clf.history_[1]["valid_score"])
    one = tiny(PaReClassifier, **HELD_OUT | {"max_epochs": 6})
    values = iter([np.nan, 0.5, 0.1, 0.1, 0.1, 0.1, 0.1])
    one.set_params(scoring=lambda e, X, y: next(values))
    with pytest.warns(UserWarning, match="is NaN"):
        one.fit(X, TABLE[1])
    np.testing.assert_array_equal(clf.predict_proba(X), one.predict_proba(X))


@pytest.mark.parametrize("name", ["roc_acu", "relative_l2", "Accuracy", "", "iuo"])
def test_scoring__unknown_name__error_before_training(name, monkeypatch):
    monkeypatch.setattr(PaReNet, "initialize", None)
    with pytest.raises(UnknownNameError, match=r"scoring='.*' is unknown\."):
        tiny(PaReClassifier, scoring=name).fit(*TABLE[:2])


def test_scoring__no_validation_samples__warned():
    with pytest.warns(UserWarning, match="scoring, because there are no validation"):
        tiny(PaReClassifier, scoring="roc_auc", **FEW).fit(*TABLE[:2])


def test_scoring__one_validation_sample__no_error_about_r2():
    settings = {"scoring": "neg_mean_absolute_error", "early_stopping": True}
    reg = tiny(PaReRegressor, **settings).fit(*NUMBERS[:2], X_val=VAL[:1], y_val=[5.0])
    assert reg.history_[0]["valid_neg_mean_absolute_error"] < 0


# ---- forms of samples and targets


def _sees(shape):
    def form(estimator, X, y):
        assert np.asarray(X).shape[1:] == shape
        # As from the fitted estimator, of samples in the form of the user.
        np.testing.assert_allclose(
            estimator.predict_proba(X[:3]), estimator.predict_proba(X)[:3], atol=1e-5
        )
        return float(set(y) <= {3, 7})

    return form


@pytest.mark.parametrize("given", [True, False], ids=["X_val", "held out"])
@pytest.mark.parametrize("form", ["flat", "images", "frame", "signals"])
def test_scorer__sees_samples_as_predict_takes_them(form, given):
    pandas = pytest.importorskip("pandas")
    X, y = IMAGES.reshape(24, 64), np.where(IMAGES[:, 0, 0, 0] > 0, 7, 3)
    shape = {"images": (1, 8, 8), "signals": (4, 16)}.get(form, (64,))
    X = pandas.DataFrame(X[:, :5]) if form == "frame" else X.reshape(24, *shape)
    shape = (5,) if form == "frame" else shape
    clf = tiny(PaReClassifier, scoring=_sees(shape), early_stopping=True, **FEW)
    clf.set_params(input_shape=(1, 8, 8) if form == "flat" else None)
    clf.fit(X, y, **({"X_val": X[:20], "y_val": y[:20]} if given else {}))
    assert clf.history_[-1]["valid_form"] == 1


@pytest.mark.parametrize("name", ["iou", "dice", "pixel-accuracy"])
def test_scoring__ignored_positions_of_masks__not_scored(name):
    y = MASKS[1].copy()
    y[:, :3] = 255
    clf = tiny(PaReClassifier, scoring=name, ignore_index=255, **FEW)
    clf.fit(IMAGES, y, X_val=IMAGES, y_val=y)
    expected = metrics.get_scorer(name, ignore_index=255)(clf, IMAGES, y)
    assert clf.history_[-1][f"valid_{name}"] == pytest.approx(expected)


def test_scoring__groups_and_weights__held_out_in_whole_groups():
    seen = []

    def recall(estimator, X, y, sample_weight):
        seen.append(np.asarray(X)[:, 1])
        return np.average(estimator.predict(X) == y, weights=sample_weight)

    groups = np.arange(60) // 6
    own = np.c_[X[:, 0], groups]
    clf = tiny(PaReClassifier, scoring=recall, **HELD_OUT | {"max_epochs": 1})
    clf.fit(own, TABLE[1], sample_weight=1 + np.arange(60) % 3, groups=groups)
    assert all(set(np.unique(x, return_counts=True)[1]) == {6} for x in seen)


# ---- copies, searches, files, checkpoints


def test_scoring__search_clone_and_pickle():
    grid = {"scoring": ["roc_auc", "loss", None]}
    clf = tiny(PaReClassifier, early_stopping=True, **FEW)
    search = GridSearchCV(clf, grid, cv=2, scoring="roc_auc", error_score="raise")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        search.fit(*TABLE[:2])
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    own = clone(clf.set_params(scoring=_mean)).fit(*TABLE[:2])
    again = pickle.loads(pickle.dumps(own))
    assert again.scoring is copy.copy(own).scoring is _mean
    np.testing.assert_array_equal(again.predict_proba(X), own.predict_proba(X))
    assert b"_view" not in pickle.dumps(own)


@pytest.mark.parametrize("scoring", ["roc_auc", "loss", None, _mean], ids=_id)
def test_scoring__saved_and_loaded(scoring, tmp_path):
    clf = tiny(PaReClassifier, scoring=scoring, early_stopping=True, **FEW)
    clf.fit(*TABLE[:2])
    if scoring is _mean:
        with pytest.warns(UserWarning, match="scoring=function is not saved"):
            clf.save(tmp_path / "m.pare")
    else:
        clf.save(tmp_path / "m.pare")
    again = sklearn_pare.load(tmp_path / "m.pare")
    assert again.scoring == (None if scoring is _mean else scoring)
    assert again.history_ == clf.history_
    assert again.fit_report_ == clf.fit_report_
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))


@pytest.mark.parametrize("scoring", ["roc_auc", "loss", _mean], ids=_id)
def test_scoring__openml_flow(scoring):
    flow = make_flow(PaReClassifier(scoring=scoring))
    assert getattr(scoring, "__name__", scoring) in flow.parameters["scoring"]


def _by(sign):
    def score(estimator, X, y):
        return sign * _mean(estimator, X, y)

    return score


OTHERS = {
    "name": ("roc_auc", "average_precision"),
    "none": ("accuracy", None),
    "loss": ("loss", None),
    "scorer": (
        public.make_scorer(public.f1_score, pos_label="up"),
        public.make_scorer(public.f1_score, pos_label="down"),
    ),
    "function": (_mean, _weighted_mean),
    "lambda": (lambda e, X, y: 1.0, lambda e, X, y: 2.0),
}


@pytest.mark.parametrize("name", OTHERS)
def test_checkpoints__resumed_with_the_same_score_alone(name, stop, tmp_path):
    scoring, other = OTHERS[name]
    clf = tiny(PaReClassifier, scoring=scoring, **HELD_OUT, checkpoint_dir=tmp_path)
    stop.before(3)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(*TABLE[:2])
    with pytest.raises(CheckpointError, match=r"scoring is .*, but was .* there"):
        fresh(clf, tmp_path).set_params(scoring=other).fit(*TABLE[:2])
    stop.before(None)
    # In another process, the same function is at another address.
    same = copy.deepcopy(scoring) if name == "scorer" else scoring
    again = fresh(clf, tmp_path).set_params(scoring=same).fit(*TABLE[:2])
    assert stop.seen == 3
    assert_same_fit(again, fresh(clf, None).fit(*TABLE[:2]))


def test_checkpoints__function_of_the_same_code_at_another_address(stop, tmp_path):
    settings = HELD_OUT | {"checkpoint_dir": tmp_path}
    stop.before(3)
    with pytest.raises(KeyboardInterrupt):
        tiny(PaReClassifier, scoring=_by(1), **settings).fit(*TABLE[:2])
    stop.before(None)
    tiny(PaReClassifier, scoring=_by(1), **settings).fit(*TABLE[:2])
    assert stop.seen == 3


# ---- what the user sees


def test_verbose_and_report__name_the_score(caplog):
    with caplog.at_level("INFO", logger="sklearn_pare"):
        clf = tiny(PaReClassifier, scoring="roc_auc", verbose=1, **HELD_OUT)
        clf.set_params(n_iter_no_change=1, max_epochs=40, lr=1e-9).fit(*TABLE[:2])
    (*_, last) = (line for line in caplog.messages if line.startswith("epoch "))
    assert " valid_roc_auc " in last
    assert "valid_score" not in last
    assert "the validation roc_auc did not improve any more" in repr(clf.fit_report_)


@pytest.mark.parametrize("scoring", [None, "roc_auc", "loss"])
def test_curriculum_display__the_score(scoring):
    pytest.importorskip("matplotlib").use("Agg")
    clf = tiny(PaReClassifier, scoring=scoring, early_stopping=True, **FEW)
    display = CurriculumDisplay.from_estimator(clf.fit(*TABLE[:2]))
    labels = [axes.get_ylabel() for axes in display.axes_[2:]]
    expected = {None: ["validation score"], "roc_auc": ["validation roc_auc"]}
    assert labels == expected.get(scoring, [])


def test_scoring__rare_class_of_digits__another_epoch_than_by_accuracy():
    images, y = load_digits(return_X_y=True)
    clf = tiny(PaReClassifier, scoring="roc_auc", input_shape=(1, 8, 8), **FEW)
    clf.fit(images[:100], y[:100] == 0, X_val=images[100:200], y_val=y[100:200] == 0)
    expected = public.roc_auc_score(
        y[100:200] == 0, clf.decision_function(images[100:200])
    )
    assert clf.history_[-1]["valid_roc_auc"] == pytest.approx(expected)
