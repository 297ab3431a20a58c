"""PaRe, its baselines and its controls, as constructor arguments."""

_NO_MIXING = {"mix_start": 0.0, "mix_end": 0.0}

#: Name of a method -> arguments of `PaReClassifier` or `PaReRegressor`.
METHODS = {
    # the method
    "pare": {},
    # baselines: naive fine-tuning; only the norms of the backbone train, or nothing but the
    # head; fresh weights
    "nft": _NO_MIXING,
    "frozen": _NO_MIXING | {"tune": "norm"},
    "linear-probe": _NO_MIXING | {"tune": "head"},
    "scratch": _NO_MIXING | {"pretrained": False},
    # align, then refine, by three distances between tokens
    "orca": _NO_MIXING | {"alignment": "otdd"},
    "orca-mmd": _NO_MIXING | {"alignment": "mmd"},
    "orca-l2": _NO_MIXING | {"alignment": "l2"},
    # controls: chance chooses the tokens; the source is noise without labels, or one
    # learned token; from hard to easy
    "pare-random": {"selector": "random"},
    "pare-noise": {"source": "noise"},
    "pare-mask": {"source": "mask-token"},
    "pare-reversed": {"mix_start": 0.1, "mix_end": 0.6},
}

_NETWORK_ALONE = {"linear_path": False}

#: The same without a part of the model, the linear path from raw rows to outputs, and
#: that with another remedy for few rows.
ABLATIONS = {
    "pare-no-linear": _NETWORK_ALONE,
    "nft-no-linear": _NO_MIXING | _NETWORK_ALONE,
    "pare-no-linear-early-stopping": _NETWORK_ALONE | {"early_stopping": True},
}

#: Settings that were tried on the tasks for tuning.
TRIALS = {
    "pare-to-clean": {"mix_end": 0.0},
    "pare-few": {"mix_start": 0.3, "mix_end": 0.0},
    "pare-more": {"mix_start": 0.8, "mix_end": 0.3},
    "pare-full": {"mix_weight": 1.0},
    "pare-light": {"mix_weight": 0.3},
    "pare-faint": {"mix_weight": 0.1},
    "pare-heavy": {"mix_weight": 2.0},
    "pare-more-heavy": {"mix_start": 0.8, "mix_end": 0.3, "mix_weight": 2.0},
    "pare-cosine": {"mix_schedule": "cosine"},
    "pare-gap": {"mix_schedule": "gap"},
    "pare-fast": {"lr": 2e-3},
    "pare-slow": {"lr": 5e-4},
    "nft-fast": _NO_MIXING | {"lr": 2e-3},
    "nft-slow": _NO_MIXING | {"lr": 5e-4},
}

#: Open questions: what else gives the probabilities of PaRe, what its gate might look
#: at, and whether the source's labels matter. Some are changed further by `probes`.
PROBES = {
    "nft-smoothing": _NO_MIXING,
    "nft-temperature": _NO_MIXING,
    "nft-early-stopping": _NO_MIXING | {"early_stopping": True},
    "pare-temperature": {},
    "pare-contrast": {"selector": "random"},
    "pare-quiet": {},
    "pare-noisy": {},
    "pare-no-source-loss": {},
    "pare-light-source-loss": {},
    "pare-no-clipping": {},
    "pare-shuffled": {},
    "pare-digits": {},
    "pare-joint": {},
    "pare-families": {},
    "pare-smoothing": {},
    "pare-linear-path": {"linear_path": True},
    "nft-long": _NO_MIXING | {"max_epochs": 80},
    "pare-long": {"max_epochs": 80},
}

CHOICES = METHODS | ABLATIONS | TRIALS | PROBES
