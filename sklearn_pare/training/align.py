"""Alignment, ORCA's stage before fine-tuning."""

import numpy as np
import torch

from sklearn_pare.exceptions import DataError
from sklearn_pare.otdd import Alignment, coarse_classes, pseudo_classes

# As in ORCA's runs on tables: few epochs, a high rate that falls twice.
_EPOCHS, _RATE, _FALL = 20, 10, 0.2
# Source samples, and samples of one class per epoch.
_SOURCE_ROWS, _CLASS_ROWS = 512, 64
_KERNELS = 5


def check_alignment(arguments, candidates):
    """Raise DataError if there is no source to align to, or nothing to align."""
    alignment, source = arguments["alignment"], arguments["source"]
    if not candidates or not all(own.has_samples for own in candidates.values()):
        raise DataError(
            f"alignment={alignment!r} moves the tokens of the data towards those of a "
            f"source, but source={source!r} has no tokens to move to. Use another "
            'source, such as source="formula", or alignment=None.'
        )
    if arguments["tune"] == "head":
        raise DataError(
            f"alignment={alignment!r} trains the embedder, which tune='head' keeps "
            "fixed. Use another tune, such as tune='none', or alignment=None."
        )


def mmd(x, y):
    """Compute the squared maximum mean discrepancy of two samples, biased.

    Returns
    -------
    value : torch.Tensor, a scalar
        With the sum of five Gaussian kernels exp(-|x - y|^2 / b), whose widths b are
        1/4 to 4 times the mean squared distance of all pairs (Gretton et al., "A
        Kernel Two-Sample Test", JMLR 2012).
    """
    both = torch.cat([x, y])
    squared = torch.cdist(both, both).square()
    width = squared.detach().mean().clamp_min(torch.finfo(x.dtype).tiny) / 4
    kernel = sum(torch.exp(-squared / (width * 2**i)) for i in range(_KERNELS))
    n = len(x)
    return kernel[:n, :n].mean() + kernel[n:, n:].mean() - 2 * kernel[:n, n:].mean()


def paired(x, y):
    """Compute the mean Euclidean distance of the pairs of rows of (n, d) and (n, d)."""
    return (x - y).norm(dim=1).mean()


def align(model, rows, source, method, lr, seed):
    """Train only the embedder, to bring the features of each class near the source.

    The distances of the classes are weighted by their shares of the samples.

    Parameters
    ----------
    model : PaReModel
        With a source embedder; changed in place.
    rows : Rows or LazyRows
        Targets other than one class per sample are replaced by pseudo-classes.
    source : sources.Source
    method : {"otdd", "mmd", "l2"}
    lr : float
        Learning rate of the fine-tuning; alignment uses ten times as much.
    seed : int

    Returns
    -------
    losses : list of float
        Mean distance of the classes, one value per epoch.

    Notes
    -----
    Shen et al., "Cross-Modal Fine-Tuning: Align then Refine", ICML 2023. As there, a
    feature is the mean over the tokens of a sample, and each class is compared with the
    whole source.
    """
    generator = torch.Generator().manual_seed(seed)
    distance = _distance(model, source, method, rows.device, generator)
    y = np.nan_to_num(torch.as_tensor(rows.y).cpu().numpy())
    labels = pseudo_classes(y, seed)
    classes = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    # Classes of one sample have no spread. Without any other class, take all samples.
    classes = [index for index in classes if len(index) > 1]
    classes = [torch.from_numpy(i) for i in classes or [np.arange(len(labels))]]
    n_rows = sum(map(len, classes))
    # Norms, dropout and thresholds of kernels work as in prediction.
    model.train(False)
    parameters = [p for p in model.embed.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=_RATE * lr, weight_decay=0.0)
    losses = []
    for epoch in range(_EPOCHS):
        for group in optimizer.param_groups:
            group["lr"] = _RATE * lr * _FALL ** (3 * epoch // _EPOCHS)
        total = 0.0
        for index in classes:
            chosen = torch.randperm(len(index), generator=generator)[:_CLASS_ROWS]
            x = rows[index[chosen].to(rows.index_device)][0]
            loss = len(index) / n_rows * distance(model.embed(x).mean(1))
            loss.backward()
            total += loss.item()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(total)
    return losses


def _distance(model, source, method, device, generator):
    """Return a function from features (B, d) of one class to their distance."""
    seed = generator.initial_seed()
    with torch.no_grad():
        x, y = source.sample(_SOURCE_ROWS, torch.Generator(device).manual_seed(seed))
        features = model.source_embed(x).mean(1)
    if method == "otdd":
        own = features.cpu().numpy()
        labels = coarse_classes(own, y.cpu().numpy(), seed)
        return Alignment(own, labels, random_state=seed).loss
    measure = mmd if method == "mmd" else paired

    def to_sample(other):
        index = torch.randint(len(features), (len(other),), generator=generator)
        return measure(features[index.to(device)], other)

    return to_sample
