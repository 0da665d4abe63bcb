"""Facts of GKE that plans and rules read. No Pulumi package is imported here."""

from catalog.accelerators import Sharing
from components.capacity.placement import Taint
from components.clouds.gke.spec import GkeMode, GkePurchase

CLOUD_LABEL_DOMAIN = "cloud.google.com"
"""GKE sets the labels of this domain itself and refuses most of them from others."""
MAX_POOL_NAME = 40
"""Characters of the name of a cluster or node pool (GKE API)."""
MAX_ACCOUNT_ID = 30
"""Characters of the name of a service account (IAM API)."""
QUEUED_TAINT = Taint(key="cloud.google.com/gke-queued", value="true", effect="NoSchedule")
"""GKE sets it on pools with queued provisioning."""
FLEX_START_LABEL = "cloud.google.com/gke-flex-start"
"""GKE sets it on nodes of the Dynamic Workload Scheduler; pods of a ProvisioningRequest select it (GKE documentation,
how-to/provisioningrequest)."""
ARM_TAINT = Taint(key="kubernetes.io/arch", value="arm64", effect="NoSchedule")
"""GKE sets it on nodes with Arm processors, so that images for other architectures are not scheduled there."""
DRA_LABELS = {"gke-no-default-nvidia-gpu-device-plugin": "true", "nvidia.com/gpu.present": "true"}
"""Labels that disable GKE's device plugin and select nodes for the DRA driver (GKE documentation,
how-to/set-up-dra)."""
WORKLOAD_POLICY_ACCELERATORS = frozenset({"TPU-v7x"})
"""A workload policy, not the pool, has the topology of their slices (GKE documentation, tpu7x)."""
SINCE_VERSION: dict[str, dict[GkeMode, str]] = {
    "TPU-v7x": {GkeMode.STANDARD: "1.34.0-gke.2201000", GkeMode.AUTOPILOT: "1.34.1-gke.3084001"}
}
"""Accelerator -> the first version of GKE that has it (GKE documentation, tpu-ironwood). Others: not recorded."""
TAINT_EFFECTS = {"NoSchedule": "NO_SCHEDULE", "PreferNoSchedule": "PREFER_NO_SCHEDULE", "NoExecute": "NO_EXECUTE"}
"""Kubernetes -> API of GKE."""
SHARING_STRATEGIES = {Sharing.TIME_SLICING: "TIME_SHARING", Sharing.MPS: "MPS"}
LOCAL_SSD_CHOICES: dict[str, tuple[int, ...]] = {
    "g2-standard-4": (1,),
    "g2-standard-8": (1,),
    "g2-standard-12": (1,),
    "g2-standard-16": (1,),
    "g2-standard-24": (2,),
    "g2-standard-32": (1,),
    "g2-standard-48": (4,),
    "g2-standard-96": (8,),
    "a2-highgpu-1g": (1, 2, 4, 8),
    "a2-highgpu-2g": (2, 4, 8),
    "a2-highgpu-4g": (4, 8),
    "a2-highgpu-8g": (8,),
    "n2-standard-8": (1, 2, 4, 8, 16, 24),
    "n2-standard-16": (2, 4, 8, 16, 24),
    "n2-standard-32": (4, 8, 16, 24),
}
"""Machine -> numbers of local SSDs that can be chosen. Not listed: no choice (Compute Engine documentation,
local-ssd)."""
SCARCE_DEVICES = 8
"""Number of devices from which upgrades remove a node before they add one, because a second such machine is seldom
available."""
DYNAMIC = (GkePurchase.FLEX_START, GkePurchase.QUEUED)
"""Obtained through the Dynamic Workload Scheduler: no repair, one upgrade strategy, no reservation."""
