"""
Backbones that were pretrained on photographs, text and molecules
=================================================================

A backbone can have been pretrained on data of any kind. Here three such backbones are
compared with "pare-tiny", which is part of the package: a ViT-S of photographs, MiniLM
of English, and rxnfp of chemical reactions. The task is to recognise 14 faces by their
outlines, each of which is a signal of 131 values (FacesUCR of the UCR archive). There
are 300 labelled signals. All arguments but ``backbone`` have their default values,
except that the linear path is switched off, so that the backbones predict alone.
"""

# %%
# The weights and the signals are contained in packages, which ``make real`` installs.
# Where they are missing, this example shows the recorded fits of ``python -m studies
# backbones`` without fitting anything. Run it in a clone of the repository.

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import studies
from sklearn_pare import PaReClassifier
from sklearn_pare.benchmarks import lines
from studies import real

try:
    X, X_test, y, y_test = real.TASKS["FacesUCR-300"].split(0)
    classifier = PaReClassifier(
        backbone=real.BACKBONES["MiniLM"](), linear_path=False, random_state=0
    )
    classifier.fit(X, y)
    print(f"MiniLM: accuracy {classifier.score(X_test, y_test):.3f} on this machine")
except ModuleNotFoundError as error:
    print(error)

# %%
# The left bars are the errors with pretrained weights, and the right bars those of the
# same backbones with random weights, as means over the recorded splits.

fits = [
    fit
    for fit in lines.read(Path(studies.__file__).parent / "results" / "backbones.jsonl")
    if fit["task"] == "FacesUCR-300"
]
names = list(real.BACKBONES)
places = np.arange(len(names))
fig, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
labels = {"pare-alone": "pretrained", "scratch-alone": "random weights"}
for side, (method, label) in zip((-0.2, 0.2), labels.items(), strict=True):
    errors = [
        [
            fit["error"]
            for fit in fits
            if (fit["backbone"], fit["method"]) == (n, method)
        ]
        for n in names
    ]
    bars = ax.bar(places + side, [np.mean(e) for e in errors], 0.38, label=label)
    ax.bar_label(bars, fmt="%.3f", padding=2, fontsize="small")
ax.set(xticks=places, xticklabels=names, ylabel="error on 500 test signals")
ax.margins(y=0.12)
ax.legend(loc="upper left")
plt.show()
