import copy
import subprocess
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from sklearn.datasets import load_breast_cancer, load_digits, load_wine

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.exceptions import DataError
from sklearn_pare.inspection import (
    CurriculumDisplay,
    ModalityGapDisplay,
    PatchReplacementDisplay,
    loss_landscape,
)
from sklearn_pare.inspection._fitted import fitted_with_source
from tests.common.instances import tiny

RNG = np.random.default_rng(1)


@pytest.fixture(autouse=True)
def _no_windows():
    backend = mpl.get_backend()
    plt.switch_backend("agg")
    yield
    plt.close("all")
    plt.switch_backend(backend)


@pytest.fixture(scope="module")
def digits_fit():
    X, y = load_digits(return_X_y=True)
    settings = {"input_shape": (1, 8, 8), "max_epochs": 3}
    return tiny(PaReClassifier, **settings).fit(X[:90], y[:90]), X[:90], y[:90]


def _gap(fit, **settings):
    return ModalityGapDisplay.from_estimator(*fit, **{"random_state": 0} | settings)


# --- the gap


@pytest.mark.parametrize("features", ["tokens", "backbone"])
def test_gap__ends__distance_zero(digits_fit, features):
    display = _gap(digits_fit, features=features, n_repeats=2)
    for curves in (display.to_source, display.random_to_source):
        assert curves.shape == (2, 9)
        np.testing.assert_array_equal(curves[:, 0], 0)
        assert (curves[:, 1:] > 0).all()
    for curves in (display.to_target, display.random_to_target):
        np.testing.assert_array_equal(curves[:, -1], 0)
        assert (curves[:, :-1] > 0).all()
    # All tokens replaced, or none: nothing is left to select.
    np.testing.assert_array_equal(display.to_target[:, 0],
                                  display.random_to_target[:, 0])  # fmt: skip


def test_gap__real_data__source_leaves_and_data_comes_nearer():
    # Figure 1b of the paper, on breast cancer and the bundled backbone.
    X, y = load_breast_cancer(return_X_y=True)
    clf = PaReClassifier(max_steps=10, linear_path=False, random_state=0)
    display = _gap((clf.fit(X[:100], y[:100]), X[:100], y[:100]), n_repeats=1)
    from_source = spearmanr(display.fractions, display.to_source[0]).statistic
    from_target = spearmanr(display.fractions, display.to_target[0]).statistic
    assert from_source <= -0.9
    assert from_target >= 0.9


def test_gap__same_seed__same_curves_and_estimator_untouched(digits_fit):
    clf, X, _ = digits_fit
    before, state = clf.predict_proba(X), torch.get_rng_state()
    first, second = (_gap(digits_fit, n_steps=3) for _ in "ab")
    np.testing.assert_array_equal(first.to_source, second.to_source)
    np.testing.assert_array_equal(clf.predict_proba(X), before)
    assert torch.equal(torch.get_rng_state(), state)


def test_gap__plot__four_curves_and_time_to_the_right(digits_fit):
    display = _gap(digits_fit, n_steps=3)
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
    model = tiny(estimator, max_epochs=1).fit(X, y)
    display = _gap((model, X, y), n_steps=3, n_repeats=1)
    assert np.isfinite(display.to_target).all()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"source": None}, "no source to look at: source=None"),
        ({"mix_start": 0.0, "mix_end": 0.0}, "mix_start=0.0 and mix_end=0.0"),
        ({"source": "mask-token"}, "'mask-token' is a token that was learned"),
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
    with pytest.raises(DataError, match="X has 90 rows and y has 5"):
        _gap((clf, X, y[:5]))
    with pytest.raises(DataError, match="y holds nan in row 0"):
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
    display = _gap((clf, mapped, y), n_samples=12, n_repeats=2, n_steps=2)
    assert read == [12, 12]
    same = _gap((clf, X, y), n_samples=12, n_repeats=2, n_steps=2)
    np.testing.assert_array_equal(display.to_source, same.to_source)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"pretrained": False, "random_state": None},
        {"source": "arrays"},
        {"source": ["formula", "arrays"]},
        {"source": "table", "random_state": None},
    ],
)
def test_source__built_again__as_it_was_in_fit(settings, monkeypatch):
    from sklearn_pare.nn.model import PaReModel

    X, y = load_digits(return_X_y=True)
    kinds = {
        "arrays": (X[:60].reshape(-1, 1, 8, 8), y[:60]),
        "table": load_wine(return_X_y=True),
        # The rows themselves are nearest.
        "['formula', 'arrays']": ["formula", (X[:60].reshape(-1, 1, 8, 8), y[:60])],
    }
    source = settings.get("source", "formula")
    settings = settings | {"source": kinds.get(str(source), source)}
    seen = {}
    forward = PaReModel.forward

    def spy(self, x, mixing=None, *args, **kwargs):
        with torch.no_grad():
            seen["rows"] = mixing.source
            seen["tokens"] = self.source_embed(mixing.source)
        return forward(self, x, mixing, *args, **kwargs)

    monkeypatch.setattr(PaReModel, "forward", spy)
    settings = {"input_shape": (1, 8, 8), "max_epochs": 1} | settings
    clf = tiny(PaReClassifier, **settings).fit(X[:60], y[:60])
    again = fitted_with_source(clf).source_embed
    if isinstance(source, list):
        assert clf.source_ == "arrays 1"
    with torch.no_grad():
        torch.testing.assert_close(again(seen["rows"]), seen["tokens"])


