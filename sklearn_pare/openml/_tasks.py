"""Loading of OpenML tasks with their data."""

import numpy as np

from sklearn_pare._utils.openml_cache import Reader, folder
from sklearn_pare.exceptions import TaskError
from sklearn_pare.openml._splits import check_splits


def load_task(task_id):
    """Load a classification task with X, a DataFrame (n, F), and its labels (n,).

    The labels are texts, spelled as in ``task.class_labels``. Raises TaskError if there
    is no such task, it is not a classification, its folds are incomplete, or it holds
    an unknown label.
    """
    import openml

    task = get_task(task_id)
    if task.task_type_id != openml.tasks.TaskType.SUPERVISED_CLASSIFICATION:
        raise TaskError(
            f"Task {task_id} is of type {task.task_type!r}. Expected 'Supervised "
            "Classification'; openml.runs.run_model_on_task runs others."
        )
    if task.class_labels is None:
        raise TaskError(
            f"The target {task.target_name!r} of task {task_id} has no classes. Remove "
            f"{folder('datasets', task.dataset_id)} to fetch the data anew."
        )
    reader = _reader(task_id)
    frame, target = reader.frame(reader.dataset(task.dataset_id), task.target_name)
    check_splits(task, len(frame))
    return task, frame, _labels(target, task)


def get_task(task_id):
    """Load a task of any type, with its folds if it has a target."""
    import openml

    reader, path = _reader(task_id), folder("tasks", task_id)
    file = path / "task.xml"
    root = reader.parse(file, "task")
    if root is not None:
        # Raises if a file is missing, before openml does and deletes the task.
        number = reader(file, lambda: int(root.find(".//{*}data_set_id").text))
        reader.features(reader.dataset(number))
    task = reader(file, openml.tasks.get_task, task_id)
    if hasattr(task, "target_name"):
        reader(path / "datasplits.arff", task.get_split_dimensions)
    return task


def _reader(task_id):
    code = f"openml.tasks.get_task({task_id}, download_splits=True)"
    return Reader(f"Task {task_id}", TaskError, f"{code}.get_dataset().get_data()")


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
