"""Failures between client and server, and within the server, at a chosen request."""

import re
import time
from dataclasses import dataclass

from tests.openml_server.schemas import Refusal

_PAGES = {"413": "413 Request Entity Too Large", "502": "502 Bad Gateway"}


class Died(Exception):
    """The server was killed while it handled a request."""


@dataclass
class Fault:
    """A failure of the next requests that match.

    Parameters
    ----------
    method : {"GET", "POST", "DELETE"}
    path : str
        Pattern of the whole path after "/api/v1/xml".
    kind : {"413", "502", "drop", "stall", "die", "rival"} or Refusal
        An error page of a proxy; a connection closed without an answer; a delay; a
        server that is killed while it writes a flow; another process that uploads the
        same flow at the same time; or a refusal for a reason that the double lacks.
    when : {"before", "during", "after"}
        Fail before, while or after the server handles the request. "die" and "rival"
        belong to "during", and no other kind does.
    times : int
        Number of requests that fail.
    rows : int
        Rows of the flow that are written before the server dies, or before the
        request, and during each later request, by the other process.
    """

    method: str
    path: str
    kind: str | Refusal
    when: str = "before"
    times: int = 1
    rows: int = 0

    def fits(self, method, path, when):
        fits = method == self.method and bool(re.fullmatch(self.path, path))
        fits &= when == self.when and self.times > 0
        self.times -= fits
        return fits

    def happen(self, handler):
        if isinstance(self.kind, Refusal):
            handler.refuse(self.kind)
        elif self.kind in _PAGES:
            title = _PAGES[self.kind]
            page = f"<html><head><title>{title}</title></head><body><hr></html>"
            handler.answer(int(self.kind), page.encode(), "text/html")
        elif self.kind == "stall":
            time.sleep(1.5)
        handler.close_connection = True
