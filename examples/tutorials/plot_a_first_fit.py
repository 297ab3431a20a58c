"""
A first fit
===========

This tutorial fits a classifier to images of digits. It explains the output of ``fit``
and the diagram of a fitted estimator in a notebook, and plots predictions. Reading this
page takes three minutes, and running it takes half a minute on two cores.
"""

# %%
# The data are images of digits with 8 x 8 pixels. Each sample is a flat vector of 64
# numbers. There are 300 training samples and 1,497 test samples.

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
# The output of fit
# -----------------
#
# ``input_shape`` says that each sample is an image with one channel. All other
# arguments except ``verbose`` and ``random_state`` have their default values.

clf = PaReClassifier(input_shape=(1, 8, 8), verbose=1, random_state=0)
clf.fit(X_train, y_train)

# %%
# The first line says how ``X`` and ``y`` were read. Always check it. There is a line
# for each epoch. It shows the loss on clean samples, the loss on mixed samples (a part
# of each was replaced), the duration, and the remaining time. The last lines are also
# available as the attribute ``fit_report_``.
#
# The diagram in a notebook
# -------------------------
#
# A notebook shows a fitted estimator as the diagram at the end of the output. It
# contains the shape of the input, the backbone, the network's share in the predictions,
# and the time of the fit. Click on the triangle to see the arguments, and on the
# question mark to open the documentation.
#
# A comparison
# ------------
#
# The fit of the network takes some time, so its accuracy should be higher than that of
# a classifier that is fitted in less than a second:

print(f"PaRe  accuracy {clf.score(X_test, y_test):.3f}")
print(f"SVC   accuracy {SVC().fit(X_train, y_train).score(X_test, y_test):.3f}")

# %%
# The figure shows the first test samples with wrong predictions:

predicted = clf.predict(X_test)
wrong = (predicted != y_test).nonzero()[0][:8]
fig, axes = plt.subplots(1, 8, figsize=(8, 1.6), layout="constrained")
for ax in axes:
    ax.set_axis_off()
for ax, i in zip(axes, wrong, strict=False):
    ax.imshow(X_test[i].reshape(8, 8), cmap="gray_r")
    ax.set_title(f"{y_test[i]} read as {predicted[i]}", fontsize=8)
plt.show()
