import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits, load_wine

from sklearn_pare import PaReClassifier
from sklearn_pare.exceptions import DataError
from sklearn_pare.inspection import (
    PatchReplacementDisplay,
)
from sklearn_pare.inspection._fitted import fitted_with_source
from tests.common.instances import tiny

RNG = np.random.default_rng(1)


@pytest.mark.parametrize("fraction", [0.01, 0.25, 1.0])
def test_patches__image__as_many_frames_as_tokens(digits_fit, fraction):
    clf, X, _ = digits_fit
    display = PatchReplacementDisplay.from_estimator(
        clf, X[:1], fraction=fraction, random_state=0
    )
    k = max(1, round(fraction * 16))
    assert len(display.target_index) == len(display.source_index) == k
    for ax in display.axes_:
        assert len(ax.patches) == k
        (image,) = ax.images
        left, right, bottom, top = image.get_extent()
        for patch in ax.patches:
            assert left <= patch.get_x() <= right - patch.get_width() + 1e-9
            assert top <= patch.get_y() <= bottom - patch.get_height() + 1e-9


def test_patches__gate__largest_differences_of_scores(digits_fit):
    clf, X, _ = digits_fit
    display = PatchReplacementDisplay.from_estimator(clf, X[:1], random_state=0)
    scaled = clf._encoder.transform(X[:1].reshape(1, 1, 8, 8))
    with torch.no_grad():
        own = clf._model.gate(clf._model.embed(torch.from_numpy(scaled)))[0]
        fitted = fitted_with_source(clf)
        source = torch.from_numpy(display.source_row[None])
        scores = clf._model.gate(fitted.source_embed(source))[0] - own
    largest = scores.topk(8).indices.sort().values
    assert display.target_index.tolist() == largest.tolist()
    assert display.source_index.tolist() == largest.tolist()


def test_patches__signal__windows_shaded():
    X, y = RNG.normal(size=(20, 2, 64)), np.arange(20) % 2
    clf = tiny(PaReClassifier, max_epochs=1, linear_path=False).fit(X, y)
    display = PatchReplacementDisplay.from_estimator(clf, X[:1], random_state=0)
    ax = display.axes_[0]
    assert len(ax.lines) == 2
    assert len(ax.patches) == 8
    starts = sorted(patch.get_x() for patch in ax.patches)
    assert starts == [4 * token for token in display.target_index]


def test_patches__table__shares_of_columns():
    data = load_wine(as_frame=True)
    clf = tiny(PaReClassifier, max_epochs=1, linear_path=False)
    clf.fit(data.data, data.target)
    display = PatchReplacementDisplay.from_estimator(
        clf, data.data[:1], fraction=1.0, random_state=0
    )
    ax = display.axes_[0]
    assert [bar.get_width() for bar in ax.patches] == [1.0] * 13
    assert [text.get_text() for text in ax.get_yticklabels()] == list(data.data)


@pytest.mark.parametrize("width", [5, 30])
def test_patches__table_as_source__columns_of_its_own(width):
    data = load_wine(as_frame=True)
    source = RNG.normal(size=(30, width)), np.arange(30) % 2
    clf = tiny(PaReClassifier, source=source, max_epochs=1, linear_path=False)
    display = PatchReplacementDisplay.from_estimator(
        clf.fit(data.data, data.target), data.data[:1], random_state=0
    )
    names, others = (
        [text.get_text() for text in ax.get_yticklabels()] for ax in display.axes_
    )
    assert names == list(data.data)
    assert others == [f"column {c}" for c in range(width)]
    shares = [bar.get_width() for bar in display.axes_[1].patches]
    assert len(shares) == width
    assert 0 < np.nanmax(shares) <= 1


def test_patches__random_selector__other_seeds_other_tokens():
    X, y = load_digits(return_X_y=True)
    clf = tiny(PaReClassifier, selector="random", input_shape=(1, 8, 8), max_epochs=1)
    clf.fit(X[:40], y[:40])
    first, second = (
        PatchReplacementDisplay.from_estimator(clf, X[:1], random_state=seed)
        for seed in (0, 1)
    )
    assert first.target_index.tolist() != second.target_index.tolist()


@pytest.mark.parametrize(
    ("rows", "fraction", "words"),
    [(2, 0.5, r"X has 2 samples.*X\[:1\]"), (1, 0.0, "fraction=0.0"), (1, 1.5, "1.5")],
)
def test_patches__bad_arguments__say_what_to_do(digits_fit, rows, fraction, words):
    clf, X, _ = digits_fit
    with pytest.raises(DataError, match=words):
        PatchReplacementDisplay.from_estimator(clf, X[:rows], fraction=fraction)
