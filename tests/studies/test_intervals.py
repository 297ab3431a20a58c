import numpy as np
import pytest

from studies import intervals
from studies.cli import main
from tests.studies.conftest import TINY

pytestmark = pytest.mark.filterwarnings("ignore:Predictions are those of the linear")


@pytest.fixture
def small(monkeypatch):
    task = intervals.TASKS["diabetes-300"]
    for name, value in TINY.items():
        monkeypatch.setitem(task.settings, name, value)
    monkeypatch.setattr(intervals, "TASKS", {"diabetes-300": task})
    kinds = dict.fromkeys(("linear", "boosting", "forest"), intervals._linear)
    monkeypatch.setattr(intervals, "_KINDS", kinds)
    monkeypatch.setattr(intervals.record, "installed", lambda package, what: True)


def test_command__two_tables_then_resumed(small, tmp_path, capsys):
    words = ["intervals", "--seeds", "1", "--out", str(tmp_path / "rows.jsonl")]
    main(words)
    first = capsys.readouterr().out
    one, two = first.strip().split("\n\n")[-2:]
    assert len(two.splitlines()) == 2 + len(intervals.PEERS) + 2
    assert one.splitlines()[-1].startswith("| diabetes-300 | quantile forest, conf")
    main(words)
    assert first.endswith(capsys.readouterr().out)


def test_tables__mark_what_is_too_low():
    figures = {
        f"{name} {c}": 0.5 for name in ("coverage", "width") for c in (0.8, 0.95)
    }
    rows = [
        {
            "task": "t",
            "method": "m",
            "seed": seed,
            "pinball": [0.1, 0.2, seed],
            "cpu": 1,
        }
        | figures
        | {"coverage 0.9": 0.88 + seed / 50, "width 0.9": 1.0}
        for seed in range(3)
    ]
    line = intervals.tables(rows).splitlines()[2].split(" | ")
    assert line[2] == "0.500 (0.000)!"
    assert line[4] == "0.900 (0.012)"


@pytest.mark.parametrize("conformal", [False, True])
def test_quantiles__conformalized__covers(conformal, rng):
    X = rng.normal(size=(900, 5))
    y = X[:, 0] + rng.normal(size=900)
    peer = intervals.Quantiles("linear", conformal).fit(X[:30], y[:30])
    peer.conformalize(X[30:500], y[30:500])
    lower, upper = peer.predict_interval(X[500:], 0.9)
    inside = np.mean((lower <= y[500:]) & (y[500:] <= upper))
    assert (inside > 0.85) == conformal


def test_run__without_packages__leaves_out_their_rows(small, monkeypatch):
    monkeypatch.setattr(intervals.record, "installed", lambda package, what: False)
    monkeypatch.setattr(intervals, "METHODS", {})
    methods = [row["method"] for row in intervals.run(["diabetes-300"], [0])]
    assert methods == [name for name in intervals.PEERS if "forest" not in name]


def test_quantiles__signals__read_as_columns(rng):
    X, y = rng.normal(size=(60, 1, 5)), rng.normal(size=60)
    flat = intervals.Quantiles("linear").fit(X[:, 0], y)
    own = intervals.Quantiles("linear").fit(X, y)
    np.testing.assert_array_equal(own.quantile(X, 0.5), flat.quantile(X[:, 0], 0.5))
