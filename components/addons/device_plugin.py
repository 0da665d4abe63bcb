"""Any other device plugin, from its image, for example for AMD GPUs, FPGAs or ASICs, which the code does not know.

The pool describes the device (`customAccelerator`); this component runs the plugin that offers it. The plugin connects
to the kubelet through a socket on the node; `host_paths` lists all other paths of the node that it needs.
"""

from typing import Any, Required

from pulumi import Input, Output, ResourceOptions
from pulumi_kubernetes import apps, core, meta, rbac

from components.addons.accelerator_nodes import affinity_to
from components.addons.accelerator_validation import check_device_plugin, check_plugin_pools
from components.addons.device_plugin_spec import ApiRuleArgs, DevicePluginSpec, HostPathArgs
from components.base.cluster_network import USUAL_NETWORK, ClusterNetworkHandle
from components.base.component import Component
from components.base.labels import LABELS
from components.base.namespaces import IsolatedNamespace, PodSecurity
from components.base.pods import environment, resources
from components.base.traffic import to_api_server
from components.capacity.placement import PoolHandle, tolerations_of_all
from components.findings import refuse

KUBELET_SOCKETS = "/var/lib/kubelet/device-plugins"
"""Directory of the kubelet's and the device plugins' sockets (Kubernetes documentation)."""

RESOURCE_ANNOTATION = "mlplatform.dev/resource-name"
"""On the plugin's namespace: which extended resource it offers."""


class DevicePluginArgs(DevicePluginSpec, total=False):
    """The settings, and values that the platform adds."""

    pools: Required[list[PoolHandle]]
    """Pools whose nodes have the device."""
    network: ClusterNetworkHandle
    """How names are resolved and policies are evaluated. Default: `USUAL_NETWORK`."""


def device_plugin_container(args: DevicePluginArgs) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The container and the volumes it mounts. Pure."""
    sockets = HostPathArgs(path=args.get("socket_directory") or KUBELET_SOCKETS, writable=True)
    volumes, mounts = [], []
    for index, host in enumerate([sockets, *(args.get("host_paths") or [])]):
        volumes.append({"name": f"host-{index}", "hostPath": {"path": host["path"]}})
        mounts.append({"name": f"host-{index}", "mountPath": host["path"], "readOnly": not host.get("writable", False)})
    privileged = bool(args.get("privileged"))
    # Root, because root owns the kubelet's socket and device files; it has only the configured privileges.
    security = (
        {"privileged": True, "runAsUser": 0}
        if privileged
        else {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsUser": 0}
    )
    variable = args.get("node_name_variable", "")
    node_name = {"name": variable, "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}
    optional = {
        "command": list(args.get("command") or []),
        "args": list(args.get("arguments") or []),
        "env": [*environment(args.get("environment") or {}), *([node_name] if variable else [])],
    }
    container = {
        "name": "device-plugin",
        "image": args["image"],
        "resources": resources(
            cpu_millis=int(args.get("cpu_millis") or 50), memory_mib=int(args.get("memory_mib") or 128)
        ),
        "securityContext": {**security, "readOnlyRootFilesystem": True},
        "volumeMounts": mounts,
        **{key: value for key, value in optional.items() if value},
    }
    return container, volumes


def api_rules(args: DevicePluginArgs) -> list[dict[str, list[str]]]:
    """The rules of its ClusterRole; empty: it gets no credentials. Pure."""
    reads = [ApiRuleArgs(resources=["nodes"], verbs=["get", "list", "watch"])] if args.get("reads_nodes") else []
    return [
        {"apiGroups": [""], "resources": list(rule["resources"]), "verbs": list(rule["verbs"])}
        for rule in [*reads, *(args.get("api_rules") or [])]
    ]


def daemon_set_spec(name: str, args: DevicePluginArgs, service_account: Input[str]) -> dict[str, Any]:
    """The `spec` of the DaemonSet. Pure."""
    container, volumes = device_plugin_container(args)
    labels = {"app.kubernetes.io/name": "device-plugin", "app.kubernetes.io/instance": name}
    return {
        "selector": {"matchLabels": labels},
        "template": {
            "metadata": {"labels": {**LABELS, **labels}},
            "spec": {
                "serviceAccountName": service_account,
                "automountServiceAccountToken": bool(api_rules(args)),
                "enableServiceLinks": False,
                "priorityClassName": "system-node-critical",
                "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
                "affinity": affinity_to(args["pools"]),
                "tolerations": tolerations_of_all(args["pools"]),
                "containers": [container],
                "volumes": volumes,
            },
        },
    }


class DevicePlugin(Component):
    """A device plugin on every node of the pools with its device."""

    namespace: Output[str]
    """Where it runs."""

    def __init__(self, name: str, args: DevicePluginArgs, opts: ResourceOptions | None = None) -> None:
        pools, resource_name = args["pools"], args["resource_name"]
        findings = [*check_device_plugin(name, args), *check_plugin_pools(name, resource_name, pools)]
        refuse(f"device plugin {name}", findings)
        super().__init__(name, args, opts)
        rules = api_rules(args)
        home = IsolatedNamespace(
            f"{name}-namespace",
            {
                "namespace": args.get("namespace") or name,
                "pod_security": PodSecurity.PRIVILEGED,
                "exceptions": [to_api_server()] if rules else [],
                "annotations": {RESOURCE_ANNOTATION: resource_name},
                "network": args.get("network") or USUAL_NETWORK,
            },
            opts=self.child,
        )
        account = core.v1.ServiceAccount(
            f"{name}-account",
            metadata=meta.v1.ObjectMetaArgs(name=name, namespace=home.namespace, labels=LABELS),
            automount_service_account_token=False,
            opts=self.child,
        )
        if rules:
            self._grant(name, account, rules)
        apps.v1.DaemonSet(
            f"{name}-daemon-set",
            metadata=meta.v1.ObjectMetaArgs(name=name, namespace=home.namespace, labels=LABELS),
            spec=daemon_set_spec(name, args, account.metadata.name.apply(str)),
            opts=self.child,
        )
        self.namespace = home.namespace
        self.register_outputs({"namespace": self.namespace})

    def _grant(self, name: str, account: "core.v1.ServiceAccount", rules: list[dict[str, list[str]]]) -> None:
        role_name = f"device-plugin-{name}"
        role = rbac.v1.ClusterRole(
            f"{name}-role",
            metadata=meta.v1.ObjectMetaArgs(name=role_name, labels=LABELS),
            rules=rules,
            opts=self.child,
        )
        rbac.v1.ClusterRoleBinding(
            f"{name}-role-binding",
            metadata=meta.v1.ObjectMetaArgs(name=role_name, labels=LABELS),
            role_ref={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role.metadata.name},
            subjects=[
                {"kind": "ServiceAccount", "name": account.metadata.name, "namespace": account.metadata.namespace}
            ],
            opts=self.child,
        )
