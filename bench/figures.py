"""Keeps what the benchmarks measure by commit: `python bench/figures.py` adds a row to figures.json, or replaces it."""

import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import refused, registration

FIGURES = Path(__file__).with_name("figures.json")


def main() -> None:
    """Measure, and write the row of the commit that is checked out."""
    asked = ["git", "log", "-1", "--format=%h %cs"]
    commit, day = subprocess.run(asked, capture_output=True, text=True, check=True, cwd=FIGURES.parent).stdout.split()
    costs, refusals = registration.measured(), refused.measured()
    row = {
        "commit": commit,
        "day": day,
        "registrationRatio": round(costs.ratio, 2),
        "registrationRatioToLinked": round(costs.ratio_linked, 2),
        "registrationSeconds": round(costs.ours, 2),
        "resources": costs.resources,
        **{f"refusedBy{way.title()}Seconds": round(value, 2) for way, value in refusals.items()},
    }
    rows = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else []
    rows = [*(other for other in rows if other["commit"] != commit), row]
    FIGURES.write_text("[\n" + ",\n".join(json.dumps(one) for one in rows) + "\n]\n", encoding="utf-8")
    print(json.dumps(row, indent=2))


if __name__ == "__main__":
    main()
