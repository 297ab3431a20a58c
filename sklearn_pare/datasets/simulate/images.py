"""Simulated images: telescope images, digits on a sphere, distances in proteins."""

import numpy as np
import scipy.ndimage
from scipy.spatial.transform import Rotation
from sklearn.datasets import load_digits
from sklearn.utils import check_random_state

from sklearn_pare.datasets.simulate._common import CHAIN, FIELD, balanced, validated

# Sources and hits per pixel.
_SOURCES, _HITS = 0.006, 0.0024


@validated(FIELD)
def make_cosmic_rays(n_samples=200, *, size=64, random_state=None):
    """Simulate telescope images and the pixels hit by cosmic rays.

    Stars and galaxies are Moffat profiles ``(1 + r**2 / a**2) ** -b``, whose width is
    limited by the atmosphere. The detector counts photons and adds noise. A cosmic ray
    hits the detector itself and leaves a point, or a slightly bent track, that is
    sharper than any star. The task is that of deepCR (K. Zhang, J. S. Bloom, The
    Astrophysical Journal 889, 2020).

    Parameters
    ----------
    n_samples : int, default=200
    size : int, default=64
        Number of pixels along each side.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : ndarray of shape (n_samples, 1, size, size)
        Electrons above the mean sky, in standard deviations of the noise.
    y : ndarray of shape (n_samples, size, size)
        1 where a ray left a charge (1 to 2 % of the pixels), else 0.
    """
    rng = check_random_state(random_state)
    sky = rng.uniform(30, 300, (n_samples, 1, 1))
    reading = rng.uniform(3, 8, (n_samples, 1, 1))
    noise = np.sqrt(sky + reading**2)
    light = sky + noise * np.stack([_sources(size, rng) for _ in range(n_samples)])
    charge = noise * np.stack([_hits(size, rng) for _ in range(n_samples)])
    electrons = rng.poisson(light) + reading * rng.standard_normal(light.shape)
    X = (electrons + charge - sky) / noise
    return X[:, None], (charge > 0).astype(int)


def _sources(size, rng):
    """Return the light of stars and galaxies, (size, size); the faintest peak at 1."""
    n = rng.poisson(_SOURCES * size**2)
    seeing, steepness = rng.uniform(0.9, 1.8), rng.uniform(2.5, 4.5)
    galaxy = rng.rand(n) < 0.4
    # A galaxy has a wider profile that is flattened in one direction.
    width = np.hypot(seeing, galaxy * rng.uniform(0.5, 4, n))
    flat = np.where(galaxy, rng.uniform(0.4, 1, n), 1)
    narrow = np.maximum(flat * width, seeing)
    angle = rng.uniform(0, np.pi, n)
    # The number of sources brighter than b is proportional to 1 / b.
    peak = np.minimum(1 / (1 - rng.rand(n)), 200)
    row, column = rng.uniform(0, size, (2, n, 1, 1))
    dy, dx = np.arange(size)[:, None] - row, np.arange(size) - column
    cos, sin = np.cos(angle)[:, None, None], np.sin(angle)[:, None, None]
    along, across = dx * cos + dy * sin, dy * cos - dx * sin
    r2 = (along / width[:, None, None]) ** 2 + (across / narrow[:, None, None]) ** 2
    return np.einsum("n,nij->ij", peak, (1 + r2) ** -steepness)


def _hits(size, rng):
    """Return the charge that the rays of one image leave, (size, size)."""
    charge = np.zeros((size, size))
    for _ in range(rng.poisson(_HITS * size**2)):
        # Two in five hit the detector at right angles.
        length = 0.5 if rng.rand() < 0.4 else rng.exponential(8)
        step = np.arange(0, length, 0.25)
        turn = rng.uniform(0, 2 * np.pi) + rng.normal(0, 0.03) * step
        row = rng.uniform(0, size) + 0.25 * np.cumsum(np.sin(turn))
        column = rng.uniform(0, size) + 0.25 * np.cumsum(np.cos(turn))
        inside = (row >= 0) & (row < size) & (column >= 0) & (column < size)
        at = row[inside].astype(int), column[inside].astype(int)
        loss = rng.lognormal(1, 0.8) * rng.gamma(4, 0.25, inside.sum())
        np.add.at(charge, at, loss)
    return charge


