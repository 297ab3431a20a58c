"""
Plots of distances, losses and replaced patches
===============================================

The module ``sklearn_pare.inspection`` shows how PaRe was trained on your data. In this
example the data are 200 labelled digits, and the fit is short. Tokens are selected by a
gate, which is not the default.
"""

# %%
# With early stopping, some of the samples are held out, so that there is a validation
# score to plot.

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
    selector="gate",
    random_state=0,
).fit(X, y)

# %%
# The first figure shows, for each epoch, the loss on clean samples and on mixed
# samples, the loss of the source classes on mixed samples, and the fraction of tokens
# from the source.

CurriculumDisplay.from_estimator(clf)
plt.show()

# %%
# The second figure corresponds to figure 1b of Cai et al. (ICML 2024). It shows the
# distances (:doc:`/otdd`) from the mixed samples to the source and to the data, for
# decreasing numbers of tokens from the source. In the left plot, each sample is
# represented by the mean of its tokens at the input of the backbone. For a mixed sample
# this is an average over tokens of both kinds, so any selection of tokens, even a
# random one, gives curves of this form. In the right plot, each sample is represented
# by the mean output of the backbone. The form of these curves is not determined by the
# averaging.

fig, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for ax, features in zip(axes, ("tokens", "backbone"), strict=True):
    ModalityGapDisplay.from_estimator(
        clf, X, y, features=features, random_state=0, ax=ax
    )
    ax.set_title(features)
plt.show()

# %%
# The third figure shows a digit of which half of the tokens are replaced: the patches
# that the gate removes, and the patches of a source image at the same positions, which
# replace them.

PatchReplacementDisplay.from_estimator(clf, X[3:4], random_state=0)
plt.show()

# %%
# The fourth figure shows the same for a signal, a simulated ECG. The tokens of a signal
# are time windows.

X_ecg, y_ecg = make_ecg(100, random_state=0)
ecg = PaReClassifier(linear_path=False, selector="gate", max_epochs=5, random_state=0)
PatchReplacementDisplay.from_estimator(
    ecg.fit(X_ecg, y_ecg), X_ecg[:1], fraction=0.3, random_state=0
)
plt.show()

# %%
# The last figure corresponds to figure 1a of Cai et al. (ICML 2024). It shows the loss
# on clean samples around the fitted weights, along two random directions.

loss_landscape(clf, X[:50], y[:50], n_points=9, random_state=0)
plt.show()
