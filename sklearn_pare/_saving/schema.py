"""Schema of fitted estimators in saved files, with conditions between fields."""

import itertools
import math

import numpy as np

from sklearn_pare._architecture import LINEAR_GROUPS, Architecture, linear_groups
from sklearn_pare._data.class_targets import ClassTarget, LabelTarget, MaskTarget
from sklearn_pare._data.conformal import Conformal
from sklearn_pare._data.encoders import ChannelScaler
from sklearn_pare._data.tables import TableEncoder
from sklearn_pare._data.value_targets import LOSSES, ValueTarget
from sklearn_pare._report import ENDINGS, STAGES, FitReport
from sklearn_pare._saving.fields import (
    ANY,
    FLAG,
    SCALAR,
    TEXT,
    Array,
    Many,
    Mapping,
    Maybe,
    Number,
    Object,
    Record,
    Wrong,
    one_of,
    real,
    show,
    whole,
)
from sklearn_pare.backbones import has_config
from sklearn_pare.nn.replace import SELECTORS
from sklearn_pare.training.recipe import auto_for

# Targets of each estimator.
TARGETS = {
    "PaReClassifier": (ClassTarget, LabelTarget, MaskTarget),
    "PaReRegressor": (ValueTarget,),
}
# Numbers in a batch of samples or outputs; these take 4 GB.
_MOST_NUMBERS = 2**30


def _rises(values):
    return all(a < b for a, b in itertools.pairwise(values))


def _are_categories(values):
    # A column without values in fit has none.
    return len({type(value) is str for value in values}) < 2 and _rises(values)


def _are_classes(target):
    rising = len(target.classes) >= 2 and _rises(target.classes.tolist())
    return rising and _one_each(target.class_weight, target)


def _one_each(weights, target):
    return weights is None or len(weights) == len(target.classes)


def _are_labels(target):
    labels = np.arange(len(target.classes))
    same = len(labels) > 0 and np.array_equal(target.classes, labels)
    return same and _one_each(target.class_weight, target)


def _are_masks(target):
    return _are_classes(target) and len(target.size) > 0


def _are_values(target):
    n_values = len(target.mean) * math.prod(target.size)
    same = len(target.mean) == len(target.scale) == len(target.spread) > 0
    same &= all(spread > 0 for spread in target.spread)
    same &= (target.loss_name == "quantile") == (len(target.levels) > 0)
    same &= target.level_axis or len(target.levels) < 2
    return same and target.scale.min() >= 0 and math.prod(target.shape) == n_values


def _is_scale(encoder):
    same = len(encoder.mean_) == len(encoder.scale_) > 0
    return same and encoder.scale_.min() > 0


def _are_columns(encoder):
    if not _is_scale(encoder) or len(encoder.categories_) != len(encoder.mean_):
        return False
    # Codes of categories are not standardised, because embedders look them up.
    return all(
        values is None or (_are_categories(values) and mean == 0 and scale == 1)
        for values, mean, scale in zip(
            encoder.categories_, encoder.mean_, encoder.scale_, strict=True
        )
    )


def _is_conformal(own):
    groups = np.unique(own.groups)
    same = own.shape[:1] == own.groups.shape and own.temperature > 0
    return same and np.array_equal(groups, np.arange(len(groups)))


def _is_report(report):
    return (report.linear_loss is None) == (report.loss is None)


