"""What a cluster that somebody else made has already: read into facts, compared with what was declared.

Pure: the facts come from `python -m tools detect`, which asks the cluster, or from a test. Nothing that is there is
installed a second time, and nothing here changes a cluster.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from enum import StrEnum
from typing import Any, NamedTuple, Required, TypedDict

from catalog.accelerators import ACCELERATORS, Accelerator, ClusterKind, DeviceAllocation, Owner
from catalog.versions import API_VERSIONS, CRDS
from components.capacity.placement import POOL_LABEL, Capacity, PoolHandle, Taint
from components.storage.plan import DEFAULT_CLASS_ANNOTATION, PROVISIONERS, Encryption


class ExistingAddon(StrEnum):
    """What a cluster can have already that the platform would install otherwise."""

    CERT_MANAGER = "cert-manager"
    """Our issuers and our CA are declared with it."""
    CLOUDNATIVE_PG = "cloudnative-pg"
    """It runs our databases."""
    CSI_DRIVER_NFS = "csi-driver-nfs"
    """The classes of `nfs` are declared with it."""
    DCGM_EXPORTER = "dcgm-exporter"
    """Our Prometheus scrapes what its monitor names."""
    KSERVE = "kserve"
    """It stays its owner's, with its gateway and its runtimes: the platform then serves models with modelServers."""
    NODE_EXPORTER = "node-exporter"
    """Our Prometheus scrapes what its monitor names."""
    NODE_FEATURE_DISCOVERY = "node-feature-discovery"
    """Device plugins and the GPU Operator go by its labels."""
    PROMETHEUS_OPERATOR = "prometheus-operator"
    """It runs our Prometheus and our Alertmanager; it must watch every namespace."""


def left_out(found: Iterable[str], existing_crds: Iterable[str]) -> frozenset[str]:
    """The sets of `versions.CRDS` that stay with whoever installed them: those of add-ons, and those by themselves."""
    return frozenset({*found, *existing_crds} & CRDS.keys())


class NodeFacts(TypedDict):
    """One node."""

    name: str
    """Its name."""
    labels: dict[str, str]
    """Its labels."""
    taints: list[Taint]
    """Its taints."""
    allocatable: dict[str, str]
    """What pods can have of it: resource name -> quantity."""


class StorageClassFacts(TypedDict):
    """One storage class."""

    name: str
    """Its name."""
    provisioner: str
    """Who makes its volumes."""
    is_default: bool
    """Whether claims that name no class get it."""


class ControllerClassFacts(TypedDict):
    """One IngressClass or GatewayClass."""

    name: str
    """Its name."""
    controller: str
    """Who serves it."""


class CrdFacts(TypedDict):
    """One custom resource definition."""

    name: str
    """`plural.group`."""
    versions: list[str]
    """API versions that are served."""
    bundle: str
    """The release it is from, where an annotation or a label says so; else empty."""
    owner: str
    """Who manages it, where labels say so (Helm release, OLM, mlplatform); else empty."""


class WorkloadFacts(TypedDict):
    """One DaemonSet or Deployment of software that the platform knows."""

    namespace: str
    """Its namespace."""
    name: str
    """Its name."""
    images: list[str]
    """Images of its containers."""


class ClusterSnapshot(TypedDict, total=False):
    """The facts about a cluster at one moment."""

    version: Required[str]
    """Kubernetes version, `v1.35.2`."""
    nodes: Required[list[NodeFacts]]
    """All nodes."""
    storage_classes: list[StorageClassFacts]
    """All storage classes."""
    ingress_classes: list[ControllerClassFacts]
    """All IngressClasses."""
    gateway_classes: list[ControllerClassFacts]
    """All GatewayClasses; none where the Gateway API is not installed."""
    crds: list[CrdFacts]
    """Custom resource definitions."""
    daemon_sets: list[WorkloadFacts]
    """Those of `SOFTWARE`."""
    deployments: list[WorkloadFacts]
    """Those of `SOFTWARE`."""
    csi_drivers: list[str]
    """Names of drivers for volumes."""
    aggregated_apis: list[str]
    """APIServices with a Service behind them that is available, `v1beta1.metrics.k8s.io`; missing: not read."""
    namespaces: list[str]
    """All namespaces."""
    ours: list[str]
    """Those of them that the platform made, by their label: what runs there is no clash with it."""


