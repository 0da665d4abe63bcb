"""Pods that upstream controllers create for custom resources: no chart renders them, so no chart facts list them.

Read in the controllers' sources, at the versions named; a wildcard there is a wildcard here (`*`).
"""

from collections.abc import Mapping
from typing import NamedTuple


class ControllerPods(NamedTuple):
    """The pods that one controller creates for one kind."""

    kind: str
    """Kind of the custom resource."""
    labels: Mapping[str, str]
    """`{name}` is the name of the custom resource."""
    ports: Mapping[str, int]
    """Container ports by name."""
    source: str
    """Repository, version and files of the source."""

    @property
    def read_at(self) -> tuple[str, str]:
        """Repository and tag of the source."""
        repository, version, *_ = self.source.split()
        return repository, version


CONTROLLER_PODS = (
    ControllerPods(
        "Prometheus",
        {
            "app.kubernetes.io/name": "prometheus",
            "app.kubernetes.io/managed-by": "prometheus-operator",
            "app.kubernetes.io/instance": "{name}",
            "operator.prometheus.io/name": "{name}",
        },
        {"http-web": 9090, "reloader-web": 8080},
        "prometheus-operator/prometheus-operator v0.93.1 pkg/prometheus/server/operator.go",
    ),
    ControllerPods(
        "Alertmanager",
        {
            "app.kubernetes.io/name": "alertmanager",
            "app.kubernetes.io/managed-by": "prometheus-operator",
            "app.kubernetes.io/instance": "{name}",
            "alertmanager": "{name}",
        },
        {"http-web": 9093, "mesh-tcp": 9094, "reloader-web": 8080},
        "prometheus-operator/prometheus-operator v0.93.1 pkg/alertmanager/operator.go, statefulset.go",
    ),
    ControllerPods(
        "Gateway",
        {
            "app.kubernetes.io/name": "envoy",
            "app.kubernetes.io/component": "proxy",
            "app.kubernetes.io/managed-by": "envoy-gateway",
            "gateway.envoyproxy.io/owning-gateway-name": "{name}",
        },
        {"http-80": 10080, "https-443": 10443, "metrics": 19001, "readiness": 19003},
        "envoyproxy/gateway v1.9.1 internal/infrastructure/kubernetes/proxy, internal/xds/bootstrap/bootstrap.go; "
        "listeners below 1024 are shifted by 10000",
    ),
    ControllerPods(
        "ClusterIssuer",
        {"acme.cert-manager.io/http01-solver": "true"},
        {"http": 8089},
        "cert-manager/cert-manager v1.21.2 pkg/apis/acme/v1/types.go, pkg/issuer/acme/http/http.go",
    ),
    ControllerPods(
        "Cluster",
        {"cnpg.io/cluster": "{name}", "cnpg.io/podRole": "instance"},
        {"postgresql": 5432, "status": 8000, "metrics": 9187},
        "cloudnative-pg/cloudnative-pg v1.30.1 pkg/specs/pods.go, pkg/management/url/url.go",
    ),
    ControllerPods(
        "ClusterPolicy",
        {"app": "nvidia-dcgm-exporter"},
        {"metrics": 9400},
        "NVIDIA/gpu-operator v26.7.0 assets/state-dcgm-exporter",
    ),
    ControllerPods(
        "ClusterPolicy",
        # Where each kernel or operating system has a separate DaemonSet, `app` is the name of the DaemonSet.
        {"app": "nvidia-driver-daemonset", "app.kubernetes.io/component": "nvidia-driver"},
        {},
        "NVIDIA/gpu-operator v26.7.0 assets/state-driver, controllers/object_controls.go",
    ),
    *(
        ControllerPods("ClusterPolicy", {"app": app}, {}, f"NVIDIA/gpu-operator v26.7.0 assets/{folder}")
        for folder, app in (
            ("state-container-toolkit", "nvidia-container-toolkit-daemonset"),
            ("state-device-plugin", "nvidia-device-plugin-daemonset"),
            ("gpu-feature-discovery", "gpu-feature-discovery"),
            ("state-mig-manager", "nvidia-mig-manager"),
            ("state-operator-validation", "nvidia-operator-validator"),
        )
    ),
    ControllerPods(
        "ComputeDomain",
        # Its value is the uid of the ComputeDomain; the pods are in the driver's namespace, not in the domain's.
        {"resource.nvidia.com/computeDomain": "{name}"},
        {"imex": 50000},
        "kubernetes-sigs/dra-driver-nvidia-gpu v0.4.1 templates/compute-domain-daemon.tmpl.yaml, "
        "templates/compute-domain-daemon-config.tmpl.cfg",
    ),
)
