"""Training that diverges: the error names the step, and earlier weights are kept."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare._architecture import export_arrays
from sklearn_pare.exceptions import DivergenceError
from sklearn_pare.training import guard, step
from sklearn_pare.training.callbacks import UserCallbacks
from sklearn_pare.training.net import PaReNet
from tests.common.instances import tiny

X = np.random.default_rng(0).normal(size=(40, 5))
Y = X[:, 0] > 0


class Poison:
    """Make the loss of some steps NaN, or only the gradient; count all steps."""

    def __init__(self, monkeypatch):
        self.at, self.gradient, self.seen = (), False, 0
        loss, backward = step._loss, torch.Tensor.backward
        own = self

        def poisoned(*args):
            terms = loss(*args)
            own.seen += 1
            if own.seen in own.at and not own.gradient:
                terms = terms._replace(total=terms.total * float("nan"))
            return terms

        def and_gradient(tensor):
            backward(tensor)
            if own.seen in own.at and own.gradient:
                weight = own.model.head.linear.weight
                weight.grad[0, 0] = float("inf")

        initialize = PaReNet.initialize

        def find(net):
            own.model = net.module
            return initialize(net)

        monkeypatch.setattr(step, "_loss", poisoned)
        monkeypatch.setattr(torch.Tensor, "backward", and_gradient)
        monkeypatch.setattr(PaReNet, "initialize", find)


@pytest.fixture
def poison(monkeypatch):
    return Poison(monkeypatch)


def _clf(**settings):
    # On processors that are fast in bfloat16 it would be the default.
    defaults = {"precision": "fp32", "linear_path": False}
    defaults |= {"batch_size": 16, "max_epochs": 5}
    return tiny(PaReClassifier, **defaults | settings)


@pytest.mark.parametrize("gradient", [False, True])
@pytest.mark.parametrize("at", [1, 7, 8, 9])
def test_fit__a_step_is_not_finite__stops_in_its_epoch_and_names_the_step(
    at, gradient, poison
):
    poison.at, poison.gradient = (at,), gradient
    epoch = (at + 2) // 3
    words = rf"in epoch {epoch} with lr=0.02, at step {at} of 15\..*Try a lower lr"
    with pytest.raises(DivergenceError, match=words) as raised:
        _clf().fit(X, Y)
    assert poison.seen <= 3 * epoch
    assert ("The last finite loss was" in str(raised.value)) == (at > 1 or gradient)


def test_fit__not_finite_early_in_a_long_epoch__does_not_wait_for_its_end(poison):
    poison.at = (3,)
    with pytest.raises(DivergenceError, match=r"in epoch 1 .* at step 3 of"):
        _clf(batch_size=2, max_epochs=2).fit(np.tile(X, (10, 1)), np.tile(Y, 10))
    assert poison.seen == guard._STEPS < 200


def test_fit__diverges_in_a_later_epoch__has_the_weights_before_it(poison, monkeypatch):
    def stop_after_two(self, net, **kwargs):
        net.stop_ = "callback" if len(net.history) == 2 else None

    with monkeypatch.context() as patch:
        patch.setattr(UserCallbacks, "on_epoch_end", stop_after_two)
        before = _clf().fit(X, Y)
    assert before.n_iter_ == 2
    poison.seen, poison.at = 0, (8,)
    clf = _clf()
    with pytest.raises(DivergenceError) as raised:
        clf.fit(X, Y)
    assert clf.n_iter_ == len(clf.history_) == len(raised.value.history) == 2
    for name, array in export_arrays(before._model).items():
        np.testing.assert_array_equal(export_arrays(clf._model)[name], array)
    np.testing.assert_array_equal(clf.predict_proba(X), before.predict_proba(X))


def test_fit__diverges_under_early_stopping__has_the_best_weights(poison):
    settings = {"early_stopping": True, "n_iter_no_change": 9, "batch_size": 36}
    whole = _clf(**settings, max_epochs=9).fit(X, Y)
    scores = [(row["valid_score"], -row["valid_loss"]) for row in whole.history_]
    best = 1 + max(range(8), key=lambda epoch: scores[epoch])
    poison.seen, poison.at = 0, (9,)
    clf = _clf(**settings, max_epochs=9)
    with pytest.raises(DivergenceError):
        clf.fit(X, Y)
    assert clf.n_iter_ == best


def test_fit__diverges_in_the_first_epoch__stays_unfitted(poison):
    poison.at = (2,)
    clf = _clf()
    with pytest.raises(DivergenceError) as raised:
        clf.fit(X, Y)
    assert raised.value.history == ()
    assert not hasattr(clf, "n_iter_")


def test_fit__diverges_again__the_last_fit_stays(poison):
    clf = _clf().fit(X, Y)
    expected = clf.predict_proba(X)
    poison.seen, poison.at = 0, (2,)
    with pytest.raises(DivergenceError):
        clf.fit(X, Y)
    np.testing.assert_array_equal(clf.predict_proba(X), expected)


def test_fit__bfloat16__one_step_may_be_skipped_and_is_counted(poison):
    poison.at = (5,)
    clf = _clf(precision="bf16").fit(X, Y)
    assert [row["skipped_steps"] for row in clf.history_] == [0, 1, 1, 1, 1]
    assert all(np.isfinite(row["train_loss"]) for row in clf.history_)
    assert np.isfinite(clf.predict_proba(X)).all()


def test_fit__bfloat16__two_steps_are_too_many(poison):
    poison.at = (5, 11)
    with pytest.raises(DivergenceError, match=r"in epoch 4 .* at step 11 of"):
        _clf(precision="bf16").fit(X, Y)


def test_fit__skipped_step__leaves_weights_and_moments(poison, monkeypatch):
    poison.at = (5,)
    states = []
    train_step = PaReNet.train_step

    def spy(net, batch, **kwargs):
        result = train_step(net, batch, **kwargs)
        moments = net.optimizer_.state_dict()["state"].values()
        states.append(
            [value.clone() for value in net.module_.state_dict().values()]
            + [value.clone() for own in moments for value in own.values()]
        )
        return result

    monkeypatch.setattr(PaReNet, "train_step", spy)
    _clf(precision="bf16", max_epochs=2).fit(X, Y)
    same = [all(map(torch.equal, a, b)) for a, b in pairwise(states)]
    assert same == [False, False, False, True, False]


def test_fit__diverges_with_checkpoints__they_end_before_it(poison, tmp_path):
    poison.at = (8,)
    with pytest.raises(DivergenceError):
        _clf(checkpoint_dir=tmp_path).fit(X, Y)
    poison.at = ()
    whole = _clf().fit(X, Y)
    again = _clf(checkpoint_dir=tmp_path).fit(X, Y)
    np.testing.assert_array_equal(again.predict_proba(X), whole.predict_proba(X))


def test_fit__absurd_lr__divergence_error_in_the_epoch():
    reg = tiny(PaReRegressor, lr=1e30, max_epochs=50)
    with pytest.raises(DivergenceError, match=r"(?s)epoch \d+ with lr=1e\+30.*Try"):
        reg.fit(X, X[:, 0])
    assert not hasattr(reg, "history_")


@pytest.mark.parametrize("early_stopping", [False, True])
def test_fit__last_step_diverges__divergence_error(early_stopping):
    # The loss of the only step is finite, but the outputs after it are not.
    reg = tiny(PaReRegressor, lr=1e30, max_epochs=1, early_stopping=early_stopping)
    with pytest.raises(DivergenceError, match="output is no longer finite in epoch 1"):
        reg.fit(X, X[:, 0])


@pytest.mark.parametrize("scale", [1e25, 1e38])
def test_fit__huge_targets__finite_predictions(scale):
    reg = tiny(PaReRegressor, max_epochs=2)
    reg.fit(X, scale * X[:, 0])
    assert np.isfinite(reg.predict(X)).all()
