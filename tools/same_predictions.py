"""Record the results of small fits through the public API, and compare them later.

The comparison shows that a change to the code leaves everything that is computed as it
is, to the bit. Run both commands on one machine, with the same versions of the
dependencies (pandas, timm and transformers among them), once for each tree::

    PYTHONPATH=OLD_TREE python tools/same_predictions.py record before.npz
    PYTHONPATH=NEW_TREE python tools/same_predictions.py compare before.npz
"""

import argparse
import os
import pickle
import sys
import tempfile
from functools import partial
from pathlib import Path

# The number of threads decides in which order numbers are added.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import numpy as np
import pandas as pd
import torch
import transformers
from sklearn.base import clone
from sklearn.datasets import load_digits
from tokenizers import Tokenizer, models, pre_tokenizers

import sklearn_pare
from sklearn_pare import PaReClassifier, PaReRegressor

# Each fit gets the first samples; the recorded results are those of all samples.
N_FIT, N = 40, 64
WORDS = [f"word{number}" for number in range(12)]


def data_sets(folder):
    """Return X and y of each data set by name; files are written into a folder."""
    rng = np.random.default_rng(0)
    table = rng.normal(size=(N, 6))
    shade, size = rng.integers(3, size=N), rng.normal(size=N)
    columns = {
        "size": np.where(rng.random(N) < 0.1, np.nan, size),
        "count": rng.integers(9, size=N),
        "city": rng.choice(np.array(["Oslo", "Rome", None]), N),
        "shade": pd.Categorical.from_codes(shade, ["dark", "light", "none"]),
        "new": rng.random(N) < 0.5,
    }
    speed = np.arange(N) % 3
    wave = np.sin(np.linspace(0, 9, 60) * (1 + speed[:, None]) + 6 * rng.random((N, 1)))
    signals = np.stack([wave, rng.normal(size=wave.shape)], axis=1)
    np.save(folder / "signals.npy", signals)
    images = rng.normal(size=(N, 3, 12, 20)).astype(np.float32)
    mask = np.where(np.arange(20) < 2, 255, images[:, 0] > images[:, 1])
    digits, digit = load_digits(return_X_y=True)
    return {
        "table": (table, np.where(np.abs(table[:, 0]) > 0.7, "far", "near")),
        "frame": (pd.DataFrame(columns), (shade + (size > 0)) % 3),
        "signals": (signals, speed),
        "memmap": (np.load(folder / "signals.npy", mmap_mode="r"), speed),
        "images": (images, (images.mean((1, 3)).argmax(1) > 5).astype(int)),
        "digits": (digits[:N], digit[:N]),
        "labels": (table, (table[:, :3] > 0.3).astype(int)),
        "signal masks": (signals, (signals[:, 0] > 0.2) + (signals[:, 0] > 0.9) * 1),
        "image masks": (images, mask),
        "number": (table, 3 * table[:, 0] - table[:, 1] * table[:, 2] + 5),
        "numbers": (signals, np.stack([speed**2 + wave[:, 0], 99 * wave[:, 7]], 1)),
        "signal fields": (signals[:, :1], wave),
        "image fields": (images, np.cumsum(images[:, :2], axis=3)),
    }


def text_backbone(folder):
    """Write a small transformer with random weights, and return its name."""
    tokens = ["<s>", "<pad>", "</s>", "<unk>", *WORDS]
    vocabulary = {token: place for place, token in enumerate(tokens)}
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    sizes |= {"intermediate_size": 64, "max_position_embeddings": 66}
    config = transformers.RobertaConfig(vocab_size=len(tokens), **sizes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        transformers.RobertaForMaskedLM(config).save_pretrained(folder / "text")
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>"
    ).save_pretrained(folder / "text")
    return f"hf:{folder / 'text'}"


def fit(estimator, X, y, times=1, **arguments):
    """Fit an estimator to the first samples, once or more."""
    for _ in range(times):
        estimator.fit(X[:N_FIT], y[:N_FIT], **arguments)
    return estimator


