"""PaRe in pure torch: embedders, token replacement, heads, losses and the network."""

from sklearn_pare.nn.fitted import FittedModule
from sklearn_pare.nn.model import Mixing, Outputs, PaReModel
from sklearn_pare.nn.replace import relaxed_top_k, replace_in_order, replace_tokens
from sklearn_pare.nn.schedule import mix_fraction

__all__ = [
    "FittedModule",
    "Mixing",
    "Outputs",
    "PaReModel",
    "mix_fraction",
    "relaxed_top_k",
    "replace_in_order",
    "replace_tokens",
]
