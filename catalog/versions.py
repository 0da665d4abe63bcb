"""Every version that the platform deploys, in tables, each with its source.

Versions of tools (engine, provider, control plane) are in `tools/`, Python packages in requirements.txt. Sources name a
repository and tag, read between June and October 2026 unless stated otherwise. Digests: no image registry was
reachable when this table was written, so images are pinned by tag; `digest` is set where it is known.
"""

from collections.abc import Iterable
from typing import NamedTuple

_GITHUB_RAW = "https://raw.githubusercontent.com"


class Chart(NamedTuple):
    """One Helm chart as its upstream publishes it."""

    name: str
    version: str
    location: str
    """`oci://…` of the chart itself, or the `https://…` repository that serves it."""
    app_version: str
    crds: str
    """Folder of the CRDs that the `Crds` component installs before this chart; empty: none."""
    source: str


class CrdSet(NamedTuple):
    """The CRDs of one add-on, installed as a separate step."""

    version: str
    """Tag of the repository."""
    group: str
    """The API group by which it is recognised on a cluster."""
    repository: str
    """`owner/name` on GitHub."""
    folder: str
    """Of the repository; empty: the files are assets of the release."""
    files: tuple[str, ...]
    """Every CRD of that upstream folder for the chart; an operator stops if a CRD that it watches is missing."""
    everywhere: bool = True
    """Whether every platform installs it; the other sets are installed only with the charts that name them."""

    @property
    def urls(self) -> tuple[str, ...]:
        """The files, pinned to the tag."""
        address = (
            f"{_GITHUB_RAW}/{self.repository}/{self.version}/{self.folder}"
            if self.folder
            else f"https://github.com/{self.repository}/releases/download/{self.version}"
        )
        return tuple(f"{address}/{file}" for file in self.files)

    @property
    def source(self) -> str:
        """Repository, tag and folder."""
        return f"{self.repository} {self.version} {self.folder or '(release)'}"


class Conversion(NamedTuple):
    """A webhook that converts objects of a CRD. Upstream's chart configures it; its plain manifests omit it."""

    crd_set: str
    namespace: str
    """Default namespace of the chart."""
    service: str
    path: str
    review_versions: tuple[str, ...]
    source: str

    def spec(self, namespace: str) -> dict[str, object]:
        """`spec.conversion` of the CRD, for a release in that namespace."""
        service = {"namespace": namespace, "name": self.service, "path": self.path}
        webhook = {"clientConfig": {"service": service}, "conversionReviewVersions": list(self.review_versions)}
        return {"strategy": "Webhook", "webhook": webhook}


class Image(NamedTuple):
    """One container image that components of this platform run."""

    repository: str
    tag: str
    digest: str
    source: str

    @property
    def reference(self) -> str:
        """`repository:tag[@digest]`, for a container."""
        return f"{self.repository}:{self.tag}" + (f"@{self.digest}" if self.digest else "")


