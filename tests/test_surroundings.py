"""The user's settings of scikit-learn, numpy and torch do not reach fits."""

import contextlib
import copy
import io
import pickle
import threading

import numpy as np
import pandas as pd
import pytest
import sklearn
import torch
from sklearn.model_selection import cross_validate

import sklearn_pare
from sklearn_pare import PaReClassifier, PaReRegressor, inspection, otdd, sources
from sklearn_pare.exceptions import DataError
from tests.common.callbacks import Callback, needs_callbacks
from tests.common.instances import tiny
from tests.common.process import unchanged

N = 24
TABLE = np.random.default_rng(0).normal(size=(N, 4))
SIGNALS = np.random.default_rng(1).normal(size=(N, 2, 16))
IMAGES = np.random.default_rng(2).normal(size=(N, 1, 8, 8))
FRAME = pd.DataFrame({"number": TABLE[:, 0], "text": ["red", "green", "blue"] * 8})
CLASSES = np.where(TABLE[:, 0] > 0, "up", "down")

# Samples and targets.
MODALITIES = {
    "table": (PaReRegressor, TABLE, TABLE[:, 0]),
    "frame": (PaReClassifier, FRAME, CLASSES),
    "signals": (PaReClassifier, SIGNALS, CLASSES),
    "images": (PaReClassifier, IMAGES, CLASSES),
    "fields 1-D": (PaReRegressor, SIGNALS, SIGNALS.cumsum(2)),
    "fields 2-D": (PaReRegressor, IMAGES, IMAGES[:, 0] ** 2),
    "masks": (PaReClassifier, IMAGES, (IMAGES[:, 0] > 0).astype(int)),
    "labels": (PaReClassifier, TABLE, (TABLE[:, :2] > 0).astype(int)),
    "numbers": (PaReRegressor, TABLE, TABLE[:, :3]),
}


@contextlib.contextmanager
def _dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextlib.contextmanager
def _default_device(device):
    torch.set_default_device(device)
    try:
        yield
    finally:
        torch.set_default_device(None)


def _config(**settings):
    def enter():
        try:
            with sklearn.config_context(**settings):
                pass
        except (ImportError, RuntimeError) as error:
            # Arrays are dispatched only with SCIPY_ARRAY_API=1 and, by older releases
            # of scikit-learn, with another package.
            pytest.skip(str(error))
        return sklearn.config_context(**settings)

    return enter


CONFIGURATIONS = {
    "metadata routing": _config(enable_metadata_routing=True),
    "assume finite": _config(assume_finite=True),
    "array API": _config(array_api_dispatch=True),
}
OUTPUTS = {
    "pandas": _config(transform_output="pandas"),
    "polars": _config(transform_output="polars"),
}
TENSORS = {
    "float64": lambda: _dtype(torch.float64),
    "bfloat16": lambda: _dtype(torch.bfloat16),
    "autocast": lambda: torch.autocast("cpu"),
    "device": lambda: torch.device("meta"),
    "default device": lambda: _default_device("meta"),
    "inference mode": torch.inference_mode,
    "no grad": torch.no_grad,
    "floating-point errors": lambda: np.errstate(all="raise"),
}


def _fit(kind, X, y, **settings):
    # In bfloat16, differences in the last bits would not show.
    defaults = {"max_epochs": 1, "precision": "fp32"}
    return tiny(kind, **(defaults | settings)).fit(X, y)


def _results(estimator, X, y):
    """Return everything that a fitted estimator computes, as bytes by name."""
    estimator.set_output(transform="default")
    results = {
        "predict": estimator.predict(X),
        "transform": estimator.transform(X),
        "score": np.float64(estimator.score(X, y)),
        "losses": np.array([row["train_loss"] for row in estimator.history_]),
    }
    if isinstance(estimator, PaReClassifier):
        results["predict_proba"] = estimator.predict_proba(X)
        results["decision_function"] = estimator.decision_function(X)
    for name, weight in estimator._model.state_dict().items():
        assert (weight.device.type, weight.is_inference()) == ("cpu", False)
        results[name] = weight.numpy()
    return {name: (value.dtype, value.tobytes()) for name, value in results.items()}


