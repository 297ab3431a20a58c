"""Files around the package agree with each other; the tools find what they should."""

import io
import json
import re
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from tools import check_wheel, coverage_floors

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def _wheel(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def _sdist(path, names):
    with tarfile.open(path, "w:gz") as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(f"sklearn_pare-0.1.0/{name}"), io.BytesIO())
    return path


@pytest.mark.parametrize(
    "file",
    [
        "studies/compare.py",
        "tests/__init__.py",
        "sklearn_pare/tests/test_nn.py",
        "sklearn_pare/conftest.py",
        "sklearn_pare/nn/test_gate.py",
        "sklearn_pare/results/compare.jsonl",
        "sklearn_pare.pth",
    ],
)
def test_check_wheel__misplaced_file__named(file, tmp_path):
    own = ["sklearn_pare/nn/model.py", "sklearn_pare-0.1.0.dist-info/METADATA"]
    wheel = _wheel(tmp_path / "a.whl", dict.fromkeys([*own, file], ""))
    assert check_wheel.wheel_problems(wheel) == [f"a.whl holds {file}"]


def test_check_wheel__sdist__results_and_missing_folders_named(tmp_path):
    names = ["sklearn_pare/a.py", "tests/a.py", "tools/a.py", "docs/a.rst"]
    sdist = _sdist(tmp_path / "a.tar.gz", [*names, "studies/results/a.jsonl"])
    assert check_wheel.sdist_problems(sdist) == [
        "a.tar.gz lacks examples/",
        "a.tar.gz holds sklearn_pare-0.1.0/studies/results/a.jsonl",
    ]


def test_check_wheel__sizes__of_python_alone(tmp_path):
    files = {"a.py": "1\n2\n", "b.py": "1\n" * 451, "c.py": "1\n" * 9, "d.txt": "1\n"}
    measured = check_wheel.sizes(
        check_wheel.module_lines(_wheel(tmp_path / "a.whl", files))
    )
    assert list(measured.values()) == [462, 9, 451]
    assert check_wheel.size_problems(measured) == ["largest module: 451, limit 450"]


def test_check_wheel__readme_example__first_and_runnable():
    text = "```bash\nls\n```\n\n```python\nx = 1\n```\n\n```python\ny = 2\n```\n"
    assert check_wheel.readme_example(text) == "x = 1\n"
    readme = (ROOT / "README.md").read_text()
    compile(check_wheel.readme_example(readme), "README.md", "exec")


@pytest.mark.parametrize(("branches", "code"), [(90, 0), (89, 1)])
def test_coverage__below_a_floor__exit_code(branches, code, tmp_path, capsys):
    totals = {"covered_lines": 95, "num_statements": 100}
    totals |= {"covered_branches": branches, "num_branches": 100}
    path = tmp_path / "coverage.json"
    path.write_text(json.dumps({"totals": totals}))
    with pytest.raises(SystemExit) as stopped:
        coverage_floors.main(path)
    assert stopped.value.code == code
    assert f"branches: {branches}.00% (floor: 90%)" in capsys.readouterr().out


def test_pre_commit__ruff__version_of_pyproject():
    text = (ROOT / ".pre-commit-config.yaml").read_text()
    (version,) = re.findall(r"ruff-pre-commit\n +rev: v(.+)", text)
    assert f"ruff=={version}" in PROJECT["project"]["optional-dependencies"]["dev"]


def test_workflow__python_versions__oldest_and_newest_of_pyproject():
    text = (ROOT / ".github" / "workflows" / "tests.yml").read_text()
    (tested,) = re.findall(r"python-version: \[(.+)\]", text)
    prefix = "Programming Language :: Python :: 3."
    classifiers = PROJECT["project"]["classifiers"]
    minors = [int(c.removeprefix(prefix)) for c in classifiers if prefix in c]
    assert tested == f'"3.{min(minors)}", "3.{max(minors)}"'
    assert PROJECT["project"]["requires-python"] == f">=3.{min(minors)}"


def test_changelog__code__in_double_backticks():
    # Single ones are code in Markdown and something else in reStructuredText.
    fragments = (ROOT / "changelog.d").glob("*.*.md")
    for path in [ROOT / "CHANGELOG.md", *fragments]:
        text = re.sub("``.+?``", "", path.read_text())
        assert "`" not in text, path
