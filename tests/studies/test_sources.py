import pytest

from studies import sources
from studies.cli import main
from studies.suites import SUITES


@pytest.fixture
def small(monkeypatch, wine):
    monkeypatch.setitem(SUITES, "small", {"wine": wine})
    monkeypatch.setattr(sources, "TASKS", ("wine",))
    monkeypatch.setattr(sources, "CANDIDATES", ("formula:heaps", "formula:waves"))


def test_command__twice__fits_once(small, tmp_path, capsys):
    words = ["sources", "--seeds", "1", "--out", str(tmp_path / "rows.jsonl")]
    main(words)
    first = capsys.readouterr().out
    assert first.count("wine  formula:heaps  seed 0") == 1
    main(words)
    table = capsys.readouterr().out
    assert first.endswith(table)
    distances = [float(line.split(" | ")[2]) for line in table.splitlines()[2:4]]
    assert 0 < distances[0] < distances[1]


def test_run__each_source_is_mixed_in(small):
    rows = sources.run(["wine"], [0])
    assert [row["source"] for row in rows] == list(sources.CANDIDATES)
    assert (
        len({row["recipe"] for row in rows}) == len({row["nll"] for row in rows}) == 2
    )


def test_table__nearest_first_and_its_place():
    rows = [
        {"task": "t", "source": name, "seed": 0, "distance": d, "error": e}
        for name, d, e in (("a", 3.0, 0.1), ("b", 1.0, 0.2), ("c", 2.0, 0.3))
    ]
    lines = sources.table(rows).splitlines()
    assert [line.split(" | ")[1] for line in lines[2:5]] == ["b", "c", "a"]
    assert lines[-1] == (
        "t: b has error 0.2000, place 2 of 3; the median of the candidates is 0.2000"
    )
