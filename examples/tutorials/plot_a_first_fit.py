"""
A first fit
===========

What fit prints, what a notebook shows of a fitted estimator, and a picture of the
predictions. Reading this page takes three minutes, and running it half a minute on two
cores.
"""

# %%
# The data are images of digits, of 8 x 8 pixels each, as flat samples of 64 numbers:
# 300 to train on, and 1,497 for the test.

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

from sklearn_pare import PaReClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=300, stratify=y, random_state=0
)

# %%
# What fit prints
# ---------------
#
# ``input_shape`` says that each sample is an image with one channel. All other
# arguments but ``verbose`` and ``random_state`` have their default values.

clf = PaReClassifier(input_shape=(1, 8, 8), verbose=1, random_state=0)
clf.fit(X_train, y_train)

# %%
# The first line says how ``X`` and ``y`` were read. Check it. The lines of the epochs
# have the loss on clean samples, the loss on samples of which a part was replaced, the
# duration, and the time that is left. The last lines are also the attribute
# ``fit_report_``.
#
# What a notebook shows
# ---------------------
#
# The diagram at the end of the output is what a notebook shows of the estimator: the
# shape of its input, its backbone, the network's share in the predictions, and the
# time of the fit. A click on the triangle opens the list of arguments, one on the
# question mark the documentation.
#
# The verdict
# -----------
#
# A network that needs seconds to fit has to be better than a model that needs none:

print(f"PaRe  accuracy {clf.score(X_test, y_test):.3f}")
print(f"SVC   accuracy {SVC().fit(X_train, y_train).score(X_test, y_test):.3f}")

# %%
# The first wrong predictions among the test samples:

predicted = clf.predict(X_test)
wrong = (predicted != y_test).nonzero()[0][:8]
fig, axes = plt.subplots(1, 8, figsize=(8, 1.6), layout="constrained")
for ax in axes:
    ax.set_axis_off()
for ax, i in zip(axes, wrong, strict=False):
    ax.imshow(X_test[i].reshape(8, 8), cmap="gray_r")
    ax.set_title(f"{y_test[i]} read as {predicted[i]}", fontsize=8)
plt.show()
