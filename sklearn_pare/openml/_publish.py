"""Upload of runs to OpenML: never twice, and without showing the key."""

import html
import os
import re
import warnings

import numpy as np

from sklearn_pare._utils.openml_cache import redact, settings
from sklearn_pare.exceptions import PaReError, PublishError, RunExistsError
from sklearn_pare.openml._flow import check, complete, make_flow, upload
from sklearn_pare.openml._scores import column_order
from sklearn_pare.openml._splits import check_splits
from sklearn_pare.openml._tasks import get_task

_KEY = "OPENML_APIKEY"

# Attribute of a run from the start of its upload until the server has answered.
_UNANSWERED = "_sklearn_pare_unanswered"

# By now the server has accepted the key.
_LAST_STEP = "uploading the run"

# Characters that a message shows of a refusal, which may list each fold.
_SHOWN = 500


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
        If OpenML would refuse the flow: for a docstring that is not ASCII, more than 60
        parameters of all parts together, or a parameter of more than 2048 characters.
    TaskError
        If the task cannot be loaded, or its folds are incomplete.
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

    Runs with leave-one-out or with tests on training data are uploaded without the
    measures of single folds, because OpenML refuses these.

    openml waits for an answer without a time limit. After an interruption by Ctrl-C,
    ``publish(run)`` can be called again as well.

    Examples
    --------
    >>> from sklearn_pare import PaReClassifier
    >>> from sklearn_pare.openml import publish, run_task
    >>> run = run_task(PaReClassifier(), 9946)  # doctest: +SKIP
    >>> publish(run).openml_url  # doctest: +SKIP
    """
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
    problem, step = None, "loading the task"
    with settings(apikey=_key()):
        try:
            flow = _flow(run)
            _prepare(run, get_task(run.task_id))
            step = "uploading the flow"
            # A retry by openml would upload again what has already arrived.
            with settings(connection_n_retries=1):
                upload(flow)
            run.flow, run.flow_id, flow.model = flow, flow.flow_id, run.model
            # These name the flow and its parts.
            run.parameter_settings = None
            step = "looking for equal runs"
            if not _has_arrived(run, flow):
                step = _LAST_STEP
                setattr(run, _UNANSWERED, True)
                with settings(connection_n_retries=1):
                    run.publish()
            delattr(run, _UNANSWERED)
        except PaReError:
            raise
        # Errors of openml, requests, urllib3 and openml's parsers.
        except Exception as error:
            if _is_refusal(error) and step == _LAST_STEP:
                delattr(run, _UNANSWERED)
            problem = _explain(error, step, run)
    # Raised outside the except block: the error there may contain the key.
    if problem is not None:
        raise PublishError(problem)
    return run


def _key():
    import openml

    key = (openml.config.apikey or os.environ.get(_KEY, "")).strip()
    if not key:
        raise PublishError(
            f"There is no key for {openml.config.server}. Find yours on your page of "
            "openml.org, under API key. Put it into openml's configuration once, with "
            'openml.config.set_field_in_config_file("apikey", ...), or into the '
            f"environment variable {_KEY}."
        )
    return key


def _flow(run):
    """Return the flow of a run, with all versions, checked and without an ID."""
    # The flow of openml has an ID if its server knows it, but not all versions.
    if run.flow is None or run.flow.flow_id is not None:
        return make_flow(run.model)
    complete(run.flow)
    check(run.flow)
    return run.flow


def _prepare(run, task):
    """Correct what openml writes into a run and its server would refuse or ignore."""
    if not hasattr(task, "target_name"):
        return
    check_splits(task)
    if getattr(task, "class_labels", None) is not None:
        _reorder(run, task.class_labels)
    if not task.estimation_procedure["parameters"].get("number_folds"):
        run.fold_evaluations = None
    # The server keeps this field, and openml sends only the other one, to the file.
    details = (run.run_details or run.description_text or "").replace("\n", ",")
    run.run_details = re.sub(r"[^a-zA-Z0-9_\-.,():]+", "_", details)[:1024] or None


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


def _reorder(run, labels):
    """Move the confidences of a classification into the columns of their classes."""
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
            stacklevel=4,
        )


def _is_refusal(error):
    import openml

    raised = openml.exceptions
    refusals = raised.OpenMLServerException, raised.OpenMLNotAuthorizedError
    return isinstance(error, refusals) or _is_too_large(error)


def _is_too_large(error):
    """Return True for errors that a large upload causes, if the key is right.

    PHP drops all fields of a large form, also the key, or all bytes of a large file.
    """
    import openml

    no_key = isinstance(error, openml.exceptions.OpenMLNotAuthorizedError)
    too_large = "Status code: 413" in str(error)
    return no_key or too_large or getattr(error, "code", None) == 207


def _explain(error, step, run):
    """Return the message of a PublishError, without the key."""
    import openml

    server, text = openml.config.server, redact(error).strip()
    what = f"{type(error).__name__}: {text[:300]}"
    if _is_refusal(error):
        refused = f"{server} refused, {step}: "
        if step == _LAST_STEP and _is_too_large(error):
            size = sum(len(file) for _, file in run._get_file_elements().values())
            return (
                f"{refused}it has {size / 1e6:.1f} MB and is probably too large; the "
                "key is right. Round the confidences in run.data_content, or choose a "
                f"task with fewer samples or classes. The answer was: {_reason(error)}"
            )
        code = getattr(error, "code", None)
        hint = " Check the key." if code in (None, 103) else ""
        return f"{refused}{_reason(error)}.{hint}"
    if isinstance(error, ValueError) and not isinstance(error, OSError):
        return f"openml gave up, {step}: {what}"
    return (
        f"{server} did not answer as expected, {step} ({what}). It is safe to call "
        "publish(run) again: it first checks what has arrived."
    )


def _reason(error):
    """Return the reason of a refusal in one line, with its code if it has one."""
    # The message for an invalid flow begins with the whole flow.
    text = redact(html.unescape(error.message)).rpartition("</oml:flow>")[2]
    text = " ".join(text.split())
    code = getattr(error, "code", None)
    text = f"error {code}: {text}" if code else text
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} ..."
