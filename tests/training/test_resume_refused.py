"""Checkpoints of other fits, and damaged or wrong ones."""

import numpy as np
import pandas as pd
import pytest

from sklearn_pare import PaReClassifier
from sklearn_pare.exceptions import CheckpointError, ModelFileError, SaveError
from tests.common.instances import tiny
from tests.training.interrupted import (
    CLASSES,
    IMAGES,
    MORE,
    TABLE,
    edit_checkpoints,
    fresh,
)
from tests.training.same import assert_same_fit

WEIGHT = np.linspace(0.5, 1.5, 40)
FRAME = pd.DataFrame({"a": TABLE[:, 0], "b": ["x", "y"] * 20})


@pytest.mark.parametrize(
    ("settings", "data", "words"),
    [
        ({"lr": 0.5}, {}, r"lr is 0\.5, but was 0\.02 there"),
        ({"tune": "norm"}, {}, "tune is 'norm', but was 'all' there"),
        ({"max_epochs": 9}, {}, "max_epochs is 9, but was 2 there"),
        ({"random_state": 5}, {}, "random_state is"),
        ({"random_state": None}, {}, "random_state is missing, but was"),
        ({"source": (TABLE, CLASSES)}, {}, r"source is \[\(40, 5\) float64 sha256"),
        ({"source": "nearest"}, {}, r"source is 'nearest', but was 'formula\+self' th"),
        ({"class_weight": {"up": 2, "down": 1}}, {}, "class_weight is {'up': 2, 'd"),
        ({}, {"X": TABLE + 1e-9}, r"X is \(40, 5\) float64 sha256:\w{16}, but was"),
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
def test_fit__other_arguments_or_data__error_names_the_difference(
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


@pytest.mark.parametrize("position", [0, -1])
def test_fit__memory_map__recognised_by_its_samples(position, tmp_path, monkeypatch):
    monkeypatch.setattr("sklearn_pare._data.lazy.MAX_READ", 0)
    mapped = np.memmap(tmp_path / "X", np.float32, "w+", shape=IMAGES.shape)
    mapped[:] = IMAGES
    y = (IMAGES[:, 0, 0, 0] > 0).astype(int)
    clf = tiny(PaReClassifier, checkpoint_dir=tmp_path / "fit", max_epochs=1)
    clf.fit(mapped, y)
    clf.fit(np.memmap(tmp_path / "X", np.float32, "r", shape=IMAGES.shape), y)
    mapped[position] += 1
    with pytest.raises(CheckpointError, match="X is"):
        clf.fit(mapped, y)


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


def test_fit__latest_checkpoint_cut_short__warns_and_takes_the_one_before(
    stopped, stop, tmp_path
):
    whole = fresh(stopped, None).fit(TABLE, CLASSES)
    stop.before(None)
    latest = max(tmp_path.iterdir())
    latest.write_bytes(latest.read_bytes()[:-1])
    words = "damaged.*continues from the previous one, checkpoint-00000002"
    with pytest.warns(UserWarning, match=words):
        stopped.fit(TABLE, CLASSES)
    assert stop.seen == 8
    assert_same_fit(stopped, whole)


def test_fit__warnings_of_checkpoints__points_at_the_caller(stopped, tmp_path):
    edit_checkpoints(tmp_path, lambda d, a: d["versions"].update(torch="1.0"))
    max(tmp_path.iterdir()).write_bytes(b"")
    with pytest.warns(UserWarning, match="last bits|continues from") as caught:
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


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda d, a: d.update(schema=3), "has schema 3"),
        (lambda d, a: d.pop("seeds"), "not a checkpoint.*seeds"),
        (lambda d, a: d.update(seeds=[1, 2]), "not a checkpoint"),
        (lambda d, a: d.update(seeds=["a"] * 4), "not a checkpoint"),
        (lambda d, a: d["fingerprint"].pop("lr"), "lr is 0.02, but was missing there"),
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
    edit_checkpoints(tmp_path, edit)
    with pytest.raises((CheckpointError, ModelFileError), match=f"(?s){words}"):
        stopped.fit(TABLE, CLASSES)


def test_fit__best_weights_of_another_model__typed_error(tmp_path):
    settings = {"early_stopping": True, "max_epochs": 3}
    clf = tiny(PaReClassifier, checkpoint_dir=tmp_path, **settings)
    clf.fit(TABLE, CLASSES)
    edit_checkpoints(tmp_path, lambda d, a: a.pop("best/head.linear.bias"))
    with pytest.raises(
        CheckpointError, match=r"best/head\.linear\.bias is missing or has another"
    ):
        clf.fit(TABLE, CLASSES)


def test_fit__written_by_another_version__warns_and_continues(stopped, stop, tmp_path):
    edit_checkpoints(tmp_path, lambda d, a: d["versions"].update(torch="1.0"))
    with pytest.warns(UserWarning, match=r"written by .*'1.0'.*last bits"):
        stopped.fit(TABLE, CLASSES)
    assert stop.seen == 7


def test_checkpoint_dir__is_a_file__typed_error(tmp_path):
    (tmp_path / "x").write_text("x")
    with pytest.raises(SaveError, match=r"checkpoint_dir='.*x' cannot be created"):
        tiny(PaReClassifier, checkpoint_dir=str(tmp_path / "x")).fit(TABLE, CLASSES)


def test_verbose__names_the_checkpoint(stopped, tmp_path, caplog):
    latest = tmp_path / "checkpoint-00000003.safetensors"
    with caplog.at_level("INFO", logger="sklearn_pare"):
        stopped.fit(TABLE, CLASSES)
    place = caplog.messages.index(f"continuing from {latest}")
    assert caplog.messages[place + 1].startswith("epoch  4/10")


def test_checkpoints__the_last_two_are_kept_in_order_of_steps(tmp_path):
    settings = {"max_epochs": 12, "batch_size": 8, "linear_path": False}
    tiny(PaReClassifier, checkpoint_dir=tmp_path, **settings).fit(TABLE, CLASSES)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"checkpoint-{step:08d}.safetensors" for step in (55, 60)
    ]
