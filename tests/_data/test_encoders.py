"""Encoders: standardisation of channels, and the choice of the encoder."""

import numpy as np
import pytest

from sklearn_pare._data.encoders import ChannelScaler, encoder_for
from sklearn_pare._data.lazy import LazyArray
from sklearn_pare._data.tables import TableEncoder
from sklearn_pare._data.validation import select
from sklearn_pare.exceptions import DataError

TABLE = np.random.default_rng(0).normal(size=(20, 6))
SIGNALS = np.random.default_rng(1).uniform(0, 200, size=(20, 1, 16))


@pytest.mark.parametrize("shape", [(50, 4), (50, 3, 7), (50, 2, 5, 6)])
def test_channel_scaler__zero_mean_unit_variance_per_channel(shape, monkeypatch, rng):
    monkeypatch.setattr("sklearn_pare._data.lazy._BLOCK", 100)  # several blocks
    X = 5 + 3 * rng.normal(size=shape)
    Z = ChannelScaler().fit(X).transform(X)
    axes = tuple(i for i in range(Z.ndim) if i != 1)
    assert Z.dtype == np.float32
    np.testing.assert_allclose(Z.mean(axes), 0, atol=1e-5)
    np.testing.assert_allclose(Z.std(axes), 1, atol=1e-5)


def test_channel_scaler__lazy_rows__evenly_spaced_within_the_limit(
    tmp_path, monkeypatch, rng
):
    X = np.memmap(tmp_path / "X", np.float32, "w+", shape=(30, 2, 16))
    X[:] = rng.normal(size=X.shape)
    # Fewer than 8 of 30 samples: every fifth, as every fourth would be 8.
    monkeypatch.setattr("sklearn_pare._data.encoders._SAMPLE", 32 * 8 - 1)
    read = ChannelScaler().fit(LazyArray(X))
    expected = ChannelScaler().fit(np.asarray(X[::5]))
    np.testing.assert_array_equal(read.mean_, expected.mean_)
    np.testing.assert_array_equal(read.scale_, expected.scale_)
    # At least one sample, however large it is.
    monkeypatch.setattr("sklearn_pare._data.encoders._SAMPLE", 31)
    one = ChannelScaler().fit(LazyArray(X)).mean_
    np.testing.assert_allclose(one, X[0].mean(1), rtol=1e-5)


def test_encoder_for__table_or_channels():
    assert isinstance(encoder_for(TABLE), TableEncoder)
    scaler = encoder_for(SIGNALS)
    assert isinstance(scaler, ChannelScaler)
    np.testing.assert_allclose(scaler.mean_, SIGNALS.mean((0, 2)))
    np.testing.assert_allclose(scaler.scale_, SIGNALS.std((0, 2)))


@pytest.fixture
def table(rng):
    X = rng.normal(3.0, 2.0, size=(900, 7))
    X[rng.random(X.shape) < 0.1] = np.nan
    return X


@pytest.mark.parametrize("kind", [ChannelScaler, TableEncoder])
@pytest.mark.parametrize("n_block", [200, 10_000])
def test_encoders__chosen_samples__same_bits_as_of_a_copy(
    kind, n_block, table, rng, monkeypatch
):
    # 200: many blocks of samples and of columns.
    monkeypatch.setattr("sklearn_pare._data.lazy.blocks.__defaults__", (0, n_block))
    chosen = rng.permutation(900)[:700]
    view, copied = select(table, chosen), table[chosen]
    encoder, other = kind().fit(view), kind().fit(copied)
    np.testing.assert_array_equal(encoder.mean_, other.mean_)
    np.testing.assert_array_equal(encoder.scale_, other.scale_)
    np.testing.assert_array_equal(encoder.transform(view), other.transform(copied))


def test_channel_scaler__channel_without_numbers__error():
    X = np.random.default_rng(0).normal(size=(5, 3, 8))
    X[:, 1] = np.nan
    with pytest.raises(DataError, match="Channel 1 of X holds no number"):
        ChannelScaler().fit(X)


@pytest.mark.parametrize("shape", [(9, 2, 30), (9, 2, 6, 5)], ids=str)
def test_channel_scaler__gaps__statistics_of_the_known(shape):
    X = np.random.default_rng(0).normal(3.0, 2.0, size=shape)
    X[2:5, 0, 3:] = np.nan
    scaler = ChannelScaler().fit(X)
    axes = (0, *range(2, X.ndim))
    np.testing.assert_allclose(scaler.mean_, np.nanmean(X, axes))
    np.testing.assert_allclose(scaler.scale_, np.nanstd(X, axes))
    encoded = scaler.transform(X)
    np.testing.assert_array_equal(np.isnan(encoded), np.isnan(X))
