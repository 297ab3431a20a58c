"""What changes with the progress of training: pure functions of a number in [0, 1]."""

import math


def mix_fraction(
    progress: float, start: float, end: float, schedule: str = "linear"
) -> float:
    """Fraction of target tokens that come from the source, from start to end.

    Parameters
    ----------
    progress : float
        0 at the first optimiser step, 1 at the last.
    start, end : float
        Fractions at the first and the last step.
    schedule : {"linear", "cosine"}, default="linear"
        A straight line, or half a cosine: slow at both ends.

    Returns
    -------
    fraction : float

    References
    ----------
    Cai et al., "Enhancing Cross-Modal Fine-Tuning with Gradually Intermediate
    Modality Generation", ICML 2024. The paper lowers k once an epoch; here it falls
    with every step.

    Examples
    --------
    >>> from sklearn_pare.nn import mix_fraction
    >>> [round(mix_fraction(p, 0.6, 0.1), 2) for p in (0.0, 0.5, 1.0)]
    [0.6, 0.35, 0.1]
    """
    if schedule == "cosine":
        progress = (1 - math.cos(math.pi * progress)) / 2
    elif schedule != "linear":
        raise ValueError(
            f"schedule={schedule!r} is unknown: use schedule='linear' or 'cosine'."
        )
    return (1 - progress) * start + progress * end


def gap_fraction(ratio: float, start: float, end: float) -> float:
    """Fraction of target tokens that come from the source, by how training goes.

    Parameters
    ----------
    ratio : float
        Loss of clean rows over loss of the same rows mixed. Near 1 the backbone makes
        nothing of the target yet, and nearly all of `start` is replaced; it falls as
        clean rows are learned.
    start, end : float
        Fractions at ratios from 1 on and at ratio 0.

    Returns
    -------
    fraction : float
    """
    return mix_fraction(1 - min(ratio, 1.0), start, end)


def n_replaced(fraction: float, n_target: int, n_source: int) -> int:
    """Number k of replaced tokens: rounded, and at most what the source has."""
    return min(round(fraction * n_target), n_source)


def learning_rate_factor(progress: float, warmup: float = 0.1) -> float:
    """Share of the peak learning rate: linear warm-up, then half a cosine to 0."""
    if progress < warmup:
        return progress / warmup
    return 0.5 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup)))
