"""Upload of runs to OpenML: never twice, and without showing the key."""

import os
import warnings
from contextlib import contextmanager

import numpy as np

from sklearn_pare._utils import redact
from sklearn_pare.exceptions import PaReError, PublishError, RunExistsError
from sklearn_pare.openml._flow import check, complete
from sklearn_pare.openml._scores import column_order

_KEY = "OPENML_APIKEY"

# Attribute of a run from the start of its upload until the server has answered.
_UNANSWERED = "_sklearn_pare_unanswered"


def publish(run):
    """Upload a run and its flow to the configured OpenML server.

    The API key is read from openml's configuration or from the environment variable
    OPENML_APIKEY, and is sent to that server only.

    Parameters
    ----------
    run : openml.runs.OpenMLRun
        A run of `run_task` or of ``openml.runs.run_model_on_task``.

    Returns
    -------
    run : openml.runs.OpenMLRun
        The same object, with its ``run_id`` set; ``run.openml_url`` is its page.

    Raises
    ------
    RunExistsError
        If the server has this run, or another run with the same parameters on the same
        task. Nothing is uploaded in this case.
    FlowError
        If OpenML would refuse the flow, for instance for a docstring that is not ASCII.
    PublishError
        If there is no key, the server refused the upload, or it did not answer. If it
        did not answer, call ``publish(run)`` again: it continues where the first call
        stopped, and recognises a run that arrived although the answer was lost.

    See Also
    --------
    run_task : Make a run.

    Notes
    -----
    The upload contains the class names, docstrings, parameters and versions of the
    estimator, and the predictions and times of all folds. It contains neither the data
    nor the fitted weights.

    openml 0.15 may write the confidences of ``openml.runs.run_model_on_task`` into the
    columns of other classes. Such a run is corrected before the upload, with a warning.

    openml waits for an answer without a time limit. After an interruption by Ctrl-C,
    ``publish(run)`` can be called again as well.

    Examples
    --------
    >>> from sklearn_pare import PaReClassifier
    >>> from sklearn_pare.openml import publish, run_task
    >>> run = run_task(PaReClassifier(), 9946)  # doctest: +SKIP
    >>> publish(run).openml_url  # doctest: +SKIP
    """
    import openml

    if run.run_id is not None:
        raise RunExistsError(
            f"This run was published as {run.openml_url}. Nothing was uploaded.",
            [run.run_id],
        )
    if run.model is None:
        raise PublishError(
            "This run holds no estimator, so its parameters are unknown. Make it with "
            "run_task, or load it with expect_model=True."
        )
    problem, step = None, "asking for the flow"
    with _settings(apikey=_key()):
        try:
            flow = _flow(run)
            _reorder(run)
            step = "uploading the flow"
            # A retry by openml would upload again what has already arrived.
            with _settings(connection_n_retries=1):
                flow.publish()
            run.flow, run.flow_id, flow.model = flow, flow.flow_id, run.model
            step = "looking for equal runs"
            if not _has_arrived(run, flow):
                step = "uploading the run"
                setattr(run, _UNANSWERED, True)
                with _settings(connection_n_retries=1):
                    run.publish()
            delattr(run, _UNANSWERED)
        except PaReError:
            raise
        # Errors of openml, requests, urllib3 and openml's parsers.
        except Exception as error:
            raised = openml.exceptions
            refusals = raised.OpenMLServerException, raised.OpenMLNotAuthorizedError
            refused = isinstance(error, refusals)
            if refused and step == "uploading the run":
                delattr(run, _UNANSWERED)
            problem = _explain(error, step, refused)
    # Raised outside the except block: the error there may contain the key.
    if problem is not None:
        raise PublishError(problem)
    return run


def _key():
    import openml

    key = openml.config.apikey or os.environ.get(_KEY, "")
    if not key:
        raise PublishError(
            f"There is no key for {openml.config.server}. Find yours on your page of "
            "openml.org, under API key. Put it into openml's configuration once, with "
            'openml.config.set_field_in_config_file("apikey", ...), or into the '
            f"environment variable {_KEY}."
        )
    return key


@contextmanager
def _settings(**values):
    """Change settings of openml temporarily."""
    import openml

    before = {name: getattr(openml.config, name) for name in values}
    try:
        for name, value in values.items():
            setattr(openml.config, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(openml.config, name, value)


def _flow(run):
    """Return the flow of a run, completed and checked."""
    import openml

    if run.flow is None:
        return openml.flows.get_flow(run.flow_id)
    if run.flow.flow_id is None:
        complete(run.flow)
        check(run.flow)
    return run.flow


def _has_arrived(run, flow):
    """Return True if an earlier upload of the run arrived; raise for equal runs."""
    import openml

    setup = openml.setups.setup_exists(flow)
    ids = openml.runs.run_exists(run.task_id, setup) if setup else ()
    if not ids:
        return False
    if hasattr(run, _UNANSWERED):
        run.run_id = int(max(ids))
        return True
    pages = [openml.runs.OpenMLRun.url_for_id(number) for number in sorted(ids)]
    raise RunExistsError(
        f"{openml.config.server} has runs of the same parameters on task "
        f"{run.task_id}: {', '.join(pages)}. Nothing was uploaded. A run with another "
        "random_state can be published.",
        [int(number) for number in ids],
    )


def _reorder(run):
    """Move the confidences of a classification into the columns of their classes."""
    import openml

    task = openml.tasks.get_task(run.task_id)
    labels = getattr(task, "class_labels", None)
    if labels is None:
        return
    first = len(run.data_content[0]) - len(labels)
    folds = {}
    for line in run.data_content:
        folds.setdefault((line[0], line[1]), []).append(line)
    moved = False
    for lines in folds.values():
        confidences = np.array([line[first:] for line in lines], dtype=float)
        predicted = np.array([line[first - 2] for line in lines])
        order = column_order(np.array(labels), predicted, confidences)
        if not np.array_equal(order, np.arange(len(labels))):
            moved = True
            for line, values in zip(lines, confidences[:, order].tolist(), strict=True):
                line[first:] = values
    if moved:
        run._predictions = None
        warnings.warn(
            "The confidences of this run were in the columns of other classes, because "
            f"the classes of the task are not sorted: {labels}. They were moved to the "
            "right columns; run_task writes them there from the start.",
            stacklevel=3,
        )


def _explain(error, step, refused):
    """Return the message of a PublishError, without the key."""
    import openml

    server, text = openml.config.server, redact(error).strip()
    what = f"{type(error).__name__}: {text[:300]}"
    if refused:
        # Some messages begin with the whole upload. Errors about the key have no code.
        code = getattr(error, "code", None)
        why = text.splitlines()[-1] + (f" (error {code})" if code else "")
        hint = " Check the key." if code in (None, 103) else ""
        return f"{server} refused, {step}: {why}.{hint}"
    if isinstance(error, ValueError) and not isinstance(error, OSError):
        return f"openml gave up, {step}: {what}"
    return (
        f"{server} did not answer as expected, {step} ({what}). It is safe to call "
        "publish(run) again: it first checks what has arrived."
    )
