import numpy as np
import pytest
import scipy.ndimage
from scipy.spatial.transform import Rotation
from scipy.special import factorial, lpmv
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.metrics import average_precision_score, r2_score

from sklearn_pare.datasets.simulate import images
from sklearn_pare.datasets.simulate.images import (
    make_cosmic_rays,
    make_distance_maps,
    make_spherical_digits,
)


@pytest.fixture(scope="module")
def telescope():
    return make_cosmic_rays(100, random_state=0)


def test_cosmic_rays__one_to_two_pixels_in_a_hundred(telescope):
    y = telescope[1]
    assert y.dtype.kind == "i"
    assert np.unique(y).tolist() == [0, 1]
    assert 0.01 < y.mean() < 0.02


def test_cosmic_rays__brighter_and_sharper_than_the_rest(telescope):
    X, y = telescope[0][:, 0], telescope[1]
    around = scipy.ndimage.uniform_filter(X, (0, 5, 5))
    assert (X - around)[y == 1].mean() > 5
    # The unit is the noise, the origin is the sky.
    assert np.median(X[y == 0]) == pytest.approx(0, abs=0.15)
    low, high = np.quantile(X[y == 0], [0.16, 0.5])
    assert high - low == pytest.approx(1, abs=0.1)


def test_hits__points_and_tracks():
    rng = np.random.RandomState(0)
    sizes = []
    for _ in range(50):
        charge = images._hits(256, rng)
        labels, n = scipy.ndimage.label(charge > 0, np.ones((3, 3)))
        sizes.extend(np.bincount(labels.ravel(), minlength=n + 1)[1:])
    assert np.mean(np.array(sizes) <= 2) > 0.3
    assert np.mean(np.array(sizes) > 8) > 0.15
    # An erosion removes almost all of a mask of thin lines.
    assert scipy.ndimage.binary_erosion(charge > 0).sum() < 0.02 * (charge > 0).sum()


def test_sources__as_wide_as_the_seeing():
    rng = np.random.RandomState(0)
    for _ in range(20):
        light = images._sources(64, rng)
        peak = light.max()
        # Unlike those of rays, the brightest pixel has bright neighbours.
        neighbours = np.sort(light.ravel())[-3:-1]
        assert neighbours.min() > 0.1 * peak


