"""Check of the folds of a task, which openml reads without one."""

from itertools import chain

import numpy as np

from sklearn_pare._utils.openml_cache import folder
from sklearn_pare.exceptions import TaskError

# Procedures by which a repeat tests each sample once.
_TEST_ALL = {"crossvalidation", "leaveoneout", "testontrainingdata"}
# Procedures by which each fold divides all samples into training and test samples.
_DIVIDE_ALL = {"crossvalidation", "leaveoneout", "holdout"}


def check_splits(task, n_samples=None):
    """Raise a TaskError if samples or folds are missing, or are there twice.

    Parameters
    ----------
    task : openml.tasks.OpenMLSupervisedTask
        Its folds are loaded.
    n_samples : int or None
        None for as many as the folds name.
    """
    if n_samples is None:
        folds = [f for repeat in task.split.split.values() for f in repeat.values()]
        named = [rows for parts in folds for rows in chain(*parts.values())]
        n_samples = int(np.concatenate(named).max()) + 1
    problem = next(_problems(task, n_samples), None)
    if problem is not None:
        raise TaskError(
            f"The folds of task {task.task_id} are damaged: {problem}. Remove the "
            f"folder {folder('tasks', task.task_id)} to fetch them anew."
        )


def _problems(task, n_samples):
    repeats = task.split.split
    stated = task.estimation_procedure["parameters"]
    numbers = {"repeat": set(repeats), "fold": set().union(*repeats.values())}
    for name, found in numbers.items():
        expected = int(stated.get(f"number_{name}s") or len(found))
        wrong = found ^ set(range(expected))
        if wrong:
            state = "unexpected" if wrong <= found else "missing"
            yield f"{name} {min(wrong)} is {state}, expected are 0 to {expected - 1}"
    for repeat, folds in repeats.items():
        tested = np.zeros(n_samples, dtype=int)
        for fold, parts in folds.items():
            for train, test in parts.values():
                place = f"fold {fold} of repeat {repeat}"
                yield from _problems_of_fold(task, place, train, test, n_samples)
                tested += np.bincount(test, minlength=n_samples)
        if task.estimation_procedure["type"] in _TEST_ALL:
            yield from _not_once(tested, "tested", f"repeat {repeat}")


def _problems_of_fold(task, place, train, test, n_samples):
    if not len(train) or not len(test):
        yield f"{place} has {len(train)} training and {len(test)} test samples"
    rows = np.concatenate([train, test])
    outside = rows[(rows < 0) | (rows >= n_samples)]
    if len(outside):
        yield (
            f"{place} names sample {outside[0]}, but data set {task.dataset_id} has "
            f"samples 0 to {n_samples - 1} (if it should have more, remove "
            f"{folder('datasets', task.dataset_id)} too)"
        )
    if task.estimation_procedure["type"] in _DIVIDE_ALL:
        yield from _not_once(np.bincount(rows, minlength=n_samples), "there", place)
    elif np.bincount(test).max() > 1:
        yield f"{place} tests sample {np.bincount(test).argmax()} twice"


def _not_once(counts, state, place):
    for row in np.flatnonzero(counts != 1):
        times = f"{counts[row]} times instead of once"
        yield f"sample {row} is {state} {times} in {place}"
