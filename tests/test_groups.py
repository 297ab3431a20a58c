"""Groups of samples, such as windows of one patient: what fit holds out are others."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn import config_context
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare._base import _BasePaRe
from sklearn_pare._data.splits import grouped_folds
from sklearn_pare.nn.linear_path import FeatureGroups, LinearPath
from sklearn_pare.training import linear_path
from tests.common.instances import tiny
from tests.training.test_linear_path import Columns

N_PATIENTS, N_WINDOWS = 12, 8
GROUPS = np.repeat(np.arange(N_PATIENTS), N_WINDOWS)


@pytest.fixture
def windows(rng):
    """Windows that show who the patient is, and nothing of the patient's class."""
    patients = 3 * rng.normal(size=(N_PATIENTS, 6))
    X = patients[GROUPS] + 0.1 * rng.normal(size=(len(GROUPS), 6))
    y = rng.permutation(np.arange(N_PATIENTS) % 2)[GROUPS]
    return X, y


@pytest.fixture
def held_out(monkeypatch):
    """Groups of the samples that a fit trains on, and of those that it holds out.

    The first number of each sample must be its group.
    """
    seen = []
    keep = _BasePaRe._keep

    def spy(self, network, *args, **kwargs):
        prepared = network.prepared
        seen[:] = prepared.rows, prepared.valid_rows or prepared.share_rows
        return keep(self, network, *args, **kwargs)

    def parts():
        firsts = [rows.x.flatten(1)[:, 0] for rows in seen]
        # Standardised numbers keep their order.
        _, groups = torch.unique(torch.cat(firsts), return_inverse=True)
        return [set(part.tolist()) for part in groups.split([*map(len, firsts)])]

    monkeypatch.setattr(_BasePaRe, "_keep", spy)
    return parts


_EARLY = {"early_stopping": True, "validation_fraction": 0.2}
CASES = {
    "early stopping": (PaReClassifier, _EARLY),
    "network share": (PaReClassifier, {}),
    "early stopping of numbers": (PaReRegressor, _EARLY),
    "network share of numbers": (PaReRegressor, {}),
    "no linear path": (PaReClassifier, _EARLY | {"linear_path": False}),
}


@pytest.mark.parametrize("case", CASES)
def test_fit__groups__hold_outs_are_other_groups(case, windows, held_out):
    kind, settings = CASES[case]
    X, y = windows
    X[:, 0] = GROUPS
    estimator = tiny(kind, max_epochs=1, **settings)
    estimator.fit(X, y, groups=GROUPS)
    kept, others = held_out()
    assert not kept & others
    assert len(kept | others) == N_PATIENTS
    estimator.fit(X, y)
    kept, others = held_out()
    assert kept & others


def test_fit__groups_of_signals_images_fields_and_masks__hold_outs_are_other_groups(
    rng, held_out
):
    for shape, kind in [
        ((2, 16), PaReClassifier), ((1, 8, 8), PaReRegressor),
        ((2, 16), PaReRegressor), ((1, 8, 8), PaReClassifier),
    ]:  # fmt: skip
        X = rng.normal(size=(len(GROUPS), *shape))
        X.reshape(len(X), -1)[:, 0] = GROUPS
        y = X[:, 0] if kind is PaReRegressor else (X[:, 0] > 0).astype(int)
        estimator = tiny(kind, max_epochs=1, early_stopping=True, source=None)
        estimator.fit(X, y, groups=GROUPS.astype(str))
        kept, others = held_out()
        assert not kept & others


def test_early_stopping__windows_of_one_patient__score_is_that_of_new_patients(rng):
    groups = np.repeat(np.arange(40), 4)
    X = 3 * rng.normal(size=(40, 6))[groups] + 0.1 * rng.normal(size=(160, 6))
    y = rng.permutation(np.arange(40) % 2)[groups]
    clf = tiny(
        PaReClassifier,
        source=None,
        early_stopping=True,
        max_epochs=30,
        validation_fraction=0.3,
    )
    alone = clf.fit(X, y).history_[-1]["valid_score"]
    assert alone > 0.9
    assert clf.fit(X, y, groups=groups).history_[-1]["valid_score"] < 0.75


@pytest.mark.parametrize("weighted", [False, True])
def test_linear_path__groups__values_predicted_from_other_groups(weighted, rng):
    X = rng.normal(size=(60, 4))
    y = X @ rng.normal(size=(4, 3)) + rng.normal(size=(60, 3))
    weight = rng.uniform(0.2, 3, 60) if weighted else np.ones(60)
    groups = np.repeat(np.arange(10), 6)
    path = LinearPath(FeatureGroups({"all": Columns(4)}), (3,))
    offset = linear_path.fit_linear_path(
        path, torch.tensor(X, dtype=torch.float32), y, weight, "values", groups
    )
    Z = (X - X.mean(0)) / X.std(0) / 2
    folds = grouped_folds(None, groups, 5)
    made = {}
    for alpha in linear_path._ALPHAS:
        made[alpha] = np.empty_like(y)
        for kept, held in folds:
            ridge = Ridge(alpha).fit(Z[kept], y[kept], weight[kept])
            made[alpha][held] = ridge.predict(Z[held])

    def error(alpha):
        return np.average(((y - made[alpha]) ** 2).mean(1), weights=weight)

    best = min(made, key=error)
    np.testing.assert_allclose(offset, made[best], atol=1e-4)
    whole = Ridge(best).fit(Z, y, weight).predict(Z)
    np.testing.assert_allclose(
        path(torch.tensor(X, dtype=torch.float32)), whole, atol=1e-4
    )


