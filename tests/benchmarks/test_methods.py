import pytest

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.benchmarks import METHODS


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("kind", [PaReClassifier, PaReRegressor])
def test_methods__valid_arguments_of_both_estimators(name, kind):
    kind(**METHODS[name])._validate_params()
