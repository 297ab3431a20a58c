"""Save to and load from file objects."""

import bz2
import gzip
import io
import lzma
import os
import tarfile
import tempfile
import threading
import zipfile
from contextlib import closing, contextmanager

import pytest

import sklearn_pare
from sklearn_pare import PaReClassifier
from sklearn_pare.exceptions import ModelFileError, SaveError
from tests.common.instances import tiny


@pytest.fixture(scope="module")
def clf(saved):
    return sklearn_pare.load(saved[0])


@pytest.fixture(scope="module")
def content(saved):
    """The bytes of a saved model."""
    return saved[0].read_bytes()


@pytest.fixture
def same(clf, saved):
    """Function that checks that an estimator predicts like the saved one."""
    X = saved[3]

    def check(loaded):
        expected = clf.predict_proba(X)
        assert loaded.predict_proba(X).tobytes() == expected.tobytes()

    return check


class Few(io.RawIOBase):
    """A file that can only be written, or only be read, some bytes at a time."""

    def __init__(self, content=b""):
        self.inner = io.BytesIO(content)

    def writable(self):
        return True

    def readable(self):
        return True

    def write(self, content):
        return self.inner.write(content[:1000])

    def readinto(self, target):
        return self.inner.readinto(memoryview(target)[:1000])


class Silent:
    """A file whose only method returns nothing."""

    def __init__(self, file):
        self.file = file

    def write(self, content):
        self.file.write(content)


class Reader:
    """A file that can only be read and closed."""

    def __init__(self, content):
        self.read = io.BytesIO(content).read

    def close(self):
        pass


@contextmanager
def _zip_member(path, mode):
    with zipfile.ZipFile(path, mode) as archive, archive.open("model", mode) as file:
        yield file


def _opened(open_, **settings):
    return lambda path, mode: open_(path, f"{mode}b", **settings)


# Functions of a path and "w" or "r".
FILES = {
    "file": _opened(open),
    "unbuffered file": _opened(open, buffering=0),
    "gzip": _opened(gzip.open),
    "bz2": _opened(bz2.open),
    "lzma": _opened(lzma.open),
    "zip member": _zip_member,
}


@pytest.mark.parametrize("name", FILES)
def test_file_objects__written_and_read__equal(name, clf, same, tmp_path):
    path = tmp_path / "file"
    with FILES[name](path, "w") as file:
        clf.save(file)
        assert not file.closed
    with FILES[name](path, "r") as file:
        same(sklearn_pare.load(file, device="cpu"))
        assert not file.closed
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    "make",
    [io.BytesIO, tempfile.TemporaryFile, tempfile.SpooledTemporaryFile],
    ids=["BytesIO", "temporary", "spooled"],
)
def test_file_objects__after_other_content__equal(make, clf, same):
    with make() as file:
        file.write(b"head")
        clf.save(file)
        file.seek(4)
        same(sklearn_pare.load(file))


def test_file_objects__part_of_the_bytes_at_a_time__equal(clf, content, same):
    few, inner = Few(), io.BytesIO()
    clf.save(few)
    clf.save(Silent(inner))
    for written in (few.inner, inner):
        assert len(written.getvalue()) == len(content)
        same(sklearn_pare.load(Few(written.getvalue())))


def _pipe(content, folder):
    ends = os.pipe()

    def fill():
        with os.fdopen(ends[1], "wb") as file:
            file.write(content)

    threading.Thread(target=fill).start()
    return os.fdopen(ends[0], "rb")


def _tar_member(content, folder):
    with tarfile.open(folder / "archive", "w") as archive:
        about = tarfile.TarInfo("model")
        about.size = len(content)
        archive.addfile(about, io.BytesIO(content))
    archive = tarfile.open(folder / "archive", "r|")  # noqa: SIM115
    return archive.extractfile(archive.next())


STREAMS = {
    "pipe": _pipe,
    "tar member": _tar_member,
    "only read": lambda content, folder: Reader(content),
    "buffered": lambda content, folder: io.BufferedReader(Few(content)),
}


@pytest.mark.parametrize("name", STREAMS)
def test_streams__read_once__equal(name, content, same, tmp_path):
    with closing(STREAMS[name](content, tmp_path)) as file:
        same(sklearn_pare.load(file))


