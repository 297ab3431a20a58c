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

PACKAGE = Path(sklearn_pare.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

# A module imports only from its own line and from lines above it.
LAYERS = [
    {"exceptions", "_version"},
    {"_device"},
    {"_names", "_redact", "_files"},
    {"otdd"},
    {"nn"},
    {"backbones"},
    {"_lazy", "_tables", "_validation", "_targets", "_fingerprint"},
    {"sources"},
    {"backbones.pretrain"},  # a command: it needs the formulas
    {"_assembly"},
    {"training"},
    {"_persist"},
    {"_linear"},
    {"_prepare", "_predict", "_warm"},
    {"_parameters", "_auto", "_given"},
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


UNSAFE = {
    "torch.load", "pickle.load", "pickle.loads", "joblib.load", "eval", "exec",
    "os.system",
}  # fmt: skip


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_source__no_unsafe_call_no_print(path):
    calls = {
        ast.unparse(node.func)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
    }
    allowed = {"print"} if "benchmarks" in path.parts else set()
    assert not calls & (UNSAFE | {"print"}) - allowed


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
    backbones.list,
    backbones.register,
    *(getattr(datasets, name) for name in datasets.__all__),
    *(getattr(write, name) for name in write.__all__),
    datasets.nas_bench_360.describe,
    *(getattr(metrics, name) for name in metrics.__all__),
    sources.get,
    sources.list,
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