CHARTS: dict[str, Chart] = {
    chart.name: chart
    for chart in (
        # renovate: datasource=helm depName=nvidia-device-plugin registryUrl=https://nvidia.github.io/k8s-device-plugin
        Chart(
            "nvidia-device-plugin",
            "0.20.0",
            "https://nvidia.github.io/k8s-device-plugin",
            "0.20.0",
            "",
            "NVIDIA/k8s-device-plugin v0.20.0",
        ),
        # renovate: datasource=docker depName=registry.k8s.io/nfd/charts/node-feature-discovery
        Chart(
            "node-feature-discovery",
            "0.19.0",
            "oci://registry.k8s.io/nfd/charts/node-feature-discovery",
            "v0.19.0",
            "node-feature-discovery",
            "kubernetes-sigs/node-feature-discovery v0.19.0",
        ),
        # renovate: datasource=helm depName=dcgm-exporter registryUrl=https://nvidia.github.io/dcgm-exporter/helm-charts
        Chart(
            "dcgm-exporter",
            "4.8.2",
            "https://nvidia.github.io/dcgm-exporter/helm-charts",
            "4.8.2",
            "prometheus-operator",
            "NVIDIA/dcgm-exporter 4.5.3-4.8.2",
        ),
        # renovate: datasource=docker depName=quay.io/jetstack/charts/cert-manager
        Chart(
            "cert-manager",
            "v1.21.2",
            "oci://quay.io/jetstack/charts/cert-manager",
            "v1.21.2",
            "cert-manager",
            "cert-manager/cert-manager v1.21.2",
        ),
        # renovate: datasource=docker depName=docker.io/envoyproxy/gateway-helm
        Chart(
            "gateway-helm",
            "v1.9.1",
            "oci://docker.io/envoyproxy/gateway-helm",
            "v1.9.1",
            "gateway-api",
            "envoyproxy/gateway v1.9.1",
        ),
        # renovate: datasource=docker depName=ghcr.io/prometheus-community/charts/kube-prometheus-stack
        Chart(
            "kube-prometheus-stack",
            "88.5.3",
            "oci://ghcr.io/prometheus-community/charts/kube-prometheus-stack",
            "v0.93.1",
            "prometheus-operator",
            "prometheus-community/helm-charts kube-prometheus-stack-88.5.3",
        ),
        # renovate: datasource=docker depName=ghcr.io/kserve/charts/kserve-resources
        Chart(
            "kserve-resources",
            "v0.20.0",
            "oci://ghcr.io/kserve/charts/kserve-resources",
            "v0.20.0",
            "kserve",
            "kserve/kserve v0.20.0",
        ),
        # renovate: datasource=helm depName=external-dns registryUrl=https://kubernetes-sigs.github.io/external-dns
        Chart(
            "external-dns",
            "1.22.0",
            "https://kubernetes-sigs.github.io/external-dns",
            "0.22.0",
            "",
            "kubernetes-sigs/external-dns external-dns-helm-chart-1.22.0, 2026-09-11",
        ),
        # renovate: datasource=helm depName=cloudnative-pg registryUrl=https://cloudnative-pg.github.io/charts
        Chart(
            "cloudnative-pg",
            "0.29.0",
            "https://cloudnative-pg.github.io/charts",
            "1.30.0",
            "cloudnative-pg",
            "cloudnative-pg/charts",
        ),
        # renovate: datasource=docker depName=public.ecr.aws/karpenter/karpenter
        Chart(
            "karpenter",
            "1.14.3",
            "oci://public.ecr.aws/karpenter/karpenter",
            "1.14.3",
            "karpenter",
            "aws/karpenter-provider-aws v1.14.3 charts/karpenter",
        ),
        # renovate: datasource=helm depName=cluster-autoscaler registryUrl=https://kubernetes.github.io/autoscaler
        Chart(
            "cluster-autoscaler",
            "9.59.0",
            "https://kubernetes.github.io/autoscaler",
            "1.35.0",
            "",  # its kinds belong to flags that are off by default, and Karpenter's CRDs include one of them
            "kubernetes/autoscaler cluster-autoscaler-chart-9.59.0",
        ),
        # renovate: datasource=helm depName=gpu-operator registryUrl=https://helm.ngc.nvidia.com/nvidia
        Chart(
            "gpu-operator",
            "v26.7.0",
            "https://helm.ngc.nvidia.com/nvidia",
            "v26.7.0",
            "gpu-operator",
            "NVIDIA/gpu-operator v26.7.0 deployments/gpu-operator",
        ),
        # renovate: datasource=docker depName=registry.k8s.io/dra-driver-nvidia/charts/dra-driver-nvidia-gpu
        Chart(
            "dra-driver-nvidia-gpu",
            "0.4.1",
            "oci://registry.k8s.io/dra-driver-nvidia/charts/dra-driver-nvidia-gpu",
            "0.4.1",
            "dra-driver-nvidia-gpu",
            "kubernetes-sigs/dra-driver-nvidia-gpu v0.4.1",
        ),
        # renovate: datasource=helm depName=metallb registryUrl=https://metallb.github.io/metallb
        Chart(
            "metallb",
            "0.16.2",
            "https://metallb.github.io/metallb",
            "v0.16.2",
            "metallb",
            "metallb/metallb v0.16.2 charts/metallb, 2026-11-04",
        ),
        # renovate: datasource=helm depName=csi-driver-nfs registryUrl=https://raw.githubusercontent.com/kubernetes-csi/csi-driver-nfs/master/charts
        Chart(
            "csi-driver-nfs",
            "4.13.4",
            f"{_GITHUB_RAW}/kubernetes-csi/csi-driver-nfs/master/charts",
            "4.13.4",
            "",
            "kubernetes-csi/csi-driver-nfs v4.13.4 charts/index.yaml",
        ),
        # renovate: datasource=helm depName=aws-efa-k8s-device-plugin registryUrl=https://aws.github.io/eks-charts
        Chart(
            "aws-efa-k8s-device-plugin",
            "v0.5.30",
            "https://aws.github.io/eks-charts",
            "v0.5.20",
            "",
            "aws/eks-charts 5239609 stable/aws-efa-k8s-device-plugin",
        ),
    )
}

