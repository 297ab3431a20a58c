"""Flows: what OpenML knows of an estimator, completed and checked before it leaves."""

import logging
import re
from contextlib import contextmanager
from importlib.metadata import version

from sklearn.base import clone

from sklearn_pare._base import _BasePaRe
from sklearn_pare._version import __version__
from sklearn_pare.exceptions import FlowError

# The distributions, beside scikit-learn, that decide what a fit of this package gives.
_PACKAGES = ("skorch", "timm", "torch")

# Limits of OpenML's schema for flows, in characters.
_LIMITS = {"name": 1024, "external_version": 128, "description": 1024,
           "dependencies": 1024}  # fmt: skip


@contextmanager
def _quiet():
    """Drop the warnings of openml that a docstring has not scikit-learn's last line."""
    logger = logging.getLogger("openml.extensions.sklearn.extension")

    def keep(record):
        return "'Read more' not found" not in record.getMessage()

    logger.addFilter(keep)
    try:
        yield
    finally:
        logger.removeFilter(keep)


def make_flow(estimator):
    """An estimator, cloned and seeded, as a flow that OpenML takes.

    Parameters
    ----------
    estimator : estimator
        Left as it is.

    Returns
    -------
    flow : openml.flows.OpenMLFlow
        Its ``model`` is the clone, in which every `random_state` is an int.

    Raises
    ------
    FlowError
        If a parameter has no text form, or something else cannot be uploaded.
    """
    import openml
    from openml.exceptions import PyOpenMLError

    try:
        extension = openml.extensions.get_extension_by_model(
            estimator, raise_if_no_extension=True
        )
        model = extension.seed_model(clone(estimator))
        with _quiet():
            flow = extension.model_to_flow(model)
    except (AttributeError, TypeError, ValueError, PyOpenMLError) as error:
        raise FlowError(
            f"{type(estimator).__name__} cannot be described to OpenML: {error}. "
            "Parameters must be None, bool, int, float, str, lists, tuples or dicts of "
            "them, functions of a module, or estimators, each class of these once; "
            "random_state an int or None."
        ) from error
    complete(flow)
    check(flow)
    return flow


def complete(flow):
    """Add the versions that a fit depends on, wherever this package is in a flow.

    openml writes those of scikit-learn and of the estimator's own package. The versions
    of torch, timm and skorch go into `external_version`, exactly, and with the name
    that is what OpenML tells flows apart by; and into `dependencies`, as lower bounds,
    which openml checks when it makes the estimator anew.

    Parameters
    ----------
    flow : openml.flows.OpenMLFlow
        Changed in place, unless its server knows it already.

    Returns
    -------
    found : bool
        Whether there is an estimator of this package in the flow.
    """
    inside = [complete(part) for part in flow.components.values()]
    own = (flow.class_name or "").startswith("sklearn_pare.")
    found = own or isinstance(flow.model, _BasePaRe) or any(inside)
    if found and flow.flow_id is None:
        versions = {"sklearn_pare": __version__}
        versions |= {name: version(name) for name in _PACKAGES}
        exact = [f"{name}=={number}" for name, number in versions.items()]
        known = flow.external_version.split(",")
        flow.external_version = ",".join(sorted({*known, *exact}))
        bounds = [f"{name}>={_bound(number)}" for name, number in versions.items()]
        known = flow.dependencies.split("\n")
        flow.dependencies = "\n".join(dict.fromkeys([*known, *bounds]))
    return found


def _bound(text):
    """A version that openml can read, at or below the one given."""
    release = re.fullmatch(
        r"(\d+(?:\.\d+){0,2})(?:\.\d+)*(?:\.post\d+)?(?:\+.+)?", text
    )
    return release[1] if release else "0"


def check(flow):
    """Complain about what OpenML's schema for flows would refuse.

    Parameters
    ----------
    flow : openml.flows.OpenMLFlow

    Raises
    ------
    FlowError
    """
    for part in flow.components.values():
        check(part)
    what = flow.class_name or flow.name
    if not flow.description:
        raise FlowError(
            f"{what} has no docstring, and OpenML wants a description. Give the class "
            "one line."
        )
    texts = {name: getattr(flow, name) or "" for name in _LIMITS}
    for name, info in flow.parameters_meta_info.items():
        texts[f"description of the parameter {name}"] = info["description"] or ""
    for name, text in texts.items():
        if not text.isascii():
            wrong = next(character for character in text if not character.isascii())
            raise FlowError(
                f"The {name} of {what} holds {wrong!r} (U+{ord(wrong):04X}); OpenML "
                "takes ASCII alone. It comes from the docstring of the class: write "
                "that character in ASCII there."
            )
        limit = _LIMITS.get(name, 1024)
        if len(text) > limit:
            raise FlowError(
                f"The {name} of {what} has {len(text)} characters, OpenML takes "
                f"{limit}: {text[:80]!r} and so on."
            )
