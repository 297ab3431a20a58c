"""Types of samples and targets, and errors for those that cannot be used."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_array
from sklearn.utils._param_validation import InvalidParameterError

from sklearn_pare.exceptions import DataError
from sklearn_pare.otdd import Alignment, check_targets, dataset_distance
from tests.otdd.data import clusters


def test_tokens__mean_and_images__flat():
    rng = np.random.default_rng(0)
    X, Z = rng.normal(size=(20, 5, 3)), rng.normal(size=(15, 7, 3))
    assert dataset_distance(X, None, Z, None) == dataset_distance(
        X.mean(1), None, Z.mean(1), None
    )
    X, Z = rng.normal(size=(20, 2, 3, 3)), rng.normal(size=(15, 2, 3, 3))
    assert dataset_distance(X, None, Z, None) == dataset_distance(
        X.reshape(20, 18), None, Z.reshape(15, 18), None
    )


def test_real_targets__ten_quantile_classes():
    X, _ = clusters(0, 100)
    Z, z = clusters(1)
    y = np.random.default_rng(2).normal(size=100)
    bins = np.argsort(np.argsort(y)) // 10
    assert dataset_distance(X, y, Z, z) == pytest.approx(
        dataset_distance(X, bins, Z, z), rel=1e-12
    )


def test_dense_targets__clusters():
    X, y = clusters(0)
    Z, z = clusters(1)
    # Fields are the same within a class, so that k-means finds the classes.
    fields = np.random.default_rng(2).normal(size=(4, 6, 6))[y]
    assert dataset_distance(X, fields, Z, z) == pytest.approx(
        dataset_distance(X, y, Z, z), rel=1e-12
    )
    assert dataset_distance(X, fields, X, fields) <= 1e-6


_X = np.arange(12.0).reshape(6, 2)
_Y = [0, 1, 0, 1, 0, 1]
_MIXED = np.array(["a", 1] * 3, object)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((_X, _Y, _X[:, :1], _Y), r"X_a has 2 features and X_b has 1.*embed"),
        ((_X, _Y, _X[:1], _Y[:1]), r"X_b.*with 1 sample.*minimum of 2"),
        ((_X, [0, 1, np.nan, 1, 0, 1], _X, _Y), r"y_a holds nan in sample 2.*drop"),
        ((_X, _Y, _X, ["a", None] * 3), r"y_b holds None in sample 1.*drop"),
        ((_X, _Y, _X, _Y[:5]), r"X_b has 6 samples and y_b has 5.*length 6"),
        ((_X, 3, _X, _Y), r"X_a has 6 samples and y_a has no.*length 6"),
        ((_X, _MIXED, _X, _Y), r"y_a mixes classes.*astype\(str\)"),
        ((_X - [np.inf, 0], _Y, _X, _Y), r"X_a holds -inf at \(0, 0\).*finite"),
        ((_X[:, 0], _Y, _X, _Y), r"X_a.*Expected 2D array.*reshape\(-1, 1\)"),
        ((_X[:, :0], _Y, _X, _Y), r"X_a has shape \(6, 0\).*at least 1"),
        ((_X * 1j, _Y, _X, _Y), r"X_a.*Complex data not supported"),
        (([["a"], ["b"]], None, _X, _Y), r"X_a.*convert string to float: 'a'"),
        ((csr_array(_X), _Y, _X, _Y), r"X_a.*\.toarray\(\)"),
        ((np.ones((6, 0, 3)), _Y, _X, _Y), r"X_a has shape \(6, 0, 3\).*at least 1"),
    ],
)
def test_bad_input__says_what_to_do(arguments, message):
    with pytest.raises(DataError, match=f"(?s){message}"):
        dataset_distance(*arguments)


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        (
            {"inner": "bures"},
            r"'inner' parameter of dataset_distance.*'gaussian'.*Got 'bures'",
        ),
        ({"max_samples": 1}, r"'max_samples' .*in the range \[2, inf\).*Got 1"),
        ({"max_samples": 3.5}, r"'max_samples'.*int.*Got 3.5"),
    ],
)
def test_bad_choices__state_the_allowed_ones(choices, message):
    with pytest.raises(InvalidParameterError, match=message):
        dataset_distance(_X, _Y, _X, _Y, **choices)
    with pytest.raises(InvalidParameterError, match="of Alignment must"):
        Alignment(_X, _Y, **choices)


@pytest.mark.parametrize("missing", [None, np.nan, np.float32("nan"), pd.NA, pd.NaT])
def test_check_targets__missing_value__found_among_classes(missing):
    y = np.array([["a", "b"], ["c", missing]], object)
    with pytest.raises(DataError, match=r"y_source holds .* in sample 1.*drop"):
        check_targets(y, 2, "X_source", "y_source")


def test_check_targets__missing_time__found():
    with pytest.raises(DataError, match="y holds NaT in sample 1"):
        check_targets(np.array(["2020-01-01", "NaT"], "datetime64[D]"), 2)


def test_input__stays_as_it_is_and_is_not_shared():
    X = np.arange(12.0).reshape(6, 2)
    alignment, features = Alignment(X, None), torch.from_numpy(X.copy())
    before = alignment.loss(features).item()
    X += np.arange(6.0)[:, None]
    assert alignment.loss(features).item() == before
