"""Processor time until a misspelt key is refused: `python bench/refused.py`. Asserts nothing.

Twice, each in processes of its own: `settings.check`, and the program as the engine starts it, which has the Pulumi SDK
and its configuration before it reads the settings. User and system time of the process, from its start to its end.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import yaml

ROOT = Path(__file__).parents[1]
ROUNDS = 7
WRITTEN, MISSPELT = "owner:", "ovner:"
PROGRAM = """
import json, runpy, sys
import pulumi
from pulumi.runtime.config import set_all_config

set_all_config(json.load(sys.stdin), [])
try:
    runpy.run_path("stacks", run_name="__main__")
except pulumi.RunError as error:
    sys.exit(str(error))
"""


def seconds(command: list[str], given: str = "") -> float:
    """CPU seconds of a process that refuses."""
    before = psutil.Process().cpu_times()
    run = subprocess.run(command, input=given, capture_output=True, text=True, check=False, cwd=ROOT)
    after = psutil.Process().cpu_times()
    if run.returncode != 1 or MISSPELT.rstrip(":") not in run.stderr:
        sys.exit(f"it was not refused: {run.stderr}")
    return sum(getattr(after, kind) - getattr(before, kind) for kind in ("children_user", "children_system"))


def measured() -> dict[str, float]:
    """Medians, by who refuses."""
    text = (ROOT / "Pulumi.dev.yaml").read_text(encoding="utf-8").replace(WRITTEN, MISSPELT)
    config = json.dumps({key: json.dumps(value) for key, value in yaml.safe_load(text)["config"].items()})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "Pulumi.dev.yaml")
        path.write_text(text, encoding="utf-8")
        ways = {
            "check": ([sys.executable, "-m", "settings.check", str(path)], ""),
            "program": ([sys.executable, "-c", PROGRAM], config),
        }
        return {way: statistics.median(seconds(*command) for _ in range(ROUNDS)) for way, command in ways.items()}


if __name__ == "__main__":
    for way, median in measured().items():
        print(f"{way:<10} {median:.2f} s CPU   (median of {ROUNDS})")
