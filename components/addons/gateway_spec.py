"""Settings and handle of the gateway. Pure."""

from enum import StrEnum
from ipaddress import ip_network
from typing import Any, Required, TypedDict

from catalog.addons import ADDONS
from catalog.addresses import PRIVATE_RANGES
from components.addons.validation import DomainFacts

DEFAULT_NAMESPACE = ADDONS["envoy-gateway"].namespace


class GatewayImplementation(StrEnum):
    """Implementation of the gateway."""

    ENVOY = "envoy"
    """Envoy Gateway, which the platform installs."""
    EXISTING = "existing"
    """The controller of the GatewayClass `class_name` in this cluster."""


class CertificateSource(StrEnum):
    """Source of a domain's certificate."""

    INTERNAL = "internal"
    """The platform's own CA, which clients must trust."""
    ACME = "acme"
    """A public authority. In the DNS zone of the environment, a wildcard certificate; otherwise one that lists the
    hosts, issued as soon as DNS points to the gateway."""
    SECRET = "secret"  # noqa: S105 - a name
    """An existing TLS Secret in the gateway's namespace."""


class DomainArgs(TypedDict, total=False):
    """One DNS domain that the gateway serves."""

    name: Required[str]
    """Its name in settings and workloads: internal, public, …"""
    domain: Required[str]
    """DNS suffix; workloads get names directly below it: `ml.example.com`."""
    certificate: Required[CertificateSource]
    """Source of its certificate."""
    hosts: list[str]
    """Names below the domain that the certificate covers in addition to those that the platform publishes there
    (Grafana, MLflow, models); default: all (a wildcard) with internal, and with acme in the environment's DNS zone."""
    secret_name: str
    """Name of the TLS Secret, with certificate secret."""


class GatewayOptions(TypedDict, total=False):
    """Implementation and clients of the gateway."""

    implementation: GatewayImplementation
    """Default: envoy."""
    class_name: str
    """GatewayClass; required with an existing implementation, default with envoy: the component's name."""
    namespace: str
    """Default: gateway."""
    client_ranges: list[str]
    """Ranges of allowed clients; default: all private ranges. Access from the whole internet must be written here.
    In a cloud, the load balancer is public if a range is not private; otherwise it is internal."""
    proxy_ranges: list[str]
    """Existing implementation outside the cluster: addresses its proxies call from (GKE: 35.191.0.0/16, …)."""
    service_annotations: dict[str, str]
    """Annotations of the load balancer: of its Service with envoy, of the Gateway's infrastructure otherwise. They
    override those of the cloud."""


class GatewaySpec(GatewayOptions, total=False):
    """Settings of the gateway."""

    domains: list[DomainArgs]
    """At least one. Default: the environment's domain, with a certificate of the platform's own CA."""


class GatewayHandle(TypedDict):
    """Handle for routes and for the NetworkPolicies of their back ends."""

    name: str
    """For `parentRefs[].name`."""
    namespace: str
    """For `parentRefs[].namespace`; also the namespace of the proxies, if they are pods."""
    class_name: str
    """Its GatewayClass."""
    domains: dict[str, str]
    """Name of the domain -> DNS suffix."""
    listeners: dict[str, str]
    """Name of the domain -> listener, for `parentRefs[].sectionName`."""
    route_namespace_labels: dict[str, str]
    """Labels of a namespace whose routes may attach and whose pods the proxies may reach."""
    pods: dict[str, str]
    """Labels of the proxies, the peers that back ends allow. Empty if they are not pods."""
    ports: list[int]
    """Ports on which the proxies' pods listen for clients."""
    ranges: list[str]
    """Source addresses of proxies that are not pods."""


def is_public(args: GatewayOptions) -> bool:
    """Whether clients outside of private networks are allowed. Pure."""
    private = [ip_network(each) for each in PRIVATE_RANGES]
    written = [ip_network(each) for each in args.get("client_ranges") or PRIVATE_RANGES]
    return any(not any(_within(clients, inside) for inside in private) for clients in written)


def _within(inner: Any, outer: Any) -> bool:
    return inner.version == outer.version and bool(inner.subnet_of(outer))


def is_envoy(args: GatewayOptions) -> bool:
    """Whether Envoy Gateway is installed with it. Pure."""
    return args.get("implementation", GatewayImplementation.ENVOY) == GatewayImplementation.ENVOY


def domain_facts(domain: DomainArgs) -> DomainFacts:
    """The facts about a domain that the rules validate. Pure."""
    hosts = tuple(domain.get("hosts") or ())
    return DomainFacts(domain["name"], domain["domain"], domain["certificate"], hosts, domain.get("secret_name", ""))
