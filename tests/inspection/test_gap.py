import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from sklearn.datasets import load_breast_cancer

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.exceptions import DataError
from sklearn_pare.inspection import (
    ModalityGapDisplay,
)
from tests.common.instances import tiny

RNG = np.random.default_rng(1)


def _gap(fit, **settings):
    return ModalityGapDisplay.from_estimator(*fit, **{"random_state": 0} | settings)


@pytest.mark.parametrize("features", ["tokens", "backbone"])
def test_gap__ends__distance_zero(digits_fit, features):
    display = _gap(digits_fit, features=features, n_repeats=2, n_samples=40)
    np.testing.assert_allclose(display.fractions, np.linspace(1, 0, 9))
    for curves in (display.to_source, display.random_to_source):
        assert curves.shape == (2, 9)
        np.testing.assert_array_equal(curves[:, 0], 0)
        assert (curves[:, 1:] > 0).all()
    for curves in (display.to_target, display.random_to_target):
        np.testing.assert_array_equal(curves[:, -1], 0)
        assert (curves[:, :-1] > 0).all()
    # If all tokens are replaced, selection makes no difference.
    np.testing.assert_array_equal(display.to_target[:, 0],
                                  display.random_to_target[:, 0])  # fmt: skip


def test_gap__real_data__source_leaves_and_data_comes_nearer():
    # Figure 1b of the paper, for breast cancer and the bundled backbone.
    X, y = load_breast_cancer(return_X_y=True)
    clf = PaReClassifier(max_epochs=3, linear_path=False, random_state=0)
    clf.fit(X[:64], y[:64])
    display = _gap((clf, X[:64], y[:64]), n_repeats=1, n_samples=50)
    from_source = spearmanr(display.fractions, display.to_source[0]).statistic
    from_target = spearmanr(display.fractions, display.to_target[0]).statistic
    assert from_source <= -0.9
    assert from_target >= 0.9


def test_gap__same_seed__same_curves_and_estimator_untouched(digits_fit):
    clf, X, _ = digits_fit
    before, state = clf.predict_proba(X), torch.get_rng_state()
    settings = {"n_steps": 3, "n_samples": 40, "n_repeats": 2}
    first, second = (_gap(digits_fit, **settings) for _ in "ab")
    np.testing.assert_array_equal(first.to_source, second.to_source)
    np.testing.assert_array_equal(clf.predict_proba(X), before)
    assert torch.equal(torch.get_rng_state(), state)


def test_gap__random_selector__two_curves(digits_fit):
    X, y = digits_fit[1:]
    clf = tiny(PaReClassifier, input_shape=(1, 8, 8), max_epochs=1).fit(X, y)
    display = _gap((clf, X, y), n_steps=3, n_samples=40)
    assert len(display.lines_) == 2
    assert display.random_to_source is None
    np.testing.assert_array_equal(display.to_source[:, 0], 0)


def test_gap__plot__four_curves_and_time_to_the_right(digits_fit):
    display = _gap(digits_fit, n_steps=3, n_samples=40)
    assert len(display.lines_) == 4
    assert display.figure_ is display.ax_.figure
    low, high = display.ax_.get_xlim()
    assert low > high
    _, ax = plt.subplots()
    assert display.plot(ax=ax).ax_ is ax


@pytest.mark.parametrize("kind", ["numbers", "fields", "masks", "labels"])
def test_gap__every_target(kind):
    X = RNG.normal(size=(30, 1, 8, 8))
    y = {
        "numbers": X[:, 0, 0, 0],
        "fields": X[:, 0],
        "masks": (X[:, 0] > 0).astype(int),
        "labels": (X[:, 0, 0, :3] > 0).astype(int),
    }[kind]
    estimator = PaReRegressor if kind in ("numbers", "fields") else PaReClassifier
    # Fields are not mixed by default.
    settings = {"max_epochs": 1, "linear_path": False, "mix_start": 0.6}
    model = tiny(estimator, **settings).fit(X, y)
    display = _gap((model, X, y), n_steps=3, n_repeats=1)
    assert np.isfinite(display.to_target).all()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"source": None}, "No source was mixed in.*source=None"),
        ({"mix_start": 0.0, "mix_end": 0.0}, "mix_start=0.0, mix_end=0.0"),
        ({"source": "mask-token"}, "'mask-token' has no samples"),
    ],
)
def test_gap__no_source__says_what_to_do(digits_fit, settings, words):
    _, X, y = digits_fit
    clf = tiny(PaReClassifier, input_shape=(1, 8, 8), max_epochs=1, **settings)
    with pytest.raises(DataError, match=words):
        _gap((clf.fit(X, y), X, y))


def test_gap__bad_arguments__say_what_to_do(digits_fit):
    clf, X, y = digits_fit
    with pytest.raises(DataError, match="features='pixels'"):
        _gap(digits_fit, features="pixels")
    with pytest.raises(DataError, match="X has 90 samples and y has 5"):
        _gap((clf, X, y[:5]))
    with pytest.raises(DataError, match="y holds nan in sample 0"):
        _gap((clf, X, np.where(y > 0, y, np.nan)))


def test_gap__memory_map__only_the_rows_it_needs(digits_fit, tmp_path, monkeypatch):
    clf, X, y = digits_fit
    read, encode = [], type(clf._encoder).transform

    def spy(self, rows):
        read.append(len(rows))
        return encode(self, rows)

    monkeypatch.setattr(type(clf._encoder), "transform", spy)
    mapped = np.memmap(tmp_path / "X", X.dtype, "w+", shape=X.shape)
    mapped[:] = X
    monkeypatch.setattr("sklearn_pare._data.lazy.MAX_READ", 0)
    display = _gap((clf, mapped, y), n_samples=12, n_repeats=2, n_steps=2)
    assert read == [12, 12]
    same = _gap((clf, X, y), n_samples=12, n_repeats=2, n_steps=2)
    np.testing.assert_array_equal(display.to_source, same.to_source)
