"""Fitted attributes of an estimator, and its report."""

import math
import warnings

from sklearn_pare._architecture import export_arrays, restore
from sklearn_pare._device import out_of_memory
from sklearn_pare._report import FitReport
from sklearn_pare.training.share import Share


def fitted_attributes(
    network, start, recipe, alignment_history, history, ended="running", share=None
):
    """Return the attributes that a fit assigns, by name.

    Parameters
    ----------
    network : Network
    start : Start
    recipe : Recipe
    alignment_history : list of float
    history : list of dict
        The epochs of this fit.
    ended : str
        Why the training ended, one of `_report.ENDINGS`.
    share : Share, optional
        By default, the network is not scaled yet.
    """
    past = [] if start.warm is None else start.warm.history
    epochs = [*past, *(row | {"epoch": len(past) + row["epoch"]} for row in history)]
    share, prepared = share or Share(), network.prepared
    rows = (prepared.rows, prepared.valid_rows, prepared.share_rows,
            prepared.unlabeled_rows)  # fmt: skip
    report = FitReport(
        network.source_name,
        share.value,
        prepared.linear is not None,
        share.linear_loss,
        share.loss,
        *(0 if own is None else len(own) for own in rows),
        len(history),
        recipe.n_epochs,
        ended,
        dict(start.stopwatch.seconds),
        recipe.scoring,
        [f"{move} along axis {axis}" for move, axis in prepared.symmetries.moves],
    )
    return {
        "input_shape_": network.architecture.input_shape,
        "n_tokens_": recipe.n_tokens,
        "source_": network.source_name,
        "source_distances_": network.distances,
        "alignment_history_": alignment_history,
        "network_share_": share.value,
        "fit_report_": report,
        "history_": epochs,
        "n_iter_": len(epochs),
        "_encoder": network.encoder,
        "_target": prepared.target,
        "_architecture": network.architecture,
        "_init_seed": start.seeds[0],
        # That of the fit before is wrong for this one.
        "_conformal": None,
        # Built from arrays: gradients and the source's parts are left behind, and the
        # weights leave the device.
        "_model": restore(network.architecture, export_arrays(network.model)),
    }


def warn_of_interruption(report):
    """Warn if a `FitReport` states that the training was interrupted."""
    if report.ended == "interrupted":
        warnings.warn(
            f"Training was interrupted after {report.n_epochs} of {report.max_epochs} "
            "epochs. The estimator predicts with what was learned until then.",
            UserWarning,
            stacklevel=4,
        )


def out_of_memory_in_fit(start, shape):
    """Return the error for X of a shape, with the memory that it takes and advice."""
    size = math.prod(shape) * 4 / 2**20
    return out_of_memory(
        start.device,
        f"training {start.backbone!r} on {shape[0]} samples of shape {shape[1:]} "
        f"({size:.1f} MB in float32), even one sample at a time",
        ("fewer tokens, such as backbone='NAME?max_tokens=N'", "tune='none'",
         "another device or backbone"),
    )  # fmt: skip
