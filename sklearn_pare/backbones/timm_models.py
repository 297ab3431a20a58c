"""Swin and vision transformers of timm, "timm:NAME" or "timm:NAME@FILE".

The token grid is chosen for the shape of the samples, and timm resamples the pretrained
position embeddings and bias tables to it.
"""

import difflib
import math
import warnings

import torch
from torch import nn

from sklearn_pare._utils import expand, without_traces
from sklearn_pare.backbones.attention import attend_to_filled
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
    wrong_shapes,
)
from sklearn_pare.exceptions import ModelFileError, UnknownNameError
from sklearn_pare.nn.embed import ImageEmbed
from sklearn_pare.nn.init import DrawFrom, xavier_

PREFIX = "timm:"
# The source of the kind of data that these models were pretrained on.
DEFAULT_SOURCE = "photographs+self"
# Ends of the names of tensors that timm resamples to another grid.
_RESAMPLED = ("pos_embed", "relative_position_bias_table")

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

    has_blocks = True

    def __init__(self, model):
        super().__init__()
        self.grid = tuple(model.patch_embed.grid_size)
        self.dim = model.patch_embed.proj.out_channels
        self.feature_dim = model.num_features
        model.patch_embed = nn.Identity()
        self.model = model
        attend_to_filled(model, self.grid)
        self.pyramid = getattr(model, "output_fmt", "NLC") == "NHWC"
        # Tokens of the smallest grid: each stage after the first merges 2 x 2 tokens.
        self.n_fewest = 4 ** (len(model.layers) - 1) if self.pyramid else 1

    def n_products(self):
        """Return the number of multiplications by weights per token."""
        if not self.pyramid:
            return n_weights(self)
        # Each stage has a quarter of the tokens of the one before it.
        return sum(n_weights(x) / 4**i for i, x in enumerate(self.model.layers))

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


def is_local(name):
    """Return True for a name with a file, which may exist on this machine only."""
    return "@" in name


def _parts(name):
    """Split a name into the name of the model, its tag and its file, "" if none."""
    model, _, file = name.removeprefix(PREFIX).partition("@")
    model, _, tag = model.partition(".")
    return model, tag, file


def check(name):
    """Raise an error if timm has no such model or weights, or if it does not fit."""
    _check_model(name)
    if is_local(name):
        _local_file(name)


def _check_model(name):
    with without_traces():
        import timm
    from timm.models import is_model_in_modules

    model, tag, _ = _parts(name)
    if not timm.is_model(model):
        near = difflib.get_close_matches(model, timm.list_models(), n=3, cutoff=0.5)
        raise UnknownNameError(
            f"backbone={name!r}: timm has no model {model!r}."
            + (f" Did you mean {' or '.join(map(repr, near))}?" if near else "")
            + " List names with timm.list_models('*swin*')."
        )
    if not is_model_in_modules(model, set(_FAMILIES)):
        raise _no_family(name)
    # Beside a file, a tag is a note of the user.
    if not tag or is_local(name):
        return
    known = [w.partition(".")[2] for w in timm.list_pretrained(f"{model}.*")]
    if tag not in known:
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
    if pretrained:
        check(name)
    else:
        # The file need not exist.
        _check_model(name)
    import timm

    model_name, known = _registered(name)
    native = _outline(model_name)
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
    file = _weights_file(name) if pretrained else None
    with DrawFrom(generator):
        if pretrained:
            model = _with_weights(name, file, settings)
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
            licence="unknown" if is_local(name) else known.license or "unknown",
            **(file.provenance() if pretrained else {}),
        ),
    )
    if not pretrained:
        xavier_(backbone.parts, generator)
    return backbone


def fetch(name, cache_dir=None):
    """Download the weights of a model, and return the path of their file."""
    return _weights_file(name, cache_dir).path


def _registered(name):
    """Return the name of a model in timm and its configuration there."""
    import timm

    model, tag, _ = _parts(name)
    try:
        tagged = f"{model}.{tag}" if tag else model
        return tagged, timm.get_pretrained_cfg(tagged)
    # A tag beside a file need not be one of timm.
    except RuntimeError:
        return model, timm.get_pretrained_cfg(model)


def _outline(model_name, n_classes=0):
    """Return a model without memory for its weights."""
    import timm

    with torch.device("meta"):
        return timm.create_model(model_name, pretrained=False, num_classes=n_classes)


def _local_file(name):
    """Return the path of the weights file that a name contains."""
    _, _, file = _parts(name)
    path = expand(file)
    path = path / WEIGHTS if path.is_dir() else path
    # Of other files timm would read pickles.
    if path.is_file() and path.suffix == ".safetensors":
        return path
    problem = "is no such file" if path.exists() else "does not exist"
    raise ModelFileError(
        f"backbone={name!r}: {path} {problem}. After the '@', expected a file whose "
        f"name ends in '.safetensors', or a folder with a file {WEIGHTS}."
    )


def _weights_file(name, cache_dir=None):
    if is_local(name):
        _, _, file = _parts(name)
        return WeightsFile(_local_file(name), file)
    _, known = _registered(name)
    if known is None or not known.hf_hub_id:
        raise UnknownNameError(
            f"backbone={name!r} has no pretrained weights in timm. Use "
            "pretrained=False, or a name from timm.list_pretrained()."
        )
    repo_id = known.hf_hub_id
    path = cached_file(repo_id, WEIGHTS, backbone=name, cache_dir=cache_dir)
    return WeightsFile(path, f"{repo_id}/{WEIGHTS}", checked_sha256(path))


def _with_weights(name, file, settings):
    """Return a model with the weights of a file, without a classifier."""
    import timm

    model_name, known = _registered(name)
    shapes = file.shapes()
    n_classes = _n_classes(known, shapes)
    expected = shapes_of(_outline(model_name, n_classes))
    reason = difference(shapes, expected, _RESAMPLED)
    # Checked before memory is allocated. Other names may be older ones, which timm
    # translates.
    if wrong_shapes(shapes, expected, _RESAMPLED):
        raise file.unfit(name, reason)
    # With as many classes as in the file, timm loads strictly.
    overlay = {"file": str(file.path), "num_classes": n_classes, "label_offset": 0}
    settings = settings | {"num_classes": n_classes, "pretrained_cfg_overlay": overlay}
    try:
        with warnings.catch_warnings():
            # Caused by how timm resamples bias tables; users cannot fix it.
            for message in ("Using a non-tuple sequence", r"torch\.searchsorted"):
                warnings.filterwarnings("ignore", message)
            model = timm.create_model(model_name, pretrained=True, **settings)
    # timm and torch raise various errors for missing and for other tensors.
    except Exception as error:
        raise file.unfit(name, reason or error) from error
    model.reset_classifier(0)
    return model


def _n_classes(known, shapes):
    """Return the number of classes of the classifier in a file, 0 without one."""
    names = known.classifier
    name = names if isinstance(names, str) else next(iter(names or ()), None)
    shape = shapes.get(f"{name}.weight", ())
    # An empty tensor could claim any number.
    return shape[0] if len(shape) == 2 and math.prod(shape) else 0


@torch.no_grad()
def _copy_stem(embedding, stem):
    stem.proj.weight.copy_(embedding.proj.weight)
    if embedding.proj.bias is None:
        stem.proj.bias.zero_()
    else:
        stem.proj.bias.copy_(embedding.proj.bias)
    stem.norm.load_state_dict(embedding.norm.state_dict())
