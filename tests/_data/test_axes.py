"""Axes of X: swapped ones, missing ones, and images of PIL."""

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare._data import lazy
from sklearn_pare._data.forms import warn_swapped
from sklearn_pare._data.validation import check_rows
from sklearn_pare.exceptions import DataError
from tests.common.instances import tiny

N = 12
CLASSES = np.arange(N) % 2


def _numbers(*shape):
    return np.random.default_rng(0).normal(size=(N, *shape))


def _tiny(kind=PaReClassifier, **settings):
    defaults = {"max_epochs": 1, "linear_path": False, "mix_start": 0.0, "mix_end": 0.0}
    return tiny(kind, **defaults | settings)


MOVE = r"If the last axis holds the channels, give np\.moveaxis\(X, -1, 1\)"
SWAPPED = {
    # name: (X, settings, words)
    "RGB": (_numbers(8, 8, 3), {}, MOVE),
    "grey": (_numbers(8, 8, 1), {}, MOVE),
    "RGBA": (_numbers(12, 6, 4), {}, MOVE),
    "two channels": (_numbers(12, 12, 2), {}, MOVE),
    "many rows": (_numbers(64, 5, 3), {}, MOVE),
    "signals": (_numbers(50, 3), {}, MOVE + r"; if not, set input_shape=\(50, 3\)"),
    "one channel": (_numbers(16, 1), {}, MOVE + r"; if not, set input_shape=\(16, 1\)"),
    "without channels": (
        _numbers(8, 8), {},
        r"If these are images, set input_shape=\(1, 8, 8\); if not, .*\(8, 8\)",
    ),
    # The names of Keras.
    "flattened": (_numbers(192), {"input_shape": (8, 8, 3)}, MOVE),
    "list": (_numbers(8, 8, 3).tolist(), {}, MOVE),
}  # fmt: skip


@pytest.mark.parametrize("name", SWAPPED)
def test_swapped__axes__one_warning_in_fit(name):
    X, settings, words = SWAPPED[name]
    clf = _tiny(early_stopping=True, **settings)
    with pytest.warns(UserWarning, match=words) as caught:
        clf.fit(X, CLASSES, X_val=X, y_val=CLASSES)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clf.predict(X)


def test_swapped__field__warning_names_y():
    with pytest.warns(UserWarning, match=r"y has shape.*give np\.moveaxis\(y, -1, 1\)"):
        _tiny(PaReRegressor).fit(_numbers(1, 8, 8), _numbers(8, 8, 1))


@pytest.mark.parametrize("shape", [(16, 1), (16, 2), (5, 4)], ids=str)
def test_swapped__signals_in_y__warning_names_y(shape):
    words = r"y has shape.*give np\.moveaxis\(y, -1, 1\)\."
    with pytest.warns(UserWarning, match=words) as caught:
        _tiny(PaReRegressor).fit(_numbers(2, 16), _numbers(*shape))
    assert caught[0].filename == __file__


@pytest.mark.parametrize("shape", [(2, 16), (16, 16), (20, 8), (2, 4), (16,)], ids=str)
def test_swapped__plausible_signals_in_y__no_warning(shape):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _tiny(PaReRegressor).fit(_numbers(2, 16), _numbers(*shape))


@pytest.mark.parametrize(
    ("shape", "input_shape"),
    [
        # Tables; signals with few channels, or with more channels than positions if
        # the user says so; small, narrow, multispectral and square images.
        ((3,), None), ((4, 3), None), ((8, 9), None), ((4, 4), None),
        ((64, 8), (64, 8)), ((8, 8), (8, -1)),
        ((1, 1, 1), None), ((3, 1, 1), None), ((3, 4, 4), None), ((12, 12, 5), None),
        ((4, 64, 3), None), ((64, 4, 1), None), ((13, 64, 64), None),
        ((3, 32, 32), None), ((4, 9, 9), None),
    ],
    ids=str,
)  # fmt: skip
def test_swapped__plausible_axes__no_warning(shape, input_shape):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_swapped("X", (N, *shape), input_shape)


