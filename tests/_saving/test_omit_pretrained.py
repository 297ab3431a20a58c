"""Files without the weights of the published backbone."""

import json

import numpy as np
import pytest
import torch

import sklearn_pare
from sklearn_pare import PaReClassifier, _safetensors, backbones
from sklearn_pare._saving import model_file
from sklearn_pare.exceptions import ModelFileError, SaveError, WeightsError
from tests.common.instances import tiny


@pytest.fixture(scope="module")
def frozen(digits):
    X, y = digits
    settings = {"input_shape": (1, 8, 8), "max_epochs": 1, "random_state": 0}
    return {
        tune: PaReClassifier(tune=tune, **settings).fit(X, y)
        for tune in ("none", "norm", "all")
    }


@pytest.mark.parametrize(("tune", "least"), [("none", 1.0), ("norm", 0.98), ("all", 0)])
def test_save__omit_pretrained__smaller_by_unchanged_weights(
    tune, least, frozen, digits, tmp_path
):
    clf = frozen[tune]
    clf.save(tmp_path / "whole.pare")
    clf.save(tmp_path / "part.pare", omit_pretrained=True)
    gain = (tmp_path / "whole.pare").stat().st_size
    gain -= (tmp_path / "part.pare").stat().st_size
    module = sum(value.nbytes for value in clf._model.backbone.state_dict().values())
    # The header holds a hash in place of each tensor.
    n_tensors = len(clf._model.backbone.state_dict())
    assert module * least - 100 * n_tensors <= gain <= module + 100 * n_tensors
    if tune == "all":
        assert gain == 0
    if tune == "none":
        # The figures of docs/saving.rst.
        assert (tmp_path / "whole.pare").stat().st_size > 10_500_000
        assert (tmp_path / "part.pare").stat().st_size < 40_000
    loaded = sklearn_pare.load(tmp_path / "part.pare")
    np.testing.assert_array_equal(
        loaded.predict_proba(digits[0]), clf.predict_proba(digits[0])
    )
    # A loaded estimator can be saved with all weights.
    loaded.save(tmp_path / "again.pare")
    arrays, _ = _safetensors.read(tmp_path / "again.pare")
    expected, _ = _safetensors.read(tmp_path / "whole.pare")
    assert _safetensors.digest(arrays) == _safetensors.digest(expected)


def test_load__another_published_backbone__typed_error(frozen, tmp_path, monkeypatch):
    path = tmp_path / "part.pare"
    frozen["none"].save(path, omit_pretrained=True)
    get = backbones.get

    def other(*args, pretrained, **settings):
        backbone = get(*args, pretrained=pretrained, **settings)
        if pretrained:
            backbone.module.norm.bias.data[0] += 1e-6
        return backbone

    monkeypatch.setattr(backbones, "get", other)
    with pytest.raises(ModelFileError, match=r"backbone\.norm\.bias.*'pare-tiny'"):
        sklearn_pare.load(path)


def test_load__omitted_weights_not_cached__nothing_is_fetched(
    table, tmp_path, monkeypatch
):
    import timm
    from safetensors.torch import save_file

    # The backbone is available where the file is written, but not where it is read.
    cache = tmp_path / "cache"
    monkeypatch.setenv("HF_HUB_CACHE", str(cache))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    known = timm.get_pretrained_cfg("test_vit")
    blob = cache / f"models--{known.hf_hub_id.replace('/', '--')}" / "snapshots" / "a"
    blob.mkdir(parents=True)
    (blob.parents[1] / "refs").mkdir()
    (blob.parents[1] / "refs" / "main").write_text("a")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        state = timm.create_model("test_vit", pretrained=False).state_dict()
    save_file(state, blob / "model.safetensors")
    settings = {"backbone": "timm:test_vit?max_tokens=16", "tune": "none"}
    clf = tiny(PaReClassifier, max_epochs=1, **settings).fit(*table)
    path = tmp_path / "part.pare"
    clf.save(path, omit_pretrained=True)
    _, text = _safetensors.read(path)
    assert len(json.loads(text)["omitted"]) == len(clf._model.backbone.state_dict())
    np.testing.assert_array_equal(
        sklearn_pare.load(path).predict_proba(table[0]), clf.predict_proba(table[0])
    )
    cache.rename(tmp_path / "gone")
    words = r"(?s)test_vit.*nothing is downloaded.*backbones\.fetch\('timm:test_vit'\)"
    with pytest.raises(WeightsError, match=words):
        sklearn_pare.load(path)


def test_save__omit_pretrained_of_a_local_backbone__error_names_the_remedy(
    saved, monkeypatch
):
    clf = sklearn_pare.load(saved[0])
    monkeypatch.setattr(model_file.backbones, "is_local", lambda name: True)
    with pytest.raises(SaveError) as error:
        clf.save("x.pare", omit_pretrained=True)
    assert str(error.value) == (
        f"The weights of backbone={clf.backbone!r} are in a folder of this machine: a "
        "file without them could not be loaded elsewhere. Use omit_pretrained=False."
    )
