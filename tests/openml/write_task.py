"""Tasks in the cache of openml, written from arrays, for tests without a network."""

from xml.sax.saxutils import escape

import numpy as np
from sklearn.model_selection import LeaveOneOut, ShuffleSplit, StratifiedKFold
from sklearn.utils import check_consistent_length

from sklearn_pare._utils.openml_cache import folder

_SPACE = 'xmlns:oml="http://openml.org/openml"'

# Procedure -> numbers of repeats and folds that OpenML states, None for those given.
_STATED = {
    "crossvalidation": (None, None),
    "holdout": (1, 1),
    "leaveoneout": (1, ""),
    "testontrainingdata": ("", ""),
}


def write_task(
    task_id,
    X,
    y,
    *,
    dataset_id,
    name="made",
    target="class",
    n_folds=10,
    n_repeats=1,
    procedure="crossvalidation",
):
    """Write data and stratified folds into openml's cache, as one of its tasks.

    The files are those that openml keeps for a task of its server.

    Parameters
    ----------
    task_id : int
    X : DataFrame or array of shape (n, F)
        Numbers; columns of text, categories and booleans become nominal. Columns of an
        array are named V1, V2 and so on. NaN and None are missing values.
    y : array-like of shape (n,)
        Classes.
    dataset_id : int
    name : str, default="made"
        Name of the data set.
    target : str, default="class"
        Name of the column of classes.
    n_folds, n_repeats : int, default=10, 1
        For cross-validation only.
    procedure : str, default="crossvalidation"
        "crossvalidation", "holdout", "leaveoneout" or "testontrainingdata".

    Returns
    -------
    folders : tuple of Path
        Folders of the task and of the data set.
    """
    import arff
    import pandas as pd

    frame = pd.DataFrame(X).copy()
    if hasattr(X, "columns"):
        frame.columns = frame.columns.map(str)
    else:
        frame.columns = [f"V{i + 1}" for i in range(frame.shape[1])]
    check_consistent_length(frame, y)
    folders = folder("tasks", task_id), folder("datasets", dataset_id)
    frame[target] = pd.Series(y, index=frame.index).astype("category")
    columns = {label: _column(frame[label]) for label in frame}
    rows = [list(row) for row in zip(*(v for _, v in columns.values()), strict=True)]
    attributes = [(label, kind) for label, (kind, _) in columns.items()]
    texts = {
        "description.xml": _description(dataset_id, name, target),
        "features.xml": _features(attributes, columns, target),
        "qualities.xml": _qualities(frame, target),
        "dataset.arff": arff.dumps(
            {"relation": name, "attributes": attributes, "data": rows}
        ),
    }
    _write(folders[1], texts)
    counts = zip(_STATED[procedure], (n_repeats, n_folds), strict=True)
    counts = [given if stated is None else stated for stated, given in counts]
    texts = {
        "task.xml": _task(task_id, dataset_id, target, procedure, *counts),
        "datasplits.arff": _splits(frame[target], procedure, n_repeats, n_folds),
    }
    _write(folders[0], texts)
    return folders


def _write(path, texts):
    path.mkdir(parents=True)
    for file, text in texts.items():
        (path / file).write_text(text, encoding="utf-8")


def _column(values):
    """Return type and values of a column in the form of liac-arff."""
    missing = values.isna()
    if values.dtype.kind in "fiu":
        numbers = values.astype(float).tolist()
        return "REAL", [
            None if gap else number
            for number, gap in zip(numbers, missing, strict=True)
        ]
    categories = values.astype("category").cat.categories
    texts = [
        None if gap else str(value) for value, gap in zip(values, missing, strict=True)
    ]
    return [str(category) for category in categories], texts


def _description(dataset_id, name, target):
    return (
        f"<oml:data_set_description {_SPACE}><oml:id>{dataset_id}</oml:id>"
        f"<oml:name>{escape(name)}</oml:name><oml:version>1</oml:version>"
        "<oml:description>Written by the tests of sklearn-pare</oml:description>"
        "<oml:format>ARFF</oml:format>"
        f"<oml:url>{_url(f'data/{dataset_id}/dataset.arff')}</oml:url>"
        f"<oml:file_id>{dataset_id}</oml:file_id>"
        f"<oml:default_target_attribute>{escape(target)}"
        "</oml:default_target_attribute><oml:status>active</oml:status>"
        "</oml:data_set_description>"
    )


