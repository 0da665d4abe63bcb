"""`python -m settings.check`: settings are validated without an engine."""

import json
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner, Result

from settings.check import main
from settings.schema import stack_file_schema
from tests.support.settings import GOOD, overlaid

REPOSITORY = Path(__file__).parents[2]


def check(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_good_settings_are_said_to_be_good_in_one_line() -> None:
    answer = check(GOOD)
    assert answer.exit_code == 0
    assert answer.stdout == (
        f"{GOOD}: good. simulated cluster, 6 pools, 8 A100-80GB, 16 H100, 9 L4, 16 TPU-v5e, 2 teams\n"
    )


def test_every_file_is_validated_also_after_a_bad_one(tmp_path: Path) -> None:
    bad, binary = tmp_path / "bad.yaml", tmp_path / "binary.yaml"
    bad.write_text(overlaid({"cluster": {"pools": {"h100": {"devicesPerNode": 0.5}}}}), encoding="utf-8")
    binary.write_bytes(b"\xff\xfe\x00")
    answer = check(bad, binary, GOOD)
    assert answer.exit_code == 1
    assert answer.stdout.count(": good.") == 1
    assert (
        f"{bad}: settings: 1 problem, nothing was changed\n  cluster.pools.h100.devicesPerNode: 0.5\n" in answer.stderr
    )
    assert f"{binary}: settings: 1 problem" in answer.stderr
    assert "saved as UTF-8" in answer.stderr


def test_the_schema_is_printed_for_editors() -> None:
    answer = check("--schema")
    assert answer.exit_code == 0
    assert json.loads(answer.stdout) == stack_file_schema()
    assert "a schema is of one settings file" in check("--schema", GOOD, GOOD).stderr


def test_without_a_file_or_with_one_that_is_not_there_it_says_how_it_is_used() -> None:
    assert "name a settings file" in check().stderr
    assert "does not exist" in check("absent.yaml").stderr
    assert check().exit_code == check("absent.yaml").exit_code == 2


def test_it_starts_without_importing_what_it_does_not_need() -> None:
    # The SDK's core.v1 alone costs 0.6 s of CPU; a type that is evaluated in a signature is enough to load it.
    program = (
        "import sys, settings.check, settings.validation; "
        "print([m for m in sys.modules if m.startswith('pulumi_kubernetes.') and m.endswith('._inputs')])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert "core.v1" not in answer.stdout
    assert "networking.v1" not in answer.stdout
    assert "apps.v1" not in answer.stdout
