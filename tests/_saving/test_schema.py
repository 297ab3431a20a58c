"""Schema of fitted estimators: every field is needed, and they must be consistent."""

import copy
import json

import numpy as np
import pytest

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare._saving import schema
from sklearn_pare._saving.fields import Wrong
from tests.common.instances import tiny

TABLE = np.random.default_rng(0).normal(size=(24, 3))
SIGNALS = np.random.default_rng(1).normal(size=(24, 2, 8))
UP = TABLE[:, 0] > 0
FITS = {
    # estimator, X, y, arguments
    "classes": (PaReClassifier, TABLE, UP, {"class_weight": "balanced"}),
    "labels": (
        PaReClassifier, TABLE, np.c_[UP, ~UP].astype(int), {"class_weight": "balanced"},
    ),
    "masks": (
        PaReClassifier, SIGNALS, (SIGNALS[:, 0] > 0) * 3, {"ignore_index": 7},
    ),
    "numbers": (PaReRegressor, TABLE, TABLE[:, :2], {}),
    "fields": (PaReRegressor, SIGNALS, SIGNALS[:, :1], {}),
    "quantiles": (
        PaReRegressor, TABLE, TABLE[:, 0], {"loss": "quantile", "quantile": [0.1, 0.9]},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def plain():
    """Fitted attributes of each kind of estimator, as they are read from a file."""
    found = {}
    for name, (kind, X, y, settings) in FITS.items():
        settings = {"max_epochs": 1, "linear_path": False} | settings
        fitted = vars(tiny(kind, **settings).fit(X, y))
        found[name] = json.loads(json.dumps(schema.dump(fitted)))
    return found


def _load(name, described):
    return schema.load(FITS[name][0].__name__, described, "auto")


@pytest.mark.parametrize("name", FITS)
def test_load__dumped__dumped_again_equal(name, plain):
    assert schema.dump(_load(name, plain[name])) == plain[name]


@pytest.mark.parametrize("name", FITS)
def test_load__any_field_missing_or_unknown__names_it(name, plain):
    for field in plain[name]:
        with pytest.raises(Wrong, match=f"{field} is missing"):
            _load(name, {k: v for k, v in plain[name].items() if k != field})
    with pytest.raises(Wrong, match="'more' is not known"):
        _load(name, plain[name] | {"more": 1})


def test_load__target_of_the_other_estimator__wrong(plain):
    with pytest.raises(Wrong, match="ClassTarget of a PaReRegressor"):
        schema.load("PaReRegressor", plain["classes"], "auto")
    with pytest.raises(Wrong, match="ValueTarget of a PaReClassifier"):
        schema.load("PaReClassifier", plain["numbers"], "auto")


def _classes(values):
    return {"dtype": "<i8", "values": values}


INCONSISTENT = {
    # name of the fit, field of the target or of the fitted attributes, value, words
    "one class": ("masks", "classes", _classes([3]), "MaskTarget are inconsistent"),
    "unsorted classes": ("masks", "classes", _classes([3, 0]), "MaskTarget are incons"),
    "weights of other classes": (
        "classes", "class_weight", [1.0] * 3, "ClassTarget are inconsistent",
    ),
    "negative weight": ("classes", "class_weight", [1.0, -1.0], "-1.0 is not a finite"),
    "labels not from 0": ("labels", "classes", _classes([1, 2]), "LabelTarget are inc"),
    "no labels": ("labels", "classes", _classes([]), "LabelTarget are inconsistent"),
    "weights of other labels": (
        "labels", "class_weight", [[1.0, 1.0]] * 3, "LabelTarget are inconsistent",
    ),
    "three weights of a label": (
        "labels", "class_weight", [[1.0] * 3] * 2, "list of 2 at most",
    ),
    "negative weight of a label": (
        "labels", "class_weight", [[1.0, -1.0]] * 2, "-1.0 is not a finite",
    ),
    "weights of labels as of classes": (
        "labels", "class_weight", [1.0, 1.0], "1.0 is not a list",
    ),
    "masks of no size": ("masks", "size", [], "MaskTarget are inconsistent"),
    "masks of two axes": ("masks", "size", [4, 4], "a target of size (4, 4)"),
    "negative scale": (
        "numbers", "scale", {"dtype": "<f8", "values": [1.0, -1.0]},
        "ValueTarget are inconsistent",
    ),
    "one scale less": (
        "numbers", "scale", {"dtype": "<f8", "values": [1.0]},
        "ValueTarget are inconsistent",
    ),
    "other shape": ("numbers", "shape", [3], "ValueTarget are inconsistent"),
    "unknown loss": ("fields", "loss_name", "l1", "'l1' is not one of"),
    "levels of no quantiles": ("numbers", "levels", [0.5], "ValueTarget are incons"),
    "level above 1": ("numbers", "levels", [1.5], "1.5 is not a finite"),
    "two levels without an axis": (
        "quantiles", "level_axis", False, "ValueTarget are inconsistent",
    ),
    "scores of other targets": (
        "quantiles", "_conformal",
        {"object": "Conformal", "fields": {
            "shape": [2, 5], "groups": {"dtype": "<i8", "values": [0, 1]},
            "temperature": 1.0,
        }}, "scores of shape (2, 5)",
    ),
    "groups of other samples": (
        "quantiles", "_conformal",
        {"object": "Conformal", "fields": {
            "shape": [2], "groups": {"dtype": "<i8", "values": [0, 1, 2]},
            "temperature": 1.0,
        }}, "Conformal are inconsistent",
    ),
    "two axes": ("fields", "size", [2, 4], "a target of size (2, 4)"),
    "no axis": ("classes", "input_shape_", [], "input_shape_=()"),
    "other input shape": ("classes", "input_shape_", [4], "input_shape_=(4,)"),
    "signals of a table": ("classes", "input_shape_", [3, 3], "TableEncoder"),
    "features": ("classes", "n_features_in_", 4, "n_features_in_=4"),
    "names": (
        "classes", "feature_names_in_", {"dtype": "|O", "values": ["a", "b"]},
        "feature_names_in_",
    ),
    "share": ("classes", "network_share_", 1.5, "network_share_: 1.5"),
}  # fmt: skip


@pytest.mark.parametrize("case", INCONSISTENT)
def test_load__inconsistent_field__wrong_names_it(case, plain):
    name, field, value, words = INCONSISTENT[case]
    described = copy.deepcopy(plain[name])
    fields = described["_target"]["fields"]
    owner = fields if field in fields else described
    owner[field] = value
    with pytest.raises(Wrong) as error:
        _load(name, described)
    assert words in str(error.value)


def test_load__flattened_samples__accepted(plain):
    described = plain["fields"] | {"n_features_in_": 16}
    assert _load("fields", described)["n_features_in_"] == 16


@pytest.mark.parametrize(("batch_size", "right"), [(2**25, True), (2**27, False)])
def test_load__batch_of_a_billion_numbers__wrong(batch_size, right, plain):
    # 24 samples of 16 numbers; a batch of 2**30 numbers is the limit.
    kind, described = "PaReRegressor", plain["fields"]
    if right:
        assert schema.load(kind, described, batch_size)
    else:
        with pytest.raises(Wrong, match=f"batch_size={batch_size}, 2147483648 numbers"):
            schema.load(kind, described, batch_size)
