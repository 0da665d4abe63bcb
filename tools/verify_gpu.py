"""Compares the catalogue's row of a GPU with the driver: `python -m tools verify-gpu`, on a node with GPUs.

NVML returns product name, memory, compute capability and, if MIG is on, the profiles with their counts. Then one
process for each GPU runs with the environment of a training with one worker, and uses its device.

The driver has no shares: the device plugin implements time-slicing and MPS. `--node` reads them from the node object,
and compares them and the labels of GPU feature discovery with the driver.
"""

from __future__ import annotations

import datetime
import importlib
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

import click

from catalog.accelerators import ACCELERATORS, SHARED_SUFFIX, Accelerator, ClusterKind
from components.workloads.training.plan import single_worker_environment
from tools.errors import ToolError

GPU = "nvidia.com/gpu"
PRODUCT_LABEL = f"{GPU}.product"
SMALLEST_SHARE = 0.9
"""Share of the nominal memory that ECC and the driver's reserve leave (a T4 of 16 GB reports 15,360 MiB)."""


@dataclass(frozen=True)
class Reading:
    """The driver's values for one GPU."""

    index: int
    name: str
    memory_mib: int
    compute_capability: str
    mig_profiles: Mapping[str, int] | None = None
    """Profile -> how many fit on the GPU; None if MIG is off: the driver then does not list them."""

    @property
    def product(self) -> str:
        """The name as GPU feature discovery writes it into the node's label (k8s-device-plugin, internal/lm)."""
        return "-".join(re.sub(r"[^A-Za-z0-9\-_. ]", "", self.name).split())


def row_of(reading: Reading) -> Accelerator | None:
    """The catalogue's row whose nodes have this product label."""
    return next(
        (
            row
            for row in ACCELERATORS.values()
            if row.node_labels[ClusterKind.EXISTING].get(PRODUCT_LABEL) == reading.product
        ),
        None,
    )


def differences(reading: Reading) -> Iterator[str]:
    """Where the catalogue and the driver differ for one GPU."""
    row = row_of(reading)
    if row is None:
        yield f"no row of the catalogue has the label {PRODUCT_LABEL}: {reading.product}"
        return
    reported_gib = reading.memory_mib / 1024
    if not SMALLEST_SHARE * row.memory_gib <= reported_gib <= row.memory_gib:
        yield f"memory: the catalogue has {row.memory_gib} GiB, the driver {reported_gib:.1f} GiB"
    if row.compute_capability != reading.compute_capability:
        yield f"compute capability: the catalogue has {row.compute_capability}, the driver {reading.compute_capability}"
    if reading.mig_profiles is not None:
        expected = {profile.name: profile.maximum for profile in row.mig_profiles}
        # Profiles with media engines have a `+` in their name; the catalogue omits them.
        found = {name: count for name, count in reading.mig_profiles.items() if "+" not in name}
        for name in sorted(expected.keys() | found.keys()):
            if expected.get(name) != found.get(name):
                yield f"MIG profile {name}: the catalogue has {expected.get(name, 0)}, the driver {found.get(name, 0)}"


@dataclass(frozen=True)
class NodeShares:
    """NVIDIA devices in the node object: `kubectl get node <name> -o json`."""

    name: str
    strategy: str
    """`none`, `time-slicing` or `mps`, as GPU feature discovery labels it; empty: it does not run there."""
    replicas: int
    """Shares of one device; 1: whole."""
    labels: Mapping[str, str]
    allocatable: Mapping[str, int]
    """Resource of the device plugin -> how many the kubelet offers."""


def shares_of(text: str) -> NodeShares:
    """The shares of a node. Raises ToolError if the text is no node."""
    try:
        node = json.loads(text)
        name, metadata = str(node["metadata"]["name"]), node["metadata"]
        offered = node["status"].get("allocatable") or {}
    except (ValueError, KeyError, TypeError):
        raise ToolError("--node takes what `kubectl get node <name> -o json` prints.") from None
    found = {key: value for key, value in (metadata.get("labels") or {}).items() if key.startswith(f"{GPU}.")}
    return NodeShares(
        name,
        found.get(f"{GPU}.sharing-strategy", ""),
        max(1, int(found.get(f"{GPU}.replicas", "1"))),
        found,
        {key: int(count) for key, count in offered.items() if key.startswith("nvidia.com/")},
    )


def share_differences(readings: list[Reading], node: NodeShares) -> Iterator[str]:
    """Where the node object and the driver differ. Partitioned devices (MIG) are not counted here."""
    first = readings[0]
    # Without a separate resource name, the product label marks a share (k8s-device-plugin, internal/lm/resource.go).
    shared_name = node.replicas > 1 and node.labels.get(PRODUCT_LABEL, "").endswith("-SHARED")
    product = f"{first.product}-SHARED" if shared_name else first.product
    major, _, minor = first.compute_capability.partition(".")
    for key, said in (
        ("product", product),
        ("memory", str(first.memory_mib)),
        ("count", str(len(readings))),
        ("compute.major", major),
        ("compute.minor", minor),
    ):
        label = node.labels.get(f"{GPU}.{key}")
        if label != said:
            yield f"label {GPU}.{key}: the node has {label or 'none'}, the driver {said}"
    if all(reading.mig_profiles is None or not reading.mig_profiles for reading in readings):
        resource = GPU if node.replicas == 1 or shared_name else f"{GPU}{SHARED_SUFFIX}"
        units, expected = node.allocatable.get(resource, 0), len(readings) * node.replicas
        if units != expected:
            yield (
                f"{resource}: the kubelet offers {units}, {len(readings)} devices in {node.replicas} shares are "
                f"{expected}"
            )


