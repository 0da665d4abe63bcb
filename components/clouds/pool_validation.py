"""Rules on pools: accelerators, how they are shared, TPU slices. Used by the settings and by every node pool."""

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

from catalog.accelerators import (
    ACCELERATORS,
    MPS_CLIENTS,
    RETIRED_ACCELERATORS,
    RETIRED_RESOURCES,
    Accelerator,
    ClusterKind,
    DeviceAllocation,
    Owner,
    Sharing,
    topology_hosts,
)
from catalog.machines import machines_with
from components.base.grammar import EXTENDED_RESOURCE, LABEL_VALUE, LINE, QUALIFIED_NAME, check_labels, check_text
from components.capacity.placement import SOFTWARE, CustomAcceleratorArgs, NodeSoftware, PoolArgs, accelerator_of
from components.capacity.sharing import SharingArgs
from components.clouds.software_validation import check_software
from components.findings import Finding, camel, spelling

MPS_RULE = "the device plugin offers MPS on whole NVIDIA GPUs only, never together with time-slicing or MIG"
MAX_NODES = 5000
"""Nodes in one cluster (Kubernetes documentation, considerations for large clusters)."""
TAINT_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_HOST_MINIMA = (("cpu_per_node", 1), ("memory_gib_per_node", 1))
MAX_SHARES = MPS_CLIENTS
"""Time-slicing has no limit; more shares than with MPS have no benefit."""


def check_pool(path: str, args: PoolArgs) -> Iterator[Finding]:
    """Findings for one pool."""
    yield from check_size(path, args)
    name = args.get("accelerator")
    if name and args.get("custom_accelerator"):
        yield Finding(f"{path}.accelerator", name, "a pool has one kind of device", "remove customAccelerator")
        return
    if name and name not in ACCELERATORS:
        yield _unknown_accelerator(f"{path}.accelerator", name)
        return
    if args.get("custom_accelerator"):
        yield from _check_custom(f"{path}.customAccelerator", args["custom_accelerator"])
    accelerator = accelerator_of(args)
    if accelerator is None:
        for key in ("devices_per_node", "sharing", "topology", "device_allocation"):
            if args.get(key):
                yield Finding(
                    f"{path}.{camel(key)}",
                    str(args.get(key)),
                    "a CPU pool has no devices",
                    "name an accelerator, or remove this line",
                )
        return
    yield from _check_devices(path, args, accelerator)
    yield from check_sharing(f"{path}.sharing", args.get("sharing") or SharingArgs(), accelerator)
    if args.get("device_allocation") == DeviceAllocation.DRA:
        yield from check_dra(path, args.get("sharing") or SharingArgs(), accelerator)


def check_dra(path: str, sharing: SharingArgs, accelerator: Accelerator) -> Iterator[Finding]:
    """Whether pods can claim the devices of a pool."""
    if not accelerator.device_class:
        yield Finding(
            f"{path}.deviceAllocation",
            "dra",
            f"{accelerator.name} has no DRA driver that the platform supports",
            "use device-plugin, or remove this line",
        )
    elif sharing.get("strategy", Sharing.EXCLUSIVE) != Sharing.EXCLUSIVE:
        yield Finding(
            f"{path}.deviceAllocation",
            f"dra with sharing {sharing['strategy']}",
            "the platform claims whole devices with DRA; the device plugin offers shares and partitions",
            "use device-plugin, or remove sharing",
        )


def check_described_pool(
    path: str, args: PoolArgs, software: NodeSoftware | None = None, *, mig_mixed: bool = False
) -> Iterator[Finding]:
    """Findings for an existing pool.

    `software`: owners of the software; None: the defaults. `mig_mixed`: the existing device plugin runs with MIG
    strategy mixed.
    """
    problems = [*check_pool(path, args)]
    yield from problems
    if args.get("labels"):
        yield Finding(
            f"{path}.labels",
            ", ".join(f"{key}={value}" for key, value in args["labels"].items()),
            "labels of existing nodes are set outside of the platform",
            "remove this line; the platform selects nodes by the label mlplatform.dev/pool",
        )
    if software is None or any(problem.path.endswith(".accelerator") for problem in problems):
        return
    accelerator = accelerator_of(args)
    if accelerator is None:
        yield from _no_software(path, software)
        return
    yield from check_software(
        path,
        driver=software["driver"],
        device_plugin=software["device_plugin"],
        device_allocation=software["device_allocation"],
        accelerator=accelerator,
    )
    yield from _sharing_by_others(f"{path}.sharing", args.get("sharing") or SharingArgs(), software, mig_mixed)
    if mig_mixed and not (software["device_plugin"] == Owner.FOUND and _strategy(args) is Sharing.MIG):
        yield Finding(
            f"{path}.migMixed",
            "true",
            "only with devicePlugin found, on a pool with sharing strategy mig",
            "remove migMixed; the platform chooses the strategy of this device plugin",
        )


