"""
A training that is cut off and goes on
======================================

With ``checkpoint_dir`` a fit leaves its whole state on the disk after each epoch. Here
Ctrl-C cuts it off; begun again, it ends where a training ends that nobody disturbed, to
the bit.
"""

# %%
# A callback of scikit-learn's protocol plays the user who loses patience after the
# fourth epoch. A kill or a power cut would do as well.

import tempfile

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits

from sklearn_pare import PaReClassifier


class CtrlC:
    """Raises KeyboardInterrupt in the fifth epoch."""

    def setup(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        if context.task_name == "epoch" and context.task_id == 4:
            raise KeyboardInterrupt

    def on_fit_task_end(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass


X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = X[:100], X[100:], y[:100], y[100:]
undisturbed = PaReClassifier(input_shape=(1, 8, 8), max_epochs=9, random_state=0)
undisturbed.fit(X, y)

# %%
# The same with checkpoints, cut off, and begun again: the second call runs the five
# epochs that are missing.

with tempfile.TemporaryDirectory() as folder:
    disturbed = clone(undisturbed).set_params(checkpoint_dir=folder)
    try:
        clone(disturbed).set_callbacks(CtrlC()).fit(X, y)
    except KeyboardInterrupt:
        print("cut off in epoch 5")
    disturbed.fit(X, y)

one, other = (clf.predict_proba(X_test) for clf in (undisturbed, disturbed))
print("same probabilities to the bit:", np.array_equal(one, other))

# %%
# The losses lie on one line. What the history says of the first four epochs comes out
# of the checkpoint.

figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
epochs = np.arange(1, 10)
loss = [row["train_loss"] for row in undisturbed.history_]
again = [row["train_loss"] for row in disturbed.history_]
axes.plot(epochs, loss, color="0.75", lw=6, label="undisturbed")
axes.plot(epochs[:4], again[:4], "o-", label="before Ctrl-C")
axes.plot(epochs[4:], again[4:], "s-", label="begun again")
axes.axvline(4.5, color="k", ls=":")
axes.set(xlabel="epoch", ylabel="training loss")
axes.legend()
plt.show()
