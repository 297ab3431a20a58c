"""Numbers of a training run, with "auto" resolved for the kind of target."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from sklearn_pare.nn.schedule import mix_fraction
from sklearn_pare.training.scoring import name_of


class Auto(NamedTuple):
    """Values of the arguments that are "auto", and of what has no argument.

    Attributes
    ----------
    n_steps, n_epochs : int
        ``max_epochs="auto"`` is enough epochs for `n_steps`, and at least `n_epochs`.
    batch_size : int
    mix_weight : float
        As in the paper's experiments.
    mixed_share : float
        Part of a batch that is mixed.
    """

    n_steps: int
    n_epochs: int
    batch_size: int
    mix_weight: float
    mixed_share: float


_AUTO = Auto(150, 12, 64, 1.0, 0.5)
# The squared error of standardised numbers is at most about 1, the cross-entropy of a
# source with thousands of classes about 8: at full weight the source would dominate.
_AUTO_NUMBERS = _AUTO._replace(mix_weight=0.3, mixed_share=0.25)
# One sample of a dense target has a target at every position. A mixed sample takes as
# much time as a clean one, and positions that are replaced cannot be learned from.
_AUTO_FIELDS = Auto(1200, 12, 8, 0.3, 0.25)
# Signals take half of the time of images.
_AUTO_LINES = _AUTO_FIELDS._replace(n_steps=2400)
# Part of the steps in which a decoder of fields learns without a fixed backbone, which
# takes up to 40 % of the time of a step.
_ALONE = 0.75
# Masks are overfitted long before fields are learned.
_AUTO_MASKS = _AUTO_FIELDS._replace(n_steps=150, n_epochs=4)


def auto_for(target):
    """Return the values of "auto" for a kind of target."""
    if target.kind == "masks":
        return _AUTO_MASKS
    if len(target.output_shape) > 1:
        return _AUTO_LINES if len(target.output_shape) == 2 else _AUTO_FIELDS
    return _AUTO_NUMBERS if target.kind == "values" else _AUTO


def resolve(arguments, data):
    """Return constructor arguments with values in place of "auto" for mixing and tune.

    Fields are learned by a decoder that needs many steps. They are not mixed, unless a
    source or samples without targets are given, and a pretrained backbone stays as it
    is. "share_alone" is added: the part of the steps, from the first one on, in which
    that decoder learns without the backbone; all of them by default.
    """
    auto = {"mix_start": 0.6, "mix_end": 0.1}
    fields = data.target.kind == "values" and len(data.target.output_shape) > 1
    clean = {arguments["mix_start"], arguments["mix_end"]} <= {"auto", 0}
    clean &= arguments["source"] in ("auto", None) and data.unlabeled is None
    if fields and clean:
        auto = dict.fromkeys(auto, 0.0)
    found = arguments | {k: v for k, v in auto.items() if arguments[k] == "auto"}
    unmixed = fields and found["mix_start"] == found["mix_end"] == 0
    fixed = unmixed and arguments["pretrained"] and arguments["alignment"] is None
    if found["tune"] == "auto":
        found["tune"] = "head" if fixed else "all"
    found["share_alone"] = 0.0
    if unmixed and found["tune"] == "head":
        chosen = arguments["backbone"] != "auto" or arguments["tune"] != "auto"
        found["share_alone"] = _ALONE if chosen else 1.0
    return found


# Peak learning rate of "auto" with at most so many weights in the backbone. Larger ones
# need a lower one: a ViT-S of 21 million weights forgets all it has learned with 1e-3.
_RATE, _WEIGHTS = 1e-3, 3e6


def peak_rate(lr, backbone, pretrained):
    """Return the learning rate as a number.

    Parameters
    ----------
    lr : float or "auto"
    backbone : torch.nn.Module
        With the weights frozen that are not trained.
    pretrained : bool
        Whether the backbone has pretrained weights.
    """
    if lr != "auto":
        return float(lr)
    # Fixed weights cannot be forgotten.
    n_trained = sum(p.numel() for p in backbone.parameters() if p.requires_grad)
    share = min(1.0, _WEIGHTS / max(n_trained, 1))
    # Random weights have nothing to forget.
    return _RATE * (share if pretrained else share**0.5)


def samples_per_batch(batch_size, target):
    """Return the batch size as a number."""
    return auto_for(target).batch_size if batch_size == "auto" else int(batch_size)


@dataclass(frozen=True)
class Recipe:
    """The numbers of one training run.

    Attributes
    ----------
    loss, train_loss : callable
        ``loss(outputs, y)`` returns the losses (B,) of the samples; ``train_loss`` does
        so with smoothed labels.
    agreement : callable
        ``agreement(mixed, clean)`` returns the losses (B,) of unlabelled samples.
    n_epochs, n_steps, batch_size : int
    steps_per_epoch : int
    n_tokens : int
        Tokens per sample.
    lr, weight_decay : float
        Peak learning rate and weight decay of AdamW.
    decoder_lr : float
        Peak learning rate of a dense decoder, divided by its own factor.
    layer_decay : float
        Factor on `lr` from one block of the backbone to the one before it.
    mix_start, mix_end : float
        Fraction of replaced tokens at the first and the last step.
    mix_weight, source_weight : float
        Weight of the loss on mixed samples, and of the source's classes within it.
    mixed_share, clean_share : float
        Parts of a batch that pass the network mixed, and clean. All of them pass clean
        in steps without mixing.
    bfloat16 : bool
        If True, the backbone and a dense decoder run under autocast.
    scoring : str
        Name of the validation score, which follows "valid_" in the history.
    patience : int or None
        Epochs to wait for a better validation score. None trains to the end and keeps
        the last weights.
    max_time : float or None
        Seconds that the fit may take.
    may_start_over : bool
        If True and the training loss does not fall at first, training starts over at a
        lower learning rate.
    share_alone : float
        Part of the steps, from the first one on, in which a decoder learns without the
        backbone.
    max_grad_norm : float
        Gradients are clipped to this norm.
    noise : tuple of float
        Scale of the noise on the gate's scores at the first and the last step.
    """

    loss: Callable
    train_loss: Callable
    agreement: Callable
    n_epochs: int
    n_steps: int
    batch_size: int
    steps_per_epoch: int
    n_tokens: int
    lr: float
    decoder_lr: float
    weight_decay: float
    layer_decay: float
    mix_start: float
    mix_end: float
    mix_weight: float
    mixed_share: float
    clean_share: float
    bfloat16: bool
    scoring: str
    patience: int | None
    max_time: float | None = None
    may_start_over: bool = False
    source_weight: float = 1.0
    share_alone: float = 0.0
    max_grad_norm: float = 1.0
    noise: tuple = (1.0, 0.0)

    def fraction(self, n_before):
        """Return the fraction of tokens to replace after a number of steps."""
        progress = n_before / max(self.n_steps - 1, 1)
        return mix_fraction(progress, self.mix_start, self.mix_end)


def make_recipe(arguments, n_samples, backbone, target, bfloat16):
    """Return the recipe of a fit.

    Parameters
    ----------
    arguments : dict
        Constructor arguments of the estimator.
    n_samples : int
        Samples to train on.
    backbone : torch.nn.Module
        With its token grid.
    target : ClassTarget, LabelTarget, MaskTarget or ValueTarget
    bfloat16 : bool
    """
    auto = auto_for(target)
    batch_size = samples_per_batch(arguments["batch_size"], target)
    steps_per_epoch = math.ceil(n_samples / batch_size)
    n_epochs, mix_weight = arguments["max_epochs"], arguments["mix_weight"]
    # There, all samples pass the network twice.
    in_paper = arguments["selector"] == "paper"
    smoothing = arguments.get("label_smoothing", 0.0)
    if n_epochs == "auto":
        n_epochs = max(auto.n_epochs, math.ceil(auto.n_steps / steps_per_epoch))
    return Recipe(
        loss=target.loss,
        train_loss=partial(target.loss, label_smoothing=smoothing)
        if smoothing
        else target.loss,
        agreement=target.agreement,
        n_epochs=int(n_epochs),
        n_steps=int(n_epochs) * steps_per_epoch,
        batch_size=batch_size,
        steps_per_epoch=steps_per_epoch,
        n_tokens=math.prod(backbone.grid),
        lr=peak_rate(arguments["lr"], backbone, arguments["pretrained"]),
        # A decoder has nothing to forget, whatever the size of the backbone.
        decoder_lr=_RATE if arguments["lr"] == "auto" else float(arguments["lr"]),
        weight_decay=arguments["weight_decay"],
        # Lower blocks of a pretrained backbone need to change least.
        layer_decay=arguments["layer_decay"] if arguments["pretrained"] else 1.0,
        mix_start=arguments["mix_start"],
        mix_end=arguments["mix_end"],
        mix_weight=auto.mix_weight if mix_weight == "auto" else mix_weight,
        mixed_share=1.0 if in_paper else auto.mixed_share,
        clean_share=1.0 if in_paper else 1.0 - auto.mixed_share,
        bfloat16=bfloat16,
        scoring=name_of(arguments["scoring"]),
        patience=arguments["n_iter_no_change"] if arguments["early_stopping"] else None,
        max_time=arguments["max_time"],
        share_alone=arguments["share_alone"],
        # An aligned network that is continued from a checkpoint is not aligned again,
        # so that its initial weights are lost.
        may_start_over=arguments["lr"] == "auto" and arguments["alignment"] is None,
    )
