"""Samples of signals as the embedder reads them, computed once per fit and kept."""

import torch

from sklearn_pare._device import memory
from sklearn_pare.nn.decoder import DenseDecoder
from sklearn_pare.nn.parts import in_parts
from sklearn_pare.training.batches import Rows

# It is kept for at most so many samples, as features of the linear path are, and if it
# takes at most this share of the memory of the device.
_MOST, _SHARE = 4_000, 1 / 16


@torch.no_grad()
def keep_features(model, prepared):
    """Replace samples by what the embedder reads of them, if that can be kept.

    Only the embedder of signals reads anything that no training changes. Samples in
    files stay there, and a ``DenseDecoder`` needs the samples themselves.
    """
    parts = {name: own for name, own in prepared._asdict().items()
             if name.endswith("rows") and own is not None}  # fmt: skip
    # Validation samples may determine the share as well.
    found, read = set(parts.values()), getattr(model.embed, "read", None)
    n = sum(map(len, found))
    if read is None or isinstance(model.head, DenseDecoder) or n > _MOST:
        return prepared
    if not all(isinstance(own, Rows) for own in found):
        return prepared
    known, one = memory(prepared.rows.device), read(prepared.rows.x[:1])
    if known is not None and n * one.nbytes > _SHARE * known[1]:
        return prepared
    kept = {own: Rows(in_parts(read, own.x, samples=64), own.y, own.weight, own.offset)
            for own in found}  # fmt: skip
    return prepared._replace(**{name: kept[own] for name, own in parts.items()})
