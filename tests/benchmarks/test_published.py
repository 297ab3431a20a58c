import sys
import types

import numpy as np
import pytest
import torch
from PIL import Image

from sklearn_pare import PaReClassifier, PaReRegressor, backbones, openml, sources
from sklearn_pare.benchmarks import pascal, presets, report, runner, tasks
from sklearn_pare.benchmarks.__main__ import main
from sklearn_pare.benchmarks.cc18 import DATA_SETS, ORCA
from sklearn_pare.benchmarks.cli import COMMANDS
from sklearn_pare.benchmarks.figures import FIGURES
from sklearn_pare.benchmarks.lines import append
from sklearn_pare.datasets import pdebench
from sklearn_pare.datasets.write import write_nas_bench_360
from sklearn_pare.exceptions import DataError
from tests.common.tiny import NAME

_ALL = [task for suite in tasks.SUITES.values() for task in suite.values()]
_WITH_FILES = [task for task in _ALL if task.load]
# k / N_t, first and last, as they are in the papers' code.
_FRACTIONS = {
    "cifar-100": (0.638, 0.167),
    "spherical": (0.638, 0.167),
    "ninapro": (0.638, 0.167),
    "fsd50k": (0.638, 0.164),
    "darcy": (0.319, 0.161),
    "cosmic": (0.159, 0.003),
    "ecg": (0.640, 0.040),
    "satellite": (0.696, 0.0),
    "deepsea": (0.064, 0.002),
}


def _id(task):
    return f"{task.suite}:{task.name}"


def test_suites__as_many_tasks_as_published():
    sizes = {suite: len(own) for suite, own in tasks.SUITES.items()}
    assert sizes == {"nas-bench-360": 10, "pdebench": 9, "openml-cc18": 72}
    # The eighteen of the papers: what is extra is run when it is named.
    assert len(tasks.choose(["nas-bench-360", "pdebench"])) == 18
    assert tasks.choose(["pdebench"], ["navier-stokes-2d"])[0].extra
    assert len({number for number, _ in DATA_SETS.values()}) == 72
    # Of the 42 data sets of ORCA, 33 are in the suite.
    assert len(ORCA) == 33
    assert set(ORCA) <= {number for number, _ in DATA_SETS.values()}


def test_choose__name_of_two_suites_and_number_of_openml():
    both = tasks.choose(["nas-bench-360", "pdebench"], ["darcy"])
    assert [task.suite for task in both] == ["nas-bench-360", "pdebench"]
    (wdbc,) = tasks.choose(["openml-cc18"], ["9946"])
    assert (wdbc.name, DATA_SETS[9946][0]) == ("wdbc", 1510)
    with pytest.raises(ValueError, match="task='None' is unknown"):
        tasks.choose(["nas-bench-360"], ["None"])


@pytest.mark.parametrize("name", presets.PRESETS)
@pytest.mark.parametrize("task", _ALL, ids=_id)
def test_preset__arguments_that_the_estimators_take(task, name, tmp_path):
    preset = presets.get(task, name, tmp_path)
    for method in ("pare", "orca", "scratch"):
        made = presets.estimator(task, preset.settings, method, 3)
        made._validate_params()
        assert made.random_state == 3
    kind = PaReRegressor if task.kind == "fields" else PaReClassifier
    assert type(made) is kind
    assert made.mix_start == made.mix_end == 0.0
    # OpenML has no rows to select on.
    assert made.early_stopping == (task.load is not None)
    assert made.linear_path is False
    assert bool(preset.note) == (name == "paper")


@pytest.mark.parametrize("task", _WITH_FILES, ids=_id)
def test_preset_paper__backbones_exist(task, tmp_path):
    backbones.check(presets.get(task, "paper", tmp_path).settings["backbone"])


@pytest.mark.parametrize("name", _FRACTIONS)
def test_preset_paper__fractions_of_the_papers_code(name, tmp_path):
    task = tasks.SUITES["nas-bench-360"][name]
    settings = presets.get(task, "paper", tmp_path).settings
    found = settings["mix_start"], settings["mix_end"]
    assert found == pytest.approx(_FRACTIONS[name], abs=5e-4)


