"""NetworkPolicies of a component rather than of its namespace. Pure, except for the declaration itself."""

from collections.abc import Mapping
from typing import Any

from pulumi import Input, ResourceOptions
from pulumi_kubernetes import meta, networking

from catalog.addresses import POSTGRESQL_PORT
from components.base.labels import LABELS

POSTGRESQL_INSTANCE_PORTS = (POSTGRESQL_PORT, 8000)
"""PostgreSQL and the status of its CloudNativePG instance manager, for the operator and the database.

Source: CloudNativePG documentation, networking."""


def network_policy(
    resource_name: str, name: str, namespace: Input[str], spec: Mapping[str, Any], opts: ResourceOptions
) -> "networking.v1.NetworkPolicy":
    """Declare one NetworkPolicy; `spec` is `namespaces.policy_spec(rule)` or `from_labelled_namespaces`."""
    return networking.v1.NetworkPolicy(
        resource_name,
        metadata=meta.v1.ObjectMetaArgs(name=name, namespace=namespace, labels=LABELS),
        spec={**spec},
        opts=opts,
    )


def from_labelled_namespaces(pods: Mapping[str, str], namespace_label: Mapping[str, str], port: int) -> dict[str, Any]:
    """The `spec` that allows every pod of the namespaces with that label, on one TCP port.

    By the label of the namespace, which only administrators can set; every user who can create a pod can label it.
    """
    return {
        "podSelector": {"matchLabels": dict(pods)},
        "policyTypes": ["Ingress"],
        "ingress": [
            {
                "from": [{"namespaceSelector": {"matchLabels": dict(namespace_label)}}],
                "ports": [{"protocol": "TCP", "port": int(port)}],
            }
        ],
    }