@pytest.mark.parametrize("shape", [(8, 6), (8, 6, 1), (1, 8, 6), (48,)], ids=str)
@pytest.mark.parametrize("form", ["array", "list", "large"])
def test_input_shape__one_channel__taken_with_and_without_its_axis(
    shape, form, tmp_path, monkeypatch
):
    images = _numbers(1, 8, 6)
    X = images.reshape(N, *shape)
    if form == "large":
        monkeypatch.setattr(lazy, "MAX_READ", 0)
        np.save(tmp_path / "X.npy", X)
        X = np.load(tmp_path / "X.npy", mmap_mode="r")
    X = X.tolist() if form == "list" else X
    clf = _tiny(input_shape=(1, -1, 6)).fit(X, CLASSES)
    expected = _tiny().fit(images, CLASSES).predict_proba(images)
    assert clf.input_shape_ == (1, 8, 6)
    np.testing.assert_array_equal(clf.predict_proba(X), expected)


@pytest.mark.parametrize("shape", [(2, 8), (2, 8, 1), (2, 1, 8)], ids=str)
def test_input_shape__other_axes_of_length_1__taken(shape):
    clf = _tiny(input_shape=(2, 8))
    checked = check_rows(clf, _numbers(*shape), reset=True)
    np.testing.assert_array_equal(checked, _numbers(2, 8))


def _images(mode):
    colours = 255 * (_numbers(6, 5, 3) > 0)
    images = [Image.fromarray(own.astype(np.uint8)) for own in colours]
    return [image.convert(mode) for image in images]


@pytest.mark.parametrize(
    ("mode", "n_channels"), [("1", 1), ("L", 1), ("F", 1), ("RGB", 3), ("RGBA", 4)]
)
def test_pil__list_of_images__channels_first(mode, n_channels):
    images = _images(mode)
    checked = check_rows(_tiny(), images, reset=True)
    arrays = np.stack([np.asarray(image) for image in images])
    expected = np.moveaxis(arrays.reshape(N, 6, 5, n_channels), -1, 1)
    np.testing.assert_array_equal(checked, expected)


@pytest.mark.parametrize("settings", [{}, {"input_shape": (3, 6, 5)}], ids=str)
def test_pil__palette__colours(settings):
    images = [image.convert("P", palette=Image.Palette.WEB) for image in _images("RGB")]
    checked = check_rows(_tiny(**settings), images, reset=True)
    expected = check_rows(_tiny(), _images("RGB"), reset=True)
    np.testing.assert_array_equal(checked, expected)


FORMS = {
    "list": list,
    "tuple": tuple,
    "Series": pd.Series,
    "objects": lambda rows: pd.Series(rows).to_numpy(),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_pil__in_sequences_and_in_y__channels_first(mode, form):
    images = _images(mode)
    inside = FORMS[form](images)
    X, y = check_rows(_tiny(PaReRegressor), inside, inside, reset=True)
    np.testing.assert_array_equal(X, check_rows(_tiny(), images, reset=True))
    np.testing.assert_array_equal(y, X[:, 0] if mode == "L" else X)


@pytest.mark.parametrize("shape", [(5,), (2, 16), (3, 8, 8)], ids=str)
@pytest.mark.parametrize(
    "kind",
    [np.asarray, torch.tensor, np.ndarray.tolist],
    ids=["array", "torch", "list"],
)
def test_series__of_arrays__like_a_list(kind, shape):
    X = pd.Series(list(map(kind, _numbers(*shape))))
    checked, y = check_rows(_tiny(PaReRegressor), X, X, reset=True)
    np.testing.assert_array_equal(checked, _numbers(*shape))
    np.testing.assert_array_equal(y, _numbers(*shape))


def test_pil__masks_in_y__classes_as_they_are():
    masks = [Image.fromarray(own) for own in (_numbers(6, 5) > 0).astype(np.uint8)]
    images = _images("RGB")
    for mask in masks:
        mask.putpalette([0, 0, 0, 255, 0, 0])
    _, y = check_rows(_tiny(), images, masks, reset=True)
    np.testing.assert_array_equal(y, _numbers(6, 5) > 0)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: _images("L")[:-1] + _images("RGB")[-1:], "2 different shapes"),
        (lambda: [*_images("L")[1:], Image.new("L", (9, 9))], "2 different shapes"),
        (lambda: _images("RGB")[0], r"X is one image\. Give a list of images"),
    ],
    ids=["modes", "sizes", "one"],
)
def test_pil__images_that_do_not_fit__error(make, words):
    with pytest.raises(DataError, match=words):
        _tiny().fit(make(), CLASSES)


