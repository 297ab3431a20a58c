"""The network's share beside the linear path, and training that ends without one."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from skorch.history import History

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.nn.losses import cross_entropy, squared_error
from sklearn_pare.training.batches import Rows
from sklearn_pare.training.distributed import ALONE
from sklearn_pare.training.share import StopWithoutGain, fit_share
from tests.common.instances import tiny

X = np.random.default_rng(0).normal(size=(120, 5))


class Model(torch.nn.Module):
    """A linear path with outputs 0, and a network with given outputs."""

    def __init__(self, own):
        super().__init__()
        self.own, self.factor = own, 1.0
        self.head = SimpleNamespace(scale=self.scale)

    def scale(self, factor):
        self.factor *= factor

    def linear(self, x):
        return torch.zeros(len(x), self.own.shape[1])

    def predict(self, x, offset=None):
        offset = self.linear(x) if offset is None else offset
        return offset + self.factor * self.own[x]


def _share(own, y, loss=squared_error, weight=None, offset=None):
    model = Model(own)
    weight = torch.ones(len(y)) if weight is None else weight
    rows = Rows(torch.arange(len(y)), y, weight, offset)
    network = SimpleNamespace(model=model, prepared=SimpleNamespace(share_rows=rows))
    recipe = SimpleNamespace(loss=loss, batch_size=7)
    share = fit_share(network, recipe)
    assert not model.training
    assert model.factor == pytest.approx(share.value)
    if share.value == 0:
        assert share.loss == share.linear_loss
    else:
        assert share.loss < share.linear_loss
    return share.value


def test_fit_share__noise__nothing(generator):
    y, noise = torch.randn(2, 50, 1, generator=generator)
    assert _share(noise, y) == 0.0


def test_fit_share__right__all(generator):
    y = torch.randn(50, 2, generator=generator)
    assert _share(y, y) == 1.0


def test_fit_share__twice_too_large__half(generator):
    y = torch.randn(50, 1, generator=generator)
    assert _share(2 * y, y) == pytest.approx(0.5)


def test_fit_share__classes__right_and_upside_down(generator):
    y = torch.randint(3, (60,), generator=generator)
    logits = 2.0 * torch.nn.functional.one_hot(y, 3).float()
    assert _share(logits, y, cross_entropy) == 1.0
    assert _share(-logits, y, cross_entropy) == 0.0


def test_fit_share__offsets_of_the_samples__used_instead_of_the_path(generator):
    offset, own = torch.randn(2, 40, 1, generator=generator)
    assert _share(own, offset + own, offset=offset) == 1.0
    assert _share(own, offset, offset=offset) == 0.0


def test_fit_share__weights__only_weighted_samples_count(generator):
    y = torch.randn(60, 1, generator=generator)
    own = torch.cat([y[:30], -y[30:]])
    first = (torch.arange(60) < 30).float()
    assert _share(own, y, weight=first) == 1.0
    assert _share(own, y, weight=1 - first) == 0.0


@pytest.mark.parametrize(("n", "share"), [(1, 0.0), (2, 0.0), (19, 0.0), (20, 1.0)])
def test_fit_share__too_few_samples__nothing(n, share):
    y = torch.linspace(1, 2, n)[:, None]
    assert _share(y, y) == share


@pytest.mark.parametrize(("n_right", "share"), [(3, 0.0), (30, 1.0)])
def test_fit_share__gain_within_two_standard_errors__nothing(n_right, share):
    # The network is right for some samples and as good as the linear path elsewhere.
    y = torch.ones(60, 1)
    y[n_right:] = 0.0
    assert _share(y.clone(), y) == share


def test_fit_share__no_linear_path__one_and_the_head_stays():
    network = SimpleNamespace(model=None, prepared=SimpleNamespace(share_rows=None))
    assert fit_share(network, recipe=None) == (1.0, None, None)


# ---- training that ends without a gain

N_STEPS = 200


class Net(SimpleNamespace):
    """A net of two hundred epochs of one step, whose gains are given by epoch."""

    def __init__(self, monkeypatch, gains, n_steps=N_STEPS, n_epochs=N_STEPS):
        per_epoch = n_steps // n_epochs
        recipe = SimpleNamespace(
            n_steps=n_steps, n_epochs=n_epochs, steps_per_epoch=per_epoch
        )
        super().__init__(recipe=recipe, module_=None, step_=0, stop_=None, asked=[])
        self.history, self.processes = History(), ALONE

        def compare(model, rows, recipe):
            self.asked.append(self.step_)
            return None, gains(self.step_ / n_steps)

        monkeypatch.setattr("sklearn_pare.training.share.compare", compare)

    def run(self):
        """Run to the end, or until a callback stops it; return the last step."""
        asking = StopWithoutGain(range(20))
        while self.stop_ is None and self.step_ < self.recipe.n_steps:
            self.step_ += self.recipe.n_steps // self.recipe.n_epochs
            self.history.new_epoch()
            asking.on_epoch_end(self)
        return self.step_


@pytest.mark.parametrize(
    ("gains", "end"),
    [
        (lambda progress: -0.2, 32),
        (lambda progress: 0.0, 67),
        (lambda progress: 0.9, 67),
        (lambda progress: 1.1, N_STEPS),
        # A gain that comes and goes.
        (lambda progress: 1.1 * (round(100 * progress) % 12 == 0), N_STEPS),
        # A gain that is lost for good.
        (lambda progress: 1.1 * (progress < 0.33), 94),
        # A gain of the random weights at the start.
        (lambda progress: 1.1 * (progress < 0.04) - 0.2, 32),
        (lambda progress: 1.3 * (progress > 0.14) - 0.2, N_STEPS),
        (lambda progress: 1.1 * (progress > 0.3), N_STEPS),
    ],
    ids=["harm", "none", "small", "all", "some", "lost", "first", "late", "later"],
)
def test_stop__share_of_no_use__ends_after_a_fair_start(gains, end, monkeypatch):
    net = Net(monkeypatch, gains)
    assert net.run() == end
    assert net.stop_ == (None if end == N_STEPS else "no gain")
    assert len(net.history) == end
    # It is cheap: every fiftieth of the steps.
    assert net.asked == list(range(12, min(end + 1, N_STEPS), 4))


@pytest.mark.parametrize(
    ("n_steps", "n_epochs", "end"),
    [(20, 20, 20), (24, 12, 20), (160, 10, 32), (1200, 12, 200), (150, 1, 150)],
)
def test_stop__other_lengths__at_the_end_of_an_epoch(
    n_steps, n_epochs, end, monkeypatch
):
    net = Net(monkeypatch, lambda progress: -1.0, n_steps, n_epochs)
    assert net.run() == end
    assert bool(net.asked) == (n_steps > 20 and n_epochs > 1)


FITS = {
    # name: (estimator, arguments of fit)
    "numbers": (tiny(PaReRegressor), (X, X[:, 0]), {}),
    "classes": (tiny(PaReClassifier), (X[:30], X[:30, 0] > 0), {}),
    "signals": (
        tiny(PaReClassifier), (X[:, None].repeat(6, 2), np.arange(len(X)) % 2), {},
    ),
    "early stopping": (
        tiny(PaReRegressor, early_stopping=True, n_iter_no_change=99), (X, X[:, 0]), {},
    ),
    "validation samples": (
        tiny(PaReRegressor), (X, X[:, 0]), {"X_val": X, "y_val": X[:, 0]},
    ),
    "too few samples": (tiny(PaReRegressor), (X[:24], X[:24, 1] ** 2), {}),
}  # fmt: skip


@pytest.mark.parametrize("name", FITS)
def test_fit__network_of_no_use__ends_early_with_the_same_predictions(
    name, monkeypatch
):
    estimator, data, more = FITS[name]
    estimator.set_params(batch_size=120, max_epochs=24)
    estimator.fit(*data, **more)
    report, found = estimator.fit_report_, estimator.predict(data[0])
    assert report.ended == "no gain"
    assert estimator.n_iter_ == len(estimator.history_) == report.n_epochs == 20
    assert "showed no gain" in repr(report)
    monkeypatch.setattr(StopWithoutGain, "on_epoch_end", lambda self, net, **_: None)
    assert estimator.fit(*data, **more).n_iter_ == 24
    assert estimator.network_share_ == 0
    np.testing.assert_array_equal(estimator.predict(data[0]), found)


def test_fit__network_of_use__not_ended_early():
    y = np.abs(X[:, 0])
    reg = tiny(PaReRegressor, batch_size=120, max_epochs=30).fit(X, y)
    assert (reg.fit_report_.ended, reg.n_iter_) == ("completed", 30)
    assert reg.network_share_ > 0
    assert any(row["network_gain"] for row in reg.history_)


def test_fit__warm_start__earlier_epochs_do_not_count():
    reg = tiny(PaReRegressor, warm_start=True, batch_size=120, max_epochs=24).fit(
        X, X[:, 0]
    )
    assert reg.n_iter_ == 20
    assert reg.fit(X, X[:, 0]).n_iter_ == 20 + reg.fit_report_.n_epochs
    assert reg.fit_report_.n_epochs >= 20
