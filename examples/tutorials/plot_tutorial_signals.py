"""
Signals in a CSV file
=====================

You have labelled recordings of several sensors in a file, one recording per line. You
want a classifier that you can save, and an estimate of its accuracy on new recordings.
Reading this page takes ten minutes, and running it takes one minute on two cores that
nothing else uses. Matplotlib and pandas have to be installed.
"""

# %%
# The file
# --------
#
# The file has 300 lines. Each line contains a recording (three channels with 500 values
# each, one channel after the other) and the name of its class. The recordings are
# simulated accelerations at the hip of people who walk, run, go up or down stairs, or
# limp.

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
# For your own file, set ``path``, the name of the column with the classes, and the
# number of channels and positions. Of the lines, 30 % are drawn at random, in
# proportion to the frequencies of the classes, and kept for the test. They are not used
# before the end.

CLASS, SHAPE = "gait", (3, 500)
table = pd.read_csv(path)
y = table.pop(CLASS).to_numpy()
X = table.to_numpy()
print(f"X {X.shape}, classes {np.unique(y).tolist()}")
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.3, stratify=y, random_state=0
)

# %%
# A line of the file is a flat vector of 1,500 numbers. Unless you set ``input_shape``,
# the estimator reads these samples as a table. First plot the data:

classes = np.unique(y)
fig, axes = plt.subplots(
    len(classes), sharex=True, figsize=(7, 6), layout="constrained"
)
for ax, name in zip(axes, classes, strict=True):
    first = X_train[y_train == name][0].reshape(SHAPE)
    ax.plot(first.T, lw=1)
    ax.set_ylabel(name)
labels = [f"channel {number}" for number in range(SHAPE[0])]
fig.legend(axes[0].lines, labels, loc="outside upper center", ncols=3)
axes[-1].set_xlabel("position")
plt.show()

# %%
# The pipeline
# ------------
#
# With ``input_shape=SHAPE``, each flat vector consists of three channels of 500 values,
# one channel after the other. In the first step of the pipeline, use your knowledge
# about the sensors. Here this step removes the mean of each channel, which depends on
# how the sensor is tilted. Missing values may stay in the data; ``np.nanmean`` ignores
# them. The channels need no scaling, because the estimator standardises them. All fits
# have ten epochs, to keep this page short. With few samples, this is not enough for
# the network, so remove ``max_epochs`` for your own data.


def centre(X):
    """Remove the mean of each channel."""
    signals = X.reshape(len(X), *SHAPE)
    centres = np.nanmean(signals, axis=-1, keepdims=True)
    return (signals - centres).reshape(len(X), -1)


model = make_pipeline(
    FunctionTransformer(centre),
    PaReClassifier(input_shape=SHAPE, max_epochs=10, random_state=0),
)

# %%
# A search
# --------
#
# The estimator has two parts: a linear model of many features of the signals, and a
# network. The outputs of the network are added only if they improve the predictions for
# held-out signals. If they do not, changing ``lr`` or ``mix_start`` changes nothing.
# Therefore, first compare the whole estimator to the network alone
# (``linear_path=False``). The third candidate, the network without mixing, shows
# whether mixing improves the network. A single split into 140 signals for training and
# 70 for validation takes little time, and is enough to find large differences. If your
# recordings come from a few people or devices, use splits in which all recordings of a
# person or device are in the same part, see the section "Groups of samples" of the
# :doc:`/user_guide`.

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
split = StratifiedShuffleSplit(1, test_size=1 / 3, random_state=0)
search = GridSearchCV(model, grid, cv=split, n_jobs=2, refit=False)
search.fit(X_train, y_train)
for name, score in zip(candidates, search.cv_results_["mean_test_score"], strict=True):
    print(f"{name:<24} accuracy {score:.3f} on a third of the training signals")

# %%
# The fit
# -------
#
# The best candidate is fitted to all training signals. With ``verbose=1``, the first
# line says how the data were read. Always check it. A frequent mistake is that signals
# are read as a table, or that channels and positions are exchanged. The lines of the
# epochs show the losses and the remaining time.

model.set_params(**search.best_params_, pareclassifier__verbose=1)
model.fit(X_train, y_train)

# %%
# The last lines of the output are the attribute ``fit_report_`` of the estimator. It
# states what the network contributes to the predictions. If the network's share is 0,
# the predictions are those of the linear model. In this case you need neither a larger
# backbone nor a GPU. In a notebook, the diagram of the estimator contains the share
# too.
#
# The test
# --------
#
# The test signals are used only once. With 90 test signals, the standard error of an
# accuracy of 0.9 is 0.03. The accuracy is compared with that of a simple baseline, a
# random forest of the amplitude spectra of the channels, which is fitted in a second.
# If some classes are rare, the confusion matrix is more important than the accuracy;
# try ``class_weight="balanced"``.


def spectra(X):
    """Return the amplitudes of all frequencies of each channel."""
    signals = np.nan_to_num(X.reshape(len(X), *SHAPE))
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
    y_test, predicted, labels=classes, cmap="cividis", colorbar=False
)
display.ax_.set_title(f"{len(y_test)} test signals")
display.figure_.set_layout_engine("constrained")
display.figure_.savefig(Path(folder.name) / "confusion.png")
plt.show()

# %%
# A saved file
# ------------
#
# ``save`` writes the estimator to one file. You can give this file to others, because
# it contains no code. It does not contain the earlier steps of the pipeline. Here the
# only one is the function ``centre``, which has no fitted attributes. After loading the
# file, call it before ``predict``, as in the following lines. To store the whole
# pipeline, use ``joblib.dump(model, path)``. Functions such as ``centre`` must then be
# in a module, which is also needed for loading.

file = Path(folder.name) / "gait.pare"
model[-1].save(file)
again = sklearn_pare.load(file)
same = np.array_equal(again.predict(centre(X_test)), predicted)
print(f"{file.name}: {file.stat().st_size / 1e6:.1f} MB, the same predictions: {same}")
folder.cleanup()
