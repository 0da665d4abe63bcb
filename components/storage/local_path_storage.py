"""Volumes on local disks of the nodes: fast, and lost with the node.

Rancher's local-path provisioner, declared natively: its repository contains a chart, but no project-owned registry
serves it. A volume has no size limit: one that fills the disk affects the others. kind, K3s and RKE2 include this
provisioner; declare their class instead (`python -m tools detect` prints it).
"""

import json
from typing import Any

import yaml
from pulumi import Output, ResourceOptions
from pulumi_kubernetes import apps, core, meta, rbac

from catalog.versions import IMAGES
from components.base.cluster_network import USUAL_NETWORK, ClusterNetworkHandle
from components.base.component import Component
from components.base.labels import LABELS
from components.base.namespaces import IsolatedNamespace, PodSecurity
from components.base.pods import resources
from components.base.traffic import to_api_server
from components.capacity.placement import PoolHandle, tolerations_of_all
from components.findings import refuse
from components.storage.onprem_spec import (
    LOCAL_PATH_NAMESPACE,
    LOCAL_PATH_PROVISIONER,
    LocalPathStorageSpec,
    local_path_classes,
)
from components.storage.onprem_validation import check_encryption, check_host_paths
from components.storage.plan import DeclaredClassArgs, StoragePurpose

OTHER_NODES = "DEFAULT_PATH_FOR_NON_LISTED_NODES"
"""The provisioner's name for every node that its configuration does not list (README v0.0.37)."""
HEALTH_PORT = 8080
CONFIG_MAP = "local-path-config"

# World-writable, as upstream: a pod's fsGroup is not applied to host paths, and its user must write.
SETUP = 'set -eu\nmkdir -m 0777 -p "$VOL_DIR"\n'
TEARDOWN = 'set -eu\nrm -rf "$VOL_DIR"\n'


class LocalPathStorageArgs(LocalPathStorageSpec, total=False):
    """Directories of the nodes, and the provisioner's dependencies."""

    pools: list[PoolHandle]
    """Pools of the cluster, whose taints its helper pods tolerate. Default: only untainted nodes."""
    namespace: str
    """Default: local-path-storage."""
    network: ClusterNetworkHandle
    """How names are resolved and policies are evaluated. Default: `USUAL_NETWORK`."""


def local_path_config(args: LocalPathStorageArgs) -> dict[str, str]:
    """Files of its ConfigMap. Pure."""
    helper = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "helper-pod", "labels": dict(LABELS)},
        "spec": {
            "priorityClassName": "system-node-critical",
            "tolerations": [
                {"key": "node.kubernetes.io/disk-pressure", "operator": "Exists", "effect": "NoSchedule"},
                *tolerations_of_all(args.get("pools") or []),
            ],
            "containers": [
                {
                    "name": "helper-pod",
                    "image": IMAGES["local-path-helper"].reference,
                    "imagePullPolicy": "IfNotPresent",
                    "resources": resources(cpu_millis=10, memory_mib=32),
                }
            ],
        },
    }
    return {
        "config.json": json.dumps({"nodePathMap": [{"node": OTHER_NODES, "paths": list(args["paths"])}]}),
        "setup": SETUP,
        "teardown": TEARDOWN,
        "helperPod.yaml": yaml.safe_dump(helper, sort_keys=False),
    }


def provisioner_pod(account: Any) -> dict[str, Any]:
    """The pod's `spec`. Pure."""
    return {
        "serviceAccountName": account,
        "priorityClassName": "system-cluster-critical",
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65534,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "local-path-provisioner",
                "image": IMAGES["local-path-provisioner"].reference,
                "command": [
                    *("local-path-provisioner", "start", "--config", "/etc/config/config.json"),
                    *("--provisioner-name", LOCAL_PATH_PROVISIONER),
                    *("--helper-image", IMAGES["local-path-helper"].reference),
                    *("--configmap-name", CONFIG_MAP, "--service-account-name", account),
                ],
                "env": [
                    {"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
                    {"name": "CONFIG_MOUNT_PATH", "value": "/etc/config/"},
                    {"name": "HEALTH_PORT", "value": str(HEALTH_PORT)},
                ],
                "ports": [{"name": "health", "containerPort": HEALTH_PORT}],
                "livenessProbe": {"httpGet": {"path": "/health", "port": "health"}, "initialDelaySeconds": 10},
                "readinessProbe": {"httpGet": {"path": "/ready", "port": "health"}, "initialDelaySeconds": 5},
                "resources": resources(cpu_millis=20, memory_mib=128),
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                "volumeMounts": [{"name": "config", "mountPath": "/etc/config/", "readOnly": True}],
            }
        ],
        "volumes": [{"name": "config", "configMap": {"name": CONFIG_MAP}}],
    }


