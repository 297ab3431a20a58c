"""Command lines as users run them: wrong paths, full disks, two at a time, Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from sklearn_pare.benchmarks import lines
from tests.benchmarks.process import NETWORK, Command
from tests.benchmarks.test_report import _ROWS

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "SIGKILL"), reason="needs processes of Unix"
)
TINY = ["run", "--suite", "tiny", "--preset", "tiny", "--methods", "pare,nft"]
REAL = ["run", "--suite", "pdebench", "--tasks", "advection", "--methods", "scratch"]
ALL = ["run", "--suite", "nas-bench-360,pdebench"]
INTERRUPTED = (
    "Interrupted. With --out, the same command continues after the finished fits.\n"
)


@pytest.fixture
def work(tmp_path):
    """The folder in which commands run, with a file of PDEBench below "data"."""
    folder = tmp_path / "work"
    (folder / "data" / "pdebench").mkdir(parents=True)
    (folder / "data" / "pdebench" / "1D_Advection_Sols_beta1.0.hdf5").touch()
    (folder / "full" / "pdebench").mkdir(parents=True)
    (folder / "full" / "pdebench" / "1D_Advection_Sols_beta0.4.hdf5").touch()
    (folder / "text").write_text("Not a folder.")
    yield folder
    Command.kill_all()


def _tree(folder):
    return sorted(folder.rglob("*"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([*REAL, "--data", "dta"], ["dta does not exist", "--download", "h/1D_Adv"]),
        ([*REAL, "--data", "data/pdebench"], ["work/data, is meant"]),
        ([*REAL, "--data", "full/pdebench"], ["folder that contains pdebench"]),
        ([*REAL, "--data", "data"],
         ["Its folder contains 1D_Advection_Sols_beta1.0.hdf5"]),
        ([*REAL, "--data", "text"], ["text is a file, not a folder", "--download"]),
        ([*REAL, "--data", ""], [". lacks their files"]),
        (REAL, ["scikit_learn_data/sklearn_pare does not exist"]),
        ([*ALL, "--data", "dta"], ["None of the tasks can run: dta"]),
        ([*ALL, "--tasks", "ecg", "--data", "data"], ["drive.google.com"]),
        ([*REAL, "--tasks", "advektion"], ["Did you mean 'advection'?"]),
        ([*REAL, "--tasks", "advection:1D_Advection_Sols_beta9.hdf5", "--data", "data"],
         ["Its folder contains 1D_Advection_Sols_beta1.0.hdf5"]),
        ([*REAL, "--tasks", ","], ["contains no name"]),
        ([*REAL, "--methods", ""], ["contains no name"]),
        ([*REAL, "--data", "~nobody-of-this-name"], ["~nobody-of-this-name does not"]),
        ([*REAL, "--seeds", "0"], ["no number of at least 1"]),
        ([*REAL, "--jobs", "-2"], ["no number of at least 1"]),
        ([*REAL, "--jobs", "2", "--dask", "a:1"], ["not allowed with argument --jobs"]),
        ([*REAL, "--data", "dta", "--out", "nodir/r.jsonl"], ["folder nodir does not"]),
        (["prepare", "--simulated", "nodir/sim"], ["nodir/sim", "Name a new"]),
        (["prepare", "--simulated", "text"], ["text: ", "Name a new"]),
        (["prepare", "--simulated", "sim", "--tasks", "advection:a.hdf5"],
         ["Did you mean 'advection'?"]),
        (["prepare", "--simulated", "sim", "--tasks", "ecgg"], ["Did you mean 'ecg'?"]),
        (["describe", "advection", "--data", "dta"], ["dta does not exist"]),
        (["describe", "advection", "--data", "text"], ["text is a file"]),
        (["describe", "advektion"], ["Did you mean 'advection'?"]),
        (["report", "--out", "nodir/r.jsonl"], ["nodir/r.jsonl is not an existing"]),
        (["studies", "accuracy", "digits", "--out", "nodir/r.jsonl"], ["folder nodir"]),
        (["studies", "transfer", "--record", "nodir/card.json"], ["folder nodir"]),
        (["studies", "pretraining", "--output", "nodir/a"], ["folder nodir"]),
    ],
    ids=lambda value: " ".join(value) if value[0] in ("run", "prepare", "report",
                                                      "describe", "studies") else "",
)  # fmt: skip
def test_path_with_a_typo__stops_and_leaves_nothing(words, told, work):
    before = _tree(work)
    status, out, err = Command(work, *words).wait()
    assert status in (1, 2)
    # argparse writes the usage above its error.
    last = err.strip().splitlines()[-1]
    assert status == 2 or err.strip() == last
    assert "Traceback" not in err
    for text in told:
        assert text in last
    assert out == ""
    assert NETWORK not in err
    assert _tree(work) == before


def test_run__download__only_if_asked_and_never_beside_simulated_files(work):
    status, out, err = Command(work, *REAL, "--data", "new", "--download").wait()
    assert status == 1
    assert NETWORK in err
    assert "could not be downloaded from https://darus" in out
    (work / "data" / "SIMULATED").touch()
    status, _, err = Command(work, *REAL, "--data", "data", "--download").wait()
    assert status == 1
    assert "The files in data are simulated" in err
    assert NETWORK not in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([*TINY, "--out", "nodir/r.jsonl"], "the folder nodir does not exist"),
        ([*TINY, "--out", "data"], "data cannot be written: it is not a file"),
        ([*TINY, "--out", "text/r.jsonl"], "the folder text does not exist"),
        (
            [*TINY, "--out", "/dev/full"],
            "/dev/full cannot be written: it is not a file",
        ),
        ([*TINY, "--out", "text"], "text, line 1: Expecting value"),
        ([*TINY, "--out", "foreign"], "foreign, line 1: it has no task, method"),
        (["report", "--out", "rows", "--picture", "nodir/a.png"], "the folder nodir"),
        (["report", "--out", "rows", "--picture", "data"], "data cannot be written"),
    ],
    ids=lambda value: " ".join(value[-2:]) if isinstance(value, list) else "",
)
def test_out_that_cannot_be_written__said_before_the_first_fit(words, told, work):
    (work / "foreign").write_text('{"name": "another file", "version": 1}')
    (work / "rows").write_text("".join(f"{json.dumps(row)}\n" for row in _ROWS))
    before = {path: path.is_file() and path.read_bytes() for path in _tree(work)}
    status, out, err = Command(work, *words).wait()
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert told in err
    assert {
        path: path.is_file() and path.read_bytes() for path in _tree(work)
    } == before


# Bytes that are free for results; a row has about 1,000.
@pytest.mark.parametrize("room", [0, 300, 1200, 2500])
def test_disk_is_full__lines_of_all_results_are_printed(room, work):
    path, most = work / "rows.jsonl", 10**6
    filler = _ROWS[0] | {"recipe": ""}
    filler["recipe"] = "x" * (most - room - len(json.dumps(filler)) - 1)
    lines.append(filler, path)
    assert path.stat().st_size == most - room
    status, out, err = Command(work, *TINY, "--out", path, limit=most).wait()
    assert status == 1
    assert "could not be written to" in err.splitlines()[-1]
    assert "append them to the file" in err.splitlines()[-1]
    printed = [line for line in out.splitlines() if line.startswith("{")]
    saved = lines.read(path)[1:]
    assert len(printed) + len(saved) == 4
    assert len(printed) > 0
    assert out.count("could not be written") == len(printed)
    # After the lines have been appended, nothing is fitted again.
    for line in printed:
        lines.append(json.loads(line), path)
    status, out, _ = Command(work, *TINY, "--out", path).wait()
    assert status == 0
    assert "1/" not in out
    assert "| iris | error of iris |" in out


def test_folder_of_results_is_removed__no_result_is_lost(work):
    (work / "gone").mkdir()
    (work / "hold").touch()
    words = ["run", "--suite", "counted", "--preset", "tiny", "--methods", "nft"]
    command = Command(work, *words, "--data", ".", "--out", "gone/rows.jsonl")
    # The two tasks have been checked, and the first fit reads its data.
    _wait(lambda: _loaded(work) == 9)
    for path in (work / "gone").iterdir():
        path.unlink()
    (work / "gone").rmdir()
    (work / "hold").unlink()
    _, out, _ = command.wait()
    assert out.count('"split_hash"') + len(lines.read(work / "gone/rows.jsonl")) == 2


def _wait(condition):
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def _keys(rows):
    return sorted((row["task"], row["method"], row["seed"]) for row in rows)


@pytest.mark.parametrize(
    ("words", "n"),
    [
        ([TINY, TINY], 4),
        ([[*TINY, "--seeds", "2"], [*TINY, "--methods", "nft,scratch"]], 10),
        ([TINY, [*TINY, "--tasks", "waves"], TINY], 4),
        ([["recorded"], ["recorded"], ["recorded"]], 8),
    ],
    ids=["the same", "other methods and seeds", "three", "studies"],
)
def test_processes_with_one_file__each_cell_once(words, n, work):
    path = work / "rows.jsonl"
    out = [path] if words[0] == ["recorded"] else ["--out", path]
    commands = [Command(work, *own, *out) for own in words]
    ended = [command.wait() for command in commands]
    assert [status for status, *_ in ended] == [0] * len(words)
    rows = lines.read(path)
    assert len(rows) == n
    assert len(set(_keys(rows))) == n
    # Each has printed the table of its own cells, whoever has fitted them.
    for own, (_, said, _) in zip(words, ended, strict=True):
        if own[0] == "run":
            assert "| waves |" in said
            assert "| - |" not in said
    assert {p.name for p in work.glob("rows*")} <= {"rows.jsonl", "rows.jsonl.lock"}


ONE = ["run", "--suite", "counted", "--tasks", "one", "--methods", "nft", "--preset",
       "long", "--data", ".", "--out", "rows.jsonl"]  # fmt: skip


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT", "none"])
def test_process_is_killed__another_takes_its_cells_over(name, work):
    first = Command(work, *ONE)
    # Three parts to check the files, and three to fit.
    _wait(lambda: _loaded(work) == 6)
    second = Command(work, *ONE)
    _wait(lambda: "waiting for 1 fits of another process" in second.said()[0])
    assert _loaded(work) == 9
    if name != "none":
        os.kill(first.process.pid, getattr(signal, name))
        first.wait()
        _wait(lambda: _loaded(work) == 12)
    second.interrupt(False)
    status, _, err = second.wait()
    assert (status, err) == (130, INTERRUPTED)
    if name == "none":
        first.interrupt(False)
        first.wait()


def _loaded(work):
    path = work / "loaded"
    return len(path.read_text().splitlines()) if path.exists() else 0


def _children(pid):
    """Return the processes of the session that a command has started."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        # State, parent, group, session.
        if int(fields[3]) == pid and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


