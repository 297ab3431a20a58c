"""
Running an OpenML task offline
==============================

An OpenML task is a data set with a target and fixed folds, so that the results of
different people can be compared. :func:`sklearn_pare.openml.run_task` reads the task
from the cache of the package openml. In this example the cache is a temporary folder,
and the data are those of scikit-learn. Nothing is downloaded and nothing is uploaded.
"""

# %%
# The breast cancer data have the number 1510 on OpenML. The task on these data has the
# number 9946. It is one of the 72 tasks of the suite OpenML-CC18. The function
# ``write_task``, a helper from the tests in the repository, writes a task to the cache
# in the format of openml. The folds are random and not those of OpenML.

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
from sklearn_pare.openml import CC18, fold_scores, run_task
from tests.openml.write_task import write_task

cache_before = openml.config._root_cache_directory
cache = tempfile.TemporaryDirectory()
openml.config.set_root_cache_directory(cache.name)

X, y = load_breast_cancer(return_X_y=True)
y = np.where(y == 1, "1", "2")  # as on OpenML: 2 is malignant
write_task(9946, X, y, dataset_id=1510, name="wdbc", target="Class")
print(f"task 9946 is in CC18: {9946 in CC18}")
print(f"{X.shape[0]} samples, {X.shape[1]} features")

# %%
# The fits have one epoch, to keep this example short. The default for these data is 22
# epochs. On these data, the predictions of :class:`~sklearn_pare.PaReClassifier` come
# mostly from its linear path, which is a logistic regression. The estimator is
# therefore compared with the logistic regression of scikit-learn.

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
# The following table shows the AUROC of each fold.

table = pd.concat({name: each.set_index("fold") for name, each in scores.items()})
print(table["auroc"].unstack(0)[list(models)].round(4))

# %%
# The figure shows the scores of all folds. The function
# :func:`sklearn_pare.openml.publish` would upload a run. It requires an OpenML key. Do
# not upload the runs of this example, because their folds are not the official ones.

fig, axes = plt.subplots(1, 2, figsize=(9, 2.6), sharey=True, layout="constrained")
for axis, measure in zip(axes, ("auroc", "accuracy"), strict=True):
    for place, each in enumerate(scores.values()):
        axis.plot(
            each[measure], np.full(len(each), place), "o", alpha=0.5, color=f"C{place}"
        )
        axis.plot(each[measure].mean(), place, "|", markersize=26, color=f"C{place}")
    axis.set(title={"auroc": "AUROC"}.get(measure, measure), xlim=(None, 1.005))
    axis.grid(axis="x", alpha=0.3)
    axis.margins(y=0.4)
axes[0].set_yticks(range(len(scores)), list(scores))
axes[0].invert_yaxis()
fig.suptitle("Ten folds and their mean (bar)")

openml.config.set_root_cache_directory(cache_before)
cache.cleanup()
plt.show()
