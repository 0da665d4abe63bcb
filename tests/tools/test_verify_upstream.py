"""What verify-upstream says where charts are missing. The API server: tests/engine/test_verify_upstream.py."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from catalog.versions import CHARTS
from tools.errors import ToolError
from tools.upstream.render import Helm
from tools.upstream.verify import Result, located, verify_upstream

NOWHERE = Helm(Path("/nowhere/helm"))


def test_a_chart_is_found_in_a_folder_with_and_without_the_v_of_its_version(tmp_path: Path) -> None:
    version = CHARTS["cert-manager"].version
    with pytest.raises(ToolError, match=f"has no cert-manager-{version}"):
        located(NOWHERE, "cert-manager", tmp_path, tmp_path)
    (tmp_path / f"cert-manager-{version.removeprefix('v')}.tgz").touch()
    assert located(NOWHERE, "cert-manager", tmp_path, tmp_path).suffix == ".tgz"


@pytest.mark.engine
def test_where_no_chart_can_be_had_the_command_says_so_for_each_and_what_to_give(tmp_path: Path) -> None:
    (tmp_path / "cases.json").write_text(json.dumps([]), encoding="utf-8")
    (tmp_path / "charts").mkdir()
    arguments = ["metallb", "karpenter", "--charts", str(tmp_path / "charts"), "--cases", str(tmp_path / "cases.json")]
    answer = CliRunner().invoke(verify_upstream, arguments)
    assert answer.exit_code == 1
    rows = [line for line in answer.output.splitlines() if "not available" in line]
    assert [row.split()[0] for row in rows] == ["metallb", "karpenter"]
    assert "Name a folder that contains them (--charts)" in answer.output


def test_a_chart_that_the_platform_does_not_install_is_refused() -> None:
    answer = CliRunner().invoke(verify_upstream, ["nosuch"])
    assert answer.exit_code == 1
    assert "there is no chart nosuch" in answer.output


def test_a_difference_and_a_refusal_are_each_enough_to_fail() -> None:
    assert Result("metallb", applied=3).good
    assert not Result("metallb", differences=["-a"]).good
    refused = Result("metallb", applied=3, refused=["unknown field"])
    assert not refused.good
    assert refused.line().endswith("facts: as upstream; API server: 3 accepted, 1 refused")
    assert "not available: no network" in Result("metallb", missing="no network").line()