_SIZES = Many(whole(1), tuple, 3)
_SCALE = {"mean_": Array("f"), "scale_": Array("f")}
_WEIGHTS = Maybe(Many(real(0)))
_CLASS_TARGET = Record({"classes": Array("biufUO"), "class_weight": _WEIGHTS})
_LABEL_TARGET = Record(
    {"classes": Array("i"), "class_weight": Maybe(Many(Many(real(0), list, 2)))}
)
_MASK_TARGET = Record(
    {
        "classes": Array("biu"),
        "size": _SIZES,
        "ignored": Maybe(whole(-(2**63), 2**63)),
        "class_weight": _WEIGHTS,
    }
)
_VALUE_TARGET = Record(
    {
        "mean": Array("f"),
        "scale": Array("f"),
        "shape": _SIZES,
        "size": _SIZES,
        "loss_name": one_of(LOSSES),
        "spread": Many(real(0)),
        "levels": Many(real(0, 1)),
        "level_axis": FLAG,
    }
)
# The scores are an array of their own.
_CONFORMAL = Record(
    {"shape": Many(whole(1), tuple, 4), "groups": Array("i"), "temperature": real(0)}
)
_CARD = Record(
    {
        "name": TEXT,
        "description": TEXT,
        "licence": TEXT,
        "sha256": Maybe(TEXT),
        "origin": Maybe(TEXT),
        "seed": Maybe(whole(0)),
        "command": Maybe(TEXT),
    }
)
_REPORT = Record(
    {
        "source": Maybe(TEXT),
        "network_share": real(0, 1),
        "linear_path": FLAG,
        "linear_loss": Maybe(Number()),
        "loss": Maybe(Number()),
        "n_training": whole(1),
        "n_validation": whole(0),
        "n_share": whole(0),
        "n_unlabeled": whole(0),
        "n_epochs": whole(0),
        "max_epochs": whole(1),
        "ended": one_of(ENDINGS),
        "seconds": Record({stage: real(0) for stage in STAGES}, optional=STAGES),
        "scoring": TEXT,
        "symmetries": Many(TEXT, list),
    },
    optional=("symmetries",),
)
# Fields that do not follow from samples and targets.
_ARCHITECTURE = Record(
    {
        "backbone": TEXT,
        "selector": one_of(tuple(SELECTORS)),
        "linear": Many(one_of(LINEAR_GROUPS), tuple),
        "config": Maybe(Mapping(ANY)),
        "card": Maybe(_CARD),
    }
)
_FITTED = Record(
    {
        "n_features_in_": whole(1),
        "feature_names_in_": Array("O"),
        "input_shape_": _SIZES,
        "n_tokens_": whole(1),
        "n_iter_": whole(0),
        "history_": Many(Mapping(Maybe(Number()))),
        "alignment_history_": Many(Number()),
        "source_": Maybe(TEXT),
        "source_distances_": Mapping(Number()),
        "network_share_": real(0, 1),
        "fit_report_": Object({FitReport: (_REPORT, _is_report)}),
        "_encoder": Object(
            {
                ChannelScaler: (Record(_SCALE), _is_scale),
                TableEncoder: (
                    Record({"categories_": Many(Maybe(Many(SCALAR)))} | _SCALE),
                    _are_columns,
                ),
            }
        ),
        "_target": Object(
            {
                ClassTarget: (_CLASS_TARGET, _are_classes),
                LabelTarget: (_LABEL_TARGET, _are_labels),
                MaskTarget: (_MASK_TARGET, _are_masks),
                ValueTarget: (_VALUE_TARGET, _are_values),
            }
        ),
        "_architecture": _ARCHITECTURE,
        "_conformal": Maybe(Object({Conformal: (_CONFORMAL, _is_conformal)})),
        "_init_seed": whole(0),
    },
    optional=("feature_names_in_",),
)


def dump(fitted):
    """Return those fitted attributes that a file holds, as plain values."""
    architecture = fitted["_architecture"]._asdict()
    if not has_config(architecture["backbone"]):
        architecture["config"] = None
    return _FITTED.dump(fitted | {"_architecture": architecture})


def load(kind, plain, batch_size):
    """Return fitted attributes of the estimator ``kind`` from plain values.

    Raises `Wrong` if a field is missing, unknown, of a wrong type or out of range, or
    inconsistent with the others or with the argument ``batch_size``.
    """
    fitted = _FITTED.load(plain)
    for right, what in _conditions(kind, fitted, batch_size):
        if not right:
            raise Wrong(f"{what} is inconsistent with the other fields")
    fitted["_architecture"] = Architecture(
        input_shape=fitted["input_shape_"],
        output_shape=fitted["_target"].output_shape,
        cardinalities=getattr(fitted["_encoder"], "cardinalities", None),
        **fitted["_architecture"],
    )
    return fitted


def _conditions(kind, fitted, batch_size):
    """Yield pairs of a condition and the field to name if it is false."""
    shape, target, encoder = (
        fitted[name] for name in ("input_shape_", "_target", "_encoder")
    )
    n_features, architecture = fitted["n_features_in_"], fitted["_architecture"]
    yield len(shape) > 0, "input_shape_=()"
    yield isinstance(target, TARGETS[kind]), f"{type(target).__name__} of a {kind}"
    of_table = isinstance(encoder, TableEncoder)
    yield of_table == (len(shape) == 1), type(encoder).__name__
    yield len(encoder.mean_) == shape[0], f"input_shape_={show(shape)}"
    # Samples may be flattened.
    yield n_features in (shape[0], math.prod(shape)), f"n_features_in_={n_features}"
    names = fitted.get("feature_names_in_")
    yield names is None or len(names) == n_features, "feature_names_in_"
    size = getattr(target, "size", ())
    yield len(size) in (0, len(shape) - 1), f"a target of size {size}"
    own = architecture["linear"]
    possible = linear_groups(shape, target.output_shape, target.kind)
    in_order = own == tuple(name for name in possible if name in own)
    yield in_order, f"a linear path with {show(list(own))}"
    known = has_config(architecture["backbone"])
    yield known == (architecture["config"] is not None), "the backbone's configuration"
    rows = batch_size if type(batch_size) is int else auto_for(target).batch_size
    numbers = rows * max(math.prod(shape), math.prod(target.output_shape))
    small = numbers <= _MOST_NUMBERS
    yield small, f"batch_size={batch_size!r}, {numbers} numbers of 2**30 at most,"
    own, first = fitted["_conformal"], 0 if isinstance(target, LabelTarget) else 1
    scored = getattr(target, "shape", target.output_shape[first:])
    same = own is None or own.shape[1:] == tuple(scored)
    yield same, f"scores of shape {show(own and own.shape)}"
    share = fitted["network_share_"]
    yield share == fitted["fit_report_"].network_share, f"network_share_={share}"
