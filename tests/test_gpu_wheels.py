"""The tool that collects wheels for a machine without a network."""

import zipfile

import pytest

from tools import gpu_wheels


@pytest.fixture
def wheel(tmp_path):
    """Write a wheel with a name, a version and requirements, and return its path."""

    def write(name, version="1.0", *required):
        path = tmp_path / f"{name}-{version}-py3-none-any.whl"
        lines = [f"Name: {name}", f"Version: {version}"]
        lines += [f"Requires-Dist: {one}" for one in required]
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"{name}-{version}.dist-info/METADATA", "\n".join(lines))
        return path

    return write


def test_problems__all_there__none(wheel):
    wheels = [
        wheel("skorch", "1.4", "numpy>=1", "tabulate>=0.7", "other; extra == 'all'"),
        wheel("tabulate", "0.10", "colorama; sys_platform == 'win32'"),
    ]
    assert gpu_wheels.problems(wheels) == []


def test_problems__missing_or_too_old__named(wheel):
    wheels = [wheel("skorch", "1.4", "tqdm", "tabulate>=2"), wheel("tabulate", "0.10")]
    missing, old = gpu_wheels.problems(wheels)
    assert missing == "skorch needs tqdm, which is missing"
    assert old == "skorch needs tabulate>=2, not 0.10"


def test_problems__too_large__size(wheel, monkeypatch):
    monkeypatch.setattr(gpu_wheels, "LIMIT", 100)
    (problem,) = gpu_wheels.problems([wheel("skorch")])
    assert "MB in all are more than 0 MB" in problem
