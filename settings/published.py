"""Names under which an environment publishes what it serves, and the domains with the certificates for them. Pure."""

from collections.abc import Iterator

from components.addons.gateway_spec import CertificateSource, DomainArgs
from components.addons.validation import within_zone
from settings.settings import Settings


def published(settings: Settings) -> Iterator[tuple[str, str]]:
    """Path in the settings and host name of everything that has one at the gateway: of two that are equal, the one
    that people wrote comes first."""
    suffix = settings.domains[0]["domain"]
    yield "grafana", f"grafana.{suffix}"
    if not settings.mlflow.ingress:
        yield "mlflow.host", f"{settings.mlflow.host}.{suffix}"
    names = [name for kind in settings.kinds for name in kind.public_names(settings)]
    for name in sorted(names, key=lambda name: not name.chosen):
        yield name.path, name.hostname


def served_domains(settings: Settings, proved_zone: str) -> list[DomainArgs]:
    """The gateway's domains, each with the names that its certificate must cover, or none for all of them.

    `proved_zone`: the zone in which an ACME authority issues wildcards; empty: there is none.
    """
    names = [hostname for _, hostname in published(settings)]
    return [_with_hosts(domain, names, proved_zone) for domain in settings.domains]


def _with_hosts(domain: DomainArgs, names: list[str], zone: str) -> DomainArgs:
    written, acme = domain.get("hosts") or [], domain["certificate"] == CertificateSource.ACME
    one_by_one = written or (acme and not within_zone(domain["domain"], zone))
    if domain["certificate"] == CertificateSource.SECRET or not one_by_one:
        return domain
    below = [label for label, _, suffix in (name.partition(".") for name in names) if suffix == domain["domain"]]
    return {**domain, "hosts": [*dict.fromkeys([*written, *below])]}
