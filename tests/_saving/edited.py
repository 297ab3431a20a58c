"""Changes of saved models."""

import copy
import json

from tests.fuzz.mutate import resigned


def edited(saved, target, edit):
    """Write a file with changed description and arrays, whose hash is right."""
    _, arrays, described, _ = saved
    described, arrays = copy.deepcopy(described), dict(arrays)
    edit(described, arrays)
    target.write_bytes(resigned(arrays, json.dumps(described)))
    return target
