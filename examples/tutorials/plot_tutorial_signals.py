"""
Signals in a CSV file
=====================

You have labelled recordings of several sensors in a file, one recording per line, and
want a classifier that you can save, with an honest verdict on it. Reading this page
takes ten minutes, and running it one minute on two cores that nothing else uses.
Matplotlib and pandas have to be installed.
"""

# %%
# The file
# --------
#
# Each of the 300 lines holds a recording of three channels with 500 values each,
# channel by channel, and the name of its class. The recordings are simulated: the
# acceleration at the hip of people who walk, run, climb stairs, or limp.

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedShuffleSplit,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import sklearn_pare
from sklearn_pare import PaReClassifier
from sklearn_pare.datasets import make_gait

signals, gaits = make_gait(300, length=500, random_state=0)
signals = signals[:, :3]
names = np.array(["walk", "run", "stairs up", "stairs down", "limp"])
columns = [f"{c}_{t}" for c in ("forward", "sideways", "up") for t in range(500)]
folder = tempfile.TemporaryDirectory()
path = Path(folder.name) / "gait.csv"
table = pd.DataFrame(signals.reshape(300, -1), columns=columns)
table.assign(gait=names[gaits]).to_csv(path, index=False, float_format="%.4f")

# %%
# From here on, use the path of your own file. The last 90 lines after shuffling are
# kept for the test, and nothing that follows looks at them before the end.

table = pd.read_csv(path)
y = table.pop("gait").to_numpy()
X = table.to_numpy()
print(f"X {X.shape}, classes {np.unique(y).tolist()}")
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=90, stratify=y, random_state=0
)

# %%
# A line of the file is a flat row of 1,500 numbers. Unless you set ``input_shape``,
# it is read as a table. A look at the data is always worth its time:

fig, axes = plt.subplots(5, sharex=True, figsize=(7, 6), layout="constrained")
for ax, name in zip(axes, names, strict=True):
    first = X_train[y_train == name][0].reshape(3, 500)
    ax.plot(first.T, lw=1)
    ax.set_ylabel(name)
fig.legend(
    axes[0].lines, ["forward", "sideways", "up"], loc="outside upper center", ncols=3
)
axes[-1].set_xlabel("position (50 per second)")
plt.show()

# %%
# The pipeline
# ------------
#
# ``input_shape=(3, 500)`` says how the flat rows are to be read: three channels of
# 500 values. Use the first step for what you know about your sensors. Here it removes
# the mean of each channel, which depends on how the sensor is tilted. Missing values
# may stay in the file: ``np.nanmean`` keeps one of them from emptying a channel. The
# channels need no scaling: the estimator standardises them. All fits have twelve
# epochs, to keep this page short. Remove ``max_epochs`` for your own data: with few
# samples, twelve epochs are not enough for the network.


def centre(X):
    """Remove the mean of each channel."""
    signals = X.reshape(len(X), 3, -1)
    centres = np.nanmean(signals, axis=-1, keepdims=True)
    return (signals - centres).reshape(len(X), -1)


model = make_pipeline(
    FunctionTransformer(centre),
    PaReClassifier(input_shape=(3, 500), max_epochs=12, random_state=0),
)

# %%
# What to search over
# -------------------
#
# The estimator has two parts: a linear model of many features of the signals, and a
# network. The network is added only if it improves the predictions for held-out
# signals. If it does not, changing ``lr`` or ``mix_start`` changes nothing. First
# compare both parts together to the network alone (``linear_path=False``). The third
# candidate, without mixing, shows whether mixing helps the network. One split into
# 140 signals for training and 70 for validation is cheap, and enough to tell large
# differences. If your recordings come from a few people or devices, split by them,
# see the section "Groups of samples" of the :doc:`/user_guide`.

candidates = {
    "both": {"linear_path": [True]},
    "network alone": {"linear_path": [False]},
    "the same without mixing": {
        "linear_path": [False],
        "mix_start": [0.0],
        "mix_end": [0.0],
    },
}
grid = [
    {f"pareclassifier__{name}": values for name, values in candidate.items()}
    for candidate in candidates.values()
]
split = StratifiedShuffleSplit(1, test_size=70, random_state=0)
search = GridSearchCV(model, grid, cv=split, n_jobs=2, refit=False)
search.fit(X_train, y_train)
for name, score in zip(candidates, search.cv_results_["mean_test_score"], strict=True):
    print(f"{name:<24} accuracy {score:.3f} on 70 validation signals")

# %%
# The fit
# -------
#
# The best candidate is fitted to all training signals. With ``verbose=1``, the first
# line says how the data were read. Check it: signals that are read as a table, or with
# channels and positions exchanged, are the most frequent mistake. The lines of the
# epochs show the losses and the time that is left.

model.set_params(**search.best_params_, pareclassifier__verbose=1)
model.fit(X_train, y_train)

# %%
# The last lines are the attribute ``fit_report_`` of the estimator. It says what the
# network has contributed. If its share is 0, the predictions are those of the linear
# model. That is a result too: you then need neither a larger backbone nor a GPU. In a
# notebook, a diagram says the same, and its question mark leads to the documentation.
#
# The verdict
# -----------
#
# The test signals are used once. With 90 of them, the standard error of an accuracy of
# 0.9 is 0.03. A number alone says little, so a simple baseline stands beside it: a
# random forest of the amplitude spectra of the channels, which is fitted in a second.
# If some classes are rare, look at the confusion matrix more than at the accuracy, and
# try ``class_weight="balanced"``.


def spectra(X):
    """Return the amplitudes of all frequencies of each channel."""
    signals = np.nan_to_num(X.reshape(len(X), 3, -1))
    return np.abs(np.fft.rfft(signals))[..., 1:].reshape(len(X), -1)


baseline = make_pipeline(
    FunctionTransformer(spectra), RandomForestClassifier(random_state=0)
)
baseline.fit(X_train, y_train)
predicted = model.predict(X_test)
for name, found in (
    ("PaReClassifier", predicted),
    ("random forest", baseline.predict(X_test)),
):
    accuracy = np.mean(found == y_test)
    error = np.sqrt(accuracy * (1 - accuracy) / len(y_test))
    print(f"{name:<15} test accuracy {accuracy:.3f} +- {error:.3f}")

display = ConfusionMatrixDisplay.from_predictions(
    y_test, predicted, labels=names, cmap="cividis", colorbar=False
)
display.ax_.set_title("90 test signals")
display.figure_.set_layout_engine("constrained")
plt.show()

# %%
# A saved file
# ------------
#
# ``save`` writes the estimator to one file that contains no code, so that you can
# pass it on. The steps before it are not part of this file. Here the step before it
# learns nothing from the data: whoever loads the file calls ``centre``, as the next
# lines do. A pipeline with fitted steps can be stored with joblib.

file = Path(folder.name) / "gait.pare"
model[-1].save(file)
again = sklearn_pare.load(file)
same = np.array_equal(again.predict(centre(X_test)), predicted)
print(f"{file.name}: {file.stat().st_size / 1e6:.1f} MB, the same predictions: {same}")
folder.cleanup()