ONE = {
    # name: (X in fit, settings, one sample, words)
    "table": (_numbers(5), {}, _numbers(5)[0], r"\(1, 5\), with X\[None\]"),
    "signal": (_numbers(2, 16), {}, _numbers(2, 16)[0], r"\(1, 2, 16\), .*X\[None\]"),
    "one channel": (_numbers(1, 16), {}, _numbers(1, 16)[0], r"X\[None\]"),
    "image": (_numbers(3, 8, 8), {}, _numbers(3, 8, 8)[0], r"X\[None\]"),
    "list": (_numbers(3, 8, 8), {}, _numbers(3, 8, 8)[0].tolist(), r"X\[None\]"),
    "grey": (_numbers(1, 8, 8), {}, _numbers(8, 8)[0], r"X\.reshape\(1, 1, 8, 8\)"),
    "flattened": (
        _numbers(3, 8, 8), {"input_shape": (3, 8, 8)}, _numbers(3, 8, 8)[0],
        r"X\[None\]",
    ),
    "frame": (
        pd.DataFrame(_numbers(5)), {}, pd.DataFrame(_numbers(5)).iloc[0],
        r"X\.to_frame\(\)\.T",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ONE)
def test_one_sample__without_its_first_axis__error_says_how_to_add_it(name):
    X, settings, one, words = ONE[name]
    clf = _tiny(**settings).fit(X, CLASSES)
    with pytest.raises(
        DataError, match=rf"like one sample\. Reshape your data.*{words}"
    ):
        clf.predict(one)


def test_one_sample__of_one_flattened_channel__predicted():
    clf = _tiny(input_shape=(1, -1)).fit(_numbers(16), CLASSES)
    assert clf.predict(_numbers(16)[:1]).shape == (1,)


def _flat(X):
    return X.reshape(len(X), -1)


def _channels_last(X):
    return np.moveaxis(X, 1, -1)


OTHER_FORMS = {
    # name: (shape in fit, change, words)
    "flat signals": ((2, 9), _flat, r"np\.reshape\(X, \(-1, 2, 9\)\)\.$"),
    "flat images": ((3, 4, 5), _flat, r"np\.reshape\(X, \(-1, 3, 4, 5\)\)\.$"),
    "one channel": ((1, 9), lambda X: X[:, 0], r"np\.reshape\(X, \(-1, 1, 9\)\)\.$"),
    "signals": ((2, 9), _channels_last, r"np\.moveaxis\(X, -1, 1\)\.$"),
    "images": ((3, 4, 5), _channels_last, r"np\.moveaxis\(X, -1, 1\)\.$"),
    "a channel less": (
        (2, 9),
        lambda X: X[:, :1],
        r"fitted to X of shape \(n, 2, 9\)\.$",
    ),
    "shorter": ((2, 9), lambda X: X[:, :, :7], "Signals in a list may be shorter"),
}


@pytest.mark.parametrize("name", OTHER_FORMS)
def test_predict__other_form_than_in_fit__error_names_both(name):
    shape, change, expected = OTHER_FORMS[name]
    X = _numbers(*shape)
    clf = _tiny().fit(X, CLASSES)
    with pytest.raises(DataError, match=expected):
        clf.predict(change(X))


@pytest.mark.parametrize("shape", [(2, 9), (3, 4, 5)], ids=str)
def test_predict__folded_after_a_flattened_fit__same(shape):
    X = _numbers(*shape)
    clf = _tiny(input_shape=shape).fit(_flat(X), CLASSES)
    np.testing.assert_array_equal(clf.predict_proba(X), clf.predict_proba(_flat(X)))
    with pytest.raises(DataError, match="moveaxis"):
        clf.predict(_channels_last(X))