@pytest.fixture(scope="module")
def usual():
    """Function that returns a fit in the usual surroundings, and its results."""
    known = {}

    def find(modality):
        if modality not in known:
            kind, X, y = MODALITIES[modality]
            estimator = _fit(kind, X, y)
            known[modality] = estimator, _results(estimator, X, y)
        return known[modality]

    return find


def _check(modality, surroundings, usual):
    kind, X, y = MODALITIES[modality]
    with surroundings(), unchanged():
        found = _results(_fit(kind, X, y), X, y)
    assert found == usual(modality)[1]


@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_configuration_of_scikit_learn__same_bits(name, modality, usual):
    _check(modality, CONFIGURATIONS[name], usual)


@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("name", OUTPUTS)
def test_containers_of_outputs__same_bits(name, modality, usual):
    _check(modality, OUTPUTS[name], usual)


@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("name", TENSORS)
def test_state_of_torch_and_numpy__same_bits(name, modality, usual):
    _check(modality, TENSORS[name], usual)


@contextlib.contextmanager
def _all():
    with contextlib.ExitStack() as stack:
        for name, enter in (CONFIGURATIONS | OUTPUTS | TENSORS).items():
            if name != "device":
                stack.enter_context(enter())
        yield


def test_bundled_backbone__all_at_once__same_bits():
    X, y = SIGNALS, CLASSES
    settings = {"backbone": "pare-tiny", "linear_path": False}
    expected = _results(_fit(PaReClassifier, X, y, **settings), X, y)
    with _all(), unchanged():
        assert _results(_fit(PaReClassifier, X, y, **settings), X, y) == expected


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("early_stopping", [True, False])
def test_bfloat16__within_autocast__weights_are_cast_again(enabled, early_stopping):
    settings = {
        "precision": "bf16", "max_epochs": 2, "early_stopping": early_stopping,
        "linear_path": False, "batch_size": 8,
    }  # fmt: skip
    expected = _results(
        _fit(PaReClassifier, IMAGES, CLASSES, **settings), IMAGES, CLASSES
    )
    with torch.autocast("cpu", enabled=enabled), torch.autocast("cpu"), unchanged():
        estimator = _fit(PaReClassifier, IMAGES, CLASSES, **settings)
        assert _results(estimator, IMAGES, CLASSES) == expected


@pytest.mark.parametrize(
    "settings",
    [{"alignment": "otdd"}, {"early_stopping": True}, {"source": ["formula", "noise"]},
     {"tune": "none"}],
    ids=["alignment", "early stopping", "two sources", "frozen"],
)  # fmt: skip
def test_parts_of_a_fit__all_at_once__same_bits(settings):
    X, y = TABLE, TABLE[:, 1]
    expected = _results(_fit(PaReRegressor, X, y, **settings), X, y)
    with _all(), unchanged():
        assert _results(_fit(PaReRegressor, X, y, **settings), X, y) == expected


@pytest.mark.parametrize(
    "error",
    [
        {"X": np.full((N, 4), np.inf)},
        {"y": CLASSES},
        {"lr": 1e30},
        {"backbone": "none"},
    ],
    ids=["X", "y", "divergence", "backbone"],
)
def test_fit__fails__surroundings_restored(error):
    settings = {"X": TABLE, "y": TABLE[:, 0]} | error
    with _all(), unchanged(), pytest.raises((ValueError, RuntimeError)):
        _fit(PaReRegressor, **settings)


def test_missing_target__finiteness_is_assumed__data_error():
    y = np.where(np.arange(N) == 3, np.nan, TABLE[:, 0])
    finite = sklearn.config_context(assume_finite=True)
    with finite, pytest.raises(ValueError, match="NaN"):
        _fit(PaReRegressor, TABLE, y)


