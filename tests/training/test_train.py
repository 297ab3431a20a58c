"""Training steps: mixing, weights of the loss, learning rates, frozen parts."""

import logging
import warnings

import numpy as np
import pytest
import torch
from sklearn.base import clone

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.exceptions import DataError
from sklearn_pare.nn import replace_in_order
from sklearn_pare.nn.embed import MaskToken
from sklearn_pare.nn.model import PaReModel
from sklearn_pare.training import recipe
from sklearn_pare.training.net import PaReNet
from tests.common.instances import tiny
from tests.common.tiny import TinyBackbone


@pytest.fixture
def drawn(monkeypatch):
    """Numbers of clean and of mixed samples in each step of the training."""
    sizes = []
    forward = PaReModel.forward

    def spy(self, x, mixing=None, *args, **kwargs):
        if self.training:
            sizes.append((len(x), 0 if mixing is None else len(mixing.x)))
        return forward(self, x, mixing, *args, **kwargs)

    monkeypatch.setattr(PaReModel, "forward", spy)
    return sizes


@pytest.mark.parametrize("source", ["formula", "self", "formula+self", "noise"])
def test_fit__mixing__half_of_each_batch(source, table, drawn):
    # 61 samples in batches of 25: the last batch has 11.
    X, y = (np.concatenate([part, part[:1]]) for part in table)
    clf = tiny(PaReClassifier, batch_size=25, max_epochs=2, linear_path=False)
    clf.set_params(source=source).fit(X, y)
    assert drawn == [(13, 12), (13, 12), (6, 5)] * 2


def test_fit__paper__all_samples_clean_and_mixed(table, drawn):
    clf = tiny(PaReClassifier, batch_size=25, max_epochs=1, linear_path=False)
    clf.set_params(selector="paper", source="formula:all").fit(*table)
    assert drawn == [(25, 25), (25, 25), (10, 10)]
    assert clf._model.replace is replace_in_order


def test_fit__single_sample_in_a_batch__clean(drawn):
    X = np.random.default_rng(0).normal(size=(17, 1, 8, 8))
    tiny(PaReClassifier, batch_size=8, max_epochs=1).fit(X, np.arange(17) % 2)
    assert drawn == [(4, 4), (4, 4), (1, 0)]


def test_fit__dense_target__a_quarter_of_each_batch_is_mixed(drawn):
    X = np.random.default_rng(0).normal(size=(17, 1, 8, 8))
    tiny(PaReClassifier, max_epochs=2).fit(X, (X[:, 0] > 0).astype(int))
    assert drawn == [(6, 2), (6, 2), (1, 0)] * 2


def test_fit__self_with_fields__error_names_another_source():
    X = np.random.default_rng(0).normal(size=(17, 1, 8, 8))
    with pytest.raises(DataError, match="masks and fields"):
        tiny(PaReRegressor, source="self").fit(X, X[:, 0])


def test_fit__half_self_with_fields__source_alone(drawn):
    X = np.random.default_rng(0).normal(size=(17, 1, 8, 8))
    one, other = (
        tiny(PaReRegressor, source=source, max_epochs=1).fit(X, X[:, 0]).predict(X)
        for source in ("formula", "formula+self")
    )
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("source", ["self", "formula+self"])
@pytest.mark.parametrize("kind", [PaReClassifier, PaReRegressor])
def test_fit__own_samples__unlabelled_ones_and_linear_path_as_well(kind, source, table):
    X, y = table
    y = y if kind is PaReClassifier else X[:, 0] ** 2
    one = tiny(kind, source=source, max_epochs=2, batch_size=16)
    one.fit(X, y, X_unlabeled=X + 0.1)
    terms = one.history_[-1]
    names = ("target_loss", "mixed_target_loss", "mixed_source_loss", "unlabeled_loss")
    assert all(np.isfinite(terms[name]) for name in names)


def test_label_smoothing__changes_the_training_and_not_the_validation_loss(table):
    X, y = table
    plain, smooth = (
        tiny(PaReClassifier, max_epochs=1, label_smoothing=value, lr=1e-30)
        .fit(X, y, X_val=X, y_val=y)
        .history_[0]
        for value in (0.0, 0.5)
    )
    assert plain["valid_loss"] == smooth["valid_loss"]
    assert plain["target_loss"] != smooth["target_loss"]


