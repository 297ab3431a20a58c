import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import sklearn_pare
from sklearn_pare.backbones.hub import cached_file, offline
from sklearn_pare.exceptions import ModelFileError, WeightsError

REPO, FILE = "someone/backbone", "model.safetensors"
CONTENT = os.urandom(400_000)

# Without the packages around hub.py, whose imports take seconds. Files are written in
# small pieces.
_FETCH = f"""
import sys, types
from huggingface_hub import constants
constants.DOWNLOAD_CHUNK_SIZE = 1000
for name in ("sklearn_pare", "sklearn_pare.backbones"):
    sys.modules[name] = types.ModuleType(name)
    path = {str(Path(sklearn_pare.__file__).parents[1])!r}
    sys.modules[name].__path__ = [path + "/" + name.replace(".", "/")]
from sklearn_pare.backbones.hub import cached_file
print(cached_file({REPO!r}, {FILE!r}, backbone="timm:x"))
"""


def fetch(**settings):
    return cached_file(REPO, FILE, backbone="timm:x", **settings)


@pytest.fixture
def stocked(hub):
    hub.put(REPO, FILE, CONTENT)
    return hub


@pytest.mark.parametrize("mode", ["ok", "redirect"])
def test_cached_file__fetched_once__then_without_network(mode, stocked, monkeypatch):
    stocked.mode = mode
    path = fetch()
    assert path.read_bytes() == CONTENT
    n_requests = len(stocked.requests)
    assert fetch() == path
    assert len(stocked.requests) == n_requests
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert fetch() == path


@pytest.mark.parametrize("mode", ["missing", "error", "truncate", "stall"])
def test_cached_file__faulty_server__error_names_file(
    mode, stocked, tmp_path, monkeypatch
):
    from huggingface_hub import constants, file_download

    stocked.mode = mode
    with monkeypatch.context() as patch:
        patch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.1)
        # Between two attempts.
        patch.setattr(file_download.time, "sleep", lambda seconds: None)
        with pytest.raises(WeightsError) as caught:
            fetch()
    message = str(caught.value)
    for part in (FILE, REPO, str(tmp_path / "cache"), "fetch('timm:x')", "pare-tiny"):
        assert part in message
    assert "download failed" in message
    assert not list((tmp_path / "cache").rglob(f"snapshots/*/{FILE}"))
    # The next call succeeds, whatever the first one left in the cache.
    stocked.mode = "ok"
    stocked.go_on.set()
    assert fetch().read_bytes() == CONTENT


def test_cached_file__wrong_bytes__refused_and_removed(stocked):
    stocked.mode = "wrong"
    with pytest.raises(ModelFileError, match="sha256"):
        fetch()
    stocked.mode = "ok"
    assert fetch().read_bytes() == CONTENT


@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_cached_file__damaged_in_the_cache__refused(damage, stocked):
    path = fetch()
    content = CONTENT[:-10] if damage == "cut" else CONTENT[:-1] + b"x"
    path.resolve().write_bytes(content)
    with pytest.raises(ModelFileError, match="sha256"):
        fetch()
    assert not path.exists()


def test_cached_file__offline__error_names_reason_and_sends_nothing(
    stocked, monkeypatch
):
    with offline("a model is loaded"), pytest.raises(WeightsError, match="is loaded"):
        fetch()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(WeightsError, match="HF_HUB_OFFLINE is set"):
        fetch()
    assert stocked.requests == []


def test_cached_file__cache_dir__goes_before_the_environment(stocked, tmp_path):
    path = fetch(cache_dir=tmp_path / "mine")
    assert path.is_relative_to(tmp_path / "mine")
    assert not (tmp_path / "cache").exists()


def _process():
    return subprocess.Popen(
        [sys.executable, "-c", _FETCH],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _wait(condition, *processes):
    while not condition():
        for process in processes:
            assert process.poll() is None, process.communicate()
        time.sleep(0.01)


def test_cached_file__four_processes__one_download(stocked):
    stocked.mode = "stall"
    processes = [_process() for _ in range(4)]
    # All of them have found the file missing while one of them downloads it.
    _wait(lambda: stocked.count("HEAD") == 4 and stocked.count("GET"), *processes)
    stocked.go_on.set()
    answers = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, answers
    (path,) = {out.strip() for out, _ in answers}
    assert Path(path).read_bytes() == CONTENT
    assert stocked.count("GET") == 1


def test_cached_file__killed_in_the_middle__next_one_is_whole(stocked, tmp_path):
    def partial():
        found = (tmp_path / "cache").rglob("*.incomplete")
        return [path for path in found if path.stat().st_size]

    stocked.mode = "stall"
    process = _process()
    _wait(partial, process)
    process.kill()
    process.communicate()
    assert partial()
    assert not list((tmp_path / "cache").rglob(f"snapshots/*/{FILE}"))
    stocked.mode = "ok"
    stocked.go_on.set()
    assert fetch().read_bytes() == CONTENT
    assert not list((tmp_path / "cache").rglob("*.incomplete"))
