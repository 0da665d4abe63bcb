"""Services, Ingresses and Gateways: what becomes reachable from outside of the cluster.

Annotations of load balancers: AWS Load Balancer Controller v3, GKE documentation (internal load balancers).
"""

from collections.abc import Iterator, Mapping

from policies.objects import UNKNOWN, PlannedObject, at, listed
from policies.rule import Place, Severity, about_objects

INTERNAL = {
    "service.beta.kubernetes.io/aws-load-balancer-scheme": "internal",
    "service.beta.kubernetes.io/aws-load-balancer-internal": "true",
    "networking.gke.io/load-balancer-type": "Internal",
    "cloud.google.com/load-balancer-type": "Internal",
    "service.beta.kubernetes.io/azure-load-balancer-internal": "true",
}
"""Annotation of a Service -> the value that makes its load balancer internal."""


def _is_service(subject: PlannedObject) -> bool:
    return subject.kind == "Service" and not subject.group


def _public_balancer(subject: PlannedObject) -> Iterator[Place]:
    if not _is_service(subject) or subject.at("spec.type") != "LoadBalancer":
        return
    annotations = subject.at("metadata.annotations")
    known = annotations if isinstance(annotations, Mapping) else {}
    internal = any(known.get(key) in (value, UNKNOWN) for key, value in INTERNAL.items())
    ranges = listed(subject.at("spec.loadBalancerSourceRanges"))
    if not internal and annotations is not UNKNOWN and (not ranges or "0.0.0.0/0" in ranges or "::/0" in ranges):
        yield "spec.type", "LoadBalancer"


def _node_port(subject: PlannedObject) -> Iterator[Place]:
    if _is_service(subject) and subject.at("spec.type") == "NodePort":
        yield "spec.type", "NodePort"


def _external_addresses(subject: PlannedObject) -> Iterator[Place]:
    if _is_service(subject):
        for index, address in enumerate(listed(subject.at("spec.externalIPs"))):
            if address is not UNKNOWN:
                yield f"spec.externalIPs[{index}]", address


def _is_ingress(subject: PlannedObject) -> bool:
    return (subject.group, subject.kind) == ("networking.k8s.io", "Ingress")


def _without_tls(subject: PlannedObject) -> Iterator[Place]:
    if _is_ingress(subject):
        tls = subject.at("spec.tls")
        covered = [host for one in listed(tls) for host in listed(at(one, "hosts"))]
        for index, rule in enumerate(listed(subject.at("spec.rules"))):
            host = at(rule, "host")
            if tls is not UNKNOWN and UNKNOWN not in (host, *covered) and host not in covered:
                yield f"spec.rules[{index}].host", host or "every host"


def _any_host(subject: PlannedObject) -> Iterator[Place]:
    if _is_ingress(subject):
        for index, rule in enumerate(listed(subject.at("spec.rules"))):
            host = at(rule, "host")
            if rule is not UNKNOWN and (not host or host == "*"):
                yield f"spec.rules[{index}].host", "every host"


def _snippets(subject: PlannedObject) -> Iterator[Place]:
    if _is_ingress(subject):
        annotations = subject.at("metadata.annotations")
        for key in annotations if isinstance(annotations, Mapping) else ():
            if str(key).startswith("nginx.ingress.kubernetes.io/") and str(key).endswith("-snippet"):
                yield f"metadata.annotations[{key}]", "configuration of the proxy"


def _plain_listeners(subject: PlannedObject) -> Iterator[Place]:
    """HTTP that routes of other namespaces may use; one for redirects has routes of its own namespace alone."""
    if (subject.group, subject.kind) == ("gateway.networking.k8s.io", "Gateway"):
        for index, listener in enumerate(listed(subject.at("spec.listeners"))):
            others = at(listener, "allowedRoutes.namespaces.from", "Same") in ("All", "Selector")
            if at(listener, "protocol") in ("HTTP", "TCP") and others:
                yield f"spec.listeners[{index}].protocol", at(listener, "protocol")


RULES = (
    about_objects(
        "no-public-load-balancers",
        "A load balancer is internal, or names the ranges that may reach it.",
        _public_balancer,
        "write the annotation for an internal one, or loadBalancerSourceRanges; or publish it by the gateway",
        frameworks=("CIS EKS 5.4",),
    ),
    about_objects(
        *("no-node-ports", "No Service opens a port on every node.", _node_port, "publish it by the gateway"),
        severity=Severity.MEDIUM,
    ),
    about_objects(
        "no-external-addresses-of-services",
        "No Service takes traffic of addresses that are not its own (CVE-2020-8554).",
        _external_addresses,
        "remove externalIPs",
    ),
    about_objects(
        *("ingresses-have-tls", "Every host of an Ingress has TLS.", _without_tls, "name it under spec.tls"),
        frameworks=("CIS EKS 5.4.5",),
    ),
    about_objects(
        *("ingresses-name-hosts", "Every rule of an Ingress names its host.", _any_host, "write the host"),
        severity=Severity.MEDIUM,
    ),
    about_objects(
        "no-snippets-in-ingresses",
        "No Ingress adds configuration to the proxy, which would have its rights.",
        _snippets,
        "remove the annotation",
        frameworks=("NSA C-0059",),
    ),
    about_objects(
        "gateway-listeners-have-tls",
        "A listener that takes routes of other namespaces has TLS.",
        _plain_listeners,
        "write protocol HTTPS with a certificate, or allowedRoutes.namespaces.from: Same",
    ),
)
"""The policies of this subject."""
