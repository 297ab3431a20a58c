"""Flows (OpenML's descriptions of estimators), with all versions, checked locally."""

import logging
import re
from contextlib import contextmanager
from importlib.metadata import version

from sklearn.base import clone

from sklearn_pare._base import _BasePaRe
from sklearn_pare._version import __version__
from sklearn_pare.exceptions import FlowError

# Distributions, other than scikit-learn, that influence the result of a fit.
_PACKAGES = ("skorch", "timm", "torch")

# Limits of OpenML's schema for flows, in characters.
_LIMITS = {"name": 1024, "external_version": 128, "description": 1024,
           "dependencies": 1024}  # fmt: skip


@contextmanager
def _quiet():
    """Silence openml's warning about docstrings without scikit-learn's last line."""
    logger = logging.getLogger("openml.extensions.sklearn.extension")

    def keep(record):
        return "'Read more' not found" not in record.getMessage()

    logger.addFilter(keep)
    try:
        yield
    finally:
        logger.removeFilter(keep)


def make_flow(estimator):
    """Describe a clone of an estimator as a flow; raise FlowError if OpenML refuses it.

    In the clone, which is ``flow.model``, every ``random_state`` is an int.
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
    """Add the versions of torch, timm and skorch to flows of this package, in place.

    openml records the versions of scikit-learn and of the estimator's own package. The
    others are added to ``external_version``, exactly: OpenML identifies a flow by its
    name and that text. They are also added to ``dependencies``, as lower bounds, which
    openml checks when it rebuilds the estimator. A flow loaded from a server is not
    changed. Returns True if the flow is, or contains, an estimator of this package.
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
    """Return a version that openml can parse and that is not above the given one."""
    form = r"(\d+(?:\.\d+){0,2})(?:\.\d+)*(?:\.post\d+)?(?:\+.+)?"
    release = re.fullmatch(form, text)
    return release[1] if release else "0"


def check(flow):
    """Raise a FlowError if OpenML's schema for flows would refuse the flow."""
    for part in flow.components.values():
        check(part)
    owner = flow.class_name or flow.name
    if not flow.description:
        raise FlowError(
            f"{owner} has no docstring, and OpenML requires a description. Give the "
            "class a docstring of one line."
        )
    texts = {name: getattr(flow, name) or "" for name in _LIMITS}
    for name, info in flow.parameters_meta_info.items():
        texts[f"description of the parameter {name}"] = info["description"] or ""
    for name, text in texts.items():
        if not text.isascii():
            wrong = next(character for character in text if not character.isascii())
            raise FlowError(
                f"The {name} of {owner} holds {wrong!r} (U+{ord(wrong):04X}); OpenML "
                "accepts ASCII only. The text comes from the docstring of the class: "
                "write that character in ASCII there."
            )
        limit = _LIMITS.get(name, 1024)
        if len(text) > limit:
            raise FlowError(
                f"The {name} of {owner} has {len(text)} characters, OpenML accepts "
                f"{limit}: {text[:80]!r} and so on. Shorten it."
            )
