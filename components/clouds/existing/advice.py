"""Advice for an existing cluster: what to declare, install or remove before the platform is deployed to it. Pure."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from typing import NamedTuple

from catalog.accelerators import ACCELERATORS, DeviceAllocation, Owner
from catalog.addons import ENVOY_GATEWAY_CONTROLLER, ExistingAddon
from catalog.versions import API_VERSIONS, CRDS
from components.capacity.placement import POOL_LABEL, Capacity, PoolHandle
from components.clouds.existing.inspection import (
    ENCRYPTED_BY,
    LOCAL_PATH,
    NFS,
    PULUMI,
    SOFTWARE,
    ClusterSnapshot,
    NodeFacts,
    _theirs,
    devices_of,
    left_out,
    software_of,
)
from components.storage.plan import DEFAULT_CLASS_ANNOTATION, PROVISIONERS


class Advice(NamedTuple):
    """One observation and its remedy."""

    path: str
    """Settings key that it is about, in or next to `mlplatform:cluster`."""
    found: str
    advice: str
    blocks: bool = False
    """Whether `up` would conflict with existing software, or wait forever."""
    twice: bool = False
    """Whether `up` would install software that exists already."""


def advice(
    snapshot: ClusterSnapshot,
    pools: Sequence[PoolHandle] = (),
    *,
    default_class: str = "",
    crd_sets: Sequence[str] = (),
    gateway: str = "",
    found: Mapping[str, str] | None = None,
    existing_crds: Sequence[str] = (),
    brings: Sequence[str] = (),
    namespaces: Collection[str] = (),
    autoscaled: Sequence[str] = (),
) -> list[Advice]:
    """All advice for a cluster and its settings.

    `default_class`: the class that the platform would make the default; empty: none. `crd_sets`: what the declaration
    needs, from the platform or not. `gateway`: the implementation that the platform would install, `envoy`; empty:
    none. `found`, `existing_crds`: as `mlplatform:cluster` declares them; `found` None: nothing is declared yet, so no
    add-on conflicts. `brings`: which of `metallb`, `nfs` and `localPath` it has. `namespaces`: those that the platform
    would create. `autoscaled`: paths of workloads whose replicas follow their load.
    """
    declared = left_out(found or {}, existing_crds)
    return [
        *_pools(snapshot, pools),
        *_device_software(snapshot, pools),
        *(_addons(snapshot, pools, found, brings) if found is not None else ()),
        *_ground(snapshot, {*brings} - ({"nfs"} if ExistingAddon.CSI_DRIVER_NFS in (found or {}) else set())),
        *_declared(snapshot, found or {}, declared),
        *_namespaces(snapshot, namespaces),
        *_default_classes(snapshot, default_class),
        *_crds(snapshot, sorted({*crd_sets} - declared)),
        *_ways_in(snapshot, gateway),
        *_dra(snapshot, pools),
        *_metrics(snapshot, autoscaled),
    ]


def _pools(snapshot: ClusterSnapshot, pools: Sequence[PoolHandle]) -> Iterator[Advice]:
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


def _device_software(snapshot: ClusterSnapshot, pools: Sequence[PoolHandle]) -> Iterator[Advice]:
    for what, (_, _, words) in _theirs(snapshot).items():
        clash = CLASHES.get(what)
        for pool in pools if clash else []:
            if clash and clash.is_declared(pool):
                path = f"cluster.pools.{pool['capacity']['pool']}.{clash.field}"
                yield Advice(path, words, clash.advice, blocks=True, twice=True)


OUR_PROMETHEUS_OPERATOR = "kube-prometheus-stack-operator"
"""The name that the platform's release of that chart would give it; all names of a release have the same prefix."""


def _addons(
    snapshot: ClusterSnapshot, pools: Sequence[PoolHandle], found: Mapping[str, str], brings: Sequence[str]
) -> Iterator[Advice]:
    """Add-ons that run in the cluster, compared with `cluster.existingAddons`."""
    installs = {
        ExistingAddon.CSI_DRIVER_NFS: "nfs" in brings,
        ExistingAddon.DCGM_EXPORTER: any(
            pool["capacity"]["accelerator"] in ACCELERATORS
            and ACCELERATORS[pool["capacity"]["accelerator"]].vendor == "NVIDIA"
            for pool in pools
        ),
    }
    for row, namespace, words in _theirs(snapshot).values():
        if row.addon is None or not installs.get(row.addon, True):
            continue
        if row.addon is ExistingAddon.PROMETHEUS_OPERATOR and words.endswith(f"/{OUR_PROMETHEUS_OPERATOR}"):
            remedy = (
                "its release and its cluster roles have the same names as the platform's; install it under another name"
            )
            yield Advice(f"cluster.existingAddons.{row.addon}", words, remedy, blocks=True, twice=True)
        if row.addon not in found:
            line = (
                f"write `{row.addon}: {namespace}` under cluster.existingAddons: the platform uses it and installs none"
            )
            yield Advice("cluster.existingAddons", words, line, blocks=True, twice=True)
        elif found[row.addon] != namespace:
            line = f"write `{row.addon}: {namespace}`"
            yield Advice(f"cluster.existingAddons.{row.addon}", words, line, blocks=True)


