"""Sphinx configuration."""

import sys
import warnings
from pathlib import Path

import matplotlib as mpl
from PIL import Image

import sklearn_pare

# Some examples import `studies` and `tests`, which are not installed.
sys.path.insert(0, str(Path(__file__).parents[1]))
mpl.use("agg")

from tools.pictures import save_figures

project = "sklearn-pare"
author = "the sklearn-pare developers"
copyright = "2026, the sklearn-pare developers"
version = release = sklearn_pare.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    # MathJax with its licence, so that formulas need no network.
    "sphinx-mathjax-offline",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "auto_examples/**GALLERY_HEADER.rst"]
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
html_theme_options = {
    "show_prev_next": False,
    "secondary_sidebar_items": {"**": ["page-toc"], "index": []},
    "logo": {
        "text": f"sklearn-pare {version}",
        "image_light": "images/logo.svg",
        "image_dark": "images/logo.svg",
    },
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "show_toc_level": 2,
}
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_favicon = "images/logo.svg"
# Otherwise the first visit logs an error.
html_context = {"default_mode": "auto"}
html_sidebars = {"index": [], "changelog": [], "**": ["sidebar-nav-bs"]}


def _warning(message, category, *args, **kwargs):
    """Return the line of a warning without the path of a file on this machine."""
    return f"{category.__name__}: {message}\n"


warnings.formatwarning = _warning


def _colors(gallery_conf, name):
    """Plot with the colours of Okabe and Ito, which colour-blind people can tell."""
    colors = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "k")
    mpl.rcParams["axes.prop_cycle"] = mpl.cycler(color=colors)


sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "subsection_order": [
        f"../examples/{name}" for name in ("tutorials", "data", "method", "more")
    ],
    "within_subsection_order": "FileNameSortKey",
    "reset_modules": ("matplotlib", _colors),
    "image_scrapers": (save_figures,),
    "filename_pattern": "plot_",
    "download_all_examples": False,
    "show_memory": False,
    # This page needs a script that is not part of it.
    "write_computation_times": False,
    "min_reported_time": 1e6,
    "abort_on_example_error": True,
}


def _cut_picture():
    """Cut the picture of four kinds of data into one for each card of the index."""
    images = Path(__file__).parent / "images"
    with Image.open(images / "kinds.png") as whole:
        width, height = whole.size[0] // 4, whole.size[1]
        for number in range(4):
            box = (number * width, 0, (number + 1) * width, height)
            whole.crop(box).save(images / f"kind-{number + 1}.png")


_cut_picture()
