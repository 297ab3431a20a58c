import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from sklearn.datasets import load_digits

from sklearn_pare import PaReClassifier
from tests.common.instances import tiny


@pytest.fixture(autouse=True)
def _no_windows():
    backend = mpl.get_backend()
    plt.switch_backend("agg")
    yield
    plt.close("all")
    plt.switch_backend(backend)


@pytest.fixture(scope="package")
def digits_fit():
    X, y = load_digits(return_X_y=True)
    settings = {"input_shape": (1, 8, 8), "max_epochs": 3, "selector": "gate"}
    return tiny(PaReClassifier, **settings).fit(X[:90], y[:90]), X[:90], y[:90]
