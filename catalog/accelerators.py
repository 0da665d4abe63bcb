"""Facts about accelerators: the devices, their partitions, and the labels of nodes that have them.

Each row names its source. Names are matched exactly, never by prefix: an accelerator that is not in the table is
refused, or described in full with `CustomAccelerator` (another device plugin, an FPGA, an ASIC).
"""

from dataclasses import dataclass, field
from enum import StrEnum
from math import prod


class ClusterKind(StrEnum):
    """Where the cluster comes from."""

    SIMULATED = "simulated"
    EXISTING = "existing"
    EKS = "eks"
    GKE = "gke"


CLOUD_KINDS = frozenset({ClusterKind.EKS, ClusterKind.GKE})
"""Kinds of clusters that a stack makes in a cloud."""
HIDDEN_CONTROL_PLANES = frozenset({*CLOUD_KINDS, ClusterKind.SIMULATED})
"""Kinds of clusters whose scheduler, controller manager and etcd cannot be scraped: the cloud runs them, or they do not
exist."""


class Sharing(StrEnum):
    """How one physical device serves several containers."""

    EXCLUSIVE = "exclusive"
    """One device, one container."""
    TIME_SLICING = "time-slicing"
    """Containers take turns; no memory isolation."""
    MPS = "mps"
    """NVIDIA Multi-Process Service: concurrent kernels, memory limits, experimental in the device plugin."""
    MIG = "mig"
    """Hardware partitions with their own memory."""


class Purchase(StrEnum):
    """How a node is paid for."""

    ON_DEMAND = "on-demand"
    SPOT = "spot"
    RESERVED = "reserved"


class Owner(StrEnum):
    """Who installs a piece of software on the nodes of a pool: exactly one owner for each piece."""

    PLATFORM = "platform"
    """An add-on of this platform."""
    IMAGE = "image"
    """The image that the nodes boot."""
    CLOUD = "cloud"
    """The cloud (GKE, EKS Auto Mode)."""
    OPERATOR = "operator"
    """NVIDIA's GPU Operator, which the platform installs."""
    FOUND = "found"
    """It is on the cluster already."""


class DeviceAllocation(StrEnum):
    """How pods get devices: one mechanism for each pool, never both."""

    DEVICE_PLUGIN = "device-plugin"
    """Extended resources, counted by the kubelet."""
    DRA = "dra"
    """ResourceClaims (`resource.k8s.io/v1`, Kubernetes 1.34), allocated by the scheduler."""


@dataclass(frozen=True)
class MigProfile:
    """One MIG instance profile of one GPU.

    Profiles with media engines (`1g.10gb+me`) are not in the tables: label values name layouts and cannot contain `+`.
    """

    name: str
    """In NVIDIA's notation: `<compute slices>g.<memory>gb`."""
    maximum: int
    """How many fit on one GPU when nothing else is on it."""
    memory_slices: int
    """Memory slices one instance takes (of 8; of 4 on RTX PRO 6000)."""

    @property
    def compute_slices(self) -> int:
        """Compute slices one instance takes; the number before `g`."""
        return int(self.name.split("g.", 1)[0])

    @property
    def resource_name(self) -> str:
        """The extended resource that the device plugin offers under the `mixed` strategy."""
        return f"nvidia.com/mig-{self.name}"


