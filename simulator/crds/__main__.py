"""Write the stand-in CRDs: `python -m simulator.crds`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from simulator.crds import (
    cert_manager,
    cilium,
    cloudnative_pg,
    envoy_gateway,
    gateway_api,
    gke_compute_class,
    gke_provisioning_request,
    gpu_operator,
    karpenter,
    kserve,
    metallb,
    node_feature_discovery,
    nvidia_dra_driver,
    prometheus_operator,
)
from simulator.crds.schema import Kind, to_yaml

FOLDER = Path(__file__).parent

KINDS_BY_ADDON: Mapping[str, Sequence[Kind]] = {
    "cert-manager": cert_manager.KINDS,
    "cilium": cilium.KINDS,
    "cloudnative-pg": cloudnative_pg.KINDS,
    "dra-driver-nvidia-gpu": nvidia_dra_driver.KINDS,
    "envoy-gateway": envoy_gateway.KINDS,
    "gateway-api": gateway_api.KINDS,
    "gke-compute-class": gke_compute_class.KINDS,
    "gke-provisioning-request": gke_provisioning_request.KINDS,
    "gpu-operator": gpu_operator.KINDS,
    "karpenter": karpenter.KINDS,
    "kserve": kserve.KINDS,
    "metallb": metallb.KINDS,
    "node-feature-discovery": node_feature_discovery.KINDS,
    "prometheus-operator": prometheus_operator.KINDS,
}
"""What each file holds; the names are those of `catalog.versions.CRDS` and `CLOUD_CRDS`."""


def main() -> None:
    """Write every file anew."""
    for addon, kinds in KINDS_BY_ADDON.items():
        (FOLDER / f"{addon}.yaml").write_text(to_yaml(kinds), encoding="utf-8")


if __name__ == "__main__":
    main()
