"""What a destroy of a stack would leave: protected, kept on purpose, or looked after by nobody. Pure.

Volumes and load balancers are made by controllers in the cluster, not by the engine. They go with the object that asked
for them while the controller still runs; where that object is no part of the stack, they stay when the cluster goes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CLUSTERS = frozenset({"aws:eks/cluster:Cluster", "gcp:container/cluster:Cluster"})
LISTED = "services,persistentvolumes"
"""What is asked of the cluster: `kubectl get <LISTED> -A -o json`."""


@dataclass(frozen=True)
class Remains:
    """Names for people, each list sorted."""

    protected: tuple[str, ...]
    """Refused by the engine: the destroy does not begin while there is one."""
    kept: tuple[str, ...]
    """Taken out of the state and left where they are."""
    orphaned: tuple[str, ...]
    """Made by controllers of a cluster that goes: nothing deletes them."""


def remains(resources: Sequence[Mapping[str, Any]], objects: Iterable[Mapping[str, Any]]) -> Remains:
    """`resources` are those of the state, `objects` what the cluster listed; empty where it cannot be reached."""
    goes = any(resource["type"] in CLUSTERS and not _stays(resource) for resource in resources)
    namespaces = {
        str(resource.get("outputs", {}).get("metadata", {}).get("name"))
        for resource in resources
        if resource["type"].endswith(":Namespace") and not _stays(resource)
    }
    return Remains(
        protected=tuple(sorted(_name(r) for r in resources if r.get("protect"))),
        kept=tuple(sorted(_name(r) for r in resources if r.get("retainOnDelete") and not r.get("protect"))),
        orphaned=tuple(sorted(_orphans(objects, namespaces))) if goes else (),
    )


def _stays(resource: Mapping[str, Any]) -> bool:
    return bool(resource.get("protect") or resource.get("retainOnDelete"))


def _name(resource: Mapping[str, Any]) -> str:
    return f"{resource['type'].rsplit(':', 1)[-1]} {resource['urn'].rsplit('::', 1)[-1]}"


def _orphans(objects: Iterable[Mapping[str, Any]], namespaces: set[str]) -> Iterator[str]:
    for found in objects:
        match found["kind"]:
            case "PersistentVolume":
                spec = found["spec"]
                claim = spec.get("claimRef") or {}
                handle = (spec.get("csi") or {}).get("volumeHandle") or found["metadata"]["name"]
                who = f"volume {handle} of {claim.get('namespace', '?')}/{claim.get('name', '?')}"
                if spec.get("persistentVolumeReclaimPolicy") == "Retain":
                    yield f"{who}: its class keeps volumes"
                elif claim.get("namespace") not in namespaces:
                    yield f"{who}: no namespace of this stack"
            case "Service" if found["spec"].get("type") == "LoadBalancer":
                namespace = found["metadata"]["namespace"]
                if namespace not in namespaces:
                    yield f"load balancer of {namespace}/{found['metadata']['name']}: no namespace of this stack"