CRDS: dict[str, CrdSet] = {
    # renovate: datasource=github-releases depName=cert-manager/cert-manager
    "cert-manager": CrdSet(
        "v1.21.2",
        "cert-manager.io",
        "cert-manager/cert-manager",
        "",
        ("cert-manager.crds.yaml",),
    ),
    # renovate: datasource=github-releases depName=kubernetes-sigs/gateway-api
    "gateway-api": CrdSet(
        "v1.6.1",  # what Envoy Gateway 1.9.1 is built against (its go.mod)
        "gateway.networking.k8s.io",
        "kubernetes-sigs/gateway-api",
        "",
        ("standard-install.yaml",),
    ),
    # renovate: datasource=github-releases depName=envoyproxy/gateway
    "envoy-gateway": CrdSet(
        "v1.9.1",
        "gateway.envoyproxy.io",
        "envoyproxy/gateway",
        "charts/gateway-helm/charts/crds/crds/generated",
        tuple(
            f"gateway.envoyproxy.io_{plural}.yaml"
            for plural in (
                "backends",
                "backendtrafficpolicies",
                "clienttrafficpolicies",
                "envoyextensionpolicies",
                "envoypatchpolicies",
                "envoyproxies",
                "httproutefilters",
                "securitypolicies",
            )
        ),
    ),
    # renovate: datasource=github-releases depName=kserve/kserve
    "kserve": CrdSet(
        "v0.20.0",
        "serving.kserve.io",
        "kserve/kserve",
        "config/crd/full",
        (
            "serving.kserve.io_inferenceservices.yaml",
            "serving.kserve.io_servingruntimes.yaml",
            "serving.kserve.io_clusterservingruntimes.yaml",
            "serving.kserve.io_inferencegraphs.yaml",
            "serving.kserve.io_trainedmodels.yaml",
            "clusterstoragecontainer/serving.kserve.io_clusterstoragecontainers.yaml",
        ),
    ),
    # renovate: datasource=github-releases depName=prometheus-operator/prometheus-operator
    "prometheus-operator": CrdSet(
        "v0.93.1",
        "monitoring.coreos.com",
        "prometheus-operator/prometheus-operator",
        "example/prometheus-operator-crd",
        tuple(
            f"monitoring.coreos.com_{plural}.yaml"
            for plural in (
                "alertmanagerconfigs",
                "alertmanagers",
                "podmonitors",
                "probes",
                "prometheusagents",
                "prometheuses",
                "prometheusrules",
                "scrapeconfigs",
                "servicemonitors",
                "thanosrulers",
            )
        ),
    ),
    # renovate: datasource=github-releases depName=kubernetes-sigs/node-feature-discovery
    "node-feature-discovery": CrdSet(
        "v0.19.0",
        "nfd.k8s-sigs.io",
        "kubernetes-sigs/node-feature-discovery",
        "deployment/base/nfd-crds",
        ("nfd-api-crds.yaml",),
    ),
    # renovate: datasource=github-releases depName=cloudnative-pg/cloudnative-pg
    "cloudnative-pg": CrdSet(
        "v1.30.1",
        "postgresql.cnpg.io",
        "cloudnative-pg/cloudnative-pg",
        "config/crd/bases",
        tuple(
            f"postgresql.cnpg.io_{plural}.yaml"
            for plural in (
                "backups",
                "clusterimagecatalogs",
                "clusters",
                "databaseroles",
                "databases",
                "failoverquorums",
                "imagecatalogs",
                "poolers",
                "publications",
                "scheduledbackups",
                "subscriptions",
            )
        ),
    ),
    # renovate: datasource=github-releases depName=aws/karpenter-provider-aws
    "karpenter": CrdSet(
        "v1.14.3",
        "karpenter.sh",
        "aws/karpenter-provider-aws",
        "pkg/apis/crds",
        (
            "autoscaling.x-k8s.io_capacitybuffers.yaml",
            "karpenter.k8s.aws_ec2nodeclasses.yaml",
            "karpenter.sh_nodeclaims.yaml",
            "karpenter.sh_nodeoverlays.yaml",
            "karpenter.sh_nodepools.yaml",
        ),
        everywhere=False,
    ),
    # renovate: datasource=github-releases depName=NVIDIA/gpu-operator
    "gpu-operator": CrdSet(
        "v26.7.0",
        "nvidia.com",
        "NVIDIA/gpu-operator",
        "deployments/gpu-operator/crds",
        # Not its copies of resource.nvidia.com: the DRA driver, a separate chart, installs them.
        tuple(f"nvidia.com_{plural}.yaml" for plural in ("clusterpolicies", "gpuclusters", "nvidiadrivers")),
        everywhere=False,
    ),
    # renovate: datasource=github-releases depName=kubernetes-sigs/dra-driver-nvidia-gpu
    "dra-driver-nvidia-gpu": CrdSet(
        "v0.4.1",
        "resource.nvidia.com",
        "kubernetes-sigs/dra-driver-nvidia-gpu",
        "deployments/helm/dra-driver-nvidia-gpu/crds",
        tuple(f"resource.nvidia.com_{plural}.yaml" for plural in ("computedomaincliques", "computedomains")),
        everywhere=False,
    ),
    # renovate: datasource=github-releases depName=metallb/metallb
    "metallb": CrdSet(
        "v0.16.2",
        "metallb.io",
        "metallb/metallb",
        "config/crd/bases",
        tuple(
            f"metallb.io_{plural}.yaml"
            for plural in (
                "bfdprofiles",
                "bgpadvertisements",
                "bgppeers",
                "communities",
                "configurationstates",
                "ipaddresspools",
                "l2advertisements",
                "servicebgpstatuses",
                "servicel2statuses",
            )
        ),
        everywhere=False,
    ),
}

