import numpy as np
import pytest
import torch

from sklearn_pare.datasets import make_ecg
from sklearn_pare.nn import embed
from studies import embedders
from tests.studies.conftest import TINY


@pytest.mark.parametrize("name", embedders.EMBEDDERS)
def test_embedder__tokens_of_its_own(name, generator):
    X = torch.from_numpy(make_ecg(8, random_state=0)[0]).float()
    torch.manual_seed(0)
    module = embedders.EMBEDDERS[name](tuple(X.shape[1:]), (4, 4), 16)
    if hasattr(module, "fit"):
        module.fit(X)
    tokens = module(X)
    assert tokens.shape == (8, 16, 16)
    assert tokens.isfinite().all()
    # A token depends on the signal.
    assert (tokens[0] - tokens[1]).abs().max() > 0.1


def test_run__the_embedder_is_replaced_for_the_fit_alone(monkeypatch):
    task = embedders.SUITES["modalities"]["ecg-150"]
    for key, value in TINY.items():
        monkeypatch.setitem(task.settings, key, value)
    monkeypatch.setattr(embedders, "TASKS", ("ecg-150",))
    default = embed.SignalEmbed
    rows = embedders.run([0])
    assert embed.SignalEmbed is default
    assert [row["method"] for row in rows] == list(embedders.EMBEDDERS)
    assert len({row["score"] for row in rows}) > 1
    lines = embedders.table(rows).splitlines()
    assert lines[0] == "| embedder | ecg-150 | mean |"
    assert lines[2] == f"| raw patches | {rows[0]['score']:.4f} | " + (
        f"{np.mean(rows[0]['score']):.4f} |"
    )
