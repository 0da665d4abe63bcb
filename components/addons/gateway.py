"""The gateway: one entry point for HTTP traffic, which terminates TLS and accepts routes only from labelled namespaces.

It uses the Gateway API. The implementation is Envoy Gateway, installed by default, or an existing one of the cluster
(Istio, GKE's `gke-l7-…`, …), named by its GatewayClass.

Plain HTTP serves two things: the redirect to HTTPS, and ACME challenges, whose routes are more specific than the
redirect.
"""

from typing import Any, Required

from pulumi import Output, Resource, ResourceOptions

from catalog.addresses import PRIVATE_RANGES
from components.addons.cert_manager import IssuersHandle
from components.addons.envoy_gateway import (
    CONTROL_PLANE_PODS,
    METRICS_PORT,
    PORT_SHIFT,
    PROXY_PODS,
    XDS_PORT,
    EnvoyGateway,
)
from components.addons.gateway_spec import (
    DEFAULT_NAMESPACE,
    CertificateSource,
    DomainArgs,
    GatewayHandle,
    GatewayOptions,
    domain_facts,
    is_envoy,
)
from components.addons.validation import check_gateway, check_gateway_names
from components.base.chart_source import ChartSource
from components.base.cluster_network import USUAL_NETWORK, ClusterNetworkHandle
from components.base.component import Component
from components.base.custom_resources import custom_resource
from components.base.destinations import check_ranges
from components.base.namespaces import IsolatedNamespace, PodSecurity
from components.base.traffic import scraped, to_api_server
from components.base.traffic_rules import Direction, TrafficRuleArgs
from components.findings import refuse

ROUTES_LABEL = {"mlplatform.dev/gateway-routes": "true"}
"""On a namespace: its routes may attach to the gateway, and the gateway may reach its pods."""

HTTP_LISTENER = "http"
HTTP_PORT, HTTPS_PORT = 80, 443
SOLVER_PODS = {"acme.cert-manager.io/http01-solver": "true"}
SOLVER_PORT = 8089
"""Label and port of cert-manager's pods that answer HTTP-01 challenges (cert-manager v1.21.2 pkg/issuer/acme/http)."""


class GatewayArgs(GatewayOptions, total=False):
    """The settings, and values that the platform adds."""

    domains: Required[list[DomainArgs]]
    """At least one."""
    issuers: Required[IssuersHandle]
    """Issuers of certificates; from CertManager."""
    source: Required[ChartSource]
    """Source of charts."""
    exceptions: list[TrafficRuleArgs]
    """Traffic to its control plane that an existing implementation needs in the gateway's namespace."""
    highly_available: bool
    """Two proxies and two replicas of the control plane on different nodes; default false. Envoy only."""
    load_balancer_class: str
    """`loadBalancerClass` of the gateway's Service; default: the cluster's default. Envoy only."""
    monitoring_namespace: str
    """Namespace whose Prometheus scrapes it (needs the CRDs of prometheus-operator); default: none. Envoy only."""
    network: ClusterNetworkHandle
    """How names are resolved and policies are evaluated. Default: `USUAL_NETWORK`."""


def certificate_spec(domain: DomainArgs, issuers: IssuersHandle) -> dict[str, Any]:
    """The `spec` of a domain's Certificate. Pure."""
    suffix, hosts = domain["domain"], domain.get("hosts")
    issuer = issuers["acme"] if domain["certificate"] == CertificateSource.ACME else issuers["internal"]
    return {
        "secretName": secret_name(domain),
        "dnsNames": [f"{host}.{suffix}" for host in hosts] if hosts else [f"*.{suffix}", suffix],
        "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
        "issuerRef": {"name": issuer, "kind": "ClusterIssuer", "group": "cert-manager.io"},
    }


def secret_name(domain: DomainArgs) -> str:
    """The TLS Secret of a domain, in the gateway's namespace. Pure."""
    return domain.get("secret_name") or f"{domain['name']}-tls"


def listener_name(domain: DomainArgs) -> str:
    """The listener of a domain. Pure."""
    return f"https-{domain['name']}"


