"""
Sources and controls
====================

During training, PaRe mixes half of the samples: some of their tokens are replaced by
tokens of a source. This example first shows images that are drawn from formulas. With
the backbone "pare-tiny", such images are the default source in the first half of
training. The example then compares six values of the argument ``source`` on 100
labelled digits. These values are the formulas, a pair of arrays, the digits themselves,
white noise, one learned token, and None.
"""

# %%
# There are 2,048 formulas in seven families. Each formula is a class, and each row of
# the figure shows ten classes of one family. The source "formula" has ten of the 2,048
# classes, which the backbone recognises from few tokens. The source "formula:all" has
# all of them. ``render(..., simple=0.0)`` draws all images in colour.

import time

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from sklearn_pare import PaReClassifier
from sklearn_pare.sources import formula

families = {
    "contours": 640,
    "fractals": 480,
    "waves": 240,
    "spectra": 96,
    "heaps": 112,
    "signals": 288,
    "fields": 192,
}
generator = torch.Generator().manual_seed(0)
fig, axes = plt.subplots(7, 10, figsize=(10, 7.4), layout="constrained")
first = 0
for line, (name, n_classes) in zip(axes, families.items(), strict=True):
    labels = torch.linspace(first, first + n_classes - 1, len(line)).long()
    images = formula.render(labels, generator, simple=0.0)
    for ax, image in zip(line, images.permute(0, 2, 3, 1), strict=True):
        ax.imshow((formula.STD * image + formula.MEAN).clamp(0, 1))
        ax.set(xticks=[], yticks=[])
    line[0].set_ylabel(f"{name}\n({n_classes})")
    first += n_classes
fig.suptitle("Ten classes of each family of formulas")

# %%
# The arrays contain 400 noisy sine waves, whose class is their frequency. The sine
# waves are signals, but the digits are images. This is possible because tokens are
# replaced, and tokens have the same length for all kinds of data.

rng = np.random.default_rng(0)
y_sines = rng.integers(8, size=400)
phase = rng.uniform(0, 2 * np.pi, size=(400, 1))
time_axis = np.linspace(0, 2 * np.pi, 256)
X_sines = np.sin((y_sines[:, None] + 1) * time_axis + phase)
X_sines = (X_sines + 0.2 * rng.normal(size=X_sines.shape))[:, None, :]

# %%
# The task has 100 training digits and 600 test digits. The fits have the same number of
# epochs, the same seed and the same other arguments, and differ only in their source.

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=100, test_size=600, stratify=y, random_state=0
)
settings = {
    '"formula"': "formula",
    "arrays (sines)": (X_sines, y_sines),
    '"self"': "self",
    '"noise"': "noise",
    '"mask-token"': "mask-token",
    "None": None,
}
results = []
for name, source in settings.items():
    start = time.perf_counter()
    clf = PaReClassifier(
        source=source, input_shape=(1, 8, 8), max_epochs=15, random_state=0
    )
    clf.fit(X_train, y_train)
    seconds = time.perf_counter() - start
    probabilities = clf.predict_proba(X_test)
    accuracy = np.mean(clf.classes_[probabilities.argmax(1)] == y_test)
    results.append((name, accuracy, log_loss(y_test, probabilities), seconds))

print(f"{'source':<16}{'accuracy':>10}{'NLL':>8}{'seconds':>10}")
for name, accuracy, nll, seconds in results:
    print(f"{name:<16}{accuracy:>10.4f}{nll:>8.3f}{seconds:>10.1f}")

# %%
# If None is worse than the other sources, mixing helps. If, in addition, "formula" is
# better than "noise" and "mask-token", the content of the source helps. Otherwise, it
# is enough to hide a part of each sample. With 100 samples and one seed, differences of
# one or two percent can be random. Repeat the comparison with other seeds before you
# draw conclusions.

fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
names, accuracies, *_ = zip(*results, strict=True)
bars = ax.barh(names[::-1], accuracies[::-1])
ax.bar_label(bars, fmt="%.3f", padding=3)
ax.set(xlim=(0, 1.1), xlabel="accuracy on 600 digits", title="100 training digits")
plt.show()
