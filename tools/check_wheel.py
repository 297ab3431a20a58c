"""Build the wheel and the sdist, and check both as a user would receive them.

``python -m tools.check_wheel`` builds into ``dist``, runs ``twine check``, checks the
contents of both archives, installs the wheel into a new environment in a temporary
folder, and runs the example of the README and imports all modules there, outside of the
repository. All dependencies are downloaded, several GB. ``--reuse PYTHON`` takes them
from the environment of another interpreter instead, such as ``.venv/bin/python``.
"""

import argparse
import re
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
PACKAGE = "sklearn_pare"
# Folders of the repository that have no place in an installed package.
NOT_INSTALLED = {"tests", "studies", "tools", "docs", "examples", "results"}
# Commands run when they are imported.
IMPORT_ALL = f"""
import importlib, pkgutil, {PACKAGE}
for module in pkgutil.walk_packages({PACKAGE}.__path__, "{PACKAGE}."):
    if not module.name.endswith(".__main__"):
        importlib.import_module(module.name)
"""
LIMITS = {"lines of Python": 29_180, "median module": 140, "largest module": 450}


def module_lines(wheel):
    """Return the number of lines of each Python module in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.endswith(".py")]
        return {name: len(archive.read(name).splitlines()) for name in names}


def wheel_problems(wheel):
    """Return one line per file of a wheel that should not be installed."""
    with zipfile.ZipFile(wheel) as archive:
        files = [PurePosixPath(name) for name in archive.namelist()]
    return [f"{wheel.name} holds {file}" for file in files if _misplaced(file)]


def _misplaced(file):
    top, *inner = file.parts
    metadata = top.startswith(f"{PACKAGE}-") and top.endswith(".dist-info")
    is_test = file.name == "conftest.py" or file.name.startswith("test_")
    return not (metadata or top == PACKAGE) or is_test or bool(
        NOT_INSTALLED & set(inner)
    )  # fmt: skip


def sdist_problems(sdist):
    """Return one line per recorded result in an sdist, and per folder it lacks."""
    with tarfile.open(sdist) as archive:
        files = [PurePosixPath(name) for name in archive.getnames()]
    folders = {file.parts[1] for file in files if len(file.parts) > 2}
    wanted = {PACKAGE, "tests", "tools", "docs", "examples"}
    problems = [f"{sdist.name} lacks {folder}/" for folder in sorted(wanted - folders)]
    results = [file for file in files if {"results"} & set(file.parts)]
    return problems + [f"{sdist.name} holds {file}" for file in results]


def sizes(lines):
    """Return the sizes that have a limit."""
    return {
        "lines of Python": sum(lines.values()),
        "median module": statistics.median_low(lines.values()),
        "largest module": max(lines.values()),
    }


def size_problems(measured):
    """Return one line per size above its limit."""
    return [
        f"{name}: {measured[name]:,}, limit {limit:,}"
        for name, limit in LIMITS.items()
        if measured[name] > limit
    ]


def readme_example(text):
    """Return the first Python example of a README."""
    return re.search(r"```python\n(.*?)```", text, re.S)[1]


def _run(python, *arguments, cwd=ROOT):
    # -I: neither PYTHONPATH nor the current folder nor the user's packages count.
    command = [str(python), "-I", *map(str, arguments)]
    print("+", *command, flush=True)
    if subprocess.run(command, check=False, cwd=cwd).returncode:
        sys.exit("This command failed.")


def _ask(python, code, cwd=ROOT):
    command = [str(python), "-I", "-c", code]
    done = subprocess.run(command, check=True, cwd=cwd, stdout=subprocess.PIPE)
    return done.stdout.decode().strip()


def _environment(folder, python):
    """Return the interpreter of a new environment."""
    _run(python, "-m", "venv", folder)
    names = [folder / "bin" / "python", folder / "Scripts" / "python.exe"]
    return next(name for name in names if name.exists())


def _site_packages(python):
    return Path(_ask(python, "import sysconfig; print(sysconfig.get_path('purelib'))"))


def build(folder):
    """Build and ``twine check`` in an environment of their own; return both files."""
    python = _environment(folder / "build", sys.executable)
    _run(python, "-m", "pip", "install", "--quiet", "build", "twine")
    shutil.rmtree(DIST, ignore_errors=True)
    _run(python, "-m", "build", "--outdir", DIST, ROOT)
    (wheel,), (sdist,) = DIST.glob("*.whl"), DIST.glob("*.tar.gz")
    _run(python, "-m", "twine", "check", "--strict", wheel, sdist)
    return wheel, sdist


def install(wheel, folder, reuse):
    """Install a wheel in a new environment and return its interpreter."""
    python = _environment(folder / "install", reuse or sys.executable)
    if reuse:
        _run(python, "-m", "pip", "install", "--quiet", "--no-deps", wheel)
        path = _site_packages(python) / "reused.pth"
        path.write_text(f"{_site_packages(reuse)}\n")
    else:
        _run(python, "-m", "pip", "install", "--quiet", wheel)
    return python


def use(python, folder):
    """Run the example of the README and import all modules of an installed package."""
    empty = folder / "empty"
    empty.mkdir()
    where = Path(_ask(python, f"import {PACKAGE}; print({PACKAGE}.__file__)", empty))
    print(f"{PACKAGE} is imported from {where}")
    if folder.resolve() not in where.resolve().parents:
        sys.exit(f"{where} is not the installed package in {folder}")
    _run(python, "-c", readme_example((ROOT / "README.md").read_text()), cwd=empty)
    _run(python, "-c", IMPORT_ALL, cwd=empty)


def main():
    """Run all checks and exit with 1 if one fails."""
    parser = argparse.ArgumentParser(description="Build and check wheel and sdist.")
    parser.add_argument(
        "--reuse",
        type=Path,
        metavar="PYTHON",
        help="take the dependencies from the environment of this interpreter",
    )
    reuse = parser.parse_args().reuse
    with tempfile.TemporaryDirectory() as folder:
        wheel, sdist = build(Path(folder))
        measured = sizes(module_lines(wheel))
        for name, value in measured.items():
            print(f"{name}: {value:,} (limit: {LIMITS[name]:,})")
        use(install(wheel, Path(folder), reuse), Path(folder))
    problems = wheel_problems(wheel) + sdist_problems(sdist) + size_problems(measured)
    sys.exit("\n".join(problems) or 0)


if __name__ == "__main__":
    main()
