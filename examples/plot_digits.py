"""
Digits with 300 labels
======================

A backbone that was pretrained on images drawn from formulas is fine-tuned on 300 labelled
digits of 8 x 8 pixels; the other 1,497 are for testing. PaRe stands next to two
controls on the same backbone, naive fine-tuning (no tokens replaced) and training from
scratch (fresh weights), and next to the better of two classifiers of scikit-learn.
"""

# %%
# The data: flat rows of 64 pixels. ``input_shape`` tells that a row is an image.

import time
from pathlib import Path

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

from sklearn_pare import PaReClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=300, stratify=y, random_state=0
)

# %%
# PaRe and its controls differ in constructor arguments only. The test rows are given
# as ``X_val`` to draw curves; nothing is chosen by them: the last weights are kept.

settings = {
    "PaRe": {},
    "naive fine-tuning": {"mix_start": 0.0, "mix_end": 0.0},
    "from scratch": {"mix_start": 0.0, "mix_end": 0.0, "pretrained": False},
}
fitted, lines = {}, []
for name, arguments in settings.items():
    start = time.perf_counter()
    clf = PaReClassifier(input_shape=(1, 8, 8), random_state=0, **arguments)
    clf.fit(X_train, y_train, X_val=X_test, y_val=y_test)
    seconds = time.perf_counter() - start
    nll = log_loss(y_test, clf.predict_proba(X_test))
    lines.append((name, clf.score(X_test, y_test), f"{nll:.3f}", seconds))
    fitted[name] = clf

# %%
# Two classifiers of scikit-learn with their defaults; the better one is shown.

peers = []
for peer in (SVC(), RandomForestClassifier(random_state=0)):
    start = time.perf_counter()
    peer.fit(X_train, y_train)
    seconds = time.perf_counter() - start
    peers.append((type(peer).__name__, peer.score(X_test, y_test), "-", seconds))
lines.append(max(peers, key=lambda line: line[1]))

print(f"{'300 training rows':<24}{'accuracy':>10}{'NLL':>8}{'seconds':>10}")
for name, accuracy, nll, seconds in lines:
    print(f"{name:<24}{accuracy:>10.4f}{nll:>8}{seconds:>10.1f}")

# %%
# Left, the curriculum: the fraction of tokens that come from the source falls with
# every step, and the loss on mixed rows falls as they come to look like digits. Right,
# the accuracy on the test rows after each epoch.

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
history = fitted["PaRe"].history_
epochs = [row["epoch"] for row in history]
left.plot(epochs, [row["target_loss"] for row in history], label="loss, clean rows")
left.plot(
    epochs, [row["mixed_target_loss"] for row in history], label="loss, mixed rows"
)
left.set(xlabel="epoch", ylabel="cross-entropy", title="Curriculum of PaRe")
fraction = left.twinx()
fraction.plot(
    epochs, [row["mix_fraction"] for row in history], "k:", label="fraction replaced"
)
fraction.set(ylabel="fraction of tokens from the source", ylim=(0, 1))
handles = [*left.get_lines(), *fraction.get_lines()]
left.legend(handles, [line.get_label() for line in handles], loc="upper right")

for name, clf in fitted.items():
    scores = [row["valid_score"] for row in clf.history_]
    right.plot(epochs, scores, label=f"{name} ({scores[-1]:.3f})")
right.axhline(
    lines[-1][1], color="grey", ls="--", label=f"{lines[-1][0]} ({lines[-1][1]:.3f})"
)
right.set(xlabel="epoch", ylabel="accuracy on test rows", ylim=(0.6, 1.0))
right.set_title("300 digits to learn from")
right.legend(loc="lower right")

# %%
# Run as a script (``make demo``), the picture is saved in the working directory.

if "__file__" in globals():
    path = Path("digits.png")
    fig.savefig(path, dpi=120)
    print(f"picture: {path.resolve()}")
plt.show()
