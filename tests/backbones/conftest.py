"""A hub of weights on this machine, well or badly behaved."""

import hashlib
import http.server
import threading

import pytest

COMMIT = "a" * 40


class Hub:
    """What the server has and how it answers.

    `mode` is "ok", "redirect", "missing", "error", "truncate", "wrong", "stall" or
    "slow" (half of a file, then nothing until `go_on` is set).
    """

    def __init__(self):
        self.files, self.etags, self.requests = {}, {}, []
        self.mode, self.go_on, self.half_sent = (
            "ok",
            threading.Event(),
            threading.Event(),
        )

    def put(self, repo_id, filename, content):
        path = f"/{repo_id}/resolve/main/{filename}"
        self.files[path] = content
        self.etags[path] = f'"{hashlib.sha256(content).hexdigest()}"'

    def downloads(self):
        return [p for method, p in self.requests if method == "GET" and p in self.files]


def _handler(hub):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_HEAD(self):
            self.answer(b"")

        def do_GET(self):
            self.answer(None)

        def finish_headers(self, status, length, **headers):
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            self.send_header("X-Repo-Commit", COMMIT)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()

        def answer(self, backbone):
            hub.requests.append((self.command, self.path))
            content = hub.files.get(self.path.removeprefix("/elsewhere"))
            if content is None or hub.mode == "missing":
                self.finish_headers(404, 0, X_Error_Code="EntryNotFound")
                return
            etag = hub.etags[self.path.removeprefix("/elsewhere")]
            if hub.mode == "redirect" and not self.path.startswith("/elsewhere"):
                host = "http://{}:{}".format(*self.server.server_address)
                self.finish_headers(
                    302,
                    0,
                    Location=f"{host}/elsewhere{self.path}",
                    X_Linked_Etag=etag,
                    X_Linked_Size=str(len(content)),
                )
                return
            if hub.mode == "error" and backbone is None:
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
            if backbone is None:
                self.send_content(rest)

        def send_content(self, rest):
            half = len(rest) // 2
            if hub.mode in ("truncate", "stall", "slow"):
                self.wfile.write(rest[:half])
                self.wfile.flush()
                hub.half_sent.set()
                if hub.mode == "truncate":
                    self.close_connection = True
                    return
                hub.go_on.wait(60)
                rest = rest[half:]
            try:
                self.wfile.write(rest)
            except ConnectionError:
                self.close_connection = True

    return Handler


@pytest.fixture
def hub(monkeypatch, tmp_path):
    from huggingface_hub import constants

    hub = Hub()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", "http://{}:{}".format(*server.server_address))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 1.0)
    yield hub
    hub.go_on.set()
    server.shutdown()
    server.server_close()
    thread.join()
