import ast
import sys
import sysconfig
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sklearn_pare import backbones, sources
from sklearn_pare.exceptions import DataError
from sklearn_pare.nn.embed import WordEmbed
from sklearn_pare.sources import docstrings
from sklearn_pare.sources.docstrings import _read_library, _read_words

N_TOKENS = 6


@pytest.fixture
def unread():
    """Read the library anew, and once more after the test."""
    _read_library.cache_clear()
    yield
    _read_library.cache_clear()


@pytest.fixture
def library(monkeypatch, tmp_path, unread):
    """Standard library of one module and of one package with tests."""
    files = {
        "inspect.py": '"""Look at things."""',
        "email/__init__.py": 'def f():\n    """Send\n\n    >>> f()\n\n    mail."""',
        "email/test/test_it.py": '"""Not this."""',
        "email/mime/text.py": 'class A:\n    """One."""\n    async def b(self):\n'
        '        """Two."""\n\n    def c(self):\n        return "three"',
        "this.py": '"""Not of the list."""',
    }
    # The tests of the library alone are left out.
    root = tmp_path / "test"
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(root))
    return root


def _backbone(tokenize, n_words=1000):
    return SimpleNamespace(
        module=SimpleNamespace(grid=(2, 3)),
        stem=WordEmbed(n_words, (2, 3), 5),
        tokenize=tokenize,
        card=SimpleNamespace(name="small"),
    )


def test_docstrings__library__text_by_package(library):
    source = sources.get("docstrings")
    assert source.texts == ["Send mail. One. Two.", "Look at things."]
    assert source.labels == ["email", "inspect"]


def test_docstrings__long_text__split(library, monkeypatch):
    monkeypatch.setattr(docstrings, "_WORDS", 3)
    assert sources.get("docstrings").texts == [
        "Send mail. One.", "Two.", "Look at things.",
    ]  # fmt: skip


def test_docstrings__for_backbone__windows_of_all_text_of_a_package(
    library, monkeypatch, generator
):
    monkeypatch.setattr(docstrings, "_WORDS", 3)
    # Eight numbers of the first package, in two texts; two of the second, repeated.
    numbers = [[0, 1, 2, 3, 4], [5, 6, 7], [8, 9]]
    source = sources.get("docstrings").for_backbone(_backbone(lambda texts: numbers))
    x, y = source.sample(60, generator)
    assert source.row_shape == (N_TOKENS,)
    assert source.n_classes == 2
    assert (x.dtype, y.dtype) == (torch.int64, torch.int64)
    found = {tuple(row) for row in x[y == 0].tolist()}
    assert found == {tuple(range(first, first + N_TOKENS)) for first in range(3)}
    assert x[y == 1].unique(dim=0).tolist() == [[8, 9] * 3]


def test_docstrings__no_source_files__says_so(monkeypatch, tmp_path, unread):
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    with pytest.raises(DataError, match=r"'docstrings' reads the source files of Pyth"):
        _ = sources.get("docstrings").n_classes


def test_docstrings__backbone_of_images__names_one_of_text():
    with pytest.raises(DataError, match=r"source is text.*'pare-tiny'"):
        sources.get("docstrings").for_backbone(
            backbones.get("pare-tiny", pretrained=False)
        )


def test_docstrings__real_library__much_english_in_every_class(unread):
    before = set(sys.modules)
    start = time.process_time()
    source = sources.get("docstrings")
    assert 10 <= source.n_classes <= 16
    assert time.process_time() - start < 5
    # Nothing was imported.
    assert set(sys.modules) <= before
    labels, counts = np.unique(source.labels, return_counts=True)
    assert counts.min() >= 10
    assert labels.tolist() == sorted(labels)
    words = " ".join(source.texts).split()
    assert 0.04 < words.count("the") / len(words) < 0.1
    assert ">>>" not in words
    assert max(len(text.split()) for text in source.texts) == 100


def test_docstrings__read_again__same_texts(unread):
    first = sources.get("docstrings").texts
    _read_library.cache_clear()
    assert sources.get("docstrings").texts == first


def test_docstrings__samples__of_every_class_and_repeatable():
    source = sources.get("docstrings").for_backbone(
        _backbone(lambda texts: [[len(w) for w in text.split()] for text in texts])
    )
    state = torch.get_rng_state()
    (x, y), (same_x, same_y), (other, _) = (
        source.sample(800, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(x, same_x)
    assert torch.equal(y, same_y)
    assert not torch.equal(x, other)
    assert torch.bincount(y).min() >= 25
    assert len(x.unique(dim=0)) > 750
    assert torch.equal(torch.get_rng_state(), state)


def test_read_words__as_ast_reads_them(tmp_path):
    path = tmp_path / "a.py"
    path.write_text('"""A\n\nb."""\nx = """Not this."""\n')
    assert _read_words(path) == ["A", "b."]
    assert ast.get_docstring(ast.parse(path.read_text())) == "A\n\nb."


def test_text__word_without_vector__says_whose():
    backbone = _backbone(lambda texts: [[4], [5]], n_words=5)
    source = sources.TextSource(["a", "b"], [0, 1])
    with pytest.raises(DataError, match=r"'small' returned word 5, but .* only 5"):
        source.for_backbone(backbone)
