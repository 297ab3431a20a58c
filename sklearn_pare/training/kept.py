"""Features of samples that no training changes, computed once per fit and kept."""

import torch

from sklearn_pare._device import memory
from sklearn_pare.nn.decoder import DenseDecoder
from sklearn_pare.training.batches import Rows

# They may take this share of the memory of the device, and are kept for at most so
# many samples, as the features of a linear path are.
_SHARE, _MOST = 1 / 16, 4_000
_BATCH = 64


def keep_features(model, prepared):
    """Return data whose samples are what the embedder reads of them, if that fits.

    Only the embedder of signals has such features. A ``DenseDecoder`` reads the samples
    themselves. Samples in files, which may be larger than the memory, stay there.

    Parameters
    ----------
    model : PaReModel
        On its device.
    prepared : Prepared
    """
    names = "rows", "valid_rows", "share_rows", "unlabeled_rows"
    parts = {name: getattr(prepared, name) for name in names}
    parts = {name: own for name, own in parts.items() if own is not None}
    # Validation samples may determine the share as well.
    different = {id(own): own for own in parts.values()}
    read = getattr(model.embed, "read", None)
    if read is None or isinstance(model.head, DenseDecoder):
        return prepared
    if not _fits(read, list(different.values())):
        return prepared
    kept = {key: _with_features(read, own) for key, own in different.items()}
    return prepared._replace(**{name: kept[id(own)] for name, own in parts.items()})


@torch.no_grad()
def _fits(read, parts):
    n, known = sum(map(len, parts)), memory(parts[0].device)
    if n > _MOST or not all(isinstance(own, Rows) for own in parts):
        return False
    return known is None or read(parts[0].x[:1]).nbytes * n <= _SHARE * known[1]


@torch.no_grad()
def _with_features(read, rows):
    kept = None
    for start in range(0, len(rows), _BATCH):
        found = read(rows.x[start : start + _BATCH])
        if kept is None:
            kept = found.new_empty(len(rows), *found.shape[1:])
        kept[start : start + _BATCH] = found
    return Rows(kept, rows.y, rows.weight, rows.offset)