# ---- what remains the user's


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("own", [True, False])
def test_transform__container_of_the_user__kept(library, own, usual):
    pytest.importorskip(library)
    estimator, _ = usual("frame")
    estimator = copy.deepcopy(estimator).set_output(transform="default")
    expected = estimator.transform(FRAME)
    del estimator._sklearn_output_config
    if own:
        estimator.set_output(transform=library)
    with sklearn.config_context(transform_output="default" if own else library):
        found = estimator.transform(FRAME)
    assert type(found).__module__.partition(".")[0] == library
    assert list(found.columns) == list(estimator.get_feature_names_out())
    np.testing.assert_array_equal(found.to_numpy(), expected)


def test_metadata_routing__weights_requested__reach_the_fit():
    weight = np.where(np.arange(N) % 3 == 0, 5.0, 1.0)
    estimator = tiny(PaReClassifier, max_epochs=1)
    folds = [(np.arange(16), np.arange(16, N))]
    expected = estimator.fit(TABLE[:16], CLASSES[:16], weight[:16])
    with sklearn.config_context(enable_metadata_routing=True):
        found = cross_validate(
            tiny(PaReClassifier, max_epochs=1)
            .set_fit_request(sample_weight=True)
            .set_score_request(sample_weight=False),
            TABLE, CLASSES, cv=folds, params={"sample_weight": weight},
            return_estimator=True, error_score="raise",
        )["estimator"][0]  # fmt: skip
        np.testing.assert_array_equal(
            found.predict_proba(TABLE), expected.predict_proba(TABLE)
        )


class Look(Callback):
    """A callback that keeps the settings that it sees."""

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        fitted_estimator.predict(TABLE)
        self.seen = (
            sklearn.get_config()["enable_metadata_routing"],
            torch.get_default_dtype(),
            torch.is_inference_mode_enabled(),
        )

    def teardown(self, estimator, context):
        self.last = sklearn.get_config()["enable_metadata_routing"]


@needs_callbacks
def test_callbacks__see_the_defaults_until_the_fit_ends():
    look = Look()
    with _all():
        tiny(PaReClassifier, max_epochs=1).set_callbacks(look).fit(TABLE, CLASSES)
    assert look.seen == (False, torch.float32, False)
    assert look.last


def test_threads__predict_at_the_same_time__dtype_restored(usual):
    estimator, expected = usual("table")
    found = []

    def work():
        found.extend(estimator.predict(TABLE).tobytes() for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(4)]
    with _dtype(torch.float64):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert torch.get_default_dtype() is torch.float64
    assert found == [expected["predict"][1]] * 80


# ---- tensors as data


def _tensors(*arrays):
    return [torch.from_numpy(np.asarray(array)) for array in arrays]


@pytest.mark.parametrize("modality", ["table", "fields 1-D", "masks", "labels"])
@pytest.mark.parametrize("name", ["inference mode", "array API", "no grad", "autocast"])
def test_tensors__made_in_these_surroundings__same_bits(name, modality, usual):
    kind, X, y = MODALITIES[modality]
    with (CONFIGURATIONS | TENSORS)[name]():
        X, y, weight = (tensor.clone() for tensor in _tensors(X, y, np.ones(N)))
        inside = tiny(kind, max_epochs=1, precision="fp32").fit(X, y, weight)
        score = inside.score(X, y, sample_weight=weight)
    outside = tiny(kind, max_epochs=1, precision="fp32").fit(
        X, y, weight, X_val=X[:3], y_val=y[:3]
    )
    assert len(outside.predict(X)) == N
    usual_estimator, expected = usual(modality)
    assert inside.predict(X).tobytes() == expected["predict"][1]
    assert score == usual_estimator.score(*MODALITIES[modality][1:])


WEIGHTS = {
    "that needs a gradient": lambda: torch.ones(N, requires_grad=True),
    "of bfloat16": lambda: torch.ones(N, dtype=torch.bfloat16),
    "of bool": lambda: torch.ones(N, dtype=torch.bool),
    "of a list": lambda: [1] * N,
}


