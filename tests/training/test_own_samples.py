"""Own samples in the second half of training, if their mixes can be read."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.nn.model import Outputs
from sklearn_pare.training import own_samples
from sklearn_pare.training.batches import Rows
from sklearn_pare.training.net import PaReNet
from tests.common.instances import tiny

RECIPE = SimpleNamespace(batch_size=8, n_tokens=16, bfloat16=False)


class Reader(torch.nn.Module):
    """Model of samples that are their classes, with a rule for mixes of two."""

    def __init__(self, rule, n_classes):
        super().__init__()
        self.rule, self.n_classes, self.seen = rule, n_classes, []

    def forward(self, x, mixing, offset, bfloat16):
        assert len(x) == 0
        assert mixing.own
        self.seen.append((mixing.k, mixing.offset))
        predicted = self.rule(mixing.x, mixing.others)
        one_hot = torch.nn.functional.one_hot(predicted, self.n_classes)
        return Outputs(one_hot[:0], one_hot.float())


def _readable(rule, n_classes=5, n=40, offset=None, seed=0):
    y = torch.arange(n) % n_classes
    model = Reader(rule, n_classes)
    rows = Rows(y, y, torch.ones(n), offset)
    generator = torch.Generator().manual_seed(seed)
    return own_samples.readable(model, rows, RECIPE, generator), model


@pytest.mark.parametrize("n_classes", [2, 5])
@pytest.mark.parametrize("n", [3, 9, 41, 600])
def test_readable__one_of_both__1(n, n_classes):
    if n >= n_classes:
        assert _readable(lambda one, other: other, n_classes, n)[0] == 1


def test_readable__all_mixes_of_both_classes__0_as_they_tell_nothing():
    assert _readable(lambda one, other: one, n_classes=2, n=2)[0] == 0


@pytest.mark.parametrize("n_classes", [2, 3, 10])
def test_readable__chance__about_0(n_classes):
    generator = torch.Generator().manual_seed(1)

    def guess(one, other):
        return torch.randint(n_classes, one.shape, generator=generator)

    values = [_readable(guess, n_classes, seed=seed)[0] for seed in range(20)]
    assert abs(np.mean(values)) < 0.05


def test_readable__class_between_both__below_chance():
    # As for a count: half of 1 and half of 5 objects are 3.
    value, _ = _readable(lambda one, other: (one + other) // 2)
    assert value < 0.5


def test_readable__linear_path__its_outputs_are_mixed_too():
    offset = torch.arange(40.0)[:, None].expand(40, 5)
    _, model = _readable(lambda one, other: one, offset=offset)
    k, mixed = model.seen[0]
    assert k == 8
    assert ((2 * mixed) % 1 == 0).all()
    assert not (mixed % 1 == 0).all()


def test_readable__rare_class_and_constant_predictions__0():
    y = (torch.arange(100) < 5).long()
    model = Reader(lambda one, other: torch.zeros_like(one), 2)
    rows = Rows(y, y, torch.ones(100))
    generator = torch.Generator().manual_seed(0)
    assert own_samples.readable(model, rows, RECIPE, generator) == 0


def test_readable__single_sample__0():
    rows = Rows(*3 * (torch.zeros(1),))
    assert own_samples.readable(None, rows, RECIPE, None) == 0


@pytest.mark.parametrize("n_parts", [2, 8, 64])
def test_readable__short_of_memory__smaller_batches(n_parts):
    y = torch.arange(41) % 5
    model = Reader(lambda one, other: one, 5)
    sizes, forward = [], model.forward

    def spy(x, mixing, *args, **kwargs):
        sizes.append(len(mixing.x))
        return forward(x, mixing, *args, **kwargs)

    model.forward = spy
    generator = torch.Generator().manual_seed(0)
    rows = Rows(y, y, torch.ones(41))
    assert own_samples.readable(model, rows, RECIPE, generator, n_parts) == 1
    assert max(sizes) == max(8 // n_parts, 2)


@pytest.fixture
def used(monkeypatch):
    """Whether own samples are used, in each step."""
    steps = []
    draw = PaReNet._draw

    def spy(self, batch):
        steps.append(self.mixes_own_)
        return draw(self, batch)

    monkeypatch.setattr(PaReNet, "_draw", spy)
    return steps


def _answer(monkeypatch, value):
    monkeypatch.setattr(own_samples, "readable", lambda *args: value)


@pytest.mark.parametrize(("answer", "later"), [(0.5, True), (0.49, False)])
def test_fit__from_the_middle_on_if_readable(answer, later, table, used, monkeypatch):
    _answer(monkeypatch, answer)
    clf = tiny(PaReClassifier, source="noise+self", max_epochs=4, batch_size=30)
    clf.fit(*table)
    assert used == 4 * [False] + 4 * [later]
    answers = [row["own_readable"] for row in clf.history_]
    assert answers == [None, answer, None, None]


@pytest.mark.parametrize(("source", "own"), [("self", True), ("formula", False)])
def test_fit__other_names__never_asked(source, own, table, used):
    clf = tiny(PaReClassifier, source=source, max_epochs=2, batch_size=30)
    clf.fit(*table)
    assert used == 4 * [own]
    assert "own_readable" not in clf.history_[0]


def test_fit__numbers_and_label_sets__source_alone(table, used):
    X, y = table
    labels = np.stack([y == 0, X[:, 0] > 0], 1).astype(int)
    for kind, target in ((PaReRegressor, X[:, 0]), (PaReClassifier, labels)):
        model = tiny(kind, source="formula+self", max_epochs=2).fit(X, target)
        assert "own_readable" not in model.history_[0]
    assert not any(used)


@pytest.mark.parametrize(
    "settings", [{"mix_weight": 0}, {"mix_start": 0, "mix_end": 0, "alignment": "l2"}]
)
@pytest.mark.filterwarnings("ignore:Arguments that have no effect")
def test_fit__without_mixing__not_asked(settings, table):
    clf = tiny(PaReClassifier, source="formula+self", max_epochs=2, **settings)
    assert "own_readable" not in clf.fit(*table).history_[0]


def test_fit__two_samples__ends(table):
    X, y = table
    rows = [0, np.flatnonzero(y != y[0])[0]]
    clf = tiny(PaReClassifier, source="formula+self", max_epochs=3, linear_path=False)
    assert clf.fit(X[rows], y[rows]).history_[1]["own_readable"] is not None


def test_fit__one_epoch__not_asked(table, used):
    clf = tiny(PaReClassifier, source="formula+self", max_epochs=1).fit(*table)
    assert clf.history_[0]["own_readable"] is None
    assert not any(used)


def test_fit__real_answer__repeats(table):
    answers = [
        tiny(PaReClassifier, source="formula+self", max_epochs=2)
        .fit(*table)
        .history_[0]["own_readable"]
        for _ in range(2)
    ]
    assert answers[0] == answers[1]
    assert -1 <= answers[0] <= 1


def test_fit__asking__does_not_change_the_training(table, monkeypatch):
    _answer(monkeypatch, 0.0)
    asked, plain = (
        tiny(PaReClassifier, source=source, max_epochs=2)
        .fit(*table)
        .predict_proba(table[0])
        for source in ("formula+self", "formula")
    )
    np.testing.assert_array_equal(asked, plain)


@pytest.mark.parametrize("answer", [1.0, 0.0])
def test_fit__stopped_after_the_answer__goes_on_with_it(
    answer, table, used, monkeypatch, tmp_path
):
    _answer(monkeypatch, answer)
    settings = {"source": "formula+self", "max_epochs": 4, "batch_size": 30}
    whole = tiny(PaReClassifier, **settings).fit(*table)
    monkeypatch.setattr(
        own_samples.OwnSamplesLater,
        "on_epoch_end",
        _interrupting(own_samples.OwnSamplesLater.on_epoch_end, 3),
    )
    clf = tiny(PaReClassifier, **settings, checkpoint_dir=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(*table)
    monkeypatch.undo()
    # Another answer would show if it was asked again.
    _answer(monkeypatch, 1 - answer)
    resumed = tiny(PaReClassifier, **settings, checkpoint_dir=tmp_path).fit(*table)
    np.testing.assert_array_equal(
        resumed.predict_proba(table[0]), whole.predict_proba(table[0])
    )


def _interrupting(on_epoch_end, n_epochs):
    def interrupted(self, net, **kwargs):
        on_epoch_end(self, net, **kwargs)
        if len(net.history) == n_epochs:
            raise KeyboardInterrupt

    return interrupted
