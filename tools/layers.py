"""Draw the layers of the package from its imports.

``python tools/layers.py FILE.png`` draws one box per unit, which is a module or folder
at the root of the package. A unit imports only from units above it. Arrows that follow
from others are left out.
"""

import argparse
import ast
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

PACKAGE = Path(__file__).parents[1] / "sklearn_pare"
_PUBLIC, _PRIVATE = "#cfe3f5", "#eeeeee"


def imports():
    """Return the units that each unit imports."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        unit = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if unit == "__init__":
            continue
        names = found.setdefault(unit, set())
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                package, _, rest = node.module.partition(".")
                if package == "sklearn_pare" and rest:
                    names.add(rest.partition(".")[0])
                elif package == "sklearn_pare":
                    names.update(alias.name for alias in node.names)
    return {unit: (found[unit] & found.keys()) - {unit} for unit in found}


def depths(graph):
    """Return the layer of each unit: one below the lowest that it imports."""
    known = {}

    def depth(unit):
        if unit not in known:
            known[unit] = 1 + max(map(depth, graph[unit]), default=-1)
        return known[unit]

    for unit in graph:
        depth(unit)
    return known


def reduced(graph):
    """Return the graph without the imports that follow from others."""

    def reach(unit):
        return {unit}.union(*(reach(other) for other in graph[unit]))

    return {
        unit: {
            name
            for name in names
            if not any(name in reach(other) for other in names - {name})
        }
        for unit, names in graph.items()
    }


def draw(path):
    """Draw the picture to a file."""
    graph = imports()
    layers = {}
    for unit, layer in depths(graph).items():
        layers.setdefault(layer, []).append(unit)
    figure, ax = plt.subplots(figsize=(9, 0.75 * len(layers)), layout="constrained")
    places = {
        unit: ((number + 0.5) / len(units), -layer)
        for layer, units in layers.items()
        for number, unit in enumerate(sorted(units))
    }
    boxes = {}
    for unit, (x, y) in places.items():
        color = _PRIVATE if unit.startswith("_") else _PUBLIC
        box = {"boxstyle": "round,pad=0.4", "facecolor": color, "edgecolor": "0.4"}
        boxes[unit] = ax.text(
            x, y, unit, ha="center", va="center", bbox=box, size=9, zorder=2
        ).get_bbox_patch()
    for unit, names in reduced(graph).items():
        for name in names:
            style = {"arrowstyle": "-|>", "color": "0.55", "shrinkA": 0, "shrinkB": 0}
            ends = {"patchA": boxes[unit], "patchB": boxes[name]}
            arrow = style | ends
            ax.annotate("", places[name], places[unit], arrowprops=arrow, zorder=1)
    ax.set(xlim=(0, 1), ylim=(-len(layers) + 0.4, 0.6))
    ax.axis("off")
    figure.savefig(path, dpi=110)


def main():
    """Draw the layers to the file that is named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", help="picture to write, such as layers.png")
    draw(parser.parse_args().file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
