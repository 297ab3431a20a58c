"""Made data whose classes depend on every token of a sample.

A single replaced token can change the class: of a count, of the presence of one of
several marks, and of the order of events. Images have 16 x 16 pixels and signals 128
positions.
"""

import numpy as np

_SIZE, _LENGTH = 16, 128
# Marks of images: a plus, a cross, a square, and a corner that no class depends on.
_MARKS = np.array(
    [
        [[0, 1, 0], [1, 1, 1], [0, 1, 0]],
        [[1, 0, 1], [0, 1, 0], [1, 0, 1]],
        [[1, 1, 1], [1, 0, 1], [1, 1, 1]],
        [[1, 1, 1], [1, 0, 0], [1, 0, 0]],
    ],
    dtype=float,
)
# Events of signals: a step up and down, a saw tooth, and a short oscillation.
_EVENTS = np.array(
    [
        [1, 1, 1, 1, -1, -1, -1, -1],
        [-1, -0.7, -0.4, -0.1, 0.2, 0.5, 0.8, 1],
        [1, -1, 1, -1, 1, -1, 1, -1],
    ]
)


def count_spots(n_samples, random_state):
    """Make images (n, 1, 16, 16) of 1 to 5 spots; the class is their number."""
    rng = np.random.default_rng(random_state)
    y = np.arange(n_samples) % 5 + 1
    X = 0.2 * rng.standard_normal((n_samples, 1, _SIZE, _SIZE))
    grid = np.arange(_SIZE)
    for image, number in zip(X[:, 0], y, strict=True):
        for top, left in _apart(rng, number, _SIZE // 4):
            down, right = 4 * np.array([top, left]) + rng.uniform(1, 2, 2)
            spot = np.exp(-((grid[:, None] - down) ** 2 + (grid - right) ** 2) / 2)
            image += rng.uniform(0.7, 1.3) * spot
    return X, y


def count_pulses(n_samples, random_state):
    """Make signals (n, 1, 128) with 1 to 5 pulses; the class is their number."""
    rng = np.random.default_rng(random_state)
    y = np.arange(n_samples) % 5 + 1
    X = 0.2 * rng.standard_normal((n_samples, 1, _LENGTH))
    time = np.arange(_LENGTH)
    for signal, number in zip(X[:, 0], y, strict=True):
        for place in rng.choice(_LENGTH // 8, number, replace=False):
            middle = 8 * place + rng.uniform(2, 6)
            signal += rng.uniform(0.7, 1.3) * np.exp(-((time - middle) ** 2) / 3)
    return X, y


def any_mark(n_samples, random_state):
    """Make images (n, 1, 16, 16) of corners; class 1 also has one of three marks."""
    rng = np.random.default_rng(random_state)
    y = np.arange(n_samples) % 2
    X = 0.2 * rng.standard_normal((n_samples, 1, _SIZE, _SIZE))
    for image, present in zip(X[:, 0], y, strict=True):
        marks = np.full(5, 3)
        if present:
            marks[0] = rng.integers(3)
        for mark, (top, left) in zip(marks, _apart(rng, 5, _SIZE // 4), strict=True):
            image[4 * top : 4 * top + 3, 4 * left : 4 * left + 3] += _MARKS[mark]
    return X, y


def any_event(n_samples, random_state):
    """Make signals (n, 1, 128) with bumps; class 1 also has one of three events."""
    rng = np.random.default_rng(random_state)
    y = np.arange(n_samples) % 2
    X = 0.2 * rng.standard_normal((n_samples, 1, _LENGTH))
    bump = np.sin(np.linspace(0, np.pi, 8))
    for signal, present in zip(X[:, 0], y, strict=True):
        shapes = [bump] * 4
        if present:
            shapes[0] = _EVENTS[rng.integers(3)]
        for shape, place in zip(shapes, rng.permutation(16), strict=False):
            signal[8 * place : 8 * place + 8] += shape
    return X, y


def order_of_events(n_samples, random_state):
    """Make signals (n, 1, 128) with three events; the class is their order."""
    rng = np.random.default_rng(random_state)
    y = np.arange(n_samples) % 6
    X = 0.2 * rng.standard_normal((n_samples, 1, _LENGTH))
    for signal, number in zip(X[:, 0], y, strict=True):
        places = np.sort(rng.choice(16, 3, replace=False))
        for event, place in zip(_ORDERS[number], places, strict=True):
            signal[8 * place : 8 * place + 8] += _EVENTS[event]
    return X, y


def order_of_marks(n_samples, random_state):
    """Make images (n, 1, 16, 16) of three marks; the class is their order in x."""
    rng = np.random.default_rng(random_state)
    y = np.arange(n_samples) % 6
    X = 0.2 * rng.standard_normal((n_samples, 1, _SIZE, _SIZE))
    for image, number in zip(X[:, 0], y, strict=True):
        columns = np.sort(rng.choice(4, 3, replace=False))
        for mark, column in zip(_ORDERS[number], columns, strict=True):
            top, left = 4 * rng.integers(4), 4 * column
            image[top : top + 3, left : left + 3] += _MARKS[mark]
    return X, y


_ORDERS = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))


def _apart(rng, number, side):
    """Return different cells of a square grid, as pairs of row and column."""
    return np.stack(np.divmod(rng.choice(side**2, number, replace=False), side), 1)
