"""`python -m tools prices`: what it shows, what it writes, and that a broken answer changes nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import catalog.prices
from catalog.accelerators import Purchase
from catalog.prices import file_of, parse, tables
from tests.tools.prices.support import catalogue, catalogue_skus, stubbed
from tools.__main__ import main
from tools.errors import ToolError
from tools.prices import aws, commands, google
from tools.prices.changes import Answer, Asked
from tools.prices.optional import optional

ROOT = Path(__file__).parents[3]
TODAY = date(2026, 11, 21)
REAL_TABLES = tables


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the data files, which the commands take for the real ones; today is `TODAY`."""
    shutil.copytree(catalog.prices.DIRECTORY, tmp_path / "prices", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    here = tmp_path / "prices"
    monkeypatch.setattr(catalog.prices, "DIRECTORY", here)
    monkeypatch.setattr(commands, "tables", _Tables(here))
    monkeypatch.setattr(commands, "today", lambda: TODAY)
    yield here
    REAL_TABLES.cache_clear()


class _Tables:
    """`tables` of another directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def __call__(self) -> Any:
        return REAL_TABLES(self.directory)

    def cache_clear(self) -> None:
        REAL_TABLES.cache_clear()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["prices", *arguments])


def files(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in directory.iterdir()}


def known(cloud: str, region: str, directory: Path) -> dict[Asked, float]:
    """What the table says now, as the cloud's answer."""
    table = parse(file_of(cloud, region, directory).read_text())
    found = {(row.name, row.purchase): table.price(row.name, row.purchase) for row in table.rows}
    return {key: price.usd for key, price in found.items() if price}


def aws_answers(monkeypatch: pytest.MonkeyPatch, answer: Mapping[Asked, float]) -> None:
    monkeypatch.setattr(aws, "clients", lambda region: (None, None))
    monkeypatch.setattr(aws, "ask", lambda pricing, ec2, region, tell: tell("asked") or Answer(answer))


def test_the_status_says_how_old_each_source_is_and_what_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "today", lambda: TODAY)
    result = run()
    assert result.exit_code == 0
    assert "aws us-east-1: 146 prices, the oldest 964 days old  (old: python -m tools prices refresh)" in result.output
    assert "2026-07-20   73  AWS price list" in result.output
    assert "  spot saves 48% to 86%, by machine; the range over the zones is known of 0\n" in result.output
    assert "aws, unknown price: p5e.48xlarge, trn2.3xlarge" in result.output
    assert "gcp, unknown on spot: a3-ultragpu-8g" in result.output