CLUSTER_RULES = [
    ([""], ["nodes", "configmaps", "pods", "pods/log"], ["get", "list", "watch"]),
    ([""], ["persistentvolumeclaims"], ["get", "list", "watch", "update"]),
    ([""], ["persistentvolumes"], ["get", "list", "watch", "create", "patch", "update", "delete"]),
    ([""], ["events"], ["create", "patch"]),
    (["storage.k8s.io"], ["storageclasses"], ["get", "list", "watch"]),
]
"""Its cluster role (rancher/local-path-provisioner v0.0.37 deploy/chart templates/clusterrole.yaml)."""
HELPER_RULES = [([""], ["pods"], ["get", "list", "watch", "create", "patch", "update", "delete"])]


def _rules(rows: list[tuple[list[str], list[str], list[str]]]) -> list[dict[str, list[str]]]:
    return [{"apiGroups": groups, "resources": names, "verbs": verbs} for groups, names, verbs in rows]


class LocalPathStorage(Component):
    """The local-path provisioner; `handles` declares the classes that it serves."""

    namespace: Output[str]
    """Namespace of the provisioner."""
    provisioner: Output[str]
    """Provisioner of its storage classes."""

    def __init__(self, name: str, args: LocalPathStorageArgs, opts: ResourceOptions | None = None) -> None:
        problems = [*check_host_paths(f"{name}.paths", args["paths"]), *check_encryption(name, args["encryption"])]
        refuse(f"local storage {name}", problems)
        super().__init__(name, args, opts)
        home = IsolatedNamespace(
            f"{name}-namespace",
            {
                "namespace": args.get("namespace") or LOCAL_PATH_NAMESPACE,
                # Its helper pods create and remove directories of the node.
                "pod_security": PodSecurity.PRIVILEGED,
                "exceptions": [to_api_server()],
                "network": args.get("network") or USUAL_NETWORK,
            },
            opts=self.child,
        )
        self._config_map(name, home.namespace, args)
        account = self._account(name, home.namespace)
        labels = {"app.kubernetes.io/name": "local-path-provisioner"}
        apps.v1.Deployment(
            f"{name}-deployment",
            metadata=meta.v1.ObjectMetaArgs(name="local-path-provisioner", namespace=home.namespace, labels=LABELS),
            spec={
                "replicas": 1,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": {**LABELS, **labels}}, "spec": provisioner_pod(account)},
            },
            opts=self.child,
        )
        self.handles: dict[StoragePurpose, DeclaredClassArgs] = {
            one["purpose"]: one for one in local_path_classes(args)
        }
        """Classes for `declared` of `StorageClasses`, by purpose."""
        self.namespace = home.namespace
        self.provisioner = Output.from_input(LOCAL_PATH_PROVISIONER)
        self.register_outputs({"namespace": self.namespace, "provisioner": self.provisioner})

    def _config_map(self, name: str, namespace: Output[str], args: LocalPathStorageArgs) -> None:
        core.v1.ConfigMap(
            f"{name}-config",
            metadata=meta.v1.ObjectMetaArgs(name=CONFIG_MAP, namespace=namespace, labels=LABELS),
            data=local_path_config(args),
            opts=self.child,
        )

    def _account(self, name: str, namespace: Output[str]) -> Output[str]:
        """The service account with its role; returns its name."""
        called = "local-path-provisioner"
        inside = meta.v1.ObjectMetaArgs(name=called, namespace=namespace, labels=LABELS)
        clusterwide = meta.v1.ObjectMetaArgs(name=called, labels=LABELS)
        account = core.v1.ServiceAccount(f"{name}-account", metadata=inside, opts=self.child)
        subjects = [{"kind": "ServiceAccount", "name": account.metadata.name, "namespace": namespace}]
        group = "rbac.authorization.k8s.io"
        rbac.v1.ClusterRole(f"{name}-cluster-role", metadata=clusterwide, rules=_rules(CLUSTER_RULES), opts=self.child)
        rbac.v1.ClusterRoleBinding(
            f"{name}-cluster-role-binding",
            metadata=clusterwide,
            role_ref={"apiGroup": group, "kind": "ClusterRole", "name": called},
            subjects=subjects,
            opts=self.child,
        )
        rbac.v1.Role(f"{name}-role", metadata=inside, rules=_rules(HELPER_RULES), opts=self.child)
        rbac.v1.RoleBinding(
            f"{name}-role-binding",
            metadata=inside,
            role_ref={"apiGroup": group, "kind": "Role", "name": called},
            subjects=subjects,
            opts=self.child,
        )
        return account.metadata.name.apply(str)
