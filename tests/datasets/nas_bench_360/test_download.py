"""Downloads of tasks from a local server."""

import dataclasses
import functools
import http.server
import shutil
import threading
import zipfile

import numpy as np
import pytest

from sklearn_pare.datasets import fetch_nas_bench_360
from sklearn_pare.datasets.nas_bench_360 import TASKS
from tests.datasets.nas_bench_360.files import FOLDER, fetch


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def site(tmp_path):
    """A folder and the address of a server of its files."""
    folder = tmp_path / "site"
    folder.mkdir()
    handler = functools.partial(_Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(
            target=server.serve_forever, args=(0.01,), daemon=True
        )
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def _moved(monkeypatch, task, url):
    files = tuple(
        dataclasses.replace(f, url=f"{url}/{(f.archive or f.path).rsplit('/')[-1]}")
        for f in TASKS[task].files
    )
    monkeypatch.setitem(TASKS, task, dataclasses.replace(TASKS[task], files=files))


def test_download__files_of_a_task(written, site, monkeypatch, tmp_path):
    folder, url = site
    for path in (written("satellite") / FOLDER / "satellite").iterdir():
        shutil.copy(path, folder)
    _moved(monkeypatch, "satellite", url)
    found = fetch_nas_bench_360("satellite", data_home=tmp_path / "new")
    expected = fetch("satellite", written("satellite"))
    np.testing.assert_array_equal(found.data, expected.data)
    # The file of the test part has not been requested.
    names = {p.name for p in (tmp_path / "new" / FOLDER / "satellite").glob("*.npy")}
    assert names == {"satellite_train.npy"}


@pytest.mark.parametrize("top", ["", "protein"])
def test_download__archive_is_unpacked_and_removed(
    top, written, site, monkeypatch, tmp_path
):
    folder, url = site
    source = written("psicov") / FOLDER / "protein"
    with zipfile.ZipFile(folder / "protein.zip", "w") as file:
        for path in source.rglob("*.*"):
            file.write(path, f"{top}/{path.relative_to(source)}".lstrip("/"))
    _moved(monkeypatch, "psicov", url)
    home = tmp_path / "new"
    found = fetch_nas_bench_360("psicov", data_home=home)
    expected = fetch("psicov", written("psicov"))
    np.testing.assert_array_equal(found.data[3], expected.data[3])
    assert not (home / FOLDER / "protein.zip").exists()
    # An archive from the user is used without a network and kept.
    shutil.rmtree(home / FOLDER / "protein")
    shutil.copy(folder / "protein.zip", home / FOLDER)
    found = fetch("psicov", home, "test")
    assert len(found.data) == 6
    assert (home / FOLDER / "protein.zip").exists()
