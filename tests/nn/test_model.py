import pytest
import torch

from sklearn_pare._architecture import Architecture, build
from sklearn_pare.nn import Mixing
from sklearn_pare.sources import FormulaSource
from tests.common.tiny import NAME


@pytest.fixture
def model(generator):
    architecture = Architecture(NAME, (2, 9, 9), (3,), "gate")
    built = build(architecture, generator, pretrained=True, source=FormulaSource())
    return built.model


def _mixing(generator, k, x):
    source, _ = FormulaSource().sample(len(x), generator)
    noise = torch.randn(2, len(x), 16, generator=generator)
    return Mixing(x, k, noise, source)


def test_forward__mixing__clean_outputs_unchanged(model, generator):
    x = torch.randn(4, 2, 9, 9, generator=generator)
    outputs = model(x, _mixing(generator, 6, x))
    torch.testing.assert_close(outputs.target, model.predict(x))
    assert outputs.mixed_target.shape == (4, 3)
    assert outputs.mixed_source.shape == (4, 10)
    assert outputs.fraction == 6 / 16
    assert not torch.allclose(outputs.mixed_target, outputs.target)


def test_forward__no_mixing__target_only(model, generator):
    outputs = model(torch.randn(4, 2, 9, 9, generator=generator))
    assert outputs.mixed_target is None
    assert outputs.mixed_source is None
    assert outputs.fraction == 0


def test_forward__no_clean_samples__embeds_none_of_them(model, generator, monkeypatch):
    x = torch.randn(4, 2, 9, 9, generator=generator)
    mixing = _mixing(generator, 6, x)
    expected = model(x, mixing).mixed_target
    embed = model.embed.forward

    def as_on_cuda(x):
        assert len(x), "CUDA cannot resize no images"
        return embed(x)

    monkeypatch.setattr(model.embed, "forward", as_on_cuda)
    torch.testing.assert_close(model(x[:0], mixing).mixed_target, expected)


def test_forward__all_tokens_replaced__row_does_not_matter(model, generator):
    x = torch.randn(2, 4, 2, 9, 9, generator=generator)
    mixing = _mixing(generator, 16, x[0])
    first, second = (model(part, mixing._replace(x=part)).mixed_target for part in x)
    torch.testing.assert_close(first, second)


def test_forward__clean_and_mixed_samples__independent(model, generator):
    x = torch.randn(4, 2, 9, 9, generator=generator)
    mixing = _mixing(generator, 6, x[1:])
    outputs, other = model(x, mixing), model(x[:1], mixing)
    torch.testing.assert_close(outputs.target, model.predict(x))
    torch.testing.assert_close(other.target, outputs.target[:1])
    for name in ("mixed_target", "mixed_source", "target_index", "source_index"):
        torch.testing.assert_close(getattr(outputs, name), getattr(other, name))


def test_forward__own_samples__their_tokens_and_no_source_outputs(model, generator):
    x = torch.randn(4, 2, 9, 9, generator=generator)
    others = x.flip(0)
    mixing = _mixing(generator, 6, x)._replace(others=others, own=True)
    outputs = model(x, mixing)
    mixed, tokens = model.embed(x).clone(), model.embed(others)
    for row, index in enumerate(outputs.target_index):
        mixed[row, index] = tokens[row, index]
    expected = model.head(model.backbone(mixed))
    torch.testing.assert_close(outputs.mixed_target, expected)
    assert outputs.mixed_source is None


@pytest.mark.parametrize("own", [False, True])
def test_mixing__subset__the_same_samples(own, model, generator):
    x = torch.randn(4, 2, 9, 9, generator=generator)
    mixing = _mixing(generator, 6, x)
    if own:
        mixing = mixing._replace(others=x.flip(0), own=True)
    outputs = model(x, mixing)
    for index in ([0, 1], [1, 3], [3], [0, 1, 2, 3]):
        part = model(x, mixing.subset(torch.tensor(index)))
        torch.testing.assert_close(part.mixed_target, outputs.mixed_target[index])
        if not own:
            torch.testing.assert_close(part.mixed_source, outputs.mixed_source[index])


def test_forward__backbone_called_once_on_all_rows(model, generator):
    batches = []
    model.backbone.register_forward_hook(
        lambda m, args, out: batches.append(len(args[0]))
    )
    x = torch.randn(4, 2, 9, 9, generator=generator)
    model(x, _mixing(generator, 3, x[:3]))
    assert batches == [7]


@pytest.mark.parametrize("k", [1, 8, 16])
def test_backward__gate_gets_a_gradient_and_the_source_embedder_none(
    model, generator, k
):
    x = torch.randn(4, 2, 9, 9, generator=generator)
    outputs = model(x, _mixing(generator, k, x))
    (outputs.mixed_target**2).sum().backward()
    gradient = model.gate.token.weight.grad
    assert gradient.abs().max() > 0
    assert all(p.grad is None for p in model.source_embed.parameters())


def test_features__are_the_mean_of_the_backbone(model, generator):
    x = torch.randn(4, 2, 9, 9, generator=generator)
    expected = model.backbone(model.embed(x)).mean(1)
    torch.testing.assert_close(model.features(x), expected)
    torch.testing.assert_close(model.head.linear(expected), model.predict(x))
