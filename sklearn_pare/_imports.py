"""Imports at first use that leave the process as it was."""

import os
import sys
import warnings
from contextlib import contextmanager


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
