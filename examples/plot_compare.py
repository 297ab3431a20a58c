"""
Methods on twenty-two small tasks
=================================

Mean ranks of PaRe, naive fine-tuning, training from scratch and two controls, from the
recorded fits behind the page "Comparison". Methods on a common bar are not told apart
by the test of Nemenyi at 0.05; rank 1 is the best.
"""

# %%
# The recorded fits are in the repository; the command that made them is
# ``python -m sklearn_pare.benchmarks compare --out docs/results/compare.jsonl``.

from pathlib import Path

import matplotlib.pyplot as plt

from sklearn_pare.benchmarks import lines, ranks
from studies import compare

root = Path.cwd() if Path("docs").is_dir() else Path.cwd().parent
rows = [
    row
    for row in lines.read(root / "docs" / "results" / "compare.jsonl")
    if row["method"] in compare.MAIN and row["budget"] == "epochs"
]
rows.sort(key=lambda row: compare.MAIN.index(row["method"]))

# %%
# By error, over all tasks, and by negative log-likelihood, over those with classes.

fig, axes = plt.subplots(2, 1, figsize=(8, 6), layout="constrained")
titles = {"error": "error", "nll": "negative log-likelihood"}
for ax, (figure, title) in zip(axes, titles.items(), strict=True):
    tasks, methods, values = compare.means(rows, figure)
    ranks.plot_critical_difference(methods, values, ax)
    ax.set_title(f"{title}, {len(tasks)} tasks")
plt.show()

# %%
# The table itself.

print(compare.table(rows))
