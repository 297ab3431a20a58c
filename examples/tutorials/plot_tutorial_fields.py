"""
From one field to another
=========================

You have pairs of fields from a simulation, for instance the states of a system now and
later. You want a model that predicts the second field from the first one in
milliseconds. Reading this page takes five minutes, and running it takes one minute on
two cores.
"""

# %%
# The data
# --------
#
# Two substances, an activator and an inhibitor, react and diffuse in a square. ``X`` is
# the state at the beginning, and ``y`` the state five units of time later. Both have
# two channels, one per substance, on a grid of 24 x 24 cells.

import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import train_test_split

from sklearn_pare import PaReRegressor, metrics
from sklearn_pare.datasets import make_diffusion_reaction_2d
from sklearn_pare.inspection import FieldDisplay

X, y = make_diffusion_reaction_2d(180, size=24, random_state=0)
print(f"X {X.shape}, y {y.shape}")
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=40, random_state=0)

# %%
# The fit
# -------
#
# The estimator recognises a field by the shape of ``y``: it has the same axes as ``X``.
# By default, fields are learned by a decoder alone, without a pretrained backbone. The
# fit has ten epochs, to keep this page short. The default is about seven times as many,
# which gives a lower error. With ``verbose=1``, ``fit`` prints how the data were read,
# and the remaining time.

reg = PaReRegressor(max_epochs=10, random_state=0, verbose=1)
reg.fit(X_train, y_train)

# %%
# Truth, prediction, error
# ------------------------
#
# Truth and prediction have the same colour scale, and all errors have another one. Look
# for patterns in the errors. If they are along edges, details are blurred. If all of
# them have the same sign, the level of the prediction is wrong.

FieldDisplay.from_estimator(reg, X_test, y_test, channel=0)
plt.show()

# %%
# The same for the second substance:

FieldDisplay.from_estimator(reg, X_test, y_test, channel=1, n_samples=2)
plt.show()

# %%
# A comparison
# ------------
#
# An error means little by itself. Here it is compared with the errors of two simple
# predictions: the unchanged input, and the output of a ridge regression, whose features
# are all values of ``X`` and whose targets are all values of ``y``.

start = time.perf_counter()
predicted = reg.predict(X_test)
milliseconds = 1e3 * (time.perf_counter() - start) / len(X_test)
ridge = RidgeCV(np.logspace(-3, 5, 9))
ridge.fit(X_train.reshape(len(X_train), -1), y_train.reshape(len(y_train), -1))
linear = ridge.predict(X_test.reshape(len(X_test), -1)).reshape(y_test.shape)
answers = {"nothing changes": X_test, "ridge": linear, "PaReRegressor": predicted}
errors = {name: metrics.relative_l2(y_test, answer) for name, answer in answers.items()}
for name, error in errors.items():
    print(f"{name:<16} relative L2 error {error:.3f}")
print(f"one prediction takes {milliseconds:.1f} ms")

fig, ax = plt.subplots(figsize=(6, 2.4), layout="constrained")
bars = ax.barh(list(errors), list(errors.values()), color="#0072B2")
ax.bar_label(bars, fmt="%.3f", padding=3)
ax.set(xlabel="relative L2 error, 40 test samples")
ax.margins(x=0.12)
plt.show()

# %%
# Next steps
# ----------
#
# More epochs (``max_epochs``) lower the error further. To use a given time, such as ten
# minutes, set ``max_time=600`` and a large number of epochs, such as
# ``max_epochs=10_000``. A backbone that you name, such as ``backbone="pare-tiny"``, is
# used in the last quarter of the steps. Fields are not mixed by default, because mixing
# did not lower the errors. To try it on your data, set ``mix_start=0.6``.
# ``reg.save("fields.pare")`` saves the model, which can be loaded on any machine.
