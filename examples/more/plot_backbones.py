"""
One task, two backbones
=======================

The argument ``backbone`` is the name of the pretrained transformer that is fine-tuned.
Here the task is to distinguish five rhythms of a simulated ECG, with 150 labelled
signals. The small backbone "pare-tiny", which is part of the package, is compared with
a vision transformer from timm. The pretrained weights of the vision transformer would
have to be downloaded. It is therefore trained from scratch, that is, from random
weights (``pretrained=False``). "pare-tiny" is trained in both ways, to show the effect
of its pretraining on images drawn from formulas.
"""

# %%
# The signals have one channel and 256 positions.
import matplotlib.pyplot as plt
from sklearn.model_selection import train_test_split

from sklearn_pare import PaReClassifier
from sklearn_pare.datasets import make_ecg

X, y = make_ecg(450, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=150, stratify=y, random_state=0
)

# %%
# The signals can be used unchanged with both backbones. "pare-tiny" always has 64
# tokens. For the vision transformer, the number of tokens depends on the length of the
# signals, and ``max_tokens`` in its name sets an upper limit. The linear model of the
# estimator is switched off (``linear_path=False``), so that predictions come from the
# networks alone. The fits have 20 epochs, to keep this example short.
backbones = {
    "pare-tiny": {"backbone": "pare-tiny"},
    "pare-tiny\nfrom scratch": {"backbone": "pare-tiny", "pretrained": False},
    "timm:test_vit\nfrom scratch": {
        "backbone": "timm:test_vit?max_tokens=64",
        "pretrained": False,
    },
}
scores = {}
for name, settings in backbones.items():
    classifier = PaReClassifier(
        linear_path=False, max_epochs=20, random_state=0, **settings
    )
    classifier.fit(X_train, y_train)
    scores[name] = classifier.score(X_test, y_test)
    tokens = classifier.n_tokens_
    print(f"{name!r}: accuracy {scores[name]:.3f} with {tokens} tokens")

# %%
# The plots show one signal of each rhythm, and the accuracy of each backbone on 300
# test signals.
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for rhythm in range(5):
    signal = X_test[y_test == rhythm][0, 0]
    left.plot(signal / abs(signal).max() - 1.5 * rhythm, color="C0", linewidth=1)
left.set(xlabel="position", yticks=[-1.5 * r for r in range(5)])
left.set_yticklabels([f"class {r}" for r in range(5)])
left.set_title("one signal of each class")
bars = right.barh(list(scores), list(scores.values()), color=["C1", "C0", "C0"])
right.bar_label(bars, fmt="%.2f", padding=3)
right.axvline(0.2, color="0.6", linestyle="--", linewidth=1)
right.text(0.21, 2.55, "random guess", color="0.4", fontsize="small")
right.set(xlabel="accuracy", xlim=(0, 1), ylim=(2.8, -0.6))
right.set_title("150 training signals")
plt.show()
