import logging
import warnings

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.exceptions import DivergenceError
from sklearn_pare.training.batches import Batches, Rows
from tests.common.callbacks import needs_callbacks
from tests.common.instances import tiny


def test_batches__shuffled__every_row_once_and_new_order(generator):
    rows = Rows(torch.arange(10), torch.arange(10), torch.ones(10))
    batches = Batches(rows, 4, generator)
    first, second = ([x for x, _, _, _ in batches] for _ in "ab")
    assert [len(x) for x in first] == [4, 4, 2]
    assert sorted(torch.cat(first).tolist()) == list(range(10))
    assert torch.cat(first).tolist() != torch.cat(second).tolist()


@pytest.fixture
def drawn(monkeypatch):
    """Numbers of source rows that were drawn in training, step by step."""
    from sklearn_pare.nn.model import PaReModel

    sizes = []
    forward = PaReModel.forward

    def spy(self, x, mixing=None, *args, **kwargs):
        sizes.append(len(mixing.source))
        return forward(self, x, mixing, *args, **kwargs)

    monkeypatch.setattr(PaReModel, "forward", spy)
    return sizes


def test_fit__mixing__source_gives_exactly_as_many_rows(table, drawn):
    # 60 rows in batches of 25: the last one has 10, and mixing does not drop out.
    tiny(PaReClassifier, batch_size=25, max_epochs=2, linear_path=False).fit(*table)
    assert drawn == [25, 25, 10] * 2


def test_fit__dense_target__a_quarter_of_each_batch_is_mixed(drawn):
    X = np.random.default_rng(0).normal(size=(17, 1, 8, 8))
    tiny(PaReClassifier, max_epochs=2).fit(X, (X[:, 0] > 0).astype(int))
    assert drawn == [2, 2, 1] * 2


@pytest.mark.parametrize(
    ("target", "weight"),
    [("fields", 0.3), ("numbers", 0.3), ("masks", 0.3), ("classes", 1.0)],
)
def test_mix_weight__auto__as_in_the_paper(target, weight):
    X = np.random.default_rng(0).normal(size=(16, 1, 8, 8))
    y = X[:, 0] if target in ("fields", "masks") else X[:, 0, 0, 0]
    kind = PaReRegressor if target in ("fields", "numbers") else PaReClassifier
    y = y if kind is PaReRegressor else (y > 0).astype(int)
    auto, same, other = (
        tiny(kind, max_epochs=2, mix_weight=w).fit(X, y).history_
        for w in ("auto", weight, 0.5)
    )
    assert [row["train_loss"] for row in auto] == [row["train_loss"] for row in same]
    assert auto[-1]["train_loss"] != other[-1]["train_loss"]


def test_optimizer__decoder__three_times_the_rate(monkeypatch):
    from sklearn_pare.training.net import PaReNet

    nets = []
    step = PaReNet.train_step_single

    def spy(self, batch, **kwargs):
        nets.append(self)
        return step(self, batch, **kwargs)

    monkeypatch.setattr(PaReNet, "train_step_single", spy)
    X = np.random.default_rng(0).normal(size=(8, 1, 8, 8))
    tiny(PaReRegressor, max_epochs=1).fit(X, X[:, 0])
    model = nets[0].module_
    scales = {
        id(parameter): group["scale"]
        for group in nets[0].optimizer_.param_groups
        for parameter in group["params"]
    }
    assert {scales[id(p)] for p in model.head.parameters()} == {3.0}
    assert {scales[id(p)] for p in model.embed.parameters()} == {1.0}


def test_fit__gate__learns_in_every_step(table, monkeypatch):
    from sklearn_pare.training.net import PaReNet

    moved = []
    step = PaReNet.train_step_single

    def spy(self, batch, **kwargs):
        result = step(self, batch, **kwargs)
        moved.append(self.module_.gate.linear.weight.grad.abs().max().item())
        return result

    monkeypatch.setattr(PaReNet, "train_step_single", spy)
    tiny(PaReClassifier, max_epochs=10).fit(*table)
    assert len(moved) == 10
    assert min(moved) > 0


