"""Text encoders of transformers, "hf:NAME-or-folder".

The word vectors become the stem, which embeds the words of a text source. The encoder
receives tokens as `inputs_embeds` and adds its own position embeddings to them.
"""

import json
import threading
from pathlib import Path

import torch
from torch import nn

from sklearn_pare.backbones.backbone import (
    Backbone,
    BackboneCard,
    choose_grid,
    n_weights,
)
from sklearn_pare.backbones.hub import cached_file, checked_sha256
from sklearn_pare.backbones.weights_file import (
    WEIGHTS,
    WeightsFile,
    difference,
    shapes_of,
)
from sklearn_pare.exceptions import ModelFileError, UnknownNameError
from sklearn_pare.nn.embed import WordEmbed
from sklearn_pare.nn.gaps import attended
from sklearn_pare.nn.init import DrawFrom, xavier_

PREFIX = "hf:"
# The source of the kind of data that these models were pretrained on.
DEFAULT_SOURCE = "docstrings+self"
_BUILD_LOCK = threading.RLock()
_CONFIG, _TOKENIZER = "config.json", "tokenizer.json"
# Encoders with attention in both directions that accept vectors in place of words.
_FAMILIES = (
    "bert",
    "camembert",
    "distilbert",
    "electra",
    "modernbert",
    "mpnet",
    "roberta",
    "xlm-roberta",
)
# Maximum number of tokens, also of encoders without a limit of their own.
_LONGEST = 512
# Entries of a configuration that determine an encoder. All others, such as names of
# code to download, are ignored, since a configuration may be untrusted.
_SIZES = {
    "dim",
    "embedding_size",
    "global_attn_every_n_layers",
    "hidden_dim",
    "hidden_size",
    "intermediate_size",
    "local_attention",
    "max_position_embeddings",
    "n_heads",
    "n_layers",
    "num_attention_heads",
    "num_hidden_layers",
    "pad_token_id",
    "relative_attention_num_buckets",
    "type_vocab_size",
    "vocab_size",
}
_SHAPING = _SIZES | {
    "activation",
    "attention_bias",
    "global_rope_theta",
    "hidden_act",
    "hidden_activation",
    "layer_norm_eps",
    "layer_types",
    "local_rope_theta",
    "mlp_bias",
    "model_type",
    "norm_bias",
    "norm_eps",
    "rope_parameters",
}
# Sizes and layers beyond those of any text encoder.
_LARGEST, _DEEPEST = 2**20, 512
_DEPTHS = ("num_hidden_layers", "n_layers")
# Special words, which an encoder without word vectors does not use.
_NO_MARKS = dict.fromkeys(f"{mark}_token_id" for mark in ("bos", "cls", "eos", "sep"))
# Families that number positions from the padding word on.
_PADDED = {"camembert", "mpnet", "roberta", "xlm-roberta"}


class TextBackbone(nn.Module):
    """A text encoder without its word vectors; it reads the token grid row by row."""

    n_fewest = 1
    has_blocks = True

    def __init__(self, model, grid):
        super().__init__()
        self.grid = grid
        self.dim = model.get_input_embeddings().embedding_dim
        self.feature_dim = model.config.hidden_size
        model.set_input_embeddings(nn.Identity())
        model.pooler = None
        self.model = model

    def n_products(self):
        """Return the number of multiplications by weights per token."""
        return n_weights(self)

    def forward(self, tokens):
        """Compute features (B, N, E) of tokens (B, N, D)."""
        filled = attended()
        mask = None if filled is None else filled.long()
        found = self.model(inputs_embeds=tokens, attention_mask=mask)
        return found.last_hidden_state


def check(name):
    """Raise an error if transformers is not installed or a folder has no model."""
    _transformers(name)
    place = name.removeprefix(PREFIX)
    if is_local(name) and not (Path(place).expanduser() / _CONFIG).is_file():
        raise UnknownNameError(
            f"backbone={name!r}: the folder {place} does not exist or has no "
            f"{_CONFIG}. Use a folder that transformers' save_pretrained wrote, or a "
            "name such as 'hf:roberta-base'."
        )


def load(name, *, pretrained, generator, input_shape, max_tokens, config=None):
    """Build a text encoder; see `backbones.get`.

    Without `config`, the configuration is read from the folder or the cache.
    """
    transformers = _transformers(name)
    if config is None:
        check(name)
    described = _describe(name, _read_config(name) if config is None else config)
    # Raises an error before memory is allocated if the file is missing.
    file = _weights_file(name) if pretrained else None
    outline, n_positions = _outline(name, described)
    grid = choose_grid(tuple(input_shape), n_positions, 1, max_tokens)
    # Checked before memory is allocated for the weights of the configuration.
    tensors = _read_weights(outline, file, name) if pretrained else {}
    # While it builds a model, transformers changes functions of torch for all threads.
    with _BUILD_LOCK, DrawFrom(generator):
        model = transformers.AutoModel.from_config(described).float()
    model.load_state_dict(tensors, strict=False)
    words = model.get_input_embeddings()
    with DrawFrom(torch.Generator()):
        stem = WordEmbed(words.num_embeddings, grid, words.embedding_dim)
    stem.table.weight.data.copy_(words.weight.data)
    backbone = Backbone(
        module=TextBackbone(model, grid),
        stem=stem,
        card=BackboneCard(
            name=name,
            description=f"{type(model).__name__} on {grid[0] * grid[1]} tokens",
            licence="unknown",
            **(file.provenance() if pretrained else {}),
        ),
        config=_shaping(described.to_dict()),
        tokenize=lambda texts: _tokenize(name, texts),
    )
    if not pretrained:
        xavier_(backbone.parts, generator)
    return backbone