@dataclass(frozen=True)
class Accelerator:
    """One kind of device. `memory_gib` is per device; `resource_name` is what a container requests."""

    name: str
    vendor: str
    resource_name: str
    memory_gib: int
    node_labels: dict[ClusterKind, dict[str, str]]
    """Labels of the nodes, by kind of cluster."""
    taint_key: str
    source: str
    mig_profiles: tuple[MigProfile, ...] = ()
    compute_slices: int = 0
    """MIG compute slices of the whole GPU; 0: no MIG."""
    memory_slices: int = 0
    topologies: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """TPU only: topology -> chips that each of its hosts may have, the usual number first."""
    device_class: str = ""
    """DeviceClass of its DRA driver; empty: none, or unknown."""
    reference_host: str = ""
    """Key in `machines.MACHINES`: the machine whose size a simulated or unspecified node takes."""
    compute_capability: str = ""
    """NVIDIA only (CUDA GPU compute capability, developer.nvidia.com/cuda-gpus and cuda-legacy-gpus)."""

    @property
    def before_turing(self) -> bool:
        """Whether it is an NVIDIA GPU that current drivers, CUDA 13 and images built with it no longer support."""
        return bool(self.compute_capability) and _version(self.compute_capability) < _version(TURING)

    @property
    def mps_clients(self) -> int:
        """Containers that share one device by MPS, at most."""
        return MPS_CLIENTS_BEFORE_TURING if self.before_turing else MPS_CLIENTS

    @property
    def is_tpu(self) -> bool:
        """Whether devices come in slices with a topology."""
        return bool(self.topologies)

    def mig_profile(self, name: str) -> MigProfile | None:
        """The profile of that exact name, or None."""
        return next((profile for profile in self.mig_profiles if profile.name == name), None)


TURING = "7.5"
"""Compute capability with which CUDA 13, the open kernel modules and driver branches after 580 begin.

Sources: CUDA 13.0 release notes, deprecated architectures (2025-08); NVIDIA driver installation guide 610.
"""
LAST_BRANCH_BEFORE_TURING = 580
"""The last driver branch for Maxwell, Pascal and Volta; long-term support until June 2028.

Sources: NVIDIA data-centre drivers 620, supported drivers (2026); NixOS wiki, NVIDIA (legacy_580: Maxwell to Volta).
"""
MPS_CLIENTS, MPS_CLIENTS_BEFORE_TURING = 48, 16
"""Maximum for one device, as the device plugin counts (NVIDIA/k8s-device-plugin 1b826ac, cmd/mps-control-daemon/mps/
device.go): 48 from compute capability 7.5, where NVIDIA's MPS documentation has Volta, 7.0; more are refused."""


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def _mig(*rows: tuple[str, int, int]) -> tuple[MigProfile, ...]:
    return tuple(MigProfile(*row) for row in rows)


# Profiles and how many fit: NVIDIA/mig-parted v0.15.0 deployments/systemd/config-default.yaml, read by PCI device id.
_MIG_40 = _mig(
    ("1g.5gb", 7, 1), ("1g.10gb", 4, 2), ("2g.10gb", 3, 2), ("3g.20gb", 2, 4), ("4g.20gb", 1, 4), ("7g.40gb", 1, 8)
)
_MIG_80 = _mig(
    ("1g.10gb", 7, 1), ("1g.20gb", 4, 2), ("2g.20gb", 3, 2), ("3g.40gb", 2, 4), ("4g.40gb", 1, 4), ("7g.80gb", 1, 8)
)
_MIG_141 = _mig(
    ("1g.18gb", 7, 1), ("1g.35gb", 4, 2), ("2g.35gb", 3, 2), ("3g.71gb", 2, 4), ("4g.71gb", 1, 4), ("7g.141gb", 1, 8)
)
_MIG_180 = _mig(
    ("1g.23gb", 7, 1), ("1g.45gb", 4, 2), ("2g.45gb", 3, 2), ("3g.90gb", 2, 4), ("4g.90gb", 1, 4), ("7g.180gb", 1, 8)
)
_MIG_269 = _mig(
    ("1g.34gb", 7, 1), ("1g.67gb", 4, 2), ("2g.67gb", 3, 2), ("3g.135gb", 2, 4), ("4g.135gb", 1, 4), ("7g.269gb", 1, 8)
)
_MIG_186 = _mig(
    ("1g.23gb", 7, 1), ("1g.47gb", 4, 2), ("2g.47gb", 3, 2), ("3g.93gb", 2, 4), ("4g.93gb", 1, 4), ("7g.186gb", 1, 8)
)
_MIG_96 = _mig(
    ("1g.12gb", 7, 1), ("1g.24gb", 4, 2), ("2g.24gb", 3, 2), ("3g.48gb", 2, 4), ("4g.48gb", 1, 4), ("7g.96gb", 1, 8)
)
_MIG_96_RTX = _mig(("1g.24gb", 4, 1), ("2g.48gb", 2, 2), ("4g.96gb", 1, 4))

