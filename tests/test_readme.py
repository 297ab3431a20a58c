"""README and API page."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
FENCES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_readme__begins_with_ten_lines():
    assert len([line for line in FENCES[0].splitlines() if line]) <= 10


def test_readme__at_most_450_words():
    assert len(README.split()) <= 450


def test_readme__every_python_fence__runs_after_those_before(capsys):
    names = {}
    for code in FENCES:
        quick = code.replace("random_state=0)\n", "random_state=0, max_epochs=1)\n")
        exec(quick, names)
    assert 0 < float(capsys.readouterr().out.split()[0]) <= 1


# PyPI shows the README too, so links to files name the repository.
@pytest.mark.parametrize("path", re.findall(r"/(?:blob/)?main/([^)#]+)\)", README))
def test_readme__links_to_files__exist(path):
    assert (ROOT / path).exists()


def test_api_page__names_everything_public():
    import sklearn_pare
    from sklearn_pare import (
        backbones,
        datasets,
        exceptions,
        inspection,
        metrics,
        nn,
        sources,
    )

    page = (ROOT / "docs" / "api.rst").read_text()
    public = [name for name in sklearn_pare.__all__ if not name.startswith("__")]
    public += [f"nn.{name}" for name in nn.__all__]
    public += [f"backbones.{n}" for n in backbones.__all__]
    public += [f"sources.{n}" for n in sources.__all__]
    public += [f"datasets.{n}" for n in datasets.__all__]
    public += [f"inspection.{n}" for n in inspection.__all__]
    public += [f"metrics.{n}" for n in metrics.__all__]
    public += [f"exceptions.{n}" for n in vars(exceptions) if n.endswith("Error")]
    assert [name for name in public if f"   {name}\n" not in page] == []