def read_gpus() -> list[Reading]:
    """Every GPU of the driver of this machine. Raises ToolError if there is none."""
    pynvml: Any = importlib.import_module("pynvml")  # only this command needs it, and it has no types
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        raise ToolError(f"no NVIDIA driver answers on this machine ({error}). Run this on a node with GPUs.") from None
    try:
        found = [_reading(pynvml, index) for index in range(pynvml.nvmlDeviceGetCount())]
    finally:
        pynvml.nvmlShutdown()
    if not found:
        raise ToolError("the NVIDIA driver lists no GPU. Run this on a node with GPUs.")
    return found


def _reading(nvml: Any, index: int) -> Reading:
    device = nvml.nvmlDeviceGetHandleByIndex(index)
    major, minor = nvml.nvmlDeviceGetCudaComputeCapability(device)
    return Reading(
        index,
        _text(nvml.nvmlDeviceGetName(device)),
        nvml.nvmlDeviceGetMemoryInfo(device).total // 2**20,
        f"{major}.{minor}",
        _profiles(nvml, device),
    )


def _profiles(nvml: Any, device: Any) -> dict[str, int] | None:
    try:
        current, _ = nvml.nvmlDeviceGetMigMode(device)
    except nvml.NVMLError:
        return {}
    if not current:
        return None
    found = {}
    for profile in range(nvml.NVML_GPU_INSTANCE_PROFILE_COUNT):
        try:
            info = nvml.nvmlDeviceGetGpuInstanceProfileInfoV2(device, profile)
        except nvml.NVMLError:
            continue
        found[_text(info.name).removeprefix("MIG ")] = int(info.instanceCount)
    return found


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def run_processes(count: int) -> list[dict[str, Any]]:
    """One process for each GPU, in parallel, with a training's environment; the report of each."""
    common = {**os.environ, **single_worker_environment("verify-gpu", count)}
    command = [sys.executable, "-m", "tools.gpu_process"]
    running = [
        subprocess.Popen(
            command,
            cwd=Path(__file__).parents[1],
            env={**common, "LOCAL_RANK": str(rank), "RANK": str(rank), "LOCAL_WORLD_SIZE": str(count)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(count)
    ]
    return [_answer(rank, process) for rank, process in enumerate(running)]


def _answer(rank: int, process: subprocess.Popen[str]) -> dict[str, Any]:
    try:
        out, err = process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        process.kill()
        return {"rank": rank, "error": "no answer within 120 s"}
    try:
        answer: dict[str, Any] = json.loads(out.strip().splitlines()[-1])
    except (IndexError, ValueError):
        last = err.strip().splitlines()
        return {"rank": rank, "error": f"ended with {process.returncode}: {last[-1] if last else 'no message'}"}
    return answer


def verification(
    readings: list[Reading], processes: list[dict[str, Any]], node: NodeShares | None = None
) -> dict[str, Any]:
    """The complete, dated result: to keep as a fact."""
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "gpus": [
            {
                **asdict(reading),
                "product": reading.product,
                "accelerator": row.name if (row := row_of(reading)) else None,
                "differences": list(differences(reading)),
            }
            for reading in readings
        ],
        "node": node and {**asdict(node), "differences": list(share_differences(readings, node))},
        "processes": processes,
    }


def text_of(answer: Mapping[str, Any]) -> str:
    """The result as text."""
    lines = [f"{socket.gethostname()}, {answer['date']}"]
    for gpu in answer["gpus"]:
        mig = (
            "MIG off: profiles not read" if gpu["mig_profiles"] is None else f"{len(gpu['mig_profiles'])} MIG profiles"
        )
        known = gpu["accelerator"] or "not in the catalogue"
        lines.append(f"GPU {gpu['index']}  {gpu['name']}  {gpu['memory_mib']} MiB  {gpu['compute_capability']}  {mig}")
        lines.append(f"       {known}: {'; '.join(gpu['differences']) or 'as in the catalogue'}")
    if node := answer["node"]:
        units = ", ".join(f"{count} {name}" for name, count in node["allocatable"].items()) or "no NVIDIA device"
        shares = f"{node['strategy'] or 'sharing not labelled'}, {node['replicas']} to a device"
        lines.append(f"node {node['name']}  {shares}  {units}: {'; '.join(node['differences']) or 'as in the driver'}")
    else:
        lines.append("shares: not read (--node)")
    for process in answer["processes"]:
        lines.append(f"process {process['rank']}  {process.get('error') or 'used its GPU: ' + process['name']}")
    return "\n".join(lines)


def failed(answer: Mapping[str, Any]) -> bool:
    """Whether anything differs or did not run."""
    differs = [*answer["gpus"], *([answer["node"]] if answer["node"] else [])]
    return any(one["differences"] for one in differs) or any("error" in one for one in answer["processes"])


@click.command("verify-gpu")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
@click.option(
    "--node",
    type=click.File(encoding="utf-8"),
    help="What `kubectl get node <name> -o json` prints (- reads it from standard input): its shares and labels are "
    "compared too. The driver itself has no shares.",
)
def verify_gpu(as_json: bool, node: TextIO | None) -> None:
    """Compare the catalogue's row with the GPUs of this machine."""
    shares = shares_of(node.read()) if node else None
    readings = read_gpus()
    answer = verification(readings, run_processes(len(readings)), shares)
    click.echo(json.dumps(answer, indent=2) if as_json else text_of(answer))
    if failed(answer):
        sys.exit(1)
