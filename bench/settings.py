"""Time until invalid settings are refused: `python bench/settings.py`. Asserts nothing; prints the slowest first.

Each file in tests/settings/bad_settings is validated by a separate process, one after the other. CPU is user and system
time of that process; wall time depends on the load of the machine.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import psutil

REPOSITORY = Path(__file__).parents[1]
sys.path.insert(0, str(REPOSITORY))

from tests.support.settings import BadSettings, bad_settings

BUDGET_SECONDS = 3
SHOWN = 5


class Taken(NamedTuple):
    """Time that one file took."""

    wall_seconds: float
    cpu_seconds: float
    name: str


def validated(case: BadSettings, folder: Path) -> Taken:
    """Validate one file in a new process."""
    path = folder / f"{case.name}.yaml"
    path.write_text(case.text, encoding="utf-8")
    before, started = psutil.Process().cpu_times(), time.perf_counter()
    answer = subprocess.run(
        [sys.executable, "-m", "settings.check", path], capture_output=True, check=False, cwd=REPOSITORY
    )
    wall, after = time.perf_counter() - started, psutil.Process().cpu_times()
    if answer.returncode != 1:
        sys.exit(f"{case.name} was not refused")
    user, system = (getattr(after, k) - getattr(before, k) for k in ("children_user", "children_system"))
    return Taken(wall, user + system, case.name)


def main() -> None:
    """Print the slowest, the median, and how many exceeded the budget."""
    with tempfile.TemporaryDirectory() as folder:
        taken = sorted((validated(case, Path(folder)) for case in bad_settings()), reverse=True)
    for one in taken[:SHOWN]:
        print(f"{one.wall_seconds:6.2f} s wall {one.cpu_seconds:6.2f} s CPU  {one.name}")
    wall, cpu = (statistics.median(values) for values in list(zip(*taken, strict=True))[:2])
    late = sum(one.wall_seconds >= BUDGET_SECONDS for one in taken)
    print(f"{len(taken)} files: median {wall:.2f} s wall, {cpu:.2f} s CPU; {late} took {BUDGET_SECONDS} s or more")


if __name__ == "__main__":
    main()
