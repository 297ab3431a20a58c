"""
The same task with two backbones
=============================

One string changes the backbone. Here a simulated ECG, five rhythms with 150 labelled
records, is learnt by the small backbone that comes with the package and by a vision
transformer of timm. The weights of the latter would have to be fetched, so it starts
from scratch here, ``pretrained=False``, as does the small backbone for comparison: the
difference between the first two lines is what pretraining on formulas is worth.
"""

# %%
# Records of one channel and 256 samples, split once.
import matplotlib.pyplot as plt
from sklearn.model_selection import train_test_split

from sklearn_pare import PaReClassifier
from sklearn_pare.datasets import make_ecg

X, y = make_ecg(450, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=150, stratify=y, random_state=0
)

# %%
# Both backbones take the records as they are. Each cuts them into its own tokens: the
# small backbone always has 64, the other as many as suit the length, at most `max_tokens`.
backbones = {
    "pare-tiny": {},
    "pare-tiny\nfrom scratch": {"pretrained": False},
    "timm:test_vit\nfrom scratch": {
        "backbone": "timm:test_vit",
        "pretrained": False,
        "max_tokens": 64,
    },
}
scores = {}
for name, settings in backbones.items():
    classifier = PaReClassifier(random_state=0, **settings).fit(X_train, y_train)
    scores[name] = classifier.score(X_test, y_test)
    tokens = classifier.n_tokens_
    print(f"{name!r}: accuracy {scores[name]:.3f} with {tokens} tokens")

# %%
# One record of each rhythm, and the accuracy of each backbone on 300 records.
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for rhythm in range(5):
    record = X_test[y_test == rhythm][0, 0]
    left.plot(record / abs(record).max() - 1.5 * rhythm, color="C0", linewidth=1)
left.set(xlabel="sample", yticks=[-1.5 * r for r in range(5)])
left.set_yticklabels([f"class {r}" for r in range(5)])
left.set_title("one record of each class")
bars = right.barh(list(scores), list(scores.values()), color=["C1", "C0", "C0"])
right.bar_label(bars, fmt="%.2f", padding=3)
right.axvline(0.2, color="0.6", linestyle="--", linewidth=1)
right.text(0.21, 2.55, "chance", color="0.4", fontsize="small")
right.set(xlabel="accuracy", xlim=(0, 1), ylim=(2.8, -0.6))
right.set_title("150 records to train on")
plt.show()
