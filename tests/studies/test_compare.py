import pytest

from sklearn_pare.benchmarks.lines import append, read
from sklearn_pare.exceptions import DataError
from studies import compare, record
from studies.cli import main
from studies.suites import SUITES


@pytest.fixture
def suite(monkeypatch, wine, iris, tmp_path):
    monkeypatch.setattr(compare, "LOG", tmp_path / "log.jsonl")
    del iris.peers["linear"]
    tasks = {task.name: task for task in (wine, iris)}
    monkeypatch.setitem(SUITES, "small", tasks)
    return list(tasks.values())


def test_run__peers_where_they_are_and_settings_beside(suite):
    rows = compare.run(suite, ["nft", "linear"], [0])
    assert [(row["task"], row["method"]) for row in rows] == [
        ("wine", "nft"), ("wine", "linear"), ("iris", "nft"),
    ]  # fmt: skip
    assert rows[0]["settings"] == suite[0].settings | {
        "mix_start": 0, "mix_end": 0, "tune": "all",
    }  # fmt: skip
    assert rows[1]["settings"] == {}
    assert {row["budget"] for row in rows} == {"epochs"}


def test_run__time__as_many_epochs_as_pare_takes(suite, tmp_path):
    path, methods = tmp_path / "rows.jsonl", ["pare", "nft", "linear"]
    with pytest.raises(DataError, match="--budget epochs first"):
        compare.run(suite, methods, [0], "time", out=path)
    rows = compare.run(suite, methods, [0], out=path)
    path.unlink()
    for row in rows:
        # PaRe takes five times as long: naive fine-tuning may have five epochs.
        append(row | {"cpu": 5.0 if row["method"] == "pare" else 1.0}, path)
    # The ratio of the times is that of the first split for the second one, too.
    timed = compare.run(suite, methods, [0, 1], "time", out=path)
    found = [(row["seed"], row["method"], row["epochs"]) for row in timed]
    assert found[:3] == [(0, "pare", 1), (0, "nft", 5), (0, "linear", None)]
    assert (1, "nft", 5) in found
    assert {r["budget"] for r in timed if r["method"] == "nft"} == {"time"}
    recorded = compare.run(suite, methods, [0, 1], "time", out=path, report=True)
    assert recorded == timed


def test_run__time__method_without_epochs__error(suite, tmp_path):
    path, methods = tmp_path / "rows.jsonl", ["pare", "nft"]
    rows = compare.run(suite[:1], methods, [0], out=path)
    append(rows[1] | {"epochs": None}, path)
    with pytest.raises(DataError, match="leave out methods without epochs"):
        compare.run(suite[:1], methods, [0], "time", out=path)


# Wilcoxon's test of scipy 1.14 warns about ties and about few tasks.
@pytest.mark.filterwarnings("ignore:Exact p-value", "ignore:Sample size too small")
def test_table__ranks_and_counts_against_pare():
    errors = {"pare": [0.1, 0.2], "nft": [0.2, 0.4], "scratch": [0.1, 0.1]}
    rows = [
        {"task": f"task-{number}", "method": method, "seed": 0, "error": error,
         "nll": None, "ece": None}
        for method, pair in errors.items()
        for number, error in enumerate(pair)
    ]  # fmt: skip
    text = compare.table(rows)
    lines = text.splitlines()
    assert "| task-1 | 0.2000 | 0.4000 | 0.1000 |" in lines
    (nft,) = [line for line in lines if line.startswith("| nft ")]
    assert nft.split(" | ")[1:4] == ["3.00", "0 / 0 / 2", "2.00"]
    (scratch,) = [line for line in lines if line.startswith("| scratch ")]
    assert scratch.split(" | ")[2] == "1 / 1 / 0"
    assert "NLL" not in text


def test_command__resumed_from_a_file__table_and_picture(suite, tmp_path, capsys):
    path, png = tmp_path / "rows.jsonl", tmp_path / "ranks.png"
    arguments = ["compare", "--methods", "nft,scratch", "--seeds", "1", "--first", "10",
                 "--out", str(path), "--picture", str(png)]  # fmt: skip
    main(arguments)
    first = capsys.readouterr().out
    assert "| iris |" in first
    assert png.stat().st_size > 1000
    main(arguments)
    # Nothing is fitted again.
    assert first.endswith(capsys.readouterr().out)
    assert len(read(path)) == 4
    # Runs on splits for reports are logged.
    assert {row["seed"] for row in read(path)} == {10}
    assert [row["methods"] for row in read(compare.LOG)] == [["nft", "scratch"]] * 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--tasks", "wine-51"], "task='wine-51' is unknown. Did you mean 'wine-50'?"),
        # The arguments of this method are gone; its fits are still recorded.
        (["--methods", "pare-gap"], "method='pare-gap' is unknown."),
    ],
)
def test_command__unknown_name__what_there_is(words, told, capsys):
    with pytest.raises(SystemExit):
        main(["compare", "--suite", "small", *words])
    assert told in capsys.readouterr().err


#: Study and options -> page with the table.
TABLES = {
    "compare --first 10 --budget time "
    "--methods pare,nft,nft-smoothing,scratch": "comparison.rst",
    "compare --first 10 --seeds 3 --methods pare,orca,pare-gate": "comparison.rst",
    "compare --suite every-token --first 10 --budget time "
    "--methods pare,nft,nft-smoothing,pare-formula,pare-self": "comparison.rst",
    "accuracy digits": "comparison.rst",
    "modalities": "modalities.rst",
    "sources": "sources.rst",
    "unlabeled": "user_guide.rst",
}


@pytest.mark.filterwarnings("ignore:Exact p-value", "ignore:Sample size too small")
@pytest.mark.parametrize("words", TABLES)
def test_recorded_fits__print_the_figures_of_the_documentation(words, capsys):
    main([*words.split(), "--report"])
    page = (record.RESULTS.parents[1] / "docs" / TABLES[words]).read_text()
    cells = [
        cell.strip()
        for line in capsys.readouterr().out.splitlines()
        if line.startswith("| ")
        for cell in line.strip("|").split("|")
        if "+-" in cell
    ]
    assert len(cells) > 5
    assert [cell for cell in cells if cell not in page] == []
