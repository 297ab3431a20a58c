"""Small simulated files in the formats of NAS-Bench-360."""

import csv
import gzip
import json

import numpy as np
from sklearn.utils import check_random_state

from sklearn_pare import datasets
from sklearn_pare._utils import look_up
from sklearn_pare.datasets._readers.fetch import get_data_home
from sklearn_pare.datasets._readers.unpickle import write_pickle
from sklearn_pare.datasets.nas_bench_360.fetch import FOLDER


def write_nas_bench_360(task, data_home=None, *, n=40, random_state=0):
    """Write small simulated files in the format of a task of NAS-Bench-360.

    Names, keys, dtypes, axes and the shapes of samples are those of the files that
    :func:`sklearn_pare.datasets.fetch_nas_bench_360` reads. Samples are fewer and come
    from the simulators of :mod:`sklearn_pare.datasets`. Existing files are overwritten.

    Parameters
    ----------
    task : str
        A name as in :func:`sklearn_pare.datasets.fetch_nas_bench_360`.
    data_home : str or Path, default=None
        Folder of the data sets; by default that of
        :func:`sklearn_pare.datasets.get_data_home`.
    n : int, default=40
        Number of training samples, recordings or proteins, including those for
        validation where the distributed files do not separate them; half as many are
        for testing. At least 20, so that no part is empty.
    random_state : int, RandomState instance or None, default=0

    Returns
    -------
    folder : Path
        Folder of the files.

    Raises
    ------
    UnknownNameError
        If the task is unknown (ValueError).
    ValueError
        If ``n`` is below 20.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn_pare.datasets.write import write_nas_bench_360
    >>> with tempfile.TemporaryDirectory() as home:
    ...     folder = write_nas_bench_360("satellite", home)
    ...     sorted(path.name for path in folder.rglob("*.npy"))
    ['satellite_test.npy', 'satellite_train.npy']
    """
    write = look_up(_WRITERS, task, "task")
    if n < 20:
        raise ValueError(f"n={n} leaves parts of the task empty. Use at least 20.")
    folder = get_data_home(data_home) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    write(folder, n, check_random_state(random_state))
    return folder


