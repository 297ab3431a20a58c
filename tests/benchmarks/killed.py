"""A run on the tiny tasks in a process of its own, which a test kills."""

from sklearn_pare.benchmarks.__main__ import main
from tests.benchmarks import stand_ins


def run(path):
    """Two methods, three seeds."""
    stand_ins.register()
    main(
        ["run", "--suite", "tiny", "--preset", "tiny", "--methods", "pare,nft",
         "--seeds", "3", "--data", "nowhere", "--out", str(path)]
    )  # fmt: skip