_NVIDIA = "nvidia.com/gpu"
NVIDIA_DEVICE_CLASS = "gpu.nvidia.com"
"""Of whole GPUs (kubernetes-sigs/dra-driver-nvidia-gpu v0.4.1, deployments/helm, deviceclass-gpu.yaml)."""
_PRESENT = {"nvidia.com/gpu.present": "true"}


def _nvidia(
    name: str,
    memory_gib: int,
    gke: str,
    product: str,
    capability: str,
    host: str,
    source: str,
    mig: tuple[MigProfile, ...] = (),
    slices: tuple[int, int] = (0, 0),
) -> Accelerator:
    """A row for an NVIDIA GPU. `product` is what GPU feature discovery writes; our own value where it does not run."""
    discovered = {**_PRESENT, "nvidia.com/gpu.product": product}
    labels = {
        ClusterKind.SIMULATED: discovered,
        ClusterKind.EXISTING: discovered,
        ClusterKind.EKS: discovered,
        ClusterKind.GKE: {"cloud.google.com/gke-accelerator": gke} if gke else discovered,
    }
    return Accelerator(
        name,
        "NVIDIA",
        _NVIDIA,
        memory_gib,
        labels,
        _NVIDIA,
        source,
        mig,
        *slices,
        device_class=NVIDIA_DEVICE_CLASS,
        reference_host=host,
        compute_capability=capability,
    )


def _tpu(
    name: str, memory_gib: int, label: str, chips_by_topology: dict[str, tuple[int, ...]], host: str, source: str
) -> Accelerator:
    """A row for a TPU generation. The topology label is added by the pool, whose slice decides it."""
    labels = {kind: {"cloud.google.com/gke-tpu-accelerator": label} for kind in ClusterKind}
    return Accelerator(
        name,
        "Google",
        "google.com/tpu",
        memory_gib,
        labels,
        "google.com/tpu",
        source,
        topologies=chips_by_topology,
        reference_host=host,
    )


def _neuron(name: str, memory_gib: int, host: str, source: str) -> Accelerator:
    """A row for an AWS Neuron device. Pods get whole devices (two or more NeuronCores)."""
    labels = {kind: {"mlplatform.dev/accelerator": name.lower()} for kind in ClusterKind}
    return Accelerator(
        name,
        "AWS",
        "aws.amazon.com/neuron",
        memory_gib,
        labels,
        "aws.amazon.com/neuron",
        source,
        reference_host=host,
    )


def _four_chip_hosts(topologies: str) -> dict[str, tuple[int, ...]]:
    return dict.fromkeys(topologies.split(), (4,))


