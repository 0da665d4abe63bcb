"""What a simulated cloud puts on disk and into the environment, and that all of it goes. No engine, no cluster."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from simulator.clouds.__main__ import main
from simulator.clouds.cloud import SimulatedCloud
from simulator.clouds.clusters import embedded


class Tools:
    """A toolchain that has everything in one directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        provider = root / "home" / "plugins" / "resource-kubernetes-v4.25.0" / "pulumi-resource-kubernetes"
        provider.parent.mkdir(parents=True)
        provider.touch()

    def path(self, name: str) -> Path:
        return self.root / name

    def environment(self) -> dict[str, str]:
        return {"PATH": "/usr/bin", "PULUMI_HOME": str(self.root / "home")}


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    return Tools(tmp_path / "tools")


def test_the_environment_names_plugins_in_the_versions_of_the_sdks_and_the_commands(
    tmp_path: Path, tools: Tools
) -> None:
    cloud = SimulatedCloud(tmp_path / "cloud")
    environment = cloud.environment(tools)
    plugins = Path(environment["PULUMI_HOME"]) / "plugins"
    assert sorted(path.name for path in plugins.iterdir()) == [
        "resource-aws-v7.51.1",
        "resource-gcp-v10.2.0",
        "resource-kubernetes-v4.25.0",
    ]
    assert all(not path.is_symlink() for path in plugins.iterdir())
    first, *rest = environment["PATH"].split(os.pathsep)
    assert rest == ["/usr/bin"]
    assert sorted(path.name for path in Path(first).iterdir()) == ["aws", "gke-gcloud-auth-plugin"]
    assert cloud.environment(tools) == environment


def test_only_the_owner_can_read_what_is_there(tmp_path: Path, tools: Tools) -> None:
    SimulatedCloud(tmp_path / "cloud").environment(tools)
    written = [path for path in (tmp_path / "cloud").rglob("*") if not path.is_symlink()]
    assert len(written) > 5
    assert [path for path in [tmp_path / "cloud", *written] if path.stat().st_mode & 0o077] == []


def test_clouds_side_by_side_know_nothing_of_each_other(tmp_path: Path, tools: Tools) -> None:
    one, other = SimulatedCloud(tmp_path / "one"), SimulatedCloud(tmp_path / "other")
    assert one.environment(tools)["PULUMI_HOME"] != other.environment(tools)["PULUMI_HOME"]
    assert one.delete()
    assert other.directory.exists()


def test_a_delete_removes_all_of_it_and_nothing_that_is_not_ours(tmp_path: Path, tools: Tools) -> None:
    cloud = SimulatedCloud(tmp_path / "cloud")
    assert not cloud.delete()
    cloud.environment(tools)
    assert cloud.delete()
    assert not cloud.directory.exists()
    precious = tmp_path / "precious"
    precious.mkdir()
    assert not SimulatedCloud(precious).delete()
    assert precious.exists()


def test_the_command_line_tells_and_deletes(tmp_path: Path, tools: Tools) -> None:
    cloud = SimulatedCloud(tmp_path / "cloud")
    cloud.environment(tools)
    told = CliRunner().invoke(main, ["status", "--directory", str(cloud.directory)])
    assert "simulated aws: 0 resources" in told.output
    assert "deleted" in CliRunner().invoke(main, ["delete", "--directory", str(cloud.directory)]).output
    assert "there is none" in CliRunner().invoke(main, ["delete", "--directory", str(cloud.directory)]).output


def run(cloud: SimulatedCloud, *command: str, info: str = "") -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "MLPLATFORM_SIMULATED_CLOUD": str(cloud.directory)}
    if info:
        environment["KUBERNETES_EXEC_INFO"] = info
    program, *arguments = command
    return subprocess.run(
        [str(cloud.directory / "bin" / program), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_commands_print_the_keys_of_the_embedded_cluster(tmp_path: Path, tools: Tools) -> None:
    cloud = SimulatedCloud(tmp_path / "cloud")
    cloud.environment(tools)
    for name in ("aws", "gcp"):
        kubeconfig = embedded(cloud.directory, name, "it").kubeconfig
        keys = kubeconfig.parent / "pki"
        keys.mkdir(parents=True)
        (kubeconfig.parent / "configuration.json").write_text("{}")
        kubeconfig.write_text("server: https://127.0.0.1:1")
        (keys / "admin.crt").write_text(f"certificate of {name}")
        (keys / "admin.key").write_text("key")
    answer = run(cloud, "aws", "eks", "get-token", "--cluster-name", "it", "--region", "eu-central-1", "--output=json")
    assert json.loads(answer.stdout) == {
        "kind": "ExecCredential",
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "spec": {},
        "status": {"clientCertificateData": "certificate of aws", "clientKeyData": "key"},
    }
    info = {"apiVersion": "client.authentication.k8s.io/v1", "spec": {"cluster": {"server": "https://127.0.0.1:1"}}}
    answer = run(cloud, "gke-gcloud-auth-plugin", info=json.dumps(info))
    credential = json.loads(answer.stdout)
    assert credential["apiVersion"] == "client.authentication.k8s.io/v1"
    assert credential["status"]["clientCertificateData"] == "certificate of gcp"


def test_the_commands_refuse_what_they_are_not_for(tmp_path: Path, tools: Tools) -> None:
    cloud = SimulatedCloud(tmp_path / "cloud")
    cloud.environment(tools)
    assert "get-token --cluster-name NAME` alone" in run(cloud, "aws", "s3", "ls").stderr
    gone = run(cloud, "aws", "eks", "get-token", "--cluster-name", "gone")
    assert (gone.returncode, gone.stdout) == (1, "")
    assert "has no such cluster" in gone.stderr
    assert "has 0 GKE clusters" in run(cloud, "gke-gcloud-auth-plugin").stderr