@pytest.mark.parametrize("n_columns", [4, 200], ids=["likelihood", "least squares"])
@pytest.mark.parametrize("one_class_each", [False, True])
def test_linear_path__groups__classes_predicted_from_other_groups(
    n_columns, one_class_each, rng
):
    groups = np.repeat(np.arange(6), 10)
    # With one class per group no fold has all classes.
    codes = groups // 2 if one_class_each else np.arange(60) % 3
    code = rng.normal(size=(6, n_columns))
    X = code[groups] + 0.01 * rng.normal(size=(60, n_columns))
    path = LinearPath(FeatureGroups({"all": Columns(n_columns)}), (3,))
    x = torch.tensor(X, dtype=torch.float32)
    grouped, alone = (
        linear_path.fit_linear_path(path, x, codes, np.ones(60), "classes", own)
        for own in (groups, None)
    )
    right, right_alone = ((o.argmax(1) == codes).mean() for o in (grouped, alone))
    if one_class_each:
        assert right_alone > 0.9
        assert right < 0.7
    else:
        assert right <= 0.5


def test_groups__samples_without_weight__left_out_together(windows):
    X, y = windows
    weight = (np.arange(len(X)) % 5 > 0).astype(float)
    kept = weight > 0
    settings = {"early_stopping": True, "max_epochs": 1}
    some = tiny(PaReClassifier, **settings).fit(X, y, weight, groups=GROUPS)
    other = tiny(PaReClassifier, **settings).fit(X[kept], y[kept], groups=GROUPS[kept])
    np.testing.assert_array_equal(some.predict_proba(X), other.predict_proba(X))


@pytest.mark.parametrize("kind", ["array", "list", "series", "text"])
def test_groups__kinds_of_entries__one_result(kind, windows):
    X, y = windows
    groups = {
        "array": GROUPS.astype(np.int8),
        "list": GROUPS.tolist(),
        "series": pd.Series(GROUPS, dtype="Int64"),
        "text": [f"patient {number:02d}" for number in GROUPS],
    }[kind]
    settings = {"early_stopping": True, "max_epochs": 1}
    found, expected = (
        tiny(PaReClassifier, **settings).fit(X, y, groups=own).predict_proba(X)
        for own in (groups, GROUPS)
    )
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("piped", [False, True])
def test_groups__by_metadata_routing__reach_fit(piped, windows, monkeypatch):
    X, y = windows
    seen = []
    check = _BasePaRe._check_data

    def spy(self, X, y, sample_weight, groups, *others):
        seen.append(groups)
        return check(self, X, y, sample_weight, groups, *others)

    monkeypatch.setattr(_BasePaRe, "_check_data", spy)
    with config_context(enable_metadata_routing=True):
        clf = tiny(PaReClassifier, max_epochs=1).set_fit_request(groups=True)
        clf = make_pipeline(StandardScaler(), clf) if piped else clf
        found = cross_validate(
            clf, X, y, cv=GroupKFold(3), params={"groups": GROUPS}, error_score="raise"
        )
    assert len(found["test_score"]) == 3
    assert [len(set(groups)) for groups in seen] == [8, 8, 8]


def test_groups__checkpoint_of_other_groups__refused(windows, tmp_path):
    X, y = windows
    clf = tiny(PaReClassifier, max_epochs=1, checkpoint_dir=tmp_path)
    clf.fit(X, y, groups=GROUPS)
    with pytest.raises(ValueError, match="groups"):
        clf.fit(X, y, groups=GROUPS // 2)


FEW = {
    # groups, y, settings
    "two": (np.repeat([0, 1], 48), GROUPS % 2, {"early_stopping": True}),
    "two, numbers": (np.repeat([0, 1], 48), GROUPS / 3, {"early_stopping": True}),
    "two, no early stopping": (np.repeat([0, 1], 48), GROUPS % 2, {}),
    "three": (np.repeat([0, 1, 2], 32), np.arange(96) % 2, {"early_stopping": True}),
    "one is most": (np.r_[0, 1, [2] * 94], np.arange(96) % 3, {}),
    "as many as samples": (np.arange(96), GROUPS % 2, {"early_stopping": True}),
}


@pytest.mark.parametrize("case", FEW)
def test_groups__few_or_many__works(case, windows):
    groups, y, settings = FEW[case]
    kind = PaReRegressor if "numbers" in case else PaReClassifier
    estimator = tiny(kind, max_epochs=1, **settings).fit(windows[0], y, groups=groups)
    assert len(estimator.predict(windows[0])) == len(y)


def test_groups__all_weight_in_one__error(windows):
    X, y = windows
    weight = (GROUPS == 3).astype(float)
    weight[-1] = 0
    y[GROUPS == 3] = np.arange(N_WINDOWS) % 2
    with pytest.raises(ValueError, match="one group only"):
        tiny(PaReClassifier, max_epochs=1).fit(X, y, weight, groups=GROUPS)


@pytest.mark.parametrize("linear_path", [True, False])
def test_groups__class_of_the_only_group_that_can_be_held_out__warning(
    linear_path, windows
):
    groups = np.repeat([0, 1], 48)
    y = np.where(groups == 1, 2, np.arange(96) % 2)
    y[0] = 3
    clf = tiny(
        PaReClassifier, max_epochs=1, early_stopping=True, linear_path=linear_path
    )
    with pytest.warns(UserWarning, match="held out as a whole and cannot be learned"):
        clf.fit(windows[0], y, groups=groups)
    assert clf.predict_proba(windows[0]).shape == (96, 4)


def test_early_stopping__class_of_one_sample__is_kept_for_training(windows):
    X, _ = windows
    y = np.r_[np.arange(95) % 2, 2]
    clf = tiny(
        PaReClassifier, max_epochs=1, early_stopping=True, validation_fraction=0.3
    )
    with pytest.warns(UserWarning, match="without stratification"):
        clf.fit(X, y)
    assert clf.predict_proba(X).shape == (96, 3)
