"""Structure: imports in one direction, light import, complete documentation."""

import ast
import graphlib
import inspect
import re
import statistics
import subprocess
import sys
from pathlib import Path

import numpydoc.docscrape
import pytest

import sklearn_pare
from sklearn_pare import (
    PaReClassifier,
    PaReRegressor,
    backbones,
    datasets,
    inspection,
    metrics,
    nn,
    openml,
    otdd,
    sources,
)
from sklearn_pare.datasets import write
from tests.common.unsafe import unsafe

PACKAGE = Path(sklearn_pare.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

# A unit, which is a module or folder at the root of the package, imports only from
# itself and from the layers before its own.
LAYERS = [
    {"exceptions", "_version", "nn"},
    {"_utils", "_device", "_safetensors", "_report"},
    {"otdd", "_data", "backbones", "metrics"},
    {"sources", "datasets", "_inference", "_architecture"},
    {"training"},
    {"_saving", "inspection"},
    {"_base"},
    {"_classifier", "_regressor", "openml"},
    {"_load", "benchmarks"},
    {""},
]
# Public names of the root, and where they are defined.
ROOT = {
    "PaReClassifier": "_classifier",
    "PaReRegressor": "_regressor",
    "load": "_load",
    "__version__": "_version",
}


def _layer(unit):
    return next(number for number, units in enumerate(LAYERS) if unit in units)


def _unit(module):
    return module.partition(".")[0]


def _folder(module):
    """Return the folder of a module, or the module itself at the root."""
    path = PACKAGE / module.replace(".", "/")
    return module if path.is_dir() else module.rpartition(".")[0] or module


def _name(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def _imported(path):
    """Yield the names of the modules of this package that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and _is_own(node.module or ""):
            base = node.module.removeprefix("sklearn_pare").lstrip(".")
            for alias in node.names:
                full = f"{base}.{alias.name}".lstrip(".")
                known = full in NAMES
                yield full if known else base or ROOT.get(alias.name, "")
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if _is_own(alias.name):
                    yield alias.name.removeprefix("sklearn_pare").lstrip(".")


def _is_own(name):
    return name.partition(".")[0] == "sklearn_pare"


NAMES = {_name(path) for path in MODULES}
IMPORTS = {_name(path): set(_imported(path)) for path in MODULES}


@pytest.mark.parametrize("module", sorted(IMPORTS))
def test_imports__point_upwards(module):
    own = _unit(module)
    back = [
        name
        for name in IMPORTS[module]
        if _unit(name) != own and _layer(_unit(name)) >= _layer(own)
    ]
    assert back == []


def test_layers__hold_every_unit_once():
    units = [unit for layer in LAYERS for unit in layer]
    assert sorted(units) == sorted({_unit(name) for name in NAMES})
    assert len(LAYERS) <= 10


def test_folders__no_circles():
    graph = {}
    for module, names in IMPORTS.items():
        others = {_folder(name) for name in names} - {_folder(module)}
        graph.setdefault(_folder(module), set()).update(others)
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError


def test_root__ten_private_modules_at_most():
    private = [path for path in PACKAGE.glob("_*.py") if path.stem != "__init__"]
    assert len(private) <= 10


def test_modules__small():
    sizes = [len(path.read_text().splitlines()) for path in MODULES]
    # Scores, losses, intervals, gaps, the torch module and ONNX: 25,700 to 27,900. What
    # fit prints and shows, the display of fields, the choice of a backbone, levels of
    # signals, small batches, and symmetries of fields: 28,500. Fits on several
    # devices: 28,900. Benchmarks on clusters, reading ahead, and predictions into
    # files: 29,100. Laws of fields from few samples: 29,180.
    assert sum(sizes) <= 29_180
    assert statistics.median(sizes) <= 140
    assert max(sizes) <= 450


# Where the steps of fit are.
STEPS = ["_base.py", "_data/fit_data.py", "training/start.py", "training/network.py",
         "training/prepare.py", "training/recipe.py", "training/train.py"]  # fmt: skip


@pytest.mark.parametrize("name", STEPS)
def test_fit__steps_of_at_most_forty_lines(name):
    for node in ast.walk(ast.parse((PACKAGE / name).read_text())):
        if isinstance(node, ast.FunctionDef):
            start = node.body[1 if ast.get_docstring(node) else 0].lineno
            assert node.end_lineno - start + 1 <= 40, node.name


@pytest.mark.parametrize("kind", [PaReClassifier, PaReRegressor])
def test_arguments__few(kind):
    assert len(kind().get_params()) <= 34


def test_submodules__reachable_after_import_of_the_package():
    code = (
        "import sklearn_pare\n"
        "assert 'inspection' in dir(sklearn_pare)\n"
        "for name in ('inspection', 'datasets', 'sources', 'benchmarks', 'openml'):\n"
        "    assert getattr(sklearn_pare, name).__name__ == f'sklearn_pare.{name}'\n"
        "try:\n"
        "    sklearn_pare.nothing\n"
        "except AttributeError as error:\n"
        "    assert 'nothing' in str(error)\n"
        "else:\n"
        "    raise AssertionError\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_nn__knows_torch_alone():
    for path in (PACKAGE / "nn").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                roots = {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                roots = {node.module.partition(".")[0]}
            else:
                continue
            assert roots <= {"torch", "math", "typing", "threading", "contextlib",
                             "itertools", "functools", "sklearn_pare"}  # fmt: skip


def test_import__light_and_without_cuda():
    code = (
        "import sys, warnings, torch, scipy.special, sklearn.metrics, skorch\n"
        "before = torch.get_num_threads(), list(warnings.filters)\n"
        "import sklearn_pare, sklearn_pare.metrics\n"
        "heavy = {'timm', 'ot', 'openml', 'matplotlib', 'transformers'}\n"
        "import sklearn_pare.datasets, sklearn_pare.datasets.write\n"
        "heavy |= {'h5py', 'filelock', 'requests'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "assert not torch.cuda.is_initialized()\n"
        "assert (torch.get_num_threads(), list(warnings.filters)) == before\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


# Module -> what it may use: the one reader of pickles, which runs nothing that they
# name, and the one import by name, whose names are literals where it is called.
ALLOWED = {
    "datasets._readers.unpickle": {"pickle"},
    "": {"importlib.import_module()"},
    "datasets._readers.fetch": {"importlib.import_module()"},
}


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_source__nothing_runs_what_files_say(path):
    allowed = ALLOWED.get(_name(path), set())
    found = {name for _, name in unsafe(path.read_text())}
    assert {n for n in found if not {n, n.partition(".")[0]} & allowed} == set()


def test_source__what_is_allowed__is_used():
    for name, allowed in ALLOWED.items():
        path = PACKAGE / (f"{name.replace('.', '/')}.py" if name else "__init__.py")
        source = path.read_text()
        found = {name for _, name in unsafe(source)}
        assert allowed <= found | {name.partition(".")[0] for name in found}


def test_source__imports_by_name__names_are_literals():
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "extra":
                assert [type(argument) for argument in node.args] == [ast.Constant]


@pytest.mark.parametrize(
    "source",
    [
        "import torch\ntorch.load(p)",
        "import torch as t\nt.load(p, weights_only=True)",
        "from torch import load\nload(p)",
        "from torch import load as read\nread(p)",
        "from torch import serialization as s\ns.load(p)",
        "import torch\nread = torch.load",
        "import torch\ngetattr(torch, 'load')(p)",
        "import pickle",
        "import pickle as p",
        "from pickle import loads as parse",
        "import cloudpickle",
        "import dill",
        "import shelve",
        "from marshal import loads",
        "import joblib\njoblib.load(p)",
        "from joblib import load\nload(p)",
        "import numpy as np\nnp.load(p, allow_pickle=True)",
        "import numpy as np\nnp.load(p, allow_pickle=flag)",
        "import numpy as np\nnp.load(p, None, True)",
        "import numpy as np\nnp.load(*arguments)",
        "import numpy as np\nnp.load(p, **settings)",
        "from numpy import load as read\nread(p, allow_pickle=1)",
        "import numpy\nnumpy.lib.format.read_array(f, allow_pickle=True)",
        "import pandas as pd\npd.read_pickle(p)",
        "from pandas import read_pickle",
        "import yaml\nyaml.load(s)",
        "import yaml\nyaml.unsafe_load(s)",
        "eval(s)",
        "list(map(eval, s))",
        "import builtins\nbuiltins.exec(s)",
        "exec(s)",
        "compile(s, '', 'exec')",
        "__import__(s)",
        "import importlib\nimportlib.import_module(s)",
        "from importlib import import_module as get\nget(s)",
        "import os\nos.system(s)",
        "from os import system as run\nrun(s)",
        "import os\nos.popen(s)",
        "import os\nos.execvp(s, a)",
        "import subprocess\nsubprocess.run(s, shell=True)",
        "import subprocess as sp\nsp.Popen(s, shell=flag)",
        "from subprocess import check_output as out\nout(s, **settings)",
        "import subprocess\nsubprocess.getoutput(s)",
    ],
)
def test_unsafe__each_way_to_run_something__found(source):
    assert list(unsafe(source))


@pytest.mark.parametrize(
    "source",
    [
        "import torch\ntorch.compile(m)\nm.eval()",
        "import re\nre.compile(s)",
        "def f(compile=False): g(compile=compile)",
        "import numpy as np\nnp.load(p)\nnp.load(p, allow_pickle=False)",
        "import json\njson.load(f)",
        "from safetensors.torch import load\nload(b)",
        "import importlib\nimportlib.import_module('timm')",
        "import subprocess\nsubprocess.run([s], shell=False)",
        "import yaml\nyaml.safe_load(s)",
        "import os\nos.replace(a, b)",
    ],
)
def test_unsafe__what_runs_nothing__not_found(source):
    assert list(unsafe(source)) == []


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_source__no_print(path):
    if "benchmarks" not in path.parts:
        calls = {
            ast.unparse(node.func)
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call)
        }
        assert "print" not in calls


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_source__ascii(path):
    # OpenML refuses descriptions with any other character.
    assert path.read_text().isascii()


PUBLIC = [
    PaReClassifier,
    PaReRegressor,
    sklearn_pare.load,
    backbones.check,
    backbones.fetch,
    backbones.get,
    backbones.list_backbones,
    backbones.register,
    *(getattr(datasets, name) for name in datasets.__all__),
    *(getattr(write, name) for name in write.__all__),
    datasets.nas_bench_360.describe,
    *(getattr(metrics, name) for name in metrics.__all__),
    sources.get,
    sources.list_sources,
    sources.register,
    nn.relaxed_top_k,
    nn.replace_in_order,
    nn.replace_tokens,
    nn.mix_fraction,
    sources.rank,
    openml.fold_scores,
    openml.publish,
    openml.run_task,
    otdd.Alignment,
    otdd.dataset_distance,
    *(getattr(inspection, name) for name in inspection.__all__),
]


@pytest.mark.parametrize("thing", PUBLIC, ids=lambda thing: thing.__qualname__)
def test_docstring__names_every_parameter_in_order(thing):
    read = numpydoc.docscrape.ClassDoc if inspect.isclass(thing) else (
        numpydoc.docscrape.FunctionDoc
    )  # fmt: skip
    parameters = read(thing)["Parameters"]
    described = [name.lstrip("*") for p in parameters for name in p.name.split(", ")]
    assert described == list(inspect.signature(thing).parameters)


@pytest.mark.parametrize("kind", [PaReClassifier, PaReRegressor])
def test_docstring__defaults_are_those_of_the_signature(kind):
    signature = inspect.signature(kind).parameters
    for parameter in numpydoc.docscrape.ClassDoc(kind)["Parameters"]:
        _, found, text = parameter.type.partition("default=")
        names = parameter.name.split(", ")
        # "None" and "False" alone: reserved
        defaults = text.split(", ") if found else [parameter.type]
        for name, default in zip(names, defaults, strict=True):
            assert ast.literal_eval(default) == signature[name].default


@pytest.mark.parametrize("kind", [PaReClassifier, PaReRegressor])
def test_docstring__every_fitted_attribute(kind, table):
    from tests.common.instances import tiny

    X, y = table
    estimator = tiny(kind, max_epochs=1).fit(
        X, y if kind is PaReClassifier else X[:, 0]
    )
    fitted = {name for name in vars(estimator) if name.endswith("_")}
    described = {a.name for a in numpydoc.docscrape.ClassDoc(kind)["Attributes"]}
    assert fitted <= described
    absent = {name for name in described if not hasattr(estimator, name)}
    assert absent <= {"feature_names_in_", "classes_"}
    assert estimator.module_.__doc__


REPOSITORY = PACKAGE.parent
TEXTS = [
    path
    for pattern in ("sklearn_pare/**/*.py", "studies/**/*.py", "examples/**/*.py",
                    "docs/*.rst", "*.md", "changelog.d/*.md")
    for path in sorted(REPOSITORY.glob(pattern))
]  # fmt: skip


@pytest.mark.parametrize("path", TEXTS, ids=lambda p: str(p.relative_to(REPOSITORY)))
def test_words__a_pretrained_network_is_a_backbone(path):
    assert re.findall(r"(?i)\bbod(?:y|ies)\b", path.read_text()) == []


@pytest.mark.parametrize(
    "path",
    [path for path in TEXTS if path.suffix == ".py"],
    ids=lambda p: str(p.relative_to(REPOSITORY)),
)
def test_words__docstrings_state_and_do_not_ask(path):
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef
    for node in ast.walk(ast.parse(path.read_text())):
        text = ast.get_docstring(node) if isinstance(node, kinds) else None
        assert not re.match(r"(What|Whether|Who)\b", text or ""), text


def test_docs__single_backticks_are_code():
    # As in scikit-learn: the default role of Sphinx would render them in italics.
    conf = (REPOSITORY / "docs" / "conf.py").read_text()
    assert re.search(r"^default_role = \"literal\"$", conf, re.MULTILINE)
