"""One function for all tasks."""

import numpy as np
from sklearn.utils import Bunch

from sklearn_pare._utils import look_up
from sklearn_pare.datasets._fetch import get_data_home
from sklearn_pare.datasets._rows import join
from sklearn_pare.datasets.nas_bench_360._registry import TASKS
from sklearn_pare.datasets.nas_bench_360._task import SPLITS, Request

#: Folder of the benchmark in the data home.
FOLDER = "nas-bench-360"


def fetch_nas_bench_360(task, *, data_home=None, download=True, split="train"):
    """Rows of one task of NAS-Bench-360 [1]_, prepared as its papers do.

    Files are read as their authors distribute them, from ``nas-bench-360`` in the data
    home; those that are missing are fetched. Pickles among them are read without
    running what they name. Statistics come from the training part, and parts share no
    row: the recordings of "ecg" are split before windows are cut. Augmentation is left
    to the user; ``DESCR`` says what has been left out.

    Parameters
    ----------
    task : {"cifar-100", "spherical", "ninapro", "fsd50k", "darcy", "psicov", \
            "cosmic", "ecg", "satellite", "deepsea"}
    data_home : str or Path, default=None
        None: that of :func:`sklearn_pare.datasets.get_data_home`.
    download : bool, default=True
        False: only files that are there are read.
    split : {"train", "valid", "test", "train+valid", "valid+test"}, default="train"
        The papers train on "train+valid" and score "test"; of "psicov" they train on
        "train" and score "valid+test".

    Returns
    -------
    bunch : Bunch
        ``data``
            ndarray or array-like of shape (n, C, L) or (n, C, H, W), float32. Rows of
            large tasks are read or computed on access, in any order: the estimators of
            this package take them, ``numpy.asarray`` gives all.
        ``target``
            Classes (n,), labels (n, K) of 0 and 1, masks (n, H, W) with -100 where
            places are to be ignored, or fields (n, 1, H, W).
        ``kind``
            "classes", "labels", "masks" or "fields".
        ``metric``
            A name for :func:`sklearn_pare.metrics.get_scorer`.
        ``groups``
            Recording, clip or field that a row is from, (n,), or None.
        ``settings``
            Arguments that the target asks of an estimator, a dict.
        ``protocol``
            The splits that the papers train on and score.
        ``task``, ``split``, ``licence``, ``source``, ``DESCR``
            Texts.
        ``files``
            Files that were opened; of tasks with a file for each row, their lists.
        ``y_mean``, ``y_scale``
            Of "darcy" alone: mean and scale of each point of the target, (85, 85).

    Raises
    ------
    UnknownNameError
        If there is no such task or split; a ValueError.
    MissingFileError
        If a file is missing and cannot, or must not, be fetched; a FileNotFoundError.
    FileFormatError
        If a file is cut short, lacks a key, or holds something else; a ValueError.
        Of rows that are computed on access it may come as late as that.

    References
    ----------
    .. [1] R. Tu et al. NAS-Bench-360: benchmarking neural architecture search on
       diverse tasks. NeurIPS Datasets and Benchmarks (2022).

    Examples
    --------
    Small files in the same format stand in for the real ones:

    >>> import tempfile
    >>> from sklearn_pare.datasets import fetch_nas_bench_360
    >>> from sklearn_pare.datasets.write import write_nas_bench_360
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = write_nas_bench_360("ninapro", folder, n=20)
    ...     bunch = fetch_nas_bench_360("ninapro", data_home=folder, download=False)
    >>> bunch.data.shape, bunch.metric
    ((20, 1, 16, 52), 'accuracy')
    """
    found = look_up(TASKS, task, "task")
    parts = look_up(SPLITS, split, "split")
    home = get_data_home(data_home) / FOLDER
    request = Request(found, home, download, parts)
    data, target, groups = zip(
        *(found.load(request, part) for part in parts), strict=True
    )
    return Bunch(
        data=join(data),
        target=join(target),
        groups=None if groups[0] is None else np.concatenate(groups),
        metric=found.metric,
        kind=found.kind,
        settings=dict(found.settings),
        protocol=found.protocol,
        task=task,
        split=split,
        licence=found.licence,
        source=_source(found),
        files=request.files,
        DESCR=describe(task),
        **request.extras,
    )


def _source(task):
    addresses = dict.fromkeys(remote.url for remote in task.files if remote.url)
    return " ".join([*addresses, task.by_hand]).strip()


def describe(task):
    """What a task of the benchmark is, for people to read.

    Parameters
    ----------
    task : str
        As in `fetch_nas_bench_360`.

    Returns
    -------
    text : str
        Title, rows, parts, what is done to them, metric, files, source and licence.

    Raises
    ------
    UnknownNameError
        If there is no such task; a ValueError.

    Examples
    --------
    >>> from sklearn_pare.datasets import nas_bench_360
    >>> print(nas_bench_360.describe("satellite").splitlines()[2])
    Rows: (1, 46) -> 24 classes
    """
    task = look_up(TASKS, task, "task")
    sizes = ", ".join(dict.fromkeys(remote.size for remote in task.files))
    train, test = task.protocol
    lines = {
        "Rows": f"{task.row_shape} -> {task.outputs} {task.kind}",
        "Parts": task.rows,
        "Prepared": task.preprocessing,
        "Left out": task.omitted,
        "Metric": task.metric,
        "Papers": f"train on {train!r} and score {test!r}",
        "Files": f"{', '.join(remote.path for remote in task.files)} ({sizes})",
        "Source": _source(task),
        "Licence": task.licence,
    }
    return "\n".join(
        [task.title, "", *(f"{key}: {text}" for key, text in lines.items())]
    )
