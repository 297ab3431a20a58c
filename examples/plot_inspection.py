"""
The gap, the curriculum, the patches and the loss
=================================================

What PaRe does on your own rows, in five pictures: 200 labelled digits, a few epochs.
"""

# %%
# First the fit. With ``early_stopping`` there is a validation score to look at as well.

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
# The curriculum: losses on clean and on mixed rows, the loss of the source's classes on
# mixed rows, and how many tokens come from the source.

CurriculumDisplay.from_estimator(clf)
plt.show()

# %%
# The gap, as in figure 1b of the paper: the dataset distance of the mixed rows to the
# source and to the data, as fewer tokens come from the source. On the left, before the
# backbone, tokens are averages of both modalities, so that any selection gives curves of
# this kind, a random one too; on the right, behind the backbone, they need not be.

fig, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for ax, features in zip(axes, ("tokens", "backbone"), strict=True):
    ModalityGapDisplay.from_estimator(
        clf, X, y, features=features, random_state=0, ax=ax
    )
    ax.set_title(features)
plt.show()

# %%
# Which patches of a digit the gate lets go, at half of the tokens, and which patches of
# a source image come in their place.

PatchReplacementDisplay.from_estimator(clf, X[3:4], random_state=0)
plt.show()

# %%
# The same for a signal, a simulated ECG, where a token is a window of time.

X_ecg, y_ecg = make_ecg(100, random_state=0)
ecg = PaReClassifier(linear_path=False, max_epochs=5, random_state=0)
PatchReplacementDisplay.from_estimator(
    ecg.fit(X_ecg, y_ecg), X_ecg[:1], fraction=0.3, random_state=0
)
plt.show()

# %%
# The loss of clean rows around the weights that the fit ended with, along two random
# directions, as in figure 1a.

loss_landscape(clf, X[:50], y[:50], n_points=9, random_state=0)
plt.show()
