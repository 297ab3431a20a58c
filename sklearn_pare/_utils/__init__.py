"""Small helpers: checks of names, imports without traces, supported versions."""

import difflib
import os
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path

from sklearn_pare.exceptions import UnknownNameError

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:

    class CallbackSupportMixin:
        """Replacement for scikit-learn before 1.9, which has no callbacks."""

        def _init_callback_context(self, max_subtasks):
            return NoCallbacks()


# As many names as can be read at a glance.
_SHOWN = 24


class NoCallbacks:
    """Callback context of a fit without callbacks."""

    def subcontext(self, task_name):
        """Return the context of a task within this one."""
        return self

    def call_on_fit_task_begin(self, **kwargs):
        """Do nothing."""

    def call_on_fit_task_end(self, **kwargs):
        """Return False: training goes on."""
        return False


def check_name(name, known, what):
    """Raise an error for an unknown name that suggests the nearest known one.

    Parameters
    ----------
    name : object
    known : collection of str
    what : str
        Word for the name in the error, such as "task".

    Returns
    -------
    name : str

    Raises
    ------
    UnknownNameError
        If the name is not known (ValueError).

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
    """Return ``table[name]``, or raise the error of `check_name`."""
    return table[check_name(name, table, what)]


def expand(path):
    """Return a path with "~" at its beginning replaced by the home directory."""
    # Path.expanduser raises an error for other names, such as "~draft".
    return Path(os.path.expanduser(path))  # noqa: PTH111


@contextmanager
def without_traces():
    """Undo what the import of torch's compiler changes in the process.

    timm and the first optimizer import it. sympy then adds a warnings filter, and torch
    an environment variable that names a folder.
    """
    if "torch._dynamo" in sys.modules:
        yield
        return
    known = set(os.environ)
    with warnings.catch_warnings():
        yield
    for name in set(os.environ) - known:
        del os.environ[name]
