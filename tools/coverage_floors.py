"""Check that the tests reach enough lines and branches."""

import json
import sys
from pathlib import Path

FLOORS = {"lines": 0.95, "branches": 0.90}


def main(path):
    """Print both shares from a JSON report; exit with 1 if one is below its floor."""
    totals = json.loads(Path(path).read_text())["totals"]
    shares = {
        "lines": totals["covered_lines"] / totals["num_statements"],
        "branches": totals["covered_branches"] / totals["num_branches"],
    }
    for name, share in shares.items():
        print(f"{name}: {share:.2%} (floor: {FLOORS[name]:.0%})")
    sys.exit(any(shares[name] < floor for name, floor in FLOORS.items()))


if __name__ == "__main__":
    main(sys.argv[1])
