"""Names that users type, against those that are known."""

import difflib
import os
import sys
import warnings
from contextlib import contextmanager
from urllib.parse import quote, quote_plus

from sklearn_pare.exceptions import UnknownNameError

# As many names as can be read at a glance.
_SHOWN = 24


def check_name(name, known, what):
    """Complain about a name that is not known, and suggest the nearest.

    Parameters
    ----------
    name : object
    known : collection of str
    what : str
        What the name stands for, such as "task".

    Returns
    -------
    name : str
        The same.

    Raises
    ------
    UnknownNameError
        A ValueError.

    Examples
    --------
    >>> from sklearn_pare._utils import check_name
    >>> check_name("darcy", ["advection", "darcy"], "task")
    'darcy'
    """
    if isinstance(name, str) and name in known:
        return name
    near = difflib.get_close_matches(str(name).lower(), known, n=1, cutoff=0.4)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    names = list(dict.fromkeys(known))
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    raise UnknownNameError(
        f"{what}={name!r} is unknown.{hint} There are "
        f"{', '.join(map(repr, names[:_SHOWN]))}{more}."
    )


def look_up(table, name, what):
    """``table[name]``, or the complaint of `check_name`."""
    return table[check_name(name, table, what)]


@contextmanager
def without_traces():
    """Import torch's compiler, or what imports it, and undo what that leaves.

    timm and the first optimizer do. sympy adds a filter of warnings, and torch a name
    for a folder to the environment.
    """
    if "torch._dynamo" in sys.modules:
        yield
        return
    known = set(os.environ)
    with warnings.catch_warnings():
        yield
    for name in set(os.environ) - known:
        del os.environ[name]


def redact(error):
    """Text of an error, the key of openml replaced by "(key)".

    Parameters
    ----------
    error : Exception or str

    Returns
    -------
    text : str
    """
    import openml

    text, key = str(error), openml.config.apikey
    for secret in (key, quote(key), quote_plus(key)) if key else ():
        text = text.replace(secret, "(key)")
    return text
