"""Collect the wheels for a machine with a GPU that has no network.

``python -m tools.gpu_wheels FOLDER`` downloads what ``python -m studies gpu`` needs on
Linux with x86-64, Python 3.12, torch 2.11, numpy and scipy, but that these do not bring
along. It fails if a wheel needs a distribution that is neither there nor among them, or
if all wheels together are larger than 64 MB.
"""

import argparse
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PYTHON = "3.12"
LIMIT = 64_000_000
#: What the machine has: torch 2.11 with what it requires, numpy and scipy, whose wheels
#: would not fit into the limit.
PRESENT = {
    "filelock", "fsspec", "jinja2", "networkx", "numpy", "scipy", "setuptools", "sympy",
    "torch", "typing-extensions",
}  # fmt: skip
#: Wheels of the package and of its tests, pinned where torch 2.11 decides. The newest
#: POT has a wheel of 33 MB, and the newest huggingface_hub needs many others.
WHEELS = (
    "certifi", "charset-normalizer", "cloudpickle", "hf-xet<2", "huggingface-hub<1",
    "idna", "joblib", "narwhals", "packaging", "pillow", "pot==0.9.5", "pyyaml",
    "requests", "safetensors", "scikit-learn", "skorch", "tabulate", "threadpoolctl",
    "timm", "torchvision==0.26.0", "tqdm", "urllib3",
    "hypothesis", "iniconfig", "pluggy", "pygments", "pytest", "pytest-timeout",
    "sortedcontainers",
)  # fmt: skip
_GLIBC = (28, 27, 17)
_TARGET = {"python_version": PYTHON, "python_full_version": f"{PYTHON}.0",
           "sys_platform": "linux", "platform_system": "Linux", "os_name": "posix",
           "platform_machine": "x86_64", "extra": ""}  # fmt: skip


def download(folder):
    """Download all wheels into a folder, without anything that they require."""
    platforms = [f"manylinux_2_{n}_x86_64" for n in _GLIBC] + ["manylinux2014_x86_64"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
               "--disable-pip-version-check", "--only-binary=:all:", "--dest", folder,
               "--implementation", "cp", "--python-version", PYTHON]  # fmt: skip
    for name in platforms:
        command += ["--platform", name]
    subprocess.run([*command, *WHEELS], check=True)


def metadata(wheel):
    """Return the metadata of a wheel as a message."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


def problems(wheels):
    """Return lines on requirements that no wheel meets, and on too large a total.

    Parameters
    ----------
    wheels : list of Path
    """
    read = [metadata(wheel) for wheel in wheels]
    versions = {canonicalize_name(one["Name"]): one["Version"] for one in read}
    found = []
    for one in read:
        for text in one.get_all("Requires-Dist", []):
            needed = Requirement(text)
            name = canonicalize_name(needed.name)
            if needed.marker is not None and not needed.marker.evaluate(_TARGET):
                continue
            if name in versions and not needed.specifier.contains(versions[name]):
                found.append(f"{one['Name']} needs {text}, not {versions[name]}")
            elif name not in versions and name not in PRESENT:
                found.append(f"{one['Name']} needs {text}, which is missing")
    size = sum(wheel.stat().st_size for wheel in wheels)
    if size > LIMIT:
        found.append(f"{size / 1e6:.1f} MB in all are more than {LIMIT / 1e6:.0f} MB")
    return found


def main():
    """Download and check; exit with 1 if there is a problem."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="folder for the wheels")
    folder = parser.parse_args().folder
    download(folder)
    wheels = sorted(folder.glob("*.whl"))
    found = problems(wheels)
    print("\n".join(found))
    size = sum(wheel.stat().st_size for wheel in wheels)
    print(f"{len(wheels)} wheels, {size / 1e6:.1f} MB")
    raise SystemExit(bool(found))


if __name__ == "__main__":
    main()
