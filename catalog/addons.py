"""Add-ons: software of upstream's that the platform installs on a cluster, a row for each.

A row says what is made for an add-on, what brings it, what identifies it on a cluster that exists, and which
connections its pods need. Settings, detection, the tables of connections and the stack read the rows. Charts and CRD
sets, with their versions, are in `catalog.versions`.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import NamedTuple

COMPONENT = "app.kubernetes.io/component"
NAME = "app.kubernetes.io/name"
ENVOY_GATEWAY_CONTROLLER = "gateway.envoyproxy.io/gatewayclass-controller"
"""`controllerName` of the GatewayClasses that it serves (envoyproxy/gateway api/v1alpha1, GatewayControllerName)."""


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


class Webhook(NamedTuple):
    """Where the webhooks of an add-on answer."""

    service: str
    """The Service that the API server calls, in the add-on's namespace; its port is 443."""
    port: int
    """Of the pods behind it."""
    condition: str = ""
    """What an environment must have for it, a key of `flows.CONDITIONS`; empty: the add-on."""


class Pods(NamedTuple):
    """Pods of an add-on that are alike to a network policy."""

    name: str
    """As the table of connections calls them."""
    labels: Mapping[str, str] = {}
    """That upstream's chart gives them; none: all pods of the namespace."""
    calls_api: bool = False
    """Whether they call the API server."""
    webhook: Webhook | None = None
    """That they answer for."""


class Addon(NamedTuple):
    """One add-on."""

    title: str
    """As messages call it."""
    namespace: str = ""
    """That is made for it, unless settings choose another; empty: the component that brings it says where."""
    everywhere: bool = False
    """Whether its namespace is kept for it in every environment; else only where something brings it."""
    setting: str = ""
    """Key of `cluster` that brings it."""
    image: str = ""
    """Pattern of the image that identifies it on a cluster; a copy in another registry keeps the last part of the
    name. Empty: nothing looks for it."""
    offers: str = ""
    """Prefix of the extended resources that it offers."""
    metrics_port: int = 0
    """Of its pods; 0: Prometheus reads none."""
    pods: tuple[Pods, ...] = ()
    resource: str = ""
    """Name of its component in the stack, where it is not that of the add-on."""
    after: tuple[str, ...] = ()
    """Add-ons that are declared before it. None: it waits for the nodes."""
    for_devices: bool = False
    """Whether only pools with devices bring it: `accelerator_nodes.accelerator_charts` says which."""
    sees_nodes: bool = False
    """Whether it is of no use where nodes are the cloud's alone, which brings such software itself."""


