from pathlib import Path

import numpy as np
import openml
import pytest
import torch

from sklearn_pare import sources
from sklearn_pare.exceptions import DataError, UnknownNameError
from sklearn_pare.sources import openml_data


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Function that creates data sets in a cache of openml without a server."""
    monkeypatch.setattr(openml.config, "_root_cache_directory", tmp_path)
    monkeypatch.setattr(openml.config, "server", "http://127.0.0.1:9/api/v1/xml")
    monkeypatch.setattr(openml.config, "connection_n_retries", 1)
    monkeypatch.setenv("OPENML_SKIP_PARQUET", "true")

    def make(number, attributes, rows, target="class"):
        folder = Path(openml.config.get_cache_directory(), "datasets", str(number))
        folder.mkdir(parents=True)
        default = (
            f"<oml:default_target_attribute>{target}</oml:default_target_attribute>"
        )
        (folder / "description.xml").write_text(
            '<oml:data_set_description xmlns:oml="http://openml.org/openml">'
            f"<oml:id>{number}</oml:id><oml:name>made</oml:name>"
            "<oml:version>1</oml:version><oml:description>made</oml:description>"
            "<oml:format>ARFF</oml:format><oml:licence>CC0</oml:licence>"
            "<oml:url>http://127.0.0.1:9/made.arff</oml:url>"
            f"<oml:file_id>{number}</oml:file_id>{default if target else ''}"
            "</oml:data_set_description>"
        )
        lines = ["@RELATION made", *(f"@ATTRIBUTE {a}" for a in attributes), "@DATA"]
        lines += [",".join(map(str, row)) for row in rows]
        (folder / "dataset.arff").write_text("\n".join(lines) + "\n")
        return sources.get(f"openml:{number}")

    return make


def _pixels(n_columns, n=12):
    attributes = [f"p{i} NUMERIC" for i in range(n_columns)] + ["class {cat,dog,emu}"]
    values = np.random.default_rng(0).integers(0, 256, size=(n, n_columns))
    labels = np.array(["emu", "cat", "dog"])[np.arange(n) % 3]
    rows = [[*v, c] for v, c in zip(values, labels, strict=True)]
    return values, labels, attributes, rows


def test_openml__192_columns__images_standardised_by_channel(cache, generator):
    values, labels, attributes, rows = _pixels(192)
    source = cache(7, attributes, rows)
    x, y = source.sample(100, generator)
    assert source.row_shape == (3, 8, 8)
    assert source.n_classes == 3
    assert x.dtype == torch.float32
    images = values.reshape(-1, 3, 8, 8)
    mean, std = images.mean((0, 2, 3)), images.std((0, 2, 3))
    expected = (images - mean[:, None, None]) / std[:, None, None]
    codes = np.unique(labels, return_inverse=True)[1]
    numbers = [np.abs(expected - row.numpy()).sum((1, 2, 3)).argmin() for row in x]
    np.testing.assert_allclose(x, expected[numbers], atol=1e-4)
    assert y.tolist() == codes[numbers].tolist()


def test_openml__one_seed__same_rows(cache):
    _, _, attributes, rows = _pixels(4)
    source = cache(7, attributes, rows)
    x, y = source.sample(9, torch.Generator().manual_seed(1))
    again = sources.get("openml:7").sample(9, torch.Generator().manual_seed(1))
    assert torch.equal(x, again[0])
    assert torch.equal(y, again[1])


def test_openml__categories_and_gaps__numbers(cache):
    rows = [
        ["red", 1, "?", "yes"],
        ["blue", "?", "?", "no"],
        ["red", 3, "?", "no"],
        ["?", 2, "?", "?"],
        ["blue", 2, "?", "yes"],
    ]
    attributes = ["colour {red,blue}", "size REAL", "empty REAL", "class {yes,no}"]
    source = cache(8, attributes, rows)
    assert source.row_shape == (3,)
    assert source.n_classes == 2
    # The sample without a class is dropped. Blue is 0 and red is 1.
    X = source._arrays.rows.numpy()
    assert len(X) == 4
    np.testing.assert_allclose(X[:, 0], [1, -1, 1, -1], atol=1e-6)
    np.testing.assert_allclose(X[:, 1], np.array([-1, 0, 1, 0]) * 2**0.5, atol=1e-6)
    np.testing.assert_array_equal(X[:, 2], 0)


@pytest.mark.parametrize(
    ("n_columns", "shape"),
    [
        (3072, (3, 32, 32)),
        (192, (3, 8, 8)),
        (784, (1, 28, 28)),
        (64, (1, 8, 8)),
        (147, (147,)),
        (49, (49,)),
        (65, (65,)),
        (1, (1,)),
    ],
)
def test_openml__columns__image_where_square(n_columns, shape):
    assert openml_data._row_shape(n_columns) == shape


def test_openml__target_is_a_number__refused(cache):
    source = cache(9, ["a REAL", "class REAL"], [[1, 0.5], [2, 1.5], [3, 2.25]])
    with pytest.raises(DataError, match=r"'openml:9': the target 'class' is a number"):
        _ = source.n_classes


def test_openml__no_target__refused(cache):
    source = cache(9, ["a REAL", "b REAL"], [[1, 0.5], [2, 1.5]], target=None)
    with pytest.raises(DataError, match="data set 9 has no default target"):
        _ = source.row_shape


def test_openml__not_in_the_cache__says_how_to_fetch(cache):
    source = sources.get("openml:40927")
    with pytest.raises(DataError, match=r"get_dataset\(40927, download") as caught:
        _ = source.n_classes
    assert openml.config.get_cache_directory() in str(caught.value)
    assert "OPENML_CACHE_DIR" in str(caught.value)


def test_openml__no_answer__key_is_not_shown(cache, monkeypatch):
    monkeypatch.setattr(openml.config, "apikey", "secret/key")
    with pytest.raises(DataError, match="ConnectionError") as caught:
        _ = sources.get("openml:40927").n_classes
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


@pytest.mark.parametrize("spec", ["0", "-3", "1.5", "cifar", "7 ", "\u0663"])
def test_openml__no_number__refused_at_once(spec):
    with pytest.raises(UnknownNameError, match="names no data set"):
        sources.get(f"openml:{spec}")


def _cut(path):
    path.write_text(path.read_text()[: path.stat().st_size // 2])


def _delete(path):
    path.unlink()


def _page(path):
    path.write_text("<html><body>Log in to the network</body></html>")


@pytest.mark.parametrize("harm", [_cut, _delete, _page])
@pytest.mark.parametrize("name", ["description.xml", "dataset.arff"])
def test_openml__file_of_the_cache_damaged_or_missing__named_and_the_other_kept(
    name, harm, cache
):
    _, _, attributes, rows = _pixels(4)
    source = cache(7, attributes, rows)
    path = Path(openml.config.get_cache_directory(), "datasets", "7")
    harm(path / name)
    before = set(path.iterdir())
    for _ in range(2):
        with pytest.raises(DataError, match=f"'openml:7': .*7/{name}") as caught:
            _ = source.n_classes
        assert "Remove the folder" in str(caught.value) or name == "dataset.arff"
        assert set(path.iterdir()) == before


def test_openml__sparse_data__said_that_it_is_not_supported(cache):
    source = cache(7, ["a REAL", "class {yes,no}"], [[1, "yes"], [2, "no"]])
    path = Path(openml.config.get_cache_directory(), "datasets", "7", "description.xml")
    path.write_text(path.read_text().replace(">ARFF<", ">Sparse_ARFF<"))
    with pytest.raises(DataError, match="Sparse_ARFF, which is not supported"):
        _ = source.n_classes
