"""Arguments that have no effect on a fit: one warning names them."""

import warnings

import numpy as np
import pytest

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.benchmarks import METHODS
from tests.common.instances import tiny

X = np.random.default_rng(0).normal(size=(30, 4))
Y = X[:, 0] > 0
CLEAN = {"mix_start": 0.0, "mix_end": 0.0}
QUICK = {"max_epochs": 1, "linear_path": False}

WITHOUT_EFFECT = {
    # name: (arguments, arguments of fit, names and reasons in the warning)
    "weight without mixing": (
        CLEAN | {"mix_weight": 0.5}, {}, "mix_weight, because no tokens are replaced",
    ),
    "selector without mixing": (
        CLEAN | {"selector": "gate"}, {}, "selector, because no tokens are replaced",
    ),
    "selector without a source": (
        {"source": None, "selector": "gate"}, {}, "selector, because no tokens",
    ),
    "selector of mixed samples without weight": (
        {"mix_weight": 0, "selector": "gate"}, {}, "selector, because mix_weight=0",
    ),
    "layer decay of random weights": (
        {"pretrained": False, "layer_decay": 0.5}, {},
        "layer_decay, because pretrained=False",
    ),
    "layer decay of fixed weights": (
        {"tune": "head", "layer_decay": 0.5}, {},
        "layer_decay, because the weights of the backbone are fixed",
    ),
    "early stopping that is off": (
        {"n_iter_no_change": 3, "validation_fraction": 0.3}, {},
        "validation_fraction, because early_stopping=False; n_iter_no_change, because",
    ),
    "fraction beside validation samples": (
        {"early_stopping": True, "validation_fraction": 0.3},
        {"X_val": X, "y_val": Y}, "validation_fraction, because X_val is given",
    ),
    "two kinds": (
        CLEAN | {"mix_weight": 0.5, "n_iter_no_change": 3}, {},
        "mix_weight, because no tokens are replaced; n_iter_no_change, because early",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WITHOUT_EFFECT)
def test_fit__argument_that_another_switches_off__one_warning_names_it(name):
    settings, data, words = WITHOUT_EFFECT[name]
    kind = PaReRegressor if name == "two kinds" else PaReClassifier
    with pytest.warns(UserWarning, match="no effect on this fit") as caught:
        tiny(kind, **QUICK, **settings).fit(X, Y, **data)
    assert len(caught) == 1
    assert words in str(caught[0].message)
    assert caught[0].filename == __file__


WITH_EFFECT = {
    "default": {},
    "early stopping": {"early_stopping": True, "n_iter_no_change": 3},
    "mixing": {"mix_weight": 0.5, "selector": "gate"},
    "source of another method": CLEAN | {"source": "noise"},
    "one rate for all blocks": {"pretrained": False, "layer_decay": 1.0},
    "one rate for no blocks": {"tune": "none", "layer_decay": 1.0},
    "values that are the defaults": CLEAN
    | {"mix_weight": "auto", "selector": "random"},
} | {name: METHODS[name] for name in METHODS if "mask" not in name}


@pytest.mark.parametrize("name", WITH_EFFECT)
def test_fit__ordinary_arguments__no_warning(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tiny(PaReClassifier, **QUICK, **WITH_EFFECT[name]).fit(X, Y)


def test_fields__neither_mixed_nor_tuned__arguments_of_both_named():
    fields = np.random.default_rng(0).normal(size=(30, 1, 16))
    settings = QUICK | {"selector": "gate", "mix_weight": 0.7, "layer_decay": 0.5}
    words = r"(?s)mix_weight, because no tokens.*layer_decay, because the weights"
    with pytest.warns(UserWarning, match=words):
        tiny(PaReRegressor, **settings).fit(fields, fields[:, 0])
