"""Settings are read and refused without a Pulumi package, in an interpreter of its own.

Only this finds an import that `lint-imports` does not see: one by name, or of a third package that imports the SDK.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STACKS = sorted(ROOT.glob("Pulumi.*.yaml"))
PROGRAM = """
import json, sys
from components.findings import Refused
from settings.reader import from_file

for path in sys.argv[1:]:
    text = open(path, encoding="utf-8").read()
    from_file(text)
    try:
        from_file(text.replace("owner:", "ovner:"))
    except Refused as refused:
        assert any(finding.path == "environment.ovner" for finding in refused.findings), refused
    else:
        raise SystemExit(f"{path} with a misspelt key was not refused")
print(json.dumps(sorted(sys.modules)))
"""
PULUMI = {"pulumi", "pulumi_kubernetes", "pulumi_aws", "pulumi_gcp", "pulumi_policy", "grpc"}


def imported(program: str, *arguments: str) -> set[str]:
    """The packages that a fresh interpreter has imported at the end of that program, which prints `sys.modules`."""
    run = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert run.returncode == 0, run.stderr
    return {name.partition(".")[0] for name in json.loads(run.stdout)}


def test_settings_are_read_and_refused_without_the_pulumi_sdk() -> None:
    assert len(STACKS) == 4
    assert imported(PROGRAM, *map(str, STACKS)) & PULUMI == set()


@pytest.mark.parametrize("module", ["settings.check", "tools.detect", "tools.lifecycle"])
def test_what_reads_settings_without_a_stack_imports_no_pulumi_sdk(module: str) -> None:
    program = (
        "import importlib, json, sys; importlib.import_module(sys.argv[1]); print(json.dumps(sorted(sys.modules)))"
    )
    assert imported(program, module) & PULUMI == set()
