"""The second start of a training run whose loss does not fall."""

import warnings

import numpy as np
import pytest

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.training import recipe
from tests.common.instances import tiny
from tests.training.interrupted import CLASSES, TABLE, fresh
from tests.training.same import assert_same_fit

# Ten steps per epoch: the second start is after the first. In bfloat16, too high rates
# may end in infinite losses.
SETTINGS = {
    "lr": "auto",
    "max_epochs": 10,
    "batch_size": 4,
    "linear_path": False,
    "precision": "fp32",
}
WORDS = r"In the first \d+ steps, with lr=30, .* did not fall: .* over with lr=10\. To"


@pytest.fixture
def too_high(monkeypatch):
    """A learning rate of "auto" with which nothing can be learned."""
    monkeypatch.setattr(recipe, "_RATE", 30.0)


def _rates(estimator):
    return [row["lr"] for row in estimator.history_]


def test_loss_that_does_not_fall__the_other_epochs_at_a_third_of_the_rate(too_high):
    with pytest.warns(UserWarning, match=WORDS):
        clf = tiny(PaReClassifier, **SETTINGS).fit(TABLE, CLASSES)
    # The same schedule as a fit of these epochs alone would have.
    shorter = tiny(PaReClassifier, **(SETTINGS | {"lr": 10.0, "max_epochs": 9}))
    np.testing.assert_allclose(_rates(clf)[1:], _rates(shorter.fit(TABLE, CLASSES)))
    assert len(clf.history_) == 10


def test_second_start__begins_with_the_initial_weights(too_high, monkeypatch):
    # With a rate of zero after it, nothing else can change them.
    monkeypatch.setattr("sklearn_pare.training.net._SLOWER", 0.0)
    kept = tiny(PaReClassifier, **(SETTINGS | {"lr": 1e-30})).fit(TABLE, CLASSES)
    with pytest.warns(UserWarning, match="did not fall"):
        clf = tiny(PaReClassifier, **SETTINGS).fit(TABLE, CLASSES)
    np.testing.assert_array_equal(clf.transform(TABLE), kept.transform(TABLE))


@pytest.mark.parametrize(
    "settings", [{"lr": 30.0}, {"alignment": "l2"}], ids=["number", "alignment"]
)
def test_no_second_start__if_the_user_chose_the_rate_or_weights_were_aligned(
    settings, too_high
):
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "In the first")
        tiny(PaReClassifier, **(SETTINGS | settings)).fit(TABLE, CLASSES)


@pytest.mark.parametrize("kind", [PaReClassifier, PaReRegressor])
@pytest.mark.filterwarnings("error")
def test_no_second_start__if_the_loss_falls(kind, monkeypatch):
    monkeypatch.setattr(recipe, "_RATE", 2e-2)
    y = CLASSES if kind is PaReClassifier else TABLE[:, 0]
    model = tiny(kind, **SETTINGS).fit(TABLE, y)
    assert max(_rates(model)) > 1.5e-2


@pytest.mark.filterwarnings("error:In the first")
@pytest.mark.filterwarnings("ignore::sklearn_pare.exceptions.NetworkUnusedWarning")
def test_no_second_start__beside_a_linear_model_or_after_an_earlier_fit(too_high):
    tiny(PaReClassifier, **(SETTINGS | {"linear_path": True})).fit(TABLE, CLASSES)
    clf = tiny(PaReClassifier, **(SETTINGS | {"lr": 2e-2, "warm_start": True}))
    clf.fit(TABLE, CLASSES).set_params(lr="auto").fit(TABLE, CLASSES)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("batch_size", "epochs"), [(20, 9), (4, 1), (40, 10)])
def test_no_second_start__few_steps(too_high, batch_size, epochs):
    # Two steps per epoch are 18 in all: 10 that were tried would leave 8.
    settings = {"batch_size": batch_size, "max_epochs": epochs}
    tiny(PaReClassifier, **(SETTINGS | settings)).fit(TABLE, CLASSES)


@pytest.mark.filterwarnings("error")
def test_no_second_start__sorted_by_class(monkeypatch):
    monkeypatch.setattr(recipe, "_RATE", 2e-2)
    rng = np.random.default_rng(0)
    # The first 256 samples are of the rare class, which is learned later.
    y = np.repeat([0, 1], [256, 1200])
    X = rng.normal(size=(len(y), 1, 8, 8)) + 0.3 * y[:, None, None, None]
    tiny(PaReClassifier, **(SETTINGS | {"batch_size": 64})).fit(X, y)


def test_second_start__early_stopping_waits_again(too_high, monkeypatch):
    settings = {"early_stopping": True, "n_iter_no_change": 4, "max_epochs": 30}
    with pytest.warns(UserWarning, match="did not fall"):
        clf = tiny(PaReClassifier, **(SETTINGS | settings)).fit(TABLE, CLASSES)
    # 9 steps per epoch, and 27 of 270 before the second start.
    assert clf.n_iter_ >= 3 + 4


@pytest.mark.filterwarnings("ignore:In the first")
def test_second_start__interrupted_before_any_step__same_bits(too_high, stop, tmp_path):
    data = TABLE, CLASSES
    clf = tiny(PaReClassifier, **(SETTINGS | {"max_epochs": 3}))
    whole = fresh(clf, None).fit(*data)
    n_steps = stop.seen
    for step in range(1, n_steps, 4):
        folder = tmp_path / str(step)
        stop.before(step)
        with pytest.raises(KeyboardInterrupt):
            fresh(clf, folder).fit(*data)
        stop.before(None)
        assert_same_fit(fresh(clf, folder).fit(*data), whole)
