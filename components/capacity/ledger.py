"""The capacity ledger: what pools can hold, quotas, and requests. Pure; the only place where they are combined.

Units are what a container can request: whole devices, shares of a device (time-slicing, MPS), MIG partitions or TPU
chips. Supply is computed with every pool at its largest. Settings, policies and the summary all use this ledger.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from catalog.accelerators import OTHER_NAMES
from components.capacity.placement import Capacity

UnitKey = str
"""`pool`, or `pool/profile` on a pool that offers several MIG profiles."""


@dataclass(frozen=True)
class Supply:
    """Units of one extended resource in one pool."""

    key: UnitKey
    pool: str
    accelerator: str
    resource: str
    units_per_node: int
    nodes_max: int
    devices: int
    """Physical devices behind it, on all nodes."""

    @property
    def units(self) -> int:
        """Units at the pool's largest."""
        return self.units_per_node * self.nodes_max


@dataclass(frozen=True)
class Demand:
    """Units that one workload requests at its largest."""

    path: str
    """Path in the settings, for messages."""
    name: str
    team: str
    key: UnitKey
    units_per_pod: int
    pods: int

    @property
    def units(self) -> int:
        """Units at its largest."""
        return self.units_per_pod * self.pods


@dataclass(frozen=True)
class Holding:
    """Other resources of its team's quota that one workload requests with its minimum of pods."""

    path: str
    """Path in the settings, for messages."""
    name: str
    team: str
    pods: int = 0
    cpu_millis: int = 0
    """Total of all pods, like memory and local disk."""
    memory_gib: int = 0
    ephemeral_storage_gib: int = 0
    storage_gib: int = 0
    """Volumes together."""
    claims: int = 0


@dataclass(frozen=True)
class Ledger:
    """Supply, quotas and demand."""

    supplies: tuple[Supply, ...] = ()
    device_caps: dict[str, int] = field(default_factory=dict)
    """Accelerator name -> maximum number of physical devices of this environment."""
    team_quotas: dict[str, dict[UnitKey, int]] = field(default_factory=dict)
    queue_quotas: dict[str, dict[UnitKey, int]] = field(default_factory=dict)
    demands: tuple[Demand, ...] = ()
    auto_provisioned: dict[str, int] = field(default_factory=dict)
    """Accelerator name -> maximum number of physical devices of the whole cluster for GKE's node auto-provisioning."""

    def supply(self, key: UnitKey) -> Supply | None:
        """The supply of that key, or None."""
        return next((supply for supply in self.supplies if supply.key == key), None)

    def devices_by_accelerator(self) -> dict[str, int]:
        """Physical devices by accelerator, in pools at their largest or through node auto-provisioning.

        Each device counts once, however it is partitioned.
        """
        devices = {(supply.accelerator, supply.pool): supply.devices for supply in self.supplies}
        total: dict[str, int] = defaultdict(int)
        for (accelerator, _), count in devices.items():
            total[accelerator] += count
        return {**total, **{name: most for name, most in self.auto_provisioned.items() if most > total[name]}}

    def used(self, key: UnitKey, team: str | None = None) -> int:
        """Units of one key that workloads request, of one team or of all."""
        return sum(d.units for d in self.demands if d.key == key and team in (None, d.team))

    def promised(self, key: UnitKey) -> int:
        """Sum of the team quotas for one key."""
        return sum(quota.get(key, 0) for quota in self.team_quotas.values())

    def left(self, team: str, key: UnitKey) -> int:
        """Units of its quota that a team does not use."""
        return self.team_quotas.get(team, {}).get(key, 0) - self.used(key, team)


def unit_key(capacity: Capacity, resource: str) -> UnitKey:
    """The key of one resource of one pool in quotas and demands."""
    if len(capacity["units_per_node"]) > 1:
        return f"{capacity['pool']}/{resource.removeprefix('nvidia.com/mig-')}"
    return capacity["pool"]


def supplies_of(capacity: Capacity) -> list[Supply]:
    """Supply of one pool, a row for each extended resource; none for a CPU pool."""
    return [
        Supply(
            unit_key(capacity, resource),
            capacity["pool"],
            capacity["accelerator"],
            resource,
            int(units),
            int(capacity["nodes_max"]),
            int(capacity["devices_per_node"]) * int(capacity["nodes_max"]),
        )
        for resource, units in sorted(capacity["units_per_node"].items())
    ]


def resource_quota(quotas: dict[UnitKey, int], supplies: tuple[Supply, ...]) -> dict[str, int]:
    """A team's quota for Kubernetes: extended resource name -> units, summed over the pools of one resource.

    A ResourceQuota cannot distinguish two pools of one resource; the accelerator-quota policy checks the split. Every
    resource of any pool is named, with 0 if the team has no quota: a missing key would mean no limit. Other names of
    the same devices are named too, with 0.
    """
    by_key = {supply.key: supply.resource for supply in supplies}
    others = (other for other, resource in OTHER_NAMES.items() if resource in by_key.values())
    total = dict.fromkeys([*by_key.values(), *others], 0)
    for key, units in quotas.items():
        total[by_key[key]] += units
    return total


_DEVICES = ".deviceclass.resource.k8s.io/devices"


def quota_key(resource: str) -> str:
    """The key of an extended resource in a ResourceQuota, or of a DeviceClass, whose name has no slash.

    Source: Kubernetes documentation, resource quotas.
    """
    return f"requests.{resource}" if "/" in resource else f"{resource}{_DEVICES}"


def quota_resource(key: str) -> str:
    """The extended resource or DeviceClass that a ResourceQuota's key counts: the inverse of `quota_key`."""
    return key.removesuffix(_DEVICES) if key.endswith(_DEVICES) else key.removeprefix("requests.")


DEVICE_CAPS = "deviceCaps"
"""Output of the stack if the environment has a cap: accelerator -> `cap`, maximum number of devices."""
