from studies import distances
from studies.cli import main


def test_command__exact_distances_up_to_a_size(monkeypatch, capsys):
    monkeypatch.setattr(distances, "_EXACT_CLASSES", 60)
    monkeypatch.setattr(distances, "gradient_ratio", lambda inner: 1.5)
    # One process for each distance.
    main(["distances", "--sizes", "120"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("120 samples  gaussian")
    (row,) = (line.split(" | ") for line in lines if line.startswith("| 120"))
    assert row[:2] == ["| 120", "gaussian"]
    assert float(row[2]) > 0
    assert lines[-1] == "gradient anew / cached, gaussian: 1.5"


def test_measure__more_samples_take_longer():
    few, many = (distances._measure(n, "exact") for n in (50, 1000))
    assert 0 < few[0] < many[0]
    assert many[1] >= 0


def test_gradient_ratio__cached_distances_are_faster():
    assert distances.gradient_ratio("gaussian", repeats=2) > 1.5
