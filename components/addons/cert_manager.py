"""cert-manager: certificates for names inside the cluster from a CA of the platform, for public names from ACME.

Its webhook answers once cainjector has injected the CA bundle. Upstream waits for that in a Helm hook, which Pulumi
does not run; issuers and certificates are retried until then (`components.base.webhooks`).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NotRequired, Required, TypedDict

from pulumi import Output, Resource, ResourceOptions

from catalog.addons import ADDONS
from catalog.addresses import PRIVATE_RANGES
from components.addons.validation import check_acme
from components.addons.zone_identity import ZoneAccess, ZoneClusters, clusters_of, region_of, zone_identity
from components.base.chart_source import ChartSource
from components.base.charts import AddonChart
from components.base.cluster_network import USUAL_NETWORK, ClusterNetworkHandle
from components.base.component import Component
from components.base.custom_resources import custom_resource
from components.base.names import check_object_name
from components.base.namespaces import IsolatedNamespace, PodSecurity
from components.base.pods import spread
from components.base.traffic import scraped, to_api_server, webhook_from_api_server
from components.base.traffic_rules import Direction, TrafficRuleArgs, identity_egress, to_anywhere
from components.clouds.dns import DnsProvider, DnsZoneHandle
from components.clouds.dns_validation import ZONE_CLUSTERS, check_zone_identity
from components.clouds.eks.handles import EksHandle
from components.clouds.gke.handles import GkeHandle
from components.findings import Finding, refuse

DEFAULT_NAMESPACE = ADDONS["cert-manager"].namespace
METRICS_PORT = ADDONS["cert-manager"].metrics_port
WEBHOOK_PORT = 10250
CONTROLLER_PODS = {"app.kubernetes.io/component": "controller", "app.kubernetes.io/instance": "cert-manager"}
WEBHOOK_PODS = {"app.kubernetes.io/component": "webhook", "app.kubernetes.io/instance": "cert-manager"}

SELF_SIGNED_ISSUER = "self-signed"
INTERNAL_ISSUER = "internal"
ACME_ISSUER = "acme"
SERVICE_ACCOUNT = "cert-manager"
"""Service account of the controller, which the chart names after its release."""
CA_SECRET = "internal-ca"  # noqa: S105 - a name
CA_DURATION = "87600h"
"""Ten years: clients that trust the CA have a copy of its certificate, and no program renews these copies."""


class AcmeArgs(TypedDict):
    """An account with a certificate authority that speaks ACME (Let's Encrypt, a company's own)."""

    server: str
    """Directory URL, `https://acme-v02.api.letsencrypt.org/directory`."""
    email: str
    """E-mail address that the authority warns before certificates expire."""
    gateway_name: str
    """Gateway that receives the authority's HTTP-01 challenges on port 80."""
    gateway_namespace: str
    """Its namespace."""
    gateway_pods: dict[str, str]
    """Labels of its proxies' pods; empty if the proxies are not pods. Many CNIs translate the gateway's address to
    these pods before they evaluate egress policies."""
    gateway_ports: list[int]
    """Ports on which these pods listen for clients."""


class IssuersHandle(TypedDict):
    """ClusterIssuers by purpose."""

    self_signed: str
    """Self-signed issuer, for the root of another CA."""
    internal: str
    """The platform's own CA: names inside the cluster and the company."""
    acme: str
    """Public names; empty where no account is configured."""
    namespace: str
    """Namespace of cert-manager: it checks its own answers to HTTP-01 challenges through the gateway."""
    dns_zone: NotRequired[str]
    """Domain whose names are validated by DNS-01, so that wildcards can be issued; missing: none."""


class CertManagerArgs(TypedDict, total=False):
    """Settings of cert-manager and its issuers."""

    source: Required[ChartSource]
    """Where charts come from."""
    keep_data: bool
    """Required in stacks that are not simulated: the CA certificate is kept when the stack is destroyed."""
    namespace: str
    """Default: cert-manager."""
    highly_available: bool
    """Several replicas, spread over nodes and with disruption budgets; default false."""
    control_plane_ranges: list[str]
    """Addresses from which the API server calls the webhook; default: all private ranges."""
    monitoring_namespace: str
    """Namespace whose Prometheus scrapes it (needs the CRDs of prometheus-operator); default: none."""
    acme: AcmeArgs | None
    """Default: no ACME issuer."""
    dns_zone: DnsZoneHandle
    """Zone whose names are validated by DNS-01: no port must be open to the authority, and wildcards can be issued.
    Default: all names are validated through the gateway (HTTP-01)."""
    eks: EksHandle
    """Required for a zone of Route 53: the cluster that it runs in."""
    gke: GkeHandle
    """Required for a zone of Cloud DNS: the cluster that it runs in."""
    issuer_prefix: str
    """Prefix of the ClusterIssuers' names, for clusters that have others of these names; default: none."""
    found: bool
    """Whether the cluster has it already, in `namespace`: only issuers and CA are declared. Default false.

    With `acme` its Gateway API support must be on. The CA's names get the prefix as well.
    """
    network: ClusterNetworkHandle
    """How names are resolved and policies are evaluated. Default: `USUAL_NETWORK`."""


