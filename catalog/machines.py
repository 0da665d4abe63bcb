"""Facts about machines with accelerators: size, purchase options, disk types and images.

Sources, of every row unless it names another: EC2 DescribeInstanceTypes as recorded in moto 5.2.5
(`ec2/resources/instance_types.json.gz`); the machine families of GKE's cluster autoscaler
(`pkg/cloudprovider/gke/machinetypes`, 2026).
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from catalog.accelerators import ACCELERATORS, ClusterKind

EFA_RESOURCE = "vpc.amazonaws.com/efa"
"""What aws-efa-k8s-device-plugin offers: one unit for each interface (aws/eks-charts)."""


class Architecture(StrEnum):
    """CPU architecture of a node: images must be built for it."""

    AMD64 = "amd64"
    ARM64 = "arm64"


@dataclass(frozen=True)
class Machine:
    """One machine type. Sizes are of the whole machine; the node's system reserve is subtracted elsewhere."""

    name: str
    """The cloud's name for it."""
    accelerator: str
    """A row of the accelerator catalogue; empty for a machine without accelerators."""
    devices: int
    """Physical accelerators; TPU: chips."""
    cpu: int
    """vCPUs."""
    memory_gib: int
    kind: ClusterKind
    """Clouds that offer it."""
    source: str
    architecture: Architecture = Architecture.AMD64
    efa_interfaces: int = 0
    """EC2: Elastic Fabric Adapters at most; 0: none."""
    nvme_gb: int = 0
    """EC2: size of its local disks, GB in total."""
    capacity_blocks: bool = False
    """EC2: can be bought for a span of days in advance (Capacity Blocks for ML)."""
    topology: str = ""
    """TPU hosts: the slice that is this one machine; larger slices take four-chip machines."""
    boot_disks: tuple[str, ...] = ()
    """GKE: disk types it can boot from, the default first."""
    local_ssds: int = 0
    """GKE: local SSDs that are part of it (375 GiB each, a4x: 3,000 GiB; Compute Engine, accelerator-optimized machine
    family); 0 where they are optional."""

    @property
    def volume_disks(self) -> frozenset[str]:
        """GKE: disk types that volumes on it can have; empty: unknown."""
        return GKE_VOLUME_DISKS.get(self.name.rpartition("-")[0], frozenset())


_EC2 = "EC2 DescribeInstanceTypes, moto 5.2.5"
_GKE = "GKE cluster autoscaler, pkg/cloudprovider/gke/machinetypes, 2026"
_PD = ("pd-balanced", "pd-ssd")
_PD_STANDARD = ("pd-standard", "pd-balanced", "pd-ssd")
_HYPERDISK = ("hyperdisk-balanced",)


_ec2 = partial(Machine, kind=ClusterKind.EKS, source=_EC2)
_gke = partial(Machine, kind=ClusterKind.GKE, source=_GKE)
_own = partial(Machine, kind=ClusterKind.EXISTING)
"""A machine that no cloud of this catalogue offers: the assumed size of a node whose size is not set."""