def _make(path):
    """Return the path after creating its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _save(path, array):
    """Save an array as numpy does, objects as a pickle."""
    np.save(_make(path), array, allow_pickle=array.dtype == object)


def _colour(X, rng):
    """Convert images (n, 1, H, W) to uint8 (n, 3, H, W), each with its own tint."""
    low = X.min((1, 2, 3), keepdims=True)
    high = X.max((1, 2, 3), keepdims=True)
    tint = rng.uniform(0.6, 1, (len(X), 3, 1, 1))
    return (255 * tint * (X - low) / (high - low)).astype(np.uint8)


def _write_cifar_100(folder, n, rng):
    for name, rows in (("train", n), ("test", n // 2)):
        X, y = datasets.make_patterns(rows, size=32, random_state=rng)
        content = {
            b"filenames": [b"%d.png" % row for row in range(rows)],
            b"batch_label": name.encode() + b"ing batch 1 of 1",
            b"fine_labels": y.tolist(),
            b"coarse_labels": (y // 5).tolist(),
            b"data": _colour(X, rng).reshape(rows, -1),
        }
        with _make(folder / "cifar-100-python" / name).open("wb") as file:
            write_pickle(content, file)


def _write_spherical(folder, n, rng):
    content = {}
    for name, rows in (("train", n), ("test", n // 2)):
        X, y = datasets.make_spherical_digits(rows, size=60, random_state=rng)
        content[name] = {"images": _colour(X, rng), "labels": y}
    with gzip.open(_make(folder / "spherical" / "s2_cifar100.gz"), "wb") as file:
        write_pickle(content, file)


def _write_ninapro(folder, n, rng):
    # Gaits, as sixteen mixtures of the channels of the sensor.
    mixture = rng.standard_normal((16, 6))
    for name, rows in (("train", n), ("val", n // 2), ("test", n // 2)):
        X, y = datasets.make_gait(rows, length=156, random_state=rng)
        # Every third time, 52.
        X = (mixture @ X)[:, :, ::3].swapaxes(1, 2)
        _save(folder / "ninapro" / f"ninapro_{name}.npy", X.astype(np.float32))
        _save(folder / "ninapro" / f"label_{name}.npy", y)


def _write_satellite(folder, n, rng):
    for name, rows in (("train", n), ("test", n // 2)):
        X, y = datasets.make_chirps(rows, length=138, random_state=rng)
        content = np.array({"data": X[:, 0, ::3], "label": y + 1}, dtype=object)
        _save(folder / "satellite" / f"satellite_{name}.npy", content)


def _write_deepsea(folder, n, rng):
    arrays = {}
    for name, rows in (("train", n), ("val", n // 2), ("test", n // 2)):
        X, y = datasets.make_motifs(rows, length=1000, n_labels=8, random_state=rng)
        # The range of the signal determines the letter.
        letters = np.digitize(X[:, 0], [-0.7, 0, 0.7])
        arrays[f"x_{name}"] = np.eye(4, dtype=np.uint8)[letters]
        labels = np.tile(y, (1, 5))[:, :36]
        arrays[f"y_{name}"] = labels.astype(np.uint8)
    np.savez(_make(folder / "deepsea" / "deepsea_filtered.npz"), **arrays)


def _write_ecg(folder, n, rng):
    recordings, labels = [], []
    for length in (1100, 1300, 1600):
        X, y = datasets.make_ecg(n // 3 + 1, length=length, random_state=rng)
        recordings.extend(X[:, 0])
        labels.extend(np.array(["N", "A", "O", "~", "O"])[y].tolist())
    order = rng.permutation(len(labels))[:n]
    content = {
        "data": [recordings[row] for row in order],
        "label": [labels[row] for row in order],
    }
    with (folder / "challenge2017.pkl").open("wb") as file:
        write_pickle(content, file, protocol=4)


def _write_darcy(folder, n, rng):
    import scipy.io

    # The points between those that are used repeat the nearest of them.
    near = (np.arange(421) + 2) // 5
    for number, rows in ((1, n), (2, n // 2)):
        X, y = datasets.make_darcy(rows, size=85, random_state=rng)
        X, y = (a[:, near][:, :, near].astype(np.float32) for a in (X[:, 0], y))
        path = folder / f"piececonst_r421_N1024_smooth{number}.mat"
        scipy.io.savemat(path, {"coeff": X, "sol": y}, do_compression=True)


def _write_psicov(folder, n, rng):
    for name, rows in (("deepcov", n), ("psicov", n // 2), ("cameo", 2)):
        names = [f"{name}{row:03d}" for row in range(rows)]
        lines = [f"{protein} 48\n" for protein in names]
        _make(folder / "protein" / f"{name}.lst").write_text("".join(lines))
        X, y = datasets.make_distance_maps(rows, length=48, random_state=rng)
        for protein, row, distances in zip(names, X, y, strict=True):
            _write_protein(folder / "protein" / name, protein, row, distances, rng)


def _write_protein(folder, name, X, distances, rng):
    length = len(distances)
    residues = X[2:].diagonal(axis1=1, axis2=2) / 2
    sequence = "".join(rng.choice(list("ACDEFGHIKLMNPQRSTVWY"), length))
    features = {
        "seq": sequence,
        "ss": residues,
        "pssm": rng.standard_normal((length, 22)),
        "sa": residues[2],
        "entropy": rng.uniform(0, 1, length),
        "ccmpred": X[0],
        "freecon": X[0] + 0.3 * rng.standard_normal((length, length)),
        "potential": X[1],
    }
    with _make(folder / "features" / f"{name}.pkl").open("wb") as file:
        write_pickle(features, file)
    content = np.empty(3, dtype=object)
    content[0], content[1], content[2] = length, sequence, distances
    _save(folder / "distance" / f"{name}-cb.npy", content)


def _write_cosmic(folder, n, rng):
    fields = ["10760_2", "13737_3", "10182_pb", "12058_16"]
    for name, rows in (("train", n), ("test", n // 2)):
        X, y = datasets.make_cosmic_rays(rows, size=128, random_state=rng)
        top = folder / "cosmic" / f"npy_{name}" / "f435w"
        for row in range(rows):
            ignored = np.zeros((128, 128))
            first = rng.randint(0, 120)
            ignored[:, first : first + 4] = rng.rand() < 0.5
            # The simulated image is in the middle, surrounded by its reflection.
            layers = np.stack([40 * X[row, 0], y[row], ignored])
            layers = np.pad(layers, ((0, 0), (64, 64), (64, 64)), "symmetric")
            visit = top.joinpath(*fields[row % len(fields)].split("_"))
            _save(visit / f"{row % 2 + 1}_{row}.npy", layers.astype(np.float32))
        for field in fields:
            _save(top.joinpath(*field.split("_"), "sky.npy"), np.array([25.0, 40.0]))


def _write_fsd50k(folder, n, rng):
    import scipy.io.wavfile

    chunks = folder / "audio" / "chunks"
    labels = [f"Sound_{number}" for number in range(200)]
    text = json.dumps({label: number for number, label in enumerate(labels)})
    _make(chunks / "lbl_map.json").write_text(text)
    for name, rows in (("tr", n), ("val", n // 2), ("eval", n // 2)):
        X, y = datasets.make_chirps(rows, length=22050, random_state=rng)
        sound = X[:, 0] / np.abs(X).max((1, 2))[:, None]
        with (chunks / f"{name}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["files", "labels", "ext"])
            for row in range(rows):
                # Chunks of the same class form a clip.
                clip = f"{y[row]}{row // 12:03d}"
                path = f"{name}_chunks/{clip}_{row}.wav"
                wave = (2**15 * 0.9 * sound[row]).astype(np.int16)
                goal = _make(folder / "audio" / path)
                scipy.io.wavfile.write(goal, 22050, wave)
                names = f"{labels[y[row]]},{labels[10 + y[row] % 2]}"
                writer.writerow([f"data/{path}", names, clip])


_WRITERS = {
    "cifar-100": _write_cifar_100,
    "spherical": _write_spherical,
    "ninapro": _write_ninapro,
    "fsd50k": _write_fsd50k,
    "darcy": _write_darcy,
    "psicov": _write_psicov,
    "cosmic": _write_cosmic,
    "ecg": _write_ecg,
    "satellite": _write_satellite,
    "deepsea": _write_deepsea,
}
