"""A run to the server of OpenML: once, whole, and without showing the key."""

import os
import warnings
from contextlib import contextmanager

import numpy as np

from sklearn_pare._utils import redact
from sklearn_pare.exceptions import PaReError, PublishError, RunExistsError
from sklearn_pare.openml._flow import check, complete
from sklearn_pare.openml._scores import column_order

_KEY = "OPENML_APIKEY"

# Set on a run between the moment its upload began and a clear answer.
_UNANSWERED = "_sklearn_pare_unanswered"


def publish(run):
    """Upload a run, and the flow it needs, to the server that openml is set up for.

    The key of OpenML is taken from openml's configuration or from the environment
    variable OPENML_APIKEY, and goes to that server alone.

    Parameters
    ----------
    run : openml.runs.OpenMLRun
        From `run_task`, or from ``openml.runs.run_model_on_task``.

    Returns
    -------
    run : openml.runs.OpenMLRun
        The same, with its `run_id`; ``run.openml_url`` is its page.

    Raises
    ------
    RunExistsError
        If this run, or another of the same parameters on the same task, is on the
        server. Nothing is uploaded then.
    FlowError
        If OpenML would refuse the flow, for instance for a docstring that is not ASCII.
    PublishError
        If there is no key, the server refused the upload, or it did not answer. In the
        last case nothing is half done: call ``publish(run)`` again. It goes on where
        the other call stopped, and takes up a run that arrived without an answer.

    See Also
    --------
    run_task : Make a run.

    Notes
    -----
    What is sent: the class names, docstrings, parameters and versions of the estimator;
    the predictions and times of all folds. The data and the fitted weights are not.

    A run of ``openml.runs.run_model_on_task`` whose confidences openml 0.15 wrote into
    the columns of other classes is put right first, with a warning.

    openml sets no limit on the time it waits for an answer. Interrupted by Ctrl-C,
    ``publish(run)`` can be called again as well.

    Examples
    --------
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
            "This run holds no estimator, from which its parameters are read. Make it "
            "with run_task, or load it with expect_model=True."
        )
    problem, step = None, "asking for the flow"
    with _settings(apikey=_key()):
        try:
            flow = _flow(run)
            _reorder(run)
            step = "uploading the flow"
            # A second attempt of openml's own would upload what arrived already.
            with _settings(connection_n_retries=1):
                flow.publish()
            run.flow, run.flow_id, flow.model = flow, flow.flow_id, run.model
            step = "looking for runs like it"
            if not _taken_up(run, flow):
                step = "uploading the run"
                setattr(run, _UNANSWERED, True)
                with _settings(connection_n_retries=1):
                    run.publish()
            delattr(run, _UNANSWERED)
        except PaReError:
            raise
        # openml raises errors of its own, of requests, of urllib3 and of its parsers.
        except Exception as error:
            refused = isinstance(
                error,
                openml.exceptions.OpenMLServerException
                | openml.exceptions.OpenMLNotAuthorizedError,
            )
            if refused and step == "uploading the run":
                delattr(run, _UNANSWERED)
            problem = _explain(error, step, refused)
    # Out of the block above: the error there may hold the key, and is left behind.
    if problem is not None:
        raise PublishError(problem)
    return run


def _key():
    import openml

    key = openml.config.apikey or os.environ.get(_KEY, "")
    if not key:
        raise PublishError(
            f"There is no key for {openml.config.server}. Find yours on your page of "
            "openml.org, under API key, and put it into openml's configuration once, "
            'with openml.config.set_field_in_config_file("apikey", ...), or into the '
            f"environment variable {_KEY}."
        )
    return key


@contextmanager
def _settings(**values):
    """Settings of openml for a while."""
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
    """The flow of a run, complete and checked."""
    import openml

    if run.flow is None:
        return openml.flows.get_flow(run.flow_id)
    if run.flow.flow_id is None:
        complete(run.flow)
        check(run.flow)
    return run.flow


def _taken_up(run, flow):
    """Whether a run arrived at an earlier attempt; complain about others like it."""
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
        f"{run.task_id}: {', '.join(pages)}. Nothing was uploaded. Another "
        "random_state makes another run.",
        [int(number) for number in ids],
    )


def _reorder(run):
    """Confidences of a classification in the columns of their classes."""
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
            "The confidences of this run were in the columns of other classes, as "
            f"openml writes them where classes are not sorted: {labels}. They were put "
            "right; run_task writes them rightly at once.",
            stacklevel=3,
        )


def _explain(error, step, refused):
    import openml

    server, text = openml.config.server, redact(error).strip()
    what = f"{type(error).__name__}: {text[:300]}"
    if refused:
        # Some begin with the whole upload. Some have no code: those about the key.
        code = getattr(error, "code", None)
        why = text.splitlines()[-1] + (f" (error {code})" if code else "")
        hint = " Check the key." if code in (None, 103) else ""
        return f"{server} refused, {step}: {why}.{hint}"
    if isinstance(error, ValueError) and not isinstance(error, OSError):
        return f"openml gave up, {step}: {what}"
    return (
        f"{server} did not answer as expected, {step} ({what}). Nothing is half done: "
        "call publish(run) again, which looks first for what has arrived."
    )
