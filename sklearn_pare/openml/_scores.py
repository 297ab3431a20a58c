"""AUROC and accuracy of the folds of a run."""

import numpy as np
from sklearn.metrics import roc_auc_score

from sklearn_pare.exceptions import TaskError

_CONFIDENCE = "confidence."


def fold_scores(run):
    """Compute AUROC and accuracy of each fold of a run.

    Parameters
    ----------
    run : openml.runs.OpenMLRun
        A run of `run_task` or of ``openml.runs.run_model_on_task``, or a run from the
        server.

    Returns
    -------
    scores : DataFrame
        One line per fold, with the columns "repeat", "fold", "n_test" (number of test
        samples), "auroc" and "accuracy", both from 0 to 1. For more than two classes
        AUROC is the mean over all pairs of classes ("one-vs-one", Hand and Till,
        Machine Learning 45, 2001). It is NaN for a fold with only one class.

    Raises
    ------
    TaskError
        If the run is not a classification.

    See Also
    --------
    run_task : Make such a run.

    Notes
    -----
    OpenML's own "area_under_roc_curve" is another number: it averages one-vs-rest
    AUROCs by class shares, and pools the samples of all folds.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> import pandas as pd
    >>> from sklearn_pare.openml import fold_scores
    >>> columns = ["repeat", "fold", "prediction", "correct"]
    >>> columns += ["confidence.no", "confidence.yes"]
    >>> lines = [(0, 0, "no", "no", 0.8, 0.2), (0, 0, "no", "yes", 0.6, 0.4)]
    >>> run = SimpleNamespace(predictions=pd.DataFrame(lines, columns=columns))
    >>> fold_scores(run)[["auroc", "accuracy"]].values.tolist()
    [[1.0, 0.5]]
    """
    import pandas as pd

    frame = run.predictions
    columns = [name for name in frame if name.startswith(_CONFIDENCE)]
    if not columns:
        raise TaskError(
            f"The predictions of this run have the columns {list(frame)}. Expected "
            "those of a classification, with a confidence for each class."
        )
    labels = np.array([name.removeprefix(_CONFIDENCE) for name in columns])
    scores = []
    for (repeat, fold), part in frame.groupby(["repeat", "fold"]):
        truth, guess = (part[name].to_numpy(str) for name in ("correct", "prediction"))
        confidences = part[columns].to_numpy(float)
        order = column_order(labels, guess, confidences)
        scores.append(
            {
                "repeat": int(repeat),
                "fold": int(fold),
                "n_test": len(part),
                "auroc": _auroc(labels, truth, confidences[:, order]),
                "accuracy": float(np.mean(truth == guess)),
            }
        )
    return pd.DataFrame(scores)


def _auroc(labels, truth, confidences):
    if len(set(truth)) < 2:
        return np.nan
    codes = np.searchsorted(np.sort(labels), truth)
    confidences = confidences[:, np.argsort(labels)]
    if len(labels) == 2:
        return float(roc_auc_score(codes, confidences[:, 1]))
    shares = confidences / confidences.sum(axis=1, keepdims=True)
    numbers = np.arange(len(labels))
    return float(roc_auc_score(codes, shares, multi_class="ovo", labels=numbers))


def column_order(labels, predicted, confidences):
    """Return the column of each label in the confidences of a fold.

    openml 0.15 names the columns after the labels in the task's order, but fills them
    in sorted order if all labels are in the training part of the fold. In the right
    order, the largest confidence belongs to the predicted label. The columns keep their
    order unless the sorted order, and not the present one, agrees with all predictions.
    """
    as_is, in_sorted = np.arange(len(labels)), np.argsort(np.argsort(labels))

    def agree(order):
        ordered = confidences[:, order]
        chosen = ordered[np.arange(len(predicted)), position]
        return np.all(chosen >= ordered.max(axis=1))

    column_of = {label: column for column, label in enumerate(labels)}
    position = np.array([column_of[label] for label in predicted])
    return in_sorted if not agree(as_is) and agree(in_sorted) else as_is
