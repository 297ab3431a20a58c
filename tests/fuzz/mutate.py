"""Damaged and hostile files, drawn from a seed.

`mutations` damages bytes, as disks, networks and strangers do. `edits` and `surgery`
change tensors and JSON; `resigned` makes a file of them whose checksum is right, so
that only what is said in it can be wrong.
"""

import copy
import json

import numpy as np
from safetensors.numpy import save

from sklearn_pare import _safetensors

# What strangers put in the place of anything.
NASTY = [
    None, True, False, 0, 1, -1, 3, 2**31, 2**53, 10**12, -(10**30), 10**400,
    0.0, 0.5, -2.5, 1e-320, 1e308, "", "x", "nan", "inf", "os.system", "__import__",
    "__class__", "../../etc/passwd", "/etc/passwd", "folder:/etc", "pare-tiny",
    "timm:hf-hub:someone/model", "timm:local-dir:/etc", "timm:nothing",
    "hf:/etc", "hf:someone/model", "PaReRegressor", "PaReClassifier", "<U999999",
    "|O", "<f8", "\x00", "\ud800", "a" * 10_000, [], {}, [[]], [None], [1, 2, 3], ["x"],
    [10**12] * 3, {"pairs": [[1, 2]]}, {"pairs": 1}, {"object": "Popen", "fields": {}},
    {"dtype": "|O", "values": [1]}, {"auto_map": {"AutoModel": "code.Theirs"}},
]  # fmt: skip


def resigned(arrays, text):
    """Bytes of a file as `_safetensors.write` makes it, whatever it holds."""
    signed = {"sklearn_pare": text, "sha256": _safetensors.digest(arrays, text)}
    return save(arrays, metadata=signed)


def _pick(rng, items):
    """One of them, as it is: `rng.choice` would make an array of them."""
    return items[rng.integers(len(items))]


def mutations(
    content, rng, kinds=("flip", "cut", "splice", "zero", "header", "length")
):
    """Yield (what was done, other bytes) without end."""
    while True:
        name = rng.choice(kinds)
        yield name, _DAMAGES[name](content, rng)


#: What can be done to any format; the others are for safetensors.
ANY_FORMAT = ("flip", "cut", "splice", "zero", "size")


def _place(content, rng):
    # Half of them in the header, which is what readers interpret.
    header = 8 + int.from_bytes(content[:8], "little")
    if header > len(content):
        header = min(len(content), 200)
    return int(rng.integers(header if rng.random() < 0.5 else len(content)))


def _flip(content, rng):
    changed = bytearray(content)
    for _ in range(rng.integers(1, 9)):
        changed[_place(content, rng)] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _cut(content, rng):
    return content[: _place(content, rng)]


def _splice(content, rng):
    start, source = _place(content, rng), _place(content, rng)
    piece = content[source : source + int(rng.integers(1, 200))]
    kept = start + (len(piece) if rng.random() < 0.5 else 0)
    return content[:start] + piece + content[kept:]


def _zero(content, rng):
    start = _place(content, rng)
    return content[:start] + bytes(int(rng.integers(1, 100))) + content[start + 1 :]


def _size(content, rng):
    """Another number in any place, as if it were a size."""
    start, width = _place(content, rng), _pick(rng, [2, 4, 8])
    number = _pick(rng, [0, 1, 2**31 - 1, 2**31, 2**35, 2**62, 2**64 - 1])
    piece = (number % 2 ** (8 * width)).to_bytes(width, _pick(rng, ["little", "big"]))
    return content[:start] + piece + content[start + width :]


def _length(content, rng):
    """Another length of the header."""
    length = _pick(rng, [0, 1, 2**20, 2**40, 2**63, 2**64 - 1, len(content)])
    return length.to_bytes(8, "little") + content[8:]


def _header(content, rng):
    """Another header, well-formed JSON of the right length."""
    length = 8 + int.from_bytes(content[:8], "little")
    header = surgery(json.loads(content[8:length]), rng)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + content[length:]


_DAMAGES = {
    "flip": _flip,
    "cut": _cut,
    "splice": _splice,
    "zero": _zero,
    "size": _size,
    "header": _header,
    "length": _length,
}


def edits(arrays, rng):
    """Yield (what was done, other arrays) without end."""
    while True:
        changed = dict(arrays)
        name = str(rng.choice(sorted(arrays)))
        array = changed[name]
        match rng.choice(["rename", "shape", "dtype", "drop", "add", "swap", "number"]):
            case "rename":
                changed[str(rng.choice(["x", "", "backbone.x", f"{name}."]))] = (
                    changed.pop(name)
                )
                what = "rename"
            case "shape":
                shapes = [(1, *array.shape), (array.size,), (array.size, 1), (0,)]
                shape = _pick(rng, shapes)
                if shape == array.shape:
                    shape = (1, *shape)
                changed[name] = np.resize(array, shape)
                what = "shape"
            case "dtype":
                dtype = rng.choice(["f8", "f2", "i4", "u1", "i8", "?"])
                changed[name] = np.zeros(array.shape, dtype)
                what = "dtype"
            case "drop":
                del changed[name]
                what = "drop"
            case "add":
                changed[f"more.{rng.integers(9)}"] = np.zeros(3, np.float32)
                what = "add"
            case "swap":
                others = [k for k in arrays if arrays[k].shape != array.shape]
                other = str(rng.choice(others))
                changed[name], changed[other] = changed[other], changed[name]
                what = "swap"
            case "number":
                array = array.copy()
                array.flat[rng.integers(array.size)] = rng.choice(
                    [np.nan, np.inf, -np.inf]
                )
                changed[name] = array
                what = "number"
        yield f"{what} {name}", changed


def surgery(tree, rng):
    """The same JSON with something else at one to three places."""
    tree = copy.deepcopy(tree)
    for _ in range(rng.integers(1, 4)):
        nodes = list(_nodes(tree))
        if not nodes:
            break
        owner, key = _pick(rng, nodes)
        match rng.choice(["delete", "replace", "nest", "huge", "swap", "add"]):
            case "delete":
                del owner[key]
            case "replace":
                owner[key] = copy.deepcopy(_pick(rng, NASTY))
            case "nest":
                for _ in range(rng.choice([1, 2, 200])):
                    owner[key] = (
                        [owner[key]] if rng.random() < 0.5 else {"a": owner[key]}
                    )
            case "huge":
                # Of containers a thousand times a thousand times would be too many.
                of = owner[key] if not isinstance(owner[key], dict | list) else 0
                owner[key] = [of] * 1000
            case "swap":
                other, place = _pick(rng, nodes)
                if not _within(owner[key], other) and not _within(other[place], owner):
                    owner[key], other[place] = other[place], owner[key]
            case "add":
                nasty = copy.deepcopy(_pick(rng, NASTY))
                if isinstance(owner, list):
                    owner.insert(key, nasty)
                else:
                    owner[f"{key}_"] = nasty
    return tree


def _nodes(tree):
    """Yield (container, key) of every value inside."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in items:
        yield tree, key
        if isinstance(value, dict | list):
            yield from _nodes(value)


def _within(tree, node):
    """Whether a container is a tree or lies in it."""
    if tree is node:
        return True
    if not isinstance(tree, dict | list):
        return False
    return any(owner[key] is node for owner, key in _nodes(tree))
