"""Sentences as sources, for text backbones: "text:FILE" and arrays of strings."""

import math
from collections import Counter
from functools import cached_property

import numpy as np

from sklearn_pare._utils import expand
from sklearn_pare.exceptions import DataError
from sklearn_pare.nn.embed import WordEmbed
from sklearn_pare.sources.arrays import ArraySource
from sklearn_pare.sources.base import Source

_NO_ENTITY = "O"


class WordSource(ArraySource):
    """Texts as word indices (n, N) of one backbone, one per token."""

    def embedder(self, stem):
        """Return the word vectors of the backbone as an embedder."""
        return WordEmbed(stem.table.num_embeddings, stem.grid, stem.dim)


class TextSource(Source):
    """Texts with their classes, for text backbones.

    Samples can only be drawn after `for_backbone`, since each backbone splits a text
    into its own words.

    Parameters
    ----------
    texts : sequence of str
    labels : array-like of shape (n,)
        Classes, of any type that can be sorted.

    Examples
    --------
    >>> from sklearn_pare.sources import TextSource
    >>> TextSource(["rain", "sun", "hail"], ["wet", "dry", "wet"]).n_classes
    2
    """

    def __init__(self, texts, labels):
        self.texts, self.labels = texts, labels

    @staticmethod
    def from_conll(path):
        """Return the sentences of a CoNLL-2003 file: the source named "text:FILE".

        Each line consists of a word and its tags, separated by spaces, with the entity
        last; an empty line ends a sentence. The class of a sentence is the entity type
        with the most words (the first one in a tie), or "O" without entities. The file
        is read on first use.

        Parameters
        ----------
        path : str or Path
            File in UTF-8.

        Raises
        ------
        DataError
            On first use, if the file is missing or has another format (ValueError).
        """
        return _ConllSource(path)

    @cached_property
    def _encoded(self):
        return np.unique(np.asarray(self.labels), return_inverse=True)

    @property
    def n_classes(self):
        """Number of distinct labels."""
        return len(self._encoded[0])

    def for_backbone(self, backbone):
        """Return the texts as word indices, repeated to fill the backbone's tokens.

        Raises DataError if it is not a text backbone, or if a text has no words.
        """
        n_tokens = math.prod(backbone.module.grid)
        X = np.stack([np.resize(words, n_tokens) for words in self._tokenize(backbone)])
        return WordSource(X, self._encoded[1].astype(np.int64), self.n_classes)

    def _tokenize(self, backbone):
        """Return a list of word indices for each text."""
        if backbone.tokenize is None:
            raise DataError(
                f"The source is text, which backbone={backbone.card.name!r} cannot "
                'read. Use a text backbone such as backbone="hf:roberta-base", or '
                "another source."
            )
        texts = [str(text) for text in self.texts]
        numbers = backbone.tokenize(texts)
        n_words = backbone.stem.table.num_embeddings
        for row, (text, words) in enumerate(zip(texts, numbers, strict=True)):
            if not len(words):
                raise DataError(
                    f"Text {row} of the source, {text!r}, has no words. Remove empty "
                    "texts."
                )
            if max(words) >= n_words:
                raise DataError(
                    f"The tokenizer of backbone={backbone.card.name!r} returned word "
                    f"{max(words)}, but the backbone has only {n_words} words. Use "
                    "the tokenizer that came with the weights."
                )
        return numbers


class _ConllSource(TextSource):
    def __init__(self, path):
        self.path = expand(path)

    @cached_property
    def _sentences(self):
        return _read_conll(self.path)

    texts = property(lambda self: [text for text, _ in self._sentences])
    labels = property(lambda self: [label for _, label in self._sentences])


def _read_conll(path):
    """Return pairs of a sentence and its label."""
    sentences, words, tags = [], [], []
    # Columns: word, part of speech, chunk and entity. The first and the last are read.
    # An empty line at the end closes the last sentence.
    for number, line in enumerate([*_lines(path), ""], start=1):
        columns = line.split()
        if not columns or columns[0] == "-DOCSTART-":
            if words:
                sentences.append((" ".join(words), _main_entity(tags)))
            words, tags = [], []
            continue
        if len(columns) == 1:
            problem = f"{line!r} has one column, so its word has no tag"
            raise _malformed(path, number, problem)
        words.append(columns[0])
        tags.append(columns[-1])
    if not sentences:
        raise _malformed(path, number - 1, "the file ends without a sentence")
    return sentences


def _lines(path):
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"source='text:{path}' cannot be read: {error}. Write the path of a "
            "CoNLL-2003 file after the colon."
        ) from error
    try:
        return content.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise _malformed(path, number, f"the file is not UTF-8 ({error})") from error


def _malformed(path, number, problem):
    return DataError(
        f"source='text:{path}', line {number}: {problem}. Expected a word and its tags "
        "on each line, separated by spaces, as in 'EU NNP B-NP B-ORG', and an empty "
        "line after each sentence."
    )


def _main_entity(tags):
    """Return the type of entity with the most words, the first one in a tie."""
    types = [tag[2:] if tag[:2] in ("B-", "I-") else tag for tag in tags]
    counts = Counter(kind for kind in types if kind != _NO_ENTITY)
    return counts.most_common(1)[0][0] if counts else _NO_ENTITY
