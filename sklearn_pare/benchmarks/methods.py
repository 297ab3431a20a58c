"""PaRe, its baselines and its controls, as constructor arguments."""

_NO_MIXING = {"mix_start": 0.0, "mix_end": 0.0, "tune": "all"}

#: Name of a method -> arguments of ``PaReClassifier`` or ``PaReRegressor``.
METHODS = {
    "pare": {},
    # The choices of the paper: order pairing, all classes of the source, and all
    # samples both clean and mixed.
    "pare-paper": {"selector": "paper", "source": "formula:all"},
    # Baselines: naive fine-tuning, also with smoothed labels; training of the norms or
    # of the head only; random weights.
    "nft": _NO_MIXING,
    "nft-smoothing": _NO_MIXING | {"label_smoothing": 0.1},
    "frozen": _NO_MIXING | {"tune": "norm"},
    "linear-probe": _NO_MIXING | {"tune": "head"},
    "scratch": _NO_MIXING | {"pretrained": False},
    # ORCA (align, then refine), with three distances between tokens.
    "orca": _NO_MIXING | {"alignment": "otdd"},
    "orca-mmd": _NO_MIXING | {"alignment": "mmd"},
    "orca-l2": _NO_MIXING | {"alignment": "l2"},
    # Parts of PaRe: the learned gate; one of the two kinds of samples to mix with.
    "pare-gate": {"selector": "gate", "mix_start": 0.6},
    "pare-formula": {"source": "formula"},
    "pare-self": {"source": "self"},
    # Controls: a source of noise without labels, or of one learned token; the
    # curriculum from hard to easy.
    "pare-noise": {"source": "noise+self"},
    "pare-mask": {"source": "mask-token+self"},
    "pare-reversed": {"mix_start": 0.1, "mix_end": 0.6},
}


def arguments_of(method, kind):
    """Return those arguments of a method that the class of the estimator has.

    Parameters
    ----------
    method : str
        Name in ``METHODS``.
    kind : type
        ``PaReClassifier`` or ``PaReRegressor``.
    """
    known = kind().get_params()
    return {name: value for name, value in METHODS[method].items() if name in known}
