import matplotlib.pyplot as plt

from studies import gap
from studies.cli import main
from tests.common.tiny import NAME


def test_command__two_lines_per_data_set(monkeypatch, capsys):
    load, _ = gap.DATA["breast cancer"]
    monkeypatch.setattr(gap, "DATA", {"cancer": (load, {"backbone": NAME})})
    monkeypatch.setattr(gap, "_N_EPOCHS", 1)
    # Tests before this one may leave figures open.
    plt.close("all")
    main(["gap"])
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "cancer is done"
    # Mean tokens average both sides: with fewer source tokens the data are nearer.
    assert out[-2].startswith("| cancer | tokens | -")
    assert out[-2].endswith("| 1.00 |")
    assert out[-1].startswith("| cancer | backbone |")
    assert plt.get_fignums() == []
