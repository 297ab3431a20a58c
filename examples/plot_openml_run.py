"""
A run on a task of OpenML, offline
==================================

A task of OpenML is a data set with a target and fixed folds, so that figures can be
compared. `sklearn_pare.openml.run_task` runs it from the cache of openml. Here the
cache is a temporary folder, filled from scikit-learn's copy of the data: nothing is
downloaded, and nothing uploaded.
"""

# %%
# The breast cancer data are data set 1510 of OpenML, and its task 9946 is one of the 72
# of the suite OpenML-CC18. `sklearn_pare.openml.write_task` writes a task into the
# cache, in the same files. Its folds are of our making, not those of OpenML.

import tempfile
import time

import matplotlib.pyplot as plt
import numpy as np
import openml
import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_pare import PaReClassifier
from sklearn_pare.openml import CC18, fold_scores, run_task, write_task

cache_before = openml.config._root_cache_directory
cache = tempfile.TemporaryDirectory()
openml.config.set_root_cache_directory(cache.name)

X, y = load_breast_cancer(return_X_y=True)
y = np.where(y == 1, "1", "2")  # as on OpenML: 2 is malignant
write_task(9946, X, y, dataset_id=1510, name="wdbc", target="Class")
print(f"task 9946 is in CC18: {9946 in CC18}; {X.shape[0]} rows, {X.shape[1]} columns")

# %%
# One epoch keeps this example short; the default would be 19. What `PaReClassifier`
# says on these data is for the most part its linear path, a logistic regression, so
# that it stands here beside scikit-learn's.

models = {
    "PaReClassifier": PaReClassifier(max_epochs=1, random_state=0),
    "LogisticRegression": make_pipeline(StandardScaler(), LogisticRegression()),
}
scores = {}
for name, model in models.items():
    start = time.perf_counter()
    scores[name] = fold_scores(run_task(model, 9946))
    seconds = time.perf_counter() - start
    mean = scores[name][["auroc", "accuracy"]].mean()
    print(
        f"{name:<20} AUROC {mean['auroc']:.4f}  accuracy {mean['accuracy']:.4f}  "
        f"{seconds:.1f} s"
    )

# %%
# Each fold for itself:

table = pd.concat({name: each.set_index("fold") for name, each in scores.items()})
print(table["auroc"].unstack(0)[list(models)].round(4))

# %%
# `sklearn_pare.openml.publish` uploads a run, with a key of OpenML. This one must not
# be uploaded, since its folds are not the official ones.

fig, axes = plt.subplots(1, 2, figsize=(9, 2.6), sharey=True, layout="constrained")
for axis, measure in zip(axes, ("auroc", "accuracy"), strict=True):
    for row, each in enumerate(scores.values()):
        axis.plot(
            each[measure], np.full(len(each), row), "o", alpha=0.5, color=f"C{row}"
        )
        axis.plot(each[measure].mean(), row, "|", markersize=26, color=f"C{row}")
    axis.set(title={"auroc": "AUROC"}.get(measure, measure), xlim=(None, 1.005))
    axis.grid(axis="x", alpha=0.3)
    axis.margins(y=0.4)
axes[0].set_yticks(range(len(scores)), list(scores))
axes[0].invert_yaxis()
fig.suptitle("Ten folds; the bar is their mean")

openml.config.set_root_cache_directory(cache_before)
cache.cleanup()
plt.show()
