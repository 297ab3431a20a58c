import json

import numpy as np
import pytest

from sklearn_pare import PaReClassifier, _safetensors
from tests.common.instances import tiny


@pytest.fixture(scope="module")
def fitted(digits):
    """A classifier of digits with the bundled backbone."""
    X, y = digits
    clf = PaReClassifier(input_shape=(1, 8, 8), max_epochs=1, random_state=0)
    return clf.fit(X, y)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Path, arrays and description of a small model of a table, and the table."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 5))
    clf = tiny(PaReClassifier, max_epochs=1).fit(X, np.where(X[:, 0] > 0, "up", "down"))
    path = tmp_path_factory.mktemp("saved") / "model.pare"
    clf.save(path)
    arrays, text = _safetensors.read(path)
    return path, arrays, json.loads(text), X
