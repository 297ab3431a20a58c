"""Checks of everything that fit gets, and unusual data that work."""

import numpy as np
import pytest
import torch

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare._data.class_targets import ClassTarget
from sklearn_pare._data.fit_data import FitData, check_hold_out, hold_out, in_words
from sklearn_pare.exceptions import DataError
from tests.common.instances import tiny

TABLE = np.random.default_rng(0).normal(size=(20, 6))
SIGNALS = np.random.default_rng(1).uniform(0, 200, size=(20, 1, 16))
CLASSES = np.arange(20) % 2
NUMBERS = TABLE[:, 0]


def test_fit__constant_y__constant_prediction():
    reg = tiny(PaReRegressor).fit(TABLE, np.full(20, 7.25))
    np.testing.assert_array_equal(reg.predict(TABLE[:5]), 7.25)


def test_fit__one_of_two_targets_constant__others_learned():
    y = np.c_[NUMBERS, np.full(20, -3.0)]
    reg = tiny(PaReRegressor, max_epochs=40).fit(TABLE, y)
    np.testing.assert_array_equal(reg.predict(TABLE)[:, 1], -3.0)
    assert np.corrcoef(reg.predict(TABLE)[:, 0], NUMBERS)[0, 1] > 0.7


def test_fit__one_column__works():
    clf = tiny(PaReClassifier, max_epochs=20).fit(TABLE[:, :1], TABLE[:, 0] > 0)
    assert clf.score(TABLE[:, :1], TABLE[:, 0] > 0) > 0.9


def test_fit__constant_column_and_huge_offset__works():
    X = np.c_[np.full(20, 3.0), 1e9 + TABLE[:, 0]]
    clf = tiny(PaReClassifier, max_epochs=20).fit(X, TABLE[:, 0] > 0)
    assert clf.score(X, TABLE[:, 0] > 0) > 0.9


def test_fit__y_val_as_column__as_flat():
    column = {"X_val": TABLE, "y_val": CLASSES[:, None]}
    with pytest.warns(UserWarning, match="column-vector"):
        clf = tiny(PaReClassifier, linear_path=False).fit(TABLE, CLASSES, **column)
    assert clf.history_[-1]["valid_score"] == clf.score(TABLE, CLASSES)


def test_fit__numpy_integers__as_python_ones():
    clf = tiny(PaReClassifier, batch_size=np.int64(16), max_epochs=np.int32(2))
    assert clf.fit(TABLE, CLASSES).n_iter_ == 2


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_fit__tensors__as_arrays(dtype):
    X = torch.tensor(TABLE, dtype=dtype, requires_grad=True)
    clf = tiny(PaReClassifier).fit(X, torch.tensor(CLASSES))
    array = X.detach().double().numpy()
    expected = tiny(PaReClassifier).fit(array, CLASSES).predict_proba(array)
    np.testing.assert_allclose(clf.predict_proba(X), expected, atol=1e-5)


def test_fit__arrays_in_an_array__as_one_array():
    X = np.empty(20, dtype=object)
    X[:] = list(SIGNALS)
    clf, expected = (tiny(PaReClassifier).fit(x, CLASSES) for x in (X, SIGNALS))
    np.testing.assert_array_equal(clf.predict_proba(X), expected.predict_proba(SIGNALS))


def test_hold_out__warning__points_at_the_caller():
    clf = tiny(PaReClassifier, early_stopping=True, max_epochs=1)
    with pytest.warns(UserWarning, match="smallest class has 1 samples") as caught:
        clf.fit(TABLE, np.r_[1, np.zeros(19)])
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("sizes", "fraction", "words"),
    [
        # A class of one sample; fewer samples held out than classes.
        ((1, 19), 0.1, "1 samples, and 2 samples are held out for 2"),
        ((7, 7, 6), 0.1, "6 samples, and 2 samples are held out for 3"),
    ],
)
def test_hold_out__no_sample_of_each_class__warns(sizes, fraction, words):
    strata = np.repeat(range(len(sizes)), sizes)
    target = ClassTarget.from_y(strata)
    data = FitData(TABLE[: len(strata)], strata, np.ones(len(strata)), target, strata)
    with pytest.warns(UserWarning, match="smallest class") as record:
        hold_out(data, fraction, 0)
    assert str(record[0].message) == (
        f"The smallest class has {words} classes: the validation samples are drawn "
        "without stratification."
    )


@pytest.fixture
def data():
    target = ClassTarget.from_y(CLASSES)
    return FitData(TABLE, CLASSES, 1.0 + np.arange(20), target, CLASSES)


def test_hold_out__samples_codes_and_weights_stay_together(data):
    part = hold_out(data, 0.2, seed=0)
    X_val, codes_val, weight_val, y_val = part.validation
    assert len(X_val) == 4
    # Weights number the samples from 1.
    kept, held_out = part.weight.astype(int) - 1, weight_val.astype(int) - 1
    assert sorted([*kept, *held_out]) == list(range(20))
    np.testing.assert_array_equal(part.X, TABLE[kept])
    np.testing.assert_array_equal(part.codes, CLASSES[kept])
    np.testing.assert_array_equal(X_val, TABLE[held_out])
    np.testing.assert_array_equal(codes_val, CLASSES[held_out])
    np.testing.assert_array_equal(y_val, CLASSES[held_out])
    assert np.bincount(codes_val).tolist() == [2, 2]
    again = hold_out(data, 0.2, seed=0).validation[2]
    np.testing.assert_array_equal(again, weight_val)
    assert not np.array_equal(hold_out(data, 0.2, seed=1).validation[2], weight_val)


