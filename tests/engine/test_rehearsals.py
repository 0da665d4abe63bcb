"""Whole cloud stacks on the real engine: prod on EKS and the same on GKE, on clouds that are simulated.

Not proved here: that AWS or Google Cloud would answer so (their API models and the SDKs are what requests are held
against), and what charts of upstream render. Nodes, devices and pods are simulated; the scheduler is real.
"""

import dataclasses
import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.clouds.cloud import SimulatedCloud
from tools.rehearsal import Rehearsal
from tools.run import LOOK_SECONDS, Run

ACCOUNT_OF_OTHERS = "999988887777"


def pods_by_pool(run: Run, kubeconfig: Path) -> Counter[tuple[str, str]]:
    """(workload, pool of its node) -> pods, of the teams' trainings."""

    def listed(kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(kubectl(run, kubeconfig, "get", kind, "-A", "-o", "json"))["items"]
        return found

    pools = {node["metadata"]["name"]: node["metadata"]["labels"]["mlplatform.dev/pool"] for node in listed("nodes")}
    return Counter(
        (pod["metadata"]["labels"]["app.kubernetes.io/name"], pools[pod["spec"]["nodeName"]])
        for pod in listed("pods")
        if pod["metadata"]["labels"].get("app.kubernetes.io/component") == "training" and pod["spec"].get("nodeName")
    )


def kubectl(run: Run, kubeconfig: Path, *arguments: str) -> str:
    command = [str(run.engine.tools.path("kubectl")), "--kubeconfig", str(kubeconfig), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def slow_volume(run: Run, kubeconfig: Path) -> str:
    """A volume that goes with its claim, made to stay until `release`: as one whose disk takes its time."""
    volumes = json.loads(kubectl(run, kubeconfig, "get", "persistentvolumes", "-o", "json"))["items"]
    names = [v["metadata"]["name"] for v in volumes if v["spec"]["persistentVolumeReclaimPolicy"] == "Delete"]
    hold(run, kubeconfig, names[0], ["mlplatform.dev/test"])
    return str(names[0])


def hold(run: Run, kubeconfig: Path, volume: str, finalizers: list[str]) -> None:
    """Gives a volume these finalizers."""
    patch = json.dumps({"metadata": {"finalizers": finalizers}})
    kubectl(run, kubeconfig, "patch", "persistentvolume", volume, "--type=merge", "-p", patch)


def cluster_parts(cloud: SimulatedCloud) -> list[tuple[str, str]]:
    """Clusters, their nodes and drivers, as the clouds hold them."""
    kinds = ("aws:eks/cluster:", "aws:eks/nodeGroup:", "aws:eks/addon:", "gcp:container/")
    return [part for there in ("aws", "gcp") for part in cloud.resources(there) if part[0].startswith(kinds)]


@pytest.fixture
def rehearsal(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rehearsal]:
    """Of the stack in the parameter, in a home of its own."""
    monkeypatch.setenv("MLPLATFORM_HOME", str(tmp_path))
    chosen = Rehearsal(request.param)
    yield chosen
    chosen.end()


@pytest.mark.parametrize(
    ("rehearsal", "placed"),
    [
        ("prod", {("detector", "h100"): 2}),
        ("gke", {("detector", "h100"): 2, ("language-model", "v5e"): 4}),
    ],
    indirect=["rehearsal"],
)
def test_a_cloud_stack_comes_up_in_one_run_settles_and_leaves_nothing(
    rehearsal: Rehearsal, placed: dict[tuple[str, str], int]
) -> None:
    with rehearsal._cloud() as (run, cloud):
        run.engine.create()
        # No cluster is there, and no credentials of one: nothing renders against a live API.
        run.preview()
        assert run.engine.resources() == []
        run.up(total=None)
        (control_plane,) = cloud.clusters()
        assert pods_by_pool(run, control_plane.kubeconfig) == placed
        again = run.preview()
        assert again.changes == {}
        drift = run.refresh()
        assert drift.changes == {}
        assert "BEGIN" not in json.dumps(run.engine.export()), "no key and no kubeconfig stands in the state"
        stray = kubectl(run, control_plane.kubeconfig, "create", "service", "loadbalancer", "stray", "--tcp=80")
        assert stray == "service/stray created\n"
        found = rehearsal.lifecycle._leftovers(run)
        assert (found.protected, found.kept) == ((), ())
        assert "load balancer of default/stray: no namespace of this stack" in found.orphaned
        volume, before = slow_volume(run, control_plane.kubeconfig), cluster_parts(cloud)
        looked: list[tuple[list[str], list[tuple[str, str]]]] = []

        def released(seconds: float) -> None:
            """At the first wait: what is in the cluster and in the cloud; then the disk is deleted."""
            assert seconds == LOOK_SECONDS
            volumes = kubectl(run, control_plane.kubeconfig, "get", "persistentvolumes", "-o", "name").split()
            looked.append((volumes, cluster_parts(cloud)))
            hold(run, control_plane.kubeconfig, volume, [])

        dataclasses.replace(run, sleep=released).destroy()
        assert before
        assert looked[0] == ([f"persistentvolume/{volume}"], before), "nodes and drivers outlive the volume"
        assert run.engine.resources() == []
        assert [*cloud.resources("aws"), *cloud.resources("gcp")] == []
        assert cloud.clusters() == []


@pytest.mark.parametrize("rehearsal", ["prod"], indirect=True)
def test_the_wrong_account_is_one_error_before_anything_is_made(rehearsal: Rehearsal) -> None:
    with rehearsal._cloud() as (run, cloud):
        elsewhere = {**run.engine.environment, "MLPLATFORM_SIMULATED_ACCOUNT": ACCOUNT_OF_OTHERS}
        engine = dataclasses.replace(run.engine, environment=elsewhere)
        engine.create()
        plan = engine.preview()
        assert not plan.succeeded
        # In the words of the provider: it holds the account in the state too, so that a destroy is guarded as well.
        (said,) = [failure.message for failure in plan.failures]
        assert f"AWS account ID not allowed: {ACCOUNT_OF_OTHERS}" in said
        assert [*cloud.resources("aws")] == []


@pytest.mark.parametrize(
    ("rehearsal", "whose", "rule"),
    [
        ("prod", "AWS credentials", "credentials that work in account "),
        ("gke", "Google Cloud credentials", "credentials that reach project "),
    ],
    indirect=["rehearsal"],
)
def test_without_credentials_there_is_one_error_with_the_remedy_before_anything_is_made(
    rehearsal: Rehearsal, whose: str, rule: str
) -> None:
    with rehearsal._cloud() as (run, cloud):
        nobody = {**run.engine.environment, "MLPLATFORM_SIMULATED_CREDENTIALS": "none"}
        engine = dataclasses.replace(run.engine, environment=nobody)
        engine.create()
        plan = engine.preview()
        (said,) = [failure.message for failure in plan.failures]
        assert said.startswith(f"cloud: 1 problem, nothing was changed\n  {whose}: ")
        assert "no credentials" in said
        assert f"\n    rule:   {rule}" in said
        assert "\n    remedy: sign in (" in said
        assert "Traceback" not in said
        assert [*cloud.resources("aws"), *cloud.resources("gcp")] == []


@pytest.mark.parametrize(
    ("rehearsal", "region", "path", "words"),
    [
        ("prod", "eu-central-9", "AWS credentials", "no such host"),
        ("gke", "europe-west1", "cluster.zones", "europe-west1-b, europe-west1-c, europe-west1-d"),
    ],
    indirect=["rehearsal"],
)
def test_a_region_that_is_none_or_lacks_a_zone_is_one_error_before_anything_is_made(
    rehearsal: Rehearsal, region: str, path: str, words: str
) -> None:
    """Only this finds a region of the right form that does not exist. Not proved: the words of the real clouds."""
    with rehearsal._cloud() as (run, cloud):
        edit = run.engine.edit_settings
        right = "eu-central-1" if region.startswith("eu-c") else "europe-west4"
        engine = dataclasses.replace(run.engine, edit_settings=lambda text: edit(text).replace(right, region))
        engine.create()
        plan = engine.preview()
        (said,) = [failure.message for failure in plan.failures]
        assert said.startswith(f"cloud: 1 problem, nothing was changed\n  {path}: ")
        assert words in said
        assert "cluster.region" in said
        assert [*cloud.resources("aws"), *cloud.resources("gcp")] == []