@pytest.mark.parametrize(
    ("target", "weight"),
    [("fields", 0.3), ("numbers", 0.3), ("masks", 0.3), ("classes", 1.0)],
)
def test_mix_weight__auto__as_in_the_paper(target, weight):
    X = np.random.default_rng(0).normal(size=(16, 1, 8, 8))
    y = X[:, 0] if target in ("fields", "masks") else X[:, 0, 0, 0]
    kind = PaReRegressor if target in ("fields", "numbers") else PaReClassifier
    y = y if kind is PaReRegressor else (y > 0).astype(int)
    # Fields are only mixed if that is asked for.
    auto, same, other = (
        tiny(kind, max_epochs=2, mix_weight=w, mix_start=0.6).fit(X, y).history_
        for w in ("auto", weight, 0.5)
    )
    assert [row["train_loss"] for row in auto] == [row["train_loss"] for row in same]
    assert auto[-1]["train_loss"] != other[-1]["train_loss"]


def test_optimizer__decoder__three_times_the_rate(monkeypatch):
    nets = []
    step = PaReNet.train_step_single

    def spy(self, batch, **kwargs):
        nets.append(self)
        return step(self, batch, **kwargs)

    monkeypatch.setattr(PaReNet, "train_step_single", spy)
    X = np.random.default_rng(0).normal(size=(8, 1, 8, 8))
    tiny(PaReRegressor, max_epochs=1, tune="all").fit(X, X[:, 0])
    model = nets[0].module_
    scales = {
        id(parameter): group["scale"]
        for group in nets[0].optimizer_.param_groups
        for parameter in group["params"]
    }
    assert {scales[id(p)] for p in model.head.parameters()} == {3.0}
    assert {scales[id(p)] for p in model.embed.parameters()} == {1.0}


def test_fit__gate__learns_in_every_step(table, monkeypatch):
    moved = []
    step = PaReNet.train_step_single

    def spy(self, batch, **kwargs):
        result = step(self, batch, **kwargs)
        moved.append(self.module_.gate.token.weight.grad.abs().max().item())
        return result

    monkeypatch.setattr(PaReNet, "train_step_single", spy)
    tiny(PaReClassifier, max_epochs=10, selector="gate").fit(*table)
    assert len(moved) == 10
    assert min(moved) > 0


def test_tune__frozen_parts_stay(table):
    X, y = table

    def changed(tune):
        # Weight decay would change weights even without a gradient.
        settings = {"selector": "gate", "max_epochs": 1, "linear_path": False}
        one = tiny(PaReClassifier, tune=tune, **settings)
        start, end = clone(one).set_params(lr=1e-30).fit(X, y), one.fit(X, y)
        pairs = zip(
            start._model.named_parameters(), end._model.named_parameters(), strict=True
        )
        return {name for (name, a), (_, b) in pairs if not torch.equal(a, b)}

    everything = changed("all")
    joint = {"backbone.attention.in_proj_weight", "backbone.attention.in_proj_bias"}
    outside = {name for name in everything if not name.startswith("backbone.")}
    assert {"embed.weight", "head.linear.weight", "gate.token.weight"} <= outside
    assert changed("none") == outside
    assert changed("norm") == outside | {"backbone.norm.weight", "backbone.norm.bias"}
    frozen = everything - changed("attention-frozen")
    assert frozen == joint | {"backbone.qkv.weight", "backbone.qkv.bias"}


def test_fit__defaults__no_warning(digits):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clf = PaReClassifier(input_shape=(1, 8, 8), max_epochs=1, random_state=0)
        clf.fit(*digits).predict(digits[0])


# ---- sources


def test_fit__source_of_masks__learned_for_each_token(table):
    # The mask marks where an image is bright, which is easy to learn.
    rng = np.random.default_rng(0)
    images = rng.normal(size=(80, 1, 4, 4)).repeat(4, 2).repeat(4, 3)
    masks = np.where(images[:, 0] > 0, "bright", "dark")
    estimator = tiny(
        PaReClassifier,
        source=(images, masks),
        max_epochs=15,
        lr=5e-3,
        mix_start=1.0,
        mix_end=1.0,
    ).fit(*table)
    losses = [row["mixed_source_loss"] for row in estimator.history_]
    # Better than at the start, and than equal probabilities.
    assert losses[-1] < 0.9 * min(losses[0], np.log(2))


