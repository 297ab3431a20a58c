"""A local server with OpenML's REST API, stricter than the original."""

from tests.openml_server.faults import Fault
from tests.openml_server.server import KEY, OpenMLServer

__all__ = ["KEY", "Fault", "OpenMLServer"]
