import importlib
import sys

import pytest
import torch
from sklearn.datasets import load_digits, load_wine

import sklearn_pare
from sklearn_pare import PaReClassifier
from sklearn_pare.inspection._fitted import fitted_with_source
from sklearn_pare.nn.model import PaReModel
from tests.common.instances import tiny


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"pretrained": False, "random_state": None},
        {"source": "arrays"},
        {"source": ["formula", "arrays"]},
        {"source": "table", "random_state": None},
    ],
)
def test_source__built_again__as_it_was_in_fit(settings, monkeypatch):
    X, y = load_digits(return_X_y=True)
    kinds = {
        "arrays": (X[:60].reshape(-1, 1, 8, 8), y[:60]),
        "table": load_wine(return_X_y=True),
        # The samples themselves are the nearest source.
        "['formula', 'arrays']": ["formula", (X[:60].reshape(-1, 1, 8, 8), y[:60])],
    }
    source = settings.get("source", "formula")
    settings = settings | {"source": kinds.get(str(source), source)}
    seen = {}
    forward = PaReModel.forward

    def spy(self, x, mixing=None, *args, **kwargs):
        with torch.no_grad():
            seen["rows"] = mixing.others
            seen["tokens"] = self.source_embed(mixing.others)
        return forward(self, x, mixing, *args, **kwargs)

    monkeypatch.setattr(PaReModel, "forward", spy)
    settings = {"input_shape": (1, 8, 8), "max_epochs": 1} | settings
    clf = tiny(PaReClassifier, **settings).fit(X[:60], y[:60])
    again = fitted_with_source(clf).source_embed
    if isinstance(source, list):
        assert clf.source_ == "arrays 1"
    with torch.no_grad():
        torch.testing.assert_close(again(seen["rows"]), seen["tokens"])


def test_import__without_matplotlib__until_something_is_drawn(monkeypatch):
    monkeypatch.setattr(sklearn_pare, "inspection", sklearn_pare.inspection)
    for name in [*sys.modules]:
        if name.startswith("sklearn_pare.inspection"):
            monkeypatch.delitem(sys.modules, name)
        elif name.partition(".")[0] == "matplotlib":
            monkeypatch.setitem(sys.modules, name, None)
    inspection = importlib.import_module("sklearn_pare.inspection")
    with pytest.raises(ImportError, match=r"loss_landscape requires matplotlib"):
        inspection.loss_landscape(None, None, None)
