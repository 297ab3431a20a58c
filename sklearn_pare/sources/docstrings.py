"""English from the standard library of Python, for text backbones: "docstrings"."""

import ast
import functools
import math
import sysconfig
from pathlib import Path

import numpy as np
import torch

from sklearn_pare.exceptions import DataError
from sklearn_pare.sources.base import draw_index
from sklearn_pare.sources.text import TextSource, WordSource

# Packages and modules with much text in all versions of Python.
_PACKAGES = (
    "asyncio",
    "difflib",
    "doctest",
    "email",
    "http",
    "importlib",
    "inspect",
    "ipaddress",
    "logging",
    "multiprocessing",
    "statistics",
    "turtle",
    "typing",
    "unittest",
    "urllib",
    "xml",
)
_DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
# Words per text. Tokenizers warn of texts with more tokens than a backbone reads.
_WORDS = 100


class DocstringSource(TextSource):
    """Docstrings of Python's standard library by package: "docstrings".

    The source files of 16 packages are read, and no package is imported. Examples of
    code are left out. A sample is a random window of all docstrings of a package, with
    the length that the backbone reads. Its class is the package.

    Raises
    ------
    DataError
        On first use, if source files of the standard library are missing (ValueError).

    Examples
    --------
    >>> from sklearn_pare.sources import DocstringSource
    >>> DocstringSource().texts[0].startswith("The asyncio package")
    True
    """

    def __init__(self):
        # The texts and labels of the base class are read on first use.
        pass

    texts = property(lambda self: [text for text, _ in _read_library()])
    labels = property(lambda self: [package for _, package in _read_library()])

    def for_backbone(self, backbone):
        """Return random windows of the texts as word indices of the backbone.

        Raises DataError if it is not a text backbone.
        """
        codes = self._encoded[1]
        words = [np.asarray(numbers) for numbers in self._tokenize(backbone)]
        streams = [
            np.concatenate([words[i] for i in np.flatnonzero(codes == code)])
            for code in range(self.n_classes)
        ]
        return _WindowSource(streams, math.prod(backbone.module.grid))


class _WindowSource(WordSource):
    """Random windows of one long text per class, each of `n_tokens` word indices."""

    def __init__(self, streams, n_tokens):
        streams = [np.resize(words, max(len(words), n_tokens)) for words in streams]
        self._words = torch.from_numpy(np.concatenate(streams))
        self._lengths = torch.tensor([len(words) for words in streams])
        self._starts = self._lengths.cumsum(0) - self._lengths
        self._window = torch.arange(n_tokens)
        self.n_classes, self.row_shape = len(streams), (n_tokens,)

    def sample(self, n, generator):
        """Draw `n` windows (n, N) with their classes."""
        device = generator.device
        labels = draw_index(self.n_classes, n, generator)
        place = torch.rand(n, generator=generator, device=device).cpu()
        room = self._lengths[labels] - len(self._window) + 1
        first = self._starts[labels] + (place * room).long()
        windows = self._words[first[:, None] + self._window]
        return windows.to(device), labels.to(device)


@functools.cache
def _read_library():
    """Return pairs of a text and the name of its package."""
    library = Path(sysconfig.get_path("stdlib"))
    pairs = []
    for package in _PACKAGES:
        paths = [library / f"{package}.py", *sorted((library / package).rglob("*.py"))]
        words = [
            word
            # Some systems leave out packages.
            for path in filter(Path.is_file, paths)
            if "test" not in path.relative_to(library).parts
            for word in _read_words(path)
        ]
        pairs += [
            (" ".join(words[first : first + _WORDS]), package)
            for first in range(0, len(words), _WORDS)
        ]
    if not pairs:
        raise DataError(
            "source='docstrings' reads the source files of Python's standard library, "
            f"but {library} has none. Use another source."
        )
    return pairs


def _read_words(path):
    """Return the words of the docstrings of a file without examples of code."""
    nodes = ast.walk(ast.parse(path.read_bytes()))
    found = [ast.get_docstring(node) for node in nodes if isinstance(node, _DOCUMENTED)]
    paragraphs = "\n\n".join(filter(None, found)).split("\n\n")
    return " ".join(text for text in paragraphs if ">>>" not in text).split()
