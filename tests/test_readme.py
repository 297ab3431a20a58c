"""The lines that people copy first must run."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_readme__ten_lines__run(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    assert len([line for line in code.splitlines() if line]) <= 10
    quick = code.replace("random_state=0)\n", "random_state=0, max_epochs=1)\n", 1)
    exec(quick, {})
    assert 0 < float(capsys.readouterr().out) <= 1


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
