from studies.tables import by_task, collect, markdown, mean_std


def _row(task, method, seed, error):
    return {"task": task, "method": method, "seed": seed, "error": error}


ROWS = [
    _row("a", "pare", 0, 0.1),
    _row("a", "nft", 0, 0.3),
    _row("a", "pare", 1, 0.2),
    _row("b", "pare", 0, None),
]


def test_markdown__head_and_lines():
    assert markdown(["x", "y"], [["1", "2"], ["3", "4"]]).splitlines() == [
        "| x | y |",
        "|---|---|",
        "| 1 | 2 |",
        "| 3 | 4 |",
    ]


def test_mean_std__nothing_to_average__dash():
    assert mean_std([0.1, 0.2]) == "0.1500 +- 0.0707"
    assert mean_std([]) == mean_std(None) == mean_std([0.1, None]) == "-"


def test_collect__values_by_task_and_method():
    found = collect(ROWS, "error")
    assert found["a", "pare"] == [0.1, 0.2]
    assert found["a", "nft"] == [0.3]


def test_by_task__missing_fits__dash():
    assert by_task(ROWS, "error").splitlines()[2:] == [
        "| a | 0.1500 +- 0.0707 | 0.3000 |",
        "| b | - | - |",
    ]
