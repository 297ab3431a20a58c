"""Text encoders of transformers, "hf:NAME-or-folder": tokens go in as `inputs_embeds`.

Word vectors leave the backbone: they are the stem, which turns words of a text source into
tokens. The encoder adds its own position embeddings, so positions are those of the
slots that tokens lie in.
"""

import json
import threading
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

from sklearn_pare.backbones.backbone import Backbone, BackboneCard, choose_grid
from sklearn_pare.backbones.hub import cached_file
from sklearn_pare.exceptions import ModelFileError, UnknownNameError
from sklearn_pare.nn.embed import WordEmbed
from sklearn_pare.nn.init import DrawFrom, xavier_

PREFIX = "hf:"
_BUILD_LOCK = threading.RLock()
_CONFIG, _WEIGHTS, _TOKENIZER = "config.json", "model.safetensors", "tokenizer.json"
# Encoders that attend in both directions and take vectors in place of words.
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
# More than any encoder above was pretrained with, where it does not say so itself.
_LONGEST = 512
# What of a configuration shapes an encoder. All else, such as the names of code to
# fetch, is not read: a configuration may come from a stranger.
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
# Words that an encoder without word vectors has no use for.
_NO_MARKS = dict.fromkeys(
    ("bos_token_id", "cls_token_id", "eos_token_id", "sep_token_id")
)
# Families that number their positions from the padding on.
_PADDED = {"camembert", "mpnet", "roberta", "xlm-roberta"}


class TextBackbone(nn.Module):
    """A text encoder without its word vectors.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    grid : tuple of int
        How the tokens of a row lie; an encoder sees them one after the other.
    """

    def __init__(self, model, grid):
        super().__init__()
        self.grid = grid
        self.dim = model.get_input_embeddings().embedding_dim
        self.feature_dim = model.config.hidden_size
        model.set_input_embeddings(nn.Identity())
        model.pooler = None
        self.model = model

    def forward(self, tokens):
        """Tokens (B, N, D) -> features (B, N, E)."""
        return self.model(inputs_embeds=tokens).last_hidden_state


def check(name):
    """Complain where transformers is not installed or a folder is no model.

    Parameters
    ----------
    name : str
        "hf:NAME" or "hf:FOLDER".

    Raises
    ------
    ImportError
        If the extra "text" is not installed.
    UnknownNameError
    """
    _transformers(name)
    place = name.removeprefix(PREFIX)
    if _is_folder(place) and not (Path(place).expanduser() / _CONFIG).is_file():
        raise UnknownNameError(
            f"backbone={name!r}: the folder {place} has no {_CONFIG}, or is not there. "
            "Give a folder that transformers' save_pretrained wrote, or a name such as "
            "'hf:roberta-base'."
        )


def load(name, *, pretrained, generator, input_shape, max_tokens, config=None):
    """Build a text encoder for rows of one shape.

    Parameters
    ----------
    name : str
        "hf:NAME" or "hf:FOLDER".
    pretrained : bool
        False: fresh Xavier weights.
    generator : torch.Generator
        Source of random weights.
    input_shape : tuple of int
        Shape of one row: (F,), (C, L) or (C, H, W).
    max_tokens : int or None
    config : dict or None
        The configuration of a backbone that was built before; by default it is read from
        the folder or the cache.

    Returns
    -------
    backbone : Backbone
    """
    transformers = _transformers(name)
    described = _describe(name, _read_config(name) if config is None else config)
    # Looked for first: an encoder whose weights are missing is not worth its memory.
    weights = _file(name, _WEIGHTS) if pretrained else None
    outline, n_positions = _outline(name, described)
    grid = choose_grid(tuple(input_shape), n_positions, 1, max_tokens)
    # Before there is room for as many weights as the configuration says.
    tensors = _read_weights(outline, weights, name) if pretrained else {}
    # While it builds, transformers changes torch's own functions for all threads.
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
        ),
        config=_shaping(described.to_dict()),
        tokenize=lambda texts: _tokenize(name, texts),
    )
    if not pretrained:
        xavier_(backbone.parts, generator)
    return backbone


def fetch(name, cache_dir=None):
    """Put configuration, weights and tokenizer into the cache; path of the weights."""
    for filename in (_CONFIG, _TOKENIZER):
        _file(name, filename, cache_dir)
    return _file(name, _WEIGHTS, cache_dir)


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
    """Whether a name is that of a folder, which this machine alone may have."""
    return _is_folder(name.removeprefix(PREFIX))


def _is_folder(place):
    # Names of repositories have one slash at most and begin with neither.
    local = place.startswith((".", "/", "~")) or place.count("/") > 1
    return local or Path(place).is_dir()


