"""Quantities that change during training, as functions of its progress in [0, 1]."""

import math


def mix_fraction(progress: float, start: float, end: float) -> float:
    """Return the fraction of target tokens to replace: a straight line over training.

    Parameters
    ----------
    progress : float
        0 at the first optimiser step, 1 at the last.
    start, end : float
        Fractions at the first and at the last step.

    References
    ----------
    Cai et al., "Enhancing Cross-Modal Fine-Tuning with Gradually Intermediate
    Modality Generation", ICML 2024. The paper lowers k once per epoch; here it falls
    with every step.

    Examples
    --------
    >>> from sklearn_pare.nn import mix_fraction
    >>> [round(mix_fraction(p, 0.6, 0.1), 2) for p in (0.0, 0.5, 1.0)]
    [0.6, 0.35, 0.1]
    """
    return (1 - progress) * start + progress * end


def n_replaced(fraction: float, n_target: int, n_source: int) -> int:
    """Return the number k of replaced tokens, at most the number of source tokens."""
    return min(round(fraction * n_target), n_source)


def learning_rate_factor(progress: float, warmup: float = 0.1) -> float:
    """Return the factor on the learning rate: linear warm-up, then half a cosine."""
    if progress < warmup:
        return progress / warmup
    return 0.5 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup)))