@validated(FIELD)
def make_spherical_digits(n_samples=400, *, size=32, random_state=None):
    """Simulate handwritten digits on a sphere with random rotations.

    The images of :func:`sklearn.datasets.load_digits` are projected stereographically
    from the south pole to the northern hemisphere, rotated by a uniformly random
    rotation, and sampled on a grid of equal angles, as for Spherical CNNs (T. S. Cohen
    et al., ICLR 2018).

    Parameters
    ----------
    n_samples : int, default=400
    size : int, default=32
        Number of points along each side of the grid. Row i is at the colatitude
        pi (i + 1/2) / size, column j at the longitude 2 pi j / size.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : ndarray of shape (n_samples, 1, size, size)
        Ink between 0 and 1, with noise.
    y : ndarray of shape (n_samples,)
        The digit.
    """
    rng = check_random_state(random_state)
    digits = load_digits()
    y = balanced(n_samples, 10, rng)
    rows = [rng.choice(np.flatnonzero(digits.target == label)) for label in y]
    # Four normal numbers are a quaternion with a uniform direction.
    rotations = Rotation.from_quat(rng.standard_normal((n_samples, 4)))
    X = _on_sphere(digits.images[rows] / 16, rotations.as_matrix(), size)
    X += 0.1 * rng.standard_normal(X.shape)
    return X[:, None], y


def _on_sphere(images, rotations, size):
    """Project images (n, h, h) on spheres rotated by (n, 3, 3): (n, size, size)."""
    n, side = images.shape[:2]
    # The positions of the grid points before the rotation: R^T p.
    points = _grid(size) @ rotations[:, None]
    # Points south of the equator are mapped outside the unit circle.
    plane = points[..., :2] / np.maximum(1 + points[..., 2:], 1e-9)
    # The corners of the image are on the equator.
    row, column = np.moveaxis((side - 1) / 2 + side / np.sqrt(2) * plane, -1, 0)
    number = np.broadcast_to(np.arange(n)[:, None, None], row.shape)
    return scipy.ndimage.map_coordinates(
        images, [number, row, column], order=1, mode="grid-constant"
    )


def _grid(size):
    """Return points of the unit sphere at equal angles, (size, size, 3)."""
    colatitude = np.pi * (np.arange(size)[:, None] + 0.5) / size
    longitude = 2 * np.pi * np.arange(size) / size
    x = np.sin(colatitude) * np.cos(longitude)
    y = np.sin(colatitude) * np.sin(longitude)
    return np.stack([x, y, np.broadcast_to(np.cos(colatitude), x.shape)], axis=-1)


# Distance of alpha carbons that are neighbours in the chain, and that are in contact,
# in Angstrom.
_BOND, _CONTACT = 3.8, 8.0

# Coil, helix, strand: probability to continue; mean and spread of the angle between
# bonds and of the dihedral angle, in degrees.
_COIL, _HELIX, _STRAND = range(3)
_STRUCTURES = np.array(
    [
        [0.75, 110, 12, 0, 180],
        [0.88, 91, 3, 50, 5],
        [0.76, 122, 6, -170, 12],
    ]
)


@validated(CHAIN)
def make_distance_maps(n_samples=200, *, length=32, random_state=None):
    """Simulate distances between the residues of chains that fold like small proteins.

    Alpha carbons are 3.8 Angstrom apart along the chain. Coils, helices and strands
    alternate at random, each with its own bond and dihedral angles. Residues do not
    collide, but are close to each other. The features are those of contact prediction:
    noisy co-evolution scores (PSICOV, D. T. Jones et al., Bioinformatics 28, 2012), and
    evidence about each residue, summed over the pair (D. T. Jones, S. M. Kandathil,
    Bioinformatics 34, 2018).

    Parameters
    ----------
    n_samples : int, default=200
    length : int, default=32
        Number of residues of a chain.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : ndarray of shape (n_samples, 5, length, length)
        Co-evolution score, logarithm of one plus the separation along the chain, and
        the summed evidence for helix, strand and burial.
    y : ndarray of shape (n_samples, length, length)
        Distance of the alpha carbons in Angstrom.
    """
    rng = check_random_state(random_state)
    structure = _structures(n_samples, length, rng)
    chain = _fold(structure, rng)
    y = np.linalg.norm(chain[:, :, None] - chain[:, None], axis=-1)
    separation = np.abs(np.subtract.outer(np.arange(length), np.arange(length)))
    neighbours = (y < 10).sum(2)
    known = np.stack([structure == _HELIX, structure == _STRAND, neighbours / 8], 1)
    known = known + 0.5 * rng.standard_normal(known.shape)
    X = np.empty((n_samples, 5, length, length))
    X[:, 0] = _coevolution(y, rng)
    X[:, 1] = np.log1p(separation)
    X[:, 2:] = known[..., None] + known[..., None, :]
    return X, y


