import numpy as np
import pytest

from sklearn_pare.datasets import fetch_nas_bench_360
from sklearn_pare.datasets.write import write_nas_bench_360
from sklearn_pare.exceptions import UnknownNameError


def test_write__same_seed_same_files(tmp_path):
    bunches = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        home = tmp_path / name
        write_nas_bench_360("satellite", home, n=20, random_state=seed)
        bunches.append(fetch_nas_bench_360("satellite", data_home=home, download=False))
    np.testing.assert_array_equal(bunches[0].data, bunches[1].data)
    assert not np.array_equal(bunches[0].data, bunches[2].data)


def test_write__unknown_task_or_too_few_samples(tmp_path):
    with pytest.raises(UnknownNameError, match="Did you mean 'psicov'"):
        write_nas_bench_360("psicow", tmp_path)
    with pytest.raises(ValueError, match="n=5 leaves parts"):
        write_nas_bench_360("ecg", tmp_path, n=5)
