"""What people write of the gateway, and what it hands out. Pure."""

from enum import StrEnum
from ipaddress import ip_network
from typing import Any, Required, TypedDict

from catalog.addons import ADDONS
from catalog.addresses import PRIVATE_RANGES
from components.addons.validation import DomainFacts

DEFAULT_NAMESPACE = ADDONS["envoy-gateway"].namespace


class GatewayImplementation(StrEnum):
    """Who answers for the gateway."""

    ENVOY = "envoy"
    """Envoy Gateway, installed with it."""
    EXISTING = "existing"
    """Whatever answers for the GatewayClass `class_name` in this cluster."""


class CertificateSource(StrEnum):
    """Where the certificate of a domain comes from."""

    INTERNAL = "internal"
    """The platform's own CA: clients must trust it."""
    ACME = "acme"
    """A public authority. In a DNS zone of ours every name below the domain; else host by host, as soon as DNS points
    to the gateway."""
    SECRET = "secret"  # noqa: S105 - a name
    """An existing TLS Secret in the gateway's namespace."""


class DomainArgs(TypedDict, total=False):
    """One DNS domain that the gateway serves."""

    name: Required[str]
    """How settings and workloads name it: internal, public, …"""
    domain: Required[str]
    """Workloads get names directly below it: `ml.example.com`."""
    certificate: Required[CertificateSource]
    """Where its certificate comes from."""
    hosts: list[str]
    """Names below the domain that the certificate covers in addition to those that the platform publishes there
    (Grafana, MLflow, models); default: all (a wildcard) with internal, and with acme in a DNS zone of ours."""
    secret_name: str
    """The TLS Secret, with certificate secret."""


class GatewayOptions(TypedDict, total=False):
    """Who serves the gateway, and whom."""

    implementation: GatewayImplementation
    """Default: envoy."""
    class_name: str
    """GatewayClass; required with an existing implementation, default with envoy: the component's name."""
    namespace: str
    """Default: gateway."""
    client_ranges: list[str]
    """Addresses that may come in; default: all private ranges. The whole internet is a decision to write down here.
    In a cloud, an address that is not private makes the load balancer a public one; else it is internal."""
    proxy_ranges: list[str]
    """Existing implementation outside the cluster: addresses its proxies call from (GKE: 35.191.0.0/16, …)."""
    service_annotations: dict[str, str]
    """Annotations of the load balancer: of its Service with envoy, of the Gateway's infrastructure otherwise. Before
    those that the cloud would have."""


class GatewaySpec(GatewayOptions, total=False):
    """What people write."""

    domains: list[DomainArgs]
    """At least one. Default: the environment's domain, with a certificate of the platform's own CA."""


class GatewayHandle(TypedDict):
    """What a route, and the NetworkPolicy of what is behind it, must know."""

    name: str
    """For `parentRefs[].name`."""
    namespace: str
    """For `parentRefs[].namespace`; also where the proxies run, if they are pods."""
    class_name: str
    """Its GatewayClass."""
    domains: dict[str, str]
    """Name of the domain -> DNS suffix."""
    listeners: dict[str, str]
    """Name of the domain -> listener, for `parentRefs[].sectionName`."""
    route_namespace_labels: dict[str, str]
    """Labels that a namespace carries so that its routes attach and the proxies reach its pods."""
    pods: dict[str, str]
    """Labels of the proxies, the peers that back ends allow. Empty if they are not pods."""
    ports: list[int]
    """Ports on which the proxies' pods listen for clients."""
    ranges: list[str]
    """Where the proxies are no pods: the addresses they call from."""


def is_public(args: GatewayOptions) -> bool:
    """Whether clients outside of private networks may come in. Pure."""
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
