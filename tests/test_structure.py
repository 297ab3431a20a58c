"""How the package is cut: imports go one way, importing is light, docs are whole."""

import ast
import inspect
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

# A module imports only from its own line and from lines above it.
LAYERS = [
    {"exceptions", "_version"},
    {"_device"},
    {"_imports", "_names", "_redact", "_files"},
    {"otdd"},
    {"nn"},
    {"backbones"},
    {"_lazy", "_tables", "_validation", "_targets", "_fingerprint"},
    {"sources"},
    {"backbones.pretrain"},  # a command: it needs the formulas
    {"_assembly"},
    {"training"},
    {"_fields", "_auto"},
    {"_schema"},
    {"_persist"},
    {"_linear"},
    {"_prepare", "_predict", "_warm"},
    {"_parameters", "_given"},
    {"_base"},
    {"_classifier", "_regressor"},
    {"_load"},
    {""},
    {"inspection"},
    {"metrics", "_metrics", "_legacy_metrics"},
    {"datasets"},
    {"openml"},
    {"benchmarks"},
    {"backbones.evaluate"},  # a command: it needs the estimators
]


def _layer(module):
    while module:
        for number, names in enumerate(LAYERS):
            if module in names:
                return number
        module = module.rpartition(".")[0]
    return next(number for number, names in enumerate(LAYERS) if "" in names)


def _name(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def _imported(path):
    """Names of this package's modules that `path` imports."""
    known = {_name(module) for module in MODULES}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            "sklearn_pare"
        ):
            base = node.module.removeprefix("sklearn_pare").lstrip(".")
            for alias in node.names:
                full = f"{base}.{alias.name}".lstrip(".")
                yield full if full in known else base
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("sklearn_pare"):
                    yield alias.name.removeprefix("sklearn_pare").lstrip(".")


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_imports__point_upwards(path):
    own = _layer(_name(path))
    back = [name for name in _imported(path) if _layer(name) > own]
    assert back == []


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
        "heavy |= {'h5py', 'pooch', 'filelock', 'requests'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "assert not torch.cuda.is_initialized()\n"
        "assert (torch.get_num_threads(), list(warnings.filters)) == before\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


# Module -> what it may use: the one reader of pickles, which runs nothing that they
# name, and the one import by name, whose names are literals where it is called.
ALLOWED = {
    "datasets._unpickle": {"pickle"},
    "datasets._fetch": {"importlib.import_module()"},
}


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_source__nothing_runs_what_files_say(path):
    allowed = ALLOWED.get(_name(path), set())
    found = {name for _, name in unsafe(path.read_text())}
    assert {n for n in found if not {n, n.partition(".")[0]} & allowed} == set()


def test_source__what_is_allowed__is_used():
    for name, allowed in ALLOWED.items():
        source = (PACKAGE / f"{name.replace('.', '/')}.py").read_text()
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
    nn.replace_tokens,
    nn.mix_fraction,
    sources.rank,
    openml.fold_scores,
    openml.publish,
    openml.run_task,
    openml.write_task,
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
    assert described - fitted <= {"feature_names_in_", "classes_"}
