"""Reports of a fit: contributions of its parts, times of its stages, HTML."""

import html
import logging
import time
from dataclasses import dataclass, field
from types import SimpleNamespace

logger = logging.getLogger("sklearn_pare")

#: Why the training ended -> words for it.
ENDINGS = {
    "completed": "all epochs ran",
    "early stopping": "the validation score did not improve any more",
    "no gain": "the held-out samples showed no gain over the linear model",
    "callback": "a callback stopped it",
    "max_time": "the time was over",
    "interrupted": "it was interrupted",
    "diverged": "the loss became infinite or NaN",
    "running": "it has not ended",
}
#: Stages in which the time of a fit is measured.
STAGES = (
    "checks and encoding",
    "linear model",
    "building",
    "alignment",
    "training",
    "share",
)


class Stopwatch:
    """Seconds that the stages of a fit took, by their name in `STAGES`."""

    def __init__(self):
        self.seconds, self._start = {}, time.perf_counter()
        self._last = self._start

    def elapsed(self):
        """Return the time since the start."""
        return time.perf_counter() - self._start

    def lap(self, stage):
        """Add the time since the last call to a stage, and log it."""
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._last
        logger.info("%-19s %6.1f s", stage, now - self._last)
        self._last = now


@dataclass(frozen=True)
class FitReport:
    """Contributions of the parts of a fitted estimator, and the times of its fit.

    Parameters
    ----------
    source : str or None
        As the attribute `source_` of the estimator.
    network_share : float
        As the attribute `network_share_` of the estimator.
    linear_path : bool
        Whether the outputs of a linear model are added to those of the network.
    linear_loss, loss : float or None
        Mean loss on the samples that determined the share: of the linear model alone,
        and of the linear model and the network together. None without a linear model.
    n_training : int
        Number of samples that the network was trained on.
    n_validation : int
        Number of samples that were scored after each epoch.
    n_share : int
        Number of samples that determined the share: validation samples, if any.
    n_unlabeled : int
        Number of samples without targets.
    n_epochs, max_epochs : int
        Number of epochs of this fit, and the largest number.
    ended : str
        Why the training ended: "completed", "early stopping", "no gain", "callback",
        "max_time", "interrupted", "diverged", or "running" during the fit.
    seconds : dict of str to float
        Time that each stage took.
    scoring : str, default="score"
        Name of the validation score, which follows "valid_" in `history_`.
    symmetries : list of str, default=[]
        Transformations of fields and their samples during training.
    """

    source: str | None
    network_share: float
    linear_path: bool
    linear_loss: float | None
    loss: float | None
    n_training: int
    n_validation: int
    n_share: int
    n_unlabeled: int
    n_epochs: int
    max_epochs: int
    ended: str
    seconds: dict
    scoring: str = "score"
    symmetries: list = field(default_factory=list)

    def _lines(self):
        """Return pairs of a heading and a text."""
        linear, network = "no", "predicts alone"
        if self.linear_path:
            linear, network = "yes", f"share {self.network_share:.2f}"
        if self.linear_loss is not None:
            linear += f", with loss {self.linear_loss:.4g} alone"
            network += f", with loss {self.loss:.4g} together with the linear model"
        if self.network_share == 0:
            network = "share 0, predictions are those of the linear model alone"
        counts = {
            "trained on": self.n_training,
            "for validation": self.n_validation,
            "for the share": self.n_share,
            "without targets": self.n_unlabeled,
        }
        samples = ", ".join(f"{n} {what}" for what, n in counts.items() if n)
        ended = ENDINGS[self.ended].replace("score", self.scoring)
        times = ", ".join(f"{stage} {t:.1f} s" for stage, t in self.seconds.items())
        return (
            ("linear model", linear),
            ("network", network),
            ("source", self.source or "none"),
            ("samples", samples),
            ("training", f"{self.n_epochs} of {self.max_epochs} epochs: "
             f"{ended}"),
            *[("symmetries", ", ".join(self.symmetries))] * bool(self.symmetries),
            ("time", times),
        )  # fmt: skip

    def __repr__(self):
        lines = [f"{heading:<12}  {text}" for heading, text in self._lines()]
        return "\n".join(["FitReport", *lines])

    def _repr_html_(self):
        rows = (
            f'<tr><th style="text-align: left">{heading}</th>'
            f'<td style="text-align: left">{html.escape(text)}</td></tr>'
            for heading, text in self._lines()
        )
        return f"<table>{''.join(rows)}</table>"


class ReprMixin:
    """Mixin for scikit-learn's HTML representation: a summary of the fit and a link."""

    _doc_link_module = "sklearn_pare"
    _doc_link_template = (
        "https://sklearn-pare.readthedocs.io/en/latest/generated/"
        "{estimator_module}.{estimator_name}.html"
    )

    def _sk_visual_block_(self):
        caption = None
        if self.__sklearn_is_fitted__():
            alone = "" if self.network_share_ else ", the linear model predicts alone"
            unused = " (not used)" if self._model.ignores_backbone else ""
            caption = (
                f"input_shape_ {tuple(self.input_shape_)} | backbone "
                f"{self.backbone_}{unused} | network's share "
                f"{self.network_share_:.2g}{alone} | fitted in "
                f"{sum(self.fit_report_.seconds.values()):.1f} s"
            )
        block = {"kind": "single", "estimators": self, "names": type(self).__name__}
        texts = {"name_details": str(self), "name_caption": caption}
        return SimpleNamespace(**block, **texts, doc_link_label=None)
