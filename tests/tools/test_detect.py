"""How facts are read from a cluster's answers, and what the command says. The engine test asks a real API server."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from catalog.accelerators import Owner
from components.addons import metallb
from components.storage.onprem_spec import LOCAL_PATH_NAMESPACE, NFS_NAMESPACE
from settings.reader import from_file
from settings.validation.namespaces import made_namespaces as judged_namespaces
from tests.support.settings import overlaid
from tools.detect import (
    Kubectl,
    advice_for,
    advice_text,
    declared_pools,
    default_class,
    detect,
    facts_text,
    made_namespaces,
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


def test_the_facts_are_told_line_by_line() -> None:
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


def test_settings_say_which_pools_and_which_default_class_are_declared(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.lab.yaml").write_text(
        "config:\n  mlplatform:cluster:\n    kind: existing\n    pools:\n      mig:\n        accelerator: H100\n"
        "        nodesMax: 1\n        devicePlugin: operator\n"
        "        sharing: {strategy: mig, migProfiles: {1g.10gb: 7}}\n"
    )
    settings = settings_of("lab", tmp_path)
    (pool,) = declared_pools(settings["cluster"]["pools"])
    assert pool["software"]["device_plugin"] == Owner.OPERATOR
    assert pool["capacity"]["units_per_node"] == {"nvidia.com/mig-1g.10gb": 56}
    assert default_class(settings) == "mlplatform-standard"
    declared = {"storage": {"declared": [{"className": "local-path", "isDefault": True}]}}
    assert default_class(declared) == ""
    with pytest.raises(ToolError, match="not there"):
        settings_of("other", tmp_path)
    with pytest.raises(ToolError, match=r"cluster\.pools\.bad"):
        declared_pools({"bad": {"accelerator": "H1000", "nodesMax": 1}})


def test_what_settings_would_install_again_is_said_until_they_declare_it() -> None:
    read = read_snapshot("v1.35.0", ask)
    brings = {"nfs": {"server": "filer"}, "localPath": {"paths": ["/data"]}, "pools": {"cpu": {"nodesMax": 1}}}
    again = {row.path for row in advice_for(read, {"cluster": brings}) if row.twice}
    assert again == {"cluster.existingAddons", "cluster.existingCrds", "cluster.localPath", "storage.defaultPurpose"}
    declared = {
        "cluster": {
            "nfs": {"server": "filer"},
            "existingAddons": {"cert-manager": "security", "csi-driver-nfs": "kube-system"},
            "existingCrds": ["gateway-api"],
        },
        "storage": {"declared": [{"className": "local", "isDefault": True}]},
    }
    assert [row for row in advice_for(read, declared) if row.twice] == []


def test_namespaces_that_a_stack_makes_are_those_of_its_components() -> None:
    for overlay in (
        {},
        {
            "monitoring": {"namespace": "watch"},
            "gateway": {"namespace": "edge"},
            "teams": {"vision": {"namespace": "v"}},
        },
    ):
        text = overlaid(overlay)
        read = yaml.safe_load(text)["config"]
        written = {key.removeprefix("mlplatform:"): value for key, value in read.items()}
        settings = from_file(text)
        teams = {team.get("namespace") or name for name, team in settings.teams.items()}
        assert made_namespaces(written) == {*judged_namespaces(settings)} | teams
    ground = {"metallb": {"addresses": []}, "nfs": {"server": "filer"}, "localPath": {"paths": ["/data"]}}
    assert made_namespaces({"cluster": {**ground, "existingAddons": {"cert-manager": "security"}}}) - made_namespaces(
        {}
    ) == {metallb.DEFAULT_NAMESPACE, NFS_NAMESPACE, LOCAL_PATH_NAMESPACE}
    assert "cert-manager" not in made_namespaces({"cluster": {"existingAddons": {"cert-manager": "security"}}})


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


def test_a_stack_is_told_what_it_would_install_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        items = ask(command[command.index("get") + 1]) if "get" in command else []
        answer = {"items": items, "serverVersion": {"gitVersion": "v1.35.0"}}
        return subprocess.CompletedProcess(command, 0, json.dumps(answer), "")

    monkeypatch.setattr(subprocess, "run", run)
    kubeconfig = tmp_path / "config"
    cluster = {
        "kind": "existing",
        "kubeconfig": str(kubeconfig),
        "context": "lab",
        "existingAddons": {"cert-manager": "security"},
    }
    with pytest.raises(ToolError, match="is not there"):
        second_installs({"cluster": cluster}, Path("kubectl"))
    kubeconfig.touch()
    again = second_installs({"cluster": cluster}, Path("kubectl"))
    assert [row.path for row in again] == ["storage.defaultPurpose", "cluster.existingCrds"]
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


CHAT = {"inference": {"chat": {"service": {"minReplicas": 2, "maxReplicas": 6}}, "fixed": {"service": {}}}}


def metrics_advice(status: str, **cluster: Any) -> list[tuple[str, bool]]:
    api = {
        "metadata": {"name": "v1beta1.metrics.k8s.io"},
        "spec": {"service": {"name": "metrics-server"}},
        "status": {"conditions": [{"type": "Available", "status": status}]},
    }
    read = read_snapshot("v1.35.0", lambda kind: [api] if kind.startswith("apiservices") else [])
    rows = advice_for(read, {**CHAT, "cluster": cluster})
    return [(row.advice.partition(":")[0], row.blocks) for row in rows if row.path == "cluster.metricsServer"]


def test_models_that_follow_their_load_need_metrics_that_answer() -> None:
    """Only this finds autoscalers that stand still on a cluster without metrics-server, or with a broken one."""
    assert metrics_advice("True") == []
    assert metrics_advice("False") == [("inference.chat", True)]
    ((words, blocks),) = metrics_advice("False", metricsServer=False)
    assert "inference" not in words
    assert not blocks
