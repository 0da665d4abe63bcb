"""Rules on add-ons; invalid arguments are refused before a resource is registered."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from components.base.grammar import (
    ANNOTATION_KEY,
    DNS_NAME,
    HTTPS_URL,
    LABEL,
    SUBDOMAIN,
    check_keys,
    check_text,
)
from components.findings import Finding

_LABEL = re.compile(r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
_EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+\Z")


def check_crd_sets(
    path: str, sets: list[str], known: list[str], origin: str, location: str, mirror: str = "mirror"
) -> Iterator[Finding]:
    """Known CRD sets, each once, from a source that can contain files. `mirror`: the key of that source."""
    if not sets:
        yield Finding(f"{path}.sets", "(none)", f"at least one of {', '.join(known)}", "name one, or remove Crds")
    for name in sorted(set(sets)):
        if name not in known:
            yield Finding(f"{path}.sets", name, f"a known set of CRDs:  {', '.join(known)}", "correct the name")
        if sets.count(name) > 1:
            yield Finding(f"{path}.sets", f"{name} {sets.count(name)} times", "each set once", "name it once")
    if origin != "upstream" and (not location or location.startswith("oci://")):
        yield Finding(
            f"{path}.{mirror}",
            location or "(missing)",
            "a registry (oci://) contains charts, not files; CRDs are read from a folder or an https:// address",
            "write their location: https://files.example.com/mlplatform or a folder of your repository, with files "
            f"<{mirror}>/crds/<set>/<version>.yaml",
        )


def check_acme(path: str, email: str, server: str) -> Iterator[Finding]:
    """An ACME account that a certificate authority accepts."""
    if not _EMAIL.match(email):
        yield Finding(
            f"{path}.email",
            email,
            "the address that the authority warns before expiry",
            "write an e-mail address that is read",
        )
    if not HTTPS_URL.accepts(server):
        value = "(an address with credentials in it)" if "@" in server else server
        rule = "an https:// address without credentials"
        yield Finding(f"{path}.server", value, rule, "write the directory URL of the authority")


MAX_CERTIFICATE_NAMES = 100
"""Limit of Let's Encrypt (letsencrypt.org/docs/rate-limits)."""


def within_zone(domain: str, zone: str) -> bool:
    """Whether a domain is in a DNS zone; false if there is no zone."""
    return bool(zone) and f".{domain}".endswith(f".{zone}")


class DomainFacts(NamedTuple):
    """The facts about one domain of a gateway that the rules validate."""

    name: str
    domain: str
    certificate: str
    """internal, acme or secret."""
    hosts: tuple[str, ...]
    secret_name: str


PUBLIC_AUTHORITIES = ("letsencrypt.org", "zerossl.com", "pki.goog", "ssl.com")
"""ACME authorities whose HTTP-01 requests come from unpublished addresses of the internet."""


def check_http_challenges(
    path: str, domains: Sequence[DomainFacts], server: str, dns_zone: str, ranges: Sequence[str]
) -> Iterator[Finding]:
    """A gateway that allows private `ranges` only answers no challenge of a public authority."""
    host = urlsplit(server).hostname or ""
    if not any(f".{host}".endswith(f".{authority}") for authority in PUBLIC_AUTHORITIES):
        return
    for domain in domains:
        if domain.certificate == "acme" and not within_zone(domain.domain, dns_zone):
            yield Finding(
                f"{path}.clientRanges",
                f"{domain.domain}: {', '.join(ranges) or '(missing: private ranges)'}",
                f"outside of a zone of dns, {host} validates the domain by HTTP-01, with requests from the internet",
                "allow 0.0.0.0/0, use a domain in the zone of dns, or use certificate internal or secret",
            )


