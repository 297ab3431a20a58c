"""Batches too large for the memory: they are split, and the result is the same."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare._architecture import Architecture, build
from sklearn_pare.exceptions import OutOfMemoryError
from sklearn_pare.nn.losses import class_agreement, cross_entropy, relative_l2
from sklearn_pare.nn.model import PaReModel
from sklearn_pare.sources import FormulaSource
from sklearn_pare.sources.base import Source
from sklearn_pare.training.batches import Rows
from sklearn_pare.training.distributed import ALONE
from sklearn_pare.training.recipe import Recipe
from sklearn_pare.training.symmetries import Symmetries
from sklearn_pare.training.train import train
from tests.common.instances import tiny
from tests.common.tiny import NAME

ROWS, BATCH = 40, 16
# Settings of all kinds of steps.
KINDS = [
    {"dense": True},
    {"unlabeled": True},
    {"unlabeled": True, "mixed_share": 0.25},
    {"mix_start": 0.0, "mix_end": 0.0},
    {"mix_start": 0.0, "mix_end": 0.0, "unlabeled": True},
    {"mixed_share": 0.25},
    {"own_samples": "always"},
    {"own_samples": "always", "unlabeled": True, "mixed_share": 0.5},
    {"own_samples": "always", "mixed_share": 0.75, "clean_share": 0.25},
]


class Double(Source):
    """Formulas in float64, where sums of parts differ from the whole by about 1e-15.

    In float32 they differ by 1e-8. Where the exact gradient is 0, as for the biases of
    keys, Adam turns that into a whole step.
    """

    def __init__(self):
        self.own = FormulaSource()
        self.n_classes, self.row_shape = self.own.n_classes, self.own.row_shape

    def sample(self, n, generator):
        x, y = self.own.sample(n, generator)
        return x.double(), y


def train_in_float64(
    dense=False, unlabeled=False, own_samples="never", processes=ALONE, **settings
):
    """Return the weights after two epochs in float64, and the history."""
    generator = torch.Generator().manual_seed(0)
    shape, outputs = (1, 8, 8), ((1, 8, 8) if dense else (3,))
    architecture = Architecture(NAME, shape, outputs, "gate")
    source = Double()
    source.own_samples = own_samples
    model = build(architecture, generator, pretrained=True, source=source).model
    model.double()
    x, more = torch.randn(2, ROWS, *shape, generator=generator).double()
    y = x.clone() if dense else torch.randint(3, (ROWS,), generator=generator)
    weight = torch.rand(ROWS, generator=generator).double() + 0.5
    recipe = Recipe(
        **{
            "loss": None,
            "train_loss": relative_l2 if dense else cross_entropy,
            "agreement": class_agreement,
            "n_epochs": 2,
            "n_steps": 6,
            "batch_size": BATCH,
            "steps_per_epoch": 3,
            "n_tokens": 16,
            "lr": 1e-2,
            "decoder_lr": 1e-2,
            "weight_decay": 0.05,
            "layer_decay": 0.75,
            "mix_start": 0.6,
            "mix_end": 0.1,
            "mix_weight": 0.7,
            "mixed_share": 0.25 if dense else 1.0,
            "clean_share": 1.0,
            "bfloat16": False,
            "scoring": "score",
            "patience": None,
        }
        | settings
    )
    nothing = torch.zeros(ROWS)
    prepared = SimpleNamespace(
        rows=Rows(x, y, weight),
        valid_rows=None,
        share_rows=None,
        unlabeled_rows=Rows(more, nothing, nothing) if unlabeled else None,
        target=SimpleNamespace(score=None),
        symmetries=Symmetries(),
    )
    network = SimpleNamespace(model=model, prepared=prepared, source=source)
    start = SimpleNamespace(
        checkpoints=None, seeds=(None, None, 1, 2), processes=processes
    )
    history, _ = train(network, start, recipe)
    return model.state_dict(), history


def assert_same(one, other):
    (weights, history), (others, other_history) = one, other
    for name, value in weights.items():
        torch.testing.assert_close(others[name], value, rtol=0, atol=1e-9, msg=name)
    for row, other_row in zip(history, other_history, strict=True):
        for name in row.keys() - {"duration"}:
            value = row[name] and pytest.approx(row[name], rel=1e-5)
            assert other_row[name] == value, name


class Memory:
    """A device that runs out of memory at given moments."""

    def __init__(self, monkeypatch):
        self.n_rows, self.at, self.where = math.inf, None, None
        self.steps, self.errors = 0, 0
        self._forward, self._backward = PaReModel.forward, torch.Tensor.backward
        memory = self

        def forward(model, x, mixing=None, *args, **kwargs):
            n_mixed = 0 if mixing is None else len(mixing.x)
            memory._check("forward", max(len(x), n_mixed))
            return memory._forward(model, x, mixing, *args, **kwargs)

        def backward(tensor, *args, **kwargs):
            # The gradients of a failed try exist, and must be discarded.
            memory._backward(tensor, *args, **kwargs)
            memory._check("backward", 0)
            memory.steps += 1

        monkeypatch.setattr(PaReModel, "forward", forward)
        monkeypatch.setattr(torch.Tensor, "backward", backward)

    def _check(self, where, n_rows):
        if n_rows > self.n_rows or (where == self.where and self.steps == self.at):
            self.errors, self.at = self.errors + 1, None
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")


@pytest.fixture
def memory(monkeypatch):
    return Memory(monkeypatch)


@pytest.fixture(scope="module")
def whole():
    return train_in_float64()


@pytest.mark.parametrize("where", ["forward", "backward"])
@pytest.mark.parametrize("step", range(6))
def test_train__out_of_memory_once__same_weights(step, where, memory, whole):
    memory.at, memory.where = step, where
    assert_same(train_in_float64(), whole)
    assert memory.errors == 1


@pytest.mark.parametrize("n_rows", [15, 8, 7, 3, 1])
def test_train__memory_for_few_samples__same_weights_few_retries(n_rows, memory, whole):
    memory.n_rows = n_rows
    assert_same(train_in_float64(), whole)
    assert 1 <= memory.errors <= math.log2(BATCH)


@pytest.mark.parametrize(
    "settings",
    KINDS,
    ids=str,
)
@pytest.mark.parametrize("n_rows", [9, 2])
def test_train__any_kind_of_step_in_parts__same_weights(settings, n_rows, memory):
    whole = train_in_float64(**settings)
    memory.n_rows = n_rows
    assert_same(train_in_float64(**settings), whole)
    assert memory.errors


def test_fit__no_memory_for_one_sample__error_with_sizes_and_remedies(memory):
    memory.n_rows = 0
    X = np.random.default_rng(0).normal(size=(32, 5))
    clf = tiny(PaReClassifier, batch_size=16, linear_path=False)
    with pytest.raises(
        OutOfMemoryError,
        match=r"'test-tiny' on 32 samples of shape \(5,\).*GiB.*tune='none'",
    ) as raised:
        clf.fit(X, X[:, 0] > 0)
    # Half of a batch passes clean, and the other half mixed.
    assert memory.errors == 1 + math.log2(8)
    assert isinstance(raised.value.__cause__, torch.OutOfMemoryError)
    assert not hasattr(clf, "history_")


def test_fit__out_of_memory_elsewhere__typed_error(monkeypatch):
    def sample(*args):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(FormulaSource, "sample", sample)
    X = np.random.default_rng(0).normal(size=(32, 5))
    with pytest.raises(OutOfMemoryError):
        tiny(PaReClassifier).fit(X, X[:, 0] > 0)


def test_fit__other_errors__as_they_are(monkeypatch):
    def sample(*args):
        raise RuntimeError("something else")

    monkeypatch.setattr(FormulaSource, "sample", sample)
    X = np.random.default_rng(0).normal(size=(32, 5))
    with pytest.raises(RuntimeError, match="something else"):
        tiny(PaReClassifier).fit(X, X[:, 0] > 0)


def test_fit__fields_on_a_small_device__trains(memory):
    memory.n_rows = 2
    X = np.random.default_rng(0).normal(size=(17, 1, 8, 8))
    reg = tiny(PaReRegressor, max_epochs=2).fit(X, X[:, 0])
    assert np.isfinite(reg.predict(X)).all()
    assert memory.errors == 2
