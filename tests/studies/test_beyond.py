import numpy as np
import pytest

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare._data import lazy
from studies import beyond
from studies.cli import main
from tests.common.instances import tiny

ROWS = [
    {"what": "predict", "format": "HDF5", "shape": "3 x 64 x 64", "n": 400_000,
     "read_gb": 20.0, "memory_mb": 930, "cpu": 110.0, "within": 100.0, "alone": 88.0,
     "in_memory": 105.0},
    {"what": "fit", "shape": "1 x 64 x 64", "n": 20_000, "file": 0.5, "memory": 0.4,
     "ratio": 1.25, "cpu_ratio": 1.02, "ratios": [[1.2, 1.0], [1.3, 1.1]]},
]  # fmt: skip


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(lazy, "MAX_READ", 0)
    monkeypatch.setattr(beyond, "_FITTED", 16)
    monkeypatch.setattr(beyond, "_WRITTEN", 30)
    settings = {"max_epochs": 1, "linear_path": False, "batch_size": 8}
    for name, kind in (("_regressor", PaReRegressor), ("_classifier", PaReClassifier)):
        monkeypatch.setattr(
            beyond, name, lambda kind=kind: tiny(kind, device="cpu", **settings)
        )


@pytest.mark.parametrize("kind", ["HDF5", "zarr"])
def test_predict__small_file__read_once_and_timed(kind):
    pytest.importorskip("h5py")
    pytest.importorskip("zarr")
    (row,) = beyond.predict(kind, (1, 16, 16), 3e-4)
    assert row["n"] == 292
    assert row["read_gb"] == pytest.approx(292 * 1024 / 1e9)
    assert row["alone"] > 0
    assert row["within"] > 0


def test_fit__few_steps__times_of_both(monkeypatch):
    pytest.importorskip("h5py")
    monkeypatch.setattr(beyond, "PAIRS", 2)
    (row,) = beyond.fit(200, (1, 8, 8))
    assert np.shape(row["ratios"]) == (2, 2)
    assert min(row["file"], row["memory"]) > 0


def test_tables__ratios():
    predicted, fitted = beyond.tables(ROWS).split("\n\n")
    assert "| 20.0 | 0.93 | 110 | 100 (1.10) | 88 (1.25) | 105 (1.05) |" in predicted
    assert "| 20,000 | 0.500 | 0.400 | 1.25 | 1.02 | 2 |" in fitted


def test_command__file__only_missing_points(tmp_path, monkeypatch, capsys):
    measured = []

    def rows_of(function, *arguments):
        measured.append(arguments)
        row = ROWS[function is beyond.fit]
        yield {key: row[key] for key in row.keys() - {"what", "format", "shape"}} | {
            "ratio": 1.0, "cpu": 1.0,
        }  # fmt: skip

    monkeypatch.setattr(beyond, "rows_of", rows_of)
    arguments = ["beyond", "--gigabytes", "2", "--out", str(tmp_path / "b.jsonl")]
    main(arguments)
    first = capsys.readouterr().out
    main(arguments)
    assert [own[-1] for own in measured] == [2.0, 0.2, 0.2, 0.2, (1, 64, 64)]
    assert capsys.readouterr().out in first
