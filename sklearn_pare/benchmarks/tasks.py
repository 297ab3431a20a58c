"""What the tasks of published benchmarks are; to read them is the loaders' affair.

NAS-Bench-360 (Tu et al., NeurIPS Datasets and Benchmarks 2022), PDEBench (Takamoto et
al., NeurIPS Datasets and Benchmarks 2022) and OpenML-CC18 (Bischl et al., NeurIPS
Datasets and Benchmarks 2021).
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

from sklearn_pare._utils import check_name
from sklearn_pare.benchmarks.cc18 import DATA_SETS


@dataclass(frozen=True)
class Task:
    """A task, its files, and the function that reads them.

    Parameters
    ----------
    suite, name : str
    kind : {"classes", "labels", "masks", "fields"}
        What a target is: one class a row, a set of labels, a class a pixel, numbers.
    metric : str
        In words, as an error: less is better.
    rows : str
        Shapes of a row and of its target.
    about : str
    load : callable or None
        ``load(split, data_home)`` gives the Bunch of a split; None for OpenML.
    files : tuple of str
        Wanted, below the folder of the suite; "a | b": either of them.
    size : str
        Of all of them.
    openml_id : int or None
        Number of the task, which is not that of the data set.
    extra : bool
        Whether the suite is run without it unless it is named.
    """

    suite: str
    name: str
    kind: str
    metric: str
    rows: str
    about: str
    load: Callable | None = None
    files: tuple = ()
    size: str = ""
    openml_id: int | None = None
    extra: bool = False

    @property
    def names(self):
        """What it may be called: by its name, or its number at OpenML."""
        number = () if self.openml_id is None else (str(self.openml_id),)
        return self.name, *number


def _nas_bench_360(task, split, data_home):
    from sklearn_pare.datasets import fetch_nas_bench_360

    return fetch_nas_bench_360(task, data_home=data_home, split=split)


def _pdebench(task, split, data_home):
    from sklearn_pare.datasets import fetch_pdebench

    return fetch_pdebench(task, data_home=data_home, split=split)


def _nas(name, kind, metric, rows, about, files, size):
    load = functools.partial(_nas_bench_360, name)
    return Task("nas-bench-360", name, kind, metric, rows, about, load, files, size)


def _pde(name, rows, about, file, extra=False):
    load = functools.partial(_pdebench, name)
    return Task(
        "pdebench", name, "fields", "nRMSE", rows, about, load, (file,), extra=extra
    )


def _by_name(*tasks):
    return {task.name: task for task in tasks}


_ERROR, _DARCY = "1 - accuracy", "piececonst_r421_N1024_smooth"

_NAS_BENCH_360 = _by_name(
    _nas(
        "cifar-100",
        "classes",
        _ERROR,
        "3 x 32 x 32 -> 100 classes",
        "Photographs of objects.",
        ("cifar-100-python/train", "cifar-100-python/test"),
        "161 MB",
    ),
    _nas(
        "spherical",
        "classes",
        _ERROR,
        "3 x 60 x 60 -> 100 classes",
        "CIFAR-100 projected on a sphere that is turned at random.",
        ("spherical/s2_cifar100.gz",),
        "272 MB",
    ),
    _nas(
        "ninapro",
        "classes",
        _ERROR,
        "1 x 16 x 52 -> 18 classes",
        "Gestures from electric signals of the muscles of the lower arm.",
        tuple(
            f"ninapro/{what}_{part}.npy"
            for what in ("ninapro", "label")
            for part in ("train", "val", "test")
        ),
        "15 MB",
    ),
    _nas(
        "fsd50k",
        "labels",
        "1 - mean average precision over clips",
        "1 x 96 x 102 -> 200 labels",
        "Sounds, as mel spectrograms.",
        (
            "audio/chunks/tr.csv",
            "audio/chunks/val.csv",
            "audio/chunks/eval.csv",
            "audio/chunks/lbl_map.json",
        ),
        "24 GB",
    ),
    _nas(
        "darcy",
        "fields",
        "relative L2",
        "3 x 85 x 85 -> 85 x 85",
        "Pressure of a flow through a porous medium, from its permeability.",
        (f"{_DARCY}1.mat", f"{_DARCY}2.mat"),
        "1.6 GB",
    ),
    _nas(
        "psicov",
        "fields",
        "mean absolute error of distances up to 8 (MAE8)",
        "57 x 512 x 512 -> 512 x 512",
        "Distances between the residues of a protein.",
        ("protein/deepcov.lst", "protein/psicov.lst", "protein/cameo.lst"),
        "1.1 GB",
    ),
    _nas(
        "cosmic",
        "masks",
        "1 - AUROC of pixels",
        "1 x 128 x 128 -> 128 x 128 of 2 classes",
        "Pixels that cosmic rays hit in images of the Hubble telescope.",
        ("cosmic/npy_train/", "cosmic/npy_test/"),
        "6.5 GB",
    ),
    _nas(
        "ecg",
        "classes",
        "1 - mean F1 of the classes",
        "1 x 1000 -> 4 classes",
        "Rhythms of the heart, from windows of electrocardiograms.",
        ("challenge2017.pkl",),
        "150 MB",
    ),
    _nas(
        "satellite",
        "classes",
        _ERROR,
        "1 x 46 -> 24 classes",
        "Use of land, from a year of one pixel seen by a satellite.",
        ("satellite/satellite_train.npy", "satellite/satellite_test.npy"),
        "322 MB",
    ),
    _nas(
        "deepsea",
        "labels",
        "1 - mean AUROC of the labels",
        "4 x 1000 -> 36 labels",
        "Properties of chromatin, from the letters of the genome.",
        ("deepsea/deepsea_filtered.npz",),
        "860 MB",
    ),
)

_PDEBENCH = _by_name(
    _pde(
        "advection",
        "1 x 256 -> 1 x 256",
        "A wave that moves on a ring.",
        "1D_Advection_Sols_beta0.4.hdf5",
    ),
    _pde(
        "burgers",
        "1 x 1024 -> 1 x 1024",
        "A viscous flow on a ring.",
        "1D_Burgers_Sols_Nu1.0.hdf5",
    ),
    _pde(
        "navier-stokes-1d",
        "3 x 1024 -> 3 x 1024",
        "A gas on a ring: density, pressure, velocity.",
        "1D_CFD_Rand_Eta0.1_Zeta0.1_periodic_Train.hdf5",
    ),
    _pde(
        "diffusion-sorption",
        "1 x 1024 -> 1 x 1024",
        "A pollutant in soil that holds it back.",
        "1D_diff-sorp_NA_NA.h5",
    ),
    _pde(
        "diffusion-reaction-1d",
        "1 x 1024 -> 1 x 1024",
        "Diffusion with a logistic reaction on a ring.",
        "ReacDiff_Nu0.5_Rho1.0.hdf5",
    ),
    _pde(
        "darcy",
        "1 x 64 x 64 -> 1 x 64 x 64",
        "Pressure of a flow through a porous medium.",
        "2D_DarcyFlow_beta0.1_Train.hdf5",
    ),
    _pde(
        "shallow-water",
        "1 x 128 x 128 -> 1 x 128 x 128",
        "Depth of water after a dam breaks.",
        "2D_rdb_NA_NA.h5",
    ),
    _pde(
        "diffusion-reaction-2d",
        "2 x 128 x 128 -> 2 x 128 x 128",
        "An activator and an inhibitor that form patterns.",
        "2D_diff-react_NA_NA.h5",
    ),
    _pde(
        "navier-stokes-2d",
        "4 x 64 x 64 -> 4 x 64 x 64",
        "A gas in a square: density, pressure, two velocities.",
        "2D_CFD_Rand_M1.0_Eta0.1_Zeta0.1_periodic_128_Train.hdf5",
        # None of the eight families that the papers report on.
        extra=True,
    ),
)

_OPENML_CC18 = _by_name(
    *(
        Task(
            "openml-cc18",
            name,
            "classes",
            "1 - AUROC, one against one; also accuracy",
            "table -> classes",
            f"Data set {data_set} of OpenML.",
            openml_id=number,
        )
        for number, (data_set, name) in DATA_SETS.items()
    )
)

#: Suite -> name -> `Task`.
SUITES = {
    "nas-bench-360": _NAS_BENCH_360,
    "pdebench": _PDEBENCH,
    "openml-cc18": _OPENML_CC18,
}


def choose(suites, names=None):
    """Tasks of some suites.

    Parameters
    ----------
    suites : sequence of str
    names : sequence of str, default=None
        Of tasks; those of OpenML also go by the number of the task. None: all but the
        extra ones. A name that several suites have means the task of each.

    Returns
    -------
    tasks : list of Task

    Raises
    ------
    UnknownNameError
        If there is no such suite, or none of the suites has such a task; the nearest
        name is suggested. A ValueError.

    Examples
    --------
    >>> from sklearn_pare.benchmarks.tasks import choose
    >>> [task.kind for task in choose(["nas-bench-360"], ["cosmic", "ecg"])]
    ['masks', 'classes']
    >>> [task.name for task in choose(["openml-cc18"], ["9946"])]
    ['wdbc']
    """
    for suite in suites:
        check_name(suite, SUITES, "suite")
    tasks = [task for suite in suites for task in SUITES[suite].values()]
    if names is None:
        return [task for task in tasks if not task.extra]
    known = [task.name for task in tasks]
    chosen = []
    for name in names:
        own = [task for task in tasks if name in task.names]
        if not own:
            check_name(name, known, "task")
        chosen += own
    return chosen