_HOSTS_OF_ONE_TO_EIGHT: dict[str, tuple[int, ...]] = {"1x1": (1,), "2x2": (4,), "2x4": (4, 8)}
"""The small slices of generations that have machines of one, four and eight chips."""
# Topologies of slices, smallest first; each host has four chips unless the row says otherwise.
_V4 = """
    2x2x1 2x2x2 2x2x4 2x4x4 4x4x4 4x4x8 4x8x8 8x8x8 8x8x12 8x8x16 8x16x16
"""
_V5E = """
    4x4 4x8 8x8 8x16 16x16
"""
_V5P = """
    2x2x1 2x2x2 2x2x4 2x4x4 4x4x4 4x4x8 4x4x12 4x8x8 4x4x20 4x8x12 4x4x28 8x8x8 4x12x12 4x8x20 4x4x44 8x8x12 4x4x52
    4x8x28 4x12x20 8x8x16 4x4x68 8x12x12 4x4x76 8x8x20 4x12x28 4x8x44 4x4x92 8x12x16 4x20x20 4x8x52 12x12x12 8x8x28
    4x4x116 8x12x20 4x4x124 8x16x16 4x12x44 4x8x68 4x20x28 12x12x16 4x4x148 4x8x76 4x12x52 8x16x20 4x4x164 8x12x28
    4x4x172 8x8x44 12x12x20 4x8x92 4x4x188 12x16x16 4x28x28 8x20x20 4x12x68 8x8x52 4x4x212 12x12x24 4x20x44 8x16x28
    4x12x76 4x8x116 4x4x236 12x16x20 4x4x244 4x8x124 12x12x28 16x16x16 4x20x52 8x12x44 8x8x68 4x12x92 8x20x28
    12x16x24 4x8x148 12x20x20 8x8x76 4x28x44 8x12x52 16x16x20 12x12x36 4x8x164 12x16x28 4x20x68 4x8x172 4x12x116
    8x16x44 12x20x24 4x28x52 8x8x92 4x12x124 4x8x188 4x20x76 16x16x24 12x24x24 16x20x28
"""
_V6E = """
    4x4 4x8 8x8 8x16 16x16
"""
_V7X = """
    2x2x1 2x2x2 2x2x4 2x4x4 4x4x4 4x4x8 4x4x12 4x8x8 4x4x20 4x8x12 4x4x28 8x8x8 4x12x12 4x8x20 4x4x44 8x8x12 4x4x52
    4x8x28 4x12x20 8x8x16 4x4x68 8x12x12 4x4x76 8x8x20 4x12x28 4x8x44 4x4x92 8x12x16 4x20x20 4x8x52 12x12x12 8x8x28
    4x4x116 8x12x20 4x4x124 8x16x16 4x12x44 4x8x68 4x20x28 12x12x16 4x4x148 4x8x76 4x12x52 8x16x20 4x4x164 8x12x28
    4x4x172 8x8x44 12x12x20 4x8x92 4x4x188 12x16x16 4x28x28 8x20x20 4x12x68 8x8x52 4x4x212 12x12x24 4x20x44 8x16x28
    4x12x76 4x8x116 4x4x236 12x16x20 4x4x244 4x8x124 12x12x28 16x16x16 4x20x52 8x12x44 8x8x68 4x12x92 8x20x28
    12x16x24 4x8x148 12x20x20 8x8x76 4x28x44 8x12x52 16x16x20 12x12x36 4x8x164 12x16x28 4x20x68 4x8x172 4x12x116
    8x16x44 12x20x24 4x28x52 8x8x92 4x12x124 4x8x188 4x20x76 16x16x24 12x24x24 16x16x32 16x20x28 16x24x24
"""

_XPK = "AI-Hypercomputer/xpk src/xpk/core/system_characteristics.py 02b0c092"
_TPU_SOURCE = f"{_XPK}; slices of one host: GKE cluster autoscaler, pkg/cloudprovider/gke/machinetypes, 2026"
_MIG_SOURCE = "NVIDIA/mig-parted v0.15.0; GKE label: " + _XPK

_SMI = "name and memory: nvidia-smi's published output (2023-2026)"
_GCE_LABEL = (
    "kubernetes/autoscaler 1.36 cloudprovider/gce (of N1 machines, which the table omits: their GPUs are separate)"
)

