"""A hub of weights on this machine, with and without faults."""

import hashlib
import http.server
import threading

import pytest

COMMIT = "a" * 40
# Seconds. No test waits so long, however slow the machine is.
LONG = 10_000


class Hub:
    """Files of the server, and how it answers.

    `mode` is "ok", "redirect", "missing", "error", "truncate", "wrong" or "stall" (half
    of a file, and the other half when `go_on` is set).
    """

    def __init__(self):
        self.files, self.etags, self.requests = {}, {}, []
        self.mode, self.go_on = "ok", threading.Event()

    def put(self, repo_id, filename, content):
        path = f"/{repo_id}/resolve/main/{filename}"
        self.files[path] = content
        self.etags[path] = f'"{hashlib.sha256(content).hexdigest()}"'

    def count(self, method):
        """Return the number of requests for existing files."""
        return sum(m == method and path in self.files for m, path in self.requests)


def _handler(hub):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_HEAD(self):
            self.answer(with_content=False)

        def do_GET(self):
            self.answer(with_content=True)

        def finish_headers(self, status, length, **headers):
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            self.send_header("X-Repo-Commit", COMMIT)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()

        def answer(self, with_content):
            hub.requests.append((self.command, self.path))
            path = self.path.removeprefix("/elsewhere")
            content = hub.files.get(path)
            if content is None or hub.mode == "missing":
                self.finish_headers(404, 0, X_Error_Code="EntryNotFound")
                return
            etag = hub.etags[path]
            if hub.mode == "redirect" and self.path == path:
                host = "http://{}:{}".format(*self.server.server_address)
                self.finish_headers(
                    302,
                    0,
                    Location=f"{host}/elsewhere{path}",
                    X_Linked_Etag=etag,
                    X_Linked_Size=str(len(content)),
                )
                return
            if hub.mode == "error" and with_content:
                self.finish_headers(500, 0)
                return
            first = int(self.headers.get("Range", "bytes=0-")[6:].split("-")[0])
            if hub.mode == "wrong":
                content = content[:-1] + bytes([content[-1] ^ 1])
            headers = {"ETag": etag}
            if first:
                last = len(content) - 1
                headers["Content_Range"] = f"bytes {first}-{last}/{len(content)}"
            rest = content[first:]
            self.finish_headers(206 if first else 200, len(rest), **headers)
            if with_content:
                try:
                    self.send_content(rest)
                except ConnectionError:
                    self.close_connection = True

        def send_content(self, rest):
            if hub.mode in ("truncate", "stall"):
                half = len(rest) // 2
                self.wfile.write(rest[:half])
                self.wfile.flush()
                if hub.mode == "truncate":
                    self.close_connection = True
                    return
                hub.go_on.wait()
                rest = rest[half:]
            self.wfile.write(rest)

    return Handler


@pytest.fixture
def hub(monkeypatch, tmp_path):
    from huggingface_hub import constants

    hub = Hub()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", "http://{}:{}".format(*server.server_address))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    for name in ("HF_HUB_DOWNLOAD_TIMEOUT", "HF_HUB_ETAG_TIMEOUT"):
        monkeypatch.setattr(constants, name, LONG)
        # For other processes.
        monkeypatch.setenv(name, str(LONG))
    yield hub
    hub.go_on.set()
    server.shutdown()
    server.server_close()
    thread.join()
