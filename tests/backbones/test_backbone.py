import math

import pytest

from sklearn_pare import backbones
from sklearn_pare.backbones.backbone import choose_grid
from sklearn_pare.backbones.freezing import freeze, layer_scales


@pytest.mark.parametrize(
    ("shape", "budget", "multiple", "most", "grid"),
    [
        ((3, 224, 224), 196, 1, None, (14, 14)),
        ((3, 500, 500), 3136, 8, None, (56, 56)),
        ((1, 8, 8), 196, 1, None, (8, 8)),
        ((1, 64, 16), 196, 1, 64, (16, 4)),
        ((1, 1, 900), 196, 1, None, (1, 196)),
        ((900, 1, 900), 196, 1, None, (1, 196)),
        ((1, 900, 1), 196, 1, None, (196, 1)),
        ((2, 400), 3136, 1, None, (10, 10)),
        ((20,), 196, 1, None, (4, 5)),
        ((1,), 3136, 8, None, (8, 8)),
        ((1000,), 196, 1, 50, (7, 7)),
    ],
)
def test_choose_grid__table(shape, budget, multiple, most, grid):
    assert choose_grid(shape, budget, multiple, most) == grid


@pytest.mark.parametrize("multiple", [1, 8])
def test_choose_grid__any_shape__within_the_bound(multiple):
    for height in (1, 5, 16, 31, 100):
        for width in (1, 7, 52, 333):
            for most in (64, 100, 1000, None):
                grid = choose_grid((2, height, width), 3136, multiple, most)
                assert multiple**2 <= math.prod(grid) <= (most or 3136)
                assert grid[0] % multiple == grid[1] % multiple == 0


def test_layer_scales__fall_from_block_to_block(generator):
    module = backbones.get(
        "timm:test_vit", pretrained=False, generator=generator
    ).module
    by_name = {n: layer_scales(module, 0.5)[p] for n, p in module.named_parameters()}
    n_blocks = len(module.model.blocks)
    assert by_name["model.norm.weight"] == 1
    assert by_name[f"model.blocks.{n_blocks - 1}.attn.qkv.weight"] == 1
    assert by_name["model.blocks.0.attn.qkv.weight"] == 0.5 ** (n_blocks - 1)
    assert by_name["model.pos_embed"] == 0.5**n_blocks


def test_layer_scales__swin__stage_by_stage():
    module = backbones.get("pare-tiny", pretrained=False).module
    scales = layer_scales(module, 0.5)
    in_order = [scales[p] for p in module.parameters()]
    assert in_order == sorted(in_order)
    # 2 + 4 + 2 blocks and 2 mergings.
    assert len(set(in_order)) == 10


@pytest.mark.parametrize(
    ("tune", "trains"),
    [
        ("all", lambda name: True),
        ("norm", lambda name: "norm" in name),
        ("attention-frozen", lambda name: ".qkv." not in name),
        ("none", lambda name: False),
    ],
)
@pytest.mark.parametrize("name", ["timm:test_vit", "pare-tiny"])
def test_freeze__preset__trains_what_it_says(name, tune, trains):
    module = backbones.get(name, pretrained=False).module
    freeze(module, tune)
    got = {n: p.requires_grad for n, p in module.named_parameters()}
    assert got == {n: trains(n) for n in got}


def test_layer_decay__one_step__lower_blocks_move_less(digits):
    from sklearn_pare import PaReClassifier

    X, y = digits
    start = backbones.get("pare-tiny").module.state_dict()
    estimator = PaReClassifier(
        input_shape=(1, 8, 8),
        max_epochs=1,
        layer_decay=0.3,
        mix_start=0.0,
        mix_end=0.0,
        weight_decay=0.0,
        random_state=0,
    ).fit(X, y)
    moved = {
        name: (value - start[name]).abs().mean()
        for name, value in estimator._model.backbone.state_dict().items()
        if name.endswith("mlp.fc1.weight")
    }
    first = "layers.0.blocks.0.mlp.fc1.weight"
    last = "layers.2.blocks.1.mlp.fc1.weight"
    assert moved[first] < 0.1 * moved[last]
