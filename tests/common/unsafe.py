"""What runs code that data name: found in the syntax tree of a source.

Names are followed through imports, `import torch as t` as well as `from torch import
load as read`, and through attributes that are asked for by a literal name.
"""

import ast

# Modules that run what they read, and those that have no other use.
_MODULES = {
    "cPickle", "cloudpickle", "code", "codeop", "dill", "jsonpickle", "marshal",
    "pickle", "pickletools", "pty", "runpy", "shelve",
}  # fmt: skip
_NAMES = {
    "builtins.__import__", "builtins.compile", "builtins.eval", "builtins.exec",
    "joblib.load", "os.popen", "os.startfile", "os.system", "pandas.read_pickle",
    "pandas.io.pickle.read_pickle", "subprocess.getoutput",
    "subprocess.getstatusoutput", "torch.hub.load", "torch.jit.load", "torch.load",
    "torch.package.PackageImporter", "torch.serialization.load", "yaml.full_load",
    "yaml.load", "yaml.load_all", "yaml.unsafe_load",
}  # fmt: skip
_PREFIXES = ("os.exec", "os.posix_spawn", "os.spawn")
_BUILTINS = {"__import__", "compile", "eval", "exec"}
# Safe as long as `allow_pickle` is not there, or literally False.
_LOADERS = {"numpy.load", "numpy.lib.format.read_array"}
_IMPORTERS = {"builtins.__import__", "importlib.import_module", "importlib.__import__"}


def unsafe(source):
    """Yield (line, name) of every unsafe import, call or mention.

    Parameters
    ----------
    source : str
    """
    tree = ast.parse(source)
    known = _imported(tree)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Name | ast.Attribute):
            name = _resolve(node, known)
            # An argument may be called `compile`: only the call is the function.
            bare = name == "builtins.compile" and id(node) not in called
            names = [] if bare or name in _IMPORTERS else [name]
        elif isinstance(node, ast.Call):
            names = _called(node, known)
        else:
            continue
        for name in filter(None, names):
            if _is_unsafe(name):
                yield node.lineno, name


def _is_unsafe(name):
    parts = name.split(".")
    return (
        parts[0] in _MODULES
        or name.removesuffix("()") in _NAMES
        or name.endswith("()")
        or name.startswith(_PREFIXES)
    )


def _imported(tree):
    """What names of imports stand for."""
    known = {name: f"builtins.{name}" for name in _BUILTINS}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                known[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                known[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return known


def _resolve(node, known):
    """Full name of a name or an attribute, or None of something computed."""
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.Attribute):
        owner = _resolve(node.value, known)
        return owner and f"{owner}.{node.attr}"
    return None


def _called(node, known):
    """Names of calls that are unsafe by their arguments, with () behind them."""
    name = _resolve(node.func, known)
    keywords = {keyword.arg: keyword.value for keyword in node.keywords}
    if name in _IMPORTERS and not _is_literal(node.args[:1]):
        yield f"{name}()"
    if name in _LOADERS:
        pickles = keywords.get("allow_pickle", ast.Constant(False))
        positional = len(node.args) > 2 or any(
            isinstance(argument, ast.Starred) for argument in node.args
        )
        if None in keywords or positional or not _is_false(pickles):
            yield f"{name}()"
    if name and name.startswith("subprocess."):
        shell = keywords.get("shell", ast.Constant(False))
        if None in keywords or not _is_false(shell):
            yield f"{name}()"
    is_getattr = isinstance(node.func, ast.Name) and node.func.id == "getattr"
    if is_getattr and _is_literal(node.args[1:2]):
        owner = _resolve(node.args[0], known)
        if owner:
            yield f"{owner}.{node.args[1].value}"


def _is_false(node):
    return isinstance(node, ast.Constant) and node.value is False


def _is_literal(nodes):
    return bool(nodes) and all(
        isinstance(node, ast.Constant) and isinstance(node.value, str) for node in nodes
    )
