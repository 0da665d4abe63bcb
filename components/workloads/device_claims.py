"""Device claims (DRA): what pods request on a pool whose devices the kubelet does not count.

A pod names a ResourceClaimTemplate, Kubernetes creates a claim from it for each pod, and the scheduler allocates
devices of the class that the DRA driver publishes. Source: `resource.k8s.io/v1`, Kubernetes 1.34.
"""

from collections.abc import Mapping
from typing import Any

from pulumi import Output, ResourceOptions
from pulumi_kubernetes import meta
from pulumi_kubernetes.apiextensions import CustomResource

from catalog.versions import API_VERSIONS
from components.base.pods import DEVICES
from components.capacity.placement import AcceleratorRequest, PoolHandle, pod_needs
from components.tenants.handles import TeamHandle


def claim_spec(needs: Mapping[str, int]) -> dict[str, Any]:
    """The `spec` of a ResourceClaimTemplate: a number of devices per class, all on the pod's node. Pure."""
    requests = [
        {"name": DEVICES, "exactly": {"deviceClassName": device_class, "allocationMode": "ExactCount", "count": count}}
        for device_class, count in needs.items()
    ]
    return {"spec": {"devices": {"requests": requests}}}


def device_claim_template(
    name: str,
    team: TeamHandle,
    pool: PoolHandle,
    request: AcceleratorRequest | None,
    labels: Mapping[str, str],
    opts: ResourceOptions,
) -> Output[str] | None:
    """Declare the template of a workload's claims and return its name; None if the kubelet counts devices."""
    needs = pod_needs(pool, request or {})["claim"]
    if not needs:
        return None
    kind = "ResourceClaimTemplate"
    template = CustomResource(
        f"{name}-devices",
        api_version=API_VERSIONS[kind],
        kind=kind,
        metadata=meta.v1.ObjectMetaArgs(name=f"{name}-devices", namespace=team["namespace"], labels=dict(labels)),
        # Its spec is immutable; running pods keep their claims when it is replaced.
        opts=ResourceOptions.merge(opts, ResourceOptions(replace_on_changes=["spec"], delete_before_replace=True)),
        spec=claim_spec(needs),
    )
    return template.metadata.apply(lambda found: str(found["name"]))  # type: ignore[attr-defined,no-any-return]