def fit_and_resume(estimator, X, y):
    """Fit an estimator, remove the last checkpoint, and resume from the one before."""
    first = fit(clone(estimator), X, y)
    files = Path(estimator.checkpoint_dir).iterdir()
    max(files, key=lambda path: path.stat().st_mtime_ns).unlink()
    fit(estimator, X, y)
    # Epochs before the checkpoint keep their durations; the last one is run again.
    durations = {epoch["duration"] for epoch in first.history_ + estimator.history_}
    assert len(durations) == len(first.history_) + 1, "the fit was not resumed"
    return estimator


def fit_and_load(estimator, X, y):
    """Fit an estimator, save it without unchanged weights, and load it."""
    with tempfile.TemporaryDirectory() as folder:
        fit(estimator, X, y)
        estimator.save(f"{folder}/file", omit_pretrained=estimator.pretrained)
        return sklearn_pare.load(f"{folder}/file")


def fit_and_pickle(estimator, X, y):
    """Fit an estimator, pickle it, and unpickle it."""
    return pickle.loads(pickle.dumps(fit(estimator, X, y)))


def fits(data, folder):
    """Return a function, the name of a data set and an estimator for each fit."""
    small = {"max_epochs": 2, "batch_size": 16, "linear_path": False, "random_state": 0}
    small |= {"precision": "fp32"}
    c, r = (partial(kind, **small) for kind in (PaReClassifier, PaReRegressor))
    (X, y), images, masks = data["table"], data["images"], data["image masks"]
    weighted = partial(fit, sample_weight=np.arange(N_FIT) % 4)
    validated = partial(fit, X_val=X[N_FIT:], y_val=y[N_FIT:])
    unlabeled = partial(fit, X_unlabeled=X[N_FIT:])
    texts = [" ".join(np.roll(WORDS, number)[:6]) for number in range(24)]
    text = {"backbone": text_backbone(folder), "source": (texts, np.arange(24) % 2)}
    naive = {"mix_start": 0.0, "mix_end": 0.0, "lr": 3e-3}
    timm = {"pretrained": False, "source": "formula+self"}
    vit = {"backbone": "timm:test_vit", "input_shape": (1, 8, 8)} | timm
    swin = {"backbone": "timm:swin_tiny_patch4_window7_224"} | timm
    stopped = {"early_stopping": True, "n_iter_no_change": 1}
    stopped |= {"max_epochs": "auto", "batch_size": "auto"}
    again = {"checkpoint_dir": f"{folder}/fit", "max_epochs": 4, "alignment": "l2"}
    return {
        "defaults": (fit, "table", PaReClassifier(max_epochs=12, random_state=0)),
        "frame, loaded": (fit_and_load, "frame", c(linear_path=True)),
        "signals": (fit, "signals", c(linear_path=True)),
        "memmap, generator": (fit, "memmap", c(random_state=np.random.RandomState(3))),
        "images": (fit, "images", c()),
        "input_shape": (fit, "digits", c(input_shape=(1, 8, -1))),
        "bf16": (fit, "digits", c(input_shape=(1, 8, 8), precision="bf16")),
        "signal masks": (fit, "signal masks", c(class_weight="balanced")),
        "image masks": (fit, "image masks", c(ignore_index=255)),
        "label sets, pickled": (fit_and_pickle, "labels", c()),
        "number": (fit, "number", r(linear_path=True, loss="huber")),
        "numbers": (fit, "numbers", r()),
        "signal fields": (fit, "signal fields", r(linear_path=True)),
        "image fields": (fit, "image fields", r()),
        "sample_weight": (weighted, "image fields", r(**stopped)),
        "class_weight": (weighted, "table", c(class_weight={"far": 3, "near": 1})),
        "X_val": (validated, "table", c(**naive, max_epochs=8, linear_path=True)),
        "X_val, early stopping": (validated, "table", c(**stopped)),
        "early stopping, masks": (fit, "image masks", c(**stopped)),
        "X_unlabeled": (unlabeled, "table", c()),
        "X_unlabeled, number": (unlabeled, "number", r(**stopped)),
        "naive": (fit, "table", c(**naive)),
        "scratch": (fit, "table", c(pretrained=False)),
        "norm": (fit, "table", c(tune="norm", layer_decay=1.0)),
        "none, loaded": (fit_and_load, "image fields", r(tune="none", source=None)),
        "head": (fit, "table", c(tune="head")),
        "random selector": (fit, "signals", c(selector="random", mix_weight=0.5)),
        "noise": (fit, "table", c(source="noise", tune="attention-frozen")),
        "mask-token": (fit, "table", c(source="mask-token")),
        "arrays as source": (fit, "table", c(source=images)),
        "masks as source": (fit, "image masks", c(source=(images[0], masks[1] > 0))),
        "list of sources": (fit, "table", c(source=["noise", images, "formula"])),
        "nearest source": (fit, "signals", c(source="nearest")),
        "otdd": (fit, "table", c(alignment="otdd", **naive)),
        "mmd": (fit, "numbers", r(alignment="mmd")),
        "warm start": (partial(fit, times=2), "signals", c(warm_start=True)),
        "resumed": (fit_and_resume, "signals", c(**again, early_stopping=True)),
        "timm, ViT": (fit, "digits", c(**vit)),
        "timm, Swin, loaded": (fit_and_load, "signals", c(**swin, max_epochs=1)),
        "hf, pickled": (fit_and_pickle, "signals", c(**text)),
    }


