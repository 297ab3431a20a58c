import json

import pytest
import torch

from sklearn_pare.backbones import bundled
from sklearn_pare.backbones.bundled import read_weights
from sklearn_pare.exceptions import ModelFileError
from sklearn_pare.sources import formula
from sklearn_pare.sources.formula.fields import sine_basis
from studies import pretraining, pretraining_images
from studies.cli import main

SETTINGS = {"steps": 4, "batch_size": 4, "lr": 1e-3, "seed": 1, "device": "cpu"}


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(pretraining_images, "N_VALIDATION", 8)


def test_pretrain__a_few_steps__writes_a_loadable_backbone(tmp_path, quick):
    path = tmp_path / "backbone.safetensors"
    figures = pretraining.pretrain(path, **SETTINGS, compiled=False)
    card = read_weights(path)[1]
    assert figures["steps"] == card.figures["steps"] == 4
    assert figures["images"] == 16
    generator = torch.Generator().manual_seed(1)
    start, module = bundled.build_tiny(generator), bundled.load_file(path, generator)
    for part in ("stem", "backbone", "source_head", "dense_head"):
        before, after = (
            torch.cat([p.flatten() for p in b.parts[part].parameters()])
            for b in (start, module)
        )
        assert not torch.equal(before, after)
    assert not list(tmp_path.glob("*.state*"))


def test_pretrain__stopped__goes_on_to_the_bit(tmp_path, quick, monkeypatch):
    def pretrain(name):
        return pretraining.pretrain(
            tmp_path / name, **SETTINGS, compiled=False, log_every=2
        )

    pretrain("whole.safetensors")
    draw, calls = formula.draw, []

    def stop_in_step_three(*arguments):
        calls.append(arguments)
        # Two steps and two batches of validation come first.
        if len(calls) > 4:
            raise KeyboardInterrupt
        return draw(*arguments)

    monkeypatch.setattr(formula, "draw", stop_in_step_three)
    with pytest.raises(KeyboardInterrupt):
        pretrain("parts.safetensors")
    monkeypatch.setattr(formula, "draw", draw)
    assert (tmp_path / "parts.state.safetensors").exists()
    with pytest.raises(ModelFileError, match="belongs to a run with"):
        pretraining.pretrain(
            tmp_path / "parts.safetensors", **(SETTINGS | {"seed": 2}), compiled=False
        )
    pretrain("parts.safetensors")
    whole, parts = (
        (tmp_path / f"{name}.safetensors").read_bytes() for name in ("whole", "parts")
    )
    assert whole == parts


def test_pretrain__killed_before_the_state_is_gone__gives_the_figures(
    tmp_path, quick, monkeypatch
):
    path = tmp_path / "backbone.safetensors"
    with monkeypatch.context() as patch:
        patch.setattr(type(path), "unlink", lambda self, **_: None)
        figures = pretraining.pretrain(path, **SETTINGS, compiled=False)
    assert (tmp_path / "backbone.state.safetensors").exists()
    assert pretraining.pretrain(path, **SETTINGS, compiled=False) == figures
    assert not (tmp_path / "backbone.state.safetensors").exists()


def test_pretrain__damaged_state__says_so(tmp_path):
    (tmp_path / "backbone.state.safetensors").write_bytes(b"nonsense")
    with pytest.raises(ModelFileError, match="damaged"):
        pretraining.pretrain(
            tmp_path / "backbone.safetensors", **SETTINGS, compiled=False
        )


@torch.no_grad()
def test_dense_targets__known_image__known_transforms():
    basis, k = sine_basis("cpu")
    # One sine is an eigenfunction of the Laplace operator.
    grey = (basis[1][:, None] * basis[2]) * 10
    images = grey.expand(1, 3, -1, -1)
    steepness, solution = pretraining_images.dense_targets(images, grey[None])[0]
    solution = solution * pretraining_images._POISSON_SCALE
    # Its mean is zero, so nothing was taken off the right-hand side.
    torch.testing.assert_close(
        solution, grey / (k[1] ** 2 + k[2] ** 2), atol=1e-4, rtol=1e-3
    )
    dy, dx = grey.diff(dim=0)[:, :-1], grey.diff(dim=1)[:-1]
    ratio = steepness[:-1, :-1] / torch.hypot(dx, dy)
    assert ratio.std() / ratio.mean() < 1e-3


def test_command__figures_of_the_card(tmp_path, quick, capsys):
    path = tmp_path / "backbone.safetensors"
    main(["pretraining", "--output", str(path), "--steps", "2", "--batch-size", "4",
          "--device", "cpu", "--no-compile"])  # fmt: skip
    line = capsys.readouterr().out.splitlines()[-1]
    card = read_weights(path)[1]
    assert json.loads(line) == card.figures
    assert card.command == (
        "python -m studies pretraining --steps 2 --batch-size 4 --lr 0.0012 --seed 0"
    )
