import argparse

import pytest
from joblib.externals.loky.process_executor import TerminatedWorkerError

from sklearn_pare.benchmarks.console import check_writable, short_errors
from sklearn_pare.exceptions import DataError, SaveError, UnknownNameError


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (DataError("X holds\n  NaN."), 1, "DataError: X holds NaN.\n"),
        (OSError(28, "No space left"), 1, "OSError: [Errno 28] No space left\n"),
        (ImportError("pip install x"), 1, "ImportError: pip install x\n"),
        (BrokenPipeError(32, "Broken pipe"), 1, ""),
        (UnknownNameError("no such task"), 2, "prog: error: no such task\n"),
        (TerminatedWorkerError("SIGKILL(-9)"), 1, "use fewer --jobs.\n"),
        (KeyboardInterrupt(), 130, "Interrupted.\n"),
        (KeyboardInterrupt("With --out, ..."), 130, "Interrupted. With --out, ...\n"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_short_errors__errors_of_users__one_line(error, status, said, capsys):
    with (
        pytest.raises(SystemExit) as stop,
        short_errors(argparse.ArgumentParser("prog")),
    ):
        raise error
    assert stop.value.code == status
    err = capsys.readouterr().err
    assert err.endswith(said)
    assert err.count("\n") == (2 if status == 2 else bool(said))


def test_short_errors__defect_of_the_package__not_hidden():
    parser = argparse.ArgumentParser()
    with pytest.raises(ZeroDivisionError), short_errors(parser):
        raise ZeroDivisionError


def test_check_writable__nothing_is_touched(tmp_path, monkeypatch):
    check_writable(None)
    check_writable(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "old").write_text("kept")
    check_writable(tmp_path / "old")
    assert (tmp_path / "old").read_text() == "kept"
    for wrong in (tmp_path, tmp_path / "a" / "b", tmp_path / "old" / "b"):
        with pytest.raises(SaveError, match="existing folder with write permission"):
            check_writable(wrong)
    for denied in (tmp_path, tmp_path / "old"):
        monkeypatch.setattr("os.access", lambda path, mode, no=denied: path != no)
        with pytest.raises(SaveError, match=r"has no write permission\. Name"):
            check_writable(tmp_path / "old")
