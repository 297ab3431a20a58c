import os
import time

import pytest

from studies.processes import EndedEarlyError, TimeIsOverError, rows_of


def _rows(n, then):
    yield from ({"number": i, "process": os.getpid()} for i in range(n))
    then()


def _nothing():
    pass


def _fail():
    raise ValueError("seven is not even")


def _hang():
    time.sleep(600)


def _die():
    os._exit(9)


def test_rows_of__all_rows_of_another_process():
    rows = list(rows_of(_rows, 3, _nothing))
    assert [row["number"] for row in rows] == [0, 1, 2]
    assert os.getpid() not in {row["process"] for row in rows}


@pytest.mark.parametrize(
    ("then", "kind", "reason"),
    [
        (_fail, EndedEarlyError, "ValueError: seven is not even"),
        (_die, EndedEarlyError, "exit code 9"),
        (_hang, TimeIsOverError, "20 s were over"),
    ],
    ids=["error", "killed", "hangs"],
)
def test_rows_of__breaks_off__rows_before_it_and_the_reason(then, kind, reason):
    rows = rows_of(_rows, 2, then, seconds=20)
    assert [next(rows)["number"], next(rows)["number"]] == [0, 1]
    with pytest.raises(kind, match=reason):
        next(rows)