def _structures(n_samples, length, rng):
    """Return the secondary structure of each residue, (n, length)."""
    structure = np.empty((n_samples, length), dtype=int)
    structure[:, 0] = rng.randint(3, size=n_samples)
    for i in range(1, length):
        before = structure[:, i - 1]
        # Helices and strands are followed by a coil, a coil by either.
        other = np.where(before == _COIL, rng.randint(1, 3, n_samples), _COIL)
        stays = rng.rand(n_samples) < _STRUCTURES[before, 0]
        structure[:, i] = np.where(stays, before, other)
    return structure


def _fold(structure, rng, n_choices=8):
    """Return the positions of the residues, (n, length, 3)."""
    n, length = structure.shape
    rows = np.arange(n)
    chain = np.zeros((n, length, 3))
    chain[:, 1, 0] = _BOND
    # A bond before the first one defines the first dihedral angle.
    bond, before = np.array([[1.0, 0, 0]] * n), np.array([[0.0, 1, 0]] * n)
    for i in range(2, length):
        # Helices and strands may end early to avoid collisions.
        kind = np.repeat([structure[:, i], np.full(n, _COIL)], n_choices, axis=0)
        broken = kind != structure[:, i]
        angle, spread, dihedral, twist = np.radians(_STRUCTURES[kind, 1:].T).swapaxes(
            1, 2
        )
        choice = rng.standard_normal((2, *kind.shape))
        bends = np.pi - (angle + spread * choice[0])
        turns = dihedral + twist * choice[1]
        # Axes: along the bond, across it in the plane of the last two, and normal.
        upright = np.cross(before, bond)
        upright /= np.linalg.norm(upright, axis=1, keepdims=True)
        across = np.cross(upright, bond)
        step = (
            np.cos(bends)[..., None] * bond
            + (np.sin(bends) * np.cos(turns))[..., None] * across
            + (np.sin(bends) * np.sin(turns))[..., None] * upright
        )
        place = chain[:, i - 1] + _BOND * step
        apart = np.linalg.norm(place[:, :, None] - chain[:, : i - 1], axis=-1)
        # At least 4 Angstrom from all others, and as close to the middle as possible.
        collision = np.maximum(4 - apart.min(2), 0)
        middle = chain[:, :i].mean(1)
        cost = np.linalg.norm(place - middle, axis=-1) + 100 * collision + 10 * broken
        best = (cost + rng.exponential(1.0, cost.shape)).argmin(0)
        chain[:, i] = place[best, rows]
        before, bond = bond, step[best, rows]
    return chain


def _coevolution(distance, rng):
    """Return noisy symmetric scores that are higher for pairs in contact."""
    n, length = distance.shape[:2]
    contact = 1 / (1 + np.exp(distance - _CONTACT))
    # Some pairs in contact do not co-evolve, and alignments differ in depth.
    strength = rng.gamma(1.0, 1.0, distance.shape) * rng.uniform(1, 3, (n, 1, 1))
    score = strength * contact + rng.standard_normal(distance.shape)
    score = scipy.ndimage.gaussian_filter(score, (0, 0.5, 0.5))
    bias = 0.3 * rng.standard_normal((n, length))
    return (score + score.swapaxes(1, 2)) / 2 + bias[:, :, None] + bias[:, None]
