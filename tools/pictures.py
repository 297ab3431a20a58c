"""Check that a picture of the gallery shows differences where it compares.

The build of the documentation ends with an error if all bars of a plot are equal, or if
two lines of a plot are: a page would then speak of a difference that nobody can see.
"""

import itertools

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.container import BarContainer
from sphinx.errors import ExtensionError
from sphinx_gallery.scrapers import matplotlib_scraper


def equal_parts(figure):
    """Return a text for each plot of a figure whose bars, or two lines, are equal."""
    faults = []
    for number, ax in enumerate(figure.axes):
        bars = [part for part in ax.containers if isinstance(part, BarContainer)]
        values = [np.asarray(part.datavalues, float) for part in bars]
        if sum(map(len, values)) > 1 and np.ptp(np.concatenate(values)) == 0:
            faults.append(f"all bars of plot {number} are equal")
        lines = [line for line in ax.get_lines() if len(line.get_xdata()) > 2]
        for one, two in itertools.combinations(lines, 2):
            if np.array_equal(one.get_xydata(), two.get_xydata()):
                names = f"{one.get_label()!r} and {two.get_label()!r}"
                faults.append(f"lines {names} of plot {number} are equal")
    return faults


def save_figures(block, block_vars, gallery_conf):
    """Check the open figures, and save them as sphinx-gallery does by default."""
    for number in plt.get_fignums():
        if faults := equal_parts(plt.figure(number)):
            place = f"{block_vars['src_file']}, line {block[2]}"
            raise ExtensionError(f"{place}: {'; '.join(faults)}")
    return matplotlib_scraper(block, block_vars, gallery_conf)
