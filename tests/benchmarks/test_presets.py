import pytest

from sklearn_pare import PaReClassifier, PaReRegressor, backbones
from sklearn_pare.benchmarks import presets, tasks
from sklearn_pare.benchmarks.paper import ORCA
from sklearn_pare.openml._cc18 import DATA_SETS
from tests.benchmarks.all_tasks import ALL, WITH_FILES, name_of

# k / N_t in the first and the last epoch, as in the papers' code.
_FRACTIONS = {
    "cifar-100": (0.638, 0.167),
    "spherical": (0.638, 0.167),
    "ninapro": (0.638, 0.167),
    "fsd50k": (0.638, 0.164),
    "darcy": (0.319, 0.161),
    "cosmic": (0.159, 0.003),
    "ecg": (0.640, 0.040),
    "satellite": (0.696, 0.0),
    "deepsea": (0.064, 0.002),
}


@pytest.mark.parametrize("name", presets.PRESETS)
@pytest.mark.parametrize("task", ALL, ids=name_of)
def test_preset__arguments_that_the_estimators_take(task, name, tmp_path):
    preset = presets.get(task, name, tmp_path)
    for method in ("pare", "orca", "scratch"):
        made = presets.estimator(task, preset.settings, method, 3)
        made._validate_params()
        assert made.random_state == 3
    kind = PaReRegressor if task.kind == "fields" else PaReClassifier
    assert type(made) is kind
    assert made.mix_start == made.mix_end == 0.0
    # The folds of OpenML have no validation part.
    assert made.early_stopping == (task.load is not None)
    assert made.linear_path is False
    assert task.settings.items() <= preset.settings.items()
    assert bool(preset.note) == (name == "paper")


@pytest.mark.parametrize("task", WITH_FILES, ids=name_of)
def test_preset_paper__backbones_exist(task, tmp_path):
    backbones.check(presets.get(task, "paper", tmp_path).settings["backbone"])


@pytest.mark.parametrize(
    ("name", "backbone"),
    [
        ("ecg", "hf:roberta-base?max_tokens=50"),
        ("deepsea", "hf:roberta-base?max_tokens=500"),
        ("cosmic", "timm:swin_base_patch4_window7_224.ms_in22k"),
    ],
)
def test_preset_paper__tokens_in_the_name_of_the_backbone(name, backbone, tmp_path):
    task = tasks.SUITES["nas-bench-360"][name]
    assert presets.get(task, "paper", tmp_path).settings["backbone"] == backbone


@pytest.mark.parametrize("name", _FRACTIONS)
def test_preset_paper__fractions_of_the_papers_code(name, tmp_path):
    task = tasks.SUITES["nas-bench-360"][name]
    settings = presets.get(task, "paper", tmp_path).settings
    found = settings["mix_start"], settings["mix_end"]
    assert found == pytest.approx(_FRACTIONS[name], abs=5e-4)


def test_preset_paper__note_names_the_differences(tmp_path):
    suite = tasks.SUITES["nas-bench-360"]
    note = presets.get(suite["cifar-100"], "paper", tmp_path).note
    assert "The optimiser was SGD .9; here it is AdamW." in note
    assert "A step had 32 batches of size 32; here it has one." in note
    assert "5 epochs" in note
    # AdamW, one batch per step.
    note = presets.get(suite["cosmic"], "paper", tmp_path).note
    assert "optimiser" not in note
    assert "A step" not in note


def test_preset_paper__data_sets_of_orca():
    # 33 of ORCA's 42 data sets are in the suite.
    assert len(ORCA) == 33
    assert set(ORCA) <= {data_set for data_set, _ in DATA_SETS.values()}


def test_preset_small__every_part_is_bounded(tmp_path):
    for task in WITH_FILES:
        preset = presets.get(task, "small", tmp_path)
        assert set(preset.rows) == {"train", "valid", "test"}
        assert preset.steps <= 200
        assert preset.settings.get("backbone", "pare-tiny") == "pare-tiny"


def test_preset__unknown__nearest(tmp_path):
    with pytest.raises(ValueError, match="Did you mean 'small'"):
        presets.get(ALL[0], "smal", tmp_path)


@pytest.mark.parametrize(
    ("n_steps", "n_rows", "max_epochs"),
    [
        # 25 steps per epoch.
        (200, 400, 8),
        (199, 400, 7),
        (199, 385, 7),
        # A long epoch is not cut.
        (20, 400, 1),
        # Few samples: the limit of epochs is lower.
        (200, 20, 40),
        (None, 10_000, 40),
    ],
)
def test_limit_steps__as_many_epochs_as_fit(n_steps, n_rows, max_epochs):
    model = PaReClassifier(max_epochs=40, batch_size=16)
    presets.limit_steps(model, n_steps, n_rows)
    assert model.max_epochs == max_epochs
