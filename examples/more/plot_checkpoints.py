"""
Resuming an interrupted fit
===========================

With ``checkpoint_dir``, the complete state of training is written to disk after each
epoch. In this example a fit is interrupted and then resumed. The result is bitwise
identical to that of an uninterrupted fit.
"""

# %%
# A scikit-learn callback (scikit-learn 1.9 or newer) simulates a user who presses
# Ctrl-C after the fourth epoch. After a power failure, or if the process was killed,
# the fit can be resumed in the same way.

import tempfile

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits

from sklearn_pare import PaReClassifier


class CtrlC:
    """Raise KeyboardInterrupt in the fifth epoch."""

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
uninterrupted = PaReClassifier(input_shape=(1, 8, 8), max_epochs=9, random_state=0)
uninterrupted.fit(X, y)

# %%
# The same fit with checkpoints is interrupted. The second call of ``fit`` resumes it
# and runs only the remaining five epochs.

with tempfile.TemporaryDirectory() as folder:
    resumed = clone(uninterrupted).set_params(checkpoint_dir=folder)
    try:
        clone(resumed).set_callbacks(CtrlC()).fit(X, y)
    except KeyboardInterrupt:
        print("interrupted in epoch 5")
    resumed.fit(X, y)

probabilities = [clf.predict_proba(X_test) for clf in (uninterrupted, resumed)]
print("bitwise identical probabilities:", np.array_equal(*probabilities))

# %%
# The uninterrupted fit and the resumed fit have the same losses. The history of the
# first four epochs was restored from the checkpoint.

figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
epochs = np.arange(1, 10)
loss = [entry["train_loss"] for entry in uninterrupted.history_]
again = [entry["train_loss"] for entry in resumed.history_]
axes.plot(epochs, loss, color="0.75", lw=6, label="uninterrupted")
axes.plot(epochs[:4], again[:4], "o-", label="before Ctrl-C")
axes.plot(epochs[4:], again[4:], "s-", label="resumed")
axes.axvline(4.5, color="k", ls=":")
axes.set(xlabel="epoch", ylabel="training loss")
axes.legend()
plt.show()