ACCELERATORS: dict[str, Accelerator] = {
    row.name: row
    for row in (
        _nvidia("P100", 16, "nvidia-tesla-p100", "Tesla-P100-PCIE-16GB", "6.0", "p100-8", f"{_SMI}; {_GCE_LABEL}"),
        _nvidia("V100-16GB", 16, "nvidia-tesla-v100", "Tesla-V100-SXM2-16GB", "7.0", "dgx-1", f"{_SMI}; {_GCE_LABEL}"),
        _nvidia("V100-32GB", 32, "", "Tesla-V100-SXM2-32GB", "7.0", "p3dn.24xlarge", f"EC2 p3dn; {_SMI}"),
        _nvidia("T4", 16, "nvidia-tesla-t4", "Tesla-T4", "7.5", "g4dn.12xlarge", "GKE GPU platforms"),
        _nvidia("T4G", 16, "", "NVIDIA-T4G", "7.5", "g5g.16xlarge", "EC2 g5g; not on GKE"),
        _nvidia("L4", 24, "nvidia-l4", "NVIDIA-L4", "8.9", "g6.48xlarge", _XPK),
        _nvidia("A10", 24, "", "NVIDIA-A10", "8.6", "a10-8", f"{_SMI}; in neither cloud"),
        _nvidia("A10G", 24, "", "NVIDIA-A10G", "8.6", "g5.48xlarge", "EC2 g5; not on GKE"),
        _nvidia("L40", 45, "", "NVIDIA-L40", "8.9", "l40-8", f"48 GB less what ECC takes; {_SMI}; in neither cloud"),
        _nvidia("L40S", 45, "", "NVIDIA-L40S", "8.9", "g6e.48xlarge", "EC2 g6e: 48 GB less what ECC takes; not on GKE"),
        _nvidia(
            "A100-40GB",
            40,
            "nvidia-tesla-a100",
            "NVIDIA-A100-SXM4-40GB",
            "8.0",
            "p4d.24xlarge",
            _MIG_SOURCE,
            _MIG_40,
            (7, 8),
        ),
        _nvidia(
            "A100-80GB",
            80,
            "nvidia-a100-80gb",
            "NVIDIA-A100-SXM4-80GB",
            "8.0",
            "p4de.24xlarge",
            _MIG_SOURCE,
            _MIG_80,
            (7, 8),
        ),
        _nvidia(
            "H100", 80, "nvidia-h100-80gb", "NVIDIA-H100-80GB-HBM3", "9.0", "p5.48xlarge", _MIG_SOURCE, _MIG_80, (7, 8)
        ),
        _nvidia(
            "H20",
            96,
            "",
            "NVIDIA-H20",
            "9.0",
            "h20-8",
            f"NVIDIA/mig-parted v0.15.0 (0x2329: cut as GH200 with 96 GB); {_SMI}; in neither cloud",
            _MIG_96,
            (7, 8),
        ),
        _nvidia("H200", 141, "nvidia-h200-141gb", "NVIDIA-H200", "9.0", "p5en.48xlarge", _MIG_SOURCE, _MIG_141, (7, 8)),
        _nvidia("B200", 180, "nvidia-b200", "NVIDIA-B200", "10.0", "p6-b200.48xlarge", _MIG_SOURCE, _MIG_180, (7, 8)),
        _nvidia(
            "B300",
            269,
            "",
            "NVIDIA-B300-SXM6-AC",
            "10.3",
            "p6-b300.48xlarge",
            "NVIDIA/mig-parted v0.15.0 (0x3182); EC2 p6-b300; not on GKE",
            _MIG_269,
            (7, 8),
        ),
        _nvidia(
            "GB200", 186, "nvidia-gb200", "NVIDIA-GB200", "10.0", "p6e-gb200.36xlarge", _MIG_SOURCE, _MIG_186, (7, 8)
        ),
        _nvidia(
            "RTX-PRO-6000",
            96,
            "nvidia-rtx-pro-6000",
            "NVIDIA-RTX-PRO-6000-Blackwell-Server-Edition",
            "12.0",
            "g7e.48xlarge",
            "NVIDIA/mig-parted v0.15.0 (0x2BB5); GKE GPU platforms",
            _MIG_96_RTX,
            (4, 4),
        ),
        Accelerator(
            "MI300X",
            "AMD",
            "amd.com/gpu",
            192,
            {kind: {"amd.com/gpu.product-name": "AMD_Instinct_MI300X_OAM"} for kind in ClusterKind},
            "amd.com/gpu",
            "ROCm/k8s-device-plugin node labeller",
            reference_host="mi300x-8",
        ),
        _tpu(
            "TPU-v4",
            32,
            "tpu-v4-podslice",
            _four_chip_hosts(_V4),
            "ct4p-hightpu-4t",
            _XPK,
        ),
        _tpu(
            "TPU-v5e",
            16,
            "tpu-v5-lite-podslice",
            _HOSTS_OF_ONE_TO_EIGHT | _four_chip_hosts(_V5E),
            "ct5lp-hightpu-4t",
            _TPU_SOURCE,
        ),
        _tpu(
            "TPU-v5p",
            95,
            "tpu-v5p-slice",
            _four_chip_hosts(_V5P),
            "ct5p-hightpu-4t",
            _XPK,
        ),
        _tpu(
            "TPU-v6e",
            32,
            "tpu-v6e-slice",
            _HOSTS_OF_ONE_TO_EIGHT | _four_chip_hosts(_V6E),
            "ct6e-standard-4t",
            _TPU_SOURCE,
        ),
        _tpu(
            "TPU-v7x",
            192,
            "tpu7x",
            {"1x1x1": (1,)} | _four_chip_hosts(_V7X),
            "tpu7x-standard-4t",
            _TPU_SOURCE,
        ),
        _neuron("Trainium1", 32, "trn1.32xlarge", "EC2 trn1: 16 devices"),
        _neuron("Trainium2", 96, "trn2.48xlarge", "EC2 trn2: 16 devices"),
        _neuron("Inferentia1", 8, "inf1.24xlarge", "EC2 inf1: 16 devices; driver: awslabs/amazon-eks-ami#2579"),
        _neuron("Inferentia2", 32, "inf2.48xlarge", "EC2 inf2: 12 devices"),
    )
}