CONVERSIONS: dict[str, Conversion] = {
    # Without it the controller cannot store its certificate and never starts its webhook server, so the API server
    # refuses every IPAddressPool (observed with controller 0.16.1: port 9443 closed, readyz ok).
    "bgppeers.metallb.io": Conversion(
        "metallb",
        "metallb-system",
        "metallb-webhook-service",
        "/convert",
        ("v1beta1", "v1beta2"),
        "metallb/metallb v0.16.2 config/crd/patches, charts/metallb/charts/crds",
    )
}
"""By name of the CRD."""

IMAGES: dict[str, Image] = {
    # renovate: datasource=docker depName=docker.io/rocm/k8s-device-plugin
    "amd-device-plugin": Image(
        "docker.io/rocm/k8s-device-plugin", "1.31.0.9", "", "ROCm/k8s-device-plugin ed76468 helm/amd-gpu/values.yaml"
    ),
    # renovate: datasource=docker depName=public.ecr.aws/neuron/neuron-device-plugin
    "neuron-device-plugin": Image(
        "public.ecr.aws/neuron/neuron-device-plugin",
        "2.32.0.0",
        "",
        "chart neuron-helm-chart 1.10.0, 2026: its pod differs from 2.23.30.0's by image and one label alone",
    ),
    # renovate: datasource=docker depName=docker.io/rancher/library-busybox
    "local-path-helper": Image(
        "docker.io/rancher/library-busybox", "1.32.1", "", "rancher/local-path-provisioner v0.0.37 main.go"
    ),
    # renovate: datasource=docker depName=docker.io/rancher/local-path-provisioner
    "local-path-provisioner": Image(
        "docker.io/rancher/local-path-provisioner", "v0.0.37", "", "rancher/local-path-provisioner v0.0.37 deploy/"
    ),
    # renovate: datasource=docker depName=ghcr.io/mlflow/mlflow
    "mlflow": Image("ghcr.io/mlflow/mlflow", "v3.17.2-full", "", "mlflow/mlflow v3.17.2 docker/Dockerfile.full"),
    # renovate: datasource=docker depName=ghcr.io/cloudnative-pg/cloudnative-pg
    "cloudnative-pg": Image(
        "ghcr.io/cloudnative-pg/cloudnative-pg",
        "1.30.1",
        "",
        "cloudnative-pg/cloudnative-pg v1.30.1, 2026-09-23: releases/cnpg-1.30.1.yaml differs from 1.30.0's by "
        "image tag and CRD schemas alone, so that chart 0.29.0 installs it",
    ),
    # renovate: datasource=docker depName=ghcr.io/cloudnative-pg/postgresql
    "postgresql": Image(
        "ghcr.io/cloudnative-pg/postgresql",
        "17.11-standard-trixie",
        "",
        "cloudnative-pg/postgres-containers, variant standard; 17.11 seen in image catalogues of 2026-09",
    ),
    # renovate: datasource=docker depName=docker.io/rclone/rclone
    "rclone": Image(
        "docker.io/rclone/rclone",
        "1.75.1",
        "sha256:45401ad7410db1d67ffdb58e19059ad20b0d8e0285a60e38bbec55cc1019c7a5",
        "rclone/rclone v1.75.1",
    ),
    # renovate: datasource=docker depName=docker.io/chrislusf/seaweedfs
    "seaweedfs": Image(
        "docker.io/chrislusf/seaweedfs",
        "4.47",
        "sha256:ce9e796f1fe6f06968f4c04bdaf8f678dad9c8acdfef3d244133d71bfa6bf882",
        "seaweedfs/seaweedfs 4.47, docker/Dockerfile.go_build",
    ),
    # The images of serving runtimes have no digest: KServe does not change an image with a digest, so `runtimeVersion`
    # and KServe's choice of a GPU tag would have no effect (v0.20.0 UpdateImageTag).
    # renovate: datasource=docker depName=docker.io/kserve/sklearnserver
    "sklearnserver": Image(
        "docker.io/kserve/sklearnserver", "v0.20.0", "", "kserve/kserve v0.20.0 charts/kserve-runtime-configs"
    ),
    # renovate: datasource=docker depName=docker.io/kserve/xgbserver
    "xgbserver": Image(
        "docker.io/kserve/xgbserver", "v0.20.0", "", "kserve/kserve v0.20.0 charts/kserve-runtime-configs"
    ),
    # renovate: datasource=docker depName=docker.io/kserve/lgbserver
    "lgbserver": Image(
        "docker.io/kserve/lgbserver", "v0.20.0", "", "kserve/kserve v0.20.0 charts/kserve-runtime-configs"
    ),
    # renovate: datasource=docker depName=docker.io/kserve/huggingfaceserver
    "huggingfaceserver": Image(
        "docker.io/kserve/huggingfaceserver", "v0.20.0", "", "kserve/kserve v0.20.0 charts/kserve-runtime-configs"
    ),
    # renovate: datasource=docker depName=docker.io/seldonio/mlserver
    "mlserver": Image(
        "docker.io/seldonio/mlserver", "1.7.1", "", "kserve/kserve v0.20.0 config/runtimes/kustomization.yaml"
    ),
    # renovate: datasource=docker depName=nvcr.io/nvidia/tritonserver
    "tritonserver": Image(
        "nvcr.io/nvidia/tritonserver", "23.05-py3", "", "kserve/kserve v0.20.0 charts/kserve-runtime-configs"
    ),
    # renovate: datasource=docker depName=docker.io/vllm/vllm-openai
    "vllm": Image(
        "docker.io/vllm/vllm-openai",
        "v0.31.0",
        "",
        "vllm 0.31.0 of 2026-10-05 (PyPI); CUDA 13.0, as v0.24.0's image has",
    ),
}

