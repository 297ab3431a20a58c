"""Sphinx configuration."""

import sys
from pathlib import Path

import matplotlib as mpl

import sklearn_pare

# Some examples import `studies` and `tests`, which are not installed.
sys.path.insert(0, str(Path(__file__).parents[1]))
mpl.use("agg")

project = "sklearn-pare"
author = "the sklearn-pare developers"
copyright = "2026, the sklearn-pare developers"
version = release = sklearn_pare.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "auto_examples/GALLERY_HEADER.rst"]
# Build offline: do not download inventories of other projects.
intersphinx_mapping = {}
# Docstrings inherited from scikit-learn refer to labels that exist only there.
suppress_warnings = ["ref.ref", "ref.term", "config.cache"]
# As in scikit-learn: single backticks are code.
default_role = "literal"
autosummary_generate = True
numpydoc_show_class_members = False
autodoc_default_options = {"members": True, "inherited-members": "Module"}
autodoc_typehints = "none"

html_theme = "pydata_sphinx_theme"
html_title = "sklearn-pare"
html_show_sourcelink = False
html_theme_options = {"show_prev_next": False, "secondary_sidebar_items": ["page-toc"]}
# Pages without subpages do not need a sidebar.
_plain = (
    "index",
    "install",
    "quickstart",
    "user_guide",
    "modalities",
    "saving",
    "backbones",
    "sources",
    "otdd",
    "inspection",
    "comparison",
    "reliability",
    "benchmarks",
    "pdebench",
    "nas_bench_360",
    "openml",
    "changelog",
)
html_sidebars = {"**": ["sidebar-nav-bs"]} | {page: [] for page in _plain}

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": "plot_",
    "download_all_examples": False,
    "show_memory": False,
    "min_reported_time": 1e6,
    "abort_on_example_error": True,
}
