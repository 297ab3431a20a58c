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

#: The same without a part of the model: the linear path from raw rows to outputs.
ABLATIONS = {
    "pare-no-linear": {"linear_path": False},
    "nft-no-linear": _NO_MIXING | {"linear_path": False},
}
