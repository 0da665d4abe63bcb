"""Envoy Gateway: the implementation of the Gateway API that the platform installs by default.

Control plane and proxies authenticate each other with certificates. Upstream's chart creates these in a Helm hook,
which Pulumi does not run; cert-manager issues and renews them instead, from a dedicated CA. The hook also creates a
Secret for OIDC cookies and Wasm paths, which is missing: OIDC policies and Wasm filters do not work.
"""

from typing import Any, Required, TypedDict

from pulumi import Output, Resource, ResourceOptions

from catalog.addons import ENVOY_GATEWAY_CONTROLLER
from components.base.chart_source import ChartSource
from components.base.charts import AddonChart
from components.base.component import Component
from components.base.custom_resources import custom_resource
from components.base.names import check_object_name
from components.base.pods import spread
from components.findings import refuse

CONTROL_PLANE_PODS = {"control-plane": "envoy-gateway"}
PROXY_PODS = {"app.kubernetes.io/component": "proxy", "app.kubernetes.io/managed-by": "envoy-gateway"}
XDS_PORT = 18000
METRICS_PORT = 19001
"""Label of both control plane and proxies."""
PORT_SHIFT = 10000
"""Offset that proxies add to privileged ports of the gateway (envoyproxy/gateway v1.9.1 internal/gatewayapi)."""

CA = "envoy-gateway-ca"
_CERT_MANAGER = "cert-manager.io"
_USAGES = ["digital signature", "data encipherment", "key encipherment", "content commitment"]


class EnvoyGatewayArgs(TypedDict, total=False):
    """Settings of Envoy Gateway."""

    namespace: Required[str]
    """Existing namespace of control plane and proxies."""
    class_name: Required[str]
    """Name of its GatewayClass."""
    source: Required[ChartSource]
    """Source of charts."""
    self_signed_issuer: Required[str]
    """Self-signed ClusterIssuer of cert-manager."""
    client_ranges: Required[list[str]]
    """Source ranges that the load balancer allows."""
    highly_available: bool
    """Two replicas of the control plane and two proxies on different nodes; default false: one of each."""
    service_annotations: dict[str, str]
    """Annotations of the load balancer's Service: internal or public, address, … as the cloud has them."""
    load_balancer_class: str
    """`loadBalancerClass` of that Service, which is immutable; default: none."""
    monitored: bool
    """Whether Prometheus scrapes it (needs the CRDs of prometheus-operator); default false."""


def envoy_gateway_values(*, highly_available: bool) -> dict[str, Any]:
    """Values of the chart. Pure."""
    return {
        "crds": {"enabled": False},
        "topologyInjector": {"enabled": False},  # its webhook's CA comes from the hook, which Pulumi does not run
        "deployment": {
            "replicas": 2 if highly_available else 1,
            "envoyGateway": {
                "resources": {"requests": {"cpu": "100m", "memory": "512Mi"}, "limits": {"memory": "512Mi"}}
            },
            "pod": {"topologySpreadConstraints": [spread(CONTROL_PLANE_PODS)] if highly_available else []},
        },
        "podDisruptionBudget": {"minAvailable": 1 if highly_available else 0},
    }


def proxy_spec(
    client_ranges: list[str],
    *,
    highly_available: bool,
    service_annotations: dict[str, str] | None = None,
    load_balancer_class: str = "",
) -> dict[str, Any]:
    """The `spec` of the EnvoyProxy: how the data plane runs. Pure."""
    service: dict[str, Any] = {
        "type": "LoadBalancer",
        "externalTrafficPolicy": "Local",  # proxies and network policies see the client's address
        "loadBalancerSourceRanges": list(client_ranges),
    }
    if service_annotations:
        service["annotations"] = dict(service_annotations)
    if load_balancer_class:
        service["loadBalancerClass"] = load_balancer_class
    pod = {"topologySpreadConstraints": [spread(PROXY_PODS)]} if highly_available else {}
    kubernetes: dict[str, Any] = {
        "envoyDeployment": {
            "replicas": 2 if highly_available else 1,
            "container": {"resources": {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"memory": "512Mi"}}},
            **({"pod": pod} if pod else {}),
        },
        "envoyService": service,
    }
    if highly_available:
        kubernetes["envoyPDB"] = {"minAvailable": 1}
    return {"provider": {"type": "Kubernetes", "kubernetes": kubernetes}}


