"""Source modalities by name.

A `Source` draws labelled rows without end: ``source.sample(n, generator)`` returns rows
(n, ...) and classes (n,), on the device of the generator; `row_shape` and `n_classes`
say what they are.
"""

from sklearn_pare.exceptions import DataError, UnknownNameError
from sklearn_pare.sources.arrays import ArraySource
from sklearn_pare.sources.base import Source
from sklearn_pare.sources.controls import MaskTokenSource, NoiseSource
from sklearn_pare.sources.folder import FolderSource
from sklearn_pare.sources.formula import FAMILIES, FormulaSource
from sklearn_pare.sources.openml_data import OpenMLSource
from sklearn_pare.sources.ranking import MAX_SAMPLES, Ranked, rank_sources
from sklearn_pare.sources.text import TextSource
from sklearn_pare.sources.user_arrays import from_arrays

__all__ = [
    "ArraySource",
    "FolderSource",
    "FormulaSource",
    "MaskTokenSource",
    "NoiseSource",
    "OpenMLSource",
    "Ranked",
    "Source",
    "TextSource",
    "get",
    "list_sources",
    "rank",
    "register",
]

_FACTORIES = {
    "formula": FormulaSource,
    "mask-token": MaskTokenSource,
    "noise": NoiseSource,
}
_CONTROLS = ("mask-token", "noise")
_PREFIXES = {
    "folder": FolderSource,
    "formula": FormulaSource,
    "openml": OpenMLSource,
    "text": TextSource.from_conll,
}


def list_sources():
    """Names of all registered sources, and the forms of names with something to add.

    Returns
    -------
    names : list of str

    Examples
    --------
    >>> from sklearn_pare import sources
    >>> sources.list_sources()
    ['folder:PATH', 'formula', 'formula:FAMILY', 'mask-token', 'noise', 'openml:ID',
     'text:FILE']
    """
    forms = ["folder:PATH", "formula:FAMILY", "openml:ID", "text:FILE"]
    return sorted([*_FACTORIES, *forms])


def register(name, factory):
    """Add a source, so that ``source=name`` finds it.

    Parameters
    ----------
    name : str
    factory : callable
        ``factory()`` returns a `Source`. It is called in every fit.

    Examples
    --------
    Rows of random bits, whose class is their parity:

    >>> import torch
    >>> from sklearn_pare import sources
    >>> class Parity(sources.Source):
    ...     n_classes, row_shape = 2, (16,)
    ...
    ...     def sample(self, n, generator):
    ...         x = torch.randint(2, (n, 16), generator=generator,
    ...                           device=generator.device)
    ...         return x.float(), x.sum(1) % 2
    >>> sources.register("parity", Parity)  # doctest: +SKIP
    """
    _FACTORIES[name] = factory


def get(name):
    """Open a source; files are read when it is first used.

    Parameters
    ----------
    name : str
        One of `list_sources`, with a number or path in place of the capital letters.

    Returns
    -------
    source : Source

    Raises
    ------
    UnknownNameError
        If no source has this name; a ValueError.

    Examples
    --------
    >>> from sklearn_pare import sources
    >>> sources.get("formula").row_shape
    (3, 32, 32)
    """
    if name in _FACTORIES:
        return _FACTORIES[name]()
    prefix, _, rest = name.partition(":")
    if prefix in _PREFIXES and rest:
        return _PREFIXES[prefix](rest)
    raise UnknownNameError(
        f"source={name!r} is not known. Sources that are: "
        f"{', '.join(map(repr, list_sources()))}, a tuple (X_source, y_source), or None. "
        "Others are added by sklearn_pare.sources.register(name, factory)."
    )


def open_candidates(source):
    """Open what the argument `source` of an estimator names.

    Parameters
    ----------
    source : str, list, tuple of arrays or None
        "auto" is the formulas, each of their families, and what was registered, without
        the controls. A list holds names and tuples of arrays ``(X_source, y_source)``.

    Returns
    -------
    opened : dict
        Name -> `Source`. A tuple is called "arrays", in a list "arrays 0" by its place.

    Raises
    ------
    UnknownNameError
        If no source has a name given; a ValueError.
    DataError
        If a list is empty, or arrays cannot be used; a ValueError.
    """
    if source is None:
        return {}
    if isinstance(source, tuple):
        if source and all(isinstance(name, str) for name in source):
            raise DataError(
                f"source={source!r} is a tuple of names. Give a list, to take the "
                f"nearest of them: source={[*source]!r}."
            )
        return {"arrays": from_arrays(source)}
    if source == "auto":
        families = [f"formula:{family}" for family in FAMILIES]
        source = [*(n for n in _FACTORIES if n not in _CONTROLS), *families]
    elif isinstance(source, str):
        source = [source]
    if not source:
        raise DataError('source=[] names no source. Give names, or source="auto".')
    return {
        name if isinstance(name, str) else f"arrays {place}": (
            get(name) if isinstance(name, str) else from_arrays(name)
        )
        for place, name in enumerate(source)
    }


def rank(
    X,
    y,
    candidates="auto",
    *,
    backbone="pare-tiny",
    input_shape=None,
    max_samples=MAX_SAMPLES,
    random_state=None,
):
    """How far sources lie from labelled data, nearest first.

    Rows of both sides go through their embedders, as they are before training; between
    the mean tokens lies the optimal transport dataset distance. ``source="auto"`` of an
    estimator takes the first of this table.

    Parameters
    ----------
    X : array-like of shape (n, F), (n, C, L) or (n, C, H, W)
        As in fit.
    y : array-like of shape (n,) or (n, ...)
        Targets. Real numbers, and several values a row, become up to 10 classes.
    candidates : list or "auto", default="auto"
        Names of sources, or tuples of arrays ``(X_source, y_source)``. "auto":
        "formula", its families "formula:NAME", and all that were registered.
    backbone : str, default="pare-tiny"
        Name of the backbone; tokens of another one give another table.
    input_shape : tuple of int, default=None
        As in the estimators.
    max_samples : int, default=400
        At most so many rows a side.
    random_state : int, RandomState instance or None, default=None
        Which rows of the sources are drawn.

    Returns
    -------
    table : list of Ranked
        Pairs (source, distance), in the units of tokens. Of sources of thousands of
        classes, clusters of mean tokens stand for classes.

    Raises
    ------
    UnknownNameError
        If no source has a name given; a ValueError.
    DataError
        If X, y or a source cannot be used; a ValueError.

    See Also
    --------
    sklearn_pare.otdd.dataset_distance : The distance.

    Notes
    -----
    Alvarez-Melis and Fusi, "Geometric Dataset Distances via Optimal Transport", NeurIPS
    2020, proposed the distance for choosing what to transfer from. PaRe leaves the
    choice of its source open.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_pare import sources
    >>> X, y = load_digits(return_X_y=True)
    >>> names = ["formula:contours", "formula:heaps"]
    >>> table = sources.rank(
    ...     X[:100], y[:100], names, input_shape=(1, 8, 8), random_state=0
    ... )
    >>> [name for name, _ in table]
    ['formula:contours', 'formula:heaps']
    """
    return rank_sources(
        X,
        y,
        open_candidates(candidates),
        backbone=backbone,
        input_shape=input_shape,
        max_samples=max_samples,
        random_state=random_state,
    )
