"""What a notebook shows of a fit, in a kernel of its own."""

from pathlib import Path

import nbclient
import nbformat
import pytest

from tests.common.callbacks import needs_callbacks

# Of the packages that run notebooks, none of which the library imports.
pytestmark = pytest.mark.filterwarnings("default")

FIRST_FIT = Path(__file__).parents[1] / "examples" / "tutorials" / "plot_a_first_fit.py"
BAR = """
import numpy as np
from sklearn.callback import ProgressBar
from sklearn_pare import PaReClassifier
X = np.random.default_rng(0).normal(size=(60, 1, 8, 8))
PaReClassifier(max_epochs=2).set_callbacks(ProgressBar()).fit(X, X[:, 0, 0, 0] > 0)
"""


def _run(notebook, folder):
    """Execute a notebook in a folder, and return all its outputs."""
    resources = {"metadata": {"path": str(folder)}}
    nbclient.NotebookClient(notebook, timeout=250, resources=resources).execute()
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


def test_first_fit__empty_folder__lines_diagram_and_picture(tmp_path):
    convert = pytest.importorskip("sphinx_gallery.notebook").python_to_jupyter_cli
    source = FIRST_FIT.read_text()
    (tmp_path / "first.py").write_text(
        source.replace("verbose=1", "verbose=1, max_epochs=1")
    )
    convert([str(tmp_path / "first.py")])
    folder = tmp_path / "empty"
    folder.mkdir()
    outputs = _run(nbformat.read(tmp_path / "first.ipynb", as_version=4), folder)
    printed = "".join(output.get("text", "") for output in outputs)
    assert printed.startswith("X: 300 images of 1 channel x 8 x 8 positions")
    assert "epoch 1/1  clean loss" in printed
    shown = {
        kind: text for out in outputs for kind, text in out.get("data", {}).items()
    }
    assert "input_shape_ (1, 8, 8) | backbone pare-tiny" in shown["text/html"]
    assert "image/png" in shown
    assert list(folder.iterdir()) == []


@needs_callbacks
def test_progress_bar__in_a_notebook__stays_at_the_end(tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(BAR)])
    _run(notebook, tmp_path)
    assert "100%" in str(notebook.metadata.widgets)