def test_file_objects__without_pretrained_weights__equal(clf, saved, table):
    X, y = table
    frozen = PaReClassifier(tune="none", linear_path=False, max_epochs=1).fit(X, y)
    whole, small = io.BytesIO(), io.BytesIO()
    frozen.save(whole)
    frozen.save(small, omit_pretrained=True)
    assert len(small.getvalue()) < len(whole.getvalue()) / 5
    small.seek(0)
    loaded = sklearn_pare.load(small)
    assert (loaded.predict_proba(X) == frozen.predict_proba(X)).all()


def _closed(kind=io.BytesIO):
    file = kind()
    file.close()
    return file


class Full(io.BytesIO):
    def write(self, content):
        raise OSError(28, "No space left on device")


class Stuck(io.BytesIO):
    def write(self, content):
        return 0


@pytest.mark.parametrize(
    "make",
    [io.StringIO, _closed, lambda: io.BufferedReader(Few()), Full, Stuck],
    ids=["text", "closed", "read-only", "full disk", "no bytes written"],
)
def test_save__file_cannot_be_written__save_error(make, clf):
    with pytest.raises(SaveError, match=r"could not be written: .*'wb'"):
        clf.save(make())


def _cut(compress, opened):
    """Return a function that opens compressed content without its end."""
    return lambda content: opened(io.BytesIO(compress(content)[:-200]))


def _changed(content):
    return io.BytesIO(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])


BROKEN = {
    "text": lambda content: io.StringIO("{}"),
    "text of bytes": lambda content: io.TextIOWrapper(io.BytesIO(content)),
    "closed": lambda content: _closed(),
    "write-only": lambda content: io.BufferedWriter(Few()),
    "empty": lambda content: io.BytesIO(),
    "another format": lambda content: io.BytesIO(b"PK\x03\x04" * 100),
    "cut": _cut(bytes, io.BufferedReader),
    "cut gzip": _cut(gzip.compress, gzip.open),
    "cut bz2": _cut(bz2.compress, bz2.open),
    "cut lzma": _cut(lzma.compress, lzma.open),
    "changed": _changed,
}


@pytest.mark.parametrize(
    "make", [io.BytesIO, tempfile.TemporaryFile], ids=["BytesIO", "temporary"]
)
def test_load__position_at_the_end__error_says_to_seek(make, clf, same):
    with make() as file:
        clf.save(file)
        words = r"left to read at its position; call seek\(0\)"
        with pytest.raises(ModelFileError, match=words):
            sklearn_pare.load(file)
        file.seek(0)
        same(sklearn_pare.load(file, device="cpu"))


@pytest.mark.parametrize("name", BROKEN)
def test_load__file_cannot_be_read__model_file_error(name, content):
    with pytest.raises(ModelFileError) as error:
        sklearn_pare.load(BROKEN[name](content))
    assert ("'rb'" in str(error.value)) == name.startswith("text")


@pytest.mark.parametrize("size", range(0, 400, 7))
def test_load__stream_ends_early__model_file_error(size, content):
    with pytest.raises(ModelFileError):
        sklearn_pare.load(io.BytesIO(content[:size]))


@pytest.mark.parametrize(
    "wrong", [b"model.pare", bytearray(9), None, 3, ["model.pare"]], ids=repr
)
def test_save_and_load__neither_path_nor_file__type_error(wrong, clf):
    with pytest.raises(TypeError, match=r"Expected a path.*'read'.*io\.BytesIO"):
        sklearn_pare.load(wrong)
    with pytest.raises(TypeError, match=r"Expected a path.*'write'"):
        clf.save(wrong)


def test_save__unfitted_or_invalid__nothing_written(clf):
    file = io.BytesIO()
    with pytest.raises(ValueError, match="lr"):
        sklearn_pare.load(io.BytesIO(_bytes(clf))).set_params(lr=-1.0).save(file)
    with pytest.raises(ValueError, match="not fitted"):
        tiny(PaReClassifier).save(file)
    assert file.getvalue() == b""


def _bytes(estimator):
    file = io.BytesIO()
    estimator.save(file)
    return file.getvalue()
