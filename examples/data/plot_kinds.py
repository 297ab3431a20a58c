"""
Four kinds of data
==================

One classifier and one regressor are used for signals, images, fields and tables. The
shapes of ``X`` and ``y`` determine the kind of samples and targets. The following four
fits have default arguments, except for the fit to fields. It has 11 epochs, about a
sixth of the default number, to keep this example short.
"""

# %%
# The simulated data sets and the table are divided into training and test samples.

import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

from sklearn_pare import PaReClassifier, PaReRegressor, datasets, metrics

data = {
    "signals": datasets.make_ecg(300, random_state=0),
    "masks": datasets.make_cosmic_rays(200, size=32, random_state=0),
    "fields": datasets.make_darcy(300, size=16, random_state=0),
    "numbers": load_diabetes(return_X_y=True),
}
parts = {
    name: train_test_split(X, y, train_size=150, random_state=0)
    for name, (X, y) in data.items()
}

# %%
# The targets are one class per signal, one class per pixel of an image (a mask), one
# number per pixel (a field), and one number per sample of the table.

predictions, scores = {}, {}
for name, (X_train, X_test, y_train, y_test) in parts.items():
    start = time.perf_counter()
    kind = PaReClassifier if name in {"signals", "masks"} else PaReRegressor
    epochs = 11 if name == "fields" else "auto"
    estimator = kind(max_epochs=epochs, random_state=0).fit(X_train, y_train)
    predictions[name] = estimator.predict(X_test)
    if name == "masks":
        probability = estimator.predict_proba(X_test)[:, 1]
        score = f"AUROC {roc_auc_score(y_test.ravel(), probability.ravel()):.3f}"
    elif name == "fields":
        error = metrics.relative_l2(y_test, predictions[name])
        score = f"error {error:.1%}"
    else:
        measure = "accuracy" if name == "signals" else "R2"
        score = f"{measure} {estimator.score(X_test, y_test):.3f}"
    scores[name] = score
    seconds = time.perf_counter() - start
    shapes = f"X {X_train.shape}, y {y_train.shape}"
    print(f"{name:<8} {shapes:<38} {score:<16} {seconds:3.0f} s")

# %%
# The figure shows predictions for test samples.

fig = plt.figure(figsize=(12.8, 3.6), layout="constrained")
beats, pixels, field, numbers = (part.subplots() for part in fig.subfigures(1, 4))

names = ["normal", "irregular", "premature", "raised ST", "peaked T"]
X_test, y_test = parts["signals"][1], parts["signals"][3]
for label in range(5):
    sample = np.flatnonzero(y_test == label)[0]
    signal = X_test[sample, 0] / np.abs(X_test[sample, 0]).max()
    found = names[predictions["signals"][sample]]
    color = "C0" if found == names[label] else "C1"
    beats.plot(0.9 * signal - 2.4 * label, color=color, lw=1)
    text = f"{names[label]}, predicted {found}"
    beats.text(0, 1.05 - 2.4 * label, text, fontsize=8)
beats.set(
    xlabel="position",
    yticks=[],
    ylim=(-10.8, 1.8),
    title=f"Heart beats, {scores['signals']}",
)

X_test, y_test = parts["masks"][1], parts["masks"][3]
sample = y_test.sum((1, 2)).argmax()
pixels.imshow(np.arcsinh(X_test[sample, 0]), cmap="gray", vmin=-2, vmax=4)
for mask, color, label in (
    (y_test, "#56B4E9", "truth"),
    (predictions["masks"], "#E69F00", "prediction"),
):
    row, column = np.nonzero(mask[sample])
    marker = {"s": 30, "facecolors": "none"} if label == "truth" else {"s": 5}
    color = {"edgecolors": color} if label == "truth" else {"color": color}
    pixels.scatter(column, row, marker="s", label=label, **marker, **color)
pixels.legend(loc="upper right", fontsize=8)
pixels.set(xticks=[], yticks=[], title=f"Cosmic rays, {scores['masks']}")

y_test = parts["fields"][3]
pair = y_test[0], np.full((16, 1), np.nan), predictions["fields"][0]
field.imshow(np.hstack(pair), cmap="viridis")
field.set(xticks=[7.5, 24.5], xticklabels=["truth", "prediction"], yticks=[])
field.set(title=f"Pressure of a flow, {scores['fields']}")

y_test = parts["numbers"][3]
numbers.scatter(y_test, predictions["numbers"], s=8, color="C0")
numbers.axline((150, 150), slope=1, color="grey", ls=":")
numbers.set(xlabel="truth", ylabel="prediction")
numbers.set(title=f"Diabetes, {scores['numbers']}")

# %%
# When this file is run as a script, the figure is saved in the working directory.

if "__file__" in globals():
    path = Path("kinds.png")
    fig.savefig(path, dpi=100)
    print(f"picture: {path.resolve()}")
plt.show()