CLOUD_CRDS = frozenset({"cilium", "gke-compute-class", "gke-provisioning-request"})
"""CRDs that a cloud's clusters or a CNI include: the platform never installs them; stand-ins validate our objects."""

API_VERSIONS: dict[str, str] = {
    "Certificate": "cert-manager.io/v1",
    "ClusterIssuer": "cert-manager.io/v1",
    "Issuer": "cert-manager.io/v1",
    "GatewayClass": "gateway.networking.k8s.io/v1",
    "Gateway": "gateway.networking.k8s.io/v1",
    "HTTPRoute": "gateway.networking.k8s.io/v1",
    "EnvoyProxy": "gateway.envoyproxy.io/v1alpha1",
    "SecurityPolicy": "gateway.envoyproxy.io/v1alpha1",
    "InferenceService": "serving.kserve.io/v1beta1",
    "ClusterServingRuntime": "serving.kserve.io/v1alpha1",
    "ServiceMonitor": "monitoring.coreos.com/v1",
    "PodMonitor": "monitoring.coreos.com/v1",
    "PrometheusRule": "monitoring.coreos.com/v1",
    "Cluster": "postgresql.cnpg.io/v1",
    "ResourceClaimTemplate": "resource.k8s.io/v1",
    "ResourceSlice": "resource.k8s.io/v1",
    "IPAddressPool": "metallb.io/v1beta1",
    "L2Advertisement": "metallb.io/v1beta1",
    "NodePool": "karpenter.sh/v1",
    "EC2NodeClass": "karpenter.k8s.aws/v1",
    "ComputeClass": "cloud.google.com/v1",
    "ProvisioningRequest": "autoscaling.x-k8s.io/v1",
    "CiliumNetworkPolicy": "cilium.io/v2",
}
"""The API version of each custom resource kind that components create (storage versions of `CRDS`, `CLOUD_CRDS`)."""