def cert_manager_values(
    namespace: str, *, highly_available: bool, monitored: bool, own_records: bool = False
) -> dict[str, Any]:
    """Values of the chart. Replicas as upstream recommends for production (webhook 3, the others 2). Pure."""
    return {
        "crds": {"enabled": False},
        "global": {"leaderElection": {"namespace": namespace}},  # not kube-system, which managed clusters restrict
        "config": {"gatewayAPI": {"enabled": True}},
        "startupapicheck": {"enabled": False},
        # It checks its records with the cluster's resolvers, because policies deny the zone's own servers.
        "dns01RecursiveNameserversOnly": own_records or None,
        **_part("controller", 2 if highly_available else 1, "256Mi"),
        "webhook": {
            **_part("webhook", 3 if highly_available else 1, "128Mi"),
            "securePort": WEBHOOK_PORT,
        },
        "cainjector": _part("cainjector", 2 if highly_available else 1, "256Mi"),
        "prometheus": {"enabled": True, "servicemonitor": {"enabled": monitored}},
    }


def _part(component: str, replicas: int, memory: str) -> dict[str, Any]:
    pods = {"app.kubernetes.io/component": component, "app.kubernetes.io/instance": "cert-manager"}
    return {
        "replicaCount": replicas,
        "podDisruptionBudget": {"enabled": replicas > 1},
        "topologySpreadConstraints": [spread(pods)] if replicas > 1 else [],
        "resources": {"requests": {"cpu": "50m", "memory": memory}, "limits": {"memory": memory}},
    }


def cert_manager_traffic(monitoring_namespace: str, ranges: list[str], acme: AcmeArgs | None) -> list[TrafficRuleArgs]:
    """Allowed ingress and egress of its namespace. Pure."""
    return [
        to_api_server(),
        *webhook_from_api_server(WEBHOOK_PODS, WEBHOOK_PORT, ranges),
        *scraped(monitoring_namespace, [METRICS_PORT]),
        *(self_check_traffic(acme) if acme else []),
    ]


def self_check_traffic(acme: AcmeArgs) -> list[TrafficRuleArgs]:
    """cert-manager requests its own HTTP-01 answer before the authority does. Pure. ACME itself is on 443, as above.

    Where the gateway has an address, and not a name only, nodes translate it to a pod of the gateway on the port that
    the pod listens on, so egress to port 80 is not enough (cert-manager documentation, troubleshooting/acme).
    """
    rules = [to_anywhere("acme-self-check", [80])]
    if acme["gateway_pods"]:
        rules.append(
            TrafficRuleArgs(
                name="acme-self-check-gateway",
                direction=Direction.EGRESS,
                pods=dict(CONTROLLER_PODS),
                peer_namespace=acme["gateway_namespace"],
                peer_pods=dict(acme["gateway_pods"]),
                ports=[int(port) for port in acme["gateway_ports"]],
            )
        )
    return rules


def check_acme_account(path: str, acme: AcmeArgs) -> Iterator[Finding]:
    """A valid ACME account and gateway. Pure."""
    yield from check_acme(path, acme["email"], acme["server"])
    yield from check_object_name(f"{path}.gatewayName", acme["gateway_name"])
    yield from check_object_name(f"{path}.gatewayNamespace", acme["gateway_namespace"])


def check_dns_zone(path: str, args: CertManagerArgs) -> Iterator[Finding]:
    """Records are written for an ACME account, by an identity of the zone's cloud. Pure."""
    zone = args.get("dns_zone")
    if zone:
        yield from check_zone_identity(path, zone, args)
        if not args.get("acme"):
            yield Finding(f"{path}.dnsZone", zone["domain"], "a DNS zone is used with ACME only", "add acme")
        return
    for cloud in ZONE_CLUSTERS.values():
        if args.get(cloud):
            yield Finding(
                f"{path}.{cloud}", "given", "an identity is used with a DNS zone only", "remove it, or add dnsZone"
            )


def zone_solver(zone: DnsZoneHandle, region: str) -> dict[str, Any]:
    """The solver for names in a zone, with the pod's own identity. Pure."""
    if DnsProvider(zone["provider"]) is DnsProvider.ROUTE53:
        way: dict[str, Any] = {"route53": {"region": region, "hostedZoneID": zone["zone"]}}
    else:
        way = {"cloudDNS": {"project": zone["account"], "hostedZoneName": zone["zone"]}}
    return {"dns01": way, "selector": {"dnsZones": [zone["domain"]]}}


