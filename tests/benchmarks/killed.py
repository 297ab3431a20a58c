"""A run on the tiny tasks in a process of its own, which a test kills."""

from sklearn_pare.benchmarks.cli import main
from tests.benchmarks import stand_ins


def run(path):
    """Run two methods with two seeds."""
    stand_ins.register()
    main(
        ["run", "--suite", "tiny", "--preset", "tiny", "--methods", "pare,nft",
         "--seeds", "2", "--data", "nowhere", "--out", str(path)]
    )  # fmt: skip
