"""The share of lines and of branches that tests reach, each held to a mark."""

import json
import sys
from pathlib import Path

LEAST = {"lines": 0.95, "branches": 0.90}


def main(path):
    """Print both shares; exit with 1 where one is below its mark."""
    totals = json.loads(Path(path).read_text())["totals"]
    shares = {
        "lines": totals["covered_lines"] / totals["num_statements"],
        "branches": totals["covered_branches"] / totals["num_branches"],
    }
    for name, share in shares.items():
        print(f"{name}: {share:.2%}, {LEAST[name]:.0%} at least")
    sys.exit(any(shares[name] < least for name, least in LEAST.items()))


if __name__ == "__main__":
    main(sys.argv[1])
