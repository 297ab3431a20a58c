"""What Python is asked to do meanwhile: an audit hook that can be switched on."""

import os
import sys
from contextlib import contextmanager

# Prefixes of events that no reader of a file has any business with.
_FORBIDDEN = (
    "compile",
    "ctypes.",
    "exec",
    "import",
    "marshal.",
    "os.",
    "pickle.",
    "pty.",
    "shutil.",
    "socket.",
    "subprocess.",
    "urllib.",
    "webbrowser.",
)
_HARMLESS = {"os.listdir", "os.scandir", "os.putenv"}
_seen = None


def _hook(event, arguments):
    if _seen is None:
        return
    if event == "open" or (event.startswith(_FORBIDDEN) and event not in _HARMLESS):
        _seen.append((event, *map(str, arguments)))


sys.addaudithook(_hook)


@contextmanager
def watched(*paths):
    """Collect events in a list, but those of opening `paths` to read."""
    global _seen
    allowed = set(map(str, paths))
    found, _seen = [], []
    try:
        yield found
    finally:
        events, _seen = _seen, None
        for event, *arguments in events:
            reads = event == "open" and not _writes(arguments)
            if not (reads and arguments[0] in allowed):
                found.append((event, *arguments))


def _writes(arguments):
    _, mode, flags = arguments
    flags = 0 if flags == "None" else int(flags)
    changes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    return bool(changes or set(mode) & set("wax+"))
