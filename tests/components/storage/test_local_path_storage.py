"""What LocalPathStorage registers, and that classes can be made on it. Not proved here: that directories are made."""

import json

import pytest
import yaml

from catalog.accelerators import ClusterKind
from components.findings import Refused
from components.storage.local_path_storage import LocalPathStorage, LocalPathStorageArgs
from components.storage.plan import Encryption, StoragePurpose, plan_storage_classes
from components.storage.validation import check_storage_classes
from tests.components.platform_handles import H100
from tests.recorder import Recording, record

ARGS: LocalPathStorageArgs = {"paths": ["/var/lib/local-volumes"], "encryption": Encryption.NODE_DISK}


def local(**changes: object) -> Recording:
    return record(lambda: LocalPathStorage("local", {**ARGS, **changes}) and None)  # type: ignore[typeddict-item]


def test_it_is_a_provisioner_with_its_configuration_and_roles() -> None:
    assert local().kinds() == [
        "ClusterRole local-cluster-role",
        "ClusterRoleBinding local-cluster-role-binding",
        "ConfigMap local-config",
        "Deployment local-deployment",
        "IsolatedNamespace local-namespace",
        "LocalPathStorage local",
        "Namespace local-namespace-namespace",
        "NetworkPolicy local-namespace-allow-api-server",
        "NetworkPolicy local-namespace-allow-dns",
        "NetworkPolicy local-namespace-default-deny",
        "Role local-role",
        "RoleBinding local-role-binding",
        "ServiceAccount local-account",
    ]


def test_the_configuration_names_the_paths_and_a_helper_that_runs_on_tainted_nodes() -> None:
    data = local(pools=[H100]).one("ConfigMap").inputs["data"]
    assert json.loads(data["config.json"]) == {
        "nodePathMap": [{"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": ["/var/lib/local-volumes"]}]
    }
    written = yaml.safe_load(data["helperPod.yaml"])
    assert written["metadata"]["name"] == "helper-pod"
    helper = written["spec"]
    assert [one["key"] for one in helper["tolerations"]] == ["node.kubernetes.io/disk-pressure", "nvidia.com/gpu"]
    assert not helper["containers"][0]["image"].endswith("latest")


def test_the_provisioner_itself_has_no_rights_on_its_node() -> None:
    pod = local().one("Deployment").inputs["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert not [volume for volume in pod["volumes"] if "hostPath" in volume]
    assert pod["containers"][0]["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_its_classes_are_disks_of_one_node_and_pass_the_rules_of_storage() -> None:
    made: list[LocalPathStorage] = []
    record(lambda: made.append(LocalPathStorage("local", ARGS)))
    plans = plan_storage_classes("lab", {"cluster_kind": ClusterKind.EXISTING, "declared": [*made[0].handles.values()]})
    assert list(check_storage_classes("storage", plans)) == []
    assert [(plan.purpose, plan.provisioner) for plan in plans] == [
        (StoragePurpose.FAST, "rancher.io/local-path"),
        (StoragePurpose.STANDARD, "rancher.io/local-path"),
    ]


@pytest.mark.parametrize("path", ["", "/", "/data", "volumes", "/var/lib/../etc"])
def test_directories_that_teams_should_not_fill_are_refused(path: str) -> None:
    with pytest.raises(Refused) as refused:
        local(paths=[path])
    assert [finding.path for finding in refused.value.findings] == ["local.paths[0]"]
