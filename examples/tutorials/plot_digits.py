"""
Digits with 300 labels
======================

A backbone that was pretrained on images of formulas is fine-tuned on 300 labelled
digits of 8 x 8 pixels. The remaining 1,497 digits form the test set. PaRe, which
replaces tokens of the digits by tokens of images of formulas, is compared with naive
fine-tuning of the same backbone, which replaces no tokens. The better of two
scikit-learn classifiers is shown as well.
"""

# %%
# In this data set each sample is a flat vector of 64 pixels. The argument
# ``input_shape`` states that the samples are images.

import time
from pathlib import Path

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

from sklearn_pare import PaReClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=300, stratify=y, random_state=0
)

# %%
# PaRe and naive fine-tuning differ only in their constructor arguments. The first 128
# of the test samples are also passed as ``X_val``, so that a score is recorded after
# each epoch. They do not influence the result, because the weights after the last epoch
# are used. The fits have 20 epochs instead of the default of 30, to keep this example
# short.

settings = {
    "PaRe": {},
    "naive fine-tuning": {"mix_start": 0.0, "mix_end": 0.0},
}
fitted, results = {}, []
for name, arguments in settings.items():
    start = time.perf_counter()
    clf = PaReClassifier(
        input_shape=(1, 8, 8), max_epochs=20, random_state=0, **arguments
    )
    clf.fit(X_train, y_train, X_val=X_test[:128], y_val=y_test[:128])
    seconds = time.perf_counter() - start
    probabilities = clf.predict_proba(X_test)
    nll = log_loss(y_test, probabilities)
    accuracy = accuracy_score(y_test, clf.classes_[probabilities.argmax(1)])
    results.append((name, accuracy, f"{nll:.3f}", seconds))
    fitted[name] = clf

# %%
# Two scikit-learn classifiers are fitted with default arguments. The one with the
# higher test accuracy is shown.

peers = []
for peer in (SVC(), RandomForestClassifier(random_state=0)):
    start = time.perf_counter()
    peer.fit(X_train, y_train)
    seconds = time.perf_counter() - start
    peers.append((type(peer).__name__, peer.score(X_test, y_test), "-", seconds))
results.append(max(peers, key=lambda result: result[1]))

print(f"{'300 training samples':<24}{'accuracy':>10}{'NLL':>8}{'seconds':>10}")
for name, accuracy, nll, seconds in results:
    print(f"{name:<24}{accuracy:>10.4f}{nll:>8}{seconds:>10.1f}")

# %%
# The plots on the left show the curriculum of PaRe. The fraction of tokens that are
# replaced decreases with every step. The loss on mixed samples decreases, because they
# become more similar to clean samples. It rises once, after half of the epochs: from
# then on, tokens are taken from other digits in place of images of formulas. The plot
# on the right shows the accuracy on the 128 samples of ``X_val`` after each epoch, and
# as a dashed line the accuracy of the scikit-learn classifier on all test samples. One
# of 128 samples counts 0.008, so small differences say little.

fig = plt.figure(figsize=(10.5, 4.2), layout="constrained")
axes = fig.subplot_mosaic(
    [["loss", "score"], ["fraction", "score"]], height_ratios=[2, 1]
)
left, fraction, right = axes["loss"], axes["fraction"], axes["score"]
history = fitted["PaRe"].history_
epochs = [entry["epoch"] for entry in history]
left.plot(epochs, [entry["target_loss"] for entry in history], label="clean samples")
left.plot(
    epochs,
    [entry["mixed_target_loss"] for entry in history],
    label="mixed samples",
)
left.set(ylabel="cross-entropy", title="Curriculum of PaRe")
left.legend(loc="upper right")
fraction.plot(epochs, [entry["mix_fraction"] for entry in history], color="C3")
fraction.set(xlabel="epoch", ylabel="fraction\nreplaced", ylim=(0, 1))

for name, clf in fitted.items():
    scores = [entry["valid_score"] for entry in clf.history_]
    right.plot(epochs, scores, label=name)
name, accuracy = results[-1][:2]
right.axhline(accuracy, color="grey", ls="--", label=name)
right.set(xlabel="epoch", ylabel="accuracy", ylim=(0.6, 1.0))
right.set_title("128 test digits")
for ax in axes.values():
    ax.set_xticks(range(0, 21, 5))
right.legend(loc="lower right")

# %%
# When this file is run as a script, for example by ``make demo``, the figure is saved
# in the working directory.

if "__file__" in globals():
    path = Path("digits.png")
    fig.savefig(path, dpi=100)
    print(f"picture: {path.resolve()}")
plt.show()
