"""Paired tests of one method against others over many tasks."""

import warnings

import numpy as np
from scipy.stats import wilcoxon


def relative_difference(own, other):
    """Compute ``(own - other) / (own + other)``, which has no unit; 0 for two zeros."""
    total = own + other
    return np.divide(own - other, total, out=np.zeros_like(total), where=total > 0)


def signed_rank_p(own, others):
    """Compute p-values of paired tests of one method against each of some others.

    Parameters
    ----------
    own : ndarray of shape (n_tasks,)
        Errors, or other figures that are not negative.
    others : ndarray of shape (n_tasks, n_methods)

    Returns
    -------
    p : ndarray of shape (n_methods,)
        Two-sided Wilcoxon tests of ``relative_difference``, corrected for multiple
        tests by Holm's method. A method that is equal on every task has 1.
    """
    raw = np.ones(others.shape[1])
    for column, other in enumerate(others.T):
        difference = relative_difference(own, other)
        if difference.any():
            with warnings.catch_warnings():
                # scipy before 1.15 warns if tasks are few or tied.
                warnings.filterwarnings("ignore", "Sample size too small")
                raw[column] = wilcoxon(difference).pvalue
    order = np.argsort(raw)
    factors = len(raw) - np.arange(len(raw))
    corrected = np.minimum(np.maximum.accumulate(factors * raw[order]), 1.0)
    return corrected[np.argsort(order)]