def _file(name, filename, cache_dir=None):
    """Path of a file of a folder, or of a repository by way of the cache."""
    place = name.removeprefix(PREFIX)
    if not _is_folder(place):
        return cached_file(place, filename, backbone=name, cache_dir=cache_dir)
    path = Path(place).expanduser() / filename
    if not path.is_file():
        raise ModelFileError(
            f"backbone={name!r}: {path} is missing. transformers' save_pretrained "
            "writes it; weights are read from safetensors only."
        )
    return path


def _read_config(name):
    path = _file(name, _CONFIG)
    try:
        return json.loads(path.read_text())
    # RecursionError: brackets in brackets.
    except (ValueError, RecursionError) as error:
        raise ModelFileError(
            f"{path} is not the configuration of a model: {error}. Delete it and fetch "
            "or save it again."
        ) from error


def _describe(name, config):
    """The configuration as transformers has it, without dropout."""
    from transformers import AutoConfig

    kind = config.get("model_type") if isinstance(config, dict) else None
    if kind not in _FAMILIES:
        raise UnknownNameError(
            f"backbone={name!r} is a {kind!r}. Families of text encoders that fit: "
            f"{', '.join(_FAMILIES)}."
        )
    sizes = {key: config[key] for key in _SIZES & config.keys()}
    most = dict.fromkeys(sizes, _LARGEST) | dict.fromkeys(_DEPTHS, _DEEPEST)
    wrong = [key for key, size in sizes.items() if not _is_size(size, most[key])]
    if wrong:
        key = min(wrong)
        raise ModelFileError(
            f"The configuration of {name!r} has {key}={sizes[key]!r}. "
            f"Sizes are whole numbers up to {_LARGEST}, layers up to {_DEEPEST}: take "
            "the configuration that came with the weights."
        )
    try:
        described = type(AutoConfig.for_model(kind)).from_dict(
            _shaping(config) | _NO_MARKS
        )
    # Each kind of configuration has checks of its own.
    except Exception as error:
        raise _no_model(name, error) from error
    for key, value in described.to_dict().items():
        # Dropout would draw from torch's global generator.
        if "dropout" in key and isinstance(value, float):
            setattr(described, key, 0.0)
    return described


def _is_size(value, most):
    return value is None or (type(value) is int and 0 <= value <= most)


def _no_model(name, error):
    return ModelFileError(
        f"The configuration of {name!r} describes no text encoder: {error}. Take the "
        "configuration that came with the weights."
    )


def _outline(name, described):
    """The model without memory for its weights, and how many tokens it takes."""
    from transformers import AutoModel

    try:
        with torch.device("meta"), _BUILD_LOCK, DrawFrom(torch.Generator()):
            outline = AutoModel.from_config(described).float()
        return outline, _n_positions(described)
    # Numbers that do not go together are found in as many ways as there are layers.
    except Exception as error:
        raise _no_model(name, error) from error


def _shaping(config):
    return {key: config[key] for key in sorted(_SHAPING & config.keys())}


def without_words(config):
    """The configuration of the same encoder with as few word vectors as can be.

    Parameters
    ----------
    config : dict

    Returns
    -------
    config : dict
    """
    padded = config.get("model_type") in _PADDED
    pad = (config.get("pad_token_id") or 0) if padded else 0
    return config | {"pad_token_id": pad, "vocab_size": pad + 1}


def _n_positions(config):
    # RoBERTa counts positions from padding_idx + 1.
    return min(getattr(config, "max_position_embeddings", _LONGEST) - 2, _LONGEST)


def _read_weights(outline, path, name):
    """Tensors of a file that fit the outline of a model, which is filled with them."""
    prefix = f"{outline.base_model_prefix}."
    try:
        tensors = {
            _modern(k.removeprefix(prefix)): v for k, v in load_file(path).items()
        }
        missing = outline.load_state_dict(
            tensors, strict=False, assign=True
        ).missing_keys
    # safetensors and torch raise errors of their own, and those of the file system.
    except Exception as error:
        raise _other_weights(path, name, error) from error
    # A pooler is no part of the backbone, and files for masked words have none.
    missing = [key for key in missing if not key.startswith("pooler.")]
    if missing:
        raise _other_weights(path, name, f"it has no {', '.join(missing[:3])}")
    return tensors


def _modern(key):
    """Files of the first BERT models name the weights of a LayerNorm otherwise."""
    return key.replace("LayerNorm.gamma", "LayerNorm.weight").replace(
        "LayerNorm.beta", "LayerNorm.bias"
    )


def _other_weights(path, name, reason):
    return ModelFileError(
        f"{path} does not hold the weights of {name!r}, or is damaged: {reason}. "
        "Delete it and fetch it again."
    )


def _tokenize(name, texts):
    """Texts -> lists of word numbers, without marks for begin and end."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(
        _file(name, _TOKENIZER).parent, local_files_only=True, trust_remote_code=False
    )
    return [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
