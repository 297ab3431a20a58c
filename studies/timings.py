"""Cost of PaRe: epochs with and without mixing, selection, checks of the data."""

import statistics
import time

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits

from sklearn_pare import PaReClassifier
from sklearn_pare._data.reach import check_outputs
from sklearn_pare._data.validation import check_rows, shape_rows
from sklearn_pare._utils.surroundings import pinned
from sklearn_pare.benchmarks.methods import METHODS
from sklearn_pare.nn import replace_in_order
from studies.tables import markdown

# Samples per step of the loop by hand.
_BATCH = 32


def add_arguments(parser):
    """Add nothing: this study has no options."""


def main(arguments):
    """Return the table of all timings."""
    head = f"torch {torch.__version__}, {torch.get_num_threads()} threads\n\n"
    lines = [
        ["PaRe epoch / naive epoch, digits", _ratio(epoch_pairs(), ".2f", 2)],
        ["naive epoch / loop by hand, digits", _ratio(loop_pairs(), ".2f", 2)],
    ]
    for k in (500, 1000, 2000):
        what = f"plain loop / closed form, 32 x 3136 x 128, k = {k}"
        lines.append([what, _ratio(selection_pairs(k), ".3f")])
    ratios = markdown(["ratio", "figure"], lines)
    checks = [
        [f"share of checks in {name}, 300 digits", _share(pairs)]
        for name, pairs in check_pairs().items()
    ]
    return head + ratios + "\n\n" + markdown(["share", "figure"], checks)


def _ratio(pairs, form, digits=1):
    """Return the median of the paired ratios, and both medians, as text."""
    ratio = statistics.median(slow / fast for slow, fast in pairs)
    slow, fast = (statistics.median(column) for column in zip(*pairs, strict=True))
    return f"{ratio:.{digits}f} ({slow:.2f} s / {fast:{form}} s)"


def _share(pairs):
    """Return the median share of the checks, and both medians, as text."""
    share = statistics.median(checks / whole for checks, whole in pairs)
    checks, whole = (statistics.median(column) for column in zip(*pairs, strict=True))
    return f"{share:.2%} ({1e3 * checks:.2f} ms / {1e3 * whole:.0f} ms)"


def check_pairs(repeats=5, **settings):
    """Return pairs for fit and predict: seconds of all checks, and of the whole call.

    The checks are everything between the call and the network: of samples, targets,
    weights and outputs, and the settings that are pinned.
    """
    X, y = load_digits(return_X_y=True)
    X, y = X[:300], y[:300]
    clf = PaReClassifier(input_shape=(1, 8, 8), random_state=0, **settings)
    found = {"fit": [], "predict": []}
    for _ in range(repeats):
        found["fit"].append((_seconds(_fit_checks, clf, X, y), _seconds(clf.fit, X, y)))
    outputs = clf.decision_function(X)
    for _ in range(4 * repeats):
        checks = _seconds(_predict_checks, clf, X, outputs)
        found["predict"].append((checks, _seconds(clf.predict, X)))
    return found


def _fit_checks(clf, X, y):
    with pinned():
        clf._check_data(X, y, None, None, (None,) * 3, None)


def _predict_checks(clf, X, outputs):
    with pinned():
        rows = shape_rows(check_rows(clf, X, reset=False), clf.input_shape_)
        check_outputs(outputs, rows, clf._encoder)


def _seconds(function, *arguments):
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def epoch_pairs(repeats=5, epochs=3):
    """Return pairs: seconds of an epoch of PaRe and of a naive one, on all digits."""
    X, y = load_digits(return_X_y=True)
    pairs = []
    for _ in range(repeats + 1):
        pair = []
        for method in ("pare", "nft"):
            estimator = PaReClassifier(
                input_shape=(1, 8, 8),
                max_epochs=epochs,
                random_state=0,
                **METHODS[method],
            ).fit(X, y)
            pair.append(
                statistics.median(epoch["duration"] for epoch in estimator.history_)
            )
        pairs.append(pair)
    return pairs[1:]  # the first pair warms up


