"""How facts are read from a cluster's answers, and what the command says. The engine test asks a real API server."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from settings.reader import PREFIX, from_file
from settings.settings import Settings
from tests.support.settings import Deleted, merged
from tools.detect import (
    Kubectl,
    advice_for,
    advice_text,
    default_class,
    detect,
    facts_text,
    read_snapshot,
    second_installs,
    settings_of,
    suggestion_text,
)
from tools.errors import ToolError

CRD = "customresourcedefinitions.apiextensions.k8s.io"
ANSWERS: dict[str, list[dict[str, Any]]] = {
    "nodes": [
        {
            "metadata": {"name": "gpu-0", "labels": {"nvidia.com/gpu.product": "NVIDIA-L4"}},
            "spec": {"taints": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}]},
            "status": {"allocatable": {"cpu": "8", "nvidia.com/gpu": "1"}},
        }
    ],
    "storageclasses.storage.k8s.io": [
        {
            "metadata": {"name": "local", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
            "provisioner": "rancher.io/local-path",
        }
    ],
    "ingressclasses.networking.k8s.io": [{"metadata": {"name": "nginx"}, "spec": {"controller": "k8s.io/nginx"}}],
    CRD: [
        {
            "metadata": {
                "name": "gateways.gateway.networking.k8s.io",
                "annotations": {"gateway.networking.k8s.io/bundle-version": "v1.5.0"},
            },
            "spec": {"versions": [{"name": "v1", "served": True}, {"name": "v1alpha2", "served": False}]},
        },
        {
            "metadata": {
                "name": "clusters.postgresql.cnpg.io",
                "managedFields": [{"manager": "pulumi-kubernetes-1a2b"}],
            },
            "spec": {"versions": []},
        },
    ],
    "daemonsets.apps": [
        {
            "metadata": {"namespace": "gpu-operator", "name": "nvidia-device-plugin-daemonset"},
            "spec": {
                "template": {
                    "spec": {
                        "initContainers": [{"image": "nvcr.io/nvidia/gpu-operator:v26.7.0"}],
                        "containers": [{"image": "nvcr.io/nvidia/k8s-device-plugin:v0.20.0"}],
                    }
                }
            },
        },
        {
            "metadata": {"namespace": "kube-system", "name": "kube-proxy"},
            "spec": {"template": {"spec": {"containers": [{"image": "registry.k8s.io/kube-proxy:v1.35.0"}]}}},
        },
    ],
    "deployments.apps": [
        {
            "metadata": {"namespace": "security", "name": "cert-manager"},
            "spec": {
                "template": {"spec": {"containers": [{"image": "quay.io/jetstack/cert-manager-controller:v1.21.1"}]}}
            },
        },
        {
            "metadata": {"namespace": "default", "name": "web"},
            "spec": {"template": {"spec": {"containers": [{"image": "docker.io/library/nginx:1.29"}]}}},
        },
    ],
    "csidrivers.storage.k8s.io": [{"metadata": {"name": "nfs.csi.k8s.io"}}],
    "apiservices.apiregistration.k8s.io": [
        {
            "metadata": {"name": f"v1beta1.{group}"},
            "spec": {"service": {"name": "one", "namespace": "kube-system"}} if served else {},
            "status": {"conditions": [{"type": "Available", "status": status}]},
        }
        for group, served, status in (
            ("metrics.k8s.io", True, "True"),
            ("custom.metrics.k8s.io", True, "False"),
            ("apps", False, "True"),
        )
    ],
    "namespaces": [
        {"metadata": {"name": "monitoring", "labels": {"app.kubernetes.io/managed-by": "mlplatform"}}},
        {"metadata": {"name": "security"}},
    ],
}


def ask(kind: str) -> Sequence[dict[str, Any]]:
    return ANSWERS.get(kind, [])


def test_a_snapshot_holds_the_facts_and_nothing_else() -> None:
    assert read_snapshot("v1.35.0", ask) == {
        "version": "v1.35.0",
        "nodes": [
            {
                "name": "gpu-0",
                "labels": {"nvidia.com/gpu.product": "NVIDIA-L4"},
                "taints": [{"key": "nvidia.com/gpu", "value": "", "effect": "NoSchedule"}],
                "allocatable": {"cpu": "8", "nvidia.com/gpu": "1"},
            }
        ],
        "storage_classes": [{"name": "local", "provisioner": "rancher.io/local-path", "is_default": True}],
        "ingress_classes": [{"name": "nginx", "controller": "k8s.io/nginx"}],
        "gateway_classes": [],
        "crds": [
            {
                "name": "gateways.gateway.networking.k8s.io",
                "versions": ["v1"],
                "bundle": "v1.5.0",
                "owner": "",
            },
            {"name": "clusters.postgresql.cnpg.io", "versions": [], "bundle": "", "owner": "pulumi"},
        ],
        "daemon_sets": [
            {
                "namespace": "gpu-operator",
                "name": "nvidia-device-plugin-daemonset",
                "images": ["nvcr.io/nvidia/k8s-device-plugin:v0.20.0", "nvcr.io/nvidia/gpu-operator:v26.7.0"],
            }
        ],
        "deployments": [
            {
                "namespace": "security",
                "name": "cert-manager",
                "images": ["quay.io/jetstack/cert-manager-controller:v1.21.1"],
            }
        ],
        "aggregated_apis": ["v1beta1.metrics.k8s.io"],
        "csi_drivers": ["nfs.csi.k8s.io"],
        "namespaces": ["monitoring", "security"],
        "ours": ["monitoring"],
    }


def test_the_facts_are_printed_line_by_line() -> None:
    text = facts_text(read_snapshot("v1.35.0", ask))
    assert "node gpu-0: 1 nvidia.com/gpu; nvidia.com/gpu:NoSchedule" in text
    assert "storage class local: rancher.io/local-path, default" in text
    assert "NVIDIA device plugin: gpu-operator/nvidia-device-plugin-daemonset" in text
    assert "cert-manager: security/cert-manager" in text
    assert "CSI driver nfs.csi.k8s.io" in text


def test_the_suggestion_is_yaml_whose_comments_are_the_commands() -> None:
    text = suggestion_text(read_snapshot("v1.35.0", ask), "~/.kube/config", "lab")
    cluster = yaml.safe_load(text)["config"]["mlplatform:cluster"]
    assert (cluster["kind"], cluster["context"]) == ("existing", "lab")
    assert list(cluster["pools"]) == ["devices"]
    assert (cluster["existingAddons"], cluster["existingCrds"]) == ({"cert-manager": "security"}, ["gateway-api"])
    assert "# kubectl label node gpu-0 mlplatform.dev/pool=devices" in text


LAB = """
config:
  mlplatform:environment: {name: lab, owner: ml-platform, domain: ml.example.com}
  mlplatform:charts: {origin: upstream}
  mlplatform:mlflow: {login: {kind: none}}
  mlplatform:cluster:
    kind: existing
    localPath: {paths: [/data/volumes], encryption: node-disk}
    nfs: {server: filer.example.com, share: /exports/ml, encryption: storage-system}
    pools: {cpu: {nodesMax: 1}}