# --- the curriculum


def test_curriculum__history__as_recorded(digits_fit):
    clf, X, y = digits_fit
    display = CurriculumDisplay.from_estimator(clf)
    assert display.epochs == [1, 2, 3]
    assert len(display.axes_) == 2
    line = display.axes_[1].lines[0]
    assert list(line.get_ydata()) == [row["mix_fraction"] for row in clf.history_]
    scored = copy.copy(clf).fit(X, y, X_val=X, y_val=y)
    display = CurriculumDisplay.from_estimator(scored)
    assert len(display.axes_) == 3
    labels = [text.get_text() for text in display.axes_[0].get_legend().get_texts()]
    assert labels == ["clean rows", "mixed rows", "mixed rows, source", "validation"]


def test_curriculum__no_mixing__only_clean_rows(digits_fit):
    _, X, y = digits_fit
    clf = tiny(PaReClassifier, source=None, max_epochs=2).fit(X, y)
    assert set(CurriculumDisplay.from_estimator(clf).curves) == {
        "target_loss", "mix_fraction",
    }  # fmt: skip


# --- the patches


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


def test_patches__gate__lowest_go_and_highest_come(digits_fit):
    clf, X, _ = digits_fit
    display = PatchReplacementDisplay.from_estimator(clf, X[:1], random_state=0)
    scaled = clf._encoder.transform(X[:1].reshape(1, 1, 8, 8))
    with torch.no_grad():
        scores = clf._model.gate(clf._model.embed(torch.from_numpy(scaled)))[0]
    lowest = scores.argsort()[:8].sort().values
    assert display.target_index.tolist() == lowest.tolist()


def test_patches__signal__windows_shaded():
    X, y = RNG.normal(size=(20, 2, 64)), np.arange(20) % 2
    clf = tiny(PaReClassifier, max_epochs=1).fit(X, y)
    display = PatchReplacementDisplay.from_estimator(clf, X[:1], random_state=0)
    ax = display.axes_[0]
    assert len(ax.lines) == 2
    assert len(ax.patches) == 8
    starts = sorted(patch.get_x() for patch in ax.patches)
    assert starts == [4 * token for token in display.target_index]


def test_patches__table__shares_of_columns():
    data = load_wine(as_frame=True)
    clf = tiny(PaReClassifier, max_epochs=1).fit(data.data, data.target)
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
    clf = tiny(PaReClassifier, source=source, max_epochs=1)
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
    [(2, 0.5, r"X has 2 rows.*X\[:1\]"), (1, 0.0, "fraction=0.0"), (1, 1.5, "1.5")],
)
def test_patches__bad_arguments__say_what_to_do(digits_fit, rows, fraction, words):
    clf, X, _ = digits_fit
    with pytest.raises(DataError, match=words):
        PatchReplacementDisplay.from_estimator(clf, X[:rows], fraction=fraction)


# --- the loss


def test_landscape__middle__loss_of_the_fit_which_stays(digits_fit):
    clf, X, y = digits_fit
    before = clf.predict_proba(X)
    display = loss_landscape(clf, X, y, n_points=3, span=0.5, random_state=0)
    expected = -np.log(before[np.arange(len(y)), y]).mean()
    assert display.loss[1, 1] == pytest.approx(expected, rel=1e-4)
    assert display.steps.tolist() == [-0.5, 0.0, 0.5]
    np.testing.assert_array_equal(clf.predict_proba(X), before)


def test_landscape__network_without_a_share__says_so():
    X, y = load_wine(return_X_y=True)
    clf = tiny(PaReClassifier, max_epochs=1).fit(X, y)
    assert clf.network_share_ == 0
    with pytest.raises(DataError, match=r"network_share_ is 0.*linear_path=False"):
        loss_landscape(clf, X, y, n_points=2)


def test_landscape__far_away__loss_is_higher(digits_fit):
    display = loss_landscape(*digits_fit, n_points=3, span=2.0, random_state=0)
    corners = display.loss[[0, 0, 2, 2], [0, 2, 0, 2]]
    assert corners.mean() > display.loss[1, 1]


def test_landscape__directions__rows_as_long_as_the_weights(generator):
    from sklearn_pare.inspection._landscape import _direction

    weight = torch.randn(5, 3, 2, generator=generator)
    found = _direction(weight, generator).flatten(1).norm(dim=1)
    torch.testing.assert_close(found, weight.flatten(1).norm(dim=1))
    assert torch.equal(_direction(torch.zeros(2, 3), generator), torch.zeros(2, 3))


def test_landscape__fields(digits_fit):
    X = RNG.normal(size=(20, 1, 8, 8))
    model = tiny(PaReRegressor, max_epochs=1).fit(X, X[:, 0])
    display = loss_landscape(model, X, X[:, 0], n_points=2, random_state=0)
    assert np.isfinite(display.loss).all()
    with pytest.raises(DataError, match="n_points=1"):
        loss_landscape(model, X, X[:, 0], n_points=1)


def test_import__without_matplotlib__until_something_is_drawn():
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from sklearn_pare import inspection\n"
        "try:\n    inspection.loss_landscape(None, None, None)\n"
        "except ImportError as error:\n    assert 'matplotlib' in str(error), error\n"
        "else:\n    raise SystemExit('no error')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
