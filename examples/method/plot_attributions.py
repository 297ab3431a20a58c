"""
Which pixels make an 8 out of a 3
=================================

A fitted estimator has its network as a torch module, `module_`, so that any method for
torch can be applied to it. In this example, integrated gradients (Sundararajan et al.,
ICML 2017), written in a few lines of torch, show which pixels of a digit speak for an 8
and which for a 3. The permutation of patches then shows which places matter for the
accuracy.
"""

# %%
# The module takes encoded samples, which ``encode`` returns. Its outputs are those of
# ``decision_function``: here the log-odds of the second class, 8. They are the same up
# to rounding, because the precision of the fit is that of the module, float32.

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
# Integrated gradients follow the straight line from a baseline, here the mean of the
# training images, to the sample. The attribution of a pixel is its distance from the
# baseline, multiplied by the mean gradient along this line. The attributions of a
# sample add up to the difference between its output and that of the baseline.


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
# Red pixels speak for an 8, blue ones for a 3. The strokes on the left, which close the
# loops of an 8, have the largest attributions; in a 3 their place is empty.

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
# The permutation of patches asks about the test set as a whole. Each patch of 2 x 2
# pixels in turn is exchanged at random between the digits, and the figure shows by how
# much the score falls. The score is the negative log-loss, which changes before the
# accuracy does. Again the patches on the left matter most.

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
