"""Tasks that are fitted in milliseconds."""

from functools import partial

import pytest
from sklearn.datasets import load_diabetes, load_iris, load_wine

from studies.suites import Task
from tests.common.tiny import NAME

TINY = {"backbone": NAME, "max_epochs": 1, "linear_path": False}


@pytest.fixture
def wine():
    """Wine, with logistic regression as peer."""
    peers = {"linear": "StandardScaler + LogisticRegression"}
    load = partial(load_wine, return_X_y=True)
    return Task("wine", load, 40, settings=dict(TINY), peers=peers)


@pytest.fixture
def iris():
    load = partial(load_iris, return_X_y=True)
    return Task("iris", load, 40, settings=dict(TINY), peers={"linear": "SVC"})


@pytest.fixture
def diabetes():
    load = partial(load_diabetes, return_X_y=True)
    return Task("diabetes", load, 40, "R2", dict(TINY), {"ridge": "ridge"})
