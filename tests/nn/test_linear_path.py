import pytest
import torch

from sklearn_pare.nn.linear_path import (
    ColumnFeatures,
    LinearPath,
    PooledNumbers,
    pool,
    pooled_size,
    resample,
)

NAN = float("nan")


def test_column_features__numbers_missing_and_indicators():
    features = ColumnFeatures([0, 3, 0, 2])
    x = torch.tensor([[1.5, 2.0, NAN, 0.0], [-1.0, NAN, 4.0, NAN]])
    expected = [
        [1.5, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0],
        [-1.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    ]
    assert features(x).tolist() == expected
    assert features.n_features == 9


@pytest.mark.parametrize("cardinalities", [(0, 0), (2, 4)], ids=str)
def test_column_features__columns_of_one_kind(cardinalities):
    features = ColumnFeatures(cardinalities)
    assert features(torch.ones(3, 2)).shape == (3, features.n_features)


@pytest.mark.parametrize(
    ("shape", "size"),
    [((1, 20), (20,)), ((2, 8, 16), (8, 16)), ((60, 8, 8), (5, 5))],
)
def test_pooled_size__bounded_and_of_the_aspect(shape, size):
    assert pooled_size(shape) == size


@pytest.mark.parametrize("shape", [(1, 100_000), (3, 512, 512), (60, 300, 40)])
def test_pooled_numbers__at_most_2048(shape, generator):
    features = PooledNumbers(shape)
    x = torch.randn(2, *shape, generator=generator)
    assert features(x).shape == (2, features.n_features)
    assert 500 < features.n_features <= 2048
    mean = features(torch.ones(1, *shape))
    torch.testing.assert_close(mean, torch.ones_like(mean))


def test_pool_and_resample__own_size__the_same_tensor(generator):
    x = torch.randn(2, 3, 8, 6, generator=generator)
    assert pool(x, (8, 6)) is x
    assert resample(x, (8, 6)) is x
    assert pool(x, (4, 3)).shape == resample(x, [4, 3]).shape == (2, 3, 4, 3)


@pytest.mark.parametrize(
    "output_shape", [(3,), (1, 20), (2, 16), (1, 9, 5), (2, 128, 128)], ids=str
)
def test_linear_path__outputs_of_any_shape(output_shape, generator):
    path = LinearPath(PooledNumbers((2, 12, 10)), output_shape)
    x = torch.randn(4, 2, 12, 10, generator=generator)
    y = torch.randn(4, *output_shape, generator=generator)
    assert path(x).shape == y.shape
    assert (path(x) == 0).all()
    assert path.fold(y).shape == (4, len(path.bias))
    if y[0].numel() <= 2048:
        assert torch.equal(path.unfold(path.fold(y)), y)
    assert list(path.parameters()) == []


def test_zoom__outputs_of_each_channel_divided(generator):
    path = LinearPath(PooledNumbers((1, 6)), (2, 6))
    path.weight.normal_(generator=generator)
    path.bias.normal_(generator=generator)
    x = torch.randn(3, 1, 6, generator=generator)
    before = path(x)
    path.zoom(torch.tensor([2.0, 0.5]))
    torch.testing.assert_close(path(x), before / torch.tensor([2.0, 0.5])[:, None])


@pytest.mark.parametrize("n_columns", [1, 5, 9, 10, 13, 29, 64, 101])
@pytest.mark.parametrize("n_rows", [8, 64])
def test_linear_path__row_in_another_place__same_bits(n_columns, n_rows, generator):
    for n_outputs in (1, 2, 3, 10):
        path = LinearPath(ColumnFeatures([0] * n_columns), (n_outputs,))
        path.weight.normal_(generator=generator)
        x = torch.randn(n_rows, n_columns, generator=generator)
        outputs = path(x)
        for shift in (1, 3, 7):
            assert torch.equal(path(x.roll(shift, 0)), outputs.roll(shift, 0))
