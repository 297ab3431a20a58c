"""
Cosmic rays in telescope images
===============================

A class for every pixel: `PaReClassifier` learns to mark the pixels that cosmic rays
have hit from 160 images and their masks. Nothing has to be said about the kind of
target; masks of the size of the images are enough. Between one and two pixels in a
hundred are hit, so the accuracy of pixels says little, and ranking says more.
"""

# %%
# Images (n, 1, 32, 32) and masks (n, 32, 32) of 0 and 1. Stars are blurred by the air,
# rays are not.

import matplotlib.pyplot as plt
import numpy as np
import scipy.ndimage
from matplotlib.colors import to_rgba
from matplotlib.patches import Patch
from sklearn.metrics import average_precision_score, roc_auc_score

from sklearn_pare import PaReClassifier
from sklearn_pare.datasets import make_cosmic_rays

X, y = make_cosmic_rays(200, size=32, random_state=0)
X_train, X_test, y_train, y_test = X[:160], X[160:], y[:160], y[160:]
print(f"X {X.shape}, y {y.shape}, {y.mean():.2%} of all pixels are hit")

# %%
# The estimator puts out one probability for each class and pixel, (n, 2, 32, 32).
# Left alone, it trains for 150 steps of 8 images.

clf = PaReClassifier(random_state=0).fit(X_train, y_train)
probability = clf.predict_proba(X_test)[:, 1]
mask = clf.predict(X_test)
print(f"accuracy of pixels {clf.score(X_test, y_test):.4f}")
print(f"no ray anywhere    {1 - y_test.mean():.4f}")

# %%
# What one would try first: pixels that stand out from the median of their neighbours.

residual = X_test[:, 0] - scipy.ndimage.median_filter(X_test[:, 0], (1, 5, 5))
scores = {"PaReClassifier": probability, "median filter": residual}
for name, score in scores.items():
    auroc = roc_auc_score(y_test.ravel(), score.ravel())
    precision = average_precision_score(y_test.ravel(), score.ravel())
    print(f"{name:<15} pixel AUROC {auroc:.4f}, average precision {precision:.3f}")

# %%
# Three images of the test: as they are, with the pixels that were hit, and with those
# that were found, missed and wrongly marked.

ray, found, missed, wrong = "C9", "C2", "C1", "C3"


def overlay(ax, image, masks):
    """An image in grey, and the pixels of each mask in its colour."""
    ax.imshow(np.arcsinh(image), cmap="gray", vmin=-2, vmax=4)
    for color, where in masks:
        ax.imshow(np.where(where[..., None], to_rgba(color), 0.0))


fig, axes = plt.subplots(
    3, 3, figsize=(8.5, 8.8), layout="constrained", sharex=True, sharey=True
)
for row, line in enumerate(axes):
    image, truth, own = X_test[row, 0], y_test[row] == 1, mask[row] == 1
    verdict = [(found, truth & own), (missed, truth & ~own), (wrong, own & ~truth)]
    for ax, masks in zip(line, ([], [(ray, truth)], verdict), strict=True):
        overlay(ax, image, masks)
    line[0].set_ylabel(f"test row {row}")
axes[0, 0].set(xticks=[], yticks=[])
for ax, title in zip(axes[0], ("image", "truth", "prediction"), strict=True):
    ax.set_title(title)
words = {"ray": ray, "found": found, "missed": missed, "wrongly marked": wrong}
handles = [Patch(color=color, label=word) for word, color in words.items()]
fig.legend(handles=handles, loc="outside lower center", ncols=4)
plt.show()