def control_plane_certificates(namespace: str) -> dict[str, dict[str, Any]]:
    """Certificate name (also of its Secret: the names are Envoy Gateway's) -> `spec`. Pure."""
    service = [
        "envoy-gateway",
        *(f"envoy-gateway.{namespace}{suffix}" for suffix in ("", ".svc", ".svc.cluster.local")),
    ]
    names = {
        "envoy-gateway": ("envoy-gateway", service),
        "envoy": ("*", [f"*.{namespace}"]),
        "envoy-rate-limit": ("*", [f"*.{namespace}"]),
    }
    return {
        secret: {
            "commonName": common_name,
            "dnsNames": dns_names,
            "usages": _USAGES,
            "secretName": secret,
            "issuerRef": {"name": CA, "kind": "Issuer", "group": _CERT_MANAGER},
        }
        for secret, (common_name, dns_names) in names.items()
    }


class EnvoyGateway(Component):
    """The control plane of Envoy Gateway and its GatewayClass.

    Needs the CRD sets `gateway-api`, `envoy-gateway` and `cert-manager`, and cert-manager itself.
    """

    class_name: Output[str]
    """The GatewayClass; it resolves once Envoy Gateway has accepted it."""

    def __init__(self, name: str, args: EnvoyGatewayArgs, opts: ResourceOptions | None = None) -> None:
        named = (("namespace", args["namespace"]), ("className", args["class_name"]))
        refuse(
            f"Envoy Gateway {name}",
            [found for key, value in named for found in check_object_name(f"{name}.{key}", value)],
        )
        super().__init__(name, args, opts)
        namespace, available = args["namespace"], bool(args.get("highly_available"))
        chart = AddonChart(
            f"{name}-chart",
            {
                "chart": "gateway-helm",
                "namespace": namespace,
                "values": envoy_gateway_values(highly_available=available),
                "source": args["source"],
            },
            opts=self.child_after(*self._control_plane_certificates(name, namespace, args["self_signed_issuer"])),
        )
        proxy = custom_resource(
            f"{name}-proxy",
            "EnvoyProxy",
            args["class_name"],
            proxy_spec(
                args["client_ranges"],
                highly_available=available,
                service_annotations=args.get("service_annotations"),
                load_balancer_class=args.get("load_balancer_class", ""),
            ),
            self.child,
            namespace=namespace,
        )
        gateway_class = custom_resource(
            f"{name}-class",
            "GatewayClass",
            args["class_name"],
            {
                "controllerName": ENVOY_GATEWAY_CONTROLLER,
                "parametersRef": {
                    "group": "gateway.envoyproxy.io",
                    "kind": "EnvoyProxy",
                    "name": args["class_name"],
                    "namespace": namespace,
                },
            },
            self.child_after(chart, proxy),
        )
        if args.get("monitored"):
            self._monitor(f"{name}-control-plane", "envoy-gateway", namespace, CONTROL_PLANE_PODS, "/metrics")
            self._monitor(f"{name}-proxies", "envoy-proxies", namespace, PROXY_PODS, "/stats/prometheus")
        class_name = args["class_name"]
        self.class_name = gateway_class.urn.apply(lambda _: class_name)
        self.register_outputs({"className": self.class_name})

    def _control_plane_certificates(self, name: str, namespace: str, self_signed_issuer: str) -> list[Resource]:
        authority = custom_resource(
            f"{name}-ca",
            "Certificate",
            CA,
            {
                "isCA": True,
                "commonName": "envoy-gateway",
                "secretName": CA,
                "duration": "87600h",
                "privateKey": {"algorithm": "RSA", "size": 2048, "rotationPolicy": "Never"},
                "issuerRef": {"name": self_signed_issuer, "kind": "ClusterIssuer", "group": _CERT_MANAGER},
            },
            self.child,
            namespace=namespace,
        )
        issuer = custom_resource(
            f"{name}-issuer",
            "Issuer",
            CA,
            {"ca": {"secretName": CA}},
            self.child_after(authority),
            namespace=namespace,
        )
        return [
            custom_resource(
                f"{name}-certificate-{secret}",
                "Certificate",
                secret,
                spec,
                self.child_after(issuer),
                namespace=namespace,
            )
            for secret, spec in control_plane_certificates(namespace).items()
        ]

    def _monitor(self, resource_name: str, monitor: str, namespace: str, pods: dict[str, str], path: str) -> None:
        spec = {
            "selector": {"matchLabels": pods},
            "podMetricsEndpoints": [{"port": "metrics", "path": path, "interval": "30s"}],
        }
        custom_resource(resource_name, "PodMonitor", monitor, spec, self.child, namespace=namespace)
