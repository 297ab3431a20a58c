import matplotlib as mpl
import pytest

pytest.importorskip("sphinx_gallery", reason="only the documentation needs it")
from matplotlib import pyplot as plt
from sphinx.errors import ExtensionError

from tools import pictures

mpl.use("agg")
HISTOGRAM = [3.0, 3.0, 4.0]


@pytest.fixture
def ax():
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


def test_equal_parts__bars_of_the_same_value(ax):
    ax.barh(["a", "b", "c"], [0.5, 0.5, 0.5])
    assert pictures.equal_parts(ax.figure) == ["all bars of plot 0 are equal"]


def test_equal_parts__groups_of_bars_of_the_same_value(ax):
    ax.bar([0, 2], [0.5, 0.5])
    ax.bar([1, 3], [0.5, 0.5])
    assert pictures.equal_parts(ax.figure) == ["all bars of plot 0 are equal"]


def test_equal_parts__same_lines(ax):
    ax.plot([1, 2, 3], label="one")
    ax.plot([1, 2, 3], label="two")
    assert pictures.equal_parts(ax.figure) == [
        "lines 'one' and 'two' of plot 0 are equal"
    ]


def test_equal_parts__one_bar_some_equal_bars_straight_lines__nothing(ax):
    ax.bar([0, 1, 2], HISTOGRAM)
    ax.axvline(1)
    ax.axvline(1)
    ax.plot([1, 2, 3])
    ax.plot([1, 2, 4])
    other = ax.figure.add_axes((0, 0, 0.1, 0.1))
    other.bar([0], [1])
    assert pictures.equal_parts(ax.figure) == []


def test_save_figures__equal_bars__error_with_place(ax):
    ax.bar([0, 1], [2, 2])
    with pytest.raises(ExtensionError, match=r"plot_a\.py, line 7: all bars of plot 0"):
        pictures.save_figures(("code", "", 7), {"src_file": "plot_a.py"}, {})
