"""Bad input: one clear error each, after which nothing has changed."""

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.utils._param_validation import InvalidParameterError

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.exceptions import DataError, UnknownNameError
from tests.common.instances import tiny

TABLE = np.random.default_rng(0).normal(size=(20, 6))
SIGNALS = np.random.default_rng(1).normal(size=(20, 1, 16))
IMAGES = np.random.default_rng(2).normal(size=(20, 1, 8, 8))
CLASSES = np.arange(20) % 2
NUMBERS = TABLE[:, 0]
MASKS = (IMAGES[:, 0] > 0).astype(int)
LABELS = (TABLE[:, :3] > 0).astype(int)


def _with(value, X=TABLE, place=(3, 2)):
    X = X.copy()
    X[place] = value
    return X


def _objects(rows):
    array = np.empty(len(rows), dtype=object)
    array[:] = rows
    return array


RAGGED = [row[:, : 16 - i % 3, None] for i, row in enumerate(SIGNALS)]
FRAME = pd.DataFrame({"width": NUMBERS, "color": ["red", "blue"] * 10})


CASES = {
    # name: (estimator, settings, X, y, error, words of the message)
    # ---- X
    "inf in a table": (
        PaReClassifier, {}, _with(-np.inf), CLASSES, DataError, "infinity in column 2",
    ),
    "inf in a frame": (
        PaReClassifier, {}, FRAME.assign(width=np.inf), CLASSES, DataError,
        "infinity in column 'width'",
    ),
    "table without values": (
        PaReClassifier, {}, np.nan * TABLE, CLASSES, DataError,
        r"All values of X, of shape \(20, 6\), are missing",
    ),
    "frame without values": (
        PaReClassifier, {}, FRAME.assign(width=np.nan, color=None), CLASSES, DataError,
        r"All values of X, of shape \(20, 2\), are missing",
    ),
    "signal of nan": (
        PaReClassifier, {}, _with(np.nan, SIGNALS, (7, 0)), CLASSES, DataError,
        "All values of sample 7 of X are missing. Leave the sample out",
    ),
    "image of nan": (
        PaReClassifier, {}, _with(np.nan, IMAGES, 7), CLASSES, DataError,
        "All values of sample 7 of X are missing",
    ),
    "inf beside nan": (
        PaReClassifier, {}, _with(np.inf, _with(np.nan, SIGNALS, (7, 0, 5)), (9, 0, 2)),
        CLASSES, DataError, "X holds infinity in sample 9, channel 0, position 2",
    ),
    "1e200 beside nan": (
        PaReClassifier, {}, _with(1e200, _with(np.nan, SIGNALS, (7, 0, 5)), (9, 0, 2)),
        CLASSES, DataError, "X reaches 1e[+]200",
    ),
    "inf in images": (
        PaReClassifier, {}, _with(np.inf, IMAGES, (7, 0, 5, 2)), CLASSES, DataError,
        "X holds infinity in sample 7, channel 0, position 5, 2",
    ),
    "flattened sample of nan": (
        PaReClassifier, {"input_shape": (2, 3)}, _with(np.nan, place=3), CLASSES,
        DataError, "All values of sample 3 of X are missing",
    ),
    "ragged images": (
        PaReClassifier, {}, RAGGED, CLASSES, DataError,
        r"3 different shapes: sample 0 has \(1, 16, 1\), sample 1 .*Only signals may",
    ),
    "ragged images in an array": (
        PaReClassifier, {}, _objects(RAGGED), CLASSES, DataError, "3 different shapes",
    ),
    "ragged channels": (
        PaReClassifier, {}, [[[1.0, 2.0], [3.0]]] * 20, CLASSES, DataError,
        "Sample 0 of X is a list of parts of different lengths",
    ),
    "arrays in an array": (
        PaReClassifier, {}, _objects([*SIGNALS[:, 0], *SIGNALS[:, 0]]).reshape(20, 2),
        CLASSES, DataError, "X holds values of type ndarray.*one array of numbers",
    ),
    "zero-length signals": (
        PaReClassifier, {}, SIGNALS[:, :, :0], CLASSES, DataError,
        r"shape \(20, 1, 0\).*no empty axis",
    ),
    "texts": (
        PaReClassifier, {}, ["red", "blue"] * 10, CLASSES, DataError,
        "X holds text.*'red'",
    ),
    "text in an array": (
        PaReClassifier, {}, FRAME.to_numpy(), CLASSES, DataError,
        "X holds text.*'red'.*pandas.DataFrame",
    ),
    "column of dates": (
        PaReClassifier, {}, FRAME.assign(day=pd.Timestamp(2024, 5, 1)), CLASSES,
        DataError, "'day' of X has dtype datetime64.*2024-05-01.*Subtract a date",
    ),
    "column of lists": (
        PaReClassifier, {}, FRAME.assign(path=[[1, 2]] * 20), CLASSES, DataError,
        r"'path' of X has dtype object.*\[1, 2\].*Columns hold",
    ),
    "column of text and numbers": (
        PaReClassifier, {}, FRAME.assign(size=["s", 2] * 10), CLASSES, DataError,
        "'size' of X has dtype object.*to_numeric",
    ),
    "complex column": (
        PaReClassifier, {}, FRAME.assign(wave=1j), CLASSES, DataError,
        "'wave' of X has dtype complex128.*imaginary part",
    ),
    "frame of one sample": (
        PaReClassifier, {}, FRAME[:1], CLASSES[:1], ValueError, "1 sample",
    ),
    "y nan": (
        PaReRegressor, {}, TABLE, np.where(CLASSES, np.nan, 1.0), ValueError, "NaN",
    ),
    "1-D X": (PaReClassifier, {}, TABLE[:, 0], CLASSES, ValueError, "Expected 2D"),
    "5-D X": (
        PaReClassifier, {}, TABLE.reshape(20, 1, 1, 2, 3), CLASSES, DataError,
        r"shape \(20, 1, 1, 2, 3\)",
    ),
    "input_shape does not fit": (
        PaReClassifier, {"input_shape": (2, 4)}, TABLE, CLASSES, DataError,
        r"6 numbers.*input_shape=\(2, 4\).*\(n, 2, 4\)",
    ),
    "input_shape against 3-D X": (
        PaReClassifier, {"input_shape": (3, 2)}, TABLE.reshape(20, 2, 3), CLASSES,
        DataError, r"\(2, 3\).*input_shape=\(3, 2\)",
    ),
    "input_shape of one number": (
        PaReClassifier, {"input_shape": (6,)}, TABLE, CLASSES, DataError,
        r"input_shape=\(6,\) is not the shape",
    ),
    "input_shape with zero": (
        PaReClassifier, {"input_shape": (0, 6)}, TABLE, CLASSES, DataError,
        r"input_shape=\(0, 6\) is not the shape",
    ),
    "input_shape with two sizes of -1": (
        PaReClassifier, {"input_shape": (1, -1, -1)}, TABLE, CLASSES, DataError,
        r"\(1, -1, -1\) is not the shape",
    ),
    # ---- y
    "masks of other positions than X": (
        PaReClassifier, {}, SIGNALS, MASKS, DataError,
        r"y has shape \(20, 8, 8\), which samples of shape \(1, 16\) cannot be "
        r"resampled to. .*\(n,\), \(n, K\), \(n, L\)\.",
    ),
    "fields of other positions than X": (
        PaReRegressor, {}, SIGNALS, IMAGES, DataError,
        r"y has shape \(20, 1, 8, 8\), which samples.*\(n, L\), \(n, C, L\)\.",
    ),
    "field for a table": (
        PaReRegressor, {}, TABLE, SIGNALS, DataError,
        r"y has shape \(20, 1, 16\), which samples.*\(n,\), \(n, K\)\.",
    ),
    "too few class weights of labels": (
        PaReClassifier, {"class_weight": [{1: 2.0}] * 2}, TABLE, LABELS, DataError,
        "class_weight has 2 entries, y has 3 labels",
    ),
    "class weight of a label of another value": (
        PaReClassifier, {"class_weight": {"up": 2.0}}, TABLE, LABELS, DataError,
        r"class_weight of a label is \{'up': 2\.0\}.*keys 0 and 1",
    ),
    "negative class weight of a label": (
        PaReClassifier, {"class_weight": {1: -2.0}}, TABLE, LABELS, DataError,
        r"class_weight of a label is \{1: -2\.0\}\. Weights are >= 0",
    ),
    "class weights of one class": (
        PaReClassifier, {"class_weight": 2.0}, TABLE, CLASSES, InvalidParameterError,
        "'class_weight' parameter.*2.0",
    ),
    "all positions ignored": (
        PaReClassifier, {"ignore_index": 7}, IMAGES, 0 * MASKS + 7, DataError,
        "0 class only",
    ),
    "masks of another size in y_val": (
        PaReClassifier, {"X_val": IMAGES, "y_val": MASKS[:, :4]}, IMAGES, MASKS,
        DataError, r"targets have shape \(20, 4, 8\); expected \(n, 8, 8\)",
    ),
    "field of another size in y_val": (
        PaReRegressor, {"X_val": IMAGES, "y_val": IMAGES[:, :, :4]}, IMAGES, IMAGES,
        DataError, r"targets have shape \(20, 1, 4, 8\)",
    ),
    "max_epochs of 0": (
        PaReClassifier, {"max_epochs": 0}, TABLE, CLASSES, InvalidParameterError,
        "'max_epochs' parameter",
    ),
    "unknown loss": (
        PaReRegressor, {"loss": "l1"}, TABLE, NUMBERS, InvalidParameterError,
        "'loss' parameter.*'l1'",
    ),
    "y of five axes": (
        PaReRegressor, {}, IMAGES, IMAGES.reshape(20, 2, 2, 4, 4), DataError,
        r"y has shape \(20, 2, 2, 4, 4\)",
    ),
    "masks for a table": (
        PaReClassifier, {}, TABLE, MASKS, DataError, r"y has shape \(20, 8, 8\)",
    ),
    "unseen class in masks of y_val": (
        PaReClassifier, {"X_val": IMAGES, "y_val": _with(2, MASKS)}, IMAGES, MASKS,
        DataError, r"targets hold classes.*\[2\]",
    ),
    "masks of one class": (
        PaReClassifier, {}, IMAGES, 0 * MASKS, DataError, "1 class only",
    ),
    "masks of fractions": (
        PaReClassifier, {}, IMAGES, 0.5 * MASKS + 0.25, ValueError,
        "continuous|whole numbers",
    ),
    "ragged masks": (
        PaReClassifier, {}, IMAGES, [m[: 8 - i % 2] for i, m in enumerate(MASKS)],
        DataError, "samples of y have 2 different shapes",
    ),
    "masks of text": (
        PaReClassifier, {}, IMAGES, MASKS.astype(str), DataError,
        r"y has shape \(20, 8, 8\) and dtype <U",
    ),
    "infinite in a field": (
        PaReRegressor, {}, IMAGES, _with(np.inf, IMAGES[:, 0], (4, 1, 6)), DataError,
        r"y holds inf in sample 4, at \(1, 6\)",
    ),
    "empty masks": (
        PaReClassifier, {}, IMAGES, MASKS[:, :, :0], DataError,
        r"y has shape \(20, 8, 0\)",
    ),
    "masks too short": (
        PaReClassifier, {}, IMAGES, MASKS[:-1], ValueError, r"\[20, 19\]",
    ),
    "one class": (
        PaReClassifier, {}, TABLE, np.ones(20, dtype=int), DataError, "1 class only",
    ),
    "one sample": (PaReClassifier, {}, TABLE[:1], CLASSES[:1], ValueError, "1 sample"),
    "as many classes as samples": (
        PaReClassifier, {}, TABLE, [f"row {i}" for i in range(20)], DataError,
        "20 classes in 20 samples",
    ),
    "y too short": (
        PaReClassifier, {}, TABLE, CLASSES[:-1], ValueError,
        r"inconsistent numbers of samples: \[20, 19\]",
    ),
    "continuous classes": (
        PaReClassifier, {}, TABLE, NUMBERS, ValueError, "label type: continuous",
    ),
    "two multiclass columns": (
        PaReClassifier, {}, TABLE, np.c_[np.arange(20) % 3, CLASSES], DataError,
        r"y has shape \(20, 2\)",
    ),
    "text numbers": (
        PaReRegressor, {}, TABLE, ["red", "blue"] * 10, DataError,
        "y holds text.*'red'.*PaReClassifier",
    ),
    "sparse numbers": (
        PaReRegressor, {}, TABLE, csr_array(NUMBERS[:, None]), DataError,
        r"y is a sparse matrix.*toarray\(\)",
    ),
    "missing class": (
        PaReClassifier, {}, TABLE, ["a", "b", None, "a"] * 5, DataError,
        "y holds None, a missing value, in sample 2",
    ),
    "nan among texts": (
        PaReClassifier, {}, TABLE, ["a", np.nan] * 10, DataError,
        "y holds nan, a missing value, in sample 1",
    ),
    "missing string": (
        PaReClassifier, {}, TABLE, pd.array(["a", "b", pd.NA, "a"] * 5, "string"),
        DataError, "y holds <NA>, a missing value, in sample 2",
    ),
    "missing category": (
        PaReClassifier, {}, TABLE, pd.Categorical(["a", "b", None, "a"] * 5), DataError,
        "y holds nan, a missing value, in sample 2",
    ),
    "missing label": (
        PaReClassifier, {}, TABLE, np.array([[1, None], [0, 1]] * 10), DataError,
        "y holds None, a missing value, in sample 0",
    ),
    "missing number": (
        PaReRegressor, {}, TABLE, [1.0, None] * 10, DataError,
        "y holds None, a missing value, in sample 1",
    ),
    "text and numbers": (
        PaReClassifier, {}, TABLE, ["a", 1] * 10, DataError, "the types int and str",
    ),
    "text and booleans": (
        PaReClassifier, {}, TABLE, _objects(["a", True] * 10), DataError,
        "the types bool and str",
    ),
    # ---- weights
    "too few weights": (
        PaReClassifier, {"sample_weight": np.ones(19)}, TABLE, CLASSES, ValueError,
        r"sample_weight.*\(19,\)",
    ),
    "nan weight": (
        PaReClassifier, {"sample_weight": _with(np.nan, np.ones(20), 3)}, TABLE,
        CLASSES, ValueError, "sample_weight contains NaN",
    ),
    "negative weight": (
        PaReClassifier, {"sample_weight": -np.ones(20)}, TABLE, CLASSES, ValueError,
        "[Nn]egative",
    ),
    "all weights zero": (
        PaReClassifier, {"sample_weight": np.zeros(20)}, TABLE, CLASSES, ValueError,
        "at least one (non-zero|must be positive)",
    ),
    "class weights zero": (
        PaReClassifier, {"class_weight": {0: 0.0, 1: 0.0}}, TABLE, CLASSES, DataError,
        "range from 0 to 0",
    ),
    "class weight negative": (
        PaReClassifier, {"class_weight": {0: -1.0, 1: 1.0}}, TABLE, CLASSES, DataError,
        "range from -1 to 1",
    ),
    "matrix of two other values": (
        PaReClassifier, {}, TABLE, np.where(TABLE[:, :3] > 0, 1, -1), DataError,
        r"values \[-1, 1\].*0 and 1",
    ),
    "X too large": (
        PaReClassifier, {}, 1e300 * TABLE, CLASSES, DataError, "X reaches .*e\\+300",
    ),
    "y too large": (
        PaReRegressor, {}, TABLE, 1e300 * NUMBERS, DataError, "y reaches .*e\\+300",
    ),
    # ---- validation samples, arguments
    "nan in X_val": (
        PaReClassifier,
        {"X_val": _with(np.nan, SIGNALS, (1, 0)), "y_val": CLASSES}, SIGNALS,
        CLASSES, DataError, r"X_val and y_val must be like .* \(1, 16\): All values",
    ),
    "X_val flattened": (
        PaReClassifier,
        {"X_val": SIGNALS.reshape(20, -1), "y_val": CLASSES}, SIGNALS,
        CLASSES, DataError, "X_val and y_val must be like the data of fit.*reshape",
    ),
    "X_val without y_val": (
        PaReClassifier, {"X_val": TABLE}, TABLE, CLASSES, DataError, "go together",
    ),
    "unknown class in y_val": (
        PaReClassifier, {"X_val": TABLE, "y_val": CLASSES + 1}, TABLE, CLASSES,
        DataError, r"targets hold classes.*\[2\]",
    ),
    "X_val of another width": (
        PaReClassifier, {"X_val": TABLE[:, :3], "y_val": CLASSES}, TABLE, CLASSES,
        ValueError, "expecting 6 features",
    ),
    "y_val of another width": (
        PaReRegressor, {"X_val": TABLE, "y_val": TABLE}, TABLE, TABLE[:, :2], DataError,
        r"targets have shape \(20, 6\)",
    ),
    "nothing left to train on": (
        PaReClassifier, {"early_stopping": True, "validation_fraction": 0.99}, TABLE,
        CLASSES, DataError, "validation_fraction=0.99 of 20 samples",
    ),
    "unknown parameter value": (
        PaReClassifier, {"selector": "best"}, TABLE, CLASSES, InvalidParameterError,
        "'selector' parameter.*'best'",
    ),
    "fraction above one": (
        PaReRegressor, {"mix_start": 60}, TABLE, NUMBERS, InvalidParameterError,
        "'mix_start' parameter.*60",
    ),
    "unknown alignment": (
        PaReClassifier, {"alignment": "wasserstein"}, TABLE, CLASSES,
        InvalidParameterError, "'alignment' parameter.*'otdd'.*'wasserstein'",
    ),
    "alignment to no source": (
        PaReClassifier, {"alignment": "otdd", "source": None}, TABLE, CLASSES,
        DataError, "alignment='otdd'.*source=None has no tokens",
    ),
    "alignment to a token that trains": (
        PaReClassifier, {"alignment": "mmd", "source": "mask-token"}, TABLE, CLASSES,
        DataError, "alignment='mmd'.*source='mask-token' has no tokens",
    ),
    "warm_start": (
        PaReClassifier, {"warm_start": "yes"}, TABLE, CLASSES, InvalidParameterError,
        "'warm_start' parameter.*'yes'",
    ),
    "checkpoint_dir": (
        PaReClassifier, {"checkpoint_dir": 3}, TABLE, CLASSES, InvalidParameterError,
        "'checkpoint_dir' parameter.*Got 3",
    ),
    "unknown backbone": (
        PaReClassifier, {"backbone": "swin_tiny"}, TABLE, CLASSES,
        UnknownNameError, "'swin_tiny' is .*known.*pare-tiny",
    ),
    "unknown backbone of timm": (
        PaReClassifier, {"backbone": "timm:swin_tiny"}, TABLE, CLASSES,
        UnknownNameError, "no model 'swin_tiny'. Did you mean",
    ),
    "layer_decay of 0": (
        PaReClassifier, {"layer_decay": 0.0}, TABLE, CLASSES, ValueError,
        "'layer_decay' parameter",
    ),
    "unknown source": (
        PaReClassifier, {"source": "corpus"}, TABLE, CLASSES, UnknownNameError,
        "'corpus' is .*known.*'formula'",
    ),
    "source of one array": (
        PaReClassifier, {"source": (TABLE,)}, TABLE, CLASSES, DataError,
        "tuple of length 1",
    ),
    "source lengths": (
        PaReClassifier, {"source": (TABLE, CLASSES[:3])}, TABLE, CLASSES, ValueError,
        "X_source.*20.*y_source.*3",
    ),
    "source with nan": (
        PaReClassifier, {"source": (_with(np.nan), CLASSES)}, TABLE, CLASSES,
        ValueError, "X_source contains NaN",
    ),
    "unknown device": (
        PaReClassifier, {"device": "abacus"}, TABLE, CLASSES, ValueError,
        "device='abacus'.*'cpu'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_fit__bad_input__clear_error_and_nothing_changed(name):
    kind, settings, X, y, error, words = CASES[name]
    fit_names = ("sample_weight", "X_val", "y_val")
    in_fit = {k: v for k, v in settings.items() if k in fit_names}
    parameters = {k: v for k, v in settings.items() if k not in fit_names}
    random_state = np.random.RandomState(5)
    expected = np.random.RandomState(5).get_state()[1]
    before = joblib.hash((X, y, in_fit))
    estimator = tiny(kind, **({"random_state": random_state} | parameters))
    with pytest.raises(error, match=f"(?s){words}"):
        estimator.fit(X, y, **in_fit)
    assert joblib.hash((X, y, in_fit)) == before
    np.testing.assert_array_equal(random_state.get_state()[1], expected)
    assert not hasattr(estimator, "history_")


@pytest.mark.parametrize(("X", "y"), [(TABLE, CLASSES), (IMAGES, MASKS)])
def test_fit__list_of_class_weights_without_label_sets__error_says_what_to_give(X, y):
    clf = tiny(PaReClassifier, class_weight=[{0: 1.0, 1: 2.0}] * 2)
    with pytest.raises(ValueError, match=r"class_weight.*dict"):
        clf.fit(X, y)


AT_PREDICT = {
    # name: (X in fit, X in predict, error, words of the message)
    "other shape": (
        TABLE.reshape(20, 2, 3), np.zeros((4, 2, 4)), DataError,
        "Sample 0 of X is a signal of 4 positions, and at most 3 are expected",
    ),
    "too few positions": (
        TABLE.reshape(20, 2, 3), np.zeros((4, 2, 2)), DataError,
        r"\(4, 2, 2\).*\(n, 2, 3\).*Signals in a list may be shorter",
    ),
    "too far off": (TABLE, 1e60 * TABLE, DataError, "standard deviations from"),
    "signal of nan": (
        SIGNALS, _with(np.nan, SIGNALS, (3, 0)), DataError,
        "All values of sample 3 of X are missing",
    ),
    "inf in a table": (TABLE, _with(np.inf), DataError, "infinity in column 2"),
    "columns in another order": (
        FRAME, FRAME[["color", "width"]], ValueError, "must be in the same order",
    ),
    "column missing": (FRAME, FRAME[["color"]], ValueError, "seen at fit time.*width"),
    "text where numbers were": (
        FRAME, FRAME.assign(width="wide"), DataError,
        "'width' of X holds 'wide'; in fit it held numbers",
    ),
    "numbers where text was": (
        FRAME, FRAME.assign(color=1.5), DataError,
        "Column 1 of X holds 1.5; in fit it held text",
    ),
    "no samples": (SIGNALS, SIGNALS[:0], ValueError, "0 sample"),
}  # fmt: skip


@pytest.mark.parametrize("name", AT_PREDICT)
def test_predict__bad_input__clear_error(name):
    X, X_new, error, words = AT_PREDICT[name]
    # A linear model has finite outputs far off as well.
    clf = tiny(PaReClassifier, max_epochs=1, linear_path=False).fit(X, CLASSES)
    with pytest.raises(error, match=f"(?s){words}"):
        clf.predict(X_new)
