"""external-dns: writes records of routes, ingresses and services into one zone, with an identity for that zone only.

It deletes only records that it created: TXT records name their owner (`owner`).
"""

from typing import Any, Required, TypedDict

from pulumi import Output, ResourceOptions

from catalog.addons import ADDONS
from components.addons.zone_identity import ZoneAccess, clusters_of, zone_identity
from components.base.chart_source import ChartSource
from components.base.charts import AddonChart, AddonChartArgs
from components.base.cluster_network import USUAL_NETWORK, ClusterNetworkHandle
from components.base.component import Component
from components.base.namespaces import IsolatedNamespace, IsolatedNamespaceArgs, PodSecurity
from components.base.pods import resources
from components.base.traffic import scraped, to_api_server
from components.base.traffic_rules import identity_egress
from components.clouds.dns import DnsProvider, DnsZoneHandle
from components.clouds.dns_validation import check_external_dns
from components.clouds.eks.handles import EksHandle
from components.clouds.gke.handles import GkeHandle
from components.findings import refuse

DEFAULT_NAMESPACE = ADDONS["external-dns"].namespace
SERVICE_ACCOUNT = "external-dns"
"""Name of its service account, which the chart derives from its release."""
METRICS_PORT = ADDONS["external-dns"].metrics_port
SOURCES = ("gateway-httproute", "ingress", "service")
"""Sources of names; services only by annotation."""


class ExternalDnsArgs(TypedDict, total=False):
    """One external-dns for one zone."""

    source: Required[ChartSource]
    """Source of the chart."""
    zone: Required[DnsZoneHandle]
    """Zone of the records."""
    owner: Required[str]
    """Unique name of the cluster in the zone: owner of its records."""
    eks: EksHandle
    """Required for a zone of Route 53: the cluster that it runs in."""
    gke: GkeHandle
    """Required for a zone of Cloud DNS: the cluster that it runs in."""
    namespace: str
    """Namespace that is created for it. Default: external-dns."""
    monitoring_namespace: str
    """Namespace whose Prometheus scrapes it (needs the CRDs of prometheus-operator); default: none."""
    network: ClusterNetworkHandle
    """How names are resolved and policies are evaluated. Default: `USUAL_NETWORK`."""


class ExternalDns(Component):
    """external-dns in its own namespace. Needs the CRD set `gateway-api`."""

    namespace: Output[str]
    """Namespace in which it runs."""

    def __init__(self, name: str, args: ExternalDnsArgs, opts: ResourceOptions | None = None) -> None:
        refuse(f"external-dns {name}", check_external_dns(name, args))
        super().__init__(name, args, opts)
        home = IsolatedNamespace(f"{name}-home", external_dns_namespace(args), opts=self.child)
        # Pods get their identity at admission, so the identity is created before them.
        identity = zone_identity(
            f"{name}-identity",
            args["zone"],
            clusters_of(args),
            (home.namespace, SERVICE_ACCOUNT),
            ZoneAccess.RECORDS,
            self.child,
        )
        AddonChart(
            f"{name}-chart",
            AddonChartArgs(
                chart="external-dns",
                namespace=home.namespace,
                values=external_dns_values(args),
                source=args["source"],
            ),
            opts=ResourceOptions.merge(self.child, ResourceOptions(depends_on=[identity])),
        )
        self.namespace = home.namespace
        self.register_outputs({"namespace": self.namespace})


def external_dns_namespace(args: ExternalDnsArgs) -> IsolatedNamespaceArgs:
    """Its namespace and its traffic. The APIs of both clouds are on 443, as the API server is. Pure."""
    google = DnsProvider(args["zone"]["provider"]) is DnsProvider.CLOUD_DNS
    return IsolatedNamespaceArgs(
        namespace=args.get("namespace") or DEFAULT_NAMESPACE,
        pod_security=PodSecurity.RESTRICTED,
        exceptions=[
            to_api_server(),
            *identity_egress(google=google),
            *scraped(args.get("monitoring_namespace") or "", [METRICS_PORT]),
        ],
        network=args.get("network") or USUAL_NETWORK,
    )


def external_dns_values(args: ExternalDnsArgs) -> dict[str, Any]:
    """Values of the chart that differ from its defaults. Pure."""
    zone = args["zone"]
    provider = DnsProvider(zone["provider"])
    visible = {
        DnsProvider.ROUTE53: {"aws-zone-type": "public"},
        DnsProvider.CLOUD_DNS: {"google-zone-visibility": "public", "google-project": zone["account"]},
    }[provider]
    # An unknown id would remove the whole chart from the preview; the identity has access to one zone only anyway.
    filters = {"zone-id-filter": zone["zone"]} if isinstance(zone["zone"], str) else {}
    return {
        "provider": {"name": provider.value},
        "sources": list(SOURCES),
        "domainFilters": [zone["domain"]],
        "policy": "sync",
        "registry": "txt",
        "txtOwnerId": args["owner"],
        # Some providers refuse the star in the name of the TXT record for `*.example.com`.
        "extraArgs": {**visible, **filters, "txt-wildcard-replacement": "any"},
        "serviceAccount": {"name": SERVICE_ACCOUNT},
        "serviceMonitor": {"enabled": bool(args.get("monitoring_namespace"))},
        "resources": resources(cpu_millis=50, memory_mib=128, ephemeral_storage_mib=64),
    }