class Software(NamedTuple):
    """Software that a cluster may have already, by the image that it runs."""

    what: str
    image: re.Pattern[str]
    resource_prefix: str = ""
    """What it offers; empty: nothing."""
    addon: ExistingAddon | None = None
    """As `cluster.existingAddons` calls it; None: other settings say what is made of it."""


SOFTWARE: tuple[Software, ...] = (
    Software("GPU Operator", re.compile(r"/gpu-operator(-validator)?[:@]")),
    Software("NVIDIA device plugin", re.compile(r"/k8s-device-plugin[:@]"), "nvidia.com/"),
    Software("GKE device plugin", re.compile(r"nvidia-gpu-device-plugin|/device-plugin-gke"), "nvidia.com/"),
    Software("NVIDIA DRA driver", re.compile(r"/(k8s-dra-driver-gpu|dra-driver-nvidia-gpu)[:@]")),
    Software("NVIDIA driver", re.compile(r"nvidia/driver[:@]|/nvidia-driver[:@]")),
    Software("DCGM exporter", re.compile(r"/dcgm-exporter[:@]"), addon=ExistingAddon.DCGM_EXPORTER),
    Software(
        "Node Feature Discovery",
        re.compile(r"/node-feature-discovery[:@]"),
        addon=ExistingAddon.NODE_FEATURE_DISCOVERY,
    ),
    Software("AMD device plugin", re.compile(r"rocm/k8s-device-plugin[:@](?!labeller)"), "amd.com/"),
    Software("Neuron device plugin", re.compile(r"/neuron-device-plugin[:@]"), "aws.amazon.com/"),
    Software("cert-manager", re.compile(r"/cert-manager-controller[:@]"), addon=ExistingAddon.CERT_MANAGER),
    Software("CloudNativePG", re.compile(r"/cloudnative-pg[:@]"), addon=ExistingAddon.CLOUDNATIVE_PG),
    Software("CSI driver for NFS", re.compile(r"/nfsplugin[:@]"), addon=ExistingAddon.CSI_DRIVER_NFS),
    Software("KServe", re.compile(r"/kserve-controller[:@]"), addon=ExistingAddon.KSERVE),
    Software("node-exporter", re.compile(r"/node-exporter[:@]"), addon=ExistingAddon.NODE_EXPORTER),
    Software("Prometheus Operator", re.compile(r"/prometheus-operator[:@]"), addon=ExistingAddon.PROMETHEUS_OPERATOR),
    Software("Envoy Gateway", re.compile(r"envoyproxy/gateway[:@]")),
    Software("MetalLB", re.compile(r"metallb/(controller|speaker)[:@]")),
    Software("local-path provisioner", re.compile(r"/local-path-provisioner[:@]")),
)
"""By image: names are whatever an installer chose. `rocm/k8s-device-plugin` is AMD's, not NVIDIA's. As upstream's
charts name them: a copy in a registry of one's own keeps the last part."""


class Advice(NamedTuple):
    """One thing to know, and what to do about it."""

    path: str
    """Where in `mlplatform:cluster` and its neighbours it belongs."""
    found: str
    advice: str
    blocks: bool = False
    """Whether `up` would clash with what is there, or wait for ever."""
    twice: bool = False
    """Whether `up` would install what is there already."""


def software_of(workload: WorkloadFacts) -> Software | None:
    """What a DaemonSet or Deployment is, by its images; None: nothing that the platform knows."""
    for image in workload["images"]:
        for row in SOFTWARE:
            if row.image.search(image) and not (row.what == "NVIDIA device plugin" and "rocm/" in image):
                return row
    return None


def devices_of(node: NodeFacts) -> dict[str, int]:
    """Extended resource name -> how many that node offers, without hugepages and the like."""
    return {
        name: int(amount)
        for name, amount in node["allocatable"].items()
        if "/" in name and not name.startswith("kubernetes.io/") and amount.isdigit() and int(amount) > 0
    }