def test_cosmic_rays__neighbourhood_helps_but_does_not_suffice(telescope):
    X, y = telescope[0][:, 0], telescope[1]
    stack = [np.roll(X, (i, j), (1, 2)) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    features = np.stack(stack, axis=-1)
    model = RandomForestClassifier(10, min_samples_leaf=5, random_state=0)
    model.fit(features[:4].reshape(-1, 9), y[:4].ravel())
    probability = model.predict_proba(features[-10:].reshape(-1, 9))[:, 1]
    brightness = average_precision_score(y[-10:].ravel(), X[-10:].ravel())
    neighbourhood = average_precision_score(y[-10:].ravel(), probability)
    assert 0.1 < brightness + 0.05 < neighbourhood < 0.95


def _weights(size):
    return np.sin(np.pi * (np.arange(size)[:, None] + 0.5) / size)


def test_grid__unit_sphere():
    grid = images._grid(64)
    np.testing.assert_allclose(np.linalg.norm(grid, axis=-1), 1)
    np.testing.assert_allclose(
        (grid * _weights(64)[..., None]).sum((0, 1)), 0, atol=1e-9
    )
    # The total weight is the area of the sphere.
    cell = np.pi / 64 * 2 * np.pi / 64
    assert _weights(64).sum() * 64 * cell == pytest.approx(4 * np.pi, rel=1e-3)


def test_on_sphere__no_rotation_gives_the_digit_back():
    digits = load_digits().images[:5] / 16
    sphere = images._on_sphere(digits, np.repeat(np.eye(3)[None], 5, axis=0), 256)
    # The south is empty, except for the interpolation at the equator.
    assert np.abs(sphere[:, 140:]).max() == 0
    offset = (np.arange(8) - 3.5) * np.sqrt(2) / 8
    x, y = np.meshgrid(offset, offset, indexing="ij")
    colatitude, longitude = 2 * np.arctan(np.hypot(x, y)), np.arctan2(y, x)
    row = colatitude / np.pi * 256 - 0.5
    column = longitude / (2 * np.pi) * 256 % 256
    for digit, image in zip(digits, sphere, strict=True):
        back = scipy.ndimage.map_coordinates(
            image, [row, column], order=1, mode="grid-wrap"
        )
        np.testing.assert_allclose(back, digit, atol=0.05)


def test_on_sphere__rotation_keeps_the_total_and_moves_the_digit():
    digit = load_digits().images[3] / 16
    rotations = Rotation.from_quat(
        np.random.default_rng(0).normal(size=(20, 4))
    ).as_matrix()
    rotations[0] = np.eye(3)
    sphere = images._on_sphere(np.repeat(digit[None], 20, axis=0), rotations, 64)
    total = (sphere * _weights(64)).sum((1, 2))
    np.testing.assert_allclose(total, total[0], rtol=0.02)
    assert all(np.abs(image - sphere[0]).mean() > 0.05 for image in sphere[1:])
    # The centre of mass is rotated, too.
    mean = np.einsum("nij,ijd->nd", sphere * _weights(64), images._grid(64))
    np.testing.assert_allclose(
        mean / total[:, None], rotations @ mean[0] / total[0], atol=0.02
    )


def test_spherical_digits__balanced_and_everywhere():
    X, y = make_spherical_digits(random_state=0)
    assert np.bincount(y).tolist() == [40] * 10
    mean = X.mean((0, 1))
    # Rotations are uniform: no position on the sphere has more ink than another.
    assert mean.std() < 0.2 * mean.mean()


def _powers(X, highest=12):
    """Return the power of spherical harmonics by degree, invariant under rotation."""
    size = X.shape[-1]
    colatitude = np.pi * (np.arange(size)[:, None] + 0.5) / size
    longitude = 2 * np.pi * np.arange(size) / size
    powers = []
    for degree in range(highest + 1):
        orders = np.arange(degree + 1)[:, None, None]
        scale = factorial(degree - orders) / factorial(degree + orders)
        scale = np.sqrt((2 * degree + 1) / (4 * np.pi) * scale)
        basis = scale * lpmv(orders, degree, np.cos(colatitude))
        basis = basis * np.exp(-1j * orders * longitude)
        part = np.einsum("nij,mij->nm", X[:, 0] * _weights(size), basis)
        powers.append((np.abs(part) ** 2).sum(1))
    return np.log(powers).T


def test_spherical_digits__invariants_help_but_do_not_suffice():
    X, y = make_spherical_digits(500, random_state=0)

    def score(features):
        model = RandomForestClassifier(40, random_state=0)
        return model.fit(features[:350], y[:350]).score(features[350:], y[350:])

    assert 0.3 < score(_powers(X)) < 0.9
    assert score(X.reshape(500, -1)) < 0.3


@pytest.fixture(scope="module")
def proteins():
    return make_distance_maps(random_state=0)


def test_distance_maps__distances_of_a_chain(proteins):
    X, y = proteins
    np.testing.assert_array_equal(y, y.swapaxes(1, 2))
    np.testing.assert_array_equal(np.diagonal(y, axis1=1, axis2=2), 0)
    np.testing.assert_allclose(np.diagonal(y, 1, 1, 2), 3.8)
    detour = (y[:20, :, :, None] + y[:20, None]).min(2)
    assert (y[:20] <= detour + 1e-9).all()
    # Squared distances in space: centred, a matrix of rank three.
    centre = np.eye(32) - 1 / 32
    values = np.linalg.eigvalsh(-0.5 * centre @ y[:20] ** 2 @ centre)
    np.testing.assert_allclose(values[:, :-3], 0, atol=1e-8)
    np.testing.assert_allclose(X, X.swapaxes(2, 3))


def test_distance_maps__no_knots_of_atoms_and_some_contacts(proteins):
    y = proteins[1]
    i, j = np.triu_indices(32, 2)
    assert (y[:, i, j] < 3.8).mean() < 0.005
    far = j - i >= 6
    assert 0.03 < (y[:, i[far], j[far]] < 8).mean() < 0.25


def test_fold__helix_and_strand_have_their_pitch():
    rng = np.random.RandomState(0)
    helix, strand = np.ones((20, 14), dtype=int), np.full((20, 14), 2)
    rise = {}
    for name, structure in {"helix": helix, "strand": strand}.items():
        chain = images._fold(structure, rng)
        step = np.linalg.norm(chain[:, 10:12] - chain[:, 2:4], axis=-1)
        rise[name] = np.median(step) / 8
    # Angstrom per residue, as in real proteins.
    assert rise["helix"] == pytest.approx(1.5, abs=0.3)
    assert rise["strand"] == pytest.approx(3.3, abs=0.3)


def test_structures__persist():
    structure = images._structures(500, 60, np.random.RandomState(0))
    stays = structure[:, 1:] == structure[:, :-1]
    for kind, expected in enumerate(images._STRUCTURES[:, 0]):
        of_kind = structure[:, :-1] == kind
        assert stays[of_kind].mean() == pytest.approx(expected, abs=0.02)
        assert of_kind.mean() > 0.15


def test_distance_maps__features_help_but_do_not_suffice(proteins):
    X, y = proteins
    pairs = np.moveaxis(X, 1, 3)
    train, test = slice(0, 15), slice(-20, None)

    def score(columns):
        model = RandomForestRegressor(10, min_samples_leaf=20, random_state=0)
        model.fit(
            pairs[train][..., columns].reshape(-1, len(columns)), y[train].ravel()
        )
        predicted = model.predict(pairs[test][..., columns].reshape(-1, len(columns)))
        return r2_score(y[test].ravel(), predicted)

    separation, everything = score([1]), score([0, 1, 2, 3, 4])
    assert separation + 0.05 < everything < 0.9
