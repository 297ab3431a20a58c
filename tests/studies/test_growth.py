import json

import numpy as np
import pytest

from studies import growth
from studies.cli import main


def _row(series, size, n, **figures):
    row = {"series": series, "size": str(size), "recipe": "1", "n": n, "fit": 2e-3 * n,
           "epoch": 1e-3 * n, "linear": 0.0, "predict": 5e-4 * n,
           "memory_mb": 100 + 0.02 * n, "x_mb": 0.01 * n, "cpu": 1.0}  # fmt: skip
    return row | figures


ROWS = [_row("images 3 x 32 x 32", n, n) for n in (1_000, 7_000, 50_000)]


@pytest.mark.parametrize("slope", [0.5, 1.0, 2.0])
def test_exponent__power_law__its_exponent(slope):
    sizes = [1, 3, 10, 40]
    values = [7 * size**slope for size in sizes]
    assert growth.exponent(sizes, values) == pytest.approx(slope)


def test_exponent__nothing_measured__none():
    assert growth.exponent([1, 2], [0.0, 0.0]) is None
    assert growth.exponent([2, 2], [1.0, 1.0]) is None


@pytest.mark.parametrize("name", growth.SERIES)
def test_series__smallest_size__two_classes_or_more(name):
    series = growth.SERIES[name]
    X, y = series.samples(series.sizes[0])
    assert len(X) == len(y)
    assert X.dtype == np.float32
    assert 1 < len(np.unique(y)) <= len(y) / 2
    assert len(series.sizes) == len(set(series.sizes)) > 2


def test_series__tokens__in_the_name_of_the_backbone():
    clf = growth.SERIES["ViT-Ti, 64 images"].estimator(16)
    assert clf.backbone == "timm:vit_tiny_patch16_224?max_tokens=16"


def test_point__figures_of_a_small_fit(monkeypatch):
    series = growth.SERIES["table, with the linear model"]
    monkeypatch.setitem(growth.SERIES, "small", series._replace(sizes=(40, 80)))
    (row,) = growth.point("small", 80)
    assert row["n"] == 80
    assert row["x_mb"] == pytest.approx(80 * 20 * 4 / 1e6)
    assert min(row["epoch"], row["linear"], row["predict"]) > 0
    assert row["fit"] > row["epoch"] + row["linear"]
    # The study has a process of its own. Here, memory of other tests may be freed.
    assert row["memory_mb"] >= -5


def test_tables__linear_growth__exponents_memory_and_a_million_samples():
    linear = [_row("table, with the linear model", n, n, linear=1e-6 * n**2)
              for n in (500, 1_000)]  # fmt: skip
    text = growth.tables([*linear, *ROWS])
    assert "| 500 to 1,000 | 1.00 | 1.00 | 2.00 | - |" in text
    assert "| 1,000 to 50,000 | 1.00 | 1.00 | - | 1.00 |" in text
    assert "| images 3 x 32 x 32 | 50,000 | 500 | 1100 | 2.00 |" in text
    # 12 epochs of 1,000 s, and 500 s.
    assert "| images 3 x 32 x 32 | 3 | 0.1 | 20.1 |" in text


def test_command__report__rows_of_the_file(tmp_path, capsys):
    path = tmp_path / "growth.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    main(["growth", "--report", "--out", str(path)])
    assert "| samples | images 3 x 32 x 32 |" in capsys.readouterr().out


def test_command__file__only_missing_points(tmp_path, monkeypatch, capsys):
    name = "images 3 x 32 x 32"
    monkeypatch.setattr(growth, "SERIES", {name: growth.SERIES[name]})
    measured = []

    def rows_of(function, series, size):
        assert function is growth.point
        measured.append(size)
        row = _row(series, size, size)
        yield {name: row[name] for name in row.keys() - {"series", "size", "recipe"}}

    monkeypatch.setattr(growth, "rows_of", rows_of)
    arguments = ["growth", "--out", str(tmp_path / "growth.jsonl")]
    main(arguments)
    first = capsys.readouterr().out
    main(arguments)
    assert measured == [1_000, 7_000, 50_000]
    assert capsys.readouterr().out in first