"""
LOCAL = {"purpose": "standard", "className": "local", "provisioner": "rancher.io/local-path", "encryption": "node-disk"}


def lab(**over: Any) -> Settings:
    """Good settings of an existing cluster, with these sections over them."""
    config = yaml.safe_load(LAB)["config"]
    text = yaml.safe_dump({"config": merged(config, {f"{PREFIX}{key}": value for key, value in over.items()})})
    return from_file(text)


def test_settings_say_which_default_class_is_declared(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.lab.yaml").write_text(LAB, encoding="utf-8")
    assert default_class(settings_of("lab", tmp_path)) == "mlplatform-standard"
    assert default_class(lab(storage={"declared": [{**LOCAL, "isDefault": True}]})) == ""
    assert default_class(lab(storage={"defaultPurpose": "fast"})) == "mlplatform-fast"
    with pytest.raises(ToolError, match="not there"):
        settings_of("other", tmp_path)
    (tmp_path / "Pulumi.bad.yaml").write_text(LAB.replace("nodesMax: 1", "accelerator: H1000, nodesMax: 1"))
    with pytest.raises(ToolError, match=r"(?s)Pulumi\.bad\.yaml: .*cluster\.pools\.cpu\.accelerator: H1000"):
        settings_of("bad", tmp_path)


def test_what_settings_would_install_again_is_said_until_they_declare_it() -> None:
    read = read_snapshot("v1.35.0", ask)
    again = {row.path for row in advice_for(read, lab()) if row.twice}
    assert again == {"cluster.existingAddons", "cluster.existingCrds", "cluster.localPath", "storage.defaultPurpose"}
    addons = {"cert-manager": "security", "csi-driver-nfs": "kube-system"}
    declared = lab(
        cluster={"localPath": Deleted(), "existingAddons": addons, "existingCrds": ["gateway-api"]},
        storage={"declared": [{**LOCAL, "isDefault": True}]},
    )
    assert [row for row in advice_for(read, declared) if row.twice] == []


def test_a_namespace_that_a_stack_makes_must_not_be_there() -> None:
    """Only this finds a namespace of a team, or of an add-on, that `advice_for` does not ask about."""
    names = ["mlflow", "monitoring-nodes", "metallb-system", "cert-manager", "vision-lab", "other"]
    read = read_snapshot(
        "v1.35.0", lambda kind: [{"metadata": {"name": name}} for name in names if kind == "namespaces"]
    )
    team = {"namespace": "vision-lab", "owner": "vision", "costCenter": "cc-1"}
    settings = lab(cluster={"metallb": {"addresses": ["192.0.2.0/28"]}}, teams={"vision": team})
    text = "\n".join(f"{row.path} {row.found}" for row in advice_for(read, settings))
    assert [name for name in names if f"namespace {name}" in text] == [*names[:-1]]


def test_the_cluster_is_named_in_one_way() -> None:
    for arguments in ([], ["--stack", "dev", "--kubeconfig", "x"]):
        answer = CliRunner().invoke(detect, arguments)
        assert answer.exit_code == 1
        assert "name the cluster in one way" in answer.output
    assert "the platform makes it" in CliRunner().invoke(detect, ["--stack", "dev"]).output
    assert "is not there" in CliRunner().invoke(detect, ["--kubeconfig", "/nowhere"]).output


def test_a_cluster_that_does_not_answer_is_an_error_with_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object, **__: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 1, "", "dial tcp: connection refused")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(ToolError, match="connection refused"):
        Kubectl(Path("kubectl"), Path("config"), "").version()


def test_a_stack_reports_what_it_would_install_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        items = ask(command[command.index("get") + 1]) if "get" in command else []
        answer = {"items": items, "serverVersion": {"gitVersion": "v1.35.0"}}
        return subprocess.CompletedProcess(command, 0, json.dumps(answer), "")

    monkeypatch.setattr(subprocess, "run", run)
    kubeconfig = tmp_path / "config"
    addons = {"cert-manager": "security", "csi-driver-nfs": "kube-system"}
    cluster = {"kubeconfig": str(kubeconfig), "context": "lab", "existingAddons": addons}
    settings = lab(cluster=cluster)
    with pytest.raises(ToolError, match="is not there"):
        second_installs(settings, Path("kubectl"))
    kubeconfig.touch()
    again = second_installs(settings, Path("kubectl"))
    assert [row.path for row in again] == ["cluster.localPath", "storage.defaultPurpose", "cluster.existingCrds"]
    assert all(command[:3] == ["kubectl", f"--kubeconfig={kubeconfig}", "--context=lab"] for command in asked)
    assert {command[4] for command in asked} == {"version", "get"}


def test_a_kind_that_the_cluster_does_not_know_has_no_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object, **__: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(
            [], 1, "", 'error: the server doesn\'t have a resource type "gatewayclasses"'
        )

    monkeypatch.setattr(subprocess, "run", run)
    assert Kubectl(Path("kubectl"), Path("config"), "").ask("gatewayclasses") == []


def test_what_blocks_is_said_first() -> None:
    from components.clouds.existing.advice import Advice  # noqa: PLC0415

    text = advice_text([Advice("a", "fine", "nothing"), Advice("b", "bad", "correct it", True)])
    assert text.splitlines()[0] == "clash b: bad"
    assert json.dumps(text)


CHAT: dict[str, Any] = {
    "team": "vision",
    "pool": "cpu",
    "service": {"modelFormat": "sklearn", "storageUri": "s3://models/iris"},
}
CHAT["service"] |= {"cpuMillis": 500, "memoryGib": 1}
MODELS = {"fixed": CHAT, "chat": merged(CHAT, {"service": {"minReplicas": 2, "maxReplicas": 6}})}
VISION = {"vision": {"owner": "vision", "costCenter": "cc-1"}}


def metrics_advice(status: str, models: Any = MODELS, **cluster: Any) -> list[tuple[str, bool]]:
    api = {
        "metadata": {"name": "v1beta1.metrics.k8s.io"},
        "spec": {"service": {"name": "metrics-server"}},
        "status": {"conditions": [{"type": "Available", "status": status}]},
    }
    read = read_snapshot("v1.35.0", lambda kind: [api] if kind.startswith("apiservices") else [])
    rows = advice_for(read, lab(teams=VISION, inference=models, cluster=cluster))
    return [(row.advice.partition(":")[0], row.blocks) for row in rows if row.path == "cluster.metricsServer"]


def test_models_that_follow_their_load_need_metrics_that_answer() -> None:
    """Only this finds autoscalers that stand still on a cluster without metrics-server, or with a broken one."""
    assert metrics_advice("True") == []
    assert metrics_advice("False") == [("inference.chat", True)]
    ((words, blocks),) = metrics_advice("False", {"fixed": CHAT}, metricsServer=False)
    assert "inference" not in words
    assert not blocks