def _no_software(path: str, software: NodeSoftware) -> Iterator[Finding]:
    usual = SOFTWARE[ClusterKind.EXISTING]
    for key in ("driver", "device_plugin"):
        if software[key] != usual[key]:
            yield Finding(
                f"{path}.{camel(key)}",
                software[key],
                "a CPU pool has no devices that need software",
                "remove this line",
            )


def _strategy(args: PoolArgs) -> Sharing:
    return Sharing((args.get("sharing") or SharingArgs()).get("strategy", Sharing.EXCLUSIVE))


def _sharing_by_others(path: str, sharing: SharingArgs, software: NodeSoftware, mig_mixed: bool) -> Iterator[Finding]:
    strategy = Sharing(sharing.get("strategy", Sharing.EXCLUSIVE))
    if strategy is Sharing.EXCLUSIVE or software["device_allocation"] == DeviceAllocation.DRA:
        return  # sharing with DRA is a finding of the pool itself
    if software["device_plugin"] == Owner.FOUND and strategy in (Sharing.TIME_SLICING, Sharing.MPS):
        yield Finding(
            f"{path}.strategy",
            strategy,
            "the resource name of shares of an existing device plugin is unknown (nvidia.com/gpu or gpu.shared)",
            "remove sharing, and count its shares as devices with customAccelerator; or write devicePlugin: platform "
            "and remove the existing device plugin",
        )
    elif software["device_plugin"] == Owner.FOUND and strategy is Sharing.MIG and not mig_mixed:
        yield Finding(
            f"{path}.strategy",
            "mig",
            "partitions have their own resource names only if the device plugin runs with MIG strategy mixed",
            "write migMixed: true if the existing device plugin does (MIG_STRATEGY in its DaemonSet)",
        )


def check_size(path: str, args: PoolArgs) -> Iterator[Finding]:
    """Rules on node counts, sizes and taints that apply to pools of every cloud."""
    nodes_min, nodes_max = args.get("nodes_min", 0), args["nodes_max"]
    for key, least in (("nodes_max", 1), ("nodes_min", 0), ("devices_per_node", 1), *_HOST_MINIMA):
        value = args.get(key, least)
        if not isinstance(value, int | float) or value < least:
            yield Finding(f"{path}.{camel(key)}", f"{value}", f"at least {least}", f"use {least} or more")
    if nodes_max > MAX_NODES:
        yield Finding(
            f"{path}.nodesMax", f"{nodes_max}", f"Kubernetes supports {MAX_NODES} nodes in one cluster", "use fewer"
        )
    if nodes_min > nodes_max >= 1:
        yield Finding(
            f"{path}.nodesMin", f"{nodes_min}", f"at most nodesMax ({nodes_max})", "lower nodesMin or raise nodesMax"
        )
    for index, taint in enumerate(args.get("taints") or []):
        if taint["effect"] not in TAINT_EFFECTS:
            yield Finding(
                f"{path}.taints[{index}].effect",
                taint["effect"],
                f"one of {', '.join(TAINT_EFFECTS)}",
                "NoSchedule keeps pods away that do not tolerate it",
            )
        if any((one["key"], one["effect"]) == (taint["key"], taint["effect"]) for one in args["taints"][:index]):
            rule = "each key and effect once: Kubernetes refuses a node that has it twice"
            yield Finding(f"{path}.taints[{index}].key", taint["key"], rule, "remove one of the two")
        yield from check_text(f"{path}.taints[{index}].key", taint["key"], QUALIFIED_NAME)
        yield from check_text(f"{path}.taints[{index}].value", taint["value"], LABEL_VALUE)
    yield from check_labels(f"{path}.labels", args.get("labels") or {})


