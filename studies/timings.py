"""What mixing costs: an epoch with and without it, and the selection against a loop."""

import statistics
import time

import torch
from sklearn.datasets import load_digits

from sklearn_pare import PaReClassifier
from sklearn_pare.nn import relaxed_top_k, replace_tokens


def epoch_ratio(repeats=5, epochs=3):
    """Seconds of a PaRe epoch over those of a naive one, paired, on all digits.

    Returns
    -------
    ratio, pare_seconds, naive_seconds : float
        Medians; the ratio is the median of the paired ratios.
    """
    X, y = load_digits(return_X_y=True)
    pairs = []
    for repeat in range(repeats + 1):
        pair = []
        for fractions in ({}, {"mix_start": 0.0, "mix_end": 0.0}):
            estimator = PaReClassifier(
                input_shape=(1, 8, 8), max_epochs=epochs, random_state=0, **fractions
            ).fit(X, y)
            pair.append(
                statistics.median(row["duration"] for row in estimator.history_)
            )
        if repeat:  # the first pair warms up
            pairs.append(pair)
    ratio = statistics.median(pare / naive for pare, naive in pairs)
    pare, naive = (statistics.median(column) for column in zip(*pairs, strict=True))
    return ratio, pare, naive


def _loop_top_k(scores, k, tau=0.9):
    """K successive softmaxes, as in method 4.1 of the literature: the plain loop."""
    tiny = torch.finfo(scores.dtype).tiny
    p, khot = torch.zeros_like(scores), torch.zeros_like(scores)
    for _ in range(k):
        scores = scores + torch.log((1 - p).clamp_min(tiny))
        p = torch.softmax(scores / tau, dim=1)
        khot = khot + p
    return khot


def _loop_replace(target, source, target_scores, source_scores, k):
    """The replacement written plainly: both loops, then a loop over the rows."""
    n = target.shape[1]
    keep = _loop_top_k(target_scores, n - k)
    take = _loop_top_k(source_scores, k)
    keep_hard = torch.zeros_like(keep).scatter(1, keep.topk(n - k).indices, 1.0)
    take_hard = torch.zeros_like(take).scatter(1, take.topk(k).indices, 1.0)
    keep = keep_hard - keep.detach() + keep
    take = take_hard - take.detach() + take
    rows = []
    for b in range(len(target)):
        row = target[b] * keep[b, :, None]
        chosen = (source[b] * take[b, :, None])[take_hard[b].bool()]
        row = row.clone()
        row[~keep_hard[b].bool()] = chosen
        rows.append(row)
    return torch.stack(rows)


def _selection_step(replace, tensors, k):
    """Seconds of one forward and backward, and the gradient of both scores."""
    target, source, target_scores, source_scores, upstream = tensors
    target_scores = target_scores.clone().requires_grad_()
    source_scores = source_scores.clone().requires_grad_()
    start = time.perf_counter()
    mixed = replace(target, source, target_scores, source_scores, k)
    mixed.backward(upstream)
    seconds = time.perf_counter() - start
    gradient = torch.cat([target_scores.grad, source_scores.grad])
    return seconds, gradient.flatten().double()


def selection(k=1000, batch=32, n=3136, dim=128, repeats=3):
    """Selection and replacement in closed form against the plain loop.

    Returns
    -------
    speed_up, fast_seconds, loop_seconds : float
        Medians; the speed-up is the median of the paired ratios.
    cosine : float
        Of the gradients with respect to the scores.
    """
    generator = torch.Generator().manual_seed(0)
    shapes = [(batch, n, dim)] * 2 + [(batch, n)] * 2 + [(batch, n, dim)]
    tensors = [torch.randn(shape, generator=generator) for shape in shapes]
    tensors[0].requires_grad_()

    def fast(*arguments):
        return replace_tokens(*arguments)[0]

    _selection_step(fast, tensors, k)
    times, cosine = [], None
    for _ in range(repeats):
        fast_seconds, fast_gradient = _selection_step(fast, tensors, k)
        loop_seconds, loop_gradient = _selection_step(_loop_replace, tensors, k)
        times.append((fast_seconds, loop_seconds))
        cosine = torch.cosine_similarity(fast_gradient, loop_gradient, dim=0)
        cosine = cosine.item()
    speed_up = statistics.median(slow / quick for quick, slow in times)
    quick, slow = (statistics.median(column) for column in zip(*times, strict=True))
    return speed_up, quick, slow, cosine


def exact_difference(n=256, k=80):
    """Largest difference between ``relaxed_top_k(exact=True)`` and the plain loop."""
    scores = torch.randn(8, n, generator=torch.Generator().manual_seed(0))
    difference = relaxed_top_k(scores, k, exact=True) - _loop_top_k(scores, k)
    return difference.abs().max().item()


def table():
    """Markdown table of all timings."""
    ratio, pare, naive = epoch_ratio()
    lines = [
        f"torch {torch.__version__}, {torch.get_num_threads()} threads",
        "",
        "| what | figure |",
        "|---|---|",
        "| PaRe epoch / naive epoch, digits "
        f"| {ratio:.2f} ({pare:.2f} s / {naive:.2f} s) |",
    ]
    for k in (500, 1000, 2000):
        speed_up, quick, slow, cosine = selection(k)
        lines.append(
            f"| loop / closed form, 32 x 3136 x 128, k = {k} | {speed_up:.1f} "
            f"({slow:.2f} s / {quick:.3f} s), gradient cosine {cosine:.5f} |"
        )
    lines.append(f"| exact=True - loop, largest | {exact_difference():.1e} |")
    return "\n".join(lines)
