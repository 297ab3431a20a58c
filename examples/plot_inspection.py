"""
Plots of the gap, the curriculum, the patches and the loss
==========================================================

Five plots show what PaRe does on your own data. Here the data are 200 labelled digits,
and the fit is short.
"""

# %%
# Early stopping holds out part of the samples, so that there is a validation score to
# plot.

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from sklearn_pare import PaReClassifier
from sklearn_pare.datasets import make_ecg
from sklearn_pare.inspection import (
    CurriculumDisplay,
    ModalityGapDisplay,
    PatchReplacementDisplay,
    loss_landscape,
)

X, y = load_digits(return_X_y=True)
X, y = X[:200], y[:200]
clf = PaReClassifier(
    input_shape=(1, 8, 8),
    max_epochs=20,
    early_stopping=True,
    n_iter_no_change=20,
    random_state=0,
).fit(X, y)

# %%
# The curriculum: the loss on clean samples and on mixed samples, the loss of the source
# classes on mixed samples, and the fraction of tokens from the source.

CurriculumDisplay.from_estimator(clf)
plt.show()

# %%
# The gap, as in figure 1b of the paper: the dataset distance from the mixed samples to
# the source and to the data, as fewer tokens come from the source. The left plot shows
# it before the backbone. There the mean tokens are averages over both kinds of data, so
# any selection of tokens, even a random one, gives curves of this form. The right plot
# shows it after the backbone, where nothing forces the curves to have this form.

fig, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for ax, features in zip(axes, ("tokens", "backbone"), strict=True):
    ModalityGapDisplay.from_estimator(
        clf, X, y, features=features, random_state=0, ax=ax
    )
    ax.set_title(features)
plt.show()

# %%
# The patches of a digit that the gate removes when half of the tokens are replaced, and
# the patches of a source image that replace them.

PatchReplacementDisplay.from_estimator(clf, X[3:4], random_state=0)
plt.show()

# %%
# The same for a signal, a simulated ECG. Its tokens are time windows.

X_ecg, y_ecg = make_ecg(100, random_state=0)
ecg = PaReClassifier(linear_path=False, max_epochs=5, random_state=0)
PatchReplacementDisplay.from_estimator(
    ecg.fit(X_ecg, y_ecg), X_ecg[:1], fraction=0.3, random_state=0
)
plt.show()

# %%
# The loss on clean samples around the fitted weights, along two random directions, as
# in figure 1a of the paper.

loss_landscape(clf, X[:50], y[:50], n_points=9, random_state=0)
plt.show()