@pytest.mark.parametrize("modality", ["table", "fields 1-D", "masks", "labels"])
def test_tensors__as_weights__same_bits(modality, usual):
    (kind, X, y), (other, expected) = MODALITIES[modality], usual(modality)
    for make in WEIGHTS.values():
        estimator = tiny(kind, max_epochs=1, precision="fp32").fit(X, y, make())
        assert estimator.predict(X).tobytes() == expected["predict"][1]
        assert estimator.score(X, y, make()) == other.score(X, y)


# ---- other entries


def _copies(estimator, folder):
    estimator.save(folder / "model.pare")
    yield sklearn_pare.load(folder / "model.pare")
    file = io.BytesIO()
    estimator.save(file, omit_pretrained=True)
    file.seek(0)
    yield sklearn_pare.load(file)
    yield pickle.loads(pickle.dumps(estimator))
    yield copy.deepcopy(estimator)


@pytest.mark.parametrize("name", [*CONFIGURATIONS, *OUTPUTS, *TENSORS])
def test_copies_and_continued_fits__same_bits(name, usual, tmp_path):
    (estimator, expected), (_, X, y) = usual("images"), MODALITIES["images"]
    again = copy.deepcopy(estimator).set_params(warm_start=True).fit(X, y)
    with (CONFIGURATIONS | OUTPUTS | TENSORS)[name](), unchanged():
        copies = list(_copies(estimator, tmp_path))
    for own in copies:
        assert _results(own, X, y) == expected
    copies[0].set_params(warm_start=True).fit(X, y)
    assert _results(copies[0], X, y) == _results(again, X, y)


def _distances(_):
    table = sources.rank(
        TABLE, CLASSES, ["formula:heaps", "noise"], backbone="test-tiny", random_state=0
    )
    return [distance for _, distance in table]


def _transport(_):
    alignment = otdd.Alignment(TABLE, CLASSES, inner="exact", random_state=0)
    features = torch.from_numpy(TABLE[::-1] + 1)
    return (
        otdd.dataset_distance(TABLE, CLASSES, TABLE + 1, TABLE[:, :2], random_state=0),
        otdd.dataset_distance(
            TABLE, None, TABLE**2, CLASSES, inner="sinkhorn", random_state=0
        ),
        alignment.loss(features, CLASSES).item(),
    )


def _gap(estimator):
    display = inspection.ModalityGapDisplay.from_estimator(
        estimator, IMAGES, CLASSES, n_steps=2, n_repeats=1, random_state=0
    )
    return display.to_source, display.random_to_target


def _patches(estimator):
    display = inspection.PatchReplacementDisplay.from_estimator(
        estimator, IMAGES[:1], random_state=0
    )
    return display.source_row, display.target_index


def _landscape(estimator):
    display = inspection.loss_landscape(
        estimator, IMAGES, CLASSES, n_points=2, random_state=0
    )
    return display.loss


@pytest.mark.parametrize("look", [_distances, _transport, _gap, _patches, _landscape])
def test_inspection_and_ranking__all_at_once__same_bits(look, monkeypatch):
    pytest.importorskip("matplotlib")
    for display in (
        "ModalityGapDisplay",
        "PatchReplacementDisplay",
        "LossLandscapeDisplay",
    ):
        monkeypatch.setattr(
            getattr(inspection, display), "plot", lambda self, **_: self
        )
    estimator = _fit(PaReClassifier, IMAGES, CLASSES)
    expected = [np.asarray(array).tobytes() for array in look(estimator)]
    with _all(), unchanged():
        found = look(estimator)
    assert [np.asarray(array).tobytes() for array in found] == expected


def test_unknown_names_of_settings__are_ignored(monkeypatch):
    # scikit-learn before 1.9 has no sparse_interface.
    from sklearn_pare._utils import surroundings

    monkeypatch.setitem(surroundings._SKLEARN, "of another version", True)
    with surroundings.pinned():
        assert not sklearn.get_config()["assume_finite"]
    with pytest.raises(DataError):
        _fit(PaReClassifier, np.full((N, 2, 8), np.nan), CLASSES)