def test_preset_paper__says_what_has_no_argument(tmp_path):
    suite = tasks.SUITES["nas-bench-360"]
    note = presets.get(suite["cifar-100"], "paper", tmp_path).note
    assert "The optimiser was SGD .9; here it is AdamW." in note
    assert "A step had 32 batches of 32 rows; here it has one." in note
    assert "5 epochs" in note
    # AdamW, one batch a step.
    note = presets.get(suite["cosmic"], "paper", tmp_path).note
    assert "optimiser" not in note
    assert "A step" not in note


def test_preset_small__every_part_is_bounded(tmp_path):
    for task in _WITH_FILES:
        preset = presets.get(task, "small", tmp_path)
        assert set(preset.rows) == {"train", "valid", "test"}
        assert preset.settings["max_steps"] <= 200
        assert preset.settings.get("backbone", "pare-tiny") == "pare-tiny"


def test_preset__unknown__nearest(tmp_path):
    with pytest.raises(ValueError, match="Did you mean 'small'"):
        presets.get(_ALL[0], "smal", tmp_path)


def test_figures__name_tasks_that_there_are():
    for suite, name in FIGURES:
        assert name in tasks.SUITES[suite]


_NAMES = [add.__name__.removeprefix("add_") for add in COMMANDS]


@pytest.mark.parametrize("words", [[], *([name] for name in _NAMES)], ids=str)
def test_help__fits_a_screen(words, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as stop:
        main([*words, "--help"])
    assert stop.value.code == 0
    lines = capsys.readouterr().out.rstrip("\n").split("\n")
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80


def test_command__unknown__nearest(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["reprot"])
    assert stop.value.code == 2
    assert "Did you mean 'report'?" in capsys.readouterr().err


def test_list__every_task(capsys):
    main(["list"])
    out = capsys.readouterr().out
    for task in _ALL:
        assert f"  {task.name}: " in out
    main(["list", "--suite", "pdebench"])
    assert "cosmic" not in capsys.readouterr().out


@pytest.mark.parametrize("task", _ALL, ids=_id)
def test_describe__every_task(task, capsys):
    main(["describe", task.name, "--suite", task.suite])
    out = capsys.readouterr().out
    assert f"{task.name} ({task.suite})" in out
    assert "preset small" in out
    assert "preset paper" in out
    for file in task.files:
        assert file in out
    assert max(map(len, out.splitlines())) <= 80


def test_describe__folder__says_which_files_are_there(tmp_path, capsys):
    (tmp_path / "nas-bench-360" / "satellite").mkdir(parents=True)
    (tmp_path / "nas-bench-360" / "satellite" / "satellite_train.npy").touch()
    main(["describe", "satellite", "--data", str(tmp_path)])
    out = capsys.readouterr().out
    assert "satellite_train.npy  there" in out
    assert "satellite_test.npy  missing" in out


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


def test_table__rows_of_another_command__refused():
    with pytest.raises(DataError, match="rows have no preset, protocol"):
        report.table([{"task": "t", "method": "pare", "seed": 0, "error": 1.0}])
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


def test_report__nothing_to_rank_and_no_file__says_so(tmp_path, capsys):
    path = tmp_path / "rows.jsonl"
    append(_ROWS[0], path)
    for words, told in [
        (["--out", str(path), "--picture", "x.png"], "Two of each are needed"),
        (["--out", str(tmp_path / "none.jsonl")], "none.jsonl is not there"),
    ]:
        with pytest.raises(SystemExit) as stop:
            main(["report", *words])
        assert stop.value.code == 1
        assert told in capsys.readouterr().err


def test_run__openml__means_of_official_folds(monkeypatch, tmp_path):
    asked = []

    def run_task(estimator, task_id):
        asked.append((type(estimator), estimator.random_state, task_id))
        return "a run"

    def fold_scores(run):
        assert run == "a run"
        return {"auroc": np.array([0.8, np.nan]), "accuracy": np.array([0.5, 0.7])}

    stand_in = types.ModuleType("sklearn_pare.openml")
    stand_in.run_task, stand_in.fold_scores = run_task, fold_scores
    monkeypatch.setitem(sys.modules, "sklearn_pare.openml", stand_in)
    (tmp_path / runner.MARKER).touch()
    rows, failures = runner.run(
        tasks.choose(["openml-cc18"], ["9946"]),
        ["pare"],
        [5],
        "small",
        print,
        data_home=tmp_path,
    )
    assert failures == []
    assert asked == [(PaReClassifier, 5, 9946)]
    (row,) = rows
    assert (row["score"], row["error"]) == (0.8, pytest.approx(0.2))
    assert row["accuracy"] == pytest.approx(0.6)
    assert (row["protocol"], row["simulated"]) == ("official folds", False)
    assert "| wdbc | 1 - AUROC" in report.table(rows)


@pytest.fixture
def voc(tmp_path):
    """Two images of 20 x 30 pixels; an object in the upper half of each."""
    for name in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "ImageSets/Segmentation/train.txt").write_text("a\nb\n")
    for number, name in enumerate("ab", start=1):
        pixels = np.full((20, 30, 3), 100 * number, np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"JPEGImages/{name}.jpg")
        mask = np.zeros((20, 30), np.uint8)
        mask[:10], mask[10:, :6] = 5 * number, 255
        image = Image.fromarray(mask)
        # Numbers of colours, as in the masks of the challenge.
        image.putpalette(np.arange(768, dtype=np.uint8).tolist())
        image.save(tmp_path / f"SegmentationClass/{name}.png")
    return tmp_path


