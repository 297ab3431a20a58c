import h5py
import numpy as np
import scipy.io

from tests.datasets.nas_bench_360.files import FOLDER, fetch, of


def test_darcy__every_fifth_point_standardised_by_the_training_part(written):
    home = written("darcy")
    first, second = (
        scipy.io.loadmat(home / FOLDER / f"piececonst_r421_N1024_smooth{k}.mat")
        for k in (1, 2)
    )
    x, y = (first[key][:, ::5, ::5].astype(float) for key in ("coeff", "sol"))
    mean, scale = x[:22].mean(0), x[:22].std(0, ddof=1) + 1e-5
    bunch = fetch("darcy", home, "valid")
    np.testing.assert_allclose(bunch.data[:, 0], (x[22:] - mean) / scale, atol=1e-5)
    np.testing.assert_allclose(bunch.target[:, 0], y[22:], rtol=1e-6)
    np.testing.assert_allclose(bunch.y_mean, y[:22].mean(0), rtol=1e-6)
    np.testing.assert_allclose(bunch.y_scale, y[:22].std(0, ddof=1) + 1e-5, rtol=1e-6)
    line = np.linspace(0, 1, 85, dtype=np.float32)
    np.testing.assert_array_equal(bunch.data[1, 1, 7], line)
    np.testing.assert_array_equal(bunch.data[1, 2, :, 7], line)
    test = fetch("darcy", home, "test").data[:, 0]
    expected = (second["coeff"][:, ::5, ::5] - mean) / scale
    np.testing.assert_allclose(test, expected, atol=1e-5)


@of("darcy")
def test_darcy__hdf5_with_reversed_axes(home):
    expected = fetch("darcy", home, "train+valid")
    path = home / FOLDER / "piececonst_r421_N1024_smooth1.mat"
    arrays = scipy.io.loadmat(path, variable_names=["coeff", "sol"])
    path.unlink()
    with h5py.File(path, "w", userblock_size=512) as file:
        for key in ("coeff", "sol"):
            file[key] = arrays[key].T
    found = fetch("darcy", home, "train+valid")
    np.testing.assert_array_equal(found.data, expected.data)
    np.testing.assert_array_equal(found.target, expected.target)
