import numpy as np
import pytest
import torch

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare._data.grids import resample
from sklearn_pare.exceptions import DataError
from tests.common.instances import tiny

N = 60


def waves(side, axes, n=N, seed=0):
    """Smooth fields of the same three waves on any grid, (n, 1, side[, side])."""
    rng = np.random.default_rng(seed)
    place = (np.arange(side) + 0.5) / side
    weights = rng.normal(size=(n, 3, axes))
    lines = np.stack([np.cos(np.pi * k * place) for k in range(3)])
    fields = np.einsum("nk,kl->nl", weights[..., 0], lines)
    if axes == 2:
        other = np.einsum("nk,kl->nl", weights[..., 1], lines)
        fields = fields[:, :, None] + other[:, None]
    return fields[:, None]


def relative(found, expected):
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


CASES = {
    "images, finer": (2, 16, 32),
    "images, coarser": (2, 16, 8),
    "images, no multiple": (2, 16, 23),
    "signals, finer": (1, 32, 64),
    "signals, coarser": (1, 32, 20),
}


@pytest.mark.parametrize("name", CASES)
def test_fields_on_another_grid__error_of_a_smooth_field(name):
    axes, side, other = CASES[name]
    X, X_test, X_other = (waves(s, axes, seed=i)
                          for s, i in ((side, 0), (side, 1), (other, 1)))  # fmt: skip
    reg = tiny(PaReRegressor, max_epochs=1).fit(X, 3 - 2 * X)
    same = relative(reg.predict(X_test), 3 - 2 * X_test)
    with pytest.warns(UserWarning, match="samples on a grid of"):
        found = reg.predict(X_other)
    assert found.shape == X_other.shape
    assert relative(found, 3 - 2 * X_other) < same + 0.05


def test_fields_without_channels__shape_of_y():
    X = waves(12, 2)
    reg = tiny(PaReRegressor, max_epochs=1).fit(X, X[:, 0])
    with pytest.warns(UserWarning, match=r"grid of 24 x 18 .* in fit it was 12 x 12"):
        found = reg.predict(waves(72, 2)[:, :, ::3, ::4])
    assert found.shape == (N, 24, 18)


def test_fields_on_half_of_the_grid__keep_the_ratio():
    X = waves(16, 2)
    reg = tiny(PaReRegressor, max_epochs=1).fit(X, X[:, :, ::2, ::2])
    with pytest.warns(UserWarning, match="resampled"):
        assert reg.predict(waves(32, 2)).shape == (N, 1, 16, 16)


def test_masks__classes_and_logits_of_the_new_grid():
    X = waves(16, 2)
    clf = tiny(PaReClassifier, max_epochs=1).fit(X, X[:, 0] > 0)
    with pytest.warns(UserWarning, match="resampled"):
        assert clf.predict(waves(20, 2)).shape == (N, 20, 20)
    with pytest.warns(UserWarning, match="resampled"):
        assert clf.predict_proba(waves(20, 2)).shape == (N, 2, 20, 20)


def test_images__classes_features_and_module():
    X = waves(16, 2)
    clf = tiny(PaReClassifier, max_epochs=1, precision="fp32").fit(X, X[:, 0, 0, 0] > 0)
    fine = waves(32, 2)
    with pytest.warns(UserWarning, match="resampled to the grid of fit"):
        logits = clf.decision_function(fine)
    with pytest.warns(UserWarning, match="resampled"):
        assert clf.transform(fine).shape == clf.transform(X).shape
    with pytest.warns(UserWarning, match="resampled"):
        x = clf.encode(fine)
    assert x.shape == X.shape
    found = clf.module_(x).detach().numpy()
    np.testing.assert_allclose(found, logits, atol=1e-5)
    np.testing.assert_allclose(logits, clf.decision_function(X), atol=0.2)


@pytest.mark.parametrize("wrong", ["channels", "axes", "length of signals"])
def test_other_shapes__still_refused(wrong):
    X = waves(16, 2) if wrong != "length of signals" else waves(16, 1)
    clf = tiny(PaReClassifier, max_epochs=1, linear_path=False)
    clf.fit(X, np.arange(N) % 2)
    other = {
        "channels": np.repeat(X, 2, 1),
        "axes": X[..., 0],
        "length of signals": waves(20, 1),
    }[wrong]
    with pytest.raises(ValueError, match=r"was fitted to|at most 16"):
        clf.predict(other)


def test_resample__constant_and_linear_fields():
    x = np.linspace(0, 1, 8, dtype=np.float32)[None, None]
    assert np.array_equal(resample(x, (8,)), x)
    fine = resample(x, (16,))
    np.testing.assert_allclose(resample(fine, (8,))[..., 1:-1], x[..., 1:-1], atol=0.01)
    constant = np.full((2, 3, 5, 4), 7.0, dtype=np.float32)
    assert np.allclose(resample(constant, (3, 9)), 7)
    assert isinstance(resample(constant, (3, 9)), np.ndarray)


def test_resample__new_size__of_a_tensor_is_the_same():
    x = np.random.default_rng(0).normal(size=(2, 1, 6, 6)).astype(np.float32)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(x), (3, 3), mode="bilinear", antialias=True
    )
    assert np.array_equal(resample(x, (3, 3)), expected)


def test_fit__validation_samples_keep_the_grid():
    X = waves(16, 2)
    with pytest.raises(DataError, match="do not fit input_shape"):
        tiny(PaReRegressor).fit(X, X, X_val=waves(8, 2), y_val=waves(8, 2))


def test_images_with_gaps_on_another_grid__gap_where_nothing_is_known():
    values = np.ones((1, 2, 8, 8), np.float32)
    values[:, 0, :, :4] = np.nan
    found = resample(values, (4, 4))
    # A position at the border is an average of known and unknown ones.
    missing = [[True, False, False, False]] * 4
    np.testing.assert_array_equal(np.isnan(found[0, 0]), missing)
    np.testing.assert_allclose(found[0, 0, :, 1:], 1.0)
    np.testing.assert_allclose(found[0, 1], 1.0)
