"""
Heart beats
===========

The task is to distinguish five kinds of simulated electrocardiogram (ECG), with 150
labelled signals. The first part shows which windows of a signal PaRe replaces by tokens
of the source during training. The second part compares
:class:`~sklearn_pare.PaReClassifier` with two scikit-learn classifiers, class by class.
"""

# %%
# The signals have one channel and 256 positions. The default backbone for signals,
# "pare-signal", splits each of them into 64 windows.

import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from sklearn_pare import PaReClassifier
from sklearn_pare.datasets import make_ecg
from sklearn_pare.inspection import PatchReplacementDisplay

X, y = make_ecg(400, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=150, stratify=y, random_state=0
)
names = ["normal", "irregular", "premature", "raised ST", "peaked T"]

# %%
# By default, the estimator adds the outputs of a linear model, the linear path, to
# those of the network. The first fit uses the network alone. It has 16 epochs (48
# steps), about a third of the default.

start = time.perf_counter()
network = PaReClassifier(linear_path=False, max_epochs=16, random_state=0)
network.fit(X_train, y_train)
times = {"PaRe, network alone": time.perf_counter() - start}

# %%
# In each training step, half of the signals of a batch are mixed: windows at random
# positions are replaced by the windows of a source signal, as in the following figures.
# In the second half of training, the windows of another training signal may take the
# place of those of the source signal. In the first step 60 % of the windows are
# replaced, and in the last step 10 %.

beat = X_test[y_test == 2][:1]
for fraction in (0.6, 0.1):
    PatchReplacementDisplay.from_estimator(
        network, beat, fraction=fraction, random_state=0
    )
plt.show()

# %%
# The second fit has a linear path, as by default. The linear path uses thousands of
# features of the signal. The outputs of the network are multiplied by a factor, its
# share, before they are added. The share is chosen on held-out samples, and may be 0.
# ``fit_report_`` states what the linear path and the network contribute.

start = time.perf_counter()
clf = PaReClassifier(max_epochs=20, random_state=0).fit(X_train, y_train)
times["PaReClassifier"] = time.perf_counter() - start
print(clf.fit_report_)

# %%
# The two scikit-learn classifiers are a support vector machine on the values of the
# signal, and a logistic regression on the power of the signal at 129 frequencies. The
# power does not depend on the position at which a beat begins.


def power(X):
    """Compute the logarithm of the power at each frequency."""
    return np.log(np.abs(np.fft.rfft(X)) ** 2 + 1e-3)


peers = {
    "SVC": make_pipeline(StandardScaler(), SVC()),
    "spectrum + LogisticRegression": make_pipeline(
        FunctionTransformer(power), StandardScaler(), PCA(30), LogisticRegression()
    ),
}
predictions = {
    "PaReClassifier": clf.predict(X_test),
    "PaRe, network alone": network.predict(X_test),
}
for name, peer in peers.items():
    start = time.perf_counter()
    peer.fit(X_train[:, 0], y_train)
    times[name] = time.perf_counter() - start
    predictions[name] = peer.predict(X_test[:, 0])

for name, prediction in predictions.items():
    accuracy = np.mean(prediction == y_test)
    print(f"{name:<30} accuracy {accuracy:.3f}, fit in {times[name]:5.1f} s")

# %%
# The figure shows the recall of each class.

fig, ax = plt.subplots(figsize=(9, 3.8), layout="constrained")
places = np.arange(len(names))
for shift, (name, prediction) in enumerate(predictions.items()):
    recall = recall_score(y_test, prediction, average=None)
    bars = ax.bar(places + 0.21 * (shift - 1.5), recall, width=0.2, label=name)
    ax.bar_label(bars, fmt="%.2f", padding=2, fontsize="small")
ax.set_xticks(places, names)
ax.set(ylim=(0, 1.4), ylabel="recall")
ax.set_yticks(np.linspace(0, 1, 6))
ax.set_title("150 training signals, 250 test signals")
ax.legend(loc="upper center", ncols=2)
plt.show()
