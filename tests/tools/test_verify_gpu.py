"""The catalogue against what drivers say of GPUs, and the command's answers where something is wrong.

The readings are published output of nvidia-smi (name, memory in MiB); compute capabilities are those of NVIDIA's list.
Not proved here: that the command runs on a GPU. None could be had: no test of this project has run on one yet.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from catalog.accelerators import ACCELERATORS
from tools import verify_gpu
from tools.errors import ToolError
from tools.verify_gpu import (
    Reading,
    differences,
    failed,
    row_of,
    run_processes,
    share_differences,
    shares_of,
    verification,
)

PUBLISHED = {
    "P100": ("Tesla P100-PCIE-16GB", 16280, "6.0"),
    "V100-16GB": ("Tesla V100-SXM2-16GB", 16160, "7.0"),
    "V100-32GB": ("Tesla V100-SXM2-32GB", 32510, "7.0"),
    "T4": ("Tesla T4", 15360, "7.5"),
    "L4": ("NVIDIA L4", 23034, "8.9"),
    "A10": ("NVIDIA A10", 23028, "8.6"),
    "A10G": ("NVIDIA A10G", 23028, "8.6"),
    "L40": ("NVIDIA L40", 46068, "8.9"),
    "L40S": ("NVIDIA L40S", 46068, "8.9"),
    "A100-40GB": ("NVIDIA A100-SXM4-40GB", 40960, "8.0"),
    "A100-80GB": ("NVIDIA A100-SXM4-80GB", 81920, "8.0"),
    "H100": ("NVIDIA H100 80GB HBM3", 81559, "9.0"),
    "H20": ("NVIDIA H20", 97871, "9.0"),
    "H200": ("NVIDIA H200", 143771, "9.0"),
    "B200": ("NVIDIA B200", 183359, "10.0"),
}


def reading(accelerator: str, **changes: Any) -> Reading:
    product, memory, capability = PUBLISHED[accelerator]
    return Reading(**{"index": 0, "name": product, "memory_mib": memory, "compute_capability": capability, **changes})


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_catalogue_agrees_with_what_drivers_say_of_its_gpus(name: str) -> None:
    row = row_of(reading(name))
    assert row is not None
    assert row.name == name
    assert list(differences(reading(name))) == []


def test_every_nvidia_gpu_of_the_catalogue_has_a_compute_capability_and_nothing_else_has_one() -> None:
    assert {row.name for row in ACCELERATORS.values() if row.compute_capability} == {
        row.name for row in ACCELERATORS.values() if row.vendor == "NVIDIA"
    }


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"memory_mib": 81559}, "memory: the catalogue has 141 GiB, the driver 79.6 GiB"),
        ({"memory_mib": 150000}, "memory: the catalogue has 141 GiB, the driver 146.5 GiB"),
        ({"compute_capability": "8.0"}, "compute capability: the catalogue has 9.0, the driver 8.0"),
        ({"name": "NVIDIA H300"}, "no row of the catalogue has the label nvidia.com/gpu.product: NVIDIA-H300"),
    ],
)
def test_each_difference_is_named_with_both_figures(changes: dict[str, Any], words: str) -> None:
    assert list(differences(reading("H200", **changes))) == [words]


def test_mig_profiles_are_compared_by_name_and_count_and_only_where_mig_is_on() -> None:
    profiles = {profile.name: profile.maximum for profile in ACCELERATORS["H200"].mig_profiles}
    assert list(differences(reading("H200", mig_profiles={**profiles, "1g.18gb+me": 1}))) == []
    wrong = {**profiles, "1g.18gb": 6, "2g.99gb": 3}
    assert list(differences(reading("H200", mig_profiles=wrong))) == [
        "MIG profile 1g.18gb: the catalogue has 7, the driver 6",
        "MIG profile 2g.99gb: the catalogue has 0, the driver 3",
    ]


def test_without_a_driver_the_command_says_where_to_run_it() -> None:
    pytest.importorskip("pynvml")
    if Path("/dev/nvidiactl").exists():
        pytest.skip("this machine has an NVIDIA driver")
    answer = CliRunner().invoke(verify_gpu.verify_gpu)
    assert isinstance(answer.exception, ToolError) or answer.exit_code
    assert "Run this on a node with GPUs" in f"{answer.output}{answer.exception}"


def test_a_process_without_a_gpu_says_why_and_the_whole_fails() -> None:
    (process,) = run_processes(1)
    if "error" not in process:
        pytest.skip("this machine has a GPU")
    assert "libcuda.so.1" in process["error"] or "answered" in process["error"]
    answer = verification([reading("H200")], [process])
    assert failed(answer)
    assert json.loads(json.dumps(answer))["gpus"][0]["accelerator"] == "H200"
    assert f"process 0  {process['error']}" in verify_gpu.text_of(answer)


def test_processes_get_the_environment_of_a_training_and_a_rank_each(monkeypatch: pytest.MonkeyPatch) -> None:
    spy = (
        "import json, os; e = os.environ; "
        "print(json.dumps({'rank': int(e['LOCAL_RANK']), 'of': e['PET_NPROC_PER_NODE'], 'home': e['HOME']}))"
    )
    real = subprocess.Popen
    monkeypatch.setattr(verify_gpu.subprocess, "Popen", lambda _, **more: real([sys.executable, "-c", spy], **more))
    assert run_processes(2) == [{"rank": rank, "of": "2", "home": "/tmp"} for rank in (0, 1)]


def node(**changes: Any) -> str:
    """Two T4 in four shares each, as the device plugin of the platform labels and offers them."""
    labels = {"product": "Tesla-T4", "memory": "15360", "count": "2", "compute.major": "7", "compute.minor": "5"}
    shares = {"replicas": "4", "sharing-strategy": "time-slicing"}
    found = {f"nvidia.com/gpu.{key}": value for key, value in {**labels, **shares, **changes.pop("labels", {})}.items()}
    offered = {"cpu": "8", "nvidia.com/gpu": "0", "nvidia.com/gpu.shared": "8", **changes}
    return json.dumps({"metadata": {"name": "gpu-0", "labels": found}, "status": {"allocatable": offered}})


def test_the_shares_of_a_node_are_what_its_devices_and_replicas_make() -> None:
    shares = shares_of(node())
    assert (shares.strategy, shares.replicas) == ("time-slicing", 4)
    assert list(share_differences([reading("T4"), reading("T4", index=1)], shares)) == []
    answer = verification([reading("T4"), reading("T4", index=1)], [], shares)
    assert not failed(answer)
    assert "node gpu-0  time-slicing, 4 to a device  0 nvidia.com/gpu, 8 nvidia.com/gpu.shared" in verify_gpu.text_of(
        answer
    )


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            node(**{"nvidia.com/gpu.shared": "6"}),
            "nvidia.com/gpu.shared: the kubelet offers 6, 2 devices in 4 shares",
        ),
        (node(labels={"memory": "16384"}), "label nvidia.com/gpu.memory: the node has 16384, the driver 15360"),
        (node(labels={"count": "1"}), "label nvidia.com/gpu.count: the node has 1, the driver 2"),
        (node(labels={"replicas": "1"}), "nvidia.com/gpu: the kubelet offers 0, 2 devices in 1 shares are 2"),
        (node(labels={"product": "Tesla-T4-SHARED"}), "nvidia.com/gpu: the kubelet offers 0, 2 devices in 4 shares"),
    ],
)
def test_a_node_that_offers_something_else_is_named_with_both_figures(said: str, words: str) -> None:
    readings = [reading("T4"), reading("T4", index=1)]
    (difference,) = share_differences(readings, shares_of(said))
    assert difference.startswith(words)
    assert failed(verification(readings, [], shares_of(said)))


def test_text_that_is_no_node_is_refused_before_any_gpu_is_asked(tmp_path: Path) -> None:
    (tmp_path / "node.json").write_text("{}", encoding="utf-8")
    answer = CliRunner().invoke(verify_gpu.verify_gpu, ["--node", str(tmp_path / "node.json")])
    assert "kubectl get node" in f"{answer.output}{answer.exception}"


def test_without_a_node_the_answer_says_that_shares_were_not_read() -> None:
    assert "shares: not read (--node)" in verify_gpu.text_of(verification([reading("T4")], []))
