"""PaRe, its baselines and its controls, as constructor arguments."""

_NO_MIXING = {"mix_start": 0.0, "mix_end": 0.0}

#: Name of a method -> arguments of `PaReClassifier` or `PaReRegressor`.
METHODS = {
    # the method
    "pare": {},
    # baselines: naive fine-tuning; only the norms of the body train; fresh weights
    "nft": _NO_MIXING,
    "frozen": _NO_MIXING | {"tune": "norm"},
    "scratch": _NO_MIXING | {"pretrained": False},
    # controls: chance chooses the tokens; the source is noise without labels
    "pare-random": {"selector": "random"},
    "pare-noise": {"source": "noise"},
}

_NETWORK_ALONE = {"linear_path": False}

#: The same without a part of the model, the linear path from raw rows to outputs, and
#: that with another remedy for few rows.
ABLATIONS = {
    "pare-no-linear": _NETWORK_ALONE,
    "nft-no-linear": _NO_MIXING | _NETWORK_ALONE,
    "pare-no-linear-early-stopping": _NETWORK_ALONE | {"early_stopping": True},
}