def test_hold_out__validation_samples_given__nothing_is_moved(data):
    data = data._replace(validation=(TABLE[:3], CLASSES[:3], np.ones(3)))
    assert hold_out(data, 0.2, seed=0) is data
    # Then no fraction is too large.
    check_hold_out(data, 0.99)
    with pytest.raises(DataError, match="leaves none to train on"):
        check_hold_out(data._replace(validation=None), 0.99)


@pytest.mark.parametrize(
    "y",
    [NUMBERS, TABLE[:, :2], SIGNALS, SIGNALS[:, 0]],
    ids=["number", "numbers", "channels", "field"],
)
def test_fit__one_validation_sample__r2_not_defined(y):
    X = SIGNALS
    reg = tiny(PaReRegressor, early_stopping=True, linear_path=False, max_epochs=1)
    with pytest.raises(DataError, match=r"1 validation sample.*at least 2"):
        reg.fit(X, y, X_val=X[:1], y_val=y[:1])
    reg.fit(X, y, X_val=X[:2], y_val=y[:2])


@pytest.mark.parametrize("n", [1, 3, 20])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_fit__validation_masks_all_ignored__error(n, early_stopping):
    X, y = SIGNALS, (SIGNALS[:, 0] > 100) + 0
    clf = tiny(
        PaReClassifier, early_stopping=early_stopping, ignore_index=7, max_epochs=1
    )
    with pytest.raises(DataError, match=r"All positions .* ignore_index=7"):
        clf.fit(X, y, X_val=X[:n], y_val=np.full_like(y[:n], 7))


def test_fit__masks_held_out_all_ignored__error():
    X, groups = np.concatenate([SIGNALS] * 2), np.repeat([0, 1], 20)
    clf = tiny(
        PaReClassifier, early_stopping=True, ignore_index=7, validation_fraction=0.5
    )
    held_out = []
    for ignored in (0, 1):
        y = np.where(groups[:, None] == ignored, 7, X[:, 0] > 100)
        try:
            clf.set_params(max_epochs=1, linear_path=False).fit(X, y, groups=groups)
        except DataError as error:
            held_out.append(str(error))
    # One of the two groups is held out.
    assert len(held_out) == 1
    assert "All positions of 20 masks" in held_out[0]


READ = {
    # name: (estimator, X, y, other arguments, text)
    "table of classes": (
        PaReClassifier, TABLE, CLASSES, {},
        "X: 20 samples of 6 columns (a table), y: 2 classes",
    ),
    "table of several labels": (
        PaReClassifier, TABLE, np.c_[CLASSES, 1 - CLASSES, CLASSES], {},
        "X: 20 samples of 6 columns (a table), y: 3 labels",
    ),
    "one column, several numbers": (
        PaReRegressor, TABLE[:, :1], TABLE[:, :4], {},
        "X: 20 samples of 1 column (a table), y: 4 numbers",
    ),
    "quantiles of one number": (
        PaReRegressor, TABLE, NUMBERS, {"loss": "quantile", "quantile": [0.1, 0.9]},
        "X: 20 samples of 6 columns (a table), y: 1 number",
    ),
    "signals of a field": (
        PaReRegressor, SIGNALS, SIGNALS[:, 0], {},
        "X: 20 signals of 1 channel x 16 positions, "
        "y: 1 number at each of 16 positions",
    ),
    "flattened signals": (
        PaReClassifier, TABLE, CLASSES, {"input_shape": (3, 2)},
        "X: 20 signals of 3 channels x 2 positions, y: 2 classes",
    ),
    "signals of unequal length": (
        PaReClassifier, [x[:, : 8 + i % 9] for i, x in enumerate(SIGNALS)], CLASSES, {},
        "X: 20 signals of 1 channel x 16 positions, y: 2 classes",
    ),
    "images of masks": (
        PaReClassifier, SIGNALS.reshape(20, 1, 4, 4),
        (SIGNALS > 100).astype(int).reshape(20, 4, 4), {},
        "X: 20 images of 1 channel x 4 x 4 positions, "
        "y: 2 classes at each of 4 x 4 positions",
    ),
    "samples of weight 0": (
        PaReClassifier, SIGNALS.reshape(20, 2, 2, 4), CLASSES,
        {"sample_weight": np.arange(20) > 5},
        "X: 14 images of 2 channels x 2 x 4 positions, y: 2 classes",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_in_words__every_kind_of_samples_and_targets(name):
    kind, X, y, arguments, text = READ[name]
    weight = arguments.get("sample_weight")
    settings = {k: v for k, v in arguments.items() if k != "sample_weight"}
    data = tiny(kind, **settings)._check_data(X, y, weight, None, (None,) * 3, None)
    assert in_words(data) == text
