"""
Cosmic rays in telescope images
===============================

A class for every pixel: `PaReClassifier` learns to mark the pixels that cosmic rays
have hit from 80 images and their masks. Nothing has to be said about the kind of
target; masks of the size of the images are enough. Between one and two pixels in a
hundred are hit, so the accuracy of pixels says little, and ranking says more.
"""

# %%
# Images (n, 1, 64, 64) and masks (n, 64, 64) of 0 and 1. Stars are blurred by the air,
# rays are not.

import matplotlib.pyplot as plt
import numpy as np
import scipy.ndimage
from sklearn.metrics import precision_recall_curve, roc_auc_score

from sklearn_pare import PaReClassifier
from sklearn_pare.datasets import make_cosmic_rays

X, y = make_cosmic_rays(120, random_state=0)
X_train, X_test, y_train, y_test = X[:80], X[80:], y[:80], y[80:]
print(f"X {X.shape}, y {y.shape}, {y.mean():.2%} of all pixels are hit")

# %%
# The estimator puts out one probability for each class and pixel, (n, 2, 64, 64).
# `max_steps` bounds the training: without it there would be 400 steps at least.

clf = PaReClassifier(max_steps=50, random_state=0).fit(X_train, y_train)
probability = clf.predict_proba(X_test)[:, 1]
mask = clf.predict(X_test)
print(f"accuracy of pixels {clf.score(X_test, y_test):.4f}")
print(f"no ray anywhere    {1 - y_test.mean():.4f}")

# %%
# What one would try first: pixels that stand out from the median of their neighbours.

residual = X_test[:, 0] - scipy.ndimage.median_filter(X_test[:, 0], (1, 5, 5))
scores = {"PaReClassifier": probability, "median filter": residual}
for name, score in scores.items():
    print(f"{name:<15} pixel AUROC {roc_auc_score(y_test.ravel(), score.ravel()):.4f}")

# %%
# Three images of the test, and in the last column how many of the marked pixels are
# right (precision) when a given share of the hit pixels is to be found (recall).

found, missed, wrong = "#2ca02c", "#ff7f0e", "#d62728"


def overlay(ax, image, **masks):
    """An image in grey with pixels of each mask in a colour."""
    ax.imshow(np.arcsinh(image), cmap="gray", vmin=-2, vmax=4)
    for color, where in masks.items():
        rgba = np.zeros((*where.shape, 4))
        rgba[where] = plt.matplotlib.colors.to_rgba(color)
        ax.imshow(rgba)


fig, axes = plt.subplots(
    3, 3, figsize=(9.5, 8.8), layout="constrained", sharex=True, sharey=True
)
for row, line in enumerate(axes):
    image, truth, own = X_test[row, 0], y_test[row] == 1, mask[row] == 1
    overlay(line[0], image)
    overlay(line[1], image, **{found: truth})
    overlay(line[2], image, **{found: truth & own, missed: truth & ~own, wrong: own & ~truth})
