"""Suggested settings for an existing cluster. Pure."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from catalog.accelerators import ACCELERATORS, Owner
from catalog.addons import ExistingAddon
from catalog.versions import CRDS
from components.capacity.placement import POOL_LABEL
from components.clouds.existing.inspection import (
    ENCRYPTED_BY,
    PULUMI,
    ClusterSnapshot,
    NodeFacts,
    _theirs,
    accelerator_on,
    devices_of,
    left_out,
    software_of,
)
from components.storage.plan import PROVISIONERS


class SuggestedPool(NamedTuple):
    """A pool that matches nodes of a cluster."""

    name: str
    nodes: tuple[str, ...]
    settings: Mapping[str, Any]
    """Its settings in `mlplatform:cluster`."""
    commands: tuple[str, ...]


def suggested_pools(snapshot: ClusterSnapshot) -> list[SuggestedPool]:
    """Pools for similar nodes: same accelerator, same number of devices, same taints."""
    groups: dict[tuple[Any, ...], list[NodeFacts]] = {}
    for node in snapshot["nodes"]:
        if "node-role.kubernetes.io/control-plane" in node["labels"] and node["taints"]:
            continue
        accelerator = accelerator_on(node)
        offered = devices_of(node)
        label = node["labels"].get(POOL_LABEL, "")
        taints = tuple(sorted((taint["key"], taint["value"], taint["effect"]) for taint in node["taints"]))
        key = (label, accelerator.name if accelerator else "", tuple(sorted(offered.items())), taints)
        groups.setdefault(key, []).append(node)
    names: set[str] = set()
    return [_suggested(key, nodes, snapshot, names) for key, nodes in sorted(groups.items())]


def _suggested(
    key: tuple[Any, ...], nodes: list[NodeFacts], snapshot: ClusterSnapshot, names: set[str]
) -> SuggestedPool:
    label, accelerator_name, offered, taints = key
    base = label or (re.sub(r"[^a-z0-9]+", "-", accelerator_name.lower()).strip("-") if accelerator_name else "")
    base = base or ("devices" if offered else "cpu")
    name = next(one for one in (base, *(f"{base}-{n}" for n in range(2, 99))) if one not in names)
    names.add(name)
    settings: dict[str, Any] = {}
    accelerator = ACCELERATORS.get(accelerator_name)
    if accelerator:
        settings["accelerator"] = accelerator_name
        count = dict(offered).get(accelerator.resource_name)
        settings |= {"devicesPerNode": count} if count else {}
        if _offers(snapshot, accelerator.resource_name):
            settings["devicePlugin"] = Owner.FOUND.value
    elif offered:
        resource = offered[0][0]
        settings["customAccelerator"] = {
            "name": resource.rpartition("/")[2],
            "resourceName": resource,
            "nodeLabels": {},
            "taintKey": taints[0][0] if taints else resource,
        }
        settings["devicesPerNode"] = offered[0][1]
    settings["nodesMin"] = settings["nodesMax"] = len(nodes)
    known = accelerator.taint_key if accelerator else settings.get("customAccelerator", {}).get("taintKey")
    others = [
        {"key": taint, "value": value, "effect": effect}
        for taint, value, effect in taints
        if taint != known and not taint.startswith("node.kubernetes.io/")
    ]
    settings |= {"taints": others} if others else {}
    commands = [
        f"kubectl label node {node['name']} {POOL_LABEL}={name}"
        for node in nodes
        if node["labels"].get(POOL_LABEL) != name
    ]
    if known and known not in {taint for taint, _, _ in taints}:
        commands += [f"kubectl taint node {node['name']} {known}=present:NoSchedule" for node in nodes]
    return SuggestedPool(name, tuple(node["name"] for node in nodes), settings, tuple(commands))


def _offers(snapshot: ClusterSnapshot, resource: str) -> bool:
    """Whether an existing device plugin offers it."""
    rows = [software_of(daemon_set) for daemon_set in snapshot.get("daemon_sets") or []]
    return any(row and row.resource_prefix and resource.startswith(row.resource_prefix) for row in rows)


def suggested_existing(snapshot: ClusterSnapshot) -> tuple[dict[str, str], list[str]]:
    """`cluster.existingAddons` and `cluster.existingCrds` for existing software that every platform needs."""
    theirs = _theirs(snapshot).values()
    watched = any(pool.settings.get("devicePlugin") for pool in suggested_pools(snapshot))
    wanted = (
        {*ExistingAddon} - {ExistingAddon.CSI_DRIVER_NFS} - ({ExistingAddon.DCGM_EXPORTER} if not watched else set())
    )
    found = {row.addon.value: namespace for row, namespace, _ in theirs if row.addon in wanted and row.addon}
    groups = {crd["name"].partition(".")[2] for crd in snapshot.get("crds") or [] if crd["owner"] != PULUMI}
    everywhere = [name for name, row in CRDS.items() if row.everywhere and row.group in groups]
    return dict(sorted(found.items())), sorted({*everywhere} - left_out(found, ()))


def suggested_classes(snapshot: ClusterSnapshot) -> list[dict[str, Any]]:
    """Entries of `storage.declared` for the existing classes: the default one first, one for each purpose."""
    declared: dict[str, dict[str, Any]] = {}
    rows = sorted(snapshot.get("storage_classes") or [], key=lambda row: (not row["is_default"], row["name"]))
    for row in rows:
        driver = PROVISIONERS.get(row["provisioner"])
        if driver is None:
            continue
        purposes = ("standard", "fast") if driver.block else ("shared", "dataset")
        for purpose in purposes:
            if purpose not in declared:
                entry: dict[str, Any] = {
                    "purpose": purpose,
                    "className": row["name"],
                    "provisioner": row["provisioner"],
                }
                entry |= {"isDefault": True} if row["is_default"] and purpose in ("standard", "shared") else {}
                declared[purpose] = entry | {"encryption": f"<{ENCRYPTED_BY}>"}
    return list(declared.values())
