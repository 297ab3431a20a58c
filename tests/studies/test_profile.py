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
    main(["profile"])
    lines = capsys.readouterr().out.splitlines()
    assert "| backward | 0.50 (12%) | 0.50 (12%) | 0.50 (12%) |" in lines
    assert np.char.startswith(lines, "| fit | 4.00 (100%)").any()
