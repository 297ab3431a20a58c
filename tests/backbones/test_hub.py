import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sklearn_pare.backbones.hub import cached_file
from sklearn_pare.exceptions import ModelFileError, WeightsError

REPO, FILE = "someone/backbone", "model.safetensors"
CONTENT = os.urandom(400_000)

_FETCH = (
    "from sklearn_pare.backbones.hub import cached_file; "
    f"print(cached_file({REPO!r}, {FILE!r}, backbone='timm:x'))"
)


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
    asked = len(stocked.requests)
    assert fetch() == path
    assert len(stocked.requests) == asked
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert fetch() == path


@pytest.mark.parametrize("mode", ["missing", "error", "truncate", "stall"])
def test_cached_file__bad_server__says_what_is_missing(mode, stocked, tmp_path):
    stocked.mode = mode
    with pytest.raises(WeightsError) as caught:
        fetch()
    message = str(caught.value)
    for part in (FILE, REPO, str(tmp_path / "cache"), "fetch('timm:x')", "pare-tiny"):
        assert part in message
    assert "download failed" in message
    assert not list((tmp_path / "cache").rglob(f"snapshots/*/{FILE}"))
    # What is there of the file does no harm to the next, lucky call.
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


def test_cached_file__offline__names_switch_and_asks_nobody(stocked, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(WeightsError, match="HF_HUB_OFFLINE is set"):
        fetch()
    assert stocked.requests == []


def test_cached_file__cache_dir__goes_before_the_environment(stocked, tmp_path):
    path = fetch(cache_dir=tmp_path / "mine")
    assert path.is_relative_to(tmp_path / "mine")
    assert not (tmp_path / "cache").exists()


def _process():
    environment = dict(os.environ, PYTHONPATH=str(Path(__file__).parents[2]))
    return subprocess.Popen(
        [sys.executable, "-c", _FETCH],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_cached_file__eight_processes__one_download(stocked):
    processes = [_process() for _ in range(8)]
    answers = [process.communicate(timeout=200) for process in processes]
    assert [process.returncode for process in processes] == [0] * 8, answers
    paths = {out.strip() for out, _ in answers}
    assert len(paths) == 1
    assert Path(paths.pop()).read_bytes() == CONTENT
    assert len(stocked.downloads()) == 1


def test_cached_file__killed_in_the_middle__next_one_goes_on(stocked, tmp_path):
    stocked.mode = "slow"
    process = _process()
    assert stocked.half_sent.wait(60)
    time.sleep(0.2)
    process.kill()
    process.communicate()
    assert not list((tmp_path / "cache").rglob(f"snapshots/*/{FILE}"))
    stocked.mode = "ok"
    stocked.go_on.set()
    assert fetch().read_bytes() == CONTENT
    assert not list((tmp_path / "cache").rglob("*.incomplete"))