def gateway_spec(
    class_name: str, domains: list[DomainArgs], annotations: dict[str, str] | None = None
) -> dict[str, Any]:
    """The `spec` of the Gateway: a listener for plain HTTP, one with TLS for each domain. Pure."""
    plain = {
        "name": HTTP_LISTENER,
        "port": HTTP_PORT,
        "protocol": "HTTP",
        "allowedRoutes": {"namespaces": {"from": "Same"}},
    }
    secure = [
        {
            "name": listener_name(domain),
            "port": HTTPS_PORT,
            "protocol": "HTTPS",
            "hostname": f"*.{domain['domain']}",
            "tls": {"mode": "Terminate", "certificateRefs": [{"kind": "Secret", "name": secret_name(domain)}]},
            "allowedRoutes": {"namespaces": {"from": "Selector", "selector": {"matchLabels": ROUTES_LABEL}}},
        }
        for domain in domains
    ]
    infrastructure = {"infrastructure": {"annotations": dict(annotations)}} if annotations else {}
    return {"gatewayClassName": class_name, "listeners": [plain, *secure], **infrastructure}


def redirect_spec(gateway_name: str) -> dict[str, Any]:
    """The `spec` of the route that sends plain HTTP to HTTPS. Pure."""
    redirect = {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}
    return {
        "parentRefs": [{"name": gateway_name, "sectionName": HTTP_LISTENER}],
        "rules": [{"filters": [redirect]}],
    }


def proxy_traffic(pods: dict[str, str], ports: list[int], ranges: list[str], *, acme: bool) -> list[TrafficRuleArgs]:
    """Allowed traffic of the proxies: ingress from clients, egress to back ends and to challenge solvers. Pure."""
    rules = [
        TrafficRuleArgs(
            name="back-ends", direction=Direction.EGRESS, pods=pods, peer_namespace_labels=dict(ROUTES_LABEL)
        ),
        *(
            TrafficRuleArgs(name=f"clients-{index}", direction=Direction.INGRESS, pods=pods, cidr=cidr, ports=ports)
            for index, cidr in enumerate(ranges)
        ),
    ]
    if acme:
        rules += _between("challenge", pods, SOLVER_PODS, SOLVER_PORT)
    return rules


def _between(name: str, caller: dict[str, str], callee: dict[str, str], port: int) -> list[TrafficRuleArgs]:
    """Both directions of one call inside the namespace."""
    return [
        TrafficRuleArgs(name=name, direction=Direction.EGRESS, pods=caller, peer_pods=callee, ports=[port]),
        TrafficRuleArgs(name=f"{name}-in", direction=Direction.INGRESS, pods=callee, peer_pods=caller, ports=[port]),
    ]


def gateway_traffic(name: str, args: GatewayArgs) -> list[TrafficRuleArgs]:
    """Allowed ingress and egress of the gateway's namespace. Pure."""
    handle = gateway_handle(name, args)
    rules = list(args.get("exceptions") or [])
    if handle["pods"]:
        ranges = args.get("client_ranges") or PRIVATE_RANGES
        rules += proxy_traffic(handle["pods"], handle["ports"], ranges, acme=uses_acme(args))
        rules += [self_check(handle, args["issuers"]["namespace"])] if uses_acme(args) else []
    if is_envoy(args):
        rules += [
            to_api_server(CONTROL_PLANE_PODS),
            *_between("configure", PROXY_PODS, CONTROL_PLANE_PODS, XDS_PORT),
        ]
        for role, pods in (("", CONTROL_PLANE_PODS), ("-proxies", PROXY_PODS)):
            for rule in scraped(args.get("monitoring_namespace", ""), [METRICS_PORT]):
                rules.append({**rule, "name": f"{rule['name']}{role}", "pods": dict(pods)})
    return rules


def self_check(gateway: GatewayHandle, namespace: str) -> TrafficRuleArgs:
    """Ingress from cert-manager, which checks its own answers before the authority does. Pure.

    The peer is its namespace: `client_ranges` may not contain addresses of pods, and Cilium selects no pod by address.
    """
    return TrafficRuleArgs(
        name="challenge-self-check",
        direction=Direction.INGRESS,
        pods=dict(gateway["pods"]),
        peer_namespace=namespace,
        ports=list(gateway["ports"]),
    )


def gateway_handle(name: str, args: GatewayArgs) -> GatewayHandle:
    """The handle of the gateway. Pure."""
    envoy = is_envoy(args)
    # Implementations in the cluster label the pods of a gateway with its name (Gateway API, GEP-1762).
    pods = PROXY_PODS if envoy else {"gateway.networking.k8s.io/gateway-name": name}
    ranges = list(args.get("proxy_ranges") or [])
    shift = PORT_SHIFT if envoy else 0
    return GatewayHandle(
        name=name,
        namespace=args.get("namespace") or DEFAULT_NAMESPACE,
        class_name=args.get("class_name") or name,
        domains={domain["name"]: domain["domain"] for domain in args["domains"]},
        listeners={domain["name"]: listener_name(domain) for domain in args["domains"]},
        route_namespace_labels=dict(ROUTES_LABEL),
        pods={} if ranges else dict(pods),
        ports=[] if ranges else [shift + HTTP_PORT, shift + HTTPS_PORT],
        ranges=ranges,
    )


