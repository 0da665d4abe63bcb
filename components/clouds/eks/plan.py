"""Plans of the pools, networks and access of an EKS cluster. Pure: plain values in, plain values out.

The machines, image type, capacity type and subnets of a managed node group are immutable: a change creates a new group
before the old one is deleted. Two groups cannot have the same name, so the name ends in a digest of exactly the
immutable values (`group_name`). Everything else is updated in place, node by node.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_network
from typing import Any, NamedTuple

import yaml

from catalog.accelerators import ACCELERATORS, Accelerator, ClusterKind, DeviceAllocation, Owner, Purchase
from catalog.machines import EFA_RESOURCE, MACHINES, Machine, eks_ami_type
from components.capacity.placement import NodeSoftware, PoolArgs, PoolHandle, Taint, plan_pool
from components.capacity.sharing import SharingArgs
from components.clouds.eks.spec import DEFAULT_DISK_GIB, EksImage, EksPoolSpec, EksPurchase, NodeProvisioning
from components.clouds.eks.tables import (
    AUTOSCALER_GPU_LABEL,
    CAPACITY_TYPES,
    KARPENTER_CAPACITY_TYPES,
    RESERVATION_TYPES,
    TAINT_EFFECTS,
    WITH_RESERVATION,
)
from components.clouds.eks.user_data import user_data

NODE_TEMPLATE = "k8s.io/cluster-autoscaler/node-template"
SMALL_NETWORK_ZONES = 3
"""Zones for which four blocks are enough, one of them for public subnets."""


class SubnetPlan(NamedTuple):
    """Ranges of the subnets of a VPC."""

    private: dict[str, str]
    """Zone -> range of nodes and pods."""
    public: dict[str, str]
    """Zone -> range of load balancers."""


def plan_subnets(cidr: str, zones: Sequence[str]) -> SubnetPlan:
    """Four equal blocks (eight from the fourth zone on): one for the nodes of each zone, the last for public subnets.

    A new zone at the end gets its own block and moves no other block, up to the third and from the fourth on.
    """
    halvings = 2 if len(zones) <= SMALL_NETWORK_ZONES else 3
    *blocks, last = _split(ip_network(cidr), halvings)
    return SubnetPlan(
        private={zone: str(block) for zone, block in zip(zones, blocks, strict=False)},
        public={zone: str(block) for zone, block in zip(zones, _split(last, 3), strict=False)},
    )


def _split(network: Any, halvings: int) -> list[IPv4Network]:
    return list(network.subnets(prefixlen_diff=halvings))


@dataclass(frozen=True)
class EksPoolPlan:
    """The plan of one pool."""

    handle: PoolHandle
    labels: dict[str, str]
    taints: list[Taint]
    machines: list[str]
    machine: Machine
    """The smallest of the machines: the size that pods can rely on."""
    zones: list[str]
    purchase: EksPurchase
    image: EksImage
    user_data: str
    """As the node reads it, not base64; may be empty."""
    efa_interfaces: int
    """Elastic Fabric Adapters of each node; 0: none."""
    root_device: str
    """Device that holds images and pods."""
    disk_gib: int

    @property
    def accelerator(self) -> Accelerator | None:
        """Accelerator of its machines."""
        return ACCELERATORS[self.machine.accelerator] if self.machine.accelerator else None

    @property
    def reserved(self) -> bool:
        """Whether its machines come from a reservation, which determines their placement."""
        return self.purchase in WITH_RESERVATION

    @property
    def placed_together(self) -> bool:
        """Whether it needs a cluster placement group. A reservation determines the placement of its machines."""
        return bool(self.efa_interfaces) and not self.reserved


def plan_eks_pool(
    name: str, spec: EksPoolSpec, provisioning: NodeProvisioning, zones: Sequence[str] = ()
) -> EksPoolPlan:
    """The plan of a pool. `zones`: those of the network, the default of the pool's.

    The spec must be valid: `components.clouds.eks.validation.check_eks_pool` validates it before.
    """
    machines = [MACHINES[machine] for machine in spec["machines"]]
    smallest = min(machines, key=lambda machine: (machine.cpu, machine.memory_gib))
    purchase = EksPurchase(spec.get("purchase", EksPurchase.ON_DEMAND))
    image = EksImage(spec.get("image", EksImage.AL2023))
    efa = min(machine.efa_interfaces for machine in machines) if spec.get("efa") else 0
    accelerator = ACCELERATORS[smallest.accelerator] if smallest.accelerator else None
    software = node_software(
        accelerator, image, provisioning, DeviceAllocation(spec.get("device_allocation", "device-plugin"))
    )
    handle, labels, taints = plan_pool(
        name,
        pool_args(spec, smallest, min(machine.memory_gib for machine in machines)),
        ClusterKind.EKS,
        software,
        {EFA_RESOURCE: efa} if efa else {},
    )
    managed = provisioning is NodeProvisioning.MANAGED_GROUPS
    plugin = software["device_allocation"] is DeviceAllocation.DEVICE_PLUGIN
    if managed and plugin and "nvidia.com/gpu" in handle["capacity"]["units_per_node"] and accelerator:
        labels[AUTOSCALER_GPU_LABEL] = accelerator.name.lower()
    return EksPoolPlan(
        handle=handle,
        labels=labels,
        taints=taints,
        machines=[machine.name for machine in machines],
        machine=smallest,
        zones=list(spec.get("zones") or zones),
        purchase=purchase,
        image=image,
        user_data=user_data(spec, accelerator, raid=None if managed else False),
        efa_interfaces=efa,
        root_device="/dev/xvdb" if image is EksImage.BOTTLEROCKET else "/dev/xvda",
        disk_gib=int(spec.get("disk_gib") or DEFAULT_DISK_GIB),
    )


def pool_args(spec: EksPoolSpec, machine: Machine, memory_gib: int) -> PoolArgs:
    """The pool as workloads see it."""
    # The pool is as reliable as its least reliable node.
    purchases = {
        EksPurchase.ON_DEMAND: Purchase.ON_DEMAND,
        EksPurchase.SPOT: Purchase.SPOT,
        EksPurchase.SPOT_OR_ON_DEMAND: Purchase.SPOT,
    }
    return PoolArgs(
        accelerator=machine.accelerator,
        devices_per_node=machine.devices,
        sharing=spec.get("sharing") or SharingArgs(),
        nodes_min=int(spec.get("nodes_min", 0)),
        nodes_max=int(spec["nodes_max"]),
        purchase=purchases.get(EksPurchase(spec.get("purchase", EksPurchase.ON_DEMAND)), Purchase.RESERVED),
        cpu_per_node=machine.cpu,
        memory_gib_per_node=memory_gib,
        labels=spec.get("labels") or {},
        taints=spec.get("taints") or [],
    )


def node_software(
    accelerator: Accelerator | None,
    image: EksImage,
    provisioning: NodeProvisioning,
    device_allocation: DeviceAllocation,
) -> NodeSoftware:
    """Owner of each piece of software: Auto Mode brings everything, Bottlerocket the NVIDIA device plugin, every image
    the driver.
    """
    if provisioning is NodeProvisioning.AUTO_MODE:
        return NodeSoftware(driver=Owner.CLOUD, device_plugin=Owner.CLOUD, device_allocation=device_allocation)
    nvidia = accelerator is not None and accelerator.vendor == "NVIDIA"
    in_image = image is EksImage.BOTTLEROCKET and nvidia
    return NodeSoftware(
        driver=Owner.IMAGE,
        device_plugin=Owner.IMAGE if in_image else Owner.PLATFORM,
        device_allocation=device_allocation,
    )


def ami_type(plan: EksPoolPlan) -> str:
    """Image type of its managed node group."""
    return eks_ami_type(plan.machine, bottlerocket=plan.image is EksImage.BOTTLEROCKET)


def group_name(name: str, plan: EksPoolPlan) -> str:
    """Name of its managed node group; it changes with the immutable values."""
    fixed = [sorted(plan.machines), ami_type(plan), CAPACITY_TYPES[plan.purchase], sorted(plan.zones)]
    return f"{name}-{hashlib.sha256(json.dumps(fixed).encode()).hexdigest()[:8]}"


class EfaInterface(NamedTuple):
    """One network interface of a node."""

    network_card_index: int
    device_index: int
    interface_type: str


def efa_interfaces(count: int) -> list[EfaInterface]:
    """One interface on each network card: the first carries IP traffic too, the others EFA traffic only (EKS user
    guide, node-efa: card 0 cannot be efa-only). Every machine with EFA supports efa-only (AWS, What's New, 28 October
    2024).
    """
    return [EfaInterface(card, 1 if card else 0, "efa-only" if card else "efa") for card in range(count)]


def karpenter_interfaces(count: int) -> list[EfaInterface]:
    """The same for Karpenter, which supports `interface` and `efa-only`: card 0 has one of each."""
    return [EfaInterface(0, 0, "interface"), *(EfaInterface(card, 1, "efa-only") for card in range(count))]


def api_taints(taints: Sequence[Taint]) -> list[dict[str, str]]:
    """Taints as the EKS API spells them."""
    return [{"key": t["key"], "value": t["value"], "effect": TAINT_EFFECTS[t["effect"]]} for t in taints]


def autoscaler_tags(plan: EksPoolPlan) -> dict[str, str]:
    """Tags of the Auto Scaling group that describe a new node to the Cluster Autoscaler.

    Without them the autoscaler does not scale up an empty group for a pod that requests a label, an extended resource
    or ephemeral storage (kubernetes/autoscaler, cloudprovider/aws/README). A fifth of the disk is for system and
    images.
    """
    resources = {**plan.handle["capacity"]["units_per_node"], **plan.handle["placement"]["fabric"]}
    return {
        **{f"{NODE_TEMPLATE}/label/{key}": value for key, value in plan.labels.items()},
        **{f"{NODE_TEMPLATE}/taint/{taint['key']}": f"{taint['value']}:{taint['effect']}" for taint in plan.taints},
        **{f"{NODE_TEMPLATE}/resources/{resource}": str(units) for resource, units in resources.items()},
        f"{NODE_TEMPLATE}/resources/ephemeral-storage": f"{plan.disk_gib * 4 // 5}Gi",
    }


def node_pool_spec(plan: EksPoolPlan, node_class: Mapping[str, str], *, oldest: str) -> dict[str, Any]:
    """The `spec` of a `karpenter.sh/v1` NodePool.

    Limits apply to nodes, devices, vCPUs and memory. An accelerated node is removed only when it is empty; a new node
    has the newest image. `oldest`: the longest life of a node.
    """
    capacity = plan.handle["capacity"]
    nodes = capacity["nodes_max"]
    machines = [MACHINES[machine] for machine in plan.machines]
    devices = {resource: str(units * nodes) for resource, units in capacity["units_per_node"].items()}
    accelerated = plan.accelerator is not None
    return {
        "template": {
            "metadata": {"labels": plan.labels},
            "spec": {
                "nodeClassRef": dict(node_class),
                "requirements": [
                    _one_of("node.kubernetes.io/instance-type", plan.machines),
                    _one_of("karpenter.sh/capacity-type", KARPENTER_CAPACITY_TYPES[plan.purchase]),
                    *_of_reservation(plan.purchase, node_class["group"]),
                    _one_of("topology.kubernetes.io/zone", plan.zones),
                    _one_of("kubernetes.io/arch", [plan.machine.architecture.value]),
                ],
                # Karpenter accepts no empty value; a missing value means the same.
                "taints": [{key: value for key, value in taint.items() if value} for taint in plan.taints],
                "expireAfter": oldest,
            },
        },
        "disruption": {
            "consolidationPolicy": "WhenEmpty" if accelerated else "WhenEmptyOrUnderutilized",
            "consolidateAfter": "10m",
            "budgets": _ONLY_EMPTY_NODES if accelerated else [{"nodes": "10%"}],
        },
        "limits": {
            "nodes": str(nodes),
            "cpu": str(max(machine.cpu for machine in machines) * nodes),
            "memory": f"{max(machine.memory_gib for machine in machines) * nodes}Gi",
            **devices,
        },
    }


_ONLY_EMPTY_NODES = [
    {"nodes": "100%", "reasons": ["Empty"]},
    {"nodes": "0", "reasons": ["Drifted", "Underutilized"]},
]


def _of_reservation(purchase: EksPurchase, domain: str) -> list[dict[str, Any]]:
    """The requirement on the kind of reservation, Capacity Block or On-Demand Capacity Reservation. `domain`: of the
    labels of the node class.
    """
    if purchase not in WITH_RESERVATION:
        return []
    return [_one_of(f"{domain}/capacity-reservation-type", [RESERVATION_TYPES[purchase]])]


def _one_of(key: str, values: Sequence[str]) -> dict[str, Any]:
    return {"key": key, "operator": "In", "values": list(values)}


def load_balancer_annotations(provisioning: NodeProvisioning, *, public: bool) -> dict[str, str]:
    """Annotations of a Service of type LoadBalancer, for a Network Load Balancer that keeps the clients' addresses.

    Without them AWS's default controller creates a public Classic Load Balancer, which hides the clients' addresses
    from the proxies (kubernetes/cloud-provider-aws, docs/service_controller; EKS user guide, network-load-balancing).
    Auto Mode's controller creates an internal one by default and ignores the other annotations (EKS user guide,
    auto-configure-nlb).
    """
    prefix = "service.beta.kubernetes.io/aws-load-balancer"
    if provisioning is NodeProvisioning.AUTO_MODE:
        scheme = "internet-facing" if public else "internal"
        return {f"{prefix}-scheme": scheme, f"{prefix}-nlb-target-type": "instance"}
    return {f"{prefix}-type": "nlb", **({} if public else {f"{prefix}-internal": "true"})}


def kubeconfig(name: str, endpoint: str, ca_data: str, region: str) -> str:
    """A kubeconfig whose user gets a token from the AWS CLI at each use; it contains no secret."""
    arguments = ["eks", "get-token", "--cluster-name", name, "--region", region, "--output", "json"]
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": endpoint, "certificate-authority-data": ca_data}}],
        "users": [
            {
                "name": name,
                "user": {
                    "exec": {
                        "apiVersion": "client.authentication.k8s.io/v1",
                        "command": "aws",
                        "args": arguments,
                        "interactiveMode": "Never",
                    }
                },
            }
        ],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
    return yaml.safe_dump(document, sort_keys=False)
