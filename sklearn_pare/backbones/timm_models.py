"""Swin and vision transformers of timm, "timm:NAME".

The token grid is chosen for the shape of the samples, and timm resamples the pretrained
position embeddings and bias tables to it.
"""

import difflib
import warnings

import torch
from torch import nn

from sklearn_pare._utils import without_traces
from sklearn_pare.backbones.backbone import Backbone, BackboneCard, choose_grid
from sklearn_pare.backbones.hub import cached_file
from sklearn_pare.exceptions import ModelFileError, UnknownNameError
from sklearn_pare.nn.embed import ImageEmbed
from sklearn_pare.nn.init import DrawFrom, xavier_

PREFIX = "timm:"
# The source of the kind of data that these models were pretrained on.
DEFAULT_SOURCE = "photographs+self"
_WEIGHTS = "model.safetensors"

# Modules of timm with models that embed patches with one convolution and then apply a
# plain stack of attention blocks to the tokens.
_FAMILIES = {
    "swin_transformer": "swin",
    "swin_transformer_v2": "swinv2",
    "vision_transformer": "vit, dinov2",
    "deit": "deit, deit3",
    "eva": "eva, eva02, dinov3",
    "beit": "beit, beitv2",
}


class TimmBackbone(nn.Module):
    """A transformer of timm without its patch embedding and its classifier."""

    def __init__(self, model):
        super().__init__()
        self.grid = tuple(model.patch_embed.grid_size)
        self.dim = model.patch_embed.proj.out_channels
        self.feature_dim = model.num_features
        model.patch_embed = nn.Identity()
        self.model = model
        self.pyramid = getattr(model, "output_fmt", "NLC") == "NHWC"
        # Each stage after the first merges 2 x 2 tokens.
        self.n_fewest = 4 ** (len(model.layers) - 1) if self.pyramid else 1

    def stages(self, tokens):
        """Return the features (B, h, w, E) of each stage, before the last norm."""
        if not self.pyramid:
            return [self(tokens).unflatten(1, self.grid)]
        maps, x = [], tokens.unflatten(1, self.grid)
        for layer in self.model.layers:
            x = layer(x)
            maps.append(x)
        return maps

    def forward(self, tokens):
        """Compute features (B, M, E) of tokens (B, N, D)."""
        if self.pyramid:
            features = self.model.forward_features(tokens.unflatten(1, self.grid))
            return features.flatten(1, 2)
        # Class and register tokens come first and are not returned.
        features = self.model.forward_features(tokens)[:, -tokens.shape[1] :]
        # The last norm of models that were pretrained with average pooling.
        return self.model.fc_norm(features)


def check(name):
    """Raise UnknownNameError if timm has no such model, or if it does not fit."""
    with without_traces():
        import timm
    from timm.models import is_model_in_modules

    model, _, tag = name.removeprefix(PREFIX).partition(".")
    if not timm.is_model(model):
        near = difflib.get_close_matches(model, timm.list_models(), n=3, cutoff=0.5)
        raise UnknownNameError(
            f"backbone={name!r}: timm has no model {model!r}."
            + (f" Did you mean {' or '.join(map(repr, near))}?" if near else "")
            + " List names with timm.list_models('*swin*')."
        )
    if not is_model_in_modules(model, set(_FAMILIES)):
        raise _no_family(name)
    if tag and f"{model}.{tag}" not in timm.list_pretrained(f"{model}.*"):
        known = [w.partition(".")[2] for w in timm.list_pretrained(f"{model}.*")]
        raise UnknownNameError(
            f"backbone={name!r}: timm has no weights {tag!r} of {model!r}. Use one of "
            f"{', '.join(map(repr, known))}."
        )


def _no_family(name):
    return UnknownNameError(
        f"backbone={name!r} is not a Swin or vision transformer whose tokens can be "
        f"replaced. Families that fit: {', '.join(_FAMILIES.values())}."
    )