def acme_spec(acme: AcmeArgs, solvers: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """The `spec` of the ACME issuer; names without another solver are validated through the gateway. Pure."""
    gateway = {"kind": "Gateway", "name": acme["gateway_name"], "namespace": acme["gateway_namespace"]}
    return {
        "acme": {
            "server": acme["server"],
            "email": acme["email"],
            "privateKeySecretRef": {"name": "acme-account"},
            "solvers": [*solvers, {"http01": {"gatewayHTTPRoute": {"parentRefs": [gateway]}}}],
        }
    }


def issuers_handle(prefix: str, namespace: str, *, acme: bool, dns_zone: str = "") -> IssuersHandle:
    """The names of the issuers. Pure."""
    return IssuersHandle(
        self_signed=prefix + SELF_SIGNED_ISSUER,
        internal=prefix + INTERNAL_ISSUER,
        acme=prefix + ACME_ISSUER if acme else "",
        namespace=namespace,
        dns_zone=dns_zone,
    )


class CertManager(Component):
    """cert-manager with its issuers. Needs the CRD sets `cert-manager` and `gateway-api`."""

    namespace: Output[str]
    """Namespace in which it runs."""

    def __init__(self, name: str, args: CertManagerArgs, opts: ResourceOptions | None = None) -> None:
        acme, zone = args.get("acme"), args.get("dns_zone")
        account = check_acme_account(f"{name}.acme", acme) if acme else ()
        refuse(f"cert-manager {name}", [*account, *check_dns_zone(name, args)])
        super().__init__(name, args, opts)
        namespace = args.get("namespace") or DEFAULT_NAMESPACE
        prefix, found = args.get("issuer_prefix", ""), bool(args.get("found"))
        proved = zone["domain"] if zone else ""
        self.issuers: IssuersHandle = issuers_handle(prefix, namespace, acme=bool(acme), dns_zone=proved)
        self.namespace = Output.from_input(namespace)
        installed = [] if found else [self._install(name, namespace, args)]
        self._internal_ca(name, prefix * found + CA_SECRET, installed, kept=bool(args.get("keep_data")))
        if acme:
            solvers = [zone_solver(zone, region_of(clusters_of(args)))] if zone else []
            self._issuer(f"{name}-acme", self.issuers["acme"], acme_spec(acme, solvers), installed)
        self.register_outputs({"namespace": self.namespace})

    def _install(self, name: str, namespace: str, args: CertManagerArgs) -> Resource:
        acme, zone, monitoring = args.get("acme"), args.get("dns_zone"), args.get("monitoring_namespace", "")
        ranges = args.get("control_plane_ranges") or PRIVATE_RANGES
        home = IsolatedNamespace(
            f"{name}-namespace",
            {
                "namespace": namespace,
                "pod_security": PodSecurity.RESTRICTED,
                "exceptions": [
                    *cert_manager_traffic(monitoring, ranges, acme),
                    *(identity_egress(google=zone["provider"] == DnsProvider.CLOUD_DNS) if zone else []),
                ],
                "network": args.get("network") or USUAL_NETWORK,
            },
            opts=self.child,
        )
        self.namespace = home.namespace
        return AddonChart(
            f"{name}-chart",
            {
                "chart": "cert-manager",
                "namespace": home.namespace,
                "values": cert_manager_values(
                    namespace,
                    highly_available=bool(args.get("highly_available")),
                    monitored=bool(monitoring),
                    own_records=bool(zone),
                ),
                "source": args["source"],
            },
            opts=ResourceOptions.merge(
                self.child, ResourceOptions(depends_on=self._identity(name, home, zone, clusters_of(args)))
            ),
        )

    def _identity(
        self, name: str, home: IsolatedNamespace, zone: DnsZoneHandle | None, clusters: ZoneClusters
    ) -> list[Resource]:
        if not zone:
            return []
        who = (home.namespace, SERVICE_ACCOUNT)
        return [zone_identity(f"{name}-identity", zone, clusters, who, ZoneAccess.CHALLENGES, self.child)]

    def _issuer(self, resource_name: str, issuer: str, spec: dict[str, Any], after: Sequence[Resource]) -> Resource:
        options = ResourceOptions.merge(self.child, ResourceOptions(depends_on=[*after]))
        return custom_resource(resource_name, "ClusterIssuer", issuer, spec, options)

    def _internal_ca(self, name: str, secret: str, after: Sequence[Resource], *, kept: bool) -> None:
        """A self-signed root, and the issuer that signs with it."""
        root = self._issuer(f"{name}-self-signed", self.issuers["self_signed"], {"selfSigned": {}}, after)
        authority = custom_resource(
            f"{name}-ca",
            "Certificate",
            secret,
            {
                "isCA": True,
                "commonName": "mlplatform internal CA",
                "secretName": secret,
                "duration": CA_DURATION,
                # Renewed with the same key, so that certificates signed before stay valid.
                "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Never"},
                "issuerRef": {
                    "name": self.issuers["self_signed"],
                    "kind": "ClusterIssuer",
                    "group": "cert-manager.io",
                },
            },
            ResourceOptions.merge(self.child, ResourceOptions(depends_on=[root], protect=kept, retain_on_delete=kept)),
            namespace=self.namespace,
        )
        self._issuer(f"{name}-internal", self.issuers["internal"], {"ca": {"secretName": secret}}, [authority])
