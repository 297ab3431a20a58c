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


def _mixing(generator, k, rows=4):
    x, _ = FormulaSource().sample(rows, generator)
    noise = torch.randn(2, rows, 16, generator=generator)
    return Mixing(k, noise, x)


def test_forward__mixing__clean_outputs_unchanged(model, generator):
    x = torch.randn(4, 2, 9, 9, generator=generator)
    outputs = model(x, _mixing(generator, 6))
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


def test_forward__all_tokens_replaced__row_does_not_matter(model, generator):
    mixing = _mixing(generator, 16)
    x = torch.randn(2, 4, 2, 9, 9, generator=generator)
    first, second = (model(part, mixing).mixed_target for part in x)
    torch.testing.assert_close(first, second)


def test_forward__fewer_source_rows__mixes_the_first_rows(model, generator):
    x, mixing = torch.randn(4, 2, 9, 9, generator=generator), _mixing(generator, 6, 2)
    outputs, first = model(x, mixing), model(x[:2], mixing)
    torch.testing.assert_close(outputs.target, model.predict(x))
    for name in ("mixed_target", "mixed_source", "target_index", "source_index"):
        torch.testing.assert_close(getattr(outputs, name), getattr(first, name))


def test_forward__backbone_called_once_on_twice_the_rows(model, generator):
    batches = []
    model.backbone.register_forward_hook(
        lambda m, args, out: batches.append(len(args[0]))
    )
    model(torch.randn(4, 2, 9, 9, generator=generator), _mixing(generator, 3))
    assert batches == [8]


@pytest.mark.parametrize("k", [1, 8, 16])
def test_backward__gate_gets_a_gradient_and_the_source_embedder_none(
    model, generator, k
):
    outputs = model(torch.randn(4, 2, 9, 9, generator=generator), _mixing(generator, k))
    (outputs.mixed_target**2).sum().backward()
    gradient = model.gate.token.weight.grad
    assert gradient.abs().max() > 0
    assert all(p.grad is None for p in model.source_embed.parameters())


def test_features__are_the_mean_of_the_backbone(model, generator):
    x = torch.randn(4, 2, 9, 9, generator=generator)
    expected = model.backbone(model.embed(x)).mean(1)
    torch.testing.assert_close(model.features(x), expected)
    torch.testing.assert_close(model.head.linear(expected), model.predict(x))
