"""Files of models: versions, and files that are edited, damaged or of other origin."""

import platform

import numpy as np
import pytest
import sklearn
import torch
from safetensors.numpy import save_file

import sklearn_pare
from sklearn_pare import PaReClassifier, _safetensors
from sklearn_pare._saving import model_file
from sklearn_pare.exceptions import ModelFileError, UnknownNameError
from tests._saving.edited import edited

# ---- versions


def test_read__every_field__as_written(saved):
    path, arrays, described, _ = saved
    found, weights = model_file.read(path)
    assert found.kind == "PaReClassifier"
    assert found.parameters == described["parameters"]
    assert found.versions == described["versions"]
    assert found.omitted == {}
    assert found.fitted["n_tokens_"] == described["fitted"]["n_tokens_"]
    assert weights.keys() == arrays.keys()
    assert described["schema"] == 7
    assert described["versions"] == {
        "sklearn_pare": _HERE,
        "sklearn": sklearn.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def test_load__other_versions__one_warning_names_both(saved, tmp_path):
    def edit(described, _):
        described["versions"].update(sklearn_pare="0.0.7", sklearn="1.5.2")

    path = edited(saved, tmp_path / "old.pare", edit)
    with pytest.warns(UserWarning, match="was written with") as caught:
        sklearn_pare.load(path)
    (warning,) = caught
    text = str(warning.message)
    assert f"sklearn_pare '0.0.7' (here {sklearn_pare.__version__})" in text
    assert f"sklearn '1.5.2' (here {sklearn.__version__})" in text
    assert "torch" not in text
    assert warning.filename == __file__


def test_load__other_patch_or_build__no_warning(saved, tmp_path):
    def edit(described, _):
        for name in ("sklearn_pare", "sklearn", "torch"):
            major, minor, *_ = described["versions"][name].split(".")
            described["versions"][name] = f"{major}.{minor}.99+other"

    sklearn_pare.load(edited(saved, tmp_path / "other.pare", edit))


@pytest.mark.parametrize(
    ("versions", "words"),
    [
        ({}, ""),
        ({"python": "2.7"}, ""),
        ({"torch": None}, "torch None (here {torch})"),
        ({"sklearn": "0.1"}, "sklearn '0.1' (here {sklearn})"),
        (
            {"torch": "1.13.1", "sklearn_pare": "9.9"},
            "sklearn_pare '9.9' (here {sklearn_pare}), torch '1.13.1' (here {torch})",
        ),
    ],
)
def test_drift__names_the_differences(versions, words, saved):
    here = saved[2]["versions"]
    found = {k: v for k, v in (here | versions).items() if v is not None}
    assert model_file.drift(found) == words.format(**here)


def test_load__argument_of_a_later_version__error_names_the_version(saved, tmp_path):
    def edit(described, _):
        described["parameters"].update(tomorrow=1)
        described["versions"]["sklearn_pare"] = "7.1.0"

    path = edited(saved, tmp_path / "new.pare", edit)
    with pytest.raises(ModelFileError, match=r"(?s)tomorrow.*7\.1\.0"):
        sklearn_pare.load(path)


@pytest.mark.parametrize("name", ["input_shape", "mix_weight", "precision"])
def test_load__argument_that_an_earlier_version_lacked__default(name, saved, tmp_path):
    def edit(described, _):
        del described["parameters"][name]

    path = edited(saved, tmp_path / "old.pare", edit)
    loaded = sklearn_pare.load(path)
    assert getattr(loaded, name) == getattr(PaReClassifier(), name)
    np.testing.assert_array_equal(
        loaded.predict_proba(saved[3]),
        sklearn_pare.load(saved[0]).predict_proba(saved[3]),
    )


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda d, a: d.update(schema=99), r"schema 99.*reads 7.*7\.1\.0"),
        (lambda d, a: d.update(schema=1), r"schema 1"),
        (lambda d, a: d.update(ensemble=[]), r"'ensemble'.*7\.1\.0"),
        (lambda d, a: d["fitted"].update(mood_=1), r"'mood_'.*7\.1\.0"),
        (
            lambda d, a: d["fitted"]["_target"].update(object="CountTarget"),
            r"CountTarget.*7\.1\.0",
        ),
    ],
)
def test_load__field_of_a_later_version__error_names_it(edit, words, saved, tmp_path):
    def newer(described, arrays):
        described["versions"]["sklearn_pare"] = "7.1.0"
        edit(described, arrays)

    with pytest.raises(ModelFileError, match=f"(?s){words}"):
        sklearn_pare.load(edited(saved, tmp_path / "new.pare", newer))