class PostgresqlVersion(NamedTuple):
    """One major version of PostgreSQL in managed databases; the cloud chooses the minor version."""

    rds_engine_version: str
    """RDS takes the major version and installs its newest minor."""
    rds_family: str
    """Name of the parameter group family."""
    cloud_sql_version: str
    source: str


POSTGRESQL: dict[str, PostgresqlVersion] = {
    "16": PostgresqlVersion(
        "16", "postgres16", "POSTGRES_16", "RDS release calendar for PostgreSQL; sqladmin v1 discovery, databaseVersion"
    ),
    "17": PostgresqlVersion(
        "17", "postgres17", "POSTGRES_17", "RDS release calendar for PostgreSQL; sqladmin v1 discovery, databaseVersion"
    ),
}
"""By major version; none is newer than the backup client (`IMAGES["postgresql"]`): pg_dump refuses newer servers."""
DEFAULT_POSTGRESQL = "17"


def crd_sets(charts: Iterable[str] = ()) -> list[str]:
    """The sets that a platform needs: those that every one has, and those of these charts. Pure.

    Each set costs seconds of every first `up`, so that what no chart of the environment needs is left out.
    """
    everywhere = {name for name, crd_set in CRDS.items() if crd_set.everywhere}
    return sorted(everywhere | {CHARTS[chart].crds for chart in charts if CHARTS[chart].crds})
