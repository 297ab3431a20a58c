"""Files of checkpoints: what they hold, which are kept, and which are refused."""

import json

import numpy as np
import pytest
import torch

from sklearn_pare import __version__, _safetensors
from sklearn_pare.exceptions import CheckpointError, ModelFileError, SaveError
from sklearn_pare.training import checkpoint
from sklearn_pare.training.checkpoint import Checkpoints
from tests.training.interrupted import edit_checkpoints


class _Net:
    """A net with a step and values; restoring it records what it would get."""

    def __init__(self, step=0, values=None):
        self.step_, self.values, self.restored = step, values or {}, None


@pytest.fixture
def states(monkeypatch):
    """Checkpoints of `_Net` in place of those of a real net."""

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
    """Write checkpoints after some steps, and return the names of the files."""
    checkpoints = _checkpoints(folder)
    checkpoints.alignment_history += losses
    checkpoints.start(_Net(steps[0]), "best")
    for step in steps[1:]:
        checkpoints.on_epoch_end(_Net(step))
    return sorted(path.name for path in folder.iterdir())


def test_checkpoints__new__empty_and_writes_at_once(states, tmp_path):
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
        "schema": 2,
        "versions": {"sklearn_pare": __version__, "torch": torch.__version__},
        "fingerprint": SAME,
        "seeds": [1, 2],
        "alignment_history": [],
        "values": {"keep": "best"},
    }


def test_checkpoints__continued__all_of_the_latest(states, tmp_path):
    _written(tmp_path, (0, 9, 10), [0.5, 0.25])
    checkpoints = _checkpoints(tmp_path, seeds=(5, 6))
    assert checkpoints.found
    assert checkpoints.seeds == [1, 2]
    assert checkpoints.alignment_history == [0.5, 0.25]
    net = _Net(3)
    checkpoints.start(net, "other")
    assert net.restored == ("other", 10, {"keep": "best"})
    # Nothing is written before there is something new; the arrays are released.
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


def test_checkpoints__other_files__stay_except_those_of_a_killed_fit(states, tmp_path):
    mine = {"notes.txt", "checkpoint-1.safetensors.bak", "checkpoint-x.safetensors"}
    for name in mine | {"checkpoint-00000009.safetensors.77.partial"}:
        (tmp_path / name).write_text("x")
    assert _written(tmp_path, (0, 1, 2, 3)) == sorted(
        mine | {f"checkpoint-0000000{step}.safetensors" for step in (2, 3)}
    )


def test_checkpoints__another_fit__error_names_all_differences(states, tmp_path):
    _written(tmp_path, (0, 4))
    with pytest.raises(CheckpointError) as error:
        _checkpoints(tmp_path, {"lr": "0.2", "y": "(2,)"})
    assert str(error.value) == (
        f"{tmp_path / 'checkpoint-00000004.safetensors'} belongs to another fit: lr is "
        "0.2, but was 0.1 there; y is (2,), but was missing there; X is missing, but "
        "was (2, 3) there. Use the arguments and data of that fit to continue it, or "
        "another checkpoint_dir: each fit needs its own."
    )


def test_checkpoints__state_of_another_net__error_names_the_remedy(states, tmp_path):
    checkpoints = _checkpoints(tmp_path)
    checkpoints.start(_Net(4, {"wrong": 1}), "best")
    with pytest.raises(CheckpointError) as error:
        _checkpoints(tmp_path).start(_Net(), "best")
    assert str(error.value) == (
        f"{tmp_path / 'checkpoint-00000004.safetensors'} cannot be continued: it "
        "has wrong values. Remove it, or use another checkpoint_dir."
    )


def test_checkpoints__folder_under_a_file__error_names_the_remedy(tmp_path):
    (tmp_path / "x").write_text("x")
    folder = str(tmp_path / "x" / "y")
    with pytest.raises(SaveError) as error:
        _checkpoints(folder)
    message = str(error.value)
    assert message.startswith(f"checkpoint_dir={folder!r} cannot be created: ")
    assert message.endswith(". Use a folder with write permission.")


def test_checkpoints__latest_damaged__warning_names_the_previous_one(states, tmp_path):
    names = _written(tmp_path, (0, 1, 2))
    (tmp_path / names[1]).write_bytes(b"")
    with pytest.warns(UserWarning, match="damaged") as record:
        checkpoints = _checkpoints(tmp_path)
    assert len(record) == 1
    message = str(record[0].message)
    assert message.startswith(f"{tmp_path / names[1]} is not a file of sklearn_pare")
    assert message.endswith(f" Training continues from the previous one, {names[0]}.")
    net = _Net()
    checkpoints.start(net, "best")
    assert net.restored[1] == 1


def test_checkpoints__all_damaged__error_of_the_latest(states, tmp_path):
    names = _written(tmp_path, (0, 1, 2))
    for name in names:
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(ModelFileError, match=names[1]):
        _checkpoints(tmp_path)


def test_checkpoints__of_another_schema__error_names_the_version(states, tmp_path):
    (name,) = _written(tmp_path, (0,))
    other = {"schema": 3, "versions": {"sklearn_pare": "9"}}
    edit_checkpoints(tmp_path, lambda described, arrays: described.update(other))
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
        (lambda d: d.update(fingerprint=[]), "has schema 2"),
        (lambda d: d.pop("alignment_history"), "KeyError.'alignment_history'"),
        (lambda d: d.update(alignment_history={}), "has schema 2"),
        (lambda d: d.update(alignment_history=[1]), "has schema 2"),
        (lambda d: d.update(alignment_history=["a"]), "has schema 2"),
        (lambda d: d.update(values=[]), "has schema 2"),
        (lambda d: d.update(seeds={"1": 1, "2": 2}), "has schema 2"),
        (lambda d: d.update(seeds=[1, 2, 3]), "has schema 2"),
        (lambda d: d.update(seeds=[1]), "has schema 2"),
        (lambda d: d.update(seeds=[1, -1]), "has schema 2"),
        (lambda d: d.update(seeds=[True, 1]), "has schema 2"),
        (lambda d: d.update(seeds=[1.0, 1]), "has schema 2"),
        (lambda d: d.update(seeds=[1, 2**31]), "has schema 2"),
    ],
)
def test_checkpoints__other_form__typed_error(edit, words, states, tmp_path):
    (name,) = _written(tmp_path, (0,))
    edit_checkpoints(tmp_path, lambda described, arrays: edit(described))
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
    edit_checkpoints(tmp_path, lambda d, a: d.update(versions={"torch": "1.0"}))
    with pytest.warns(UserWarning, match="last bits") as record:
        _checkpoints(tmp_path)
    here = {"sklearn_pare": __version__, "torch": torch.__version__}
    assert [str(warning.message) for warning in record] == [
        f"{name} was written by {{'torch': '1.0'}}, here are {here}: what follows may "
        "differ in the last bits."
    ]