# ---- other files


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda d, a: d.update({"class": "Popen"}), "'Popen'"),
        (lambda d, a: d.pop("fitted"), "fitted is missing"),
        (lambda d, a: a.pop("head.linear.bias"), r"head\.linear\.bias.*missing"),
        (lambda d, a: a.update(more=a["head.linear.bias"]), "'more' is not part"),
        (
            lambda d, a: a.update({"head.linear.bias": a["head.linear.bias"][:1]}),
            r"head\.linear\.bias is float32 of shape \(1,\), not float32",
        ),
        (
            lambda d, a: a.update(
                {"head.linear.bias": a["head.linear.bias"].astype(np.float16)}
            ),
            r"head\.linear\.bias is float16",
        ),
        (lambda d, a: d["fitted"].pop("_architecture"), "_architecture is missing"),
        (lambda d, a: d["fitted"].update(_architecture=[1]), "_architecture: "),
        (lambda d, a: d.update(parameters=[]), "parameters: "),
        (lambda d, a: d["parameters"].update(lr="fast"), "'lr' parameter"),
    ],
)
def test_load__edited_file__error_names_the_field(edit, words, saved, tmp_path):
    with pytest.raises(ModelFileError, match=f"(?s){words}"):
        sklearn_pare.load(edited(saved, tmp_path / "edited.pare", edit))


def _refused(path):
    """Return the error message for a file, without its path."""
    with pytest.raises(ModelFileError) as error:
        model_file.read(path)
    assert str(error.value).startswith(f"{path} ")
    return str(error.value).removeprefix(f"{path} ")


_HERE = sklearn_pare.__version__
_NOT_LOADED = f"is not a model that sklearn_pare {_HERE} can load: "
_WRITTEN = f"It was written by sklearn_pare {_HERE!r}: load it with that version."
_WEIGHTS = "does not hold the weights of the model that it describes: "
_BIAS = "head.linear.bias"


def _set(name, value):
    return lambda d, a: a.update({name: value})


