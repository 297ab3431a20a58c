import dataclasses

import numpy as np
import pytest

from studies import peers, spectra
from studies.cli import main
from tests.studies.conftest import TINY


@pytest.mark.filterwarnings("ignore::sklearn_pare.exceptions.NetworkUnusedWarning")
def test_command__signals_and_tables_beside_linear_models(capsys, monkeypatch, rng):
    amounts = rng.uniform(size=(60, 2))
    place = np.linspace(0, 1, 40)
    peaks = np.exp(-0.5 * ((place - [[0.4], [0.5]]) / 0.1) ** 2)
    X = (amounts @ peaks)[:, None].astype("f4")
    task = dataclasses.replace(
        spectra.TASKS["meats fat"],
        load=lambda: (X, amounts[:, 0]),
        n_train=40,
        settings=TINY | {"linear_path": True},
    )
    monkeypatch.setattr(spectra, "TASKS", {"meats fat": task})
    main(["spectra", "--seeds", "1"])
    out = capsys.readouterr().out
    lines = [line.split(" | ") for line in out.splitlines() if "| meats" in line]
    found = {line[1]: float(line[2]) for line in lines}
    assert list(found) == list(spectra.METHODS)
    assert max(found.values()) < 0.2


def test_peers__pls__no_more_components_than_samples(rng):
    X = rng.normal(size=(12, 1, 30))
    y = X[:, 0, :2].sum(1)
    model = peers.make("PLS", 0).fit(X, y)
    assert model.predict(X).shape == (12,)