@pytest.mark.parametrize("shape", [(3, 20, 12), (2, 90)], ids=str)
def test_fit__source_of_masks__any_shape_on_a_backbone_that_merges_tokens(shape, table):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(10, *shape))
    estimator = tiny(
        PaReClassifier,
        backbone="pare-tiny",
        source=(rows, rng.integers(3, size=(10, *shape[1:]))),
        max_epochs=1,
        lr=1e-4,
    ).fit(*table)
    # Random masks with equal shares of three classes: no prediction is better than
    # a constant one.
    loss = estimator.history_[0]["mixed_source_loss"]
    assert np.log(3) * 0.95 < loss < 10


def test_fit__mask_token__is_learned(table, monkeypatch):
    made = []
    start_from = MaskToken.start_from
    monkeypatch.setattr(
        MaskToken,
        "start_from",
        lambda self, stem: (made.append(self), start_from(self, stem)),
    )
    estimator = tiny(PaReClassifier, source="mask-token", max_epochs=2).fit(*table)
    (token,) = made
    assert token.token.abs().min() > 0
    # There is only one class.
    assert [row["mixed_source_loss"] for row in estimator.history_] == [0.0, 0.0]


def test_fit__masks_of_another_size__error_names_the_size(table):
    with pytest.raises(ValueError, match=r"\(5, 8, 8\)"):
        tiny(PaReClassifier, source=(np.zeros((5, 1, 8, 8)), np.zeros((5, 4, 4)))).fit(
            *table
        )


def test_lr_auto__large_backbone__decoder_at_its_own_rate(monkeypatch):
    monkeypatch.setattr(recipe, "_WEIGHTS", 1.0)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(8, 1, 8, 8))
    settings = {"lr": "auto", "max_epochs": 8, "batch_size": 1}
    peaks = [
        max(row["lr"] for row in tiny(PaReRegressor, **settings).fit(X, y).history_)
        for y in (X[:, 0], X[:, 0, 0, 0])
    ]
    # All other weights have a rate far below.
    assert 2e-3 < peaks[0] < 3.1e-3
    assert peaks[1] < 1e-5


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({}, [0, 0, 0, 1]), ({"tune": "norm"}, [1] * 4), ({"mix_start": 0.5}, [1] * 4)],
    ids=str,
)
def test_fields__fixed_backbone__joins_in_the_last_quarter(
    settings, expected, monkeypatch
):
    ran, forward = [], TinyBackbone.forward

    def spy(self, tokens):
        ran.append(len(tokens))
        return forward(self, tokens)

    steps = []
    step = PaReNet.train_step_single

    def count(self, batch, **kwargs):
        before = len(ran)
        result = step(self, batch, **kwargs)
        steps.append(len(ran) - before)
        return result

    monkeypatch.setattr(TinyBackbone, "forward", spy)
    monkeypatch.setattr(PaReNet, "train_step_single", count)
    X = np.random.default_rng(0).normal(size=(16, 1, 8, 8))
    tiny(PaReRegressor, max_epochs=2, **settings).fit(X, X[:, 0] ** 2)
    assert steps == expected


def test_fields__no_backbone_named__decoder_alone(monkeypatch, caplog):
    ran, run = [], PaReModel._run_backbone

    def spy(self, *args):
        ran.append(args)
        return run(self, *args)

    monkeypatch.setattr(PaReModel, "_run_backbone", spy)
    X = np.random.default_rng(0).normal(size=(16, 1, 8, 8))
    reg = PaReRegressor(max_epochs=2, random_state=0, precision="fp32", verbose=1)
    with caplog.at_level(logging.INFO, logger="sklearn_pare"):
        found = reg.fit(X, X[:, 0] ** 2).predict(X)
    assert not ran
    assert any("decoder of fields without a backbone" in m for m in caplog.messages)
    assert "backbone pare-tiny (not used)" in reg._repr_html_()
    # The features are those of the pretrained backbone.
    features = reg.transform(X)
    assert ran
    assert features.std(0).min() > 0
    monkeypatch.setattr(PaReModel, "ignores_backbone", False)
    np.testing.assert_array_equal(reg.predict(X), found)
