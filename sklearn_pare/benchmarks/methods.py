"""PaRe, its baselines and its controls, as constructor arguments."""

_NO_MIXING = {"mix_start": 0.0, "mix_end": 0.0}

#: Name of a method -> arguments of ``PaReClassifier`` or ``PaReRegressor``.
METHODS = {
    "pare": {},
    # Baselines: naive fine-tuning; training of the norms or of the head only; random
    # weights.
    "nft": _NO_MIXING,
    "frozen": _NO_MIXING | {"tune": "norm"},
    "linear-probe": _NO_MIXING | {"tune": "head"},
    "scratch": _NO_MIXING | {"pretrained": False},
    # ORCA (align, then refine), with three distances between tokens.
    "orca": _NO_MIXING | {"alignment": "otdd"},
    "orca-mmd": _NO_MIXING | {"alignment": "mmd"},
    "orca-l2": _NO_MIXING | {"alignment": "l2"},
    # Controls: tokens selected at random; a source of noise without labels, or of one
    # learned token; the curriculum from hard to easy.
    "pare-random": {"selector": "random"},
    "pare-noise": {"source": "noise"},
    "pare-mask": {"source": "mask-token"},
    "pare-reversed": {"mix_start": 0.1, "mix_end": 0.6},
}
