"""Numbers of a training run: values of "auto", and arguments that are passed on."""

from types import SimpleNamespace

import pytest
import torch

from sklearn_pare import PaReClassifier
from sklearn_pare.training.recipe import (
    auto_for,
    make_recipe,
    peak_rate,
    resolve,
    samples_per_batch,
)


def _target(kind, size=()):
    return SimpleNamespace(
        kind=kind, loss="loss", agreement="agreement", output_shape=(2, *size)
    )


def _backbone(n_weights):
    backbone = torch.nn.Linear(n_weights, 1, bias=False, device="meta")
    backbone.grid = (4, 4)
    return backbone


def _recipe(target, n_samples=60, bfloat16=False, n_weights=9, **settings):
    arguments = PaReClassifier(**settings).get_params() | {"share_alone": 0.0}
    backbone = _backbone(n_weights)
    return make_recipe(arguments, n_samples, backbone, target, bfloat16)


@pytest.mark.parametrize(
    ("kind", "size", "batch_size", "epochs", "steps"),
    [
        ("classes", (), 64, 150, 150),
        ("classes", (), 16, 38, 152),
        ("classes", (), 1, 12, 720),
        ("classes", (), "auto", 150, 150),
        ("labels", (), "auto", 150, 150),
        ("values", (), "auto", 150, 150),
        ("values", (9,), "auto", 300, 2400),
        ("values", (8, 8), 16, 300, 1200),
        ("masks", (8, 8), "auto", 19, 152),
        ("masks", (9,), 1, 4, 240),
    ],
)
def test_make_recipe__auto_epochs__enough_steps_and_epochs(
    kind, size, batch_size, epochs, steps
):
    recipe = _recipe(_target(kind, size), batch_size=batch_size)
    assert (recipe.n_epochs, recipe.n_steps) == (epochs, steps)


@pytest.mark.parametrize(
    ("kind", "size", "settings", "expected"),
    [
        ("classes", (), {}, (0.6, 0.1, "all")),
        ("values", (), {}, (0.6, 0.1, "all")),
        ("masks", (8, 8), {}, (0.6, 0.1, "all")),
        ("values", (8, 8), {}, (0.0, 0.0, "head")),
        ("values", (9,), {}, (0.0, 0.0, "head")),
        ("values", (9,), {"unlabeled": True}, (0.6, 0.1, "all")),
        ("values", (9,), {"mix_start": 0.3}, (0.3, 0.1, "all")),
        ("values", (9,), {"mix_end": 0.2}, (0.6, 0.2, "all")),
        ("values", (9,), {"mix_start": 0, "mix_end": 0}, (0, 0, "head")),
        ("values", (9,), {"source": "self"}, (0.6, 0.1, "all")),
        ("values", (9,), {"source": None}, (0.0, 0.0, "head")),
        ("values", (9,), {"tune": "norm"}, (0.0, 0.0, "norm")),
        ("values", (9,), {"mix_start": 0.3, "tune": "none"}, (0.3, 0.1, "none")),
        ("values", (9,), {"pretrained": False}, (0.0, 0.0, "all")),
        ("values", (9,), {"alignment": "l2"}, (0.0, 0.0, "all")),
        ("classes", (), {"mix_start": 0.0}, (0.0, 0.1, "all")),
    ],
    ids=str,
)
def test_resolve__fields__mixed_and_tuned_if_asked_for(kind, size, settings, expected):
    unlabeled = settings.get("unlabeled")
    arguments = PaReClassifier().get_params() | settings
    data = SimpleNamespace(target=_target(kind, size), unlabeled=unlabeled)
    found = resolve(arguments, data)
    assert (found["mix_start"], found["mix_end"], found["tune"]) == expected
    assert found["lr"] == arguments["lr"] == "auto"