def _ground(snapshot: ClusterSnapshot, brings: Set[str]) -> Iterator[Advice]:
    """Sources of addresses and volumes that the cluster has and that the settings would install too."""
    there = _theirs(snapshot)
    ours = {
        row.what
        for one in [*(snapshot.get("daemon_sets") or []), *(snapshot.get("deployments") or [])]
        if (row := software_of(one)) and one["namespace"] in (snapshot.get("ours") or [])
    }
    if "metallb" in brings and "MetalLB" in there:
        remedy = "remove metallb; the existing MetalLB assigns addresses of its own pools"
        yield Advice("cluster.metallb", there["MetalLB"][2], remedy, blocks=True, twice=True)
    nfs = "CSI driver for NFS"
    if "nfs" in brings and nfs not in there and nfs not in ours and NFS in (snapshot.get("csi_drivers") or []):
        line = (
            f"write `{ExistingAddon.CSI_DRIVER_NFS}: <its namespace>` under cluster.existingAddons: "
            "its classes are made with it"
        )
        yield Advice("cluster.existingAddons", f"CSIDriver {NFS}", line, blocks=True, twice=True)
    local = "local-path provisioner"
    classes = [row for row in snapshot.get("storage_classes") or [] if row["provisioner"] == LOCAL_PATH]
    if "localPath" in brings and local not in ours and (local in there or classes):
        name = classes[0]["name"] if classes else "<name of its class>"
        yield Advice(
            "cluster.localPath",
            there[local][2] if local in there else f"storage class {name}: provisioner {LOCAL_PATH}",
            "remove localPath, and write under storage.declared "
            f"`- {{purpose: standard, className: {name}, provisioner: {LOCAL_PATH}, encryption: <{ENCRYPTED_BY}>}}`",
            blocks=True,
            twice=True,
        )


def _declared(snapshot: ClusterSnapshot, found: Mapping[str, str], sets: Iterable[str]) -> Iterator[Advice]:
    """Software that the settings declare as existing and that is missing, or serves other versions than the platform
    needs.
    """
    for addon, namespace in found.items():
        if namespace not in (snapshot.get("namespaces") or []):
            yield Advice(
                f"cluster.existingAddons.{addon}", f"no namespace {namespace}", "correct it, or remove it", blocks=True
            )
    for name in sorted(sets):
        group, path = CRDS[name].group, f"cluster.existingAddons.{name}" if name in found else "cluster.existingCrds"
        theirs = [crd for crd in snapshot.get("crds") or [] if crd["name"].partition(".")[2] == group]
        served = {version for crd in theirs for version in crd["versions"]}
        needed = {
            version for have, _, version in (one.partition("/") for one in API_VERSIONS.values()) if have == group
        }
        if not theirs:
            yield Advice(path, f"no CRD of {group}", f"remove {name}: the platform installs it", blocks=True)
        elif missing := sorted(needed - served):
            what = f"{group} serves {', '.join(sorted(served)) or 'nothing'}"
            yield Advice(path, what, f"upgrade it: objects of the platform are {', '.join(missing)}", blocks=True)


def _namespaces(snapshot: ClusterSnapshot, made: Collection[str]) -> Iterator[Advice]:
    theirs = {*(snapshot.get("namespaces") or [])} - {*(snapshot.get("ours") or [])}
    for name in sorted(theirs & {*made}):
        yield Advice(
            "namespaces",
            f"namespace {name} is there",
            "the platform would take it over, restrict its traffic, and delete it with its contents: choose another "
            "(monitoring.namespace, gateway.namespace, teams.<team>.namespace), or give it to the platform: "
            f"kubectl label namespace {name} app.kubernetes.io/managed-by=mlplatform",
            blocks=True,
            twice=True,
        )


