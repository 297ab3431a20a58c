"""The loader of all tasks."""

import numpy as np
from sklearn.utils import Bunch

from sklearn_pare._utils import check_name, look_up
from sklearn_pare.datasets._readers.fetch import get_data_home
from sklearn_pare.datasets._readers.files import warn_of_file
from sklearn_pare.datasets._readers.rows import join
from sklearn_pare.datasets.nas_bench_360.request import SPLITS, Request
from sklearn_pare.datasets.nas_bench_360.tasks import TASKS

#: Folder of the benchmark in the data home.
FOLDER = "nas-bench-360"


def fetch_nas_bench_360(task, *, data_home=None, download=True, split="train"):
    """Load and prepare a task of NAS-Bench-360.

    The files are read as their authors distribute them, from ``nas-bench-360`` in the
    data home; missing files are downloaded. Pickles among them are read without running
    anything that they name. Statistics are computed from the training part, and the
    parts share no sample: the recordings of "ecg" are split before windows are cut.
    Augmentation is left to the user; ``DESCR`` states what has been omitted. See R. Tu
    et al., NAS-Bench-360, NeurIPS Datasets and Benchmarks (2022).

    Parameters
    ----------
    task : {"cifar-100", "spherical", "ninapro", "fsd50k", "darcy", "psicov", \
            "cosmic", "ecg", "satellite", "deepsea"}
    data_home : str or Path, default=None
        Folder of the data sets; by default that of
        :func:`sklearn_pare.datasets.get_data_home`.
    download : bool, default=True
        If False, a missing file is an error.
    split : {"train", "valid", "test", "train+valid", "valid+test"}, default="train"
        ORCA and PaRe train on "train+valid" and evaluate on "test", but for "psicov"
        use "train" and "valid+test".

    Returns
    -------
    bunch : Bunch
        ``data``
            ndarray or array-like of shape (n, C, L) or (n, C, H, W), float32. Samples
            of large tasks are read or computed on access; the estimators of this
            package accept them, and ``numpy.asarray`` returns all.
        ``target``
            Classes (n,), labels (n, K) of 0 and 1, masks (n, H, W) with -100 at
            positions to ignore, or fields (n, 1, H, W).
        ``kind``, ``metric``
            "classes", "labels", "masks" or "fields", and a name for
            :func:`sklearn_pare.metrics.get_scorer`.
        ``groups``
            Recording, clip or field of each sample, (n,), or None.
        ``settings``, ``protocol``
            Arguments of the estimator that the target requires, and the splits on which
            ORCA and PaRe train and evaluate.
        ``task``, ``split``, ``licence``, ``source``, ``DESCR``
            Texts.
        ``files``
            The files opened; if each sample is a file, only the lists of samples.
        ``y_mean``, ``y_scale``
            For "darcy" only: mean and scale of each point of the target, (85, 85).

    Raises
    ------
    UnknownNameError
        If the task or split is unknown (ValueError).
    MissingFileError
        If a file is missing and is not downloaded (FileNotFoundError).
    FileFormatError
        If a file is truncated, lacks a key, or has unexpected content (ValueError).
        Samples that are computed on access may raise it then.

    Examples
    --------
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
    parts = check_name(split, SPLITS, "split").split("+")
    request = Request(found, get_data_home(data_home) / FOLDER, download, parts)
    loaded = [found.load(request, part) for part in parts]
    for name, part in zip(parts, loaded, strict=True):
        # A defect of all files is an error now, not when the estimator reads them.
        part.data[:1], part.target[:1]
        _warn_of_surplus(found, name, part, request)
    data, target, groups = zip(*loaded, strict=True)
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


def _warn_of_surplus(task, name, part, request):
    """Warn if a part has more samples, or groups of samples, than the original."""
    most = dict(zip(SPLITS, task.sizes, strict=False)).get(name)
    n = len(part.data) if part.groups is None else len(np.unique(part.groups))
    if most is not None and n > most:
        what = "samples" if part.groups is None else "groups of samples"
        expected = f"at most {most} as in the files of {task.name}, not a joined file"
        warn_of_file(request.files[-1], name, f"has {n} {what}", expected)


def _source(task):
    addresses = dict.fromkeys(remote.url for remote in task.files if remote.url)
    return " ".join([*addresses, task.by_hand]).strip()


def describe(task):
    """Return a readable description of a task of the benchmark.

    Parameters
    ----------
    task : str
        A name as in :func:`sklearn_pare.datasets.fetch_nas_bench_360`.

    Returns
    -------
    text : str
        Title, shapes, parts, preparation, metric, files, source and licence.

    Raises
    ------
    UnknownNameError
        If the task is unknown (ValueError).

    Examples
    --------
    >>> from sklearn_pare.datasets import nas_bench_360
    >>> print(nas_bench_360.describe("satellite").splitlines()[2])
    Shapes: (1, 46) -> 24 classes
    """
    task = look_up(TASKS, task, "task")
    sizes = ", ".join(dict.fromkeys(remote.size for remote in task.files))
    train, test = task.protocol
    lines = {
        "Shapes": f"{task.row_shape} -> {task.outputs} {task.kind}",
        "Parts": task.rows,
        "Preparation": task.preprocessing,
        "Omitted": task.omitted,
        "Metric": task.metric,
        "Papers": f"train on {train!r} and evaluate on {test!r}",
        "Files": f"{', '.join(remote.path for remote in task.files)} ({sizes})",
        "Source": _source(task),
        "Licence": task.licence,
    }
    return "\n".join(
        [task.title, "", *(f"{key}: {text}" for key, text in lines.items())]
    )
