"""Flows (OpenML's descriptions of estimators): with all versions, checked, uploaded."""

import logging
import re
import shutil
import time
from contextlib import contextmanager
from importlib.metadata import version
from itertools import chain
from xml.parsers.expat import ExpatError

from sklearn.base import clone

from sklearn_pare._base import _BasePaRe
from sklearn_pare._utils.openml_cache import folder
from sklearn_pare._version import __version__
from sklearn_pare.exceptions import FlowError, PublishError

# Distributions, other than scikit-learn, that influence the result of a fit.
_PACKAGES = ("skorch", "timm", "torch")

# Limits of OpenML's schemas for flows and runs, in characters.
_LIMITS = {"name": 1024, "external_version": 128, "description": 1024,
           "dependencies": 1024}  # fmt: skip
_LONGEST_VALUE = 2048

# OpenML's database joins a table for each parameter, and at most 61 tables.
_MOST_PARAMETERS = 60

# Seconds before each new attempt to read a flow that another process may be uploading.
_PAUSES = (1, 2, 4, 8)


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
    openml checks when it rebuilds the estimator. Returns True if the flow is, or
    contains, an estimator of this package.
    """
    inside = [complete(part) for part in flow.components.values()]
    own = (flow.class_name or "").startswith("sklearn_pare.")
    found = own or isinstance(flow.model, _BasePaRe) or any(inside)
    if found:
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
    """Raise a FlowError if OpenML would refuse the flow, or a run with its values."""
    owner = flow.class_name or flow.name
    count = _count_parameters(flow)
    if count > _MOST_PARAMETERS:
        raise FlowError(
            f"{owner} has {count} parameters over all its parts, OpenML accepts "
            f"{_MOST_PARAMETERS}. Use fewer parts, or parts with fewer parameters."
        )
    for part in flow.components.values():
        check(part)
    if not flow.description:
        raise FlowError(
            f"{owner} has no docstring, and OpenML requires a description. Give the "
            "class a docstring of one line."
        )
    for name, limit in _LIMITS.items():
        _check_text(getattr(flow, name), f"{name} of {owner}", limit)
    for name, info in flow.parameters_meta_info.items():
        what = f"description of the parameter {name} of {owner}"
        _check_text(info["description"], what, 1024)
    for name, value in flow.parameters.items():
        what = f"value of the parameter {name} of {owner}"
        _check_text(value, what, _LONGEST_VALUE)


def _count_parameters(flow):
    """Count the parameters that OpenML stores: those that are no parts themselves."""
    parts = flow.components
    return len(flow.parameters.keys() - parts.keys()) + sum(
        map(_count_parameters, parts.values())
    )


def _check_text(text, what, limit):
    text = text or ""
    if not text.isascii():
        wrong = next(character for character in text if not character.isascii())
        raise FlowError(
            f"The {what} holds {wrong!r} (U+{ord(wrong):04X}); OpenML accepts ASCII "
            "only. The text comes from the docstring of the class: write that "
            "character in ASCII there."
        )
    if len(text) > limit:
        raise FlowError(
            f"The {what} has {len(text)} characters, OpenML accepts {limit}: "
            f"{text[:80]!r} and so on. Shorten it."
        )


def upload(flow):
    """Upload a flow, or take the IDs of the same flow on the server.

    OpenML writes a flow row by row. While another process uploads the same flow, its
    server refuses it with error 171, and returns an incomplete one, which openml keeps
    in its cache.
    """
    import openml

    for pause in (0, *_PAUSES):
        time.sleep(pause)
        try:
            return flow.publish()
        except Exception as error:
            _forget(flow)
            known = openml.flows.flow_exists
            number = _may_pass(error) and known(flow.name, flow.external_version)
            if not number:
                raise
        shutil.rmtree(folder("flows", number), ignore_errors=True)
    different = _different(flow, openml.flows.get_flow(number)) or [number]
    shutil.rmtree(folder("flows", number), ignore_errors=True)
    calls = ", then ".join(f"openml.flows.delete_flow({each})" for each in different)
    raise PublishError(
        f"{openml.config.server} has flow {number} with the name and versions of "
        f"{flow.class_name or flow.name}, but other content. An upload of it was "
        f"probably interrupted. Delete it with {calls}, then call publish(run) again."
    )


def _forget(flow):
    """Remove the fields that openml copies from a flow of the server."""
    flow.flow_id = flow.uploader = flow.version = flow.upload_date = None
    for part in flow.components.values():
        _forget(part)


def _may_pass(error):
    """Return True for an error because a flow is incomplete, or is in the cache."""
    return (
        getattr(error, "code", None) == 171
        or isinstance(error, (ExpatError, FileNotFoundError))
        or (isinstance(error, ValueError) and not isinstance(error, OSError))
    )


def _different(flow, there):
    """Return the IDs of a flow of the server and of its parts that differ, in order."""
    import openml

    try:
        openml.flows.assert_flows_equal(
            there, flow, ignore_parameter_values=True, ignore_custom_name_if_none=True
        )
    except ValueError:
        parts = there.components.items()
        found = (_different(flow.components[name], part) for name, part in parts)
        return [there.flow_id, *chain.from_iterable(found)]
    return []