def _default_classes(snapshot: ClusterSnapshot, ours: str) -> Iterator[Advice]:
    defaults = [row["name"] for row in snapshot.get("storage_classes") or [] if row["is_default"]]
    theirs = [name for name in defaults if name != ours]
    if ours and theirs:
        yield Advice(
            "storage.defaultPurpose",
            f"{', '.join(theirs)} is the default class already; {ours} would be a second default",
            f"declare it under storage.declared with className: {theirs[0]}, or remove its annotation: kubectl "
            f"annotate storageclass {theirs[0]} {DEFAULT_CLASS_ANNOTATION}=false --overwrite",
            blocks=True,
            twice=True,
        )
    if len(defaults) > 1:
        yield Advice(
            "storage.declared", f"two default classes: {', '.join(defaults)}", "remove the annotation from all but one"
        )
    for row in snapshot.get("storage_classes") or []:
        if row["provisioner"] not in PROVISIONERS:
            yield Advice(
                "storage.declared",
                f"class {row['name']}: provisioner {row['provisioner']} is not known here",
                "declare it with accessModes if it is to be used",
            )


def _crds(snapshot: ClusterSnapshot, crd_sets: Sequence[str]) -> Iterator[Advice]:
    running = {row.addon or row.what.lower() for row, _, _ in _theirs(snapshot).values()}
    for name in crd_sets:
        if name in running:
            continue  # reported with the add-on itself
        group = CRDS[name].group
        theirs = [
            crd
            for crd in snapshot.get("crds") or []
            if crd["name"].partition(".")[2] == group and crd["owner"] != PULUMI
        ]
        if not theirs:
            continue
        releases = sorted({crd["bundle"] for crd in theirs if crd["bundle"]})
        owners = sorted({crd["owner"] for crd in theirs if crd["owner"]})
        wanted = CRDS[name].version
        same = [release.removeprefix("v") for release in releases] == [wanted.removeprefix("v")]
        yield Advice(
            "cluster.existingCrds",
            f"{len(theirs)} CRDs of {group} are there"
            f"{', from ' + ', '.join(releases) if releases else ', of unknown release'}"
            f"{', managed by ' + ', '.join(owners) if owners else ''}; ours are {wanted}",
            f"write `- {name}` under cluster.existingCrds: its owner manages it"
            if same or owners
            else f"find their owner, then write `- {name}` under cluster.existingCrds, or remove them",
            blocks=not same,
            twice=True,
        )


def _ways_in(snapshot: ClusterSnapshot, gateway: str) -> Iterator[Advice]:
    envoy = _theirs(snapshot).get("Envoy Gateway")
    if gateway == "envoy" and envoy:
        classes = [
            row["name"]
            for row in snapshot.get("gateway_classes") or []
            if row["controller"] == ENVOY_GATEWAY_CONTROLLER
        ]
        line = f"write `{{implementation: existing, className: {classes[0] if classes else '<its class>'}}}`"
        yield Advice(
            "gateway", envoy[2], f"{line}: two Envoy Gateways would serve the same classes", blocks=True, twice=True
        )
    for row in snapshot.get("gateway_classes") or []:
        if gateway:
            yield Advice(
                "gateway.implementation",
                f"GatewayClass {row['name']} of {row['controller']}",
                f"to use it: implementation: existing, className: {row['name']}",
            )
    for row in snapshot.get("ingress_classes") or []:
        yield Advice(
            "gateway",
            f"IngressClass {row['name']} of {row['controller']}",
            "the platform uses the Gateway API in addition; each needs ports 80 and 443 of a separate load balancer",
        )


def _dra(snapshot: ClusterSnapshot, pools: Sequence[PoolHandle]) -> Iterator[Advice]:
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


METRICS_API = "v1beta1.metrics.k8s.io"
"""API from which HorizontalPodAutoscalers read CPU and memory; metrics-server serves it
(kubernetes-sigs/metrics-server)."""


def _metrics(snapshot: ClusterSnapshot, autoscaled: Sequence[str]) -> Iterator[Advice]:
    """Without metrics, autoscalers do not change the number of replicas."""
    apis = snapshot.get("aggregated_apis")
    if apis is not None and METRICS_API not in apis:
        yield Advice(
            "cluster.metricsServer",
            f"no available APIService {METRICS_API}",
            (f"{', '.join(autoscaled)}: the number of replicas stays as it is; " if autoscaled else "")
            + "install metrics-server, or write metricsServer: false",
            blocks=bool(autoscaled),
        )
