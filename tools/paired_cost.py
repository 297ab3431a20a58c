"""CPU time of default fits and predictions in two checkouts, in turn.

Each run is a process of its own on one thread, which fits 300 digits and 300 rows of a
table and predicts 1,000 samples. The ratios are those of neighbouring runs::

    python -m tools.paired_cost OLD_TREE NEW_TREE --pairs 5
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

_RUN = """
import json, time, warnings
import numpy as np
import torch
from sklearn.datasets import load_digits, make_friedman1
from sklearn_pare import PaReClassifier, PaReRegressor

torch.set_num_threads(1)
warnings.simplefilter("ignore")
X, y = load_digits(return_X_y=True)
images = PaReClassifier(input_shape=(1, 8, 8), random_state=0), X, y
table = (PaReRegressor(random_state=0), *make_friedman1(1300, n_features=20))
found = {}
for name, (estimator, X, y) in {"digits": images, "table": table}.items():
    for step, call in {
        "fit": lambda: estimator.fit(X[:300], y[:300]),
        "predict": lambda: [estimator.predict(X[300:1300]) for _ in range(3)],
    }.items():
        start = time.process_time()
        call()
        found[f"{name}, {step}"] = time.process_time() - start
print(json.dumps(found))
"""


def run(tree):
    """Return the CPU seconds of each step in a new process: name -> float."""
    found = subprocess.run(
        [sys.executable, "-c", _RUN],
        env=os.environ | {"PYTHONPATH": str(tree.resolve()), "OMP_NUM_THREADS": "1"},
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(found.stdout)


def main(argv=None):
    """Print the medians of the seconds and of the ratios as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--pairs", type=int, default=5)
    arguments = parser.parse_args(argv)
    pairs = []
    for number in range(arguments.pairs):
        trees = [arguments.old, arguments.new]
        # A machine that becomes slower favours neither of them.
        order = trees if number % 2 == 0 else trees[::-1]
        found = {tree: run(tree) for tree in order}
        pairs.append([found[tree] for tree in trees])
    print("| step | old, s | new, s | new / old |\n|---|---|---|---|")
    for step in pairs[0][0]:
        old, new = ([pair[side][step] for pair in pairs] for side in (0, 1))
        ratio = median(b / a for a, b in zip(old, new, strict=True))
        print(f"| {step} | {median(old):.2f} | {median(new):.2f} | {ratio:.3f} |")


if __name__ == "__main__":
    main()
