import pytest
import torch

from sklearn_pare import PaReClassifier, backbones, sources
from sklearn_pare.exceptions import DataError
from sklearn_pare.nn.embed import SignalEmbed
from sklearn_pare.sources import WaveformSource, waveform
from sklearn_pare.sources.waveform import _programs
from tests.common.instances import tiny


def _seeded(seed):
    return torch.Generator().manual_seed(seed)


def _of_kind(kind, n=64, seed=0):
    """Return programs whose roots are all of one kind."""
    drawn = waveform.programs(n, _seeded(seed))
    return drawn._replace(kinds=torch.full_like(drawn.kinds, kind))


def _features(signals):
    """Return means of 16 positions and the log of the power in 32 bands."""
    signals = waveform.standardised(signals, 1e-3)
    values = signals.unflatten(1, (32, -1)).mean(2)
    powers = torch.fft.rfft(signals).abs()[:, 1:].log1p()
    return torch.cat([values, powers.unflatten(1, (32, -1)).mean(2)], 1)


def test_kinds__as_many_as_programs_draw():
    assert len(waveform.KINDS) == _programs.N_KINDS
    drawn = waveform.programs(500, _seeded(0))
    assert drawn.kinds.unique().tolist() == list(range(_programs.N_KINDS))
    assert drawn.nodes.unique().tolist() == list(range(_programs.N_NODE_KINDS))
    parents = (drawn.weights != 0).sum(-1)
    read = (drawn.outputs != 0).sum(-1)
    for counts in (parents, read):
        assert counts.unique().tolist() == [1, 2, 3]


@pytest.mark.parametrize("kind", range(16), ids=lambda k: waveform.KINDS[k].__name__)
def test_render__each_kind__finite_standardised_and_determined(kind):
    programs = _of_kind(kind)
    first, same, other = (waveform.render(programs, _seeded(s)) for s in (1, 1, 2))
    assert first.shape == (64, 512)
    assert first.dtype == torch.float32
    assert first.isfinite().all()
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
    quiet = programs._replace(noise=torch.zeros(64))
    signals = waveform.render(quiet, _seeded(1))
    assert signals.mean(1).abs().max() < 1e-3
    # Nodes that are cut to zero are constant.
    assert ((signals.std(1) - 1).abs() < 1e-3).float().mean() > 0.8


@pytest.mark.parametrize("kind", range(16), ids=lambda k: waveform.KINDS[k].__name__)
@pytest.mark.parametrize("value", [-0.75, -0.03, 0.0, 1.0, 1.75])
def test_render__numbers_out_of_range__finite(kind, value):
    programs = _of_kind(kind, 16)
    numbers = torch.full_like(programs.numbers, value)
    programs = programs._replace(numbers=numbers, jitter=torch.zeros(16))
    assert waveform.render(programs, _seeded(0)).isfinite().all()


@pytest.mark.parametrize("length", [2, 3, 100, 2000])
def test_render__other_lengths(length, generator):
    signals = waveform.render(waveform.programs(200, generator), generator, length)
    assert signals.shape == (200, length)
    assert signals.isfinite().all()


def test_render__two_signals_of_a_program__more_alike_than_of_two(generator):
    programs = waveform.programs(400, generator)
    a, b = (_features(waveform.render(programs, generator)) for _ in "ab")
    same = (a - b).norm(dim=1).mean()
    assert same < 0.7 * (a - b.roll(1, 0)).norm(dim=1).mean()
    nearest = torch.cdist(a, b).argmin(1)
    assert (nearest == torch.arange(400)).float().mean() > 0.2


def test_families__members_differ_less_than_families(generator):
    programs = waveform.families(50, 4, generator)
    assert len(programs.kinds) == 200
    grouped = programs.kinds.unflatten(0, (50, 4))
    assert (grouped == grouped[:, :1]).all()
    for value in (programs.numbers, programs.weights):
        grouped = value.unflatten(0, (50, 4))
        assert (grouped[:, 0] != grouped[:, 1]).flatten(1).any(1).all()
    assert programs.numbers.min() >= 0
    assert programs.numbers.max() <= 1
    a, b = (_features(waveform.render(programs, generator)) for _ in "ab")
    same, relative, stranger = (
        (a - other).norm(dim=1).median()
        for other in (b, b.unflatten(0, (50, 4)).roll(1, 1).flatten(0, 1), b.roll(4, 0))
    )
    assert same < relative < stranger


def test_source__ten_readable_classes(generator):
    source = sources.get("waveforms")
    assert source.n_classes == len(set(source.programs)) == 10
    # Not classes of the pretraining of "pare-tiny".
    assert source.classes is None
    x, y = source.sample(200, generator)
    assert x.shape == (200, *source.row_shape) == (200, 1, 512)
    assert y.unique().tolist() == list(range(10))
    labels = torch.arange(10)
    draws = [_features(source.draw(labels, generator)[:, 0]) for _ in range(20)]
    means = torch.stack(draws).mean(0)
    named = torch.cdist(_features(x[:, 0]), means).argmin(1)
    assert (named == y).float().mean() > 0.95


def test_source__programs__chosen_by_number():
    chosen, every = WaveformSource((5, 3)), WaveformSource(range(8))
    assert chosen.n_classes == 2
    x = chosen.draw(torch.tensor([1, 0]), _seeded(0))
    assert torch.equal(x, every.draw(torch.tensor([3, 5]), _seeded(0)))


def test_source__image_backbone__reads_signals(generator):
    stem = backbones.get("pare-tiny", pretrained=False).stem
    source = sources.get("waveforms")
    embed = source.embedder(stem)
    assert isinstance(embed, SignalEmbed)
    assert embed(source.sample(2, generator)[0]).shape == (2, 64, 64)


@pytest.mark.parametrize("source", ["waveforms", "waveforms+self"])
def test_source__fit__learns(source, table):
    model = tiny(PaReClassifier, source=source, max_epochs=2).fit(*table)
    assert model.source_ == source
    assert model.predict(table[0]).shape == (60,)


@pytest.mark.parametrize("numbers", [(), (2000,), (-1,), (0.5,)])
def test_source__other_programs__error_with_the_range(numbers):
    with pytest.raises(DataError, match="0 to 1023"):
        WaveformSource(programs=numbers)