def fetch(name, cache_dir=None):
    """Download the files of a model, and return the path of the weights."""
    for filename in (_CONFIG, _TOKENIZER):
        _file(name, filename, cache_dir)
    return _file(name, WEIGHTS, cache_dir)


def _transformers(name):
    try:
        import transformers
    except ImportError as error:
        raise ImportError(
            f"backbone={name!r} needs transformers. Install it by "
            "pip install 'sklearn-pare[text]'."
        ) from error
    return transformers


def is_local(name):
    """Return True for the name of a folder, which may exist on this machine only."""
    place = name.removeprefix(PREFIX)
    # A name of a repository has at most one slash and starts with none of these.
    local = place.startswith((".", "/", "~")) or place.count("/") > 1
    return local or Path(place).is_dir()


def _file(name, filename, cache_dir=None):
    """Return the path of a file in a folder, or in the cache of a repository."""
    place = name.removeprefix(PREFIX)
    if not is_local(name):
        return cached_file(place, filename, backbone=name, cache_dir=cache_dir)
    path = Path(place).expanduser() / filename
    if not path.is_file():
        raise ModelFileError(
            f"backbone={name!r}: {path} is missing. transformers' save_pretrained "
            "writes it; weights in other formats than safetensors are not read."
        )
    return path


def _weights_file(name):
    path, place = _file(name, WEIGHTS), name.removeprefix(PREFIX)
    if is_local(name):
        return WeightsFile(path, place)
    return WeightsFile(path, f"{place}/{WEIGHTS}", checked_sha256(path))


def _read_config(name):
    path = _file(name, _CONFIG)
    try:
        return json.loads(path.read_text())
    # RecursionError if nested too deeply.
    except (ValueError, RecursionError) as error:
        raise ModelFileError(
            f"{path} is not the configuration of a model: {error}. Delete it, then "
            "download or save it again."
        ) from error


def _describe(name, config):
    """Return a configuration of transformers, without dropout."""
    from transformers import AutoConfig

    kind = config.get("model_type") if isinstance(config, dict) else None
    if kind not in _FAMILIES:
        raise UnknownNameError(
            f"backbone={name!r} is a {kind!r}. Text encoders that fit: "
            f"{', '.join(_FAMILIES)}."
        )
    for key in sorted(_SIZES & config.keys()):
        size, most = config[key], _DEEPEST if key in _DEPTHS else _LARGEST
        if size is not None and not (type(size) is int and 0 <= size <= most):
            raise ModelFileError(
                f"The configuration of {name!r} has {key}={size!r}. Sizes are integers "
                f"from 0 to {_LARGEST}, and at most {_DEEPEST} layers: use the "
                "configuration that came with the weights."
            )
    try:
        described = type(AutoConfig.for_model(kind)).from_dict(
            _shaping(config) | _NO_MARKS
        )
    # Each family has its own checks, which raise various errors.
    except Exception as error:
        raise _no_model(name, error) from error
    for key, value in described.to_dict().items():
        # Dropout would draw from torch's global generator.
        if "dropout" in key and isinstance(value, float):
            setattr(described, key, 0.0)
    return described


def _no_model(name, error):
    return ModelFileError(
        f"The configuration of {name!r} does not describe a text encoder: {error}. Use "
        "the configuration that came with the weights."
    )


def _outline(name, described):
    """Return the model without memory for its weights, and its number of tokens."""
    from transformers import AutoModel

    try:
        with torch.device("meta"), _BUILD_LOCK, DrawFrom(torch.Generator()):
            outline = AutoModel.from_config(described).float()
        # RoBERTa numbers positions from padding_idx + 1.
        most = getattr(described, "max_position_embeddings", _LONGEST) - 2
        return outline, min(most, _LONGEST)
    # Inconsistent sizes raise different errors in different layers.
    except Exception as error:
        raise _no_model(name, error) from error


def _shaping(config):
    return {key: config[key] for key in sorted(_SHAPING & config.keys())}


def without_words(config):
    """Return the configuration of the same encoder with as few words as possible."""
    padded = config.get("model_type") in _PADDED
    pad = (config.get("pad_token_id") or 0) if padded else 0
    return config | {"pad_token_id": pad, "vocab_size": pad + 1}


def _read_weights(outline, file, name):
    """Return the tensors of an encoder that fit its outline."""
    prefix, shapes = f"{outline.base_model_prefix}.", file.shapes()
    names = {_modern(old.removeprefix(prefix)): old for old in shapes}
    # Heads for masked words are not part of the encoder, and the pooler is not used.
    # Older files contain buffers.
    parts = {part for part, _ in outline.named_children()} - {"pooler"}
    buffers = {buffer for buffer, _ in outline.named_buffers()}
    names = {
        new: old
        for new, old in names.items()
        if new.partition(".")[0] in parts and new not in buffers
    }
    expected = {
        k: shape
        for k, shape in shapes_of(outline).items()
        if not k.startswith("pooler.")
    }
    reason = difference({new: shapes[old] for new, old in names.items()}, expected)
    if reason:
        raise file.unfit(name, reason)
    return file.read(names)


def _modern(key):
    """Return the new name of a weight in a file of the first BERT models."""
    return key.replace("LayerNorm.gamma", "LayerNorm.weight").replace(
        "LayerNorm.beta", "LayerNorm.bias"
    )


def _tokenize(name, texts):
    """Return lists of word indices, without special words for begin and end."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(
        _file(name, _TOKENIZER).parent, local_files_only=True, trust_remote_code=False
    )
    return [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
