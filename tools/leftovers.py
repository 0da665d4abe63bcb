"""Resources that a destroy of a stack would leave: protected, retained, or without an owner. Pure.

Controllers in the cluster create volumes and load balancers, not the engine. Controllers delete them with the object
that requested them; if that object is not part of the stack, they stay when the cluster is deleted.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CLUSTERS = frozenset({"aws:eks/cluster:Cluster", "gcp:container/cluster:Cluster"})
NAMESPACE = "kubernetes:core/v1:Namespace"
LISTED = "services,persistentvolumes,persistentvolumeclaims"
"""What is queried: `kubectl get <LISTED> -A -o json`."""
_PROVISIONED = "pv.kubernetes.io/provisioned-by"


@dataclass(frozen=True)
class Leftovers:
    """Names to print, each list sorted."""

    protected: tuple[str, ...]
    """The engine refuses the destroy while there is one."""
    kept: tuple[str, ...]
    """Removed from the state and not deleted."""
    orphaned: tuple[str, ...]
    """Created by controllers of the deleted cluster: nothing deletes them."""


def leftovers(resources: Sequence[Mapping[str, Any]], objects: Iterable[Mapping[str, Any]]) -> Leftovers:
    """`resources` are those of the state, `objects` those that the cluster listed; empty if it is unreachable."""
    goes = any(resource["type"] in CLUSTERS and not _stays(resource) for resource in resources)
    namespaces = {
        str(resource.get("outputs", {}).get("metadata", {}).get("name"))
        for resource in resources
        if resource["type"] == NAMESPACE and not _stays(resource)
    }
    return Leftovers(
        protected=tuple(sorted(_name(r) for r in resources if r.get("protect"))),
        kept=tuple(sorted(_name(r) for r in resources if r.get("retainOnDelete") and not r.get("protect"))),
        orphaned=tuple(sorted(_orphans(objects, namespaces))) if goes else (),
    )


def leaving(objects: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """What controllers are about to delete in the cloud: volumes without a claim, load balancers of terminating
    Services.

    The object disappears from the cluster after its resource in the cloud: until then the controllers must run.
    """
    claims = {found["metadata"]["uid"] for found in objects if found["kind"] == "PersistentVolumeClaim"}
    return tuple(sorted(_leaving(objects, claims)))


def _leaving(objects: Iterable[Mapping[str, Any]], claims: set[str]) -> Iterator[str]:
    for found in objects:
        metadata, spec = found["metadata"], found.get("spec") or {}
        match found["kind"]:
            case "PersistentVolume" if _PROVISIONED in (metadata.get("annotations") or {}):
                uid = (spec.get("claimRef") or {}).get("uid")
                if spec.get("persistentVolumeReclaimPolicy") == "Delete" and uid not in claims:
                    yield _volume(found)
            case "Service" if spec.get("type") == "LoadBalancer" and metadata.get("deletionTimestamp"):
                yield _load_balancer(found)


def _stays(resource: Mapping[str, Any]) -> bool:
    return bool(resource.get("protect") or resource.get("retainOnDelete"))


def _name(resource: Mapping[str, Any]) -> str:
    return f"{resource['type'].rsplit(':', 1)[-1]} {resource['urn'].rsplit('::', 1)[-1]}"


def _orphans(objects: Iterable[Mapping[str, Any]], namespaces: set[str]) -> Iterator[str]:
    for found in objects:
        match found["kind"]:
            case "PersistentVolume":
                spec = found["spec"]
                if spec.get("persistentVolumeReclaimPolicy") == "Retain":
                    yield f"{_volume(found)}: its class keeps volumes"
                elif (spec.get("claimRef") or {}).get("namespace") not in namespaces:
                    yield f"{_volume(found)}: no namespace of this stack"
            case "Service" if found["spec"].get("type") == "LoadBalancer":
                if found["metadata"]["namespace"] not in namespaces:
                    yield f"{_load_balancer(found)}: no namespace of this stack"


def _volume(found: Mapping[str, Any]) -> str:
    spec = found["spec"]
    claim = spec.get("claimRef") or {}
    handle = (spec.get("csi") or {}).get("volumeHandle") or found["metadata"]["name"]
    return f"volume {handle} of {claim.get('namespace', '?')}/{claim.get('name', '?')}"


def _load_balancer(found: Mapping[str, Any]) -> str:
    return f"load balancer of {found['metadata']['namespace']}/{found['metadata']['name']}"
