"""
Methods on twenty-two small tasks
=================================

This example plots the mean ranks of four methods that were trained for the same time:
PaRe ("pare"), fine-tuning without mixing ("nft"), the same with smoothed labels
("nft-smoothing"), and training from random weights ("scratch"). The ranks are computed
from recorded fits, as in the tables of :doc:`/comparison`. Rank 1 is the best. A bar
connects methods whose mean ranks do not differ significantly (Nemenyi test at the level
of 0.05).
"""

# %%
# The recorded fits are stored in the repository, so this example needs a clone of it.

from pathlib import Path

import matplotlib.pyplot as plt

import studies
from sklearn_pare.benchmarks import lines, ranks, tables
from studies import compare

methods = ("pare", "nft", "nft-smoothing", "scratch")
results = Path(studies.__file__).parent / "results"
fits = [
    fit
    for fit in lines.read(results / "compare.jsonl")
    if fit["method"] in methods
    and fit["budget"] == ("epochs" if fit["method"] == "pare" else "time")
]
fits.sort(key=lambda fit: methods.index(fit["method"]))

# %%
# The first diagram ranks the methods by their error on all tasks. The second diagram
# ranks them by the negative log-likelihood, on the tasks whose targets are classes,
# label sets or masks.

fig, axes = plt.subplots(2, 1, figsize=(8, 6), layout="constrained")
titles = {"error": "error", "nll": "negative log-likelihood"}
for ax, (figure, title) in zip(axes, titles.items(), strict=True):
    tasks, methods, values = tables.means(fits, figure)
    ranks.plot_critical_difference(methods, values, ax)
    ax.set_title(f"{title}, {len(tasks)} tasks")
plt.show()

# %%
# The following code prints tables of these fits.

print(compare.table(fits))
