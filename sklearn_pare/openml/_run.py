"""Cross-validation on the folds of an OpenML task, as a run of openml."""

import json
import time
from itertools import product

import numpy as np
from sklearn.base import clone
from sklearn.metrics import accuracy_score
from sklearn.pipeline import Pipeline

from sklearn_pare.openml._flow import make_flow
from sklearn_pare.openml._tasks import load_task


def run_task(estimator, task_id):
    """Cross-validate a classifier on the official folds of a task of OpenML.

    The task is read from the cache of openml, or else fetched from its server; with the
    task in the cache, no network is needed. Nothing is uploaded.

    Parameters
    ----------
    estimator : classifier
        :class:`~sklearn_pare.PaReClassifier` or any classifier of scikit-learn, also in
        a pipeline or a search. It is cloned. Each ``random_state`` that is None becomes
        an int, which the run records.
    task_id : int
        ID of the task, for instance one of ``CC18``; not the ID of its data set.

    Returns
    -------
    run : openml.runs.OpenMLRun
        Predictions and times of all folds, and the trace of a search. Pass it to
        `fold_scores` for its scores or to `publish` for the upload.

    Raises
    ------
    TaskError
        If the task cannot be loaded, is not a classification, or its folds are not
        whole: each sample has to be tested once per repeat, except in hold-out tasks.
    FlowError
        If a parameter of the estimator cannot be described to OpenML, or the estimator
        exceeds a limit of OpenML; see `publish`.

    See Also
    --------
    fold_scores : AUROC and accuracy of each fold.
    publish : Upload the run.

    Notes
    -----
    ``openml.runs.run_model_on_task(estimator, task)`` works as well, with three
    differences. openml 0.15 fails on targets with the classes true and false. It writes
    confidences into the columns of other classes if the classes of the task are not
    sorted. It does not record the versions of torch, timm and skorch in the flow.

    A column that has no value in the training part of a fold is dropped in that fold.

    Examples
    --------
    >>> from sklearn_pare import PaReClassifier
    >>> from sklearn_pare.openml import fold_scores, run_task
    >>> run = run_task(PaReClassifier(), 9946)  # doctest: +SKIP
    >>> fold_scores(run)["auroc"].mean()  # doctest: +SKIP
    """
    import openml

    task, X, y = load_task(task_id)
    flow = make_flow(estimator)
    lines, trace, measures = [], [], {}
    repeats, folds, _ = task.get_split_dimensions()
    for repeat, fold in product(range(repeats), range(folds)):
        train, test = task.get_train_test_split_indices(repeat=repeat, fold=fold)
        model = clone(flow.model)
        predicted, confidences, figures = _fit_and_predict(
            model, X.iloc[train], y[train], X.iloc[test], task.class_labels
        )
        lines += _lines(task, repeat, fold, test, y[test], predicted, confidences)
        trace += _trace(model, repeat, fold)
        figures["predictive_accuracy"] = accuracy_score(y[test], predicted)
        for name, value in figures.items():
            measures.setdefault(name, {}).setdefault(repeat, {})[fold] = float(value)
    versions = flow.extension.get_version_information()
    run = openml.runs.OpenMLRun(
        task_id=task.task_id,
        flow_id=None,
        dataset_id=task.dataset_id,
        model=flow.model,
        flow=flow,
        flow_name=flow.name,
        setup_string=flow.extension.create_setup_string(flow.model),
        tags=["openml-python", versions[1]],
        data_content=lines,
        fold_evaluations=measures,
        trace=_as_trace(trace),
        description_text="\n".join(
            [*flow.external_version.split(","), "Created by sklearn_pare.openml"]
        ),
    )
    openml.config.logger.info("Ran task %s by %s.", task_id, flow.name)
    return run


def _fit_and_predict(model, X_train, y_train, X_test, labels):
    """Return predictions, confidences by label, and times; the model is then fitted."""
    some = X_train.notna().any().to_numpy()
    start = time.perf_counter(), time.process_time()
    model.fit(X_train.loc[:, some], y_train)
    fitted = time.perf_counter(), time.process_time()
    predicted = model.predict(X_test.loc[:, some])
    confidences = np.zeros((len(X_test), len(labels)))
    # Labels may be unsorted, and some may be missing in this fold.
    column_of = {label: column for column, label in enumerate(labels)}
    if hasattr(model, "predict_proba"):
        last = model[-1] if isinstance(model, Pipeline) else model
        columns = [column_of[label] for label in last.classes_]
        confidences[:, columns] = model.predict_proba(X_test.loc[:, some])
    else:
        columns = [column_of[label] for label in predicted]
        confidences[np.arange(len(X_test)), columns] = 1.0
    end = time.perf_counter(), time.process_time()
    times = {}
    for clock, name in enumerate(("wall_clock_time_millis", "usercpu_time_millis")):
        times[f"{name}_training"] = 1000 * (fitted[clock] - start[clock])
        times[f"{name}_testing"] = 1000 * (end[clock] - fitted[clock])
        times[name] = 1000 * (end[clock] - start[clock])
    return predicted, confidences, times


def _lines(task, repeat, fold, rows, truth, predicted, confidences):
    """Return the lines of OpenML's file of predictions for one fold."""
    from openml.runs.functions import format_prediction

    return [
        format_prediction(
            task=task,
            repeat=repeat,
            fold=fold,
            index=int(row),
            prediction=str(guess),
            truth=str(label),
            proba=dict(zip(task.class_labels, probabilities.tolist(), strict=True)),
        )
        for row, guess, label, probabilities in zip(
            rows, predicted, truth, confidences, strict=True
        )
    ]


def _trace(model, repeat, fold):
    """Return one dict per candidate of a search; none for other estimators."""
    if not hasattr(model, "cv_results_"):
        return []
    found = model.cv_results_
    return [
        {
            "repeat": repeat,
            "fold": fold,
            "iteration": iteration,
            "evaluation": float(found["mean_test_score"][iteration]),
            "selected": "true" if iteration == model.best_index_ else "false",
        }
        | {
            name.replace("param_", "parameter_", 1): _as_json(values[iteration])
            for name, values in found.items()
            if name.startswith("param_")
        }
        for iteration in range(len(found["params"]))
    ]


def _as_json(value):
    """Return the value of a parameter as text, or None if a candidate lacks it."""
    if value is np.ma.masked:
        return None
    return json.dumps(value.tolist() if isinstance(value, np.generic) else value)


def _as_trace(trace):
    import openml

    if not trace:
        return None
    kinds = {name: "STRING" if "parameter_" in name else "NUMERIC" for name in trace[0]}
    kinds["selected"] = ["true", "false"]
    content = [list(candidate.values()) for candidate in trace]
    return openml.runs.OpenMLRunTrace.generate([*kinds.items()], content)