def check_gateway(
    path: str, domains: list[DomainFacts], *, has_acme: bool, needs_class: bool, dns_zone: str = ""
) -> Iterator[Finding]:
    """A gateway serves unique domains with certificates that can be issued. `dns_zone`: zone in which ACME
    uses DNS-01.
    """
    if needs_class:
        yield Finding(
            f"{path}.className",
            "(missing)",
            "an existing implementation is named by its GatewayClass",
            "set className (kubectl get gatewayclass), or use implementation envoy",
        )
    if not domains:
        yield Finding(f"{path}.domains", "(none)", "a gateway serves at least one domain", "name one")
    for what in ("name", "domain"):
        values = [getattr(domain, what) for domain in domains]
        for value in sorted({value for value in values if values.count(value) > 1}):
            yield Finding(
                f"{path}.domains",
                f"{what} {value} {values.count(value)} times",
                "each once",
                "rename one, or merge them",
            )
    for index, domain in enumerate(domains):
        yield from _check_domain(f"{path}.domains[{index}]", domain, has_acme=has_acme, dns_zone=dns_zone)


def check_gateway_names(path: str, args: Mapping[str, Any]) -> Iterator[Finding]:
    """Valid names of a gateway's objects."""
    if args.get("class_name"):
        yield from check_text(f"{path}.className", args["class_name"], SUBDOMAIN)
    if args.get("namespace"):
        yield from check_text(f"{path}.namespace", args["namespace"], LABEL)
    yield from check_keys(f"{path}.serviceAnnotations", args.get("service_annotations") or {}, ANNOTATION_KEY)


def _check_domain(path: str, domain: DomainFacts, *, has_acme: bool, dns_zone: str) -> Iterator[Finding]:
    if not _LABEL.match(domain.name):
        yield Finding(f"{path}.name", domain.name, "lower-case letters, digits and -", "choose a name like internal")
    if not DNS_NAME.accepts(domain.domain) or "." not in domain.domain:
        yield Finding(
            f"{path}.domain", domain.domain, "a DNS name in lower case, no wildcard", "write it like ml.example.com"
        )
    for index, host in enumerate(domain.hosts):
        if not _LABEL.match(host):
            yield Finding(
                f"{path}.hosts[{index}]",
                host,
                f"one label directly below {domain.domain}",
                f"write mlflow for mlflow.{domain.domain}",
            )
    if domain.certificate == "acme" and not has_acme:
        yield Finding(
            f"{path}.certificate",
            "acme",
            "public certificates need an account with an ACME authority",
            "configure acme with server and email, or use certificate internal or secret",
        )
    if domain.certificate == "acme" and len(domain.hosts) > MAX_CERTIFICATE_NAMES:
        yield Finding(
            f"{path}.hosts",
            f"{len(domain.hosts)} names",
            f"a certificate of an ACME authority has at most {MAX_CERTIFICATE_NAMES}",
            "remove hosts and configure dns, whose zone has a wildcard, or spread the names over several domains",
        )
    if domain.certificate == "acme" and not domain.hosts and not within_zone(domain.domain, dns_zone):
        yield Finding(
            f"{path}.hosts",
            f"*.{domain.domain}",
            "ACME over HTTP-01 issues no wildcard certificates",
            "list the hosts below this domain, or bring a wildcard certificate with certificate secret",
        )
    if domain.certificate == "secret" and not domain.secret_name:
        yield Finding(
            f"{path}.secretName", "(missing)", "certificate secret names a TLS Secret", "set the name of the Secret"
        )
    if domain.secret_name:
        yield from check_text(f"{path}.secretName", domain.secret_name, SUBDOMAIN)
    if domain.certificate == "secret" and domain.hosts:
        yield Finding(
            f"{path}.hosts",
            ", ".join(domain.hosts),
            "hosts are names of an issued certificate, and this certificate exists",
            "remove hosts",
        )
    if domain.certificate != "secret" and domain.secret_name:
        yield Finding(
            f"{path}.secretName",
            domain.secret_name,
            f"the Secret of certificate {domain.certificate} has a fixed name",
            "remove secretName, or use certificate secret",
        )


def check_kserve(path: str, args: Mapping[str, Any]) -> Iterator[Finding]:
    """A domain that the gateway serves, and memory for fetching models."""
    domains = args["gateway"]["domains"]
    if args["domain"] not in domains:
        yield Finding(
            f"{path}.domain",
            str(args["domain"]),
            f"a domain that the gateway serves: {', '.join(domains)}",
            "name one of them",
        )
    memory = int(args.get("storage_initializer_memory_gib") or 1)
    if memory < 1:
        yield Finding(f"{path}.storageInitializerMemoryGib", str(memory), "at least 1 GiB", "write whole GiB")
