"""The shallow water solver against an exact solution, finer grids and symmetries."""

from itertools import pairwise

import numpy as np

from sklearn_pare.datasets import make_shallow_water_2d
from sklearn_pare.datasets.simulate import water
from tests.datasets.simulate.numerics import coarse, error, orders


def _basin(depth):
    return np.stack([depth, 0 * depth, 0 * depth], 1)


def test_shallow_water__volume_kept_and_a_still_basin_still():
    X, _ = make_shallow_water_2d(4, size=24, time=0.1, random_state=0)
    # Long enough to reach every wall.
    end = water._shallow_water(_basin(X[:, 0]), 4.0)
    np.testing.assert_allclose(end[:, 0].mean((1, 2)), X.mean((1, 2, 3)), rtol=1e-12)
    assert end[:, 0].min() > 0
    still = water._shallow_water(_basin(np.full((1, 8, 8), 1.7)), 2.0)
    np.testing.assert_allclose(still, _basin(np.full((1, 8, 8), 1.7)), atol=1e-12)


def test_shallow_water__dam_in_the_middle__symmetric():
    depth = 1 + water._discs(np.zeros((2, 1, 1, 1)), 0.5, 24)
    end, along_x, along_y = water._shallow_water(_basin(depth), 1.5)[0]
    np.testing.assert_allclose(end, end[::-1], atol=1e-12)
    np.testing.assert_allclose(end, end[:, ::-1], atol=1e-12)
    np.testing.assert_allclose(end, end.T, atol=1e-12)
    np.testing.assert_allclose(along_x, along_y.T, atol=1e-12)
    np.testing.assert_allclose(along_x, -along_x[:, ::-1], atol=1e-12)


def test_shallow_water__straight_dam__stokers_solution():
    # Depths 2 and 1: between the waves, sqrt(h) solves one equation for both.
    size, time = 128, 0.8
    x = (np.arange(size) + 0.5) * 5 / size - 2.5
    depth = np.tile(np.where(x < 0, 2.0, 1.0), (1, size, 1))
    end = water._shallow_water(_basin(depth), time)[0]
    heights = np.linspace(1, 2, 200001)
    left = 2 * (np.sqrt(2) - np.sqrt(heights))
    right = (heights - 1) * np.sqrt((heights + 1) / (2 * heights))
    middle = heights[np.argmin(np.abs(left - right))]
    speed = 2 * (np.sqrt(2) - np.sqrt(middle))
    tail, shock = speed - np.sqrt(middle), middle * speed / (middle - 1)
    fan = (2 * np.sqrt(2) - x / time) ** 2 / 9
    expected = np.select(
        [x < -np.sqrt(2) * time, x < tail * time, x < shock * time],
        [2.0, fan, middle],
        1.0,
    )
    np.testing.assert_allclose(end[0], end[0, :1].repeat(size, 0), atol=1e-12)
    assert error(end[0, 0], expected) < 6e-3
    plateau = (x > tail * time + 0.2) & (x < shock * time - 0.2)
    np.testing.assert_allclose(end[0, 0, plateau], middle, rtol=5e-3)
    np.testing.assert_allclose(end[1, 0, plateau], middle * speed, rtol=5e-3)


def _hump(size):
    x = (np.arange(size) + 0.5) * 5 / size - 2.5
    return 1 + 0.3 * np.exp(-(x**2) - (x[:, None] - 0.4) ** 2)[None]


def test_shallow_water__more_cells__second_order():
    ends = [water._shallow_water(_basin(_hump(n)), 0.8)[0, 0] for n in (12, 24, 48, 96)]
    errors = [error(a, coarse(coarse(b, 2).T, 2).T) for a, b in pairwise(ends)]
    assert (orders(errors) > 1.7).all()
