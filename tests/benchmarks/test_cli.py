import runpy
import sys

import pytest

from sklearn_pare.benchmarks.cli import COMMANDS, main
from tests.benchmarks.all_tasks import ALL, name_of


@pytest.mark.parametrize("words", [[], *([name] for name in COMMANDS)], ids=str)
def test_help__fits_a_screen(words, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as stop:
        main([*words, "--help"])
    assert stop.value.code == 0
    lines = capsys.readouterr().out.rstrip("\n").split("\n")
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80


def test_module__runs(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["benchmarks", "list", "--suite", "pdebench"])
    with pytest.raises(SystemExit) as stop:
        runpy.run_module("sklearn_pare.benchmarks", run_name="__main__")
    assert stop.value.code is None
    assert "pdebench\n  advection: 1 x 256 -> 1 x 256. " in capsys.readouterr().out


def test_command__unknown__nearest(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["reprot"])
    assert stop.value.code == 2
    assert "Did you mean 'report'?" in capsys.readouterr().err


def test_list__every_task(capsys):
    main(["list"])
    out = capsys.readouterr().out
    for task in ALL:
        assert f"  {task.name}: " in out
    main(["list", "--suite", "pdebench"])
    assert "cosmic" not in capsys.readouterr().out


@pytest.mark.parametrize("task", ALL, ids=name_of)
def test_describe__every_task(task, capsys):
    main(["describe", task.name, "--suite", task.suite])
    out = capsys.readouterr().out
    assert f"{task.name} ({task.suite})" in out
    assert "preset small" in out
    assert "preset paper" in out
    for file in task.files:
        assert file in out
    assert max(map(len, out.splitlines())) <= 80


def test_describe__folder__existing_and_missing_files(tmp_path, capsys):
    (tmp_path / "nas-bench-360" / "satellite").mkdir(parents=True)
    (tmp_path / "nas-bench-360" / "satellite" / "satellite_train.npy").touch()
    main(["describe", "satellite", "--data", str(tmp_path)])
    out = capsys.readouterr().out
    assert "satellite_train.npy  exists" in out
    assert "satellite_test.npy  missing" in out


@pytest.mark.parametrize("command", ["run", "describe"])
@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("d/pdebench", "its parent folder, {d}, is meant"),
        ("d/pdebench/x.hdf5", "is a file"),
        ("x.jsonl", "is a file"),
        ("d/pdebench/none", "does not exist"),
    ],
)
def test_data__wrong_place__what_it_is(command, place, told, tmp_path, capsys):
    folder = tmp_path / "d" / "pdebench"
    folder.mkdir(parents=True)
    (folder / "x.hdf5").touch()
    (tmp_path / "x.jsonl").touch()
    words = ["run", "--tasks"] if command == "run" else ["describe"]
    with pytest.raises(SystemExit):
        main([*words, "advection", "--data", str(tmp_path / place)])
    assert told.format(d=folder.parent) in capsys.readouterr().err


def test_data__working_directory_is_the_folder_of_a_suite__parent(
    tmp_path, monkeypatch, capsys
):
    (tmp_path / "pdebench").mkdir()
    monkeypatch.chdir(tmp_path / "pdebench")
    with pytest.raises(SystemExit):
        main(["describe", "advection", "--data", "."])
    assert f"its parent folder, {tmp_path}, is meant" in capsys.readouterr().err


@pytest.mark.parametrize("file", ["a.hdf5", "sub/b.hdf5"])
@pytest.mark.parametrize("task", ["advection", "burgers", "shallow-water"])
def test_describe__another_file__no_shapes_of_the_original(task, file, capsys):
    main(["describe", f"{task}:{file}"])
    assert "shapes" not in capsys.readouterr().out
    main(["describe", task])
    assert "shapes    " in capsys.readouterr().out


@pytest.mark.parametrize("words", [["list"], ["describe", "ecg"], ["report"]], ids=str)
def test_interrupted__command_without_fits__no_advice(words, monkeypatch, capsys):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(f"sklearn_pare.benchmarks.cli._{words[0]}", interrupt)
    with pytest.raises(SystemExit) as stop:
        main([*words, *["--out", "x"] * (words == ["report"])])
    assert stop.value.code == 130
    assert capsys.readouterr().err == "Interrupted.\n"