def results(estimator, X, y):
    """Return everything that is compared, as arrays by name."""
    found = {"score": estimator.score(X, y)}
    for name in ("predict", "predict_proba", "decision_function", "transform"):
        if hasattr(estimator, name):
            found[name] = getattr(estimator, name)(X)
    for name in ("n_tokens_", "network_share_", "alignment_history_"):
        found[name] = getattr(estimator, name)
    found["source_distances_"] = list(estimator.source_distances_.values())
    history = estimator.history_
    for key in sorted({key for epoch in history for key in epoch} - {"duration"}):
        values = [epoch.get(key) for epoch in history]
        found[f"history_ {key}"] = [np.nan if v is None else float(v) for v in values]
    return {name: np.asarray(value) for name, value in found.items()}


def compare(before, after):
    """Return what differs between the results of two fits, or "equal"."""
    texts = [f"only one has {name}" for name in sorted(before.keys() ^ after.keys())]
    for name in sorted(before.keys() & after.keys()):
        old, new = before[name], after[name]
        if (old.dtype, old.shape) != (new.dtype, new.shape):
            texts.append(f"{name}: {old.dtype}{old.shape} -> {new.dtype}{new.shape}")
        elif old.tobytes() != new.tobytes():
            texts.append(f"{name} differs in {(old != new).sum()} of {old.size} values")
            if old.dtype.kind == "f":
                texts[-1] += f", by up to {np.nanmax(np.abs(old - new)):.3g}"
    return "; ".join(texts) or "equal"


def main():
    """Record or compare; return 1 if anything differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=["record", "compare"])
    parser.add_argument("file", type=Path, help="recording, such as before.npz")
    arguments = parser.parse_args()
    recording, write = arguments.command == "record", sys.stdout.write
    sys.stdout.reconfigure(line_buffering=True)
    torch.set_num_threads(1)
    write(f"{sklearn_pare.__file__}\n")
    old, new, same = {} if recording else dict(np.load(arguments.file)), {}, True
    with tempfile.TemporaryDirectory() as folder:
        data = data_sets(Path(folder))
        for name, (function, which, estimator) in fits(data, Path(folder)).items():
            X, y = data[which]
            before = {key: old.pop(key) for key in [*old] if key.startswith(name + "/")}
            try:
                found = results(function(estimator, X, y), X, y)
                after = {f"{name}/{key}": value for key, value in found.items()}
                text = "recorded" if recording else compare(before, after)
                new |= after
            except Exception as error:
                if recording:
                    raise
                text = f"{type(error).__name__}: {error}"
            same &= text in ("recorded", "equal")
            write(f"{name}: {text}\n")
    if recording:
        np.savez_compressed(arguments.file, **new)
    elif old:
        write(f"in the recording only: {', '.join(old)}\n")
    return int(not same or len(old) > 0)


if __name__ == "__main__":
    sys.exit(main())