def _check_custom(path: str, device: CustomAcceleratorArgs) -> Iterator[Finding]:
    """A fully described device: its values become labels, taints and resource names."""
    yield from check_text(f"{path}.name", device["name"], LINE)
    yield from check_text(f"{path}.resourceName", device["resource_name"], EXTENDED_RESOURCE)
    yield from check_text(f"{path}.taintKey", device["taint_key"], QUALIFIED_NAME)
    yield from check_labels(f"{path}.nodeLabels", device["node_labels"])


def _unknown_accelerator(path: str, name: str) -> Finding:
    rule = f"an accelerator of the catalogue: {', '.join(ACCELERATORS)}"
    retired = next((key for key in RETIRED_ACCELERATORS if spelling(key) == spelling(name)), "")
    if retired:
        return Finding(path, name, "an accelerator that is still offered", f"use {RETIRED_ACCELERATORS[retired]}")
    close = likely_accelerators(name, ACCELERATORS)
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    return Finding(path, name, rule, f"{hint}Describe a device that is not in the catalogue with customAccelerator")


_MAKERS = re.compile(r"^((nvidia|tesla|amd|instinct|google|aws)[ _-]*)+")
_ONE_SLIP = 0.88
"""Similarity of names that differ by one added or missing character, like H1000 and H100."""


def likely_accelerators(name: str, known: Iterable[str]) -> list[str]:
    """The devices that a misspelt name may mean: those of its family and number.

    Another device is never suggested: H100 for A100, or B300 for B100, is another machine at another price.
    """
    written = _MAKERS.sub("", name.lower())
    wanted, (letters, number) = spelling(written), _model(written)
    devices = {spelling(one): one for one in known}
    family = {spelt: one for spelt, one in devices.items() if _model(one)[0] == letters}
    exact = [one for spelt, one in devices.items() if spelt in (wanted, f"tpu{wanted}")]
    longer = [one for spelt, one in devices.items() if wanted and spelt.startswith(wanted)]
    alike = [one for one in family.values() if _model(one)[1] == number]
    if number:
        longer = [one for one in longer if one in alike]
    slips = [family[one] for one in get_close_matches(wanted, family, n=1, cutoff=_ONE_SLIP)]
    return exact or longer or (alike if number else []) or slips


def _model(name: str) -> tuple[str, str]:
    """Letters and number that a name begins with: `h` and `100` of `H100-80GB`."""
    letters, number = re.match(r"([^0-9]*)([0-9]*)", name.lower()).groups()  # type: ignore[union-attr] # matches anything
    return spelling(letters), number


def _check_devices(path: str, args: PoolArgs, accelerator: Accelerator) -> Iterator[Finding]:
    if accelerator.resource_name in RETIRED_RESOURCES:
        yield Finding(
            f"{path}.customAccelerator.resourceName",
            accelerator.resource_name,
            "no device plugin offers this name any more",
            f"use {RETIRED_RESOURCES[accelerator.resource_name]}",
        )
    topology = args.get("topology", "")
    if accelerator.is_tpu:
        yield from _check_topology(path, args, accelerator)
    elif topology:
        yield Finding(
            f"{path}.topology", topology, f"only TPU slices have one; {accelerator.name} is none", "remove topology"
        )
    devices = args.get("devices_per_node", 0)
    machines = [] if accelerator.is_tpu else machines_with(accelerator.name)
    largest = max(machines, key=lambda machine: machine.devices, default=None)
    if largest and devices > largest.devices:
        yield Finding(
            f"{path}.devicesPerNode",
            str(devices),
            f"the largest machine with {accelerator.name} carries {largest.devices} ({largest.name})",
            f"use {largest.devices} or fewer, and more nodes",
        )


def _check_topology(path: str, args: PoolArgs, accelerator: Accelerator) -> Iterator[Finding]:
    topology = args.get("topology", "")
    if topology not in accelerator.topologies:
        yield Finding(
            f"{path}.topology",
            topology or "(missing)",
            f"a topology of {accelerator.name}: {', '.join(accelerator.topologies)}",
            "choose one; the number of nodes follows from it",
        )
        return
    possible = accelerator.topologies[topology]
    chips = args.get("devices_per_node", possible[0])
    if chips not in possible:
        numbers = " or ".join(map(str, possible))
        yield Finding(
            f"{path}.devicesPerNode",
            str(chips),
            f"topology {topology} of {accelerator.name} has {numbers} chips per host",
            f"write {numbers}" if len(possible) > 1 else "remove devicesPerNode: the topology decides it",
        )
        return
    hosts = topology_hosts(accelerator, topology, chips)
    sizes = (args["nodes_max"], args.get("nodes_min", 0))
    if min(sizes) >= 0 and any(size % hosts for size in sizes):
        yield Finding(
            f"{path}.nodesMax",
            f"{args['nodes_max']} (nodesMin {args.get('nodes_min', 0)})",
            f"a {topology} slice is {hosts} hosts that are scaled together, so both must be multiples of {hosts}",
            f"use {max(1, round(args['nodes_max'] / hosts)) * hosts} for nodesMax, and a multiple of {hosts} (or 0) "
            "for nodesMin",
        )


