import matplotlib.pyplot as plt

from sklearn_pare.benchmarks.__main__ import main
from studies import gap
from tests.common.tiny import NAME


def test_command__two_lines_a_data_set(monkeypatch, capsys):
    load, _ = gap.DATA["breast cancer"]
    monkeypatch.setattr(gap, "DATA", {"cancer": (load, {"backbone": NAME})})
    monkeypatch.setattr(gap, "_STEPS", 2)
    main(["gap"])
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "cancer is done"
    # Mean tokens are averages of both sides: the data come nearer as k falls.
    assert out[-2].startswith("| cancer | tokens | -")
    assert out[-2].endswith("| 1.00 |")
    assert out[-1].startswith("| cancer | backbone |")
    assert plt.get_fignums() == []
