"""Failures between client and server, at a chosen request."""

import re
import time
from dataclasses import dataclass


@dataclass
class Fault:
    """A failure of the next requests that match.

    Parameters
    ----------
    method : {"GET", "POST"}
    path : str
        Pattern of the whole path after "/api/v1/xml".
    kind : {"502", "drop", "stall"}
        An error page of a proxy; a connection closed without an answer; a delay.
    when : {"before", "after"}
        Fail before or after the server has handled the request.
    times : int
        Number of requests that fail.
    """

    method: str
    path: str
    kind: str
    when: str = "before"
    times: int = 1

    def fits(self, method, path, when):
        fits = method == self.method and bool(re.fullmatch(self.path, path))
        fits &= when == self.when and self.times > 0
        self.times -= fits
        return fits

    def happen(self, handler):
        if self.kind == "502":
            page = b"<html><head><title>502 Bad Gateway</title></head><body><hr></html>"
            handler.answer(502, page, "text/html")
        elif self.kind == "stall":
            time.sleep(1.5)
        handler.close_connection = True