def check_sharing(path: str, sharing: SharingArgs, accelerator: Accelerator) -> Iterator[Finding]:
    """Whether one device of that kind can be shared that way."""
    strategy = Sharing(sharing.get("strategy", Sharing.EXCLUSIVE))
    replicas, profiles = sharing.get("replicas"), sharing.get("mig_profiles")
    if strategy is not Sharing.EXCLUSIVE and accelerator.vendor != "NVIDIA":
        yield Finding(
            f"{path}.strategy",
            strategy,
            f"only the NVIDIA device plugin shares devices; {accelerator.name} is whole",
            "remove sharing",
        )
        return
    if strategy in (Sharing.TIME_SLICING, Sharing.MPS):
        if profiles:
            yield Finding(
                f"{path}.migProfiles",
                _listed(profiles),
                MPS_RULE if strategy is Sharing.MPS else "a device is either time-sliced or partitioned here",
                "remove migProfiles, or use strategy mig",
            )
        most = accelerator.mps_clients if strategy is Sharing.MPS else MAX_SHARES
        if replicas is None or not 2 <= replicas <= most:
            yield Finding(
                f"{path}.replicas",
                "(missing)" if replicas is None else str(replicas),
                f"{strategy} takes 2 to {most} containers a device on {accelerator.name}",
                "give a number in that range, or use strategy exclusive",
            )
        return
    if replicas is not None:
        yield Finding(
            f"{path}.replicas",
            str(replicas),
            f"strategy {strategy} has no replicas",
            "remove replicas, or use strategy time-slicing or mps (one of the two)",
        )
    if strategy is Sharing.EXCLUSIVE and profiles:
        yield Finding(f"{path}.migProfiles", _listed(profiles), "only strategy mig has profiles", "use strategy mig")
    if strategy is Sharing.MIG:
        yield from _check_mig(path, profiles or {}, accelerator)


def _check_mig(path: str, profiles: dict[str, int], accelerator: Accelerator) -> Iterator[Finding]:
    if not accelerator.mig_profiles:
        yield Finding(
            f"{path}.strategy", "mig", f"{accelerator.name} has no MIG", "use time-slicing, or a GPU that has it"
        )
        return
    names = ", ".join(profile.name for profile in accelerator.mig_profiles)
    if not profiles:
        yield Finding(
            f"{path}.migProfiles",
            "(missing)",
            f"strategy mig needs the partitions of each device; profiles of {accelerator.name}: {names}",
            f"write how many of each, like migProfiles: {{{accelerator.mig_profiles[0].name}: 2}}",
        )
        return
    compute = memory = 0
    for name, count in profiles.items():
        profile = accelerator.mig_profile(name)
        if profile is None:
            owners = [row.name for row in ACCELERATORS.values() if row.mig_profile(name)]
            other = f" ({name} belongs to {', '.join(owners)})" if owners else ""
            yield Finding(
                f"{path}.migProfiles.{name}",
                f"{name}: {count}",
                f"profiles of {accelerator.name}: {names}{other}",
                "use one of these",
            )
            continue
        if not 1 <= count <= profile.maximum:
            yield Finding(
                f"{path}.migProfiles.{name}",
                f"{name}: {count}",
                f"1 to {profile.maximum} of {name} fit on one {accelerator.name}",
                f"use {profile.maximum} or fewer",
            )
            continue
        compute += profile.compute_slices * count
        memory += profile.memory_slices * count
    if compute > accelerator.compute_slices or memory > accelerator.memory_slices:
        yield Finding(
            f"{path}.migProfiles",
            _listed(profiles),
            f"one {accelerator.name} has {accelerator.compute_slices} compute and {accelerator.memory_slices} memory "
            f"slices; this takes {compute} and {memory}",
            "use fewer or smaller profiles",
        )


def _listed(profiles: Mapping[str, int]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in profiles.items())
