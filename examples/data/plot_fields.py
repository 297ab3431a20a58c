"""
Flow through a porous square
============================

In this example the target is a field, a number at every pixel: the pressure of a fluid
in a porous medium. The only input is the permeability of the medium. The pressure is
determined by the equations of Darcy flow, which a numerical method solves for each
medium. Here :class:`~sklearn_pare.PaReRegressor` learns from 120 solutions to predict
the pressure directly. It is compared with ridge regression.
"""

# %%
# Each medium consists of two kinds of rock. ``X`` has an axis of channels, (n, 1, 16,
# 16). ``y`` and the prediction have no such axis, (n, 16, 16).

import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import train_test_split

from sklearn_pare import PaReRegressor
from sklearn_pare.datasets import make_darcy

X, y = make_darcy(160, size=16, medium="two-valued", random_state=0)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=120, random_state=0
)
print(f"X {X.shape}, y {y.shape}")

# %%
# By default, fields are predicted by a decoder without a pretrained backbone. The loss
# is the relative L2 error of each standardised sample. The following function computes
# this error for the test samples, without standardisation. The fit has 15 epochs, or
# about 200 steps, to keep this example short. The default is at least 1,200 steps.


def relative_l2(y, prediction):
    """Mean over samples of |prediction - y| / |y|."""
    error = np.square(prediction - y).sum((1, 2)) / np.square(y).sum((1, 2))
    return np.sqrt(error).mean()


start = time.perf_counter()
reg = PaReRegressor(max_epochs=15, random_state=0).fit(X_train, y_train)
seconds = time.perf_counter() - start
prediction = reg.predict(X_test)
print(f"PaReRegressor  relative L2 {relative_l2(y_test, prediction):.3f}")
print(f"               R2          {reg.score(X_test, y_test):.3f}")
print(f"               fit in {seconds:.0f} s")

# %%
# For ridge regression, the pixels of the medium are the features, and the pixels of the
# field are the targets.

ridge = RidgeCV(np.logspace(-3, 5, 17))
ridge.fit(X_train.reshape(120, -1), y_train.reshape(120, -1))
linear = ridge.predict(X_test.reshape(40, -1)).reshape(y_test.shape)
print(f"RidgeCV        relative L2 {relative_l2(y_test, linear):.3f}")

# %%
# The figure shows three test samples. The true pressure and the prediction have the
# same colour scale. The two plots of errors have another common colour scale.

errors = {"error": prediction - y_test, "error of ridge": linear - y_test}
largest = max(abs(error[:3]).max() for error in errors.values())
top = y_test[:3].max()
fig, axes = plt.subplots(
    3, 5, figsize=(10, 6), layout="constrained", sharex=True, sharey=True
)
for sample, line in enumerate(axes):
    rock = line[0].imshow(X_test[sample, 0], cmap="cividis")
    for ax, field in zip(line[1:3], (y_test, prediction), strict=True):
        pressure = ax.imshow(field[sample], vmin=0, vmax=top, cmap="viridis")
    for ax, error in zip(line[3:], errors.values(), strict=True):
        left = ax.imshow(error[sample], vmin=-largest, vmax=largest, cmap="RdBu")
    line[0].set_ylabel(f"test sample {sample}")
axes[0, 0].set(xticks=[], yticks=[])
titles = ["medium", "pressure", "prediction", *errors]
for ax, title in zip(axes[0], titles, strict=True):
    ax.set_title(title)
bar = fig.colorbar(rock, ax=axes[:, 0], location="bottom", shrink=0.9, ticks=[3, 12])
bar.set_label("permeability")
fig.colorbar(pressure, ax=axes[:, 1:3], location="bottom", label="pressure", shrink=0.6)
fig.colorbar(
    left, ax=axes[:, 3:], location="bottom", label="prediction - truth", shrink=0.6
)
plt.show()
