"""All advice for an existing cluster: what to declare, install or remove before the platform is deployed. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from catalog.addons import ENVOY_GATEWAY_CONTROLLER, ExistingAddon
from components.capacity.placement import PoolHandle
from components.clouds.existing.addon_advice import addon_advice, crd_advice, declared_advice, source_advice
from components.clouds.existing.advice import Advice
from components.clouds.existing.device_advice import device_advice, dra_advice, pool_advice
from components.clouds.existing.inspection import (
    ClusterSnapshot,
    _theirs,
    left_out,
)
from components.storage.plan import DEFAULT_CLASS_ANNOTATION, PROVISIONERS


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
        *pool_advice(snapshot, pools),
        *device_advice(snapshot, pools),
        *(addon_advice(snapshot, pools, found, brings) if found is not None else ()),
        *source_advice(snapshot, {*brings} - ({"nfs"} if ExistingAddon.CSI_DRIVER_NFS in (found or {}) else set())),
        *declared_advice(snapshot, found or {}, declared),
        *_namespaces(snapshot, namespaces),
        *_default_classes(snapshot, default_class),
        *crd_advice(snapshot, sorted({*crd_sets} - declared)),
        *_ways_in(snapshot, gateway),
        *dra_advice(snapshot, pools),
        *_metrics(snapshot, autoscaled),
    ]


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
