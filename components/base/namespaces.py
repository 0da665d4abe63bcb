"""A namespace without ingress and egress, except for named rules."""

from enum import StrEnum
from typing import Any, Required, TypedDict

from pulumi import Output, ResourceOptions
from pulumi_kubernetes import core, meta, networking

from components.base.cluster_network import USUAL_NETWORK, ClusterNetworkHandle, PolicyEngine
from components.base.component import Component, once_created
from components.base.custom_resources import custom_resource
from components.base.labels import LABELS
from components.base.traffic_rules import TrafficRuleArgs, cilium_policy_spec, dns_policy_spec, policy_spec


class PodSecurity(StrEnum):
    """Pod Security Standard that the API server enforces in the namespace."""

    RESTRICTED = "restricted"
    BASELINE = "baseline"
    PRIVILEGED = "privileged"
    """Only for pods that need devices of the node: device plugin, exporters."""


class IsolatedNamespaceArgs(TypedDict, total=False):
    """A namespace and its allowed traffic."""

    namespace: Required[str]
    """Its name."""
    pod_security: Required[PodSecurity]
    """Pod Security Standard of its pods."""
    exceptions: list[TrafficRuleArgs]
    """Traffic in addition to DNS, which every namespace may use."""
    labels: dict[str, str]
    """More labels of the namespace."""
    annotations: dict[str, str]
    """Annotations of the namespace."""
    network: ClusterNetworkHandle
    """How the CNI resolves names and enforces policies, and the API server's ports; default: `USUAL_NETWORK`."""


class IsolatedNamespace(Component):
    """A namespace with Pod Security enforced and default deny in both directions, except for DNS and named rules."""

    namespace: Output[str]
    """Its name, known once it and its default-deny policy exist: objects inside wait for both."""

    def __init__(self, name: str, args: IsolatedNamespaceArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        level = PodSecurity(args["pod_security"]).value
        home = core.v1.Namespace(
            f"{name}-namespace",
            metadata=meta.v1.ObjectMetaArgs(
                name=args["namespace"],
                labels={
                    **LABELS,
                    **(args.get("labels") or {}),
                    **{f"pod-security.kubernetes.io/{mode}": level for mode in ("enforce", "audit", "warn")},
                },
                annotations=args.get("annotations"),
            ),
            opts=self.child,
        )
        self._inside = once_created(args["namespace"], home)
        deny = self._network_policy(name, "default-deny", {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})
        network = args.get("network") or USUAL_NETWORK
        self._network_policy(name, "allow-dns", dns_policy_spec(network["dns_addresses"]))
        for rule in args.get("exceptions") or []:
            if not rule.get("from_nodes"):
                self._network_policy(name, f"allow-{rule['name']}", policy_spec(rule, network["api_server_ports"]))
            elif network["policies"] == PolicyEngine.CILIUM:
                role, spec = f"allow-{rule['name']}", cilium_policy_spec(rule)
                custom_resource(f"{name}-{role}", "CiliumNetworkPolicy", role, spec, self.child, namespace=self._inside)
        self.namespace = once_created(args["namespace"], home, deny)
        self.register_outputs({"namespace": self.namespace})

    # In quotes, here and elsewhere: evaluated, such types import all of core.v1, 0.6 s of CPU before settings are read.
    def _network_policy(self, name: str, role: str, spec: dict[str, Any]) -> "networking.v1.NetworkPolicy":
        return networking.v1.NetworkPolicy(
            f"{name}-{role}",
            metadata=meta.v1.ObjectMetaArgs(name=role, namespace=self._inside, labels=LABELS),
            spec=spec,
            opts=self.child,
        )