def loop_pairs(repeats=5, epochs=3, n=None, **settings):
    """Return pairs: seconds of an epoch of a naive fit, and of a loop by hand.

    Both train the network of "pare-tiny" without the linear path, in float32, on the
    first `n` digits or on all.
    """
    X, y = (part[:n] for part in load_digits(return_X_y=True))
    settings = {"input_shape": (1, 8, 8), "linear_path": False, "precision": "fp32",
                "random_state": 0} | METHODS["nft"] | settings  # fmt: skip
    clf = PaReClassifier(max_epochs=epochs, batch_size=_BATCH, **settings)
    pairs = []
    for _ in range(repeats):
        clf.fit(X, y)
        durations = [epoch["duration"] for epoch in clf.history_]
        by_hand = _epochs_by_hand(clf._model, clf.encode(X), torch.as_tensor(y), epochs)
        pairs.append([statistics.median(durations), statistics.median(by_hand)])
    return pairs


def _epochs_by_hand(model, x, y, epochs):
    """Return the seconds of each epoch of a training loop as one writes it by hand."""
    model.train().requires_grad_()
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=1e-4, fused=True)
    seconds = []
    for _ in range(epochs):
        start = time.perf_counter()
        for index in torch.randperm(len(x)).split(_BATCH):
            optimizer.zero_grad()
            loss = F.cross_entropy(model.predict(x[index]), y[index])
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
        seconds.append(time.perf_counter() - start)
    return seconds


def _loop_top_k(scores, k, tau=0.9):
    """Compute the relaxed choice of k tokens by k successive softmaxes."""
    tiny = torch.finfo(scores.dtype).tiny
    p, khot = torch.zeros_like(scores), torch.zeros_like(scores)
    for _ in range(k):
        scores = scores + torch.log((1 - p).clamp_min(tiny))
        p = torch.softmax(scores / tau, dim=1)
        khot = khot + p
    return khot


def loop_replace(target, source, target_scores, source_scores, k):
    """Replace tokens as `replace_in_order` does, by loops over tokens and samples."""
    n = target.shape[1]
    keep = _loop_top_k(target_scores, n - k)
    take = _loop_top_k(source_scores, k)
    keep_hard = torch.zeros_like(keep).scatter(1, keep.topk(n - k).indices, 1.0)
    take_hard = torch.zeros_like(take).scatter(1, take.topk(k).indices, 1.0)
    keep = keep_hard - keep.detach() + keep
    take = take_hard - take.detach() + take
    samples = []
    for b in range(len(target)):
        sample = target[b] * keep[b, :, None]
        chosen = (source[b] * take[b, :, None])[take_hard[b].bool()]
        sample[~keep_hard[b].bool()] = chosen
        samples.append(sample)
    return torch.stack(samples)


def closed_replace(*arguments):
    """Replace tokens by the closed form of the package."""
    return replace_in_order(*arguments)[0]


def selection_step(replace, tensors, k):
    """Return the seconds of a forward and backward pass, and the scores' gradient."""
    target, source, *scores, upstream = tensors
    scores = [score.clone().requires_grad_() for score in scores]
    start = time.perf_counter()
    replace(target, source, *scores, k).backward(upstream)
    seconds = time.perf_counter() - start
    return seconds, torch.cat([score.grad for score in scores])


def selection_pairs(k, batch=32, n=3136, dim=128, repeats=3):
    """Return pairs: seconds of the plain loop and of the closed form."""
    tensors = random_tensors(batch, n, dim)
    selection_step(closed_replace, tensors, k)
    return [
        [
            selection_step(replace, tensors, k)[0]
            for replace in (loop_replace, closed_replace)
        ]
        for _ in range(repeats)
    ]


def random_tensors(batch, n, dim):
    """Return tokens and scores of target and source, and a gradient of the result."""
    generator = torch.Generator().manual_seed(0)
    shapes = [(batch, n, dim)] * 2 + [(batch, n)] * 2 + [(batch, n, dim)]
    tensors = [torch.randn(shape, generator=generator) for shape in shapes]
    tensors[0].requires_grad_()
    return tensors