def test_pascal__masks_of_objects(voc):
    source = pascal.PascalSource(voc, (10, 10))
    x, y = source.sample(6, torch.Generator().manual_seed(0))
    assert x.shape == (6, 3, 10, 10)
    expected = torch.zeros(10, 10, dtype=torch.int64)
    expected[:5] = 1
    assert all(torch.equal(mask, expected) for mask in y)
    assert len(x[:, 0, 0, 0].unique()) == 2


def test_pascal__registered_by_its_folder__trains_fields(voc, monkeypatch):
    monkeypatch.setattr(sources, "_FACTORIES", dict(sources._FACTORIES))
    name = f"pascal:{voc}"
    pascal.register(name)
    X = np.random.default_rng(0).normal(size=(16, 1, 8, 8))
    model = PaReRegressor(
        backbone=NAME, source=name, max_epochs=1, linear_path=False, random_state=0
    ).fit(X, X)
    assert model.source_ == name


def test_pascal__no_folder__says_what_is_wanted(tmp_path):
    source = pascal.PascalSource(tmp_path)
    with pytest.raises(DataError, match="VOCtrainval_11-May-2012"):
        source.sample(1, torch.Generator())
    (tmp_path / "ImageSets/Segmentation").mkdir(parents=True)
    (tmp_path / "ImageSets/Segmentation/train.txt").write_text("a\n")
    with pytest.raises(DataError, match=r"an image and its mask, .*a\.jpg"):
        source.sample(1, torch.Generator())


def test_cc18__same_tasks_as_openml():
    assert set(openml.CC18) == set(DATA_SETS)
    assert len(openml.CC18) == 72


@pytest.mark.parametrize("name", tasks.SUITES["nas-bench-360"])
def test_tasks__files_are_those_that_are_written(name, tmp_path):
    write_nas_bench_360(name, tmp_path, n=20)
    folder = tmp_path / "nas-bench-360"
    for wanted in tasks.SUITES["nas-bench-360"][name].files:
        paths = [part.strip() for part in wanted.split("|")]
        assert any((folder / path).exists() for path in paths), wanted


def test_tasks__files_are_those_that_are_read():
    for name, task in tasks.SUITES["pdebench"].items():
        assert task.files == (pdebench.tasks.TASKS[name].file,)
