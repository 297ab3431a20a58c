"""scikit-learn's checks, and ours, on every estimator and guise."""

import json
import os

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.utils.estimator_checks import (
    check_estimator,
    estimator_checks_generator,
    parametrize_with_checks,
)

from sklearn_pare import PaReClassifier, PaReRegressor
from tests.common.expected_failures import expected_failures
from tests.common.instances import GUISES, instances, tiny

# The checks set n_iter_no_change of every estimator that has it.
pytestmark = pytest.mark.filterwarnings("ignore:Arguments that .* n_iter_no_change")
KINDS = (PaReClassifier, PaReRegressor)
guises = pytest.mark.parametrize(
    "estimator",
    list(instances()),
    ids=[f"{k.__name__}-{g}" for k in KINDS for g in GUISES],
)


CHECKS = parametrize_with_checks(
    list(instances()), expected_failed_checks=expected_failures
)


# scikit-learn before 1.8 gives a generator, which pytest 9 takes no more.
@pytest.mark.parametrize(CHECKS.args[0], list(CHECKS.args[1]), **CHECKS.kwargs)
def test_scikit_learn_check(estimator, check):
    check(estimator)


@pytest.mark.skipif(
    "SCIPY_ARRAY_API" not in os.environ,
    reason="scikit-learn skips its array API check without SCIPY_ARRAY_API=1; "
    "`make test` sets it",
)
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "estimator",
    [
        PaReClassifier(max_epochs=1, batch_size=64, random_state=0),
        PaReRegressor(max_epochs=1, batch_size=64, random_state=0),
    ],
    ids=["classifier", "regressor"],
)
def test_check_estimator__bundled_backbone__no_failure_no_skip(estimator):
    results = check_estimator(
        estimator,
        expected_failed_checks=expected_failures(estimator),
        on_fail=None,
        on_skip=None,
    )
    bad = [r for r in results if r["status"] not in ("passed", "xfail")]
    assert [(r["check_name"], r["status"], r["exception"]) for r in bad] == []
    found = {r["check_name"] for r in results if r["status"] == "xfail"}
    assert found == expected_failures(estimator).keys()


def _data(estimator, digits):
    X, y = digits
    return X, y if isinstance(estimator, PaReClassifier) else X[:, 20] + X[:, 30]


@guises
def test_fit__leaves_data_and_global_state_alone(estimator, digits):
    X, y = _data(estimator, digits)
    X, y = X.copy(), y.copy()
    before = X.copy(), y.copy()
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002  the global state is the subject
    expected = torch.rand(2), np.random.rand(2)  # noqa: NPY002
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002
    threads = torch.get_num_threads()
    estimator = clone(estimator).fit(X, y)
    estimator.predict(X)
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])
    assert torch.equal(torch.rand(2), expected[0])
    np.testing.assert_array_equal(np.random.rand(2), expected[1])  # noqa: NPY002
    assert torch.get_num_threads() == threads


@guises
def test_predict__row_alone_shuffled_or_in_other_company__same_bits(estimator, digits):
    X, y = _data(estimator, digits)
    estimator = clone(estimator).fit(X, y)
    outputs = estimator._outputs(X)
    order = np.random.default_rng(0).permutation(len(X))
    np.testing.assert_array_equal(estimator._outputs(X[order]), outputs[order])
    np.testing.assert_array_equal(estimator._outputs(X[:77]), outputs[:77])
    alone = np.concatenate([estimator._outputs(row[None]) for row in X[:9]])
    np.testing.assert_array_equal(alone, outputs[:9])


@guises
def test_parameters__are_json(estimator):
    assert json.loads(json.dumps(estimator.get_params()))


@pytest.mark.parametrize("kind", KINDS)
def test_constructor__keyword_only(kind):
    with pytest.raises(TypeError, match="positional"):
        kind("pare-tiny")


@pytest.mark.parametrize("kind", KINDS)
def test_repr__short(kind):
    assert len(repr(tiny(kind))) < 500


def test_number_of_checks__not_silently_none():
    # A tag set wrongly makes the generator yield nothing.
    assert len(list(estimator_checks_generator(PaReClassifier()))) > 60
    assert len(list(estimator_checks_generator(PaReRegressor()))) > 50