ADDONS: dict[str, Addon] = {
    "gpu-operator": Addon(
        "GPU Operator",
        "gpu-operator",
        image=r"/gpu-operator(-validator)?[:@]",
        pods=(
            Pods("the GPU Operator", calls_api=True),
            Pods("the GPU Operator's drivers", {COMPONENT: "nvidia-driver"}),
        ),
        after=("node-feature-discovery",),
        for_devices=True,
        sees_nodes=True,
    ),
    "nvidia-device-plugin": Addon(
        "NVIDIA device plugin",
        "nvidia-device-plugin",
        everywhere=True,
        image=r"(?<!rocm)/k8s-device-plugin[:@]",  # rocm/k8s-device-plugin is AMD's
        offers="nvidia.com/",
        pods=(Pods("NVIDIA's device plugin", calls_api=True),),
        resource="device-plugin",
        after=("node-feature-discovery",),
        for_devices=True,
        sees_nodes=True,
    ),
    "dra-driver-nvidia-gpu": Addon(
        "NVIDIA DRA driver",
        "dra-driver-nvidia-gpu",
        image=r"/(k8s-dra-driver-gpu|dra-driver-nvidia-gpu)[:@]",
        metrics_port=8080,
        pods=(Pods("NVIDIA's DRA driver", calls_api=True),),
        resource="dra-driver",
        after=("node-feature-discovery",),
        for_devices=True,
        sees_nodes=True,
    ),
    "dcgm-exporter": Addon(
        "DCGM exporter",
        "dcgm-exporter",
        everywhere=True,
        image=r"/dcgm-exporter[:@]",
        metrics_port=9400,
        pods=(Pods("DCGM exporter", calls_api=True),),
        after=("node-feature-discovery",),
        for_devices=True,
        sees_nodes=True,
    ),
    "aws-efa-k8s-device-plugin": Addon(
        "EFA device plugin",
        "efa-device-plugin",
        resource="efa-device-plugin",
        after=("node-feature-discovery",),
        for_devices=True,
        sees_nodes=True,
    ),
    "node-feature-discovery": Addon(
        "Node Feature Discovery",
        "node-feature-discovery",
        everywhere=True,
        image=r"/node-feature-discovery[:@]",
        metrics_port=8080,
        pods=(Pods("Node Feature Discovery", calls_api=True),),
        sees_nodes=True,
    ),
    "cert-manager": Addon(
        "cert-manager",
        "cert-manager",
        everywhere=True,
        image=r"/cert-manager-controller[:@]",
        metrics_port=9402,
        pods=(
            Pods("cert-manager", calls_api=True),
            Pods("cert-manager's controller", {COMPONENT: "controller"}),
            Pods("cert-manager's webhook", {COMPONENT: "webhook"}, webhook=Webhook("cert-manager-webhook", 10250)),
        ),
    ),
    "cloudnative-pg": Addon(
        "CloudNativePG",
        "cnpg-system",
        everywhere=True,
        image=r"/cloudnative-pg[:@]",
        metrics_port=8080,
        pods=(
            Pods(
                "CloudNativePG",
                {NAME: "cloudnative-pg"},
                calls_api=True,
                webhook=Webhook("cnpg-webhook-service", 9443),
            ),
        ),
    ),
    "csi-driver-nfs": Addon("CSI driver for NFS", "csi-driver-nfs", setting="nfs", image=r"/nfsplugin[:@]"),
    "kserve": Addon(
        "KServe",
        "kserve",
        everywhere=True,
        image=r"/kserve-controller[:@]",
        metrics_port=8443,
        pods=(
            Pods(
                "KServe's controller",
                {"control-plane": "kserve-controller-manager"},
                calls_api=True,
                webhook=Webhook("kserve-webhook-server-service", 9443),
            ),
        ),
    ),
    "node-exporter": Addon("node-exporter", image=r"/node-exporter[:@]", metrics_port=9100),
    "prometheus-operator": Addon(
        "Prometheus Operator",
        "monitoring",
        image=r"/prometheus-operator[:@]",
        metrics_port=10250,
        pods=(
            Pods("monitoring", calls_api=True),
            Pods("Prometheus", {NAME: "prometheus"}),
            Pods("Alertmanager", {NAME: "alertmanager"}),
            Pods("Grafana", {NAME: "grafana"}),
            Pods(
                "the Prometheus operator",
                {"app": "kube-prometheus-stack-operator"},
                webhook=Webhook("kube-prometheus-stack-operator", 10250, "rule-webhook"),
            ),
        ),
    ),
    "envoy-gateway": Addon(
        "Envoy Gateway",
        "gateway",
        image=r"envoyproxy/gateway[:@]",
        pods=(
            Pods("Envoy Gateway", {"control-plane": "envoy-gateway"}, calls_api=True),
            Pods("the gateway's proxies", {COMPONENT: "proxy"}),
            Pods("ACME solvers", {"acme.cert-manager.io/http01-solver": "true"}),
        ),
    ),
    "external-dns": Addon(
        "external-dns", "external-dns", metrics_port=7979, pods=(Pods("external-dns", calls_api=True),)
    ),
    "metallb": Addon(
        "MetalLB",
        "metallb-system",
        setting="metallb",
        image=r"metallb/(controller|speaker)[:@]",
        metrics_port=9120,
        pods=(
            Pods(
                "MetalLB's controller",
                {COMPONENT: "controller"},
                calls_api=True,
                webhook=Webhook("metallb-webhook-service", 9443),
            ),
        ),
    ),
    "local-path-provisioner": Addon(
        "local-path provisioner",
        "local-path-storage",
        setting="localPath",
        image=r"/local-path-provisioner[:@]",
        pods=(Pods("the local-path provisioner", calls_api=True),),
    ),
    "cluster-autoscaler": Addon(
        "Cluster Autoscaler",
        "cluster-autoscaler",
        metrics_port=8085,
        pods=(Pods("Cluster Autoscaler", calls_api=True),),
    ),
    "karpenter": Addon(
        "Karpenter", "karpenter", metrics_port=8080, pods=(Pods("Karpenter", {NAME: "karpenter"}, calls_api=True),)
    ),
}
"""By the name of `cluster.existingAddons`, of the chart, or of the component. Labels, ports and Services are those of
the charts at the versions of `catalog.versions`; `tests/components/base/test_flows.py` and
`tests/components/base/test_gke_firewall.py` compare them with the charts' facts."""


def namespaces_of(brought: Collection[str], existing: Collection[str]) -> dict[str, str]:
    """Namespace that the platform makes -> add-on. `brought`: those that something brings; `existing`: those that the
    cluster has already."""
    return {
        row.namespace: name
        for name, row in ADDONS.items()
        if row.namespace and name not in existing and (row.everywhere or name in brought)
    }
