import pytest

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.benchmarks import METHODS
from sklearn_pare.benchmarks.methods import arguments_of


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("kind", [PaReClassifier, PaReRegressor])
def test_methods__valid_arguments_of_both_estimators(name, kind):
    kind(**arguments_of(name, kind))._validate_params()


def test_methods__numbers__no_smoothed_labels():
    assert METHODS["nft-smoothing"].items() > METHODS["nft"].items()
    assert arguments_of("nft-smoothing", PaReClassifier) == METHODS["nft-smoothing"]
    assert arguments_of("nft-smoothing", PaReRegressor) == METHODS["nft"]
