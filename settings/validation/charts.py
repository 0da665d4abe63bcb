"""Where charts and CRDs come from."""

from collections.abc import Iterator

from catalog.versions import CRDS
from components.addons.validation import (
    check_crd_sets,
)
from components.base.chart_source import ChartOrigin
from components.base.grammar import (
    CHART_URL,
    HTTPS_URL,
)
from components.findings import Finding
from settings.partial import as_far_as_known
from settings.settings import Settings


@as_far_as_known
def check_charts(settings: Settings) -> Iterator[Finding]:
    charts = settings.charts
    origin, location = charts.origin, charts.location
    simulated = settings.cluster.is_simulated or settings.environment.rehearsal
    if origin is ChartOrigin.STUB and not simulated:
        yield Finding(
            "charts.origin",
            origin,
            f"stub charts are stand-ins that run nothing; this is a real cluster ({settings.cluster.kind})",
            "use upstream, or mirror with the address of your registry",
        )
    if (origin is ChartOrigin.MIRROR) != bool(location):
        yield Finding(
            "charts.location",
            location or "(missing)",
            "a mirror has an address, and nothing else has",
            "give oci://… or https://… with origin mirror, and leave it out otherwise",
        )
    elif location and not CHART_URL.accepts(location):
        yield Finding("charts.location", location, CHART_URL.rule, CHART_URL.example)
    elif origin is ChartOrigin.MIRROR:
        location = charts.crd_location or location
        yield from check_crd_sets("charts", [*CRDS], [*CRDS], origin, location, mirror="crdLocation")
        written = charts.crd_location
        if "://" in written and not written.startswith("oci://") and not HTTPS_URL.accepts(written):
            rule = f"{HTTPS_URL.rule}, or a folder"
            yield Finding("charts.crdLocation", charts.crd_location, rule, HTTPS_URL.example)
    if charts.crd_location and origin is not ChartOrigin.MIRROR:
        yield Finding("charts.crdLocation", charts.crd_location, "only a mirror has one", "remove it")
