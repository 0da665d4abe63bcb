"""Advice on accelerator nodes and the software of their devices. Pure."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from catalog.accelerators import DeviceAllocation, Owner
from components.capacity.placement import POOL_LABEL, Capacity, PoolHandle
from components.clouds.existing.advice import Advice
from components.clouds.existing.inspection import (
    SOFTWARE,
    ClusterSnapshot,
    NodeFacts,
    _theirs,
    devices_of,
)


def pool_advice(snapshot: ClusterSnapshot, pools: Sequence[PoolHandle]) -> Iterator[Advice]:
    for pool in pools:
        name = pool["capacity"]["pool"]
        path = f"cluster.pools.{name}"
        labelled = [node for node in snapshot["nodes"] if node["labels"].get(POOL_LABEL) == name]
        if not labelled:
            yield Advice(
                path,
                f"no node with the label {POOL_LABEL}={name}",
                f"kubectl label node <node> {POOL_LABEL}={name}",
                blocks=pool["capacity"]["nodes_min"] > 0,
            )
            continue
        if len(labelled) > pool["capacity"]["nodes_max"]:
            yield Advice(
                f"{path}.nodesMax",
                f"{len(labelled)} nodes, and nodesMax says {pool['capacity']['nodes_max']}",
                "raise nodesMax: quotas are computed from it",
            )
        for node in labelled:
            yield from _node(path, node, pool)


def _node(path: str, node: NodeFacts, pool: PoolHandle) -> Iterator[Advice]:
    for key, value in pool["placement"]["node_selector"].items():
        if node["labels"].get(key) != value:
            found = node["labels"].get(key)
            yield Advice(
                path,
                f"node {node['name']}: label {key} is {found or 'missing'}, pods of the pool select {value}",
                "correct accelerator"
                if found
                else f"feature discovery sets it, or run: kubectl label node {node['name']} {key}={value}",
                blocks=True,
            )
    there = {(taint["key"], taint["effect"]) for taint in node["taints"]}
    tolerated = {(toleration["key"], toleration["effect"]) for toleration in pool["placement"]["tolerations"]}
    for key, effect in sorted(tolerated - there):
        yield Advice(
            f"{path}.taints",
            f"node {node['name']} has no taint {key}:{effect}",
            f"kubectl taint node {node['name']} {key}=present:{effect} keeps pods without devices off the node",
        )
    for key, effect in sorted(there - tolerated):
        if effect != "PreferNoSchedule" and not key.startswith("node.kubernetes.io/"):
            yield Advice(
                f"{path}.taints",
                f"node {node['name']} has the taint {key}:{effect}, which pods of the pool do not tolerate",
                f"add it to the pool: taints: [{{key: {key}, value: '', effect: {effect}}}]",
                blocks=True,
            )
    yield from _units(path, node, pool["capacity"], pool["software"]["device_plugin"])


def _units(path: str, node: NodeFacts, capacity: Capacity, plugin: Owner) -> Iterator[Advice]:
    offered = devices_of(node)
    for name, units in capacity["units_per_node"].items():
        if plugin == Owner.FOUND and offered.get(name, 0) != units:
            yield Advice(
                f"{path}.devicesPerNode",
                f"node {node['name']} offers {offered.get(name, 0)} {name}, the pool says {units}",
                "correct devicesPerNode or sharing: quotas are computed from them",
                blocks=name not in offered,
            )


class Clash(NamedTuple):
    """Settings of a pool that conflict with existing software."""

    field: str
    is_declared: Callable[[PoolHandle], bool]
    advice: str


CLASHES: dict[str, Clash] = {
    "GPU Operator": Clash(
        "devicePlugin",
        lambda pool: Owner.OPERATOR in (pool["software"]["driver"], pool["software"]["device_plugin"]),
        "write driver: found and devicePlugin: found; the existing operator installs both",
    ),
    "NVIDIA driver": Clash("driver", lambda pool: pool["software"]["driver"] == Owner.OPERATOR, "write driver: found"),
    "NVIDIA DRA driver": Clash(
        "devicePlugin",
        lambda pool: (
            pool["software"]["device_allocation"] == DeviceAllocation.DRA
            and pool["software"]["device_plugin"] != Owner.FOUND
        ),
        "write devicePlugin: found; the DRA driver exists",
    ),
    **{
        row.what: Clash(
            "devicePlugin",
            lambda pool, prefix=row.resource_prefix: (  # type: ignore[misc]
                pool["software"]["device_plugin"] != Owner.FOUND
                and any(name.startswith(prefix) for name in pool["capacity"]["units_per_node"])
            ),
            "write devicePlugin: found, or remove the existing device plugin; two of them offer every device twice",
        )
        for row in SOFTWARE
        if row.resource_prefix
    },
}
"""By what is there."""


def device_advice(snapshot: ClusterSnapshot, pools: Sequence[PoolHandle]) -> Iterator[Advice]:
    for what, (_, _, words) in _theirs(snapshot).items():
        clash = CLASHES.get(what)
        for pool in pools if clash else []:
            if clash and clash.is_declared(pool):
                path = f"cluster.pools.{pool['capacity']['pool']}.{clash.field}"
                yield Advice(path, words, clash.advice, blocks=True, twice=True)


def dra_advice(snapshot: ClusterSnapshot, pools: Sequence[PoolHandle]) -> Iterator[Advice]:
    found = re.match(r"v?1\.(\d+)", snapshot["version"])
    if found and int(found[1]) < 34:
        for pool in pools:
            if pool["software"]["device_allocation"] == DeviceAllocation.DRA:
                yield Advice(
                    f"cluster.pools.{pool['capacity']['pool']}.deviceAllocation",
                    f"Kubernetes {snapshot['version']}",
                    "resource.k8s.io/v1 is served from 1.34 on: use deviceAllocation device-plugin until the cluster "
                    "has that version",
                    blocks=True,
                )
