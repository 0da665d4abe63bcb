"""The part of the SDKs that mypy reads refuses what the whole SDKs refuse.

Only here would it be found that the stubs accept anything: mypy itself would stay green.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tools import typings

MISTAKES = """\
import pulumi_aws as aws
import pulumi_gcp as gcp
from pulumi_kubernetes import core, meta

aws.eks.Cluster("c", role_arn=1, vpc_config=aws.eks.ClusterVpcConfigArgs(subnet_ids=["a"]))
aws.eks.Cluster("c", vpc_confg={})
aws.eks.ClusterVpcConfigArgs(subnets=["a"])
gcp.container.NodePool("p", cluster="c", node_count="three")
core.v1.ConfigMap("m", metadata=meta.v1.ObjectMetaArgs(nam="x"))
aws.eks.Cluster("c").endpont
"""
CORRECT = """\
import pulumi
import pulumi_aws as aws
import pulumi_gcp as gcp
from pulumi_kubernetes import core, meta

cluster = aws.eks.Cluster("c", role_arn="r", vpc_config=aws.eks.ClusterVpcConfigArgs(subnet_ids=["a"]))
endpoint: pulumi.Output[str] = cluster.endpoint
gcp.container.NodePool("p", cluster="c", node_count=3)
core.v1.ConfigMap("m", metadata=meta.v1.ObjectMetaArgs(name="x"))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("typings")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(typings, "TYPINGS", folder / "stubs")
        typings.main()
    return folder


def checked(folder: Path, program: str) -> list[str]:
    """The lines of the program that mypy refuses, with the stubs instead of the SDKs."""
    (folder / "program.py").write_text(program)
    (folder / "mypy.ini").write_text(
        f"[mypy]\nstrict = true\nmypy_path = {folder / 'stubs'}\n"
        "[mypy-pulumi_aws.*,pulumi_gcp.*,pulumi_kubernetes.*]\nignore_errors = true\n"
    )
    command = [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "--cache-dir", "cache", "program.py"]
    output = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout
    return [line.split(":")[1] for line in output.splitlines() if ": error:" in line]


def test_wrong_arguments_are_refused_and_right_ones_are_not(folder: Path) -> None:
    assert sorted({*checked(folder, MISTAKES)}, key=int) == ["5", "6", "7", "8", "9", "10"]
    assert checked(folder, CORRECT) == []


def test_a_second_run_changes_no_file_and_removes_what_is_not_used(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typings, "TYPINGS", folder / "stubs")
    unused = folder / "stubs" / "pulumi_aws" / "unused.pyi"
    unused.write_text("")
    before = {file: file.stat().st_mtime_ns for file in folder.rglob("*.pyi") if file != unused}
    typings.main()
    assert {file: file.stat().st_mtime_ns for file in folder.rglob("*.pyi")} == before