def _url(path):
    import openml

    return f"{openml.config.get_server_base_url()}/{path}"


def _features(attributes, columns, target):
    features = []
    for index, (label, kind) in enumerate(attributes):
        nominal = isinstance(kind, list)
        gaps = sum(value is None for value in columns[label][1])
        features.append(
            f"<oml:feature><oml:index>{index}</oml:index>"
            f"<oml:name>{escape(label)}</oml:name>"
            f"<oml:data_type>{'nominal' if nominal else 'numeric'}</oml:data_type>"
            + "".join(
                f"<oml:nominal_value>{escape(value)}</oml:nominal_value>"
                for value in (kind if nominal else ())
            )
            + f"<oml:is_target>{str(label == target).lower()}</oml:is_target>"
            "<oml:is_ignore>false</oml:is_ignore>"
            "<oml:is_row_identifier>false</oml:is_row_identifier>"
            f"<oml:NumberOfMissingValues>{gaps}</oml:NumberOfMissingValues>"
            "</oml:feature>"
        )
    return f"<oml:data_features {_SPACE}>{''.join(features)}</oml:data_features>"


def _qualities(frame, target):
    counts = {
        "NumberOfInstances": len(frame),
        "NumberOfFeatures": frame.shape[1],
        "NumberOfClasses": frame[target].nunique(),
        "NumberOfMissingValues": int(frame.isna().sum().sum()),
    }
    qualities = "".join(
        f"<oml:quality><oml:name>{name}</oml:name><oml:value>{count}</oml:value>"
        "</oml:quality>"
        for name, count in counts.items()
    )
    return f"<oml:data_qualities {_SPACE}>{qualities}</oml:data_qualities>"


def _task(task_id, dataset_id, target, procedure, n_repeats, n_folds):
    splits = _url(f"api_splits/get/{task_id}/Task_{task_id}_splits.arff")
    return (
        f"<oml:task {_SPACE}><oml:task_id>{task_id}</oml:task_id>"
        "<oml:task_type_id>1</oml:task_type_id>"
        "<oml:task_type>Supervised Classification</oml:task_type>"
        '<oml:input name="source_data"><oml:data_set>'
        f"<oml:data_set_id>{dataset_id}</oml:data_set_id>"
        f"<oml:target_feature>{escape(target)}</oml:target_feature>"
        '</oml:data_set></oml:input><oml:input name="estimation_procedure">'
        f"<oml:estimation_procedure><oml:type>{procedure}</oml:type>"
        f"<oml:data_splits_url>{splits}</oml:data_splits_url>"
        f'<oml:parameter name="number_repeats">{n_repeats}</oml:parameter>'
        f'<oml:parameter name="number_folds">{n_folds}</oml:parameter>'
        '<oml:parameter name="stratified_sampling">true</oml:parameter>'
        "</oml:estimation_procedure></oml:input></oml:task>"
    )


def _splits(y, procedure, n_repeats, n_folds):
    import arff

    rows = [
        [kind, int(row), repeat, fold]
        for repeat in range(n_repeats)
        for fold, parts in enumerate(_folds(y, procedure, repeat, n_folds))
        for kind, part in zip(("TRAIN", "TEST"), parts, strict=True)
        for row in part
    ]
    attributes = [("type", ["TRAIN", "TEST"])] + [
        (name, "INTEGER") for name in ("rowid", "repeat", "fold")
    ]
    return arff.dumps({"relation": "splits", "attributes": attributes, "data": rows})


def _folds(y, procedure, seed, n_folds):
    if procedure == "testontrainingdata":
        return [(np.arange(len(y)), np.arange(len(y)))]
    splitter = {
        "crossvalidation": StratifiedKFold(n_folds, shuffle=True, random_state=seed),
        "holdout": ShuffleSplit(1, test_size=0.33, random_state=seed),
        "leaveoneout": LeaveOneOut(),
    }[procedure]
    return splitter.split(np.zeros(len(y)), y)
