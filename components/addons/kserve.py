"""KServe in Standard mode: InferenceServices as Deployments behind the platform's gateway, without Knative or Istio.

Its webhooks validate runtimes, InferenceServices and their pods. They answer once cert-manager has issued their
certificate and injected its CA bundle; until then custom resources are retried (`components.base.webhooks`).
"""

from typing import Any, Required, TypedDict

from pulumi import Output, ResourceOptions

from catalog.addons import ADDONS
from catalog.addresses import PRIVATE_RANGES
from catalog.kserve import FETCH_CPU_MILLIS, FETCH_MEMORY_GIB
from components.addons.gateway_spec import GatewayHandle
from components.addons.validation import check_kserve
from components.base.chart_source import ChartSource
from components.base.charts import AddonChart
from components.base.cluster_network import USUAL_NETWORK, ClusterNetworkHandle
from components.base.component import Component
from components.base.custom_resources import custom_resource
from components.base.namespaces import IsolatedNamespace, IsolatedNamespaceArgs, PodSecurity
from components.base.pods import resources
from components.base.traffic import scraped, to_api_server, webhook_from_api_server
from components.findings import refuse
from components.storage.plan import ObjectStoreHandle, ObjectStoreKind

CHART = "kserve-resources"
DEFAULT_NAMESPACE = ADDONS["kserve"].namespace
CONTROLLER_PODS = {"control-plane": "kserve-controller-manager"}
WEBHOOK_PORT, METRICS_PORT = 9443, ADDONS["kserve"].metrics_port
"""Label of the controller's pods (kserve/kserve v0.20.0 charts/kserve-resources/files/kserve/resources.yaml)."""
SERVICE_ACCOUNT_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105 - a path


class KServeArgs(TypedDict, total=False):
    """Settings of KServe. It needs cert-manager, and the CRD sets `kserve`, `gateway-api` and `cert-manager`."""

    source: Required[ChartSource]
    """Source of the chart."""
    gateway: Required[GatewayHandle]
    """Gateway of the models."""
    domain: Required[str]
    """Domain of the gateway: a model's host is `<name>-<namespace>.<suffix>`."""
    store: ObjectStoreHandle
    """Default object store: endpoint and region for Secrets without these annotations. Default: Amazon S3."""
    namespace: str
    """Default: kserve."""
    storage_initializer_memory_gib: int
    """Memory of the container that fetches a model. Default: 2."""
    control_plane_ranges: list[str]
    """Addresses from which the API server calls the webhooks. Default: every private range."""
    monitoring_namespace: str
    """Namespace whose Prometheus scrapes the controller; empty or missing: none."""
    network: ClusterNetworkHandle
    """How names are resolved and policies are evaluated. Default: `USUAL_NETWORK`."""


class KServe(Component):
    """KServe's controller and webhooks in their own namespace. The chart supports one replica only."""

    namespace: Output[str]
    """Where it runs."""

    def __init__(self, name: str, args: KServeArgs, opts: ResourceOptions | None = None) -> None:
        refuse(f"KServe {name}", check_kserve(name, args))
        super().__init__(name, args, opts)
        home = IsolatedNamespace(f"{name}-home", kserve_namespace(args), opts=self.child)
        AddonChart(
            f"{name}-controller",
            {"chart": CHART, "namespace": home.namespace, "values": kserve_values(args), "source": args["source"]},
            opts=self.child,
        )
        if args.get("monitoring_namespace"):
            custom_resource(
                f"{name}-metrics",
                "ServiceMonitor",
                "kserve-controller",
                controller_monitor_spec(),
                self.child,
                namespace=home.namespace,
            )
        self.namespace = home.namespace
        self.register_outputs({"namespace": self.namespace})


def kserve_namespace(args: KServeArgs) -> IsolatedNamespaceArgs:
    """The namespace and its traffic. Pure."""
    ranges = args.get("control_plane_ranges") or PRIVATE_RANGES
    return IsolatedNamespaceArgs(
        namespace=args.get("namespace") or DEFAULT_NAMESPACE,
        pod_security=PodSecurity.RESTRICTED,
        exceptions=[
            to_api_server(),
            *webhook_from_api_server(CONTROLLER_PODS, WEBHOOK_PORT, ranges),
            *scraped(args.get("monitoring_namespace") or "", [METRICS_PORT]),
        ],
        # The pod webhook ignores namespaces with this label, so that KServe's own pods can start.
        labels={"control-plane": "kserve-controller-manager"},
        network=args.get("network") or USUAL_NETWORK,
    )


def controller_monitor_spec() -> dict[str, Any]:
    """Scrapes the controller behind its proxy, which asks the API server whether Prometheus may. Pure."""
    return {
        "selector": {"matchLabels": dict(CONTROLLER_PODS)},
        "endpoints": [
            {
                "port": "https",
                "scheme": "https",
                "bearerTokenFile": SERVICE_ACCOUNT_TOKEN,
                # The certificate of the proxy is self-signed.
                "tlsConfig": {"insecureSkipVerify": True},
            }
        ],
    }


def kserve_values(args: KServeArgs) -> dict[str, Any]:
    """Values of the chart that differ from its defaults. Pure."""
    gateway = args["gateway"]
    memory_gib = int(args.get("storage_initializer_memory_gib") or FETCH_MEMORY_GIB)
    return {
        "kserve": {
            "controller": {
                # Set explicitly, because the chart's default is Knative and the code's is Standard.
                "deploymentMode": "Standard",
                "imagePullPolicy": "IfNotPresent",
                "resources": resources(
                    cpu_millis=100, memory_mib=512, cpu_limit_millis=1000, ephemeral_storage_mib=256
                ),
                "gateway": {
                    "domain": gateway["domains"][args["domain"]],
                    "urlScheme": "https",
                    "disableIstioVirtualHost": True,
                    "ingressGateway": {
                        "enableGatewayApi": True,
                        "createGateway": False,
                        "kserveGateway": f"{gateway['namespace']}/{gateway['name']}",
                    },
                },
            },
            "storage": {
                # No limit on local disk: it would limit the whole pod, including the model.
                "resources": {
                    "requests": {"cpu": f"{FETCH_CPU_MILLIS}m", "memory": f"{memory_gib}Gi"},
                    "limits": {"cpu": "2", "memory": f"{memory_gib}Gi"},
                },
                "s3": _s3_values(args.get("store")),
            },
            # The webhook gives these to transformers and explainers that name no limit: an empty text is none, and any
            # other would stand below a larger request (kserve/kserve v0.20.0 setResourceRequirementDefaults).
            "inferenceservice": {"resources": {"limits": {"cpu": ""}}},
            # Model servers do not use the API server; identities of clouds use separate tokens.
            "security": {"autoMountServiceAccountToken": False},
        }
    }


def _s3_values(store: ObjectStoreHandle | None) -> dict[str, str]:
    """Defaults for Secrets without annotations; the chart's own defaults if there is no store."""
    if not store or store["kind"] is ObjectStoreKind.GCS:
        return {}
    if not store["endpoint"]:
        return {"region": store["region"]}
    scheme, _, host = store["endpoint"].partition("://")
    return {
        "endpoint": host,
        "useHttps": "1" if scheme == "https" else "0",
        "region": store["region"],
        # Virtual-hosted buckets need a DNS name each, which an in-cluster store does not have.
        "useVirtualBucket": "0",
    }
