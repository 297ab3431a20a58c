"""Signals of different lengths: as they are, filled with zeros, and truncated.

A simulator draws utterances of a diphthong by nine speakers, as in the set Japanese
Vowels of the UCI repository: 12 coefficients per frame and 7 to 29 frames, of which the
speaker is to be recognised. There are 270 training samples.
"""

import functools

import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_pare import PaReClassifier
from studies import peers, record
from studies.suites import Task
from studies.tables import collect, markdown, mean_std

_SPEAKERS, _COEFFICIENTS, _SHORTEST, _LONGEST = 9, 12, 7, 29
_PEER = "MiniRocket + ridge"


def utterances(n_samples=640, random_state=0):
    """Draw utterances: a list of arrays (12, 7 to 29), and their speakers (n,)."""
    rng = np.random.default_rng(random_state)
    # The first and the second vowel of each speaker, and when one becomes the other.
    vowels = rng.normal(size=(2, 1, _COEFFICIENTS))
    vowels = vowels + 0.5 * rng.normal(size=(2, _SPEAKERS, _COEFFICIENTS))
    middles = rng.uniform(0.35, 0.65, _SPEAKERS)
    speakers = np.arange(n_samples) % _SPEAKERS
    signals = []
    for speaker in speakers:
        n_frames = rng.integers(_SHORTEST, _LONGEST + 1)
        time = np.linspace(0, 1, n_frames) - middles[speaker] - 0.1 * rng.normal()
        share = 1 / (1 + np.exp(-12 * time))
        first, second = vowels[:, speaker, :, None]
        noise = rng.normal(size=(_COEFFICIENTS, n_frames))
        for frame in range(1, n_frames):
            noise[:, frame] = 0.7 * noise[:, frame - 1] + 0.7 * noise[:, frame]
        level = 0.3 * rng.normal(size=(_COEFFICIENTS, 1))
        signals.append(first + (second - first) * share + level + 0.6 * noise)
    return signals, speakers


def filled(signals):
    """Return signals (n, C, 29), filled with zeros at the end."""
    return np.stack([np.pad(x, [(0, 0), (0, _LONGEST - x.shape[1])]) for x in signals])


def truncated(signals):
    """Return the first 7 frames of all signals."""
    return np.stack([x[:, :_SHORTEST] for x in signals])


#: Name of the method -> function of the signals. All but the peer fit PaRe.
METHODS = {"as they are": None, "zeros": filled, "truncated": truncated, _PEER: filled}
TASKS = {"utterances": Task("utterances", utterances, 270)}


def add_arguments(parser):
    """Add the options of the study."""
    record.add_arguments(parser, 3, methods=METHODS)


def main(arguments):
    """Fit what is not recorded and return the table."""
    methods = record.choose(arguments.methods, METHODS, METHODS, "method")
    wanted = record.cells(TASKS.values(), methods, range(arguments.seeds))
    options = record.options(arguments, "lengths")
    fit = functools.partial(record.measured, figures=_figures)
    return table(
        record.run(TASKS.values(), wanted, estimator=_estimator, fit=fit, **options)
    )


def _estimator(task, cell):
    method, seed = cell["method"], cell["seed"]
    if METHODS[method] is None:
        # The longest signal may be in the test part.
        shape = _COEFFICIENTS, _LONGEST
        return PaReClassifier(input_shape=shape, random_state=seed)
    estimator = PaReClassifier(random_state=seed)
    if method == _PEER:
        estimator = peers.make(_PEER, seed)
    return make_pipeline(FunctionTransformer(METHODS[method]), estimator)


def _figures(estimator, X, y):
    found = {"score": float(estimator.score(X, y))}
    if not hasattr(estimator, "steps"):
        wide = np.full((len(X), _COEFFICIENTS, 2 * _LONGEST), np.nan)
        for own, x in zip(wide, X, strict=True):
            own[:, : x.shape[1]] = x
        change = estimator.predict_proba(wide) - estimator.predict_proba(X)
        found["change"] = float(np.abs(change).max())
    return found


def table(rows):
    """Return the accuracies as Markdown, and the effect of padding on predictions."""
    scores, seconds = collect(rows, "score"), collect(rows, "seconds")
    cells = [
        [method, mean_std(values), f"{np.median(seconds[task, method]):.0f}"]
        for (task, method), values in scores.items()
    ]
    changes = [row["change"] for row in rows if "change" in row]
    line = f"padding twice as long changes probabilities by {max(changes, default=0):g}"
    return "\n\n".join([markdown(["method", "accuracy", "s"], cells), line])
