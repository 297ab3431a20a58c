"""A fit that was cut off anywhere goes on to the same bits."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.random import RandomState

from sklearn_pare import PaReClassifier, PaReRegressor, __version__, _safetensors
from sklearn_pare.exceptions import CheckpointError, ModelFileError, SaveError
from sklearn_pare.training import checkpoint
from sklearn_pare.training.checkpoint import Checkpoints
from sklearn_pare.training.guard import Guard
from sklearn_pare.training.net import PaReNet
from tests.common.instances import tiny
from tests.training.same import assert_same_fit

RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(40, 5))
CLASSES = np.where(TABLE[:, 0] + 0.3 * RNG.normal(size=40) > 0, "up", "down")
IMAGES = RNG.normal(size=(22, 1, 8, 8)).astype(np.float32)
MORE = RNG.normal(size=(30, 5))


class Stop:
    """Cuts training off before some step, as Ctrl-C does; counts steps."""

    def __init__(self, monkeypatch):
        self.seen, self.at = 0, None
        step = PaReNet.train_step_single

        def cut(net, batch, **kwargs):
            if self.seen == self.at:
                raise KeyboardInterrupt
            self.seen += 1
            return step(net, batch, **kwargs)

        monkeypatch.setattr(PaReNet, "train_step_single", cut)

    def before(self, step):
        self.seen, self.at = 0, step


@pytest.fixture
def stop(monkeypatch):
    return Stop(monkeypatch)


FITS = {
    # name: (estimator, arguments of fit)
    "classes": (tiny(PaReClassifier, batch_size=16, max_epochs=3), (TABLE, CLASSES)),
    "early stopping": (
        tiny(PaReClassifier, early_stopping=True, n_iter_no_change=2, max_epochs=4,
             batch_size=16, linear_path=False),
        (TABLE, CLASSES),
    ),
    "gap": (
        tiny(PaReRegressor, mix_schedule="gap", batch_size=16, max_epochs=3),
        (TABLE, TABLE[:, 0]),
    ),
    "cut by max_steps": (
        tiny(PaReRegressor, max_steps=5, batch_size=16, linear_path=False),
        (TABLE, TABLE[:, 0]),
    ),
    "fields": (tiny(PaReRegressor, max_epochs=2), (IMAGES, IMAGES[:, 0])),
    "alignment": (
        tiny(PaReClassifier, alignment="l2", max_epochs=2, batch_size=16),
        (TABLE, CLASSES),
    ),
    "mask token": (
        tiny(PaReClassifier, source="mask-token", max_epochs=2, batch_size=16),
        (TABLE, CLASSES),
    ),
    "no mixing": (
        tiny(PaReClassifier, mix_start=0.0, mix_end=0.0, max_epochs=2, batch_size=16),
        (TABLE, CLASSES),
    ),
    "bfloat16": (
        tiny(PaReClassifier, precision="bf16", max_epochs=2, batch_size=16),
        (TABLE, CLASSES),
    ),
}  # fmt: skip


def _fresh(estimator, folder):
    return type(estimator)(**estimator.get_params() | {"checkpoint_dir": folder})


@pytest.mark.parametrize("name", FITS)
def test_fit__cut_off_before_any_step_and_begun_again__same_bits(
    name, stop, tmp_path, monkeypatch
):
    estimator, data = FITS[name]
    monkeypatch.setattr(checkpoint, "_MINUTES", 0)
    whole = _fresh(estimator, None).fit(*data)
    n_steps = stop.seen
    for step in range(n_steps):
        folder = tmp_path / str(step)
        stop.before(step)
        with pytest.raises(KeyboardInterrupt):
            _fresh(estimator, folder).fit(*data)
        stop.before(None)
        again = _fresh(estimator, folder).fit(*data)
        assert stop.seen == n_steps - step
        assert_same_fit(again, whole)


@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_fit__cut_off_between_the_last_step_of_an_epoch_and_its_end__same_bits(
    epoch, tmp_path, monkeypatch
):
    monkeypatch.setattr(checkpoint, "_MINUTES", 0)
    estimator, data = FITS["classes"]
    whole = _fresh(estimator, None).fit(*data)

    def interrupt(guard, own_epoch):
        if own_epoch == epoch:
            raise KeyboardInterrupt
        return 0

    with monkeypatch.context() as patch:
        patch.setattr(Guard, "check", interrupt)
        with pytest.raises(KeyboardInterrupt):
            _fresh(estimator, tmp_path).fit(*data)
    assert_same_fit(_fresh(estimator, tmp_path).fit(*data), whole)


def test_fit__cut_off_twice_within_an_epoch_of_unlabeled_rows__same_bits(
    stop, tmp_path, monkeypatch
):
    monkeypatch.setattr(checkpoint, "_MINUTES", 0)
    settings = {"batch_size": 8, "max_epochs": 3, "linear_path": False}
    whole = tiny(PaReClassifier, **settings).fit(TABLE, CLASSES, X_unlabeled=MORE)
    clf = tiny(PaReClassifier, checkpoint_dir=tmp_path, **settings)
    for step in (7, 1):
        stop.before(step)
        with pytest.raises(KeyboardInterrupt):
            clf.fit(TABLE, CLASSES, X_unlabeled=MORE)
    stop.before(None)
    assert_same_fit(clf.fit(TABLE, CLASSES, X_unlabeled=MORE), whole)
    assert stop.seen == 15 - 7 - 1


def test_fit__cut_off_in_an_epoch__loses_that_epoch_alone(stop, tmp_path):
    clf = tiny(PaReClassifier, batch_size=16, linear_path=False, max_epochs=4)
    whole = _fresh(clf, None).fit(TABLE, CLASSES)
    stop.before(8)
    clf = _fresh(clf, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(TABLE, CLASSES)
    assert not hasattr(clf, "history_")
    stop.before(None)
    assert_same_fit(clf.fit(TABLE, CLASSES), whole)
    assert stop.seen == 12 - 6


def test_fit__finished__nothing_is_trained_again(stop, tmp_path):
    clf = tiny(PaReClassifier, checkpoint_dir=str(tmp_path)).fit(TABLE, CLASSES)
    stop.before(0)
    assert_same_fit(_fresh(clf, tmp_path).fit(TABLE, CLASSES), clf)


def test_checkpoints__the_last_two_are_kept_in_order_of_steps(tmp_path):
    settings = {"max_epochs": 12, "batch_size": 8, "linear_path": False}
    tiny(PaReClassifier, checkpoint_dir=tmp_path, **settings).fit(TABLE, CLASSES)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"checkpoint-{step:08d}.safetensors" for step in (55, 60)
    ]


def test_checkpoints__more_digits__later(tmp_path, stop):
    clf = tiny(PaReClassifier, checkpoint_dir=tmp_path, max_epochs=3)
    stop.before(2)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(TABLE, CLASSES)
    latest = tmp_path / "checkpoint-00000002.safetensors"
    latest.rename(tmp_path / "checkpoint-100000000.safetensors")
    (tmp_path / "checkpoint-00000001.safetensors").rename(
        tmp_path / "checkpoint-99999999.safetensors"
    )
    stop.before(None)
    clf.fit(TABLE, CLASSES)
    assert stop.seen == 1


@pytest.mark.parametrize("random_state", [None, RandomState(3)], ids=str)
def test_fit__no_fixed_seed__goes_on_with_that_of_the_start(
    random_state, stop, tmp_path
):
    state = random_state and random_state.get_state()
    clf = tiny(PaReClassifier, checkpoint_dir=tmp_path, random_state=random_state)
    stop.before(3)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(TABLE, CLASSES)
    stop.before(None)
    if random_state is not None:
        random_state.set_state(state)
    clf.fit(TABLE, CLASSES)
    assert stop.seen == clf.n_iter_ - 3
    assert clf._init_seed == _described(tmp_path)["seeds"][0]


def _described(folder):
    latest = max(folder.glob("*.safetensors"))
    return json.loads(_safetensors.read(latest)[1])


WEIGHT = np.linspace(0.5, 1.5, 40)
FRAME = pd.DataFrame({"a": TABLE[:, 0], "b": ["x", "y"] * 20})


@pytest.mark.parametrize(
    ("settings", "data", "words"),
    [
        ({"lr": 0.5}, {}, r"lr is 0\.5, there it was 0\.02"),
        ({"tune": "norm"}, {}, "tune is 'norm', there it was 'all'"),
        ({"max_epochs": 9}, {}, "max_epochs is 9, there it was 2"),
        ({"random_state": 5}, {}, "random_state is"),
        ({"random_state": None}, {}, "random_state is not there"),
        ({"source": (TABLE, CLASSES)}, {}, r"source is \[\(40, 5\) float64 sha256"),
        ({"class_weight": {"up": 2, "down": 1}}, {}, "class_weight is {'up': 2, 'd"),
        ({}, {"X": TABLE + 1e-9}, r"X is \(40, 5\) float64 sha256:\w{16}, there"),
        ({}, {"X": TABLE[:, ::-1]}, "X is"),
        ({}, {"X": FRAME}, r"X is \(40, 2\) table"),
        ({}, {"y": CLASSES[::-1]}, "fit: y is"),
        ({}, {"y": np.where(CLASSES == "up", 1, 0)}, r"fit: y is \(40,\) int64"),
        ({}, {"sample_weight": WEIGHT}, "sample_weight is"),
        ({}, {"X_unlabeled": MORE}, r"X_unlabeled is .* was None"),
        ({}, {"X_val": TABLE, "y_val": CLASSES}, "X_val is .*; y_val is"),
    ],
    ids=str,
)
def test_fit__other_arguments_or_data__error_says_what_differs(
    settings, data, words, tmp_path
):
    given = {"X": TABLE, "y": CLASSES}
    clf = tiny(PaReClassifier, checkpoint_dir=tmp_path, max_epochs=2)
    clf.fit(**given)
    with pytest.raises(CheckpointError, match=f"(?s){words}.*another checkpoint_dir"):
        clf.set_params(**settings).fit(**given | data)


def test_fit__names_of_columns_or_a_cell_changed__error(tmp_path):
    clf = tiny(PaReClassifier, checkpoint_dir=tmp_path, max_epochs=1)
    clf.fit(FRAME, CLASSES)
    clf.set_params(verbose=0).fit(FRAME.copy(), CLASSES)
    for frame in (
        FRAME.rename(columns={"a": "c"}),
        FRAME.assign(b=FRAME["b"].replace("x", "z")),
        FRAME.assign(b=FRAME["b"][::-1].to_numpy()),
    ):
        with pytest.raises(CheckpointError, match=r"X is \(40, 2\) table"):
            clf.fit(frame, CLASSES)


@pytest.mark.parametrize("place", ["first", "last"])
def test_fit__memory_map__known_again_by_its_rows(place, tmp_path):
    mapped = np.memmap(tmp_path / "X", np.float32, "w+", shape=IMAGES.shape)
    mapped[:] = IMAGES
    y = (IMAGES[:, 0, 0, 0] > 0).astype(int)
    clf = tiny(PaReClassifier, checkpoint_dir=tmp_path / "fit", max_epochs=1)
    clf.fit(mapped, y)
    clf.fit(np.memmap(tmp_path / "X", np.float32, "r", shape=IMAGES.shape), y)
    mapped[0 if place == "first" else -1] += 1
    with pytest.raises(CheckpointError, match="X is"):
        clf.fit(mapped, y)


@pytest.fixture
def stopped(stop, tmp_path):
    """An estimator that was stopped after three of ten epochs, and its folder."""
    clf = tiny(PaReClassifier, checkpoint_dir=tmp_path, max_epochs=10)
    stop.before(3)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(TABLE, CLASSES)
    stop.before(None)
    return clf


def test_fit__latest_checkpoint_cut_short__warns_and_takes_the_one_before(
    stopped, stop, tmp_path
):
    whole = _fresh(stopped, None).fit(TABLE, CLASSES)
    stop.before(None)
    latest = max(tmp_path.iterdir())
    latest.write_bytes(latest.read_bytes()[:-1])
    with pytest.warns(UserWarning, match=r"damaged.*goes on from checkpoint-00000002"):
        stopped.fit(TABLE, CLASSES)
    assert stop.seen == 8
    assert_same_fit(stopped, whole)


def test_fit__warnings_of_checkpoints__points_at_the_caller(stopped, tmp_path):
    _edit(tmp_path, lambda d, a: d["versions"].update(torch="1.0"))
    max(tmp_path.iterdir()).write_bytes(b"")
    with pytest.warns(UserWarning, match="last bits|goes on from") as caught:
        stopped.fit(TABLE, CLASSES)
    assert [warning.filename for warning in caught] == [__file__] * 2


def test_fit__all_checkpoints_damaged__error_names_the_latest(stopped, tmp_path):
    for path in tmp_path.iterdir():
        path.write_bytes(b"nothing")
    with pytest.raises(ModelFileError, match="checkpoint-00000003"):
        stopped.fit(TABLE, CLASSES)


def test_fit__left_by_a_killed_process__removed(stopped, tmp_path):
    partial = tmp_path / "checkpoint-00000004.safetensors.1.partial"
    partial.write_bytes(b"half")
    stopped.fit(TABLE, CLASSES)
    assert len([*tmp_path.iterdir()]) == 2


def _edit(folder, edit):
    """Change what all checkpoints say, and sign it."""
    for path in folder.glob("*.safetensors"):
        arrays, text = _safetensors.read(path)
        described = json.loads(text)
        edit(described, arrays)
        _safetensors.write(path, arrays, json.dumps(described))


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda d, a: d.update(schema=2), "has schema 2"),
        (lambda d, a: d.pop("seeds"), "not a checkpoint.*seeds"),
        (lambda d, a: d.update(seeds=[1, 2]), "not a checkpoint"),
        (lambda d, a: d.update(seeds=["a"] * 4), "not a checkpoint"),
        (lambda d, a: d["fingerprint"].pop("lr"), "lr is 0.02, there it was not there"),
        (lambda d, a: d["values"].update(step=99), "99 is no count up to 10"),
        (lambda d, a: d["values"].update(step=-1), "-1 is no count"),
        (lambda d, a: d["values"].update(step=1.5), "1.5 is no count"),
        (lambda d, a: d["values"].update(n_parts=10**9), "is no count"),
        (lambda d, a: d["values"]["history"][1].update(lr="x"), "lr of epoch 2 is 'x'"),
        (lambda d, a: d["values"]["history"][1].pop("lr"), "epoch 2 is described by"),
        (lambda d, a: d["values"]["history"][1].update(more=1), "epoch 2 is described"),
        (lambda d, a: d["values"]["history"].pop(0), "epoch 1 is described by"),
        (lambda d, a: d["values"].update(history=[{}] * 99), "it has 99 epochs"),
        (lambda d, a: d["values"].pop("positions"), "positions"),
        (lambda d, a: a.pop("model/head.linear.bias"), "head.linear.bias"),
        (lambda d, a: a.update({"optimizer/0/exp_avg": np.zeros(3)}), "another shape"),
        (lambda d, a: a.update({"optimizer/0/more": np.zeros(())}), "is no part of it"),
        (
            lambda d, a: a.update({"optimizer/99/step": np.zeros(())}),
            "is no part of it",
        ),
        (lambda d, a: a.update({"sums/total": np.zeros(())}), "it has sums of total"),
        (lambda d, a: a["model/head.linear.bias"].fill(np.inf), "not finite"),
        (lambda d, a: a["guard/counts"].fill(np.nan), "not finite"),
        (lambda d, a: a.update({"guard/loss": np.zeros(2)}), "another shape"),
        (lambda d, a: a.update({"generators/train": np.zeros(9, "u1")}), "RNG state"),
    ],
)
def test_fit__signed_but_wrong_checkpoint__typed_error(edit, words, stopped, tmp_path):
    _edit(tmp_path, edit)
    with pytest.raises((CheckpointError, ModelFileError), match=f"(?s){words}"):
        stopped.fit(TABLE, CLASSES)


def test_fit__best_weights_of_another_model__typed_error(tmp_path):
    settings = {"early_stopping": True, "max_epochs": 3}
    clf = tiny(PaReClassifier, checkpoint_dir=tmp_path, **settings)
    clf.fit(TABLE, CLASSES)
    _edit(tmp_path, lambda d, a: a.pop("best/head.linear.bias"))
    with pytest.raises(
        CheckpointError, match=r"best/head\.linear\.bias is missing or has another"
    ):
        clf.fit(TABLE, CLASSES)


def test_fit__written_by_another_version__warns_and_goes_on(stopped, stop, tmp_path):
    _edit(tmp_path, lambda d, a: d["versions"].update(torch="1.0"))
    with pytest.warns(UserWarning, match=r"written by .*'1.0'.*last bits"):
        stopped.fit(TABLE, CLASSES)
    assert stop.seen == 7


def test_checkpoint_dir__is_a_file__typed_error(tmp_path):
    (tmp_path / "x").write_text("x")
    with pytest.raises(SaveError, match=r"checkpoint_dir='.*x' cannot be made"):
        tiny(PaReClassifier, checkpoint_dir=str(tmp_path / "x")).fit(TABLE, CLASSES)


def test_verbose__says_where_it_goes_on(stopped, tmp_path, caplog):
    latest = tmp_path / "checkpoint-00000003.safetensors"
    with caplog.at_level("INFO", logger="sklearn_pare"):
        stopped.fit(TABLE, CLASSES)
    assert caplog.messages[0] == f"going on from {latest}"
    assert caplog.messages[1].startswith("epoch 4/10")


# ---- the files, without a net


class _Net:
    """What a checkpoint is made from, and what is made of it."""

    def __init__(self, step=0, values=None):
        self.step_, self.values, self.restored = step, values or {}, None


@pytest.fixture
def states(monkeypatch):
    """Checkpoints of `_Net`s."""

    def capture(net, keep):
        return {"step": np.array([net.step_])}, {"keep": keep, **net.values}

    def restore(net, keep, arrays, values):
        if "wrong" in values:
            raise ValueError("it has wrong values")
        net.restored = (keep, int(arrays["step"][0]), values)

    monkeypatch.setattr(checkpoint, "capture", capture)
    monkeypatch.setattr(checkpoint, "restore", restore)


SAME = {"lr": "0.1", "X": "(2, 3)"}


def _checkpoints(folder, fingerprint=SAME, seeds=(1, 2)):
    return Checkpoints(folder, fingerprint, list(seeds))


def _written(folder, steps, losses=()):
    """A folder with checkpoints after some steps."""
    checkpoints = _checkpoints(folder)
    checkpoints.alignment_history += losses
    checkpoints.start(_Net(steps[0]), "best")
    for step in steps[1:]:
        checkpoints.on_epoch_end(_Net(step))
    return sorted(path.name for path in folder.iterdir())


def test_checkpoints__begun__empty_and_writes_at_once(states, tmp_path):
    folder = tmp_path / "a" / "b"
    checkpoints = _checkpoints(folder)
    assert not checkpoints.found
    assert checkpoints.alignment_history == []
    assert checkpoints.seeds == [1, 2]
    checkpoints.start(_Net(7), "best")
    assert [path.name for path in folder.iterdir()] == [
        "checkpoint-00000007.safetensors"
    ]
    arrays, text = _safetensors.read(folder / "checkpoint-00000007.safetensors")
    assert arrays["step"].tolist() == [7]
    assert json.loads(text) == {
        "schema": 1,
        "versions": {"sklearn_pare": __version__, "torch": torch.__version__},
        "fingerprint": SAME,
        "seeds": [1, 2],
        "alignment_history": [],
        "values": {"keep": "best"},
    }


def test_checkpoints__gone_on_with__all_of_the_latest(states, tmp_path):
    _written(tmp_path, (0, 9, 10), [0.5, 0.25])
    checkpoints = _checkpoints(tmp_path, seeds=(5, 6))
    assert checkpoints.found
    assert checkpoints.seeds == [1, 2]
    assert checkpoints.alignment_history == [0.5, 0.25]
    net = _Net(3)
    checkpoints.start(net, "other")
    assert net.restored == ("other", 10, {"keep": "best"})
    # Nothing is written before there is something new, and arrays are let go of.
    assert len([*tmp_path.iterdir()]) == 2
    assert checkpoints._arrays is None
    checkpoints.on_epoch_end(_Net(11, {"more": 1}))
    again = _Net()
    _checkpoints(tmp_path).start(again, "best")
    assert again.restored == ("best", 11, {"keep": "other", "more": 1})


def test_checkpoints__time__written_within_epochs_every_ten_minutes(
    states, tmp_path, monkeypatch
):
    now = 1000.0
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: now)

    def steps():
        return sorted(int(path.name[11:19]) for path in tmp_path.iterdir())

    checkpoints = _checkpoints(tmp_path)
    checkpoints.start(_Net(0), "best")
    now += 599
    checkpoints.on_batch_end(_Net(1))
    assert steps() == [0]
    now += 1
    checkpoints.on_batch_end(_Net(2))
    assert steps() == [0, 2]
    now += 599
    checkpoints.on_epoch_end(_Net(3))
    checkpoints.on_batch_end(_Net(4))
    now += 599
    checkpoints.on_batch_end(_Net(5))
    assert steps() == [2, 3]
    checkpoints = _checkpoints(tmp_path)
    checkpoints.start(_Net(), "best")
    checkpoints.on_batch_end(_Net(6))
    assert steps() == [2, 3]


def test_checkpoints__other_files__stay_but_what_a_killed_fit_left_goes(
    states, tmp_path
):
    mine = {"notes.txt", "checkpoint-1.safetensors.bak", "checkpoint-x.safetensors"}
    for name in mine | {"checkpoint-00000009.safetensors.77.partial"}:
        (tmp_path / name).write_text("x")
    assert _written(tmp_path, (0, 1, 2, 3)) == sorted(
        mine | {f"checkpoint-0000000{step}.safetensors" for step in (2, 3)}
    )


def test_checkpoints__another_fit__says_all_that_differs(states, tmp_path):
    _written(tmp_path, (0, 4))
    with pytest.raises(CheckpointError) as error:
        _checkpoints(tmp_path, {"lr": "0.2", "y": "(2,)"})
    assert str(error.value) == (
        f"{tmp_path / 'checkpoint-00000004.safetensors'} belongs to another fit: lr is "
        "0.2, there it was 0.1; y is (2,), there it was not there; X is not there, "
        "there it was (2, 3). Give the arguments and data of that fit to go on with "
        "it, or another checkpoint_dir, one for each fit."
    )


def test_checkpoints__state_of_another_net__says_what_to_do(states, tmp_path):
    checkpoints = _checkpoints(tmp_path)
    checkpoints.start(_Net(4, {"wrong": 1}), "best")
    with pytest.raises(CheckpointError) as error:
        _checkpoints(tmp_path).start(_Net(), "best")
    assert str(error.value) == (
        f"{tmp_path / 'checkpoint-00000004.safetensors'} cannot be gone on with: it "
        "has wrong values. Remove it, or give another checkpoint_dir."
    )


def test_checkpoints__folder_under_a_file__says_what_to_give(tmp_path):
    (tmp_path / "x").write_text("x")
    folder = str(tmp_path / "x" / "y")
    with pytest.raises(SaveError) as error:
        _checkpoints(folder)
    message = str(error.value)
    assert message.startswith(f"checkpoint_dir={folder!r} cannot be made: ")
    assert message.endswith(". Give a folder that may be written to.")


def test_checkpoints__latest_damaged__says_which_one_training_goes_on_from(
    states, tmp_path
):
    names = _written(tmp_path, (0, 1, 2))
    (tmp_path / names[1]).write_bytes(b"")
    with pytest.warns(UserWarning, match="damaged") as record:
        checkpoints = _checkpoints(tmp_path)
    assert len(record) == 1
    message = str(record[0].message)
    assert message.startswith(f"{tmp_path / names[1]} is not a file of sklearn_pare")
    assert message.endswith(f". Training goes on from {names[0]}, the one before.")
    net = _Net()
    checkpoints.start(net, "best")
    assert net.restored[1] == 1


def test_checkpoints__all_damaged__error_of_the_latest(states, tmp_path):
    names = _written(tmp_path, (0, 1, 2))
    for name in names:
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(ModelFileError, match=names[1]):
        _checkpoints(tmp_path)


def test_checkpoints__of_another_schema__says_what_wrote_it(states, tmp_path):
    (name,) = _written(tmp_path, (0,))
    _edit(tmp_path, lambda d, a: d.update(schema=3, versions={"sklearn_pare": "9"}))
    with pytest.raises(ModelFileError) as error:
        _checkpoints(tmp_path)
    assert str(error.value) == (
        f"{tmp_path / name} is not a checkpoint that this version, {__version__}, "
        "reads: it has schema 3 and was written by {'sklearn_pare': '9'}."
    )


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda d: d.pop("schema"), "KeyError.'schema'"),
        (lambda d: d.pop("versions"), "KeyError.'versions'"),
        (lambda d: d.pop("values"), "KeyError.'values'"),
        (lambda d: d.update(seeds=3), "TypeError"),
        (lambda d: d.update(fingerprint=[]), "has schema 1"),
        (lambda d: d.pop("alignment_history"), "KeyError.'alignment_history'"),
        (lambda d: d.update(alignment_history={}), "has schema 1"),
        (lambda d: d.update(alignment_history=[1]), "has schema 1"),
        (lambda d: d.update(alignment_history=["a"]), "has schema 1"),
        (lambda d: d.update(values=[]), "has schema 1"),
        (lambda d: d.update(seeds={"1": 1, "2": 2}), "has schema 1"),
        (lambda d: d.update(seeds=[1, 2, 3]), "has schema 1"),
        (lambda d: d.update(seeds=[1]), "has schema 1"),
        (lambda d: d.update(seeds=[1, -1]), "has schema 1"),
        (lambda d: d.update(seeds=[True, 1]), "has schema 1"),
        (lambda d: d.update(seeds=[1.0, 1]), "has schema 1"),
        (lambda d: d.update(seeds=[1, 2**31]), "has schema 1"),
    ],
)
def test_checkpoints__other_form__typed_error(edit, words, states, tmp_path):
    (name,) = _written(tmp_path, (0,))
    _edit(tmp_path, lambda described, arrays: edit(described))
    with pytest.raises(ModelFileError, match=f"{name} is not a checkpoint.*{words}"):
        _checkpoints(tmp_path)


def test_checkpoints__smallest_and_largest_seed__as_any_other(states, tmp_path):
    _checkpoints(tmp_path, seeds=(0, 2**31 - 1)).start(_Net(), "best")
    assert _checkpoints(tmp_path).seeds == [0, 2**31 - 1]


@pytest.mark.parametrize("text", ["", "[]", "3", "{", '"x"', "[" * 100_000])
def test_checkpoints__no_description__typed_error(text, tmp_path):
    _safetensors.write(tmp_path / "checkpoint-00000001.safetensors", {}, text)
    with pytest.raises(ModelFileError, match="is not a checkpoint: "):
        _checkpoints(tmp_path)


def test_checkpoints__of_other_versions__warns_once(states, tmp_path):
    (name,) = _written(tmp_path, (0,))
    _edit(tmp_path, lambda d, a: d.update(versions={"torch": "1.0"}))
    with pytest.warns(UserWarning, match="last bits") as record:
        _checkpoints(tmp_path)
    here = {"sklearn_pare": __version__, "torch": torch.__version__}
    assert [str(warning.message) for warning in record] == [
        f"{name} was written by {{'torch': '1.0'}}, here are {here}: what follows may "
        "differ in the last bits."
    ]


def test_fit__killed_at_random_moments__same_bits(tmp_path):
    # A process that forks fits and kills them: importing torch for each takes longer.
    command = f"from tests.training.killed import run; run({str(tmp_path)!r}, 20)"
    result = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["same"] == 20
    # Nearly all of them were cut off, and at different places.
    assert report["killed"] >= 15
    assert len(set(report["steps"])) >= 5


_FULL = """
import resource, sys
import numpy as np
from sklearn_pare import PaReClassifier
from tests.common.instances import tiny
clf = tiny(PaReClassifier, checkpoint_dir=sys.argv[1], max_epochs=10)
X = np.random.default_rng(0).normal(size=(40, 5))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    clf.fit(X, X[:, 0] > 0)
except OSError as error:
    print(type(error).__name__, error)