@pytest.mark.parametrize(
    ("words", "group"),
    [
        ([], False),
        (["--out", "rows.jsonl"], True),
        (["--jobs", "2", "--out", "rows.jsonl"], True),
    ],
    ids=["alone", "with a file", "two jobs in a terminal"],
)
def test_ctrl_c__one_line_and_no_orphans(words, group, work):
    run = ["run", "--suite", "counted", "--preset", "long", "--methods", "nft"]
    command = Command(work, *run, "--data", ".", *words)
    # The check of the files, and the fits.
    n = 12 if "--jobs" in words else 9
    _wait(lambda: _loaded(work) >= n)
    command.interrupt(group)
    status, out, err = command.wait()
    assert (status, out, err) == (130, "", INTERRUPTED)
    if sys.platform == "linux":
        _wait(lambda: not _children(command.process.pid))


CONTENTS = {
    "png": b"\x89PNG\r\n\x1a\n\0\0\xff\xfe",
    "random": np.random.default_rng(0).bytes(5000),
    "number": b"3\n",
    "brackets": b"[" * 10**5 + b"\n",
    "utf-16": '{"task": "t"}\n'.encode("utf-16"),
    "few keys": b'{"task": "t"}\n',
    "json": b'{"name": "a file of another program"}',
    "csv": b"task,method,error\niris,pare,0.1\n",
    "folder": None,
    # To run, these are new files.
    "empty": b"",
    "missing": None,
}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (name, kind)
        for name in ("report", "run", "studies")
        for kind in list(CONTENTS)[: -2 if name == "run" else None]
    ],
)
def test_file_of_results_is_another__one_line(name, kind, work):
    content = CONTENTS[kind]
    if content is not None:
        (work / "file").write_bytes(content)
    elif kind == "folder":
        (work / "file").mkdir()
    words = {
        "report": ["report"],
        "run": [*TINY, "--tasks", "iris"],
        "studies": ["studies", "accuracy", "digits", "--report"],
    }[name]
    before = _tree(work)
    status, out, err = Command(work, *words, "--out", "file").wait()
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "file" in err or "There are no results" in err
    assert _tree(work) == before
    if content is not None:
        assert (work / "file").read_bytes() == content


def test_output_that_cannot_be_written__one_line(work):
    (work / "rows").write_text("".join(f"{json.dumps(row)}\n" for row in _ROWS))
    full = Path("/dev/full")
    if full.exists():
        command = Command(work, "report", "--out", "rows", stdout=full)
        status, _, err = command.wait()
        assert status == 1
        assert err == "OSError: [Errno 28] No space left on device\n"
    # As `report | head -0` does.
    command = [sys.executable, "-m", "sklearn_pare.benchmarks", "report", "--out"]
    with subprocess.Popen(
        [*command, work / "rows"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1
