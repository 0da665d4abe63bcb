"""What stands at the edge of the cluster and signs for it: CRDs, certificates, the gateway."""

from components.addons.cert_manager import CertManager
from components.addons.crds import Crds
from components.addons.envoy_gateway import EnvoyGateway
from components.addons.gateway import Gateway
from components.addons.gateway_spec import CertificateSource, GatewayImplementation
from components.base.chart_source import ChartOrigin, ChartSource
from tests.components.cloud_handles import CLOUD_ZONE, EKS, GKE, OTHER_EKS, OTHER_GKE, ZONE
from tests.components.contract.case import ABSENT, Case
from tests.components.contract.traffic import RULE, rule_contexts
from tests.components.platform_handles import ISSUERS, NETWORK, SOURCE

_EXISTING = {"implementation": GatewayImplementation.EXISTING}

CASES = [
    Case(
        Crds,
        {
            "sets": ["gateway-api", "cert-manager"],
            "source": SOURCE,
            "keep_data": False,
            "converters": {"metallb": "edge"},
        },
        inert={"converters": "reaches the CRD through a transform, which the recorder does not run (test_crds.py)"},
        contexts={
            "mirror": {
                "source": ChartSource(origin=ChartOrigin.MIRROR, location="oci://registry.example.com/charts"),
                "mirror": "https://files.example.com/crds",
            }
        },
        variants={"sets": ["cert-manager"]},
        refused={"sets": []},
        second={"sets": ["kserve"]},
    ),
    Case(
        CertManager,
        {
            "network": NETWORK,
            "source": SOURCE,
            "keep_data": False,
            "namespace": "certificates",
            "highly_available": False,
            "control_plane_ranges": ["10.0.0.0/28"],
            "monitoring_namespace": "monitoring",
            "acme": {
                "server": "https://acme.example.com/directory",
                "email": "ops@example.com",
                "gateway_name": "edge",
                "gateway_namespace": "gateway",
                "gateway_pods": {"app": "proxy"},
                "gateway_ports": [10080],
            },
            "issuer_prefix": "ml-",
            "found": False,
        },
        contexts={
            "dns_zone": {"dns_zone": ZONE, "eks": EKS},
            "eks": {"dns_zone": ZONE, "eks": EKS},
            "gke": {"dns_zone": CLOUD_ZONE, "gke": GKE},
        },
        variants={"dns_zone": {**ZONE, "zone": "Z456"}, "eks": OTHER_EKS, "gke": OTHER_GKE},
        refused={"acme.server": "http://acme.example.com/directory"},
        second={"namespace": "more"},
        single="issuers are cluster-wide and asked for by name, and so are the objects of its chart",
    ),
    Case(
        EnvoyGateway,
        {
            "namespace": "gateway",
            "class_name": "edge",
            "source": SOURCE,
            "self_signed_issuer": "self-signed",
            "client_ranges": ["10.0.0.0/8"],
            "highly_available": False,
            "service_annotations": {"scheme": "internal"},
            "load_balancer_class": "example.com/lan",
            "monitored": True,
        },
        second={"namespace": "other", "class_name": "other"},
        single="its chart is installed once in a cluster: objects of a chart are named after it",
    ),
    Case(
        Gateway,
        {
            "network": NETWORK,
            "domains": [
                {"name": "public", "domain": "example.com", "certificate": CertificateSource.INTERNAL, "hosts": ["a"]},
                {"name": "inside", "domain": "ml.example.com", "certificate": CertificateSource.ACME, "hosts": ["b"]},
            ],
            "issuers": ISSUERS,
            "source": SOURCE,
            "implementation": GatewayImplementation.ENVOY,
            "class_name": "edge",
            "namespace": "edge",
            "client_ranges": ["10.0.0.0/8"],
            "exceptions": [RULE],
            "highly_available": False,
            "service_annotations": {"scheme": "internal"},
            "load_balancer_class": "example.com/lan",
            "monitoring_namespace": "monitoring",
        },
        contexts={
            "domains.0.secret_name": {
                "domains.0.certificate": CertificateSource.SECRET,
                "domains.0.hosts": ABSENT,
                "domains.0.secret_name": "edge-certificate",
            },
            "proxy_ranges": {**_EXISTING, "proxy_ranges": ["35.191.0.0/16"]},
            **rule_contexts("exceptions.0"),
        },
        variants={
            "issuers": {**ISSUERS, "internal": "company"},
            # Which ranges they are is the business of those behind the gateway, who let them in; here, whether any.
            "proxy_ranges": [],
        },
        refused={"domains": []},
        second={**_EXISTING, "class_name": "istio", "namespace": "other"},
    ),
]