def test_fit__absurd_lr__divergence_error_in_the_epoch():
    X = np.random.default_rng(0).normal(size=(40, 3))
    reg = tiny(PaReRegressor, lr=1e30, max_epochs=50)
    with pytest.raises(DivergenceError, match=r"(?s)epoch \d+ with lr=1e\+30.*Try"):
        reg.fit(X, X[:, 0])
    assert not hasattr(reg, "history_")


@pytest.mark.parametrize("early_stopping", [False, True])
def test_fit__last_step_diverges__divergence_error(early_stopping):
    # The loss of the only step is finite; what the weights after it give is not.
    X = np.random.default_rng(0).normal(size=(40, 3))
    reg = tiny(PaReRegressor, lr=1e30, max_epochs=1, early_stopping=early_stopping)
    with pytest.raises(DivergenceError, match="output is no longer finite in epoch 1"):
        reg.fit(X, X[:, 0])


@needs_callbacks
def test_fit__keyboard_interrupt__raises(table):
    class Interrupt:
        def setup(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            if context.task_name == "epoch" and context.task_id == 1:
                raise KeyboardInterrupt

        def on_fit_task_end(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

    clf = tiny(PaReClassifier).set_callbacks(Interrupt())
    with pytest.raises(KeyboardInterrupt):
        clf.fit(*table)
    assert not hasattr(clf, "history_")


def test_early_stopping__stops_and_keeps_the_best_weights(table):
    X, y = table
    rng = np.random.default_rng(1)
    X_val, noise = rng.normal(size=(200, 5)), rng.choice(["up", "down"], size=200)
    clf = tiny(
        PaReClassifier,
        early_stopping=True,
        n_iter_no_change=3,
        max_epochs=200,
        linear_path=False,
    ).fit(X, y, X_val=X_val, y_val=noise)
    scores = [row["valid_score"] for row in clf.history_]
    assert clf.n_iter_ == len(scores) < 200
    # The start counts too, so the kept score can exceed all epochs', never fall below.
    assert clf.score(X_val, noise) >= max(scores) - 1e-12


def test_early_stopping__holds_rows_out(table):
    clf = tiny(PaReClassifier, early_stopping=True, max_epochs=3).fit(*table)
    assert {"valid_loss", "valid_score"} <= clf.history_[0].keys()


def test_fit__validation_rows_without_early_stopping__scored_only(table):
    X, y = table
    clf = tiny(PaReClassifier, linear_path=False)
    plain = clone(clf).fit(X, y)
    watched = clone(clf).fit(X, y, X_val=X[:20], y_val=y[:20])
    np.testing.assert_array_equal(plain.predict_proba(X), watched.predict_proba(X))
    last = watched.history_[-1]
    assert last["valid_score"] == pytest.approx(watched.score(X[:20], y[:20]))


def test_tune__frozen_parts_stay(table):
    X, y = table

    def changed(tune):
        # weight_decay would move what trains even without a gradient
        one = tiny(PaReClassifier, tune=tune, max_epochs=1, linear_path=False)
        start, end = clone(one).set_params(lr=1e-30).fit(X, y), one.fit(X, y)
        pairs = zip(
            start._model.named_parameters(), end._model.named_parameters(), strict=True
        )
        return {name for (name, a), (_, b) in pairs if not torch.equal(a, b)}

    everything = changed("all")
    joint = {"backbone.attention.in_proj_weight", "backbone.attention.in_proj_bias"}
    outside = {name for name in everything if not name.startswith("backbone.")}
    assert {"embed.weight", "head.linear.weight", "gate.linear.weight"} <= outside
    assert changed("none") == outside
    assert changed("norm") == outside | {"backbone.norm.weight", "backbone.norm.bias"}
    frozen = everything - changed("attention-frozen")
    assert frozen == joint | {"backbone.qkv.weight", "backbone.qkv.bias"}


def test_verbose__one_line_an_epoch(table, caplog):
    with caplog.at_level(logging.INFO, logger="sklearn_pare"):
        tiny(PaReClassifier, verbose=1, max_epochs=3).fit(*table)
    assert len(caplog.messages) == 3
    assert caplog.messages[0].startswith("epoch 1/3  train_loss ")


def test_verbose__zero__silent(table, capfd):
    tiny(PaReClassifier, max_epochs=2).fit(*table)
    assert capfd.readouterr() == ("", "")


@needs_callbacks
def test_callbacks__progress_and_scores(table, capsys):
    from sklearn.callback import ProgressBar, ScoringMonitor

    monitor = ScoringMonitor(scoring="accuracy")
    clf = tiny(PaReClassifier, max_epochs=3).set_callbacks(ProgressBar(), monitor)
    clf.fit(*table)
    assert "PaReClassifier" in capsys.readouterr().out
    rows = monitor.get_logs().data
    epochs = [row["accuracy"] for row in rows if row["task_name"] == "epoch"]
    assert len(epochs) == 3
    assert epochs[-1] == pytest.approx(clf.score(*table))


@needs_callbacks
def test_callbacks__early_stop__still_see_the_last_epoch(table):
    from sklearn.callback import ScoringMonitor

    X, y = table
    monitor = ScoringMonitor(scoring="accuracy")
    clf = tiny(PaReClassifier, early_stopping=True, n_iter_no_change=1, lr=1e-30)
    clf.set_callbacks(monitor).fit(X, y)
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(rows) == clf.n_iter_ == 1


@needs_callbacks
def test_callbacks__fitted_estimator__is_a_snapshot(table):
    X, y = table
    kept = []

    class Keep:
        def setup(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context, *, fitted_estimator):
            kept.append((fitted_estimator, fitted_estimator.predict_proba(X)))

        def teardown(self, estimator, context):
            pass

    clf = tiny(PaReClassifier, max_epochs=4).set_callbacks(Keep()).fit(X, y)
    for estimator, probabilities in kept:
        np.testing.assert_array_equal(estimator.predict_proba(X), probabilities)
    assert not np.array_equal(kept[0][1], kept[-1][1])
    np.testing.assert_array_equal(kept[-1][1], clf.predict_proba(X))


@needs_callbacks
def test_callbacks__true__stops(table):
    class StopAfterTwo:
        def setup(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context):
            return context.task_id == 1

        def teardown(self, estimator, context):
            pass

    clf = tiny(PaReClassifier, max_epochs=50).set_callbacks(StopAfterTwo())
    assert clf.fit(*table).n_iter_ == 2


def test_grid_search__pipeline_two_jobs__works(digits):
    X, y = digits
    search = GridSearchCV(
        make_pipeline(
            StandardScaler(),
            PaReClassifier(input_shape=(1, 8, 8), max_epochs=1, random_state=0),
        ),
        {
            "pareclassifier__lr": [1e-3, 1e-2],
            "pareclassifier__mix_start": [0.0, 0.6],
        },
        cv=2,
        n_jobs=2,
    ).fit(X, y)
    assert len(search.cv_results_["params"]) == 4
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.predict(X).shape == y.shape


@needs_callbacks
def test_grid_search__callbacks_two_jobs__gather_epochs(digits):
    from sklearn.callback import ScoringMonitor

    X, y = digits
    clf = PaReClassifier(input_shape=(1, 8, 8), max_epochs=2, random_state=0)
    monitor = ScoringMonitor(scoring="accuracy")
    clf.set_callbacks(monitor)
    GridSearchCV(clf, {"lr": [1e-3]}, cv=2, n_jobs=2).fit(X, y)
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(rows) == 3 * 2  # two folds and the refit, two epochs each


def test_cross_val_score__works(table):
    scores = cross_val_score(tiny(PaReClassifier, max_epochs=30), *table, cv=3)
    assert scores.mean() > 0.7


def test_metadata_routing__weights_and_validation_rows(table):
    import sklearn

    X, y = table
    with sklearn.config_context(enable_metadata_routing=True):
        clf = tiny(PaReClassifier, max_epochs=2).set_fit_request(
            sample_weight=True, X_val=True, y_val=True
        )
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, clf)
        pipeline.set_params(transform_input=["X_val"])
        pipeline.fit(X, y, sample_weight=np.ones(60), X_val=X[:9], y_val=y[:9])
    assert "valid_score" in pipeline[-1].history_[0]


@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("default")  # torch's compiler warns about itself
def test_compile__trains_and_pickles_plain(table):
    # Without mixing there is one batch shape, so one compilation.
    clf = tiny(
        PaReClassifier, compile=True, max_epochs=1, mix_start=0.0, mix_end=0.0
    ).fit(*table)
    assert not any("_orig_mod" in name for name in clf.__getstate__()["_model"])
    assert clf.predict(table[0]).shape == (60,)


def test_fit__defaults__no_warning(digits):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clf = PaReClassifier(input_shape=(1, 8, 8), max_epochs=1, random_state=0)
        clf.fit(*digits).predict(digits[0])


def test_fit__source_of_masks__learnt_token_by_token(table):
    # The mask says where an image is bright: simple enough to learn.
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
    # Better than at the start, and than a guess of half and half.
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
    # Masks of chance, three classes in equal shares under every token: no guess is
    # better than the constant one.
    loss = estimator.history_[0]["mixed_source_loss"]
    assert np.log(3) * 0.95 < loss < 10


def test_fit__mask_token__is_learnt(table, monkeypatch):
    from sklearn_pare.nn.embed import MaskToken

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
    # One class: nothing to get wrong.
    assert [row["mixed_source_loss"] for row in estimator.history_] == [0.0, 0.0]


def test_fit__masks_of_another_size__says_which(table):
    with pytest.raises(ValueError, match=r"\(5, 8, 8\)"):
        tiny(PaReClassifier, source=(np.zeros((5, 1, 8, 8)), np.zeros((5, 4, 4)))).fit(
            *table
        )


@pytest.mark.parametrize("schedule", ["linear", "cosine", "gap"])
def test_mix_schedule__fraction_falls(table, schedule):
    clf = tiny(
        PaReClassifier, mix_schedule=schedule, max_epochs=12, linear_path=False
    ).fit(*table)
    fractions = [row["mix_fraction"] for row in clf.history_]
    assert fractions[0] > 0.5
    assert fractions[-1] < fractions[0] - 0.1
    if schedule != "gap":
        assert fractions[-1] == pytest.approx(0.1, abs=0.03)


def test_mix_schedule__gap__starts_from_none():
    # Without a mixed row there would never be a ratio to rise by.
    X = np.random.default_rng(0).normal(size=(40, 3))
    y = (X[:, 0] > 0).astype(int)
    settings = {"mix_schedule": "gap", "mix_start": 0.0, "mix_end": 0.6}
    clf = tiny(PaReClassifier, max_epochs=12, linear_path=False, **settings).fit(X, y)
    assert min(row["mix_fraction"] for row in clf.history_) > 0


def test_mix_schedule__gap__diverges_with_the_right_error():
    X = np.random.default_rng(0).normal(size=(40, 3))
    reg = tiny(PaReRegressor, mix_schedule="gap", lr=1e30, batch_size=4)
    with pytest.raises(DivergenceError, match="in epoch 1 with lr"):
        reg.fit(X, X[:, 0])


def test_mix_schedule__gap__labels_without_meaning_keep_the_mixing_high(table):
    X, y = table
    shuffled = np.random.default_rng(2).permutation(y)
    known, unknown = (
        tiny(
            PaReClassifier, mix_schedule="gap", max_epochs=12, linear_path=False
        ).fit(X, labels).history_[-1]["mix_fraction"]
        for labels in (y, shuffled)
    )  # fmt: skip
    assert known < unknown