RETIRED_RESOURCES: dict[str, str] = {
    "cloud-tpus.google.com/v2": "google.com/tpu on a pool with an accelerator and a topology",
    "cloud-tpus.google.com/v3": "google.com/tpu on a pool with an accelerator and a topology",
    "alpha.kubernetes.io/nvidia-gpu": "nvidia.com/gpu",
}
"""Resource names that tutorials still show and no device plugin offers: name -> what to use."""

RETIRED_ACCELERATORS: dict[str, str] = {"TPU-v2": "TPU-v5e or TPU-v6e", "TPU-v3": "TPU-v5e or TPU-v6e"}
"""Generations that tutorials still show: name -> what to use. GKE's TPU pools begin with v4 (xpk, system
characteristics; AI-Hypercomputer/xpk 02b0c092)."""

DRIVER_RESOURCES: frozenset[str] = frozenset(row.resource_name for row in ACCELERATORS.values())
"""Every extended resource name of the table, before sharing renames it."""

OTHER_NAMES: dict[str, str] = {
    "aws.amazon.com/neuroncore": "aws.amazon.com/neuron",
    "aws.amazon.com/neurondevice": "aws.amazon.com/neuron",
}
"""Other names under which a device plugin offers the same devices -> the name that is counted and requested.

AWS's Neuron device plugin: single cores; older ones devices too (Neuron documentation, k8s-neuron-device-plugin).
"""

SHARED_SUFFIX = ".shared"
"""The suffix that the device plugin adds with `renameByDefault: true`, which is always set."""


def topology_chips(topology: str) -> int:
    """Chips in a slice of that topology: the product of its sides, `4x4` -> 16."""
    return prod(int(side) for side in topology.split("x"))


def topology_hosts(accelerator: Accelerator, topology: str, chips_per_host: int = 0) -> int:
    """Hosts (nodes) in one slice; 0: hosts of the usual size. KeyError if the accelerator lacks the topology."""
    return topology_chips(topology) // (chips_per_host or accelerator.topologies[topology][0])


def is_accelerator_resource(resource_name: str) -> bool:
    """Whether an extended resource is one that a pool of this catalogue can offer, shared or partitioned included."""
    base = resource_name.removesuffix(SHARED_SUFFIX)
    return base in DRIVER_RESOURCES or base.startswith("nvidia.com/mig-")
