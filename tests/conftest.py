"""Where the time of a run goes: printed at its end by part, and kept in `bench/durations.json` by `--write-durations`.
And what was not checked, because it is not beside the checkout.

The times are those of test processes (set-up, test, tear-down), added up: with three processes they are about three
times as long as the run.
"""

import gc
import json
import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.upstream_crds import FOLDER, UNCHECKED

os.environ.setdefault("MLPLATFORM_PROCESSES", "off")
"""Pods are simulated but in the tests that are about real ones."""
settings.register_profile("campaign", max_examples=4 * settings.get_profile("default").max_examples)

KEPT = Path(__file__).parents[1] / "bench" / "durations.json"
SHOWN_FILES = 12
SHORTEST_RUN_SECONDS = 60
"""A shorter run prints nothing: whoever runs one file knows which."""
_seconds: Counter[str] = Counter()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option that keeps the times."""
    parser.addoption("--write-durations", action="store_true", help=f"write the seconds of each file to {KEPT.name}")


def pytest_collection_finish() -> None:
    """What is there by now, SDKs and 12,000 tests, stays: it is not walked for garbage again and again.

    Tests of components take a fifth less time.
    """
    gc.collect()
    gc.freeze()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Of every phase of every test, wherever it ran."""
    _seconds[report.nodeid.partition("::")[0]] += report.duration  # type: ignore[assignment]


def parts(files: dict[str, float]) -> dict[str, float]:
    """Part of the suite (folder of `tests/`) -> seconds, longest first."""
    found: Counter[str] = Counter()
    for name, seconds in files.items():
        found[name.split("/")[1]] += seconds  # type: ignore[assignment]
    return dict(found.most_common())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The table, and the file where it is asked for."""
    if not FOLDER.is_dir():
        terminalreporter.section("not checked", sep="-")
        terminalreporter.write_line(UNCHECKED)
    files = {name: round(seconds, 1) for name, seconds in _seconds.most_common()}
    total = sum(files.values())
    if total < SHORTEST_RUN_SECONDS and not config.getoption("write_durations"):
        return
    terminalreporter.section("seconds of test processes, by part", sep="-")
    for part, seconds in parts(files).items():
        terminalreporter.write_line(f"{part:<24}{seconds:>8.0f}  {100 * seconds / total:>3.0f} %")
    terminalreporter.write_line(f"{'sum':<24}{total:>8.0f}")
    terminalreporter.write_line(f"the {SHOWN_FILES} longest files:")
    for name, seconds in list(files.items())[:SHOWN_FILES]:
        terminalreporter.write_line(f"{seconds:>8.0f}  {name}")
    if config.getoption("write_durations"):
        KEPT.write_text(json.dumps({"parts": parts(files), "files": files}, indent=1) + "\n", encoding="utf-8")