def _leave_out(described, arrays):
    del arrays[_BIAS]
    described["omitted"][_BIAS] = "0" * 64


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (
            lambda d, a: d.update(schema=99),
            f"{_NOT_LOADED}it has schema 99, this version reads 7. {_WRITTEN}",
        ),
        (
            lambda d, a: d.update(schema=None, versions={}),
            f"{_NOT_LOADED}it has schema None, this version reads 7. It does not state "
            "which version wrote it.",
        ),
        (
            lambda d, a: d.update(schema=True, versions=[]),
            f"{_NOT_LOADED}it has schema True, this version reads 7. It does not state "
            "which version wrote it.",
        ),
        (
            lambda d, a: d["parameters"].update(checkpoint_dir="/here"),
            f"{_NOT_LOADED}the argument checkpoint_dir is never saved. {_WRITTEN}",
        ),
        (
            lambda d, a: d["fitted"].update(n_tokens_=7),
            f"{_WEIGHTS}n_tokens_=7, the backbone has 16.",
        ),
        (lambda d, a: a.pop(_BIAS), f"{_WEIGHTS}'head.linear.bias' is missing."),
        (_set("more", np.zeros(1)), f"{_WEIGHTS}'more' is not part of it."),
        (
            lambda d, a: d["omitted"].update({"head.linear.bias": "0" * 64}),
            f"{_WEIGHTS}'head.linear.bias' cannot be left out.",
        ),
        (_leave_out, f"{_WEIGHTS}'head.linear.bias' cannot be left out."),
        (
            _set(_BIAS, np.zeros((1, 2), np.float32)),
            f"{_WEIGHTS}{_BIAS} is float32 of shape (1, 2), not float32 of shape (2,).",
        ),
        (
            _set(_BIAS, np.zeros(2)),
            f"{_WEIGHTS}{_BIAS} is float64 of shape (2,), not float32 of shape (2,).",
        ),
        (
            _set(_BIAS, np.full(2, np.inf, np.float32)),
            f"{_WEIGHTS}head.linear.bias holds a number that is not finite.",
        ),
    ],
)
def test_read__edited_file__error_has_fault_and_version(edit, words, saved, tmp_path):
    assert _refused(edited(saved, tmp_path / "edited.pare", edit)) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "Expecting property name enclosed in double quotes: line 1 column 2"),
        ('{"schema": NaN}', "NaN is not a JSON number."),
        ("[" * 10**5, "maximum recursion depth exceeded"),
        (" " * (2**25 + 1), "it has 33554433 characters, 33554432 at most."),
    ],
    ids=["cut", "NaN", "deep", "long"],
)
def test_read__text_that_is_not_json__error_names_the_reason(text, words, tmp_path):
    _safetensors.write(tmp_path / "x", {}, text)
    found = _refused(tmp_path / "x")
    assert found.startswith(f"does not describe a model of sklearn_pare: {words}")


# The last one is as long as a text may be.
@pytest.mark.parametrize("text", ["[]", "3", '"schema"', "null".ljust(2**25)], ids=len)
def test_read__other_json__error_names_the_schema(text, tmp_path):
    _safetensors.write(tmp_path / "x", {}, text)
    assert _refused(tmp_path / "x") == (
        f"{_NOT_LOADED}it has schema None, this version reads 7. It does not state "
        "which version wrote it."
    )


class _Backbone(torch.nn.Module):
    grid, dim = (2, 3), 5

    def __init__(self, takes):
        super().__init__()
        self.takes = takes

    def forward(self, tokens):
        if tokens.shape != self.takes:
            raise RuntimeError("no such shape")
        assert not torch.is_grad_enabled()
        return tokens


def test_check_backbone__one_sample_of_tokens__run():
    model_file.check_backbone("x.pare", _Backbone((1, 6, 5)))
    with pytest.raises(ModelFileError) as error:
        model_file.check_backbone("x.pare", _Backbone((1, 7, 5)))
    assert str(error.value) == (
        "x.pare describes a backbone that does not work: no such shape."
    )


def test_load__backbone_not_registered_here__error_names_the_remedy(saved, tmp_path):
    def edit(described, _):
        described["fitted"]["_architecture"]["backbone"] = "theirs"

    path = edited(saved, tmp_path / "theirs.pare", edit)
    with pytest.raises(UnknownNameError, match=r"'theirs'.*backbones\.register"):
        sklearn_pare.load(path)


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08" + bytes(100)])
def test_load__other_file__typed_error(content, tmp_path):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(ModelFileError, match="not a file of sklearn_pare"):
        sklearn_pare.load(tmp_path / "x")


def test_load__written_before_the_first_release__clear_error(saved, tmp_path):
    save_file(saved[1], tmp_path / "x", metadata={"sklearn_pare": '{"schema": 1}'})
    with pytest.raises(ModelFileError, match="before the first release"):
        sklearn_pare.load(tmp_path / "x")


def test_load__missing_file__file_not_found(tmp_path):
    with pytest.raises(FileNotFoundError):
        sklearn_pare.load(tmp_path / "nowhere.pare")
