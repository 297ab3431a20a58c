"""Locks with which several processes share one file of results.

A lock ends with its process: a process that was killed blocks no other.
"""

import contextlib
import hashlib
from pathlib import Path

from sklearn_pare.datasets._readers.fetch import extra


def lock(path, timeout=-1):
    """Lock a file and return a context manager that releases it when it is closed.

    Returns None if another process still has the lock after ``timeout`` seconds. On a
    file system without locks, nothing is locked.
    """
    filelock = extra("filelock")
    # Joblib claims cells in another thread than the one that releases them.
    held, stack = filelock.FileLock(path, thread_local=False), contextlib.ExitStack()
    try:
        held.acquire(timeout)
    except filelock.Timeout:
        return None
    except (OSError, NotImplementedError):
        return stack
    stack.callback(held.release)
    return stack


class Claims:
    """The cells that this process fits, for processes with the same file of results.

    Each is a locked file beside the file of results. ``path`` is None if there is none.
    """

    def __init__(self, path):
        self.path, self._held = path, {}

    def take(self, key):
        """Claim a cell; return False if it is claimed already."""
        if self.path is None:
            return True
        name = hashlib.sha256(repr(key).encode()).hexdigest()[:12]
        path = Path(f"{self.path}.{name}.lock")
        held = lock(path, 0)
        if held is None:
            return False
        # Removed before it is released: nobody else can have locked it. Windows removes
        # no open file.
        held.enter_context(contextlib.suppress(OSError))
        held.callback(path.unlink)
        self._held[key] = held
        return True

    def release(self, *keys):
        """Release some cells, or all."""
        for key in keys or list(self._held):
            if key in self._held:
                self._held.pop(key).close()
