import pytest

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.benchmarks import METHODS
from sklearn_pare.benchmarks.__main__ import main
from studies import accuracy, distances, timings


@pytest.mark.parametrize("name", METHODS)
def test_methods__are_constructor_arguments(name):
    for kind in (PaReClassifier, PaReRegressor):
        assert kind(**METHODS[name]).get_params().items() >= METHODS[name].items()


def test_split__digits__stratified_300_of_1797():
    X_train, X_test, y_train, _ = accuracy.split("digits", 0)
    assert (len(X_train), len(X_test)) == (300, 1497)
    assert min((y_train == c).sum() for c in range(10)) >= 28


def test_accuracy__peers_only__table(capsys):
    results = accuracy.run("digits", [], [0], print)
    lines = accuracy.table(results).splitlines()
    assert len(lines) == 2 + 5
    assert "seed 0  SVC  accuracy 0.9" in capsys.readouterr().out


def test_selection__small__loop_and_closed_form_agree():
    _, _, _, cosine = timings.selection(k=100, batch=2, n=256, dim=4, repeats=1)
    assert cosine > 0.99
    assert timings.exact_difference() < 1e-6


def test_help__fits_a_screen(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert len(capsys.readouterr().out.splitlines()) < 24


def test_distances__two_sizes__table(capsys):
    rows = distances.growth([60, 120], print)
    assert [row[:2] for row in rows] == [
        (60, "exact"), (60, "gaussian"), (120, "exact"), (120, "gaussian"),
    ]  # fmt: skip
    assert "120 rows  gaussian" in capsys.readouterr().out
    assert "| 60 | exact |" in distances.table(rows)