"""


def test_fit__no_room_for_a_checkpoint__those_before_are_intact(tmp_path):
    pytest.importorskip("resource")
    X = np.random.default_rng(0).normal(size=(40, 5))
    clf = tiny(PaReClassifier, checkpoint_dir=tmp_path, max_epochs=10)
    ended = _fresh(clf, None).fit(X, X[:, 0] > 0)
    whole = clf.fit(X, X[:, 0] > 0)
    (latest, *_) = tmp_path.glob("*10.safetensors")
    # The first one has no moments yet: a third of the others.
    limit = str(int(0.6 * latest.stat().st_size))
    command = [sys.executable, "-c", _FULL, tmp_path / "full", limit]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.startswith("SaveError ")
    assert "could not be written" in result.stdout
    assert [p.name for p in (tmp_path / "full").iterdir()] == [
        "checkpoint-00000000.safetensors"
    ]
    clf.set_params(checkpoint_dir=tmp_path / "full").fit(X, X[:, 0] > 0)
    assert_same_fit(clf, ended)
    assert_same_fit(clf, whole)


@pytest.mark.parametrize("form", ["list", "tensor", "frame"])
def test_fit__same_data_in_another_form__goes_on(form, tmp_path, stop):
    clf = tiny(PaReClassifier, checkpoint_dir=tmp_path, max_epochs=2)
    y = (TABLE[:, 0] > 0).astype(np.int64)
    clf.fit(TABLE, y)
    stop.before(None)
    given = {
        "list": (TABLE.tolist(), y.tolist()),
        "tensor": (torch.tensor(TABLE), torch.tensor(y)),
        "frame": (pd.DataFrame(TABLE), pd.Series(y)),
    }[form]
    clf.fit(*given)
    assert stop.seen == 0
