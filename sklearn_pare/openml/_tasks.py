"""Loading of OpenML tasks with their data, from openml's cache or its server."""

import warnings
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from sklearn_pare._utils import redact
from sklearn_pare.exceptions import TaskError


def folder(kind, number):
    """Return the folder in openml's cache for one of the "tasks" or "datasets"."""
    import openml

    return Path(openml.config.get_cache_directory(), kind, str(number))


def load_task(task_id):
    """Load a classification task with X, a DataFrame (n, F), and its labels (n,).

    The labels are texts, spelled as in ``task.class_labels``. Raises TaskError if there
    is no such task, it is not a classification, or it holds an unknown label.
    """
    import openml

    kind = openml.tasks.TaskType.SUPERVISED_CLASSIFICATION
    problem = None
    try:
        dataset_id = _data_of(task_id)
        if dataset_id is not None:
            # Raises if it is missing, before openml does and deletes the task.
            openml.datasets.get_dataset(dataset_id, download_features_meta_data=True)
        with warnings.catch_warnings():
            # openml does not close the file of the folds.
            warnings.filterwarnings("ignore", "unclosed file", ResourceWarning)
            task = openml.tasks.get_task(task_id, download_splits=True)
        if task.task_type_id == kind:
            frame, target = _read(task)
    # Errors of openml, requests, urllib3 and openml's parsers.
    except Exception as error:
        problem = f"{type(error).__name__}: {redact(error)}"
    # Raised outside the except block: the error there may contain the key.
    if problem is not None:
        raise TaskError(
            f"Task {task_id} could not be loaded ({problem}). openml looks in its "
            f"cache {openml.config.get_cache_directory()}{_lacking(task_id)}, then on "
            "its server. With a network, openml.tasks.get_task("
            f"{task_id}, download_splits=True).get_dataset().get_data() fills the "
            "cache. The environment variable OPENML_CACHE_DIR selects another cache."
        )
    if task.task_type_id != kind:
        raise TaskError(
            f"Task {task_id} is of type {task.task_type!r}. Expected 'Supervised "
            "Classification'; openml.runs.run_model_on_task runs others."
        )
    return task, frame, _labels(target, task)


def _data_of(task_id):
    """Return the ID of the data set of a task in the cache, or None."""
    file = folder("tasks", task_id) / "task.xml"
    if not file.exists():
        return None
    tag = "{http://openml.org/openml}data_set_id"
    return int(next(ElementTree.parse(file).iter(tag)).text)


def _lacking(task_id):
    """Return a text that names the known files of a task missing in the cache."""
    files = [folder("tasks", task_id) / f for f in ("task.xml", "datasplits.arff")]
    dataset_id = _data_of(task_id)
    if dataset_id is not None:
        path = folder("datasets", dataset_id)
        files += [path / "description.xml", path / "features.xml"]
        arff, parquet = path / "dataset.arff", path / f"dataset_{dataset_id}.pq"
        files += [] if parquet.exists() else [arff]
    lacking = ["/".join(f.parts[-3:]) for f in files if not f.exists()]
    return f", where {', '.join(lacking)} is missing" if lacking else ""


def _read(task):
    dataset = task.get_dataset()
    path = folder("datasets", dataset.dataset_id)
    arff, parquet = path / "dataset.arff", path / f"dataset_{dataset.dataset_id}.pq"
    # Otherwise openml tries for a minute to fetch the Parquet form of the file.
    if arff.exists() and not parquet.exists():
        dataset.data_file = str(arff)
    frame, target, _, _ = dataset.get_data(target=task.target_name)
    return frame, target


def _labels(target, task):
    """Return the values of the target as text, spelled as in the task."""
    spelling = {label: label for label in task.class_labels}
    # openml reads the classes true and false, in upper or lower case, as booleans.
    spelling |= {
        str(label.lower() == "true"): label
        for label in task.class_labels
        if label.lower() in ("true", "false")
    }
    values = [str(value) for value in target]
    unknown = sorted(set(values) - spelling.keys())
    if unknown:
        raise TaskError(
            f"The target {task.target_name!r} of task {task.task_id} holds "
            f"{unknown[0]!r}, which is none of its classes {task.class_labels}. "
            f"Remove {folder('datasets', task.dataset_id)} to fetch the data anew."
        )
    return np.array([spelling[value] for value in values])
