"""Downloads are complete, happen once, and continue after an interruption."""

import contextlib
import hashlib
import http.server
import io
import tarfile
import threading
import zipfile

import numpy as np
import pytest

from sklearn_pare.datasets import get_data_home
from sklearn_pare.datasets._readers.fetch import retrieve, unpack
from sklearn_pare.exceptions import FileFormatError, MissingFileError

CONTENT = np.random.default_rng(0).bytes(300_000)
SHA256 = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
MD5 = f"md5:{hashlib.md5(CONTENT).hexdigest()}"


class _Server(http.server.ThreadingHTTPServer):
    """A server of CONTENT at /file that records the requested ranges."""

    def __init__(self, **manners):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.manners = {"ranges": True, "length": None} | manners
        self.asked = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/file"


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = self.headers.get("Range")
        self.server.asked.append(asked)
        if self.path != "/file":
            self.send_error(404)
            return
        first = 0
        if asked and self.server.manners["ranges"]:
            first = int(asked.removeprefix("bytes=").rstrip("-"))
        if first >= len(CONTENT):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(CONTENT)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = CONTENT[first:]
        self.send_response(206 if first else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        # With a length, the server stops in the middle.
        self.wfile.write(body[: self.server.manners["length"]])

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def serving(**manners):
    with _Server(**manners) as server:
        thread = threading.Thread(
            target=server.serve_forever, args=(0.01,), daemon=True
        )
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("known_hash", [None, SHA256, MD5])
def test_retrieve__whole_and_once(known_hash, tmp_path):
    path = tmp_path / "a" / "b.bin"
    with serving() as server:
        assert retrieve(server.url, path, known_hash=known_hash) == path
        assert retrieve(server.url, path, known_hash=known_hash) == path
    assert path.read_bytes() == CONTENT
    assert server.asked == [None]
    assert {p.name for p in path.parent.iterdir()} <= {"b.bin", "b.bin.lock"}


@pytest.mark.parametrize("ranges", [True, False])
def test_retrieve__continues_or_starts_again(ranges, tmp_path):
    path, part = tmp_path / "b.bin", tmp_path / "b.bin.part"
    part.write_bytes(CONTENT[:100_000])
    with serving(ranges=ranges) as server:
        retrieve(server.url, path, known_hash=SHA256)
    assert path.read_bytes() == CONTENT
    assert server.asked == ["bytes=100000-"]
    assert not part.exists()


def test_retrieve__cut_short__kept_then_whole(tmp_path):
    path, part = tmp_path / "b.bin", tmp_path / "b.bin.part"
    with (
        serving(length=150_000) as server,
        pytest.raises(
            MissingFileError, match=r"b\.bin\.part holds the bytes received; the next"
        ),
    ):
        retrieve(server.url, path, known_hash=SHA256)
    assert not path.exists()
    kept = part.read_bytes()
    assert len(kept) > 50_000
    assert CONTENT.startswith(kept)
    with serving() as server:
        retrieve(server.url, path, known_hash=SHA256)
    assert server.asked == [f"bytes={len(kept)}-"]
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("extra", [b"", b"too much"])
def test_retrieve__part_that_is_whole_or_too_long(extra, tmp_path):
    path, part = tmp_path / "b.bin", tmp_path / "b.bin.part"
    part.write_bytes(CONTENT + extra)
    with serving() as server:
        retrieve(server.url, path, known_hash=SHA256)
    assert path.read_bytes() == CONTENT


def test_retrieve__another_hash__removed(tmp_path):
    path = tmp_path / "b.bin"
    with (
        serving() as server,
        pytest.raises(FileFormatError, match="Expected md5:00"),
    ):
        retrieve(server.url, path, known_hash="md5:00")
    assert [p.name for p in tmp_path.iterdir() if p.suffix != ".lock"] == []


def test_retrieve__missing__says_where_and_how(tmp_path):
    path = tmp_path / "b.bin"
    with pytest.raises(MissingFileError, match="Use download=True to") as caught:
        retrieve("https://example.org/b.bin", path, download=False)
    assert str(path) in str(caught.value)
    assert f"curl -L -C - -o {path} https://example.org/b.bin" in str(caught.value)
    assert isinstance(caught.value, FileNotFoundError)
    with pytest.raises(MissingFileError, match=r"obtained by hand. Put it at"):
        retrieve(None, path)
    with serving() as server:
        with pytest.raises(MissingFileError, match="404"):
            retrieve(server.url + "s", path)
        gone = server.url
    with pytest.raises(MissingFileError, match="ConnectionError"):
        retrieve(gone, path)
    assert not path.exists()


def test_retrieve__many_at_once__one_download(tmp_path):
    path = tmp_path / "b.bin"
    with serving() as server:
        threads = [
            threading.Thread(target=retrieve, args=(server.url, path)) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert server.asked == [None]
    assert path.read_bytes() == CONTENT


def _zip(path, names):
    with zipfile.ZipFile(path, "w") as file:
        for name in names:
            file.writestr(name, name)


def _tar(path, names):
    with tarfile.open(path, "w:gz") as file:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = len(name)
            file.addfile(member, io.BytesIO(name.encode()))


ARCHIVES = pytest.mark.parametrize("write", [_zip, _tar])


@ARCHIVES
@pytest.mark.parametrize("top", ["", "x/", "x/y/"])
def test_unpack__from_the_marker_on(write, top, tmp_path):
    write(tmp_path / "a", [f"{top}sets/one.lst", f"{top}sets/z/two", f"{top}notes"])
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "notes").write_text("kept")
    unpack(tmp_path / "a", tmp_path / "to", "sets/one.lst")
    assert (tmp_path / "to" / "sets" / "z" / "two").read_text() == f"{top}sets/z/two"
    assert (tmp_path / "to" / "notes").read_text() == "kept"
    assert {p.name for p in (tmp_path / "to").iterdir()} == {"notes", "sets"}


@ARCHIVES
def test_unpack__another_archive__nothing_left(write, tmp_path):
    archive, to = tmp_path / "a", tmp_path / "to"
    write(archive, ["b/c"])
    with pytest.raises(FileFormatError, match=r"a does not contain 'd'; .* with b\."):
        unpack(archive, to, "d")
    archive.write_bytes(archive.read_bytes()[:-20])
    with pytest.raises(FileFormatError, match="a cannot be unpacked"):
        unpack(archive, to, "b")
    assert list(to.iterdir()) == []


@ARCHIVES
def test_unpack__no_file_outside(write, tmp_path):
    write(tmp_path / "a", ["b/c", "../../outside"])
    with contextlib.suppress(FileFormatError):
        unpack(tmp_path / "a", tmp_path / "deep" / "to", "b/c")
    assert not list(tmp_path.parent.glob("outside"))
    assert not list(tmp_path.glob("outside"))
    assert not list((tmp_path / "deep").glob("outside"))


def test_get_data_home__argument_then_environment_then_sklearn(monkeypatch, tmp_path):
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "s"))
    monkeypatch.delenv("SKLEARN_PARE_DATA", raising=False)
    assert get_data_home() == tmp_path / "s" / "sklearn_pare"
    monkeypatch.setenv("SKLEARN_PARE_DATA", str(tmp_path / "e"))
    assert get_data_home() == tmp_path / "e"
    assert get_data_home(tmp_path / "a") == tmp_path / "a"
    assert get_data_home("~").is_absolute()
