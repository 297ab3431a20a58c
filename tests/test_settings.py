"""The table of defaults in docs/settings.rst says what fit does."""

import csv
from pathlib import Path

import numpy as np
import pytest

import sklearn_pare._base
from sklearn_pare import PaReClassifier, PaReRegressor

PAGE = Path(__file__).parents[1] / "docs" / "settings.rst"
N = 40
RNG = np.random.default_rng(1)


def _rows():
    """Yield (X, y, other cells) for each kind of target in the table."""
    table = PAGE.read_text().partition(":class: defaults\n\n")[2].partition("\n\n")[0]
    for kind, targets, *cells in csv.reader(table.split("\n"), skipinitialspace=True):
        for target in targets.split(", "):
            yield pytest.param(
                kind.strip(), target, cells, id=f"{kind.strip()}-{target}"
            )


def _data(kind, target):
    """Return few samples with targets that are no linear function of them."""
    shape = {"tables": (6,), "signals": (2, 48), "images": (1, 16, 16)}[kind]
    X = RNG.normal(size=(N, *shape))
    y = {
        "classes": np.arange(N) % 2,
        "labels": RNG.integers(2, size=(N, 2)),
        "numbers": RNG.normal(size=N),
    }
    if kind != "tables":
        y |= {"masks": (X[:, 0] > 0).astype(int), "fields": X[:, :1] ** 2}
    return X, y[target]


@pytest.mark.parametrize(("kind", "target", "cells"), [*_rows()])
def test_table_of_defaults__agrees_with_a_fit(kind, target, cells, monkeypatch):
    seen = {}

    def make_recipe(arguments, *others):
        seen.update(arguments=arguments, recipe=original(arguments, *others))
        return seen["recipe"]

    original = sklearn_pare._base.make_recipe
    monkeypatch.setattr(sklearn_pare._base, "make_recipe", make_recipe)
    estimator = (PaReRegressor if target in {"numbers", "fields"} else PaReClassifier)(
        max_time=0.01, random_state=0
    )
    estimator.fit(*_data(kind, target))
    recipe, report = seen["recipe"], estimator.fit_report_
    mixing = f"{recipe.mix_start:.0%} to {recipe.mix_end:.0%}".replace("%", " %")
    found = [
        estimator.backbone_ + " (not used)" * estimator._model.ignores_backbone,
        estimator.source_ or "none",
        mixing if recipe.mix_start else "no",
        seen["arguments"]["tune"],
        "yes" if report.linear_path else "no",
        f"{recipe.n_steps} x {recipe.batch_size}",
    ]
    assert found == [cell.replace("if nearly linear", "no") for cell in cells]