def test_a_refresh_writes_what_changed_and_the_date(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = known("aws", "us-east-1", directory) | {("p5.48xlarge", Purchase.ON_DEMAND): 50.0}
    aws_answers(monkeypatch, answer)
    before = files(directory)
    result = run("refresh", "--cloud", "aws")
    assert result.exit_code == 0, result.output
    assert "p5.48xlarge on-demand: 55.04 -> 50 (-9.2 %)" in result.output
    after = files(directory)
    assert {name for name in after if after[name] != before.get(name)} == {"aws-us-east-1.yaml"}
    assert "  - {name: p5.48xlarge, usd: 50.0, source: aws-api}\n" in after["aws-us-east-1.yaml"]
    assert "    date: 2026-11-21\n" in after["aws-us-east-1.yaml"]
    again = run("refresh", "--cloud", "aws")
    assert ", 0 changed" in again.output
    assert files(directory) == after


def test_a_dry_run_shows_and_writes_nothing(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aws_answers(monkeypatch, known("aws", "us-east-1", directory) | {("p5.48xlarge", Purchase.ON_DEMAND): 50.0})
    before = files(directory)
    result = run("refresh", "--cloud", "aws", "--dry-run")
    assert result.exit_code == 0
    assert "55.04 -> 50" in result.output
    assert "dry run" in result.output
    assert files(directory) == before


def test_an_implausible_answer_is_written_only_when_accepted(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = known("aws", "us-east-1", directory)
    del answer["g6.xlarge", Purchase.ON_DEMAND]
    answer["p5.48xlarge", Purchase.ON_DEMAND] = 5504.0
    aws_answers(monkeypatch, answer)
    before = files(directory)
    result = run("refresh", "--cloud", "aws")
    assert result.exit_code == 1
    assert "implausible, nothing was written (--accept writes it)" in result.output
    assert "p5.48xlarge on-demand: 55.04 -> 5504 (+9900.0 %): 100 times the old price" in result.output
    assert "g6.xlarge on-demand: 0.8048 -> unknown" in result.output
    assert files(directory) == before
    assert run("refresh", "--cloud", "aws", "--accept").exit_code == 0
    assert "usd: 5504.0" in files(directory)["aws-us-east-1.yaml"]
    assert "{name: g6.xlarge, usd" not in files(directory)["aws-us-east-1.yaml"]


@pytest.mark.parametrize("answer", [{}, {("p5.48xlarge", Purchase.ON_DEMAND): -1.0}])
def test_a_broken_answer_changes_nothing_even_when_accepted(
    answer: Mapping[Asked, float], directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws_answers(monkeypatch, answer)
    before = files(directory)
    result = run("refresh", "--cloud", "aws", "--accept")
    assert result.exit_code == 1
    assert "nothing was written" in result.output
    assert files(directory) == before


@pytest.mark.parametrize("answer", ["<html>", '{"product": {}}', "[]"])
def test_an_answer_in_another_shape_is_one_line_and_changes_nothing(
    answer: str, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pricing, stub = stubbed("pricing")
    stub.add_response("get_products", {"FormatVersion": "aws_v2", "PriceList": [answer]})
    monkeypatch.setattr(aws, "clients", lambda region: (pricing, None))
    before = files(directory)
    with stub:
        result = run("refresh", "--cloud", "aws")
    assert result.exit_code == 1
    assert "aws answered in an unknown format" in result.output
    assert "nothing was written" in result.output
    assert files(directory) == before


def test_a_region_without_a_table_gets_one(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aws_answers(monkeypatch, {("g6.xlarge", Purchase.ON_DEMAND): 0.9})
    assert run("refresh", "--cloud", "aws", "--region", "eu-west-1").exit_code == 0
    table = parse(file_of("aws", "eu-west-1", directory).read_text())
    assert [(row.name, row.usd) for row in table.rows] == [("g6.xlarge", 0.9)]


def test_google_is_refreshed_from_its_catalogue(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google, "client", lambda: catalogue(catalogue_skus()))
    result = run("refresh", "--cloud", "gcp", "--region", "us-central1", "--accept")
    assert result.exit_code == 0, result.output
    table = parse(file_of("gcp", "us-central1", directory).read_text())
    machine, untouched = table.row("g2-standard-4"), table.row("ct5p-hightpu-4t")
    assert machine
    assert (machine.source, machine.usd) == ("google-api", pytest.approx(4 * 0.01 + 16 * 0.001 + 2))
    assert untouched
    assert untouched.source == "gke-autoscaler"
    assert table.row("hyperdisk-balanced")


def test_a_file_that_cannot_be_replaced_stays(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file_of("aws", "us-east-1", directory)

    def full_disk(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(commands.os, "replace", full_disk)
    before = path.read_text()
    with pytest.raises(OSError, match="No space"):
        commands.write(path, "half")
    assert path.read_text() == before


def test_a_region_needs_its_cloud() -> None:
    result = run("refresh", "--region", "us-east-1")
    assert result.exit_code == 2
    assert "--region needs --cloud" in result.output


def test_a_missing_package_is_one_line_with_the_remedy() -> None:
    with pytest.raises(ToolError, match=r"package of no_such_sdk is not installed: .*requirements-dev.txt") as missing:
        optional("no_such_sdk")
    assert "\n" not in missing.value.message


def test_missing_credentials_are_one_line_with_the_remedy(tmp_path: Path) -> None:
    """In a process of its own: both SDKs keep the credentials that they once found."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_GCE_CHECK": "true",
    }
    for cloud, remedy in (("aws", "aws sso login"), ("gcp", "gcloud auth application-default login")):
        command = [sys.executable, "-m", "tools", "prices", "refresh", "--cloud", cloud]
        shown = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert shown.returncode == 1
        errors = [line for line in shown.stderr.splitlines() if line.startswith("Error: ")]
        assert len(errors) == 1
        assert remedy in errors[0]
        assert "Traceback" not in shown.stderr
