"""
Cosmic rays in telescope images
===============================

In this example the target is a mask, that is, one class per pixel.
:class:`~sklearn_pare.PaReClassifier` learns from 160 images and their masks to mark the
pixels that were hit by cosmic rays. The estimator recognises from the shape of ``y``
that the targets are masks. Only 1 to 2 % of the pixels are hit, so the accuracy is high
even if no hit is found. Scores that rank the pixels are used instead.
"""

# %%
# The images have the shape (n, 1, 32, 32), and the masks (n, 32, 32) contain 0 and 1.
# Stars are blurred by the atmosphere, but cosmic rays are not.

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
# ``predict_proba`` returns one probability per class and pixel, (n, 2, 32, 32). By
# default, the estimator is trained for at least 150 steps with 8 images each.

clf = PaReClassifier(random_state=0).fit(X_train, y_train)
probability = clf.predict_proba(X_test)[:, 1]
mask = clf.predict(X_test)
print(f"accuracy of pixels {clf.score(X_test, y_test):.4f}")
print(f"no ray anywhere    {1 - y_test.mean():.4f}")

# %%
# A simple alternative is a median filter. Its score is the difference between a pixel
# and the median of its neighbourhood.

residual = X_test[:, 0] - scipy.ndimage.median_filter(X_test[:, 0], (1, 5, 5))
scores = {"PaReClassifier": probability, "median filter": residual}
for name, score in scores.items():
    auroc = roc_auc_score(y_test.ravel(), score.ravel())
    precision = average_precision_score(y_test.ravel(), score.ravel())
    print(f"{name:<15} pixel AUROC {auroc:.4f}, average precision {precision:.3f}")

# %%
# Each row of the figure shows one test image three times: without marks, with the
# pixels that were hit, and with the pixels that the estimator found, missed or wrongly
# marked.

ray, found, missed, wrong = "#56B4E9", "#009E73", "#E69F00", "#D55E00"


def overlay(ax, image, masks):
    """Plot an image in grey, and the pixels of each mask in its colour."""
    ax.imshow(np.arcsinh(image), cmap="gray", vmin=-2, vmax=4)
    for color, where in masks:
        ax.imshow(np.where(where[..., None], to_rgba(color), 0.0))


fig, axes = plt.subplots(
    3, 3, figsize=(8.5, 8.8), layout="constrained", sharex=True, sharey=True
)
for sample, line in enumerate(axes):
    image, truth = X_test[sample, 0], y_test[sample] == 1
    predicted = mask[sample] == 1
    result = [
        (found, truth & predicted),
        (missed, truth & ~predicted),
        (wrong, predicted & ~truth),
    ]
    for ax, masks in zip(line, ([], [(ray, truth)], result), strict=True):
        overlay(ax, image, masks)
    line[0].set_ylabel(f"test sample {sample}")
axes[0, 0].set(xticks=[], yticks=[])
for ax, title in zip(axes[0], ("image", "truth", "prediction"), strict=True):
    ax.set_title(title)
colors = {"ray": ray, "found": found, "missed": missed, "wrongly marked": wrong}
handles = [Patch(color=color, label=label) for label, color in colors.items()]
fig.legend(handles=handles, loc="outside lower center", ncols=4)
plt.show()
