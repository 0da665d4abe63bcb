"""Names that an environment publishes, against the certificates and listeners of its gateway.

The names are those of the HTTPRoutes that KServe makes of our InferenceServices (`tests/support/kserve_merge.py`), the
certificate holds for them by the rule for wildcards in TLS (RFC 6125, 6.4.3: one label). Only this test finds a model
that is served with a certificate that lacks its name. Not proved: that an authority issues the certificate.
"""

from typing import Any

import pytest

from catalog.versions import CHARTS
from components.addons.cert_manager import IssuersHandle, issuers_handle
from components.addons.gateway import Gateway, GatewayArgs
from components.findings import Refused
from settings.published import served_domains
from settings.reader import from_file
from settings.settings import Settings
from tests.components.platform_handles import SOURCE
from tests.recorder import Recording, record
from tests.support.kserve_merge import is_domain_name, published_names
from tests.support.served import STACKS, stack_inference, stack_settings
from tests.support.settings import overlaid

ACCOUNT = {"server": "https://acme.example.com/directory", "email": "ops@example.com"}
HTTP_01: dict[str, Any] = {
    "acme": ACCOUNT,
    "gateway": {"domains": [{"name": "public", "domain": "ml.example.com", "certificate": "acme"}]},
}
KSERVE = CHARTS["kserve-resources"].version


def gateway(settings: Settings) -> Recording:
    """As the stack declares it."""
    issuers: IssuersHandle = issuers_handle(
        "", "cert-manager", acme=settings.acme is not None, dns_zone=settings.proved_zone
    )
    args = GatewayArgs(domains=served_domains(settings, settings.proved_zone), issuers=issuers, source=SOURCE)
    return record(lambda: Gateway("gateway", args) and None)


def names_of(settings: Settings) -> list[str]:
    """What is published: by charts, by our routes and by KServe."""
    suffix = settings.domains[0]["domain"]
    hostnames = [one.server["hostname"] for one in settings.model_servers.values() if one.server.get("hostname")]
    models = [name for one in stack_inference(settings) for name in published_names(one, suffix, KSERVE)]
    return [f"grafana.{suffix}", f"mlflow.{suffix}", *hostnames, *models]


def covered(name: str, certificate: list[str]) -> bool:
    return name in certificate or f"*.{name.partition('.')[2]}" in certificate


def environments() -> dict[str, Settings]:
    own_names = {"gateway": {"domains": [{**HTTP_01["gateway"]["domains"][0], "hosts": ["extra"]}]}, "acme": ACCOUNT}
    return {
        **{name: stack_settings(name) for name in STACKS},
        "http-01": from_file(overlaid(HTTP_01)),
        "http-01-more": from_file(overlaid(own_names)),
    }


@pytest.mark.parametrize(("name", "settings"), environments().items(), ids=environments())
def test_every_published_name_has_a_listener_and_is_in_its_certificate(name: str, settings: Settings) -> None:
    recording = gateway(settings)
    certificates = {
        one.inputs["spec"]["secretName"]: one.inputs["spec"]["dnsNames"]
        for one in recording.of("Certificate")
        if "dnsNames" in one.inputs["spec"] and one.name.startswith("gateway-certificate")
    }
    listeners = recording.one("Gateway", "gateway-gateway").inputs["spec"]["listeners"]
    for published in names_of(settings):
        serving = [one for one in listeners if one.get("hostname", "")[1:] == f".{published.partition('.')[2]}"]
        assert len(serving) == 1, published
        (secret,) = serving[0]["tls"]["certificateRefs"]
        assert covered(published, certificates[secret["name"]]), f"{published} is not in {certificates}"
        assert is_domain_name(published)
        if settings.proved_zone:
            assert published.endswith(f".{settings.proved_zone}"), "external-dns writes no record for it"


def test_an_authority_that_issues_no_wildcards_is_asked_for_each_name_once_and_for_no_other() -> None:
    settings = from_file(overlaid(HTTP_01))
    (domain,) = served_domains(settings, settings.proved_zone)
    assert sorted(domain["hosts"]) == sorted({name.partition(".")[0] for name in names_of(settings)})


def test_in_the_zone_of_the_environment_the_certificate_is_for_every_name() -> None:
    for name in ("prod", "gke"):
        (certificate,) = gateway(stack_settings(name)).of("Certificate")[-1:]
        assert certificate.inputs["spec"]["dnsNames"] == ["*.ml.example.com", "ml.example.com"]


@pytest.mark.parametrize(
    ("change", "path", "rule"),
    [
        (
            {"modelServers": {"detector-api": {"server": {"hostname": "a.b.ml.example.com"}}}},
            "modelServers.detector-api.server.hostname",
            "one label below a domain",
        ),
        ({"teams": {"language": {"namespace": "language-" + "x" * 50}}}, "inference.chat", "at most 63"),
    ],
)
def test_a_name_that_no_certificate_or_no_resolver_can_hold_is_refused(
    change: dict[str, Any], path: str, rule: str
) -> None:
    with pytest.raises(Refused, match=rule) as refused:
        from_file(overlaid(change))
    assert {finding.path for finding in refused.value.findings} == {path}
