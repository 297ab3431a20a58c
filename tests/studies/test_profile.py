import numpy as np
import pytest

from studies import profile
from studies.cli import main
from tests.common.tiny import NAME


def test_seconds__every_part_of_a_fit():
    X, y = profile.samples(24)["signals 3 x 500"]
    found = profile.seconds(X[:, :, :40], y, backbone=NAME, max_epochs=2)
    assert min(found.values()) > 0
    whole = found.pop("fit")
    assert sum(found.values()) == pytest.approx(whole)


def test_command__table(monkeypatch, capsys):
    parts = dict.fromkeys([*profile.PARTS, "Python and others"], 0.5) | {"fit": 4.0}
    monkeypatch.setattr(profile, "seconds", lambda X, y: parts)
    monkeypatch.setattr(profile, "features", lambda: 512.0)
    monkeypatch.setattr(profile, "latency", lambda: 0.0123)
    main(["profile"])
    lines = capsys.readouterr().out.splitlines()
    assert "| backward | 0.50 (12%) | 0.50 (12%) | 0.50 (12%) |" in lines
    assert np.char.startswith(lines, "| fit | 4.00 (100%)").any()
    assert "| frozen features, signals of length 512 per second | 512 |" in lines
    assert "| predict, one signal 3 x 500, ms | 12.3 |" in lines


def test_features_and_latency__measured():
    assert profile.features(4, repeats=1) > 1
    settings = {"backbone": NAME, "max_epochs": 1, "linear_path": False}
    assert 0 < profile.latency(repeats=1, **settings) < 10