@pytest.mark.parametrize(
    ("kind", "settings", "expected"),
    [
        ("values", {}, 1.0),
        ("values", {"backbone": "pare-tiny"}, 0.75),
        ("values", {"tune": "head"}, 0.75),
        ("values", {"mix_start": 0.6}, 0.0),
        ("values", {"pretrained": False}, 0.0),
        ("values", {"tune": "none"}, 0.0),
        ("masks", {}, 0.0),
    ],
    ids=str,
)
def test_resolve__fields__without_a_backbone_unless_asked_for(kind, settings, expected):
    data = SimpleNamespace(target=_target(kind, (8, 8)), unlabeled=None)
    found = resolve(PaReClassifier().get_params() | settings, data)
    assert found["share_alone"] == expected


@pytest.mark.parametrize(
    ("n_samples", "batch_size", "steps"), [(60, 60, 3), (61, 60, 6), (7, 2, 12)]
)
def test_make_recipe__max_epochs__a_part_of_a_batch_is_a_step(
    n_samples, batch_size, steps
):
    recipe = _recipe(_target("classes"), n_samples, max_epochs=3, batch_size=batch_size)
    assert (recipe.n_epochs, recipe.n_steps) == (3, steps)


@pytest.mark.parametrize(
    ("kind", "size", "batch_size", "mix_weight", "mixed_share"),
    [
        ("classes", (), 64, 1.0, 0.5),
        ("labels", (), 64, 1.0, 0.5),
        ("values", (), 64, 0.3, 0.25),
        ("values", (9,), 8, 0.3, 0.25),
        ("masks", (8, 8), 8, 0.3, 0.25),
    ],
)
def test_make_recipe__auto__by_kind_of_target(
    kind, size, batch_size, mix_weight, mixed_share
):
    target = _target(kind, size)
    auto = _recipe(target)
    assert auto.batch_size == samples_per_batch("auto", target) == batch_size
    assert (auto.mix_weight, auto.mixed_share) == (mix_weight, mixed_share)
    own = _recipe(target, batch_size=5, mix_weight=0.7)
    assert (own.batch_size, own.mix_weight) == (5, 0.7)
    assert samples_per_batch(5, target) == 5
    # The share of a batch that is mixed has no argument.
    assert own.mixed_share == auto_for(target).mixed_share


def test_make_recipe__arguments__passed_on():
    settings = {"lr": 0.5, "weight_decay": 0.25, "mix_start": 0.875, "mix_end": 0.125}
    recipe = _recipe(_target("classes"), bfloat16=True, **settings)
    assert {name: getattr(recipe, name) for name in settings} == settings
    assert (recipe.loss, recipe.agreement) == ("loss", "agreement")
    assert (recipe.n_tokens, recipe.bfloat16) == (16, True)


@pytest.mark.parametrize(
    ("n_weights", "settings", "lr"),
    [
        (2_639_588, {}, 1e-3),
        (24_000_000, {}, 1.25e-4),
        (96_000_000, {}, 3.125e-5),
        (12_000_000, {"pretrained": False}, 5e-4),
        (2_639_588, {"pretrained": False}, 1e-3),
        (96_000_000, {"lr": 0.5}, 0.5),
    ],
)
def test_make_recipe__auto_lr__lower_for_large_backbones(n_weights, settings, lr):
    recipe = _recipe(_target("classes"), n_weights=n_weights, **settings)
    assert recipe.lr == pytest.approx(lr)
    # That of a decoder does not depend on the backbone.
    assert recipe.decoder_lr == settings.get("lr", 1e-3)


def test_peak_rate__fixed_weights_do_not_count():
    backbone = _backbone(24_000_000)
    assert peak_rate("auto", backbone, True) == pytest.approx(1.25e-4)
    backbone.requires_grad_(False)
    assert peak_rate("auto", backbone, True) == 1e-3


@pytest.mark.parametrize(("pretrained", "decay"), [(True, 0.5), (False, 1.0)])
def test_make_recipe__layer_decay__of_pretrained_backbones_alone(pretrained, decay):
    recipe = _recipe(_target("classes"), layer_decay=0.5, pretrained=pretrained)
    assert recipe.layer_decay == decay


def test_make_recipe__patience__under_early_stopping_alone():
    target = _target("classes")
    assert _recipe(target, n_iter_no_change=3).patience is None
    stopping = _recipe(target, n_iter_no_change=3, early_stopping=True)
    assert stopping.patience == 3
