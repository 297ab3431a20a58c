"""The ten tasks of NAS-Bench-360, by name."""

from sklearn_pare.datasets.nas_bench_360 import (
    audio,
    fields,
    images,
    proteins,
    signals,
    telescope,
)
from sklearn_pare.datasets.nas_bench_360.request import RemoteFile, Task
from sklearn_pare.nn.losses import IGNORED

_ADDRESS = "https://pde-xd.s3.amazonaws.com/"


def _plain(size, *paths):
    return tuple(RemoteFile(path, _ADDRESS + path, size) for path in paths)


def _archive(size, path, archive, into, marker):
    return RemoteFile(path, _ADDRESS + archive, size, None, archive, into, marker)


_FIFTH = "40,000 train, 10,000 valid (the last fifth of a fixed shuffle), 10,000 test"
_FIFTH_SIZES = (40_000, 10_000, 10_000)
_FSD50K = _archive("24 GB", "audio", "audio/audio.zip", "audio", "chunks/lbl_map.json")

_TASKS = (
    Task(
        name="cifar-100",
        title="CIFAR-100: colour photographs of 100 classes",
        row_shape=(3, 32, 32),
        outputs=100,
        files=(
            RemoteFile(
                "cifar-100-python",
                "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
                "161 MB",
                known_hash="md5:eb9058c3a382ffc7106e4002c42a8d85",
                archive="cifar-100-python.tar.gz",
                marker="cifar-100-python/train",
            ),
        ),
        load=images.load_cifar_100,
        rows=_FIFTH,
        sizes=_FIFTH_SIZES,
        preprocessing="each channel standardised by the training part",
        omitted="random crops with padding 4, and flips",
    ),
    Task(
        name="spherical",
        title="Spherical: CIFAR-100 projected onto a sphere, rotated at random",
        row_shape=(3, 60, 60),
        outputs=100,
        files=_plain("272 MB", "spherical/s2_cifar100.gz"),
        load=images.load_spherical,
        rows=_FIFTH,
        sizes=_FIFTH_SIZES,
        preprocessing="divided by 255",
    ),
    Task(
        name="ninapro",
        title="NinaPro DB5: hand gestures from forearm muscle signals",
        row_shape=(1, 16, 52),
        outputs=18,
        files=_plain(
            "15 MB in six files",
            *(
                f"ninapro/{name}_{part}.npy"
                for part in ("train", "val", "test")
                for name in ("ninapro", "label")
            ),
        ),
        load=signals.load_ninapro,
        rows="2,638 train, 659 valid, 659 test, as distributed",
        sizes=(2_638, 659, 659),
        preprocessing="none",
    ),
    Task(
        name="fsd50k",
        title="FSD50K: sounds with 200 labels",
        kind="labels",
        metric="clip-map",
        row_shape=(1, 96, 102),
        outputs=200,
        files=(_FSD50K,),
        load=audio.load_fsd50k,
        rows="chunks of 37,000 clips train, 4,000 valid, 10,000 test, as distributed; "
        "groups are the clips",
        sizes=(36_796, 4_170, 10_231),
        preprocessing="log-mel spectrograms: 96 bands, windows of 30 ms every 10 ms, "
        "in dB + 75 minus their mean, 101 frames and one of zeros",
        omitted="background noise mixed into training chunks, and SpecAugment",
        settings={"class_weight": {0: 1, 1: 10}},
    ),
    Task(
        name="darcy",
        title="Darcy Flow: pressure in a porous square",
        kind="fields",
        metric="relative-l2",
        row_shape=(3, 85, 85),
        outputs=(1, 85, 85),
        files=_plain(
            "1.6 GB in two files",
            "piececonst_r421_N1024_smooth1.mat",
            "piececonst_r421_N1024_smooth2.mat",
        ),
        load=fields.load_darcy,
        rows="900 train, 100 valid (the next of the first file), 100 test (the first "
        "of the second)",
        sizes=(900, 100, 100),
        preprocessing="every fifth point; the coefficient, standardised at each point "
        "by the training part, then the column and row coordinates. The target is the "
        "physical field; y_mean and y_scale, (85, 85), standardise it",
        settings={"loss": "relative_l2"},
    ),
    Task(
        name="psicov",
        title="PSICOV: distances between the residues of proteins",
        kind="fields",
        metric="mae8",
        row_shape=(57, 512, 512),
        outputs=(1, 512, 512),
        files=(_archive("1.1 GB", "protein", "protein.zip", "protein", "psicov.lst"),),
        load=proteins.load_psicov,
        rows="3,456 train (deepcov), 75 valid (the second half of psicov), 75 test "
        "(the first half)",
        sizes=(3_456, 75, 75),
        preprocessing="each feature of a residue as column map and as row map, then "
        "three pair maps, 5 away from the top left of 512 x 512; outside, features are "
        "0 and the distance is 100. Distances below 1 are set to 1, the diagonal to "
        "the mean of its neighbours; with training samples, distances are at most 16",
        omitted="a new random window at each visit of a longer protein: it is fixed",
        # The papers evaluate on all of psicov.
        protocol=("train", "valid+test"),
    ),
    Task(
        name="cosmic",
        title="Cosmic: hits of cosmic rays in telescope images",
        kind="masks",
        metric="pixel-auroc",
        row_shape=(1, 128, 128),
        outputs=(128, 128),
        files=tuple(
            _archive(
                "6.5 GB in two files",
                f"cosmic/npy_{part}",
                f"cosmic/deepCR.ACS-WFC.{part}.tar",
                "cosmic",
                f"npy_{part}",
            )
            for part in ("train", "test")
        ),
        load=telescope.load_cosmic,
        rows="as many training images as there are test images (at most half) are for "
        "validation, drawn with a fixed seed; groups are the fields",
        preprocessing="filter f435w, fields of galaxies, the middle 128 x 128 pixels; "
        f"ignored positions are {IGNORED}. Training samples have the light of the sky "
        "added, times a number between -0.9 and 3 that is fixed for each",
        omitted="a new share of the sky at each visit: it is fixed",
        settings={"ignore_index": IGNORED},
    ),
    Task(
        name="ecg",
        title="ECG: rhythms of the heart, PhysioNet 2017",
        metric="mean-f1",
        row_shape=(1, 1000),
        outputs=4,
        files=(RemoteFile("challenge2017.pkl", None, "150 MB"),),
        load=signals.load_ecg,
        rows="80 % of the recordings train, 10 % valid, 10 % test, split before "
        "windows are cut; groups are the recordings",
        sizes=(6_822, 853, 853),
        preprocessing="recordings standardised; windows of 1000 values, every 500 (N), "
        "83 (A), 250 (O) or 25 (~)",
        by_hand="It is on Google Drive under the id 1j7Yk0-W9uonQiyyG2B9ZAw5jjZA-"
        "UeMS: https://drive.google.com/file/d/1j7Yk0-W9uonQiyyG2B9ZAw5jjZA-UeMS .",
    ),
    Task(
        name="satellite",
        title="Satellite: land cover from a year of observations",
        row_shape=(1, 46),
        outputs=24,
        files=_plain(
            "322 MB in two files",
            "satellite/satellite_train.npy",
            "satellite/satellite_test.npy",
        ),
        load=signals.load_satellite,
        rows="810,000 train, 90,000 valid (the last tenth of a fixed shuffle), 100,000 "
        "test",
        sizes=(810_000, 90_000, 100_000),
        preprocessing="labels from 0",
    ),
    Task(
        name="deepsea",
        title="DeepSEA: functional effects of a thousand letters of DNA",
        kind="labels",
        metric="label-auroc",
        row_shape=(4, 1000),
        outputs=36,
        files=_plain("860 MB", "deepsea/deepsea_filtered.npz"),
        load=signals.load_deepsea,
        rows="71,753 train, 2,490 valid, 149,400 test, as distributed",
        sizes=(71_753, 2_490, 149_400),
        preprocessing="letters as channels",
        settings={"class_weight": {0: 1, 1: 4}},
    ),
)

#: Name -> Task.
TASKS = {task.name: task for task in _TASKS}
