from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sklearn_pare import backbones, sources
from sklearn_pare.exceptions import DataError
from sklearn_pare.nn.embed import WordEmbed
from sklearn_pare.sources import TextSource

CONLL = """-DOCSTART- -X- -X- O

EU NNP B-NP B-ORG
rejects VBZ B-VP O
German JJ B-NP B-MISC
call NN I-NP O

Peter NNP B-NP B-PER
Blackburn NNP I-NP I-PER
in IN B-PP O
Brussels NNP B-NP B-LOC

It PRP B-NP O
rains VBZ B-VP O
"""


@pytest.fixture
def conll(tmp_path):
    path = tmp_path / "train.txt"
    path.write_text(CONLL, encoding="utf-8")
    return path


@pytest.fixture
def backbone():
    """Backbone of 2 x 3 tokens, in which the number of a word is its length."""
    return SimpleNamespace(
        module=SimpleNamespace(grid=(2, 3)),
        stem=WordEmbed(20, (2, 3), 5),
        tokenize=lambda texts: [[len(w) for w in text.split()] for text in texts],
    )


def test_conll__label__entity_on_most_words_first_in_a_tie(conll):
    source = TextSource.from_conll(conll)
    assert source.texts == [
        "EU rejects German call",
        "Peter Blackburn in Brussels",
        "It rains",
    ]
    assert source.labels == ["ORG", "PER", "O"]
    assert source.n_classes == 3


@pytest.mark.parametrize("change", ["windows", "no last newline", "tabs"])
def test_conll__other_line_ends__same(tmp_path, conll, change):
    changed = {
        "windows": CONLL.replace("\n", "\r\n"),
        "no last newline": CONLL.rstrip("\n"),
        "tabs": CONLL.replace(" ", "\t"),
    }[change]
    path = tmp_path / "changed.txt"
    path.write_bytes(changed.encode())
    source, same = map(TextSource.from_conll, (conll, path))
    assert source.texts == same.texts
    assert source.labels == same.labels


def test_conll__two_columns_and_tags_without_prefix__read(tmp_path):
    path = tmp_path / "short.txt"
    path.write_text("rain WEATHER\nin O\nOslo B-LOC\nNorway I-LOC\n")
    assert TextSource.from_conll(path).labels == ["LOC"]


def test_text__for_backbone__words_repeat_until_tokens_are_full(backbone, generator):
    source = TextSource(["a bb", "a bb ccc a bb ccc a"], ["x", "y"]).for_backbone(
        backbone
    )
    x, y = source.sample(20, generator)
    rows = {0: [1, 2, 1, 2, 1, 2], 1: [1, 2, 3, 1, 2, 3]}
    assert source.row_shape == (6,)
    assert x.dtype == torch.int64
    assert set(y.tolist()) == {0, 1}
    assert x.tolist() == [rows[label] for label in y.tolist()]


def test_text__embedder__word_vectors_of_the_backbone(backbone, generator):
    source = TextSource(["a bb", "ccc"], [1, 0]).for_backbone(backbone)
    embed = source.embedder(backbone.stem)
    embed.start_from(backbone.stem)
    x, _ = source.sample(4, generator)
    assert torch.equal(embed(x), backbone.stem.table(x))


def test_text__arrays_of_strings__codes_in_order_of_labels(backbone):
    texts = np.array(["a", "bb", "ccc"], dtype=object)
    source = TextSource(texts, np.array([30, 10, 30])).for_backbone(backbone)
    assert source.n_classes == 2
    assert source.labels.tolist() == [1, 0, 1]


def test_text__get__reads_nothing_until_used(tmp_path, backbone):
    path = tmp_path / "later.txt"
    source = sources.get(f"text:{path}")
    path.write_text(CONLL)
    assert source.for_backbone(backbone).n_classes == 3


def test_text__backbone_of_images__names_one_of_text():
    with pytest.raises(DataError, match=r'"hf:roberta-base"') as caught:
        TextSource(["a"], [0]).for_backbone(
            backbones.get("pare-tiny", pretrained=False)
        )
    assert "'pare-tiny'" in str(caught.value)


def test_text__empty__named(backbone):
    with pytest.raises(DataError, match=r"Text 1 of the source, '  ', has no words"):
        TextSource(["a", "  "], [0, 1]).for_backbone(backbone)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"EU B-ORG\nrejects\n", r"line 2: 'rejects' has one column"),
        (b"", r"line 1: the file ends without a sentence"),
        (b"-DOCSTART- O\n\n", r"ends without a sentence"),
        (b"EU B-ORG\n\n\xff\xfe O\n", r"line 3: the file is not UTF-8"),
    ],
    ids=["one column", "empty", "no sentence", "not UTF-8"],
)
def test_conll__malformed__names_file_and_line(tmp_path, content, message):
    path = tmp_path / "bad.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        _ = sources.get(f"text:{path}").n_classes
    assert str(path) in str(caught.value)


def test_conll__missing__named(tmp_path):
    with pytest.raises(DataError, match=r"none\.txt' cannot be read"):
        _ = sources.get(f"text:{tmp_path / 'none.txt'}").n_classes