def accelerator_on(node: NodeFacts) -> Accelerator | None:
    """The accelerator of the catalogue whose labels that node carries."""
    fitting = [
        row
        for row in ACCELERATORS.values()
        if any(
            row.node_labels[kind].items() <= node["labels"].items() and row.node_labels[kind] for kind in ClusterKind
        )
    ]
    return fitting[0] if fitting else None


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
    """Everything about this cluster that the declaration should know.

    `default_class`: the class that we would make the default; empty: none. `crd_sets`: what the declaration needs,
    whoever installs it. `gateway`: the implementation that we would install, `envoy`; empty: none. `found`,
    `existing_crds`: as `mlplatform:cluster` declares them; `found` None: nothing is declared yet, no add-on is a clash.
    `brings`: which of `metallb`, `nfs` and `localPath` it has. `namespaces`: those that we would make.
    `autoscaled`: paths of workloads whose replicas follow their load.
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
                "raise nodesMax: quotas are reckoned with it",
            )
        for node in labelled:
            yield from _node(path, node, pool)


def _node(path: str, node: NodeFacts, pool: PoolHandle) -> Iterator[Advice]:
    for key, value in pool["placement"]["node_selector"].items():
        if node["labels"].get(key) != value:
            found = node["labels"].get(key)
            yield Advice(
                path,
                f"node {node['name']}: label {key} is {found or 'missing'}, pods of the pool look for {value}",
                "correct accelerator"
                if found
                else f"feature discovery writes it; without it: kubectl label node {node['name']} {key}={value}",
                blocks=True,
            )
    there = {(taint["key"], taint["effect"]) for taint in node["taints"]}
    tolerated = {(toleration["key"], toleration["effect"]) for toleration in pool["placement"]["tolerations"]}
    for key, effect in sorted(tolerated - there):
        yield Advice(
            f"{path}.taints",
            f"node {node['name']} has no taint {key}:{effect}",
            f"kubectl taint node {node['name']} {key}=present:{effect} keeps pods away that need no device",
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
                "correct devicesPerNode or sharing: quotas are reckoned with them",
                blocks=name not in offered,
            )


class Clash(NamedTuple):
    """What a pool may not say while some software is there already."""

    field: str
    is_declared: Callable[[PoolHandle], bool]
    advice: str


CLASHES: dict[str, Clash] = {
    "GPU Operator": Clash(
        "devicePlugin",
        lambda pool: Owner.OPERATOR in (pool["software"]["driver"], pool["software"]["device_plugin"]),
        "write driver: found and devicePlugin: found: the operator is there, and brings both",
    ),
    "NVIDIA driver": Clash("driver", lambda pool: pool["software"]["driver"] == Owner.OPERATOR, "write driver: found"),
    "NVIDIA DRA driver": Clash(
        "devicePlugin",
        lambda pool: (
            pool["software"]["device_allocation"] == DeviceAllocation.DRA
            and pool["software"]["device_plugin"] != Owner.FOUND
        ),
        "write devicePlugin: found: the DRA driver is there",
    ),
    **{
        row.what: Clash(
            "devicePlugin",
            lambda pool, prefix=row.resource_prefix: (  # type: ignore[misc]
                pool["software"]["device_plugin"] != Owner.FOUND
                and any(name.startswith(prefix) for name in pool["capacity"]["units_per_node"])
            ),
            "write devicePlugin: found, or remove the one that is there: two offer every device twice",
        )
        for row in SOFTWARE
        if row.resource_prefix
    },
}
"""By what is there."""


def _theirs(snapshot: ClusterSnapshot) -> dict[str, tuple[Software, str, str]]:
    """What runs there and is not ours: by name, with the namespace that it is in, and in words."""
    there: dict[str, tuple[Software, str, str]] = {}
    for kind, workloads in (
        ("DaemonSet", snapshot.get("daemon_sets") or []),
        ("Deployment", snapshot.get("deployments") or []),
    ):
        for one in workloads:
            row = software_of(one)
            if row and one["namespace"] not in (snapshot.get("ours") or []):
                words = f"{row.what}: {kind} {one['namespace']}/{one['name']}"
                there.setdefault(row.what, (row, one["namespace"], words))
    return there


def _device_software(snapshot: ClusterSnapshot, pools: Sequence[PoolHandle]) -> Iterator[Advice]:
    for what, (_, _, words) in _theirs(snapshot).items():
        clash = CLASHES.get(what)
        for pool in pools if clash else []:
            if clash and clash.is_declared(pool):
                path = f"cluster.pools.{pool['capacity']['pool']}.{clash.field}"
                yield Advice(path, words, clash.advice, blocks=True, twice=True)


OUR_PROMETHEUS_OPERATOR = "kube-prometheus-stack-operator"
"""What our release of that chart would call it; all names of a release start alike."""


def _addons(
    snapshot: ClusterSnapshot, pools: Sequence[PoolHandle], found: Mapping[str, str], brings: Sequence[str]
) -> Iterator[Advice]:
    """Add-ons that run there, and what `cluster.existingAddons` says of them."""
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
            remedy = "its release has the name of ours, and so have its cluster roles: install it under another name"
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
    """What a cluster without a cloud may have for addresses and volumes, where the settings bring it as well."""
    there = _theirs(snapshot)
    ours = {
        row.what
        for one in [*(snapshot.get("daemon_sets") or []), *(snapshot.get("deployments") or [])]
        if (row := software_of(one)) and one["namespace"] in (snapshot.get("ours") or [])
    }
    if "metallb" in brings and "MetalLB" in there:
        remedy = "remove metallb: the one that is there gives out addresses of its own pools"
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
    """What is said to be there and is not, or is not as our objects need it."""
    for addon, namespace in found.items():
        if namespace not in (snapshot.get("namespaces") or []):
            yield Advice(
                f"cluster.existingAddons.{addon}", f"no namespace {namespace}", "correct it, or remove it", blocks=True
            )
    for name in sorted(sets):
        group, path = GROUP_OF_SET[name], f"cluster.existingAddons.{name}" if name in found else "cluster.existingCrds"
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
            "the platform would take it over, close it, and delete it with all that is in it: choose another "
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
            f"{', '.join(theirs)} is the default class already, and {ours} would be a second one",
            f"declare it under storage.declared with className: {theirs[0]}, or take its mark away: kubectl annotate "
            f"storageclass {theirs[0]} {DEFAULT_CLASS_ANNOTATION}=false --overwrite",
            blocks=True,
            twice=True,
        )
    if len(defaults) > 1:
        yield Advice("storage.declared", f"two default classes: {', '.join(defaults)}", "leave the mark on one of them")
    for row in snapshot.get("storage_classes") or []:
        if row["provisioner"] not in PROVISIONERS:
            yield Advice(
                "storage.declared",
                f"class {row['name']}: provisioner {row['provisioner']} is not known here",
                "declare it with accessModes if it is to be used",
            )


NFS, LOCAL_PATH = "nfs.csi.k8s.io", "rancher.io/local-path"
"""Provisioners that the platform can bring (keys of `stores.PROVISIONERS`)."""

ENCRYPTED_BY = f"{', '.join([*Encryption][:-1])} or {[*Encryption][-1]}"

PULUMI = "pulumi"
"""Owner of a CRD that a stack put there, ours most likely: by the field manager of its fields."""

GROUP_OF_SET = {
    "cert-manager": "cert-manager.io",
    "cloudnative-pg": "postgresql.cnpg.io",
    "dra-driver-nvidia-gpu": "resource.nvidia.com",
    "envoy-gateway": "gateway.envoyproxy.io",
    "gateway-api": "gateway.networking.k8s.io",
    "gpu-operator": "nvidia.com",
    "karpenter": "karpenter.sh",
    "kserve": "serving.kserve.io",
    "metallb": "metallb.io",
    "node-feature-discovery": "nfd.k8s-sigs.io",
    "prometheus-operator": "monitoring.coreos.com",
}
"""The API group by which a set of CRDs is recognised."""


def _crds(snapshot: ClusterSnapshot, crd_sets: Sequence[str]) -> Iterator[Advice]:
    running = {row.addon or row.what.lower() for row, _, _ in _theirs(snapshot).values()}
    for name in crd_sets:
        if name in running:
            continue  # said of the add-on itself
        group = GROUP_OF_SET[name]
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
            f"write `- {name}` under cluster.existingCrds: whoever installed it keeps it"
            if same or owners
            else f"find out who keeps them: write `- {name}` under cluster.existingCrds, or remove them",
            blocks=not same,
            twice=True,
        )


ENVOY_GATEWAY = "gateway.envoyproxy.io/gatewayclass-controller"
"""Who serves its classes (`components.addons.envoy_gateway.CONTROLLER`)."""


def _ways_in(snapshot: ClusterSnapshot, gateway: str) -> Iterator[Advice]:
    envoy = _theirs(snapshot).get("Envoy Gateway")
    if gateway == "envoy" and envoy:
        classes = [row["name"] for row in snapshot.get("gateway_classes") or [] if row["controller"] == ENVOY_GATEWAY]
        line = f"write `{{implementation: existing, className: {classes[0] if classes else '<its class>'}}}`"
        yield Advice("gateway", envoy[2], f"{line}: two of it serve the same classes", blocks=True, twice=True)
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
            "the platform uses the Gateway API beside it; both want ports 80 and 443 of a load balancer of their own",
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
                    "is there",
                    blocks=True,
                )


METRICS_API = "v1beta1.metrics.k8s.io"
"""What a HorizontalPodAutoscaler asks for CPU and memory; metrics-server brings it (kubernetes-sigs/metrics-server)."""


def _metrics(snapshot: ClusterSnapshot, autoscaled: Sequence[str]) -> Iterator[Advice]:
    """Autoscalers without metrics keep the number of replicas that they found."""
    apis = snapshot.get("aggregated_apis")
    if apis is not None and METRICS_API not in apis:
        yield Advice(
            "cluster.metricsServer",
            f"no available APIService {METRICS_API}",
            (f"{', '.join(autoscaled)}: the number of replicas stays as it is; " if autoscaled else "")
            + "install metrics-server, or write metricsServer: false",
            blocks=bool(autoscaled),
        )


class SuggestedPool(NamedTuple):
    """A pool that the nodes of a cluster look like."""

    name: str
    nodes: tuple[str, ...]
    settings: Mapping[str, Any]
    """As `mlplatform:cluster` writes it."""
    commands: tuple[str, ...]


def suggested_pools(snapshot: ClusterSnapshot) -> list[SuggestedPool]:
    """Pools for nodes that look alike: same accelerator, same number of devices, same taints."""
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
    """Whether a device plugin that is there offers it already."""
    rows = [software_of(daemon_set) for daemon_set in snapshot.get("daemon_sets") or []]
    return any(row and row.resource_prefix and resource.startswith(row.resource_prefix) for row in rows)


def suggested_existing(snapshot: ClusterSnapshot) -> tuple[dict[str, str], list[str]]:
    """`cluster.existingAddons` and `cluster.existingCrds` for what is there of that which every platform has."""
    theirs = _theirs(snapshot).values()
    watched = any(pool.settings.get("devicePlugin") for pool in suggested_pools(snapshot))
    wanted = (
        {*ExistingAddon} - {ExistingAddon.CSI_DRIVER_NFS} - ({ExistingAddon.DCGM_EXPORTER} if not watched else set())
    )
    found = {row.addon.value: namespace for row, namespace, _ in theirs if row.addon in wanted and row.addon}
    groups = {crd["name"].partition(".")[2] for crd in snapshot.get("crds") or [] if crd["owner"] != PULUMI}
    everywhere = [name for name, row in CRDS.items() if row.everywhere and GROUP_OF_SET[name] in groups]
    return dict(sorted(found.items())), sorted({*everywhere} - left_out(found, ()))


def suggested_classes(snapshot: ClusterSnapshot) -> list[dict[str, Any]]:
    """Entries of `storage.declared` for the classes that are there: the default one first, one for each purpose."""
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
