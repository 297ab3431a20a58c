import itertools

import pytest
import timm
import torch
from safetensors.torch import save

from sklearn_pare import backbones
from sklearn_pare._architecture import Architecture, build
from sklearn_pare.exceptions import (
    ModelFileError,
    UnknownNameError,
    WeightsError,
)
from sklearn_pare.nn.embed import ImageEmbed, embedder
from sklearn_pare.nn.init import xavier_
from sklearn_pare.nn.losses import Targets, cross_entropy, pare_loss
from sklearn_pare.nn.model import Mixing
from sklearn_pare.sources import FormulaSource

# The smallest model of each family.
FAMILIES = [
    "test_vit",
    "test_vit2",
    "deit_tiny_distilled_patch16_224",
    "vit_small_patch14_reg4_dinov2",
    "vit_small_patch16_dinov3",
    "eva02_tiny_patch14_224",
    "beit_base_patch16_224",
    "swin_tiny_patch4_window7_224",
    "swinv2_tiny_window8_256",
]


def _serve(hub, name):
    """Put random weights of a model on the hub, and return the model."""
    torch.manual_seed(0)
    # With a classifier, by which timm 1.0.21 tells files of today from older ones.
    model = timm.create_model(name, pretrained=False).eval()
    half = {k: v.half().contiguous() for k, v in model.state_dict().items()}
    model.load_state_dict({k: v.float() for k, v in half.items()})
    repo_id = timm.get_pretrained_cfg(name).hf_hub_id
    hub.put(repo_id, "model.safetensors", save(half))
    return model


@torch.no_grad()
@pytest.mark.parametrize("name", FAMILIES)
def test_get__weights_in_the_cache__features_of_timm(name, hub, monkeypatch):
    model = _serve(hub, name)
    backbones.fetch(f"timm:{name}")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    state = torch.random.get_rng_state()
    size = model.patch_embed.img_size
    backbone = backbones.get(f"timm:{name}", input_shape=(3, *size))
    assert torch.equal(torch.random.get_rng_state(), state)
    x = torch.randn(1, 3, *size)
    # A stem of the same size keeps the weights exactly.
    embed = embedder((3, *size), backbone.stem)
    embed.start_from(backbone.stem)
    torch.testing.assert_close(
        embed(x), model.patch_embed(x).reshape(1, -1, embed.dim), atol=1e-5, rtol=0
    )
    expected = model.forward_features(x)
    if expected.ndim == 4:
        expected = expected.flatten(1, 2)
    else:
        expected = model.fc_norm(expected)[:, model.num_prefix_tokens :]
    backbone.module.eval()
    torch.testing.assert_close(
        backbone.module(embed(x)), expected, atol=1e-4, rtol=1e-4
    )
    # Another shape: positions are resampled, the rest is the same.
    other = backbones.get(f"timm:{name}?max_tokens=100", input_shape=(1, 32, 96))
    assert other.module.grid != backbone.module.grid
    assert other.module(torch.randn(1, *other.stem(x).shape[1:])).isfinite().all()


SHAPES = [(57, 64, 64), (1, 16, 52), (3, 300), (20,)]
STEPS = [
    *itertools.product(
        ["swin_tiny_patch4_window7_224", "vit_tiny_patch16_224"], SHAPES
    ),
    # Large models, so with one shape each.
    ("swin_base_patch4_window7_224", (1, 16, 52)),
    ("vit_small_patch14_dinov2", (3, 300)),
]


@pytest.mark.parametrize(("name", "shape"), STEPS, ids=str)
def test_build__one_step__finite_loss_and_gate_gradient(name, shape, generator):
    model = build(
        Architecture(f"timm:{name}", shape, (2,), "gate"),
        generator,
        pretrained=False,
        source=FormulaSource(),
    ).model
    n_tokens = model.backbone.grid[0] * model.backbone.grid[1]
    xs, ys = FormulaSource().sample(2, generator)
    noise = torch.randn(2, 2, n_tokens, generator=generator)
    x = torch.randn(2, *shape, generator=generator)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    outputs = model(x, Mixing(x, n_tokens // 2, noise, xs))
    terms = pare_loss(
        outputs,
        Targets(*2 * (torch.tensor([0, 1]), torch.ones(2), 2), ys),
        cross_entropy,
    )
    terms.total.backward()
    optimizer.step()
    assert terms.total.isfinite()
    assert model.gate.token.weight.grad.norm() > 0
    assert all(parameter.isfinite().all() for parameter in model.parameters())


@torch.no_grad()
def test_stem__57_channels__response_keeps_its_scale(generator):
    stem = backbones.get("timm:test_vit", pretrained=False).stem
    wide = ImageEmbed((57, *stem.size), stem.grid, stem.dim, stem.patch, norm=False)
    xavier_(wide, generator)
    wide.start_from(stem)
    # Similar smooth channels with different noise, like the bands of one scene.
    scene = torch.randn(4, 1, 20, 20, generator=generator)
    scene = torch.nn.functional.interpolate(scene, stem.size, mode="bilinear")
    noise = 0.3 * torch.randn(4, 57, *stem.size, generator=generator)
    ratio = wide(scene + noise).std() / stem(scene + noise[:, :3]).std()
    assert 0.8 < ratio < 1.2


def test_get__pretrained_false__needs_no_file_and_one_seed(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    state = torch.random.get_rng_state()
    first, same, other = (
        backbones.get(
            "timm:test_vit",
            pretrained=False,
            generator=torch.Generator().manual_seed(seed),
        ).parts.state_dict()
        for seed in (1, 1, 2)
    )
    assert all(torch.equal(first[k], same[k]) for k in first)
    assert any(not torch.equal(first[k], other[k]) for k in first)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert list(tmp_path.iterdir()) == []


def test_get__not_in_the_cache__says_how_to_fetch(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(WeightsError) as caught:
        backbones.get("timm:test_vit")
    for part in ("model.safetensors", "timm/test_vit", str(tmp_path), "fetch("):
        assert part in str(caught.value)


def test_get__not_safetensors__refused(hub):
    repo_id = timm.get_pretrained_cfg("test_vit").hf_hub_id
    hub.put(repo_id, "model.safetensors", b"\x80\x04pickle" * 100)
    with pytest.raises(ModelFileError, match="is not a whole safetensors file"):
        backbones.get("timm:test_vit")


def test_get__weights_of_another_model__refused(hub):
    _serve(hub, "deit_tiny_distilled_patch16_224")
    (content,) = hub.files.values()
    repo_id = timm.get_pretrained_cfg("test_vit").hf_hub_id
    hub.put(repo_id, "model.safetensors", content)
    with pytest.raises(ModelFileError, match="does not contain the weights"):
        backbones.get("timm:test_vit")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("timm:resnet50", "Families that fit: swin"),
        ("timm:vit_tiny_patch16_242", "Did you mean.*vit_tiny_patch16_224"),
        ("timm:vit_tiny_patch16_224.nope", "augreg_in21k"),
        ("timm:vit_base_r50_s16_224", "Families that fit|not a Swin"),
        ("torch:vit", "'timm:NAME@FILE'"),
    ],
)
def test_get__name_that_does_not_fit__says_which_do(name, message):
    with pytest.raises(UnknownNameError, match=message):
        backbones.get(name, pretrained=False)
