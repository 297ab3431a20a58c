"""All modalities and kinds of targets, from fit to a saved file."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

import sklearn_pare
from sklearn_pare import PaReClassifier, PaReRegressor
from tests.common.instances import tiny

N = 24
TABLE = np.random.default_rng(0).normal(size=(N, 5))
SIGNALS = np.random.default_rng(1).normal(size=(N, 2, 20))
IMAGES = np.random.default_rng(2).normal(size=(N, 2, 9, 12))
LEVEL = {
    "table": TABLE[:, 0],
    "signals": SIGNALS[:, 0, 3],
    "images": IMAGES[:, 0, 3, 3],
}
ROWS = {"table": TABLE, "signals": SIGNALS, "images": IMAGES}


def _numbers(kind, *shape):
    """Return targets of a shape that depend on the samples."""
    factor = np.random.default_rng(3).uniform(1, 2, shape)
    return 3 + LEVEL[kind].reshape(-1, *[1] * len(shape)) * factor


def _labels(kind, n):
    return (np.c_[[LEVEL[kind] > t for t in np.linspace(-0.3, 0.3, n)]].T).astype(int)


CLASSES = {
    # samples, y, shape of predict_proba
    "two classes": ("table", np.where(LEVEL["table"] > 0, "up", "down"), (N, 2)),
    "three classes": ("images", np.digitize(LEVEL["images"], [-0.4, 0.4]), (N, 3)),
    "labels of tables": ("table", _labels("table", 3), (N, 3)),
    "labels of signals": ("signals", _labels("signals", 2), (N, 2)),
    "masks of signals": ("signals", (SIGNALS[:, 0] > 0) + 5, (N, 2, 20)),
    "masks of images": (
        "images", np.digitize(IMAGES[:, 0], [-0.5, 0.5]), (N, 3, 9, 12),
    ),
    "coarse masks": (
        "images", (IMAGES[:, 0, ::3, ::2] > 0).astype(int), (N, 2, 3, 6),
    ),
    "fine masks": (
        "images", (IMAGES[:, 1] > 0).astype(int).repeat(2, 1), (N, 2, 18, 12),
    ),
}  # fmt: skip
NUMBERS = {
    "number": ("table", _numbers("table")),
    "numbers": ("table", _numbers("table", 3)),
    "number of signals": ("signals", _numbers("signals")),
    "numbers of images": ("images", _numbers("images", 4)),
    "signal": ("signals", SIGNALS[:, 1]),
    "channels": ("signals", SIGNALS[:, ::-1] ** 2),
    "coarse channels": ("signals", _numbers("signals", 3, 7)),
    "field": ("images", IMAGES[:, 0] * 1e4),
    "fields": ("images", IMAGES[:, [1, 0, 1]]),
    "coarse field": ("images", _numbers("images", 4, 5)),
}


def _same_after_copying(estimator, X, outputs, tmp_path):
    again = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_array_equal(again.predict(X), outputs)
    estimator.save(tmp_path / "model.pare")
    loaded = sklearn_pare.load(tmp_path / "model.pare")
    np.testing.assert_array_equal(loaded.predict(X), outputs)
    assert loaded.get_params() == estimator.get_params()
    assert not hasattr(clone(estimator), "history_")
    return loaded


def _sample_alone_as_among_others(estimator, X):
    outputs = estimator._outputs(X)
    order = np.random.default_rng(4).permutation(len(X))
    np.testing.assert_array_equal(estimator._outputs(X[order]), outputs[order])
    alone = [estimator._outputs(X[i : i + 1]) for i in range(3)]
    np.testing.assert_array_equal(np.concatenate(alone), outputs[:3])


@pytest.mark.parametrize("name", CLASSES)
def test_classifier__every_target(name, tmp_path, rng):
    rows, y, shape = CLASSES[name]
    X = ROWS[rows]
    clf = tiny(PaReClassifier, max_epochs=3).fit(X, y)
    prediction, probabilities = clf.predict(X), clf.predict_proba(X)
    assert prediction.shape == y.shape
    assert probabilities.shape == shape
    assert clf.classes_.shape == shape[1:2]
    assert probabilities.min() >= 0
    assert probabilities.max() <= 1
    right = prediction == y
    if name.startswith("labels"):
        right = right.all(1)
        np.testing.assert_array_equal(prediction, probabilities > 0.5)
    else:
        np.testing.assert_allclose(probabilities.sum(1), 1)
        np.testing.assert_array_equal(prediction, clf.classes_[probabilities.argmax(1)])
    assert clf.score(X, y) == pytest.approx(right.mean())
    weight = rng.uniform(0, 1, N)
    share = right.reshape(N, -1).mean(1)
    expected = np.average(share, weights=weight)
    assert clf.score(X, y, sample_weight=weight) == pytest.approx(expected)
    _sample_alone_as_among_others(clf, X)
    loaded = _same_after_copying(clf, X, prediction, tmp_path)
    np.testing.assert_array_equal(loaded.predict_proba(X), probabilities)
    assert loaded.score(X, y) == clf.score(X, y)


@pytest.mark.parametrize("name", NUMBERS)
def test_regressor__every_target(name, tmp_path):
    rows, y = NUMBERS[name]
    X = ROWS[rows]
    reg = tiny(PaReRegressor, max_epochs=3).fit(X, y)
    prediction = reg.predict(X)
    assert prediction.shape == y.shape
    if "number" in name:
        expected = r2_score(y, prediction)
    else:
        # Over all positions of a channel, and the mean over channels.
        pairs = (a.reshape(N, *reg._target.output_shape) for a in (y, prediction))
        expected = np.mean(
            [
                r2_score(
                    truth.reshape(N, -1),
                    made.reshape(N, -1),
                    multioutput="variance_weighted",
                )
                for truth, made in zip(*(a.swapaxes(0, 1) for a in pairs), strict=True)
            ]
        )
    assert reg.score(X, y) == pytest.approx(expected)
    _sample_alone_as_among_others(reg, X)
    loaded = _same_after_copying(reg, X, prediction, tmp_path)
    assert loaded.score(X, y) == reg.score(X, y)


@pytest.mark.parametrize(
    "settings",
    [{"early_stopping": True}, {"linear_path": False},
     {"selector": "gate", "mix_start": 0.6}, {"source": "noise"},
     {"source": "mask-token"}, {"source": None}, {"tune": "none"},
     {"precision": "bf16"}, {"batch_size": 5}],
    ids=str,
)  # fmt: skip
def test_dense__every_setting(settings):
    masks = CLASSES["masks of images"][1]
    clf = tiny(PaReClassifier, max_epochs=1, **settings).fit(IMAGES, masks)
    assert clf.predict(IMAGES).shape == masks.shape
    field = NUMBERS["field"][1]
    reg = tiny(PaReRegressor, max_epochs=1, **settings).fit(IMAGES, field)
    assert np.isfinite(reg.predict(IMAGES)).all()


def test_dense__learns_from_single_pixels(rng):
    X = rng.normal(size=(40, 1, 16, 16))
    masks, field = (X[:, 0] > 0).astype(int), np.abs(X[:, 0])
    clf = tiny(PaReClassifier, max_epochs=12, lr=3e-3).fit(X[:30], masks[:30])
    assert clf.score(X[30:], masks[30:]) > 0.9
    reg = tiny(PaReRegressor, max_epochs=24, lr=1e-3).fit(X[:30], field[:30])
    assert reg.score(X[30:], field[30:]) > 0.7


def test_masks__training_starts_at_the_shares_of_the_classes():
    y = (IMAGES[:, 0] > 1.5).astype(int)
    settings = {"max_epochs": 1, "batch_size": N, "lr": 1e-30}
    clf = tiny(PaReClassifier, **settings).fit(IMAGES, y)
    shares = clf._model.head.read.bias.detach().exp().numpy()
    np.testing.assert_allclose(shares, [1 - y.mean(), y.mean()], rtol=1e-5)


def test_masks__ignore_index__positions_neither_learned_nor_scored(rng):
    y = (IMAGES[:, 0] > 0).astype(int)
    gaps = rng.random(y.shape) < 0.4
    with_gaps = np.where(gaps, 255, y)
    clf = tiny(PaReClassifier, max_epochs=2, ignore_index=255)
    clf.fit(IMAGES, with_gaps)
    assert clf.classes_.tolist() == [0, 1]
    prediction = clf.predict(IMAGES)
    assert set(np.unique(prediction)) <= {0, 1}
    expected = (prediction == y)[~gaps].mean()
    assert clf.score(IMAGES, with_gaps) == pytest.approx(expected)
    # Another value for the ignored positions changes nothing.
    other = clone(clf).set_params(ignore_index=-1).fit(IMAGES, np.where(gaps, -1, y))
    np.testing.assert_array_equal(other.predict(IMAGES), prediction)


def test_masks__class_weight__rare_class_found_more_often():
    y = (IMAGES[:, 0] > 1.6).astype(int)
    probabilities = [
        tiny(PaReClassifier, max_epochs=3, class_weight=class_weight)
        .fit(IMAGES, y)
        .predict_proba(IMAGES)[:, 1]
        .mean()
        for class_weight in (None, "balanced", {0: 1.0, 1: 3.0})
    ]
    assert probabilities[0] < probabilities[2] < probabilities[1]


RARE = (TABLE[:, :3] > 1.0).astype(int)
RARE[0] = 1


@pytest.mark.parametrize(
    "class_weight",
    [{0: 1.0, 1: 20.0}, [{1: 20.0}, {0: 0.05}, {0: 0.1, 1: 2.0}], "balanced"],
    ids=["dict", "list", "balanced"],
)
def test_labels__class_weight__rare_labels_found_more_often(class_weight):
    clf = tiny(PaReClassifier, linear_path=False)
    plain = clf.fit(TABLE, RARE).predict_proba(TABLE).mean(0)
    heavy = clone(clf).set_params(class_weight=class_weight).fit(TABLE, RARE)
    assert (heavy.predict_proba(TABLE).mean(0) > plain + 0.05).all()


def test_labels__class_weight_of_one_label__that_label_alone_is_found_more_often():
    clf = tiny(PaReClassifier, linear_path=False)
    plain = clf.fit(TABLE, RARE).predict_proba(TABLE).mean(0)
    class_weight = [{}, {1: 20.0}, {}]
    heavy = clone(clf).set_params(class_weight=class_weight).fit(TABLE, RARE)
    change = heavy.predict_proba(TABLE).mean(0) - plain
    assert change[1] > 0.1
    assert abs(change[0]) < change[1] / 2 > abs(change[2])


def test_labels__class_weight_1__as_without():
    clf = tiny(PaReClassifier, linear_path=False)
    plain = clf.fit(TABLE, RARE).predict_proba(TABLE)
    clf.set_params(class_weight={0: 1.0, 1: 1.0})
    np.testing.assert_array_equal(clf.fit(TABLE, RARE).predict_proba(TABLE), plain)


@pytest.mark.parametrize("rows", ["table", "images"])
def test_regressor__loss__by_name(rows):
    y = NUMBERS["number" if rows == "table" else "field"][1]
    reg = tiny(PaReRegressor, max_epochs=2, linear_path=False)
    predictions = {
        loss: clone(reg).set_params(loss=loss).fit(ROWS[rows], y).predict(ROWS[rows])
        for loss in ("auto", "squared_error", "huber", "relative_l2")
    }
    same = "squared_error" if rows == "table" else "relative_l2"
    auto = predictions.pop("auto")
    for loss, prediction in predictions.items():
        assert np.array_equal(prediction, auto) == (loss == same)


def test_network_share__one_without_a_linear_path_and_zero_beside_an_exact_one():
    y = TABLE @ np.arange(5) - 1
    for linear_path, expected in ((True, 0.0), (False, 1.0)):
        reg = tiny(PaReRegressor, max_epochs=1, linear_path=linear_path).fit(TABLE, y)
        assert reg.network_share_ == expected
    masks = CLASSES["masks of images"][1]
    clf = tiny(PaReClassifier, max_epochs=1).fit(IMAGES, masks)
    assert clf.network_share_ == 1.0


def test_linear_path__exact_map__found_at_once():
    y = TABLE @ [1.0, -2.0, 0.5, 0.0, 3.0] + 7
    reg = tiny(PaReRegressor, max_epochs=1).fit(TABLE[:20], y[:20])
    np.testing.assert_allclose(reg.predict(TABLE), y, atol=0.01)
    without = tiny(PaReRegressor, max_epochs=1, linear_path=False)
    assert without.fit(TABLE[:20], y[:20]).score(TABLE, y) < 0.9


@pytest.mark.parametrize("target", ["class", "number", "mask", "field"])
@pytest.mark.parametrize(
    "shape",
    [(1, 5), (1, 1000), (1, 8, 8), (60, 8, 8), (3, 7, 33), (1, 40, 8)],
    ids=str,
)
def test_fit__shape_of_samples(shape, target, rng):
    X = rng.normal(size=(12, *shape))
    kind = PaReClassifier if target in ("class", "mask") else PaReRegressor
    y = {
        "class": np.arange(12) % 2,
        "number": X.reshape(12, -1)[:, 0],
        "mask": (X[:, 0] > 0).astype(int),
        "field": X[:, 0],
    }[target]
    estimator = tiny(kind, max_epochs=1, batch_size=6).fit(X, y)
    assert estimator.input_shape_ == shape
    assert estimator.predict(X).shape == y.shape


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("name", ["masks of images", "labels of signals"])
def test_fit__tensors__as_arrays(name, dtype):
    rows, y, _ = CLASSES[name]
    X = torch.from_numpy(ROWS[rows]).to(dtype)
    clf = tiny(PaReClassifier, max_epochs=1)
    from_tensor = clone(clf).fit(X, torch.from_numpy(y))
    array = X.float().numpy() if dtype == torch.bfloat16 else X.numpy()
    prediction = clf.fit(array, y).predict(array)
    np.testing.assert_array_equal(from_tensor.predict(X), prediction)
    assert from_tensor.score(X, torch.from_numpy(y)) == clf.score(array, y)


def test_regressor__tensors__score():
    y = torch.from_numpy(NUMBERS["field"][1])
    reg = tiny(PaReRegressor, max_epochs=1).fit(torch.from_numpy(IMAGES), y)
    assert reg.score(torch.from_numpy(IMAGES), y) == reg.score(IMAGES, y.numpy())


def test_fit__long_signals(rng):
    X = rng.normal(size=(6, 1, 3000))
    reg = tiny(PaReRegressor, max_epochs=1, batch_size=6).fit(X, X[:, 0])
    assert reg.predict(X).shape == (6, 3000)
    clf = tiny(PaReClassifier, max_epochs=1, batch_size=6, linear_path=False)
    assert clf.fit(X, np.arange(6) % 2).predict(X).shape == (6,)


# ---- a table with 5 numeric, 3 categorical and 1 boolean column, 10 % missing


def _frame(n, new=False):
    rng = np.random.default_rng(5 + new)
    frame = pd.DataFrame(rng.normal(size=(n, 5)), columns=list("abcde"))
    frame["city"] = rng.choice(["Bonn", "Lyon", "Pisa"] + ["Rome"] * new, n)
    frame["size"] = pd.Categorical(rng.choice(["s", "m", "l"], n))
    frame["code"] = rng.choice(["x", "y"] + ["z"] * new, n)
    y = (frame["a"] + 2 * (frame["city"] == "Bonn") > 0.5).to_numpy().astype(int)
    frame = frame.mask(rng.random(frame.shape) < 0.1)
    frame["member"] = rng.random(n) < 0.5
    return frame, y


TRAIN, Y_TRAIN = _frame(80)
TEST, Y_TEST = _frame(40, new=True)


def test_frame__fits_predicts_and_is_kept(tmp_path):
    clf = tiny(PaReClassifier).fit(TRAIN, Y_TRAIN)
    assert clf.score(TEST, Y_TEST) > 0.7
    assert clf.feature_names_in_.tolist() == TRAIN.columns.tolist()
    loaded = _same_after_copying(clf, TEST, clf.predict(TEST), tmp_path)
    np.testing.assert_array_equal(loaded.transform(TEST), clf.transform(TEST))


def test_frame__regressor(tmp_path):
    y = TRAIN["a"].fillna(0) + 2 * (TRAIN["code"] == "x")
    reg = tiny(PaReRegressor).fit(TRAIN, y)
    assert reg.score(TRAIN, y) > 0.8
    _same_after_copying(reg, TEST, reg.predict(TEST), tmp_path)


def test_frame__grid_search_in_a_pipeline_and_cross_validation():
    clf = tiny(PaReClassifier, max_epochs=2)
    pipeline = make_pipeline("passthrough", clf)
    search = GridSearchCV(
        pipeline, {"pareclassifier__mix_start": [0.0, 0.6]}, cv=2, error_score="raise"
    ).fit(TRAIN, Y_TRAIN)
    assert search.predict(TEST).shape == (40,)
    assert search.score(TEST, Y_TEST) > 0.6
    scores = cross_val_score(pipeline, TRAIN, Y_TRAIN, cv=3, error_score="raise")
    assert scores.mean() > 0.6


def test_dense__cross_validation():
    y = CLASSES["masks of images"][1]
    scores = cross_val_score(
        tiny(PaReClassifier, max_epochs=1), IMAGES, y, cv=2, error_score="raise"
    )
    assert np.isfinite(scores).all()
