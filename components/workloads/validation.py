"""Rules on trainings and served models: refuses what cannot run, or must not, before any resource is registered.

The functions take plain specs (`components.workloads.training.spec`, `components.workloads.serving.spec`) and the
handles of their dependencies. Settings and components call the same functions; paths are written as in the settings,
in camelCase.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from catalog.accelerators import Sharing
from components.base.grammar import (
    ENVIRONMENT_NAME,
    GCS_BUCKET,
    S3_BUCKET,
    SUBDOMAIN,
    check_keys,
)
from components.capacity.placement import AcceleratorRequest, PoolHandle, resource_name
from components.findings import Finding, camel
from components.workloads.serving.spec import (
    InferenceSpec,
    ModelServerSpec,
)
from components.workloads.training.spec import (
    TrainingSpec,
)

MAX_OBJECT_NAME = 63
MAX_LOCAL_GIB = 64 * 1024
"""Local disk of one pod: more than any node has, so that only a wrong unit exceeds it."""
MAX_MILLIS = 1_000_000
"""CPU of one pod: more than any node has."""

_PLACES = {"s3": ("a bucket", S3_BUCKET), "gs": ("a bucket", GCS_BUCKET), "pvc": ("a claim", SUBDOMAIN)}
"""Scheme of a model's address -> what its first part is."""
_MIG_PREFIX = "nvidia.com/mig-"
_URI = re.compile(r"^(?P<scheme>[a-z0-9]+)://(?P<place>[^\s/]+)(/\S*)?\Z")
_SECRET_NAME = re.compile(
    r"(?i)(password|passwd|secret|token(?!iz|s(?![a-z])|_?(limit|count|length|budget))"
    r"|api_?key|access_?key|private_?key|credential)"
)
"""TOKENIZERS_PARALLELISM and MAX_TOKENS concern text."""
_IN_ENVIRONMENT_SECRETS = "put it into a Secret of the team's namespace and name that in environmentSecrets"
_DEVICE_VARIABLES = ("NVIDIA_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES", "TPU_VISIBLE_CHIPS")


def check_size(path: str, spec: TrainingSpec | InferenceSpec | ModelServerSpec, pool: PoolHandle) -> Iterator[Finding]:
    """One pod fits one node of its pool, and requests devices exactly if the pool has some."""
    capacity = pool["capacity"]
    cpu, memory = int(spec.get("cpu_millis", 1)), int(spec.get("memory_gib", 1))
    most_cpu, most_memory = int(capacity["cpu_per_node"]) * 1000, int(capacity["memory_gib_per_node"])
    node = f"of a node of pool {capacity['pool']}"
    yield from between(path, "cpuMillis", cpu, 1, most_cpu, f"thousandths of a vCPU, {node}")
    yield from between(path, "memoryGib", memory, 1, most_memory, f"GiB, {node}")
    yield from between(path, "ephemeralStorageGib", spec.get("ephemeral_storage_gib", 1), 1, MAX_LOCAL_GIB, "GiB")
    limit = int(spec.get("cpu_limit_millis", 0))
    if limit and limit < cpu:
        yield Finding(f"{path}.cpuLimitMillis", str(limit), "at least cpuMillis", "raise it, or remove it")
    shared = int(spec.get("shared_memory_gib") or 0)
    if not 0 <= shared < max(memory, 1):
        yield Finding(
            f"{path}.sharedMemoryGib",
            str(shared),
            f"shared memory is part of the pod's memory, so it must be less than memoryGib ({memory})",
            "lower sharedMemoryGib or raise memoryGib",
        )
    yield from _check_accelerators(f"{path}.accelerators", spec.get("accelerators") or {}, pool)


