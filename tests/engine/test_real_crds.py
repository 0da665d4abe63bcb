"""Every custom resource that the components emit, against upstream's CRDs, under strict field validation.

Upstream's CRDs stand in ../shared/crds where they are provided; without that folder this test says so and is skipped.
Kinds that the folder does not carry (`BUNDLED_ONLY`) are held to the bundled CRDs instead.
Not proved here: what operators make of the objects.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pulumi_kubernetes import Provider

from components.versions import API_VERSIONS
from simulator.cluster import Cluster
from stacks import addons, data, tenants, workloads
from stacks.cluster import Cluster as StackCluster
from stacks.reader import from_file
from tests.components.cases import CASES
from tests.components.test_contract import registered
from tests.engine.conftest import LiveCluster
from tests.recorder import Registered, record
from tests.support.definitions import established

REPOSITORY = Path(__file__).parents[2]
UPSTREAM = REPOSITORY.parent / "shared" / "crds"
BUNDLED_ONLY = {"cilium.io": "cilium", "cloud.google.com": "gke-compute-class"}
NOT_PUBLISHED = {"eks.amazonaws.com"}
"""Groups of which there is no CRD to hold an object to: EKS Auto Mode keeps the one of its NodeClass to itself."""


@pytest.fixture(scope="module")
def upstream(toolchain: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCluster]:
    """A control plane of its own, so that upstream's CRDs do not meet the bundled ones."""
    if not UPSTREAM.is_dir():
        pytest.skip(f"upstream's CRDs are not there: {UPSTREAM}")
    cluster = Cluster("real-crds", home=tmp_path_factory.mktemp("real-crds"))
    try:
        cluster.start(toolchain)
        yield LiveCluster(cluster.kubeconfig, toolchain)
    finally:
        cluster.delete()


def dev_stack() -> list[Registered]:
    """What the dev environment registers, with a recording engine."""
    settings = from_file((REPOSITORY / "Pulumi.dev.yaml").read_text(encoding="utf-8"))

    def program() -> None:
        on = StackCluster(Provider("cluster"), dict(settings.pools), [])
        platform = addons.declare_addons(settings, on, addons.declare_crds(settings, on))
        stores = data.declare_data(settings, on, platform)
        workloads.declare_workloads(
            settings, on, platform, stores, tenants.declare_tenants(settings, on, platform, stores)
        )

    return record(program).resources


def custom_resources() -> dict[tuple[str, str, str, str], dict[str, Any]]:
    """(apiVersion, kind, namespace, name) -> object, of the dev environment and of every component's full case."""
    emitted = [*dev_stack(), *(resource for case in CASES for resource in registered(case, {}).resources)]
    found = {}
    for resource in emitted:
        version = str(resource.inputs.get("apiVersion", ""))
        built_in = ".k8s.io/" in version and not version.startswith("gateway.")
        if "." not in version or built_in or version.split("/", maxsplit=1)[0] in NOT_PUBLISHED:
            continue
        metadata = {key: resource.inputs["metadata"].get(key) for key in ("name", "namespace", "labels", "annotations")}
        body = {"apiVersion": version, "kind": resource.inputs["kind"], "metadata": metadata}
        key = (version, resource.inputs["kind"], str(metadata["namespace"] or ""), str(metadata["name"]))
        found[key] = {**body, "spec": resource.inputs.get("spec")}
    return found


def definitions_of(groups: set[tuple[str, str]]) -> Iterator[Path]:
    """Files that define these (group, kind)s: upstream's, and bundled ones where upstream's are not provided."""
    index = json.loads((UPSTREAM / "index.json").read_text(encoding="utf-8"))
    for group, kind in sorted(groups):
        files = {row["file"] for row in index if (row["group"], row["kind"]) == (group, kind)}
        if files:
            yield UPSTREAM / sorted(files)[0]
        else:
            yield REPOSITORY / "simulator" / "crds" / f"{BUNDLED_ONLY[group]}.yaml"


def test_every_custom_resource_is_accepted_by_upstreams_definitions(upstream: LiveCluster) -> None:
    emitted = custom_resources()
    kinds = {(version.split("/")[0], kind) for version, kind, _, _ in emitted}
    known = {(version.split("/")[0], kind) for kind, version in API_VERSIONS.items()}
    assert kinds == {(group, kind) for group, kind in known if group != "resource.k8s.io"}
    for path in sorted(set(definitions_of(kinds))):
        upstream.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(path))
        established(upstream.kubectl, "-f", str(path))
    for namespace in sorted({namespace for _, _, namespace, _ in emitted if namespace}):
        upstream.kubectl("create", "namespace", namespace, check=False)
    refused = {}
    for key, body in emitted.items():
        arguments = ("create", "--dry-run=server", "--validate=strict", "-f", "-")
        # The recorder makes up the id of a security group; the CRD wants one that looks like AWS's.
        text = json.dumps(body).replace('"it-fabric-id"', '"sg-0123456789abcdef0"')
        answer = upstream.kubectl(*arguments, text=text, check=False)
        if "created (server dry run)" not in answer:
            refused[key] = answer
    assert refused == {}

    # The test can fail: a field that upstream does not have is refused.
    key, good = next((k, b) for k, b in emitted.items() if k[1] == "Certificate")
    answer = upstream.kubectl(
        "create",
        "--dry-run=server",
        "--validate=strict",
        "-f",
        "-",
        text=json.dumps({**good, "spec": {**good["spec"], "isCa": True}}),
        check=False,
    )
    assert 'unknown field "spec.isCa"' in answer
