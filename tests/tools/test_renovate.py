"""Renovate's managers find every pin in our tables, with its version, and nothing that has no pin.

Only this finds a table whose layout has moved away from the regular expressions, and a pin without a comment. Python's
`re` stands in for Renovate's RE2; not proved here: that Renovate knows the data sources (its registries are outside).
"""

import fnmatch
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from catalog.versions import CHARTS, CRDS, IMAGES
from components.clouds.eks.tables import CLUSTER_AUTOSCALER_TAGS
from tools import pins

ROOT = Path(__file__).parents[2]
CONFIG = json.loads((ROOT / "renovate.json").read_text(encoding="utf-8"))
COMMENT = "# renovate: "
TRACKED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


class Found(NamedTuple):
    """One dependency as Renovate extracts it."""

    manager: str
    file: str
    source: str
    name: str
    registry: str
    version: str
    digest: str
    comment: int
    """Where its comment starts in the file."""


def extracted() -> Iterator[Found]:
    for manager in CONFIG["customManagers"]:
        for file in manager["managerFilePatterns"]:
            text = (ROOT / file).read_text(encoding="utf-8")
            for expression in manager["matchStrings"]:
                for match in re.finditer(expression.replace("(?<", "(?P<"), text):
                    group = {"registryUrl": "", "currentDigest": "", **match.groupdict()}
                    yield Found(
                        manager["description"],
                        file,
                        group["datasource"],
                        group["depName"],
                        group["registryUrl"] or "",
                        group["currentValue"],
                        group["currentDigest"] or "",
                        text.index(COMMENT, match.start()),
                    )


FOUND = list(extracted())


def of(manager: str) -> list[Found]:
    return [each for each in FOUND if each.manager.startswith(manager)]


def test_every_comment_belongs_to_one_pin_that_a_manager_finds() -> None:
    comments = [
        (file, match.start())
        for file in TRACKED
        if file.endswith((".py", ".txt", ".yml", ".yaml", ".toml", "Makefile")) and not file.startswith("tests/tools/")
        for match in re.finditer(COMMENT, (ROOT / file).read_text(encoding="utf-8"))
    ]
    assert sorted(comments) == sorted((each.file, each.comment) for each in FOUND)
    assert len(comments) > 50


def test_every_chart_is_found_where_it_is_published() -> None:
    def published(chart: str) -> tuple[str, str, str, str]:
        name, version, location = CHARTS[chart].name, CHARTS[chart].version, CHARTS[chart].location
        if location.startswith("oci://"):
            return "docker", location.removeprefix("oci://"), "", version
        return "helm", name, location, version

    assert [(each.source, each.name, each.registry, each.version) for each in of("CHARTS")] == [
        published(chart) for chart in CHARTS
    ]


def test_every_set_of_crds_is_found_in_its_repository() -> None:
    assert [(each.name, each.version) for each in of("CRDS")] == [
        (crd_set.repository, crd_set.version) for crd_set in CRDS.values()
    ]


def test_every_image_is_found_with_its_digest() -> None:
    assert [(each.source, each.name, each.version, each.digest) for each in of("IMAGES")] == [
        ("docker", image.repository, image.tag, image.digest) for image in IMAGES.values()
    ]


def test_every_tool_and_every_autoscaler_is_found() -> None:
    tools = [value for name, value in vars(pins).items() if name.endswith("_VERSION") and isinstance(value, str)]
    assert [each.version for each in of("Tools")] == tools
    assert [each.version for each in of("CLUSTER_AUTOSCALER_TAGS")] == list(CLUSTER_AUTOSCALER_TAGS.values())


OURS = CONFIG["pip_requirements"]["managerFilePatterns"]
REQUIREMENTS = [
    file
    for file in TRACKED
    if Path(file).name.startswith("requirements") or any(fnmatch.fnmatch(file, pattern) for pattern in OURS)
]
"""Files of Renovate's manager pip_requirements: those with its usual name, and our own."""


@pytest.mark.parametrize("file", REQUIREMENTS)
def test_every_python_package_is_pinned_to_one_version(file: str) -> None:
    lines = [line.split("#")[0].strip() for line in (ROOT / file).read_text(encoding="utf-8").splitlines()]
    loose = [
        line for line in lines if line and not line.startswith("-") and not re.fullmatch(r"[\w.\[\]-]+==\S+", line)
    ]
    assert loose == []


def test_every_rule_is_about_a_package_that_is_there() -> None:
    packages = {each.name for each in FOUND} | {
        line.split("==")[0]
        for file in REQUIREMENTS
        for line in (ROOT / file).read_text(encoding="utf-8").splitlines()
        if "==" in line
    }
    unknown = [
        name
        for rule in CONFIG["packageRules"]
        for name in rule.get("matchPackageNames", [])
        if not any(package.startswith(name.removesuffix("**")) for package in packages)
    ]
    assert unknown == []
