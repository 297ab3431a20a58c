"""Run classifiers on tasks of OpenML, score the folds, and publish the runs."""

from sklearn_pare.openml._cc18 import CC18
from sklearn_pare.openml._publish import publish
from sklearn_pare.openml._run import run_task
from sklearn_pare.openml._scores import fold_scores

__all__ = ["CC18", "fold_scores", "publish", "run_task"]
