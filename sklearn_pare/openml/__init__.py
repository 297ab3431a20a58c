"""Runs on tasks of OpenML: its folds, its scores, its server."""

from sklearn_pare.openml._publish import publish
from sklearn_pare.openml._run import run_task
from sklearn_pare.openml._scores import fold_scores
from sklearn_pare.openml._suite import CC18
from tests.openml.write_task import write_task

__all__ = ["CC18", "fold_scores", "publish", "run_task", "write_task"]