def _check_accelerators(path: str, request: AcceleratorRequest, pool: PoolHandle) -> Iterator[Finding]:
    name, offered = pool["capacity"]["pool"], pool["capacity"]["units_per_node"]
    count: Any = request.get("count", 0)
    if int(count) < 0:
        yield Finding(f"{path}.count", str(count), "0 or more devices", "use 1 or more, or remove accelerators")
        return
    if float(count) != int(count):
        yield Finding(
            f"{path}.count",
            str(count),
            "devices are requested as whole numbers",
            "request a whole unit of a pool that shares devices (time-slicing) or partitions them (MIG)",
        )
        return
    if not offered:
        if count or request.get("mig_profile"):
            yield Finding(
                f"{path}.count",
                str(count),
                f"pool {name} has no accelerators",
                "remove accelerators, or choose a pool that has some",
            )
        return
    if not count:
        yield Finding(
            f"{path}.count",
            "0",
            f"a pod on pool {name} must request accelerators: its nodes are reserved for such pods",
            "set accelerators.count, or choose a CPU pool",
        )
        return
    profile = request.get("mig_profile", "")
    try:
        resource = resource_name(pool["capacity"], profile)
    except KeyError:
        yield _wrong_profile(f"{path}.migProfile", profile, pool)
        return
    if int(count) > 1 and pool["capacity"]["sharing"] in (Sharing.TIME_SLICING, Sharing.MPS):
        yield Finding(
            f"{path}.count",
            str(int(count)),
            f"pool {name} shares its devices: two shares are no faster than one, and the device plugin refuses them",
            "set it to 1, or choose a pool with whole devices",
        )
    elif int(count) > offered[resource]:
        yield Finding(
            f"{path}.count",
            str(int(count)),
            f"a node of pool {name} offers {offered[resource]} {resource}, and a pod runs on one node",
            "spread the work over several workers, or choose a pool with larger nodes",
        )


def _wrong_profile(path: str, profile: str, pool: PoolHandle) -> Finding:
    name, offered = pool["capacity"]["pool"], sorted(pool["capacity"]["units_per_node"])
    profiles = [unit.removeprefix(_MIG_PREFIX) for unit in offered if unit.startswith(_MIG_PREFIX)]
    if profiles:
        rule = f"pool {name} is partitioned, so a workload must name one of its profiles: {', '.join(profiles)}"
        return Finding(path, profile or "(missing)", rule, "name one of these")
    rule = f"pool {name} offers {', '.join(offered)}, not partitioned"
    return Finding(path, profile, rule, "remove migProfile, or choose a pool with sharing.strategy mig")


def check_storage_uri(path: str, uri: str, schemes: Sequence[str]) -> Iterator[Finding]:
    """A supported address of a model, without credentials in it."""
    match = _URI.match(uri)
    if not match or match["scheme"] not in schemes or "@" in match["place"]:
        shown = "(an address with credentials in it)" if match and "@" in match["place"] else uri
        yield Finding(
            path,
            shown or "(missing)",
            f"an address of one of: {', '.join(f'{scheme}://' for scheme in schemes)}; credentials come from the team",
            "write it like s3://bucket/models/name/version",
        )
    elif (grammar := _PLACES.get(match["scheme"])) and not grammar[1].accepts(match["place"]):
        what, (rule, example, _) = grammar
        yield Finding(path, uri, f"after {match['scheme']}:// {what}: {rule}", example)


def check_environment(
    path: str, environment: Mapping[str, str], elsewhere: str = _IN_ENVIRONMENT_SECRETS
) -> Iterator[Finding]:
    """No secrets in plain text, and no variables that select devices: the device plugin does. Values are never
    shown."""
    yield from check_keys(path, environment, ENVIRONMENT_NAME)
    for name in sorted(environment):
        if _SECRET_NAME.search(name):
            yield Finding(
                f"{path}.{name}",
                "[not shown]",
                "settings must not contain credentials",
                elsewhere,
            )
        if name in _DEVICE_VARIABLES:
            yield Finding(
                f"{path}.{name}",
                environment[name],
                "the device plugin decides which devices a container sees; this variable could expose others",
                "remove it and set accelerators.count",
            )


def required(path: str, spec: Mapping[str, Any], keys: Sequence[str]) -> Iterator[Finding]:
    for key in keys:
        if spec.get(key) in (None, ""):
            yield Finding(f"{path}.{camel(key)}", "(missing)", "required", f"add {camel(key)}")


def between(path: str, key: str, value: Any, least: int, most: int, unit: str) -> Iterator[Finding]:
    if not least <= int(value) <= most:
        yield Finding(
            f"{path}.{key}", str(value), f"{least} to {most} {unit}", f"use {min(max(int(value), least), most)}"
        )
