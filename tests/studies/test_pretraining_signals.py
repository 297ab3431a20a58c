import json

import pytest
import torch

from sklearn_pare.backbones.bundled import read_weights
from sklearn_pare.backbones.bundled_signal import build_signal, load_signal_file
from sklearn_pare.exceptions import ModelFileError
from sklearn_pare.sources import waveform
from studies import pretraining, pretraining_signals
from studies.cli import main

SETTINGS = {"modality": "signals", "batch_size": 12, "lr": 1.5e-3, "seed": 1,
            "device": "cpu", "compiled": False}  # fmt: skip


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(pretraining_signals, "N_VALIDATION_BATCHES", 1)
    monkeypatch.setattr(pretraining_signals.Signals, "warmup", 5)


def _pretrain(path, steps=4, **settings):
    return pretraining.pretrain(path, steps=steps, **(SETTINGS | settings))


def test_pretrain__a_few_steps__writes_a_loadable_backbone(tmp_path):
    path = tmp_path / "backbone.safetensors"
    figures = _pretrain(path, steps=2)
    tensors, card = read_weights(path)
    assert figures == card.figures
    assert list(figures) == [
        "steps", "signals", "train_loss", "validation_top1", "minutes",
    ]  # fmt: skip
    assert figures["signals"] == 48
    # The projection is not in the file.
    assert {name.split(".")[0] for name in tensors} == {"stem", "backbone"}
    generator = torch.Generator().manual_seed(1)
    start, module = build_signal(generator), load_signal_file(path, generator)
    for part in ("stem", "backbone"):
        before, after = (
            torch.cat([p.flatten() for p in b.parts[part].parameters()])
            for b in (start, module)
        )
        assert not torch.equal(before, after)
    assert not list(tmp_path.glob("*.state*"))


def test_pretrain__stopped__goes_on_to_the_bit(tmp_path, monkeypatch):
    _pretrain(tmp_path / "whole.safetensors", log_every=2)
    render, calls = waveform.render, []

    def stop_in_step_three(*arguments):
        calls.append(arguments)
        # Two steps and one batch of validation come first, each with two views.
        if len(calls) > 6:
            raise KeyboardInterrupt
        return render(*arguments)

    path = tmp_path / "parts.safetensors"
    with monkeypatch.context() as patch:
        patch.setattr(waveform, "render", stop_in_step_three)
        with pytest.raises(KeyboardInterrupt):
            _pretrain(path, log_every=2)
    assert (tmp_path / "parts.state.safetensors").exists()
    with pytest.raises(ModelFileError, match="belongs to a run with"):
        _pretrain(path, modality="images")
    _pretrain(path, log_every=2)
    whole, parts = (
        (tmp_path / f"{name}.safetensors").read_bytes() for name in ("whole", "parts")
    )
    assert whole == parts


def test_pretrain__a_short_run__lowers_the_loss(tmp_path, monkeypatch):
    lines = []
    monkeypatch.setattr(pretraining, "log", lambda line: lines.append(json.loads(line)))
    # Programs of a family need longer runs.
    monkeypatch.setattr(pretraining_signals, "MEMBERS", 1)
    path = tmp_path / "backbone.safetensors"
    _pretrain(path, steps=16, batch_size=32, lr=1e-3, log_every=8)
    first, second = (line["train_loss"] for line in lines)
    assert second < 0.85 * first
    assert lines[-1]["validation_top1"] > 0.6


def test_crop__whole_and_part(generator):
    ramps = torch.arange(512.0).expand(50, -1)
    assert torch.allclose(pretraining_signals.crop(ramps, generator, 1.0), ramps)
    cut = pretraining_signals.crop(ramps, generator, 0.5)
    lengths = (cut[:, -1] - cut[:, 0]) / 511
    assert lengths.min() >= 0.5
    assert lengths.max() <= 1
    assert cut.min() >= 0
    assert cut.max() <= 511
    # Still ramps.
    torch.testing.assert_close(
        cut.diff(dim=1), (lengths[:, None]).expand(-1, 511), atol=1e-3, rtol=0
    )


def test_draw_pairs__any_number__standardised_and_alike(generator):
    views = pretraining_signals.draw_pairs(101, generator)
    assert views.shape == (202, 1, 512)
    assert views.mean(2).abs().max() < 1e-3
    assert (views.std(2) - 1).abs().max() < 1e-3
    first, second = torch.fft.rfft(views[:, 0]).abs().log1p().chunk(2)
    same = (first - second).norm(dim=1).mean()
    assert (
        same < (first - second.roll(pretraining_signals.MEMBERS, 0)).norm(dim=1).mean()
    )


def test_similarities__of_equal_views__one_by_the_temperature(generator):
    half = torch.randn(5, 8, generator=generator)
    found = pretraining_signals.similarities(torch.cat([half, 3 * half]))
    torch.testing.assert_close(found.diagonal(), torch.full((5,), 10.0))
    assert found.max() <= 10.001


def test_command__defaults_of_the_modality(tmp_path, capsys):
    path = tmp_path / "backbone.safetensors"
    main(["pretraining", "--modality", "signals", "--output", str(path), "--steps", "1",
          "--batch-size", "8", "--device", "cpu", "--no-compile"])  # fmt: skip
    line = capsys.readouterr().out.splitlines()[-1]
    card = read_weights(path)[1]
    assert json.loads(line) == card.figures
    assert card.command == (
        "python -m studies pretraining --modality signals --steps 1 --batch-size 8 "
        "--lr 0.0015 --seed 0"
    )
    assert card.seed == 0
