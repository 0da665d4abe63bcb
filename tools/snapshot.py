"""The facts about a cluster, from the answers to `kubectl get`. `tools.detect` asks; nothing here changes anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from components.base.labels import MANAGED_BY, MANAGED_BY_LABEL
from components.capacity.placement import Taint
from components.clouds.existing.inspection import (
    PULUMI,
    ClusterSnapshot,
    ControllerClassFacts,
    InstalledCrd,
    NodeFacts,
    StorageClassFacts,
    WorkloadFacts,
    software_of,
)
from components.clouds.existing.network import (
    CILIUM_KEYS,
    NODE_LOCAL_DNS,
    VPC_CNI_SWITCH,
    NetworkAgentFacts,
    NetworkFacts,
    cnis_of,
)
from components.storage.plan import DEFAULT_CLASS_ANNOTATION

SERVICE_LABEL, API_SERVICE = "kubernetes.io/service-name", "kubernetes"
"""The API server keeps the EndpointSlice of its own Service."""
Object = Mapping[str, Any]
Ask = Callable[[str], Sequence[Object]]
"""Kind of object, as kubectl names it -> the objects; empty where the cluster does not know the kind. `kind/namespace`:
those of one namespace; empty where they may not be read either."""


def read_snapshot(version: str, ask: Ask) -> ClusterSnapshot:
    """The facts about a cluster. Pure but for what `ask` does."""
    namespaces = ask("namespaces")
    return ClusterSnapshot(
        version=version,
        nodes=[_node(one) for one in ask("nodes")],
        storage_classes=[_storage_class(one) for one in ask("storageclasses.storage.k8s.io")],
        ingress_classes=[_class(one, "controller") for one in ask("ingressclasses.networking.k8s.io")],
        gateway_classes=[_class(one, "controllerName") for one in ask("gatewayclasses.gateway.networking.k8s.io")],
        crds=[_crd(one) for one in ask("customresourcedefinitions.apiextensions.k8s.io")],
        daemon_sets=_known(ask("daemonsets.apps")),
        deployments=_known(ask("deployments.apps")),
        aggregated_apis=[one["metadata"]["name"] for one in ask("apiservices.apiregistration.k8s.io") if _answers(one)],
        csi_drivers=[one["metadata"]["name"] for one in ask("csidrivers.storage.k8s.io")],
        namespaces=[one["metadata"]["name"] for one in namespaces],
        ours=[one["metadata"]["name"] for one in namespaces if _labels(one).get(MANAGED_BY_LABEL) == MANAGED_BY],
    )


def read_network(ask: Ask) -> NetworkFacts:
    """The facts about a cluster's network. Pure but for what `ask` does."""
    agents = [_agent(one) for one in ask("daemonsets.apps")]
    configuration = {one["metadata"]["name"]: one.get("data") or {} for one in ask("configmaps/kube-system")}
    services = {one["metadata"]["name"]: one["spec"] for one in ask("services/kube-system")}
    cilium = configuration.get("cilium-config") or {}
    own = [
        one for one in ask("endpointslices.discovery.k8s.io/default") if _labels(one).get(SERVICE_LABEL) == API_SERVICE
    ]
    facts = NetworkFacts(
        agents=agents,
        cilium={key: str(cilium[key]) for key in CILIUM_KEYS if key in cilium},
        dns_service=str((services.get("kube-dns") or {}).get("clusterIP") or ""),
        api_server_ports=sorted(
            {int(port["port"]) for one in own for port in one.get("ports") or [] if port.get("port")}
        ),
        api_server_addresses=sorted(
            {
                str(address)
                for one in own
                for endpoint in one.get("endpoints") or []
                for address in endpoint["addresses"]
            }
        ),
        node_addresses=[
            str(address["address"])
            for node in ask("nodes")
            for address in node["status"].get("addresses") or []
            if address["type"] == "InternalIP"
        ],
    )
    known = [one for one in agents if one["name"] == NODE_LOCAL_DNS or cnis_of({**facts, "agents": [one]})]
    return {**facts, "agents": known}


def _agent(one: Object) -> NetworkAgentFacts:
    spec = one["spec"]["template"]["spec"]
    arguments = [str(text) for container in spec["containers"] for text in container.get("args") or []]
    return NetworkAgentFacts(
        name=one["metadata"]["name"],
        images=[container["image"] for container in spec["containers"]],
        arguments=[text for text in arguments if text == VPC_CNI_SWITCH],
        host_network=bool(spec.get("hostNetwork")),
    )


def _labels(one: Object) -> dict[str, str]:
    return dict(one["metadata"].get("labels") or {})


def _annotations(one: Object) -> dict[str, str]:
    return dict(one["metadata"].get("annotations") or {})


def _answers(api: Object) -> bool:
    """Whether an APIService has a Service behind it that is available."""
    conditions = (api.get("status") or {}).get("conditions") or []
    available = any(one["type"] == "Available" and one["status"] == "True" for one in conditions)
    return available and bool(api["spec"].get("service"))


def _node(one: Object) -> NodeFacts:
    taints = one["spec"].get("taints") or []
    return NodeFacts(
        name=one["metadata"]["name"],
        labels=_labels(one),
        taints=[Taint(key=t["key"], value=t.get("value") or "", effect=t["effect"]) for t in taints],
        allocatable={key: str(value) for key, value in (one["status"].get("allocatable") or {}).items()},
    )


def _storage_class(one: Object) -> StorageClassFacts:
    default = _annotations(one).get(DEFAULT_CLASS_ANNOTATION) == "true"
    return StorageClassFacts(name=one["metadata"]["name"], provisioner=one["provisioner"], is_default=default)


def _class(one: Object, key: str) -> ControllerClassFacts:
    return ControllerClassFacts(name=one["metadata"]["name"], controller=str((one.get("spec") or {}).get(key) or ""))


def _crd(one: Object) -> InstalledCrd:
    labels, annotations = _labels(one), _annotations(one)
    release = (
        annotations.get("gateway.networking.k8s.io/bundle-version")
        or annotations.get("operator.prometheus.io/version")
        or labels.get("app.kubernetes.io/version")
        or ""
    )
    managers = {str(entry.get("manager")) for entry in one["metadata"].get("managedFields") or []}
    if any(manager.startswith("pulumi-kubernetes") for manager in managers):
        owner = PULUMI
    elif "meta.helm.sh/release-name" in annotations:
        owner = f"Helm release {annotations['meta.helm.sh/release-name']}"
    else:
        owner = "OLM" if "olm.managed" in labels else labels.get(MANAGED_BY, "")
    return InstalledCrd(
        name=one["metadata"]["name"],
        versions=[version["name"] for version in one["spec"]["versions"] if version["served"]],
        bundle=release,
        owner=owner,
    )


def _known(workloads: Sequence[Object]) -> list[WorkloadFacts]:
    return [found for one in workloads if software_of(found := _workload(one)) is not None]


def _workload(one: Object) -> WorkloadFacts:
    spec = one["spec"]["template"]["spec"]
    containers = [*(spec.get("initContainers") or []), *spec["containers"]]
    images = [container["image"] for container in containers]
    # The main container says what a DaemonSet is; the operator's init containers run its own image in all of them.
    return WorkloadFacts(
        namespace=one["metadata"]["namespace"],
        name=one["metadata"]["name"],
        images=[*(container["image"] for container in spec["containers"]), *images[: -len(spec["containers"])]],
    )
