"""
Which pixels make an 8 out of a 3
=================================

The attribute `module_` of a fitted estimator is its network as a torch module. Methods
that are written for torch can be applied to it. In this example, the estimator
distinguishes the digits 3 and 8. Integrated gradients (Sundararajan et al., ICML 2017),
written in a few lines of torch, show which pixels of a digit increase the probability
of an 8, and which increase that of a 3. The permutation of patches then shows which
parts of the images matter for the score on the test set.
"""

# %%
# The module takes encoded samples, which the method ``encode`` returns. The module has
# the same outputs as ``decision_function``, here the log-odds of the second class, 8.
# They are the same up to rounding because the fit has the same precision as the module,
# float32.

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_pare import PaReClassifier
from sklearn_pare.inspection import PermutationImportanceDisplay

X, y = load_digits(return_X_y=True)
chosen = np.isin(y, [3, 8])
X_train, X_test, y_train, y_test = train_test_split(
    X[chosen], y[chosen], train_size=160, stratify=y[chosen], random_state=0
)
clf = PaReClassifier(
    input_shape=(1, 8, 8), max_epochs=15, precision="fp32", random_state=0
).fit(X_train, y_train)
print(f"accuracy {clf.score(X_test, y_test):.3f}")

module, x = clf.module_, clf.encode(X_test)
with torch.no_grad():
    difference = module(x).numpy() - clf.decision_function(X_test)
print(f"largest difference from decision_function: {np.abs(difference).max():.1e}")

# %%
# Integrated gradients are computed along the straight line from a baseline, here the
# mean of the training images, to the sample. The attribution of a pixel is the
# difference between the sample and the baseline at this pixel, multiplied by the mean
# gradient along the line. The attributions of a sample add up to the difference between
# the output for the sample and the output for the baseline.


def integrated_gradients(module, x, baseline, n_steps=32):
    """Return the attribution of each number of one encoded sample."""
    steps = (torch.arange(n_steps) + 0.5) / n_steps
    line = baseline + steps.reshape(-1, 1, 1, 1) * (x - baseline)
    line.requires_grad_()
    (gradient,) = torch.autograd.grad(module(line).sum(), line)
    return (x - baseline) * gradient.mean(0)


baseline = clf.encode(X_train).mean(0)
shown = [*np.flatnonzero(y_test == 3)[:3], *np.flatnonzero(y_test == 8)[:3]]
attributions = [integrated_gradients(module, x[i], baseline).numpy() for i in shown]
with torch.no_grad():
    outputs = module(torch.stack([baseline, *x[shown]])).numpy()
for i, attribution, output in zip(shown, attributions, outputs[1:], strict=True):
    print(
        f"digit {y_test[i]}: log-odds of 8 {output:6.2f}, "
        f"baseline and attributions {outputs[0] + attribution.sum():6.2f}"
    )

# %%
# Red pixels increase the log-odds of an 8, and blue pixels those of a 3. The strokes on
# the left, which close the loops of an 8, have the largest attributions. In a 3, these
# pixels are empty.

most = np.abs(attributions).max()
fig, axes = plt.subplots(2, len(shown), figsize=(9, 3.6), layout="constrained")
for (top, bottom), i, attribution in zip(axes.T, shown, attributions, strict=True):
    top.imshow(X_test[i].reshape(8, 8), cmap="gray_r")
    top.set_title(f"a {y_test[i]}")
    image = bottom.imshow(attribution[0], cmap="RdBu_r", vmin=-most, vmax=most)
for ax in axes.flat:
    ax.set(xticks=[], yticks=[])
fig.colorbar(image, ax=axes[1], label="log-odds of 8")
plt.show()

# %%
# The importance of patches is computed for the test set as a whole. One patch of 2 x 2
# pixels at a time is exchanged at random between the digits, and the figure shows by
# how much the score decreases. The score is the negative log-loss, which also shows
# changes that do not change the accuracy. Again the patches on the left matter most.

display = PermutationImportanceDisplay.from_estimator(
    clf,
    X_test,
    y_test,
    by="patch",
    n_parts=4,
    n_repeats=3,
    scoring="neg_log_loss",
    random_state=0,
)
display.ax_.set_title("3 or 8")
plt.show()