MACHINES: dict[str, Machine] = {
    machine.name: machine
    for machine in (
        _ec2("g4dn.xlarge", "T4", 1, 4, 16, nvme_gb=125),
        _ec2("g4dn.2xlarge", "T4", 1, 8, 32, nvme_gb=225),
        _ec2("g4dn.4xlarge", "T4", 1, 16, 64, nvme_gb=225),
        _ec2("g4dn.8xlarge", "T4", 1, 32, 128, efa_interfaces=1, nvme_gb=900),
        _ec2("g4dn.12xlarge", "T4", 4, 48, 192, efa_interfaces=1, nvme_gb=900),
        _ec2("g4dn.16xlarge", "T4", 1, 64, 256, efa_interfaces=1, nvme_gb=900),
        _ec2("g4dn.metal", "T4", 8, 96, 384, efa_interfaces=1, nvme_gb=1800),
        _ec2("g6.xlarge", "L4", 1, 4, 16, nvme_gb=250),
        _ec2("g6.2xlarge", "L4", 1, 8, 32, nvme_gb=450),
        _ec2("g6.4xlarge", "L4", 1, 16, 64, nvme_gb=600),
        _ec2("g6.8xlarge", "L4", 1, 32, 128, efa_interfaces=1, nvme_gb=900),
        _ec2("g6.12xlarge", "L4", 4, 48, 192, efa_interfaces=1, nvme_gb=3760),
        _ec2("g6.16xlarge", "L4", 1, 64, 256, efa_interfaces=1, nvme_gb=1880),
        _ec2("g6.24xlarge", "L4", 4, 96, 384, efa_interfaces=1, nvme_gb=3760),
        _ec2("g6.48xlarge", "L4", 8, 192, 768, efa_interfaces=1, nvme_gb=7520),
        _ec2("gr6.4xlarge", "L4", 1, 16, 128, nvme_gb=600),
        _ec2("gr6.8xlarge", "L4", 1, 32, 256, efa_interfaces=1, nvme_gb=900),
        _ec2("g6e.xlarge", "L40S", 1, 4, 32, nvme_gb=250),
        _ec2("g6e.2xlarge", "L40S", 1, 8, 64, nvme_gb=450),
        _ec2("g6e.4xlarge", "L40S", 1, 16, 128, nvme_gb=600),
        _ec2("g6e.8xlarge", "L40S", 1, 32, 256, efa_interfaces=1, nvme_gb=900),
        _ec2("g6e.12xlarge", "L40S", 4, 48, 384, efa_interfaces=1, nvme_gb=3800),
        _ec2("g6e.16xlarge", "L40S", 1, 64, 512, efa_interfaces=1, nvme_gb=1900),
        _ec2("g6e.24xlarge", "L40S", 4, 96, 768, efa_interfaces=2, nvme_gb=3800),
        _ec2("g6e.48xlarge", "L40S", 8, 192, 1536, efa_interfaces=4, nvme_gb=7600),
        _ec2("g5.xlarge", "A10G", 1, 4, 16, nvme_gb=250),
        _ec2("g5.2xlarge", "A10G", 1, 8, 32, nvme_gb=450),
        _ec2("g5.4xlarge", "A10G", 1, 16, 64, nvme_gb=600),
        _ec2("g5.8xlarge", "A10G", 1, 32, 128, efa_interfaces=1, nvme_gb=900),
        _ec2("g5.12xlarge", "A10G", 4, 48, 192, efa_interfaces=1, nvme_gb=3800),
        _ec2("g5.16xlarge", "A10G", 1, 64, 256, efa_interfaces=1, nvme_gb=1900),
        _ec2("g5.24xlarge", "A10G", 4, 96, 384, efa_interfaces=1, nvme_gb=3800),
        _ec2("g5.48xlarge", "A10G", 8, 192, 768, efa_interfaces=1, nvme_gb=7600),
        _ec2("g5g.xlarge", "T4G", 1, 4, 8, architecture=Architecture.ARM64),
        _ec2("g5g.2xlarge", "T4G", 1, 8, 16, architecture=Architecture.ARM64),
        _ec2("g5g.4xlarge", "T4G", 1, 16, 32, architecture=Architecture.ARM64),
        _ec2("g5g.8xlarge", "T4G", 1, 32, 64, architecture=Architecture.ARM64),
        _ec2("g5g.16xlarge", "T4G", 2, 64, 128, architecture=Architecture.ARM64),
        _ec2("g5g.metal", "T4G", 2, 64, 128, architecture=Architecture.ARM64),
        _ec2("p3dn.24xlarge", "V100-32GB", 8, 96, 768, efa_interfaces=1, nvme_gb=1800),
        _ec2("p4d.24xlarge", "A100-40GB", 8, 96, 1152, efa_interfaces=4, nvme_gb=8000, capacity_blocks=True),
        _ec2("p4de.24xlarge", "A100-80GB", 8, 96, 1152, efa_interfaces=4, nvme_gb=8000, capacity_blocks=True),
        _ec2("p5.4xlarge", "H100", 1, 16, 256, efa_interfaces=1, nvme_gb=3800, capacity_blocks=True),
        _ec2("p5.48xlarge", "H100", 8, 192, 2048, efa_interfaces=32, nvme_gb=30400, capacity_blocks=True),
        _ec2("p5e.48xlarge", "H200", 8, 192, 2048, efa_interfaces=32, nvme_gb=30400, capacity_blocks=True),
        _ec2("p5en.48xlarge", "H200", 8, 192, 2048, efa_interfaces=16, nvme_gb=30400, capacity_blocks=True),
        _ec2("p6-b200.48xlarge", "B200", 8, 192, 2048, efa_interfaces=8, nvme_gb=30400, capacity_blocks=True),
        _ec2("p6-b300.48xlarge", "B300", 8, 192, 4096, efa_interfaces=16, nvme_gb=30400, capacity_blocks=True),
        _ec2("g7e.2xlarge", "RTX-PRO-6000", 1, 8, 64, nvme_gb=1900),
        _ec2("g7e.4xlarge", "RTX-PRO-6000", 1, 16, 128, nvme_gb=1900),
        _ec2("g7e.8xlarge", "RTX-PRO-6000", 1, 32, 256, efa_interfaces=1, nvme_gb=1900),
        _ec2("g7e.12xlarge", "RTX-PRO-6000", 2, 48, 512, efa_interfaces=1, nvme_gb=3800),
        _ec2("g7e.24xlarge", "RTX-PRO-6000", 4, 96, 1024, efa_interfaces=2, nvme_gb=7600),
        _ec2("g7e.48xlarge", "RTX-PRO-6000", 8, 192, 2048, efa_interfaces=4, nvme_gb=15200),
        _ec2("trn1.2xlarge", "Trainium1", 1, 8, 32, nvme_gb=474),
        _ec2("trn1.32xlarge", "Trainium1", 16, 128, 512, efa_interfaces=8, nvme_gb=7600, capacity_blocks=True),
        _ec2("trn1n.32xlarge", "Trainium1", 16, 128, 512, efa_interfaces=16, nvme_gb=7600),
        _ec2("trn2.3xlarge", "Trainium2", 1, 12, 128, efa_interfaces=1, nvme_gb=470, capacity_blocks=True),
        _ec2("trn2.48xlarge", "Trainium2", 16, 192, 2048, efa_interfaces=16, nvme_gb=7600, capacity_blocks=True),
        _ec2("inf1.xlarge", "Inferentia1", 1, 4, 8),
        _ec2("inf1.2xlarge", "Inferentia1", 1, 8, 16),
        _ec2("inf1.6xlarge", "Inferentia1", 4, 24, 48),
        _ec2("inf1.24xlarge", "Inferentia1", 16, 96, 192, efa_interfaces=1),
        _ec2("inf2.xlarge", "Inferentia2", 1, 4, 16),
        _ec2("inf2.8xlarge", "Inferentia2", 1, 32, 128),
        _ec2("inf2.24xlarge", "Inferentia2", 6, 96, 384),
        _ec2("inf2.48xlarge", "Inferentia2", 12, 192, 768),
        _ec2(
            "p6e-gb200.36xlarge",
            "GB200",
            4,
            144,
            960,
            efa_interfaces=17,
            nvme_gb=22500,
            capacity_blocks=True,
            architecture=Architecture.ARM64,
            source="EC2 P6e-GB200 product page; the name is in botocore 1.44.5's InstanceType",
        ),
        _gke("g2-standard-4", "L4", 1, 4, 16, boot_disks=_PD),
        _gke("g2-standard-8", "L4", 1, 8, 32, boot_disks=_PD),
        _gke("g2-standard-12", "L4", 1, 12, 48, boot_disks=_PD),
        _gke("g2-standard-16", "L4", 1, 16, 64, boot_disks=_PD),
        _gke(
            "g2-standard-24",
            "L4",
            2,
            24,
            96,
            boot_disks=_PD,
            source=f"{_GKE}, which has 23 vCPUs; the series has 12 a GPU",
        ),
        _gke("g2-standard-32", "L4", 1, 32, 128, boot_disks=_PD),
        _gke("g2-standard-48", "L4", 4, 48, 192, boot_disks=_PD),
        _gke("g2-standard-96", "L4", 8, 96, 384, boot_disks=_PD),
        _gke("a2-highgpu-1g", "A100-40GB", 1, 12, 85, boot_disks=_PD_STANDARD),
        _gke("a2-highgpu-2g", "A100-40GB", 2, 24, 170, boot_disks=_PD_STANDARD),
        _gke("a2-highgpu-4g", "A100-40GB", 4, 48, 340, boot_disks=_PD_STANDARD),
        _gke("a2-highgpu-8g", "A100-40GB", 8, 96, 680, boot_disks=_PD_STANDARD),
        _gke("a2-megagpu-16g", "A100-40GB", 16, 96, 1360, boot_disks=_PD_STANDARD),
        _gke("a2-ultragpu-1g", "A100-80GB", 1, 12, 170, boot_disks=_PD_STANDARD, local_ssds=1),
        _gke("a2-ultragpu-2g", "A100-80GB", 2, 24, 340, boot_disks=_PD_STANDARD, local_ssds=2),
        _gke("a2-ultragpu-4g", "A100-80GB", 4, 48, 680, boot_disks=_PD_STANDARD, local_ssds=4),
        _gke("a2-ultragpu-8g", "A100-80GB", 8, 96, 1360, boot_disks=_PD_STANDARD, local_ssds=8),
        _gke("a3-highgpu-1g", "H100", 1, 26, 234, boot_disks=_PD, local_ssds=2),
        _gke("a3-highgpu-2g", "H100", 2, 52, 468, boot_disks=_PD, local_ssds=4),
        _gke("a3-highgpu-4g", "H100", 4, 104, 936, boot_disks=_PD, local_ssds=8),
        _gke("a3-highgpu-8g", "H100", 8, 208, 1872, boot_disks=_PD, local_ssds=16),
        _gke("a3-ultragpu-8g", "H200", 8, 224, 2952, boot_disks=_HYPERDISK, local_ssds=32),
        _gke("a4-highgpu-8g", "B200", 8, 224, 3968, boot_disks=_HYPERDISK, local_ssds=32),
        _gke(
            "a4x-highgpu-4g", "GB200", 4, 140, 884, boot_disks=_HYPERDISK, local_ssds=4, architecture=Architecture.ARM64
        ),
        _gke("g4-standard-48", "RTX-PRO-6000", 1, 48, 180, boot_disks=_HYPERDISK),
        _gke("g4-standard-96", "RTX-PRO-6000", 2, 96, 360, boot_disks=_HYPERDISK),
        _gke("g4-standard-192", "RTX-PRO-6000", 4, 192, 720, boot_disks=_HYPERDISK),
        _gke("g4-standard-384", "RTX-PRO-6000", 8, 384, 1440, boot_disks=_HYPERDISK),
        _gke("ct4p-hightpu-4t", "TPU-v4", 4, 240, 407, topology="2x2x1", boot_disks=_PD_STANDARD),
        _gke("ct5lp-hightpu-1t", "TPU-v5e", 1, 24, 48, topology="1x1", boot_disks=_PD),
        _gke("ct5lp-hightpu-4t", "TPU-v5e", 4, 112, 192, topology="2x2", boot_disks=_PD),
        _gke("ct5lp-hightpu-8t", "TPU-v5e", 8, 224, 384, topology="2x4", boot_disks=_PD),
        _gke("ct5p-hightpu-4t", "TPU-v5p", 4, 208, 448, topology="2x2x1", boot_disks=_PD),
        _gke("ct6e-standard-1t", "TPU-v6e", 1, 44, 176, topology="1x1", boot_disks=_HYPERDISK),
        _gke("ct6e-standard-4t", "TPU-v6e", 4, 180, 720, topology="2x2", boot_disks=_HYPERDISK),
        _gke("ct6e-standard-8t", "TPU-v6e", 8, 180, 1440, topology="2x4", boot_disks=_HYPERDISK),
        _gke(
            "tpu7x-standard-1t",
            "TPU-v7x",
            1,
            56,
            240,
            topology="1x1x1",
            boot_disks=_HYPERDISK,
            source=f"{_GKE}; its memory there is 248, a quarter of tpu7x-standard-4t is meant",
        ),
        _gke(
            "tpu7x-standard-4t",
            "TPU-v7x",
            4,
            224,
            960,
            topology="2x2x1",
            boot_disks=_HYPERDISK,
            source="GKE TPU v7x machine type; the name is in AI-Hypercomputer/xpk 02b0c092",
        ),
        _own("p100-8", "P100", 8, 56, 512, source="a common 8-GPU PCIe server of 2017"),
        _own("dgx-1", "V100-16GB", 8, 80, 512, source="NVIDIA DGX-1 data sheet: two processors of 20 cores, 512 GB"),
        _own("a10-8", "A10", 8, 128, 512, source="a common 8-GPU PCIe server"),
        _own("l40-8", "L40", 8, 128, 1024, source="a common 8-GPU PCIe server"),
        _own("h20-8", "H20", 8, 192, 2048, source="a common HGX server"),
        _own("mi300x-8", "MI300X", 8, 192, 1536, source="a common 8-GPU OAM server"),
        _ec2("m6i.2xlarge", "", 0, 8, 32),
        _ec2("m6i.4xlarge", "", 0, 16, 64),
        _ec2("m6i.8xlarge", "", 0, 32, 128),
        _ec2("m7i.2xlarge", "", 0, 8, 32),
        _ec2("m7i.4xlarge", "", 0, 16, 64),
        _ec2("m7i.8xlarge", "", 0, 32, 128),
        _ec2("m7g.2xlarge", "", 0, 8, 32, architecture=Architecture.ARM64),
        _ec2("m7g.4xlarge", "", 0, 16, 64, architecture=Architecture.ARM64),
        _ec2("r7i.4xlarge", "", 0, 16, 128),
        _gke("e2-standard-8", "", 0, 8, 32, boot_disks=_PD_STANDARD),
        _gke("e2-standard-16", "", 0, 16, 64, boot_disks=_PD_STANDARD),
        _gke("n2-standard-8", "", 0, 8, 32, boot_disks=_PD_STANDARD),
        _gke("n2-standard-16", "", 0, 16, 64, boot_disks=_PD_STANDARD),
        _gke("n2-standard-32", "", 0, 32, 128, boot_disks=_PD_STANDARD),
        _gke("n4-standard-16", "", 0, 16, 64, boot_disks=_HYPERDISK),
        _gke("c4a-standard-16", "", 0, 16, 64, boot_disks=_HYPERDISK, architecture=Architecture.ARM64),
    )
}
_PD_VOLUMES = "pd-balanced pd-extreme pd-ssd pd-standard"
_MORE_HYPERDISKS = "hyperdisk-balanced-high-availability hyperdisk-throughput"
_ALL_HYPERDISKS = f"hyperdisk-balanced hyperdisk-extreme hyperdisk-ml {_MORE_HYPERDISKS}"
GKE_VOLUME_DISKS: dict[str, frozenset[str]] = {
    series: frozenset(disks.split())
    for series, disks in (
        ("e2-standard", f"{_PD_VOLUMES} {_MORE_HYPERDISKS}"),
        ("n2-standard", f"{_PD_VOLUMES} hyperdisk-extreme hyperdisk-throughput"),
        ("n4-standard", f"hyperdisk-balanced hyperdisk-ml {_MORE_HYPERDISKS}"),
        ("c4a-standard", _ALL_HYPERDISKS),
        ("g2-standard", "pd-balanced pd-ssd pd-standard hyperdisk-ml hyperdisk-throughput"),
        ("g4-standard", _ALL_HYPERDISKS),
        *((f"a2-{kind}", f"{_PD_VOLUMES} hyperdisk-ml") for kind in ("highgpu", "megagpu", "ultragpu")),
        ("a3-highgpu", f"pd-balanced pd-ssd {_ALL_HYPERDISKS}"),
        ("a3-ultragpu", _ALL_HYPERDISKS),
        ("a4-highgpu", "hyperdisk-balanced hyperdisk-extreme hyperdisk-ml"),
        ("a4x-highgpu", _ALL_HYPERDISKS),
        ("ct4p-hightpu", _PD_VOLUMES),
        ("ct5lp-hightpu", "pd-balanced pd-ssd hyperdisk-ml"),
        ("ct5p-hightpu", "pd-balanced pd-ssd hyperdisk-ml"),
        ("ct6e-standard", "hyperdisk-balanced hyperdisk-ml"),
        ("tpu7x-standard", "hyperdisk-balanced hyperdisk-extreme hyperdisk-ml hyperdisk-throughput"),
    )
}
"""GKE: machine series -> disk types that volumes can have, on nodes that are not confidential.

Sources: GoogleCloudPlatform/cluster-autoscaler 7d25050, pkg/cloudprovider/gke/machinetypes (supportedAttachDiskTypes;
A3 Ultra takes Hyperdisk alone), and kubernetes-sigs/gcp-compute-persistent-disk-csi-driver b560165,
machine-pd-compatibility.json: what either has. Where they differ the first is right for two: Hyperdisk Balanced on A2,
N2 and TPU v4, v5e, v5p is for confidential nodes, and N4 and C4A take no Persistent Disk (the driver's #2384).
"""
EKS_AMI_TYPES: dict[tuple[str, Architecture], str] = {
    ("NVIDIA", Architecture.AMD64): "AL2023_x86_64_NVIDIA",
    ("NVIDIA", Architecture.ARM64): "AL2023_ARM_64_NVIDIA",
    ("AWS", Architecture.AMD64): "AL2023_x86_64_NEURON",
    ("", Architecture.AMD64): "AL2023_x86_64_STANDARD",
    ("", Architecture.ARM64): "AL2023_ARM_64_STANDARD",
}
"""Vendor of the accelerator (empty: none) and architecture -> image type of EKS managed node groups, Amazon Linux 2023.

The NVIDIA images include driver and container toolkit, not the device plugin. Source: Amazon EKS user guide, ml.
"""
EKS_BOTTLEROCKET_TYPES: dict[tuple[str, Architecture], str] = {
    ("NVIDIA", Architecture.AMD64): "BOTTLEROCKET_x86_64_NVIDIA",
    ("NVIDIA", Architecture.ARM64): "BOTTLEROCKET_ARM_64_NVIDIA",
    ("AWS", Architecture.AMD64): "BOTTLEROCKET_x86_64",
    ("", Architecture.AMD64): "BOTTLEROCKET_x86_64",
    ("", Architecture.ARM64): "BOTTLEROCKET_ARM_64",
}
"""The same for Bottlerocket, whose NVIDIA image also includes the device plugin.

Neuron devices work with the plain image. Source: Amazon EKS user guide, ml-eks-optimized-ami, 2026.
"""
WITHOUT_BOTTLEROCKET = frozenset({"GB200"})
"""Accelerators for which its images have no driver: of Arm machines with NVIDIA GPUs, only g5g boots it (the same)."""
CPU_MACHINE = MACHINES["m6i.8xlarge"]
"""The default size of a CPU node."""


def eks_ami_type(machine: Machine, *, bottlerocket: bool = False) -> str:
    """The image type of an EKS managed node group of that machine. KeyError if there is none."""
    if bottlerocket and machine.accelerator in WITHOUT_BOTTLEROCKET:
        raise KeyError(machine.name)
    vendor = ACCELERATORS[machine.accelerator].vendor if machine.accelerator else ""
    return (EKS_BOTTLEROCKET_TYPES if bottlerocket else EKS_AMI_TYPES)[vendor, machine.architecture]


def machines_with(accelerator: str, kind: ClusterKind | None = None) -> list[Machine]:
    """Machines with that accelerator, of one kind of cluster or of all; those with most devices last."""
    found = [m for m in MACHINES.values() if m.accelerator == accelerator and kind in (None, m.kind)]
    return sorted(found, key=lambda machine: machine.devices)
