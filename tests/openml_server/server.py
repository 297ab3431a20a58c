"""HTTP server on 127.0.0.1: keys, forms, compressed answers, failures on demand."""

import gzip
import threading
from email import policy
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from tests.openml_server.api import Api
from tests.openml_server.elements import dump, element
from tests.openml_server.faults import Died
from tests.openml_server.schemas import Refusal

#: The only key that the server accepts.
KEY = "00c0ffee00c0ffee00c0ffee00c0ffee"

_BASE = "/api/v1/xml"


class OpenMLServer:
    """A server in a thread of this process, used in a with statement.

    Parameters
    ----------
    folder : Path
        Contains tasks/ID and datasets/ID, as a cache of openml does.

    Attributes
    ----------
    url : str
        Value for ``openml.config.server``.
    api : Api
        State of the server.
    requests : list of str
        All requests so far, such as "POST /run/".
    faults : list of Fault
        Failures of future requests.
    form_limit : int
        Bytes of a form; PHP drops all fields of a larger one, also the key.
    """

    def __init__(self, folder):
        self.requests, self.faults = [], []
        self.form_limit = 8 * 2**20
        self.api = Api(folder)
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._http.double, self._http.daemon_threads = self, True
        self._http.lock = threading.Lock()
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self.api.base = f"http://127.0.0.1:{self._http.server_port}"
        self.url = self.api.base + _BASE

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self._serve("GET")

    def do_POST(self):
        self._serve("POST")

    def do_DELETE(self):
        self._serve("DELETE")

    def log_message(self, *args):
        pass

    def _serve(self, method):
        double = self.server.double
        parts = urlsplit(self.path)
        path = parts.path.removeprefix(_BASE).replace("//", "/")
        form, uploads = self._fields()
        form |= dict(parse_qsl(parts.query))
        double.requests.append(f"{method} {path}")
        if self._fail(method, path, "before"):
            return
        try:
            _check_key(method, form)
            with self.server.lock:
                fault = self._fault(method, path, "during")
                content = double.api.answer(method, path, form, uploads, fault)
        except Refusal as refusal:
            self.refuse(refusal)
        except Died:
            self.close_connection = True
        else:
            if not self._fail(method, path, "after"):
                self.answer(200, content, "text/xml")

    def _fault(self, *request):
        faults = self.server.double.faults
        return next((fault for fault in faults if fault.fits(*request)), None)

    def _fail(self, *request):
        fault = self._fault(*request)
        if fault:
            fault.happen(self)
        return bool(fault)

    def _fields(self):
        """Return text fields and files of a form, whatever its encoding."""
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if len(content) > self.server.double.form_limit:
            return {}, {}
        kind = self.headers.get("Content-Type", "")
        if not kind.startswith("multipart/"):
            return dict(parse_qsl(content.decode())), {}
        head = f"Content-Type: {kind}\r\n\r\n".encode()
        form, uploads = {}, {}
        for part in BytesParser(policy=policy.HTTP).parsebytes(head + content).walk():
            field = part.get_param("name", header="content-disposition")
            if field is None:
                continue
            payload = part.get_payload(decode=True)
            if part.get_filename() is None:
                form[field] = payload.decode()
            else:
                uploads[field] = part.get_filename(), payload
        return form, uploads

    def refuse(self, refusal):
        """Send an error code and a message."""
        error = element(
            "error",
            code=refusal.code,
            message=refusal.message,
            additional_information=refusal.details,
        )
        self.answer(412, dump(error), "text/xml")

    def answer(self, status, content, kind):
        """Send an answer, compressed as by OpenML."""
        content = gzip.compress(content)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _check_key(method, form):
    key = form.get("api_key", "")
    if method != "GET" and not key:
        raise Refusal(102, "Please provide an API key")
    if key and key != KEY:
        raise Refusal(103, "Authentication failed")
