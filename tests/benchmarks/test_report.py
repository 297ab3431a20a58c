import pytest

from sklearn_pare.benchmarks import report
from sklearn_pare.benchmarks.cli import main
from sklearn_pare.benchmarks.lines import append
from sklearn_pare.exceptions import DataError


def _row(task, method, seed, error, suite="pdebench", simulated=True):
    return {
        "suite": suite,
        "task": task,
        "method": method,
        "seed": seed,
        "preset": "small",
        "simulated": simulated,
        "protocol": "ours",
        "recipe": "0",
        "metric": "nrmse",
        "error": error,
        "cpu": 2.0 + seed,
        "wall": 3.0,
        "memory_mb": 500,
        "versions": {"torch": "1"},
        "device": "cpu",
        "precision": "fp32",
    }


_ROWS = [
    _row("advection", "pare", 0, 0.1),
    _row("advection", "pare", 1, 0.3),
    _row("advection", "nft", 0, 0.4),
    _row("burgers", "pare", 0, 0.2),
    _row("burgers", "nft", 0, 0.1),
    _row("shallow-water", "nft", 0, 0.5),
]


def test_table__made_rows__means_ranks_and_figures_of_papers():
    text = report.table(_ROWS)
    assert "### pdebench, preset small, simulated data, protocol: ours" in text
    lines = text.splitlines()
    assert "| task | error | pare | nft | ORCA * | MoNA * | RECRAFT * |" in lines
    assert (
        "| advection | nRMSE | 0.2000 +- 0.1414 | 0.4000 (1 of 2 seeds) | 0.0098 "
        "| 0.0088 | 0.0078 |"
    ) in lines
    assert (
        "| shallow-water | nRMSE | - | 0.5000 (1 of 2 seeds) | - | - | 0.0054 |"
        in lines
    )
    assert "| mean rank | 2 tasks | 1.50 | 1.50 | - | - | - |" in lines
    assert "Not run here" in text
    assert "Ours are on simulated data" in text
    assert "Made with torch 1, cpu in fp32." in text
    assert "Ours are on" not in report.table(
        [row | {"simulated": False} for row in _ROWS]
    )


def test_table__cell_twice__last_one_counts():
    again = _row("burgers", "nft", 0, 0.7) | {"recipe": "1"}
    assert "0.7000" in report.table([*_ROWS, again])
    assert "0.1000" not in report.table([*_ROWS, again])


def test_table__suites_that_share_a_name__ranked_apart():
    more = [
        _row("darcy", method, 0, error, suite)
        for suite, errors in (("pdebench", (1, 2)), ("nas-bench-360", (2, 1)))
        for method, error in zip(("pare", "nft"), errors, strict=True)
    ]
    text = report.table(more)
    assert text.count("| darcy |") == 2
    assert "| mean rank, 2 tasks | 1.50 | 1.50 |" in text


def test_table__no_rows__refused():
    with pytest.raises(DataError, match="no results"):
        report.table([])


def test_report__command__table_costs_and_picture(tmp_path, capsys):
    path, png = tmp_path / "rows.jsonl", tmp_path / "ranks.png"
    for row in _ROWS:
        append(row, path)
    before = path.read_bytes()
    main(["report", "--out", str(path), "--picture", str(png)])
    out = capsys.readouterr().out
    assert "| pare | 2.0 | 3.0 | 500 |" in out
    assert png.stat().st_size > 1000
    assert path.read_bytes() == before


def test_costs__memory_unknown__dash():
    rows = [row | {"memory_mb": None} for row in _ROWS]
    assert "| nft | 2.0 | 2.0 | - |" in report.costs(rows).splitlines()


def test_report__nothing_to_rank_and_no_file__says_so(tmp_path, capsys):
    path = tmp_path / "rows.jsonl"
    append(_ROWS[0], path)
    for words, told in [
        (["--out", str(path), "--picture", "x.png"], "needs at least two of each"),
        (["--out", str(tmp_path / "none.jsonl")], "none.jsonl is not an existing file"),
    ]:
        with pytest.raises(SystemExit) as stop:
            main(["report", *words])
        assert stop.value.code == 1
        assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("error", "0.1"),
        ("error", None),
        ("cpu", [2.0]),
        ("memory_mb", "500"),
        ("versions", "torch 1"),
        ("task", ["advection"]),
        ("seed", {}),
    ],
    ids=str,
)
def test_report__value_of_another_type__line_is_named(key, value, tmp_path, capsys):
    path = tmp_path / "rows.jsonl"
    append(_ROWS[0], path)
    append(_ROWS[1] | {key: value}, path)
    with pytest.raises(SystemExit):
        main(["report", "--out", str(path)])
    err = capsys.readouterr().err
    assert f"rows.jsonl, line 2: {key} is " in err
    assert err.count("\n") == 1
