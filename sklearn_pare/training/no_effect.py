"""Arguments that have no effect on a fit because of other arguments."""

import inspect
import warnings

from sklearn_pare.training.recipe import resolve

# Names of arguments, the condition under which they have no effect, and words for it.
# ``source`` is left out: baselines without mixing share it with other methods.
_TABLE = (
    (
        ("mix_weight", "selector"),
        lambda a: a["source"] is None or a["mix_start"] == a["mix_end"] == 0,
        "no tokens are replaced",
    ),
    (("selector",), lambda a: a["mix_weight"] == 0, "mix_weight=0"),
    (("layer_decay",), lambda a: not a["pretrained"], "pretrained=False"),
    (
        ("layer_decay",),
        lambda a: a["tune"] in ("none", "head"),
        "the weights of the backbone are fixed",
    ),
    (
        ("validation_fraction", "n_iter_no_change"),
        lambda a: not a["early_stopping"],
        "early_stopping=False",
    ),
    (("validation_fraction",), lambda a: a["X_val"] is not None, "X_val is given"),
    (
        ("scoring",),
        lambda a: not a["early_stopping"] and a["X_val"] is None,
        "there are no validation samples",
    ),
    (("quantile",), lambda a: a.get("loss", "quantile") != "quantile", "of the loss"),
)
# With this value, an argument states what happens without it.
_NEUTRAL = {"layer_decay": 1}


def warn_of_no_effect(estimator, data, X_val):
    """Warn once of all arguments that were set although they have no effect."""
    given = estimator.get_params(deep=False)
    arguments = resolve(given, data) | {"X_val": X_val}
    defaults = inspect.signature(type(estimator)).parameters
    found = {}
    for names, condition, words in _TABLE:
        for name in names if condition(arguments) else ():
            if given[name] not in (defaults[name].default, _NEUTRAL.get(name)):
                found.setdefault(name, words)
    if found:
        listed = "; ".join(f"{name}, because {words}" for name, words in found.items())
        warnings.warn(
            f"Arguments that have no effect on this fit: {listed}. Leave them out, or "
            "change the arguments that switch them off.",
            UserWarning,
            stacklevel=4,
        )
