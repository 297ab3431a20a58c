"""What can go wrong between a client and a server, at a chosen request."""

import re
import time
from dataclasses import dataclass


@dataclass
class Fault:
    """A failure of requests, from the next one on that fits.

    Parameters
    ----------
    method : {"GET", "POST"}
    path : str
        Pattern of the whole path behind "/api/v1/xml".
    kind : {"502", "drop", "stall"}
        A page of a proxy; a connection closed without an answer; no answer for a while.
    when : {"before", "after"}
        Whether the server has done what was asked for by then.
    times : int
        How many requests fail.
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