def uses_acme(args: GatewayArgs) -> bool:
    """Whether it receives challenges. Pure."""
    return any(domain["certificate"] == CertificateSource.ACME for domain in args["domains"])


class Gateway(Component):
    """The entry point for HTTP traffic, with its certificates. Needs the CRD sets of EnvoyGateway, or an
    implementation.
    """

    namespace: Output[str]
    """Where it is."""
    gateway: Output[str]
    """Name of the Gateway; it resolves once its implementation has programmed it."""

    def __init__(self, name: str, args: GatewayArgs, opts: ResourceOptions | None = None) -> None:
        domains, envoy = args["domains"], is_envoy(args)
        facts = [domain_facts(domain) for domain in domains]
        needs_class, dns_zone = not envoy and not args.get("class_name"), args["issuers"].get("dns_zone", "")
        findings = [
            *check_gateway(
                name, facts, has_acme=bool(args["issuers"]["acme"]), needs_class=needs_class, dns_zone=dns_zone
            )
        ]
        for key, ranges in (("clientRanges", args.get("client_ranges")), ("proxyRanges", args.get("proxy_ranges"))):
            findings += check_ranges(f"{name}.{key}", ranges or [])
        findings += check_gateway_names(name, args)
        refuse(f"gateway {name}", findings)
        super().__init__(name, args, opts)
        self.handle: GatewayHandle = gateway_handle(name, args)
        home = IsolatedNamespace(
            f"{name}-namespace",
            {
                "namespace": self.handle["namespace"],
                "pod_security": PodSecurity.RESTRICTED,
                "exceptions": gateway_traffic(name, args),
                "network": args.get("network") or USUAL_NETWORK,
            },
            opts=self.child,
        )
        before: list[Resource] = [self._envoy(name, args, home) if envoy else home]
        internal = [domain for domain in domains if domain["certificate"] == CertificateSource.INTERNAL]
        before += [self._certificate(name, domain, args["issuers"], home) for domain in internal]
        annotations = None if envoy else args.get("service_annotations")
        gateway = custom_resource(
            f"{name}-gateway",
            "Gateway",
            name,
            gateway_spec(self.handle["class_name"], domains, annotations),
            self.child_after(*before),
            namespace=self.handle["namespace"],
        )
        custom_resource(
            f"{name}-redirect",
            "HTTPRoute",
            f"{name}-redirect",
            redirect_spec(name),
            self.child_after(gateway),
            namespace=self.handle["namespace"],
        )
        for domain in domains:
            if domain["certificate"] == CertificateSource.ACME:
                self._certificate(name, domain, args["issuers"], gateway)
        self.namespace = home.namespace
        self.gateway = gateway.urn.apply(lambda _: name)
        self.register_outputs({"namespace": self.namespace, "gateway": self.gateway})

    def _envoy(self, name: str, args: GatewayArgs, home: Resource) -> EnvoyGateway:
        return EnvoyGateway(
            f"{name}-envoy",
            {
                "namespace": self.handle["namespace"],
                "class_name": self.handle["class_name"],
                "source": args["source"],
                "self_signed_issuer": args["issuers"]["self_signed"],
                "client_ranges": args.get("client_ranges") or PRIVATE_RANGES,
                "highly_available": bool(args.get("highly_available")),
                "service_annotations": args.get("service_annotations") or {},
                "load_balancer_class": args.get("load_balancer_class", ""),
                "monitored": bool(args.get("monitoring_namespace")),
            },
            opts=self.child_after(home),
        )

    def _certificate(self, name: str, domain: DomainArgs, issuers: IssuersHandle, after: Resource) -> Resource:
        # The authority connects to the gateway by its DNS name, which an administrator creates once the gateway exists:
        # waiting for that certificate would block the first `up` until its time limit.
        waits = domain["certificate"] != CertificateSource.ACME
        return custom_resource(
            f"{name}-certificate-{domain['name']}",
            "Certificate",
            secret_name(domain),
            certificate_spec(domain, issuers),
            self.child_after(after),
            namespace=self.handle["namespace"],
            annotations=None if waits else {"pulumi.com/skipAwait": "true"},
        )
