"""Fits that are interrupted, and changes of their checkpoints."""

import json

import numpy as np

from sklearn_pare import _safetensors
from sklearn_pare.training.net import PaReNet

TABLE = np.random.default_rng(0).normal(size=(40, 5))
CLASSES = np.where(
    TABLE[:, 0] + 0.3 * np.random.default_rng(1).normal(size=40) > 0, "up", "down"
)
IMAGES = np.random.default_rng(2).normal(size=(22, 1, 8, 8)).astype(np.float32)
MORE = np.random.default_rng(3).normal(size=(30, 5))


class Stop:
    """Raise KeyboardInterrupt before a step of the training, and count the steps."""

    def __init__(self, monkeypatch):
        self.seen, self.at = 0, None
        step = PaReNet.train_step_single

        def cut(net, batch, **kwargs):
            if self.seen == self.at:
                raise KeyboardInterrupt
            self.seen += 1
            return step(net, batch, **kwargs)

        monkeypatch.setattr(PaReNet, "train_step_single", cut)

    def before(self, step):
        """Stop before a step, counted from 0, or never if None."""
        self.seen, self.at = 0, step


def fresh(estimator, folder):
    """Return an unfitted copy with another `checkpoint_dir`."""
    return type(estimator)(**estimator.get_params() | {"checkpoint_dir": folder})


def edit_checkpoints(folder, edit):
    """Change description and arrays of all checkpoints; their hashes are right."""
    for path in folder.glob("*.safetensors"):
        arrays, text = _safetensors.read(path)
        described = json.loads(text)
        edit(described, arrays)
        _safetensors.write(path, arrays, json.dumps(described))