def load(name, *, pretrained, generator, input_shape, max_tokens, config=None):
    """Build a backbone of timm; see `backbones.get`. `config` is not used."""
    with without_traces():
        import timm

    model_name = name.removeprefix(PREFIX)
    known = timm.get_pretrained_cfg(model_name)
    # Sizes alone: nothing is allocated on this device.
    with torch.device("meta"):
        native = timm.create_model(model_name, pretrained=False, num_classes=0)
    if not isinstance(
        getattr(getattr(native, "patch_embed", None), "proj", None), nn.Conv2d
    ):
        raise _no_family(name)
    patch, n_tokens = native.patch_embed.patch_size[0], native.patch_embed.num_patches
    multiple = 2 ** max(len(getattr(native, "layers", ())) - 1, 0)
    grid = choose_grid(tuple(input_shape), n_tokens, multiple, max_tokens)
    settings = {"img_size": tuple(patch * side for side in grid), "num_classes": 0}
    # timm's schedule of stochastic depth would draw from torch's global generator.
    settings["drop_path_rate"] = 0.0
    if getattr(native, "dynamic_img_size", False):
        settings["dynamic_img_size"] = False
    with DrawFrom(generator):
        if pretrained:
            model = _with_weights(name, model_name, known, settings)
        else:
            model = timm.create_model(model_name, **settings)
    for module in model.modules():
        # Older timm divides 0 by 0 for windows of one token.
        if hasattr(module, "relative_coords_table"):
            module.relative_coords_table.nan_to_num_(0.0)
    embedding = model.patch_embed
    module = TimmBackbone(model)
    shape, normed = (3, *settings["img_size"]), isinstance(embedding.norm, nn.LayerNorm)
    with DrawFrom(torch.Generator()):
        stem = ImageEmbed(shape, grid, module.dim, patch, normed)
    _copy_stem(embedding, stem)
    backbone = Backbone(
        module=module,
        stem=stem,
        card=BackboneCard(
            name=name,
            description=f"{type(model).__name__} of timm on {grid[0]} x {grid[1]} "
            f"tokens, pretrained on {n_tokens}",
            licence=known.license or "unknown",
        ),
    )
    if not pretrained:
        xavier_(backbone.parts, generator)
    return backbone


def fetch(name, cache_dir=None):
    """Download the weights of a model, and return the path of their file."""
    with without_traces():
        import timm

    known = timm.get_pretrained_cfg(name.removeprefix(PREFIX))
    return _weights_file(name, known, cache_dir)


def _weights_file(name, known, cache_dir=None):
    if known is None or not known.hf_hub_id:
        raise UnknownNameError(
            f"backbone={name!r} has no pretrained weights in timm. Use "
            "pretrained=False, or a name from timm.list_pretrained()."
        )
    return cached_file(known.hf_hub_id, _WEIGHTS, backbone=name, cache_dir=cache_dir)


def _with_weights(name, model_name, known, settings):
    import timm

    path = _weights_file(name, known)
    try:
        with warnings.catch_warnings():
            # Caused by how timm resamples bias tables; users cannot fix it.
            for message in ("Using a non-tuple sequence", r"torch\.searchsorted"):
                warnings.filterwarnings("ignore", message)
            settings = settings | {"pretrained_cfg_overlay": {"file": str(path)}}
            return timm.create_model(model_name, pretrained=True, **settings)
    # safetensors and torch raise various errors for damaged and for other files.
    except Exception as error:
        raise ModelFileError(
            f"{path} does not contain the weights of {name!r}, or is damaged: {error}. "
            "Delete it to download it again."
        ) from error


@torch.no_grad()
def _copy_stem(embedding, stem):
    stem.proj.weight.copy_(embedding.proj.weight)
    if embedding.proj.bias is None:
        stem.proj.bias.zero_()
    else:
        stem.proj.bias.copy_(embedding.proj.bias)
    stem.norm.load_state_dict(embedding.norm.state_dict())
