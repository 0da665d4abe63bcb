"""The `existing` kind on the embedded cluster: a cluster that somebody else made, reached by its kubeconfig.

Its nodes are made by the test, as an installer would make them; charts are the bundled stand-ins. Not proved here: what
the charts of upstream do, and addresses and volumes of a real network.
"""

import io
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from rich.console import Console

from catalog.accelerators import ClusterKind
from catalog.versions import API_VERSIONS
from components.capacity.placement import plan_pool
from components.clouds.existing.advice import Advice
from components.clouds.existing.described_pool import described_software
from components.clouds.simulated.pool import CAPACITY_ANNOTATION, device_slice, node_capacity
from report.summary import summary
from settings.clouds.existing import described_pool
from settings.load import parse
from simulator import stand_ins
from tests.engine.conftest import REPOSITORY
from tests.support.definitions import established
from tests.support.settings import merged
from tools.detect import Kubectl, advice_for, read_network, read_snapshot
from tools.engine import Engine
from tools.observe import Access, access, observe

POOLS: dict[str, Any] = {
    "cpu": {"nodesMin": 1, "nodesMax": 2},
    "l4": {"accelerator": "L4", "devicesPerNode": 2, "nodesMax": 1},
}
CLAIMED: dict[str, Any] = {
    **POOLS["l4"],
    "driver": "operator",
    "devicePlugin": "platform",
    "deviceAllocation": "dra",
}
"""Nodes without a driver, whose devices are asked for by claim."""


FOUND = {
    "cert-manager": "certificates",
    "cloudnative-pg": "databases",
    "node-feature-discovery": "features",
    "prometheus-operator": "observability",
}
IMAGES = {
    "cert-manager": "quay.io/jetstack/cert-manager-controller:v1.21.1",
    "cloudnative-pg": "ghcr.io/cloudnative-pg/cloudnative-pg:1.30.0",
    "node-feature-discovery": "registry.k8s.io/nfd/node-feature-discovery:v0.19.0",
    "prometheus-operator": "quay.io/prometheus-operator/prometheus-operator:v0.93.0",
}
"""What runs there before the platform comes; its releases are those that stand-ins of the CRDs are of."""
FOUND_CRDS = ("gateway-api",)
OURS = "app.kubernetes.io/managed-by=mlplatform"


def settings(kubeconfig: Path, pools: dict[str, Any] = POOLS) -> dict[str, Any]:
    """An environment on that cluster, without a cloud: its own addresses, file server and disks."""
    return {
        "environment": {
            "name": "onprem",
            "owner": "ml-platform",
            "domain": "ml.example.com",
            "rehearsal": True,
        },
        "cluster": {
            "kind": "existing",
            "kubeconfig": str(kubeconfig),
            "metallb": {"addresses": ["198.18.7.0/24"]},
            "nfs": {"server": "filer.example.com", "share": "/exports/ml", "encryption": "storage-system"},
            "localPath": {"paths": ["/var/lib/local-volumes"], "encryption": "node-disk"},
            "pools": pools,
        },
        "charts": {"origin": "upstream"},
        "mlflow": {"login": {"kind": "none"}},
        "teams": {"vision": {"owner": "vision-leads", "costCenter": "cc-1", "quota": {"l4": 2}}},
        "inference": {
            "chat": {
                "team": "vision",
                "pool": "cpu",
                "service": {
                    "modelFormat": "sklearn",
                    "storageUri": "s3://models/iris",
                    "cpuMillis": 500,
                    "memoryGib": 1,
                },
            }
        },
        "training": {
            "resnet": {
                "team": "vision",
                "pool": "l4",
                "job": {
                    "run": "1",
                    "image": "ghcr.io/example/resnet:1.4.0",
                    "accelerators": {"count": 1},
                    "cpuMillis": 1000,
                    "memoryGib": 8,
                    "deadlineMinutes": 60,
                    "annotations": {"simulated.mlplatform.dev/duration-seconds": "3600"},
                },
            }
        },
    }


def planned(pool: str, pools: dict[str, Any]) -> Any:
    """What the pool hands out, with the labels and taints of its nodes."""
    snake = {
        re.sub("[A-Z]", lambda capital: f"_{capital[0].lower()}", key): value for key, value in pools[pool].items()
    }
    args = described_pool(snake)
    return plan_pool(pool, args["pool"], ClusterKind.EXISTING, described_software(args))


def node(name: str, pool: str, pools: dict[str, Any] = POOLS) -> dict[str, Any]:
    """A node as its owner labels and taints it, after `python -m tools detect` said how."""
    handle, labels, taints = planned(pool, pools)
    capacity = json.dumps(node_capacity(handle["capacity"]), sort_keys=True)
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {**labels, "type": "kwok"},
            "annotations": {"kwok.x-k8s.io/node": "fake", CAPACITY_ANNOTATION: capacity},
        },
        "spec": {"taints": taints},
    }


def devices(name: str, pool: str, pools: dict[str, Any]) -> dict[str, Any]:
    """What the DRA driver of a real node would publish of it."""
    return {
        "apiVersion": API_VERSIONS["ResourceSlice"],
        "kind": "ResourceSlice",
        "metadata": {"name": f"{name}-devices"},
        "spec": device_slice(name, planned(pool, pools)[0]["capacity"]),
    }


def storage_class(declared: dict[str, Any]) -> dict[str, Any]:
    """A class of the cluster's owner; behind it a simulated driver."""
    kind = "file" if "ReadWriteMany" in declared["accessModes"] else "block"
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": declared["className"]},
        "provisioner": f"simulated.mlplatform.dev/{kind}",
        "volumeBindingMode": "WaitForFirstConsumer" if kind == "block" else "Immediate",
    }


NODES = [node("rack-1", "cpu"), node("rack-2", "cpu"), node("rack-3", "l4")]


def others() -> list[dict[str, Any]]:
    """Namespaces and Deployments of what somebody else has installed."""
    objects: list[dict[str, Any]] = []
    for addon, namespace in FOUND.items():
        labels = {"app": addon}
        pod = {"containers": [{"name": "controller", "image": IMAGES[addon]}]}
        spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
        inside = {"name": addon, "namespace": namespace}
        objects.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        objects.append({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": inside, "spec": spec})
    return objects


def on_existing(workspace: Any, written: dict[str, Any]) -> Engine:
    config = {f"mlplatform:{key}": value for key, value in written.items()}
    pack = REPOSITORY / "policies"
    engine: Engine = workspace(
        REPOSITORY / "stacks", config=config, policy_pack=pack, environment={"MLPLATFORM_REHEARSAL": "1"}
    )
    return engine


def what_is_said(engine: Engine, kubeconfig: Path, server: str = "") -> list[str]:
    """The lines of the summary, read from the cluster that the settings name; `server` is another address of it."""
    text = kubeconfig.read_text(encoding="utf-8")
    if server:
        text = re.sub(r"server: .*", f"server: {server}", text)
    named = engine.state / "named.yaml"
    named.write_text(text, encoding="utf-8")
    kubectl = engine.tools.path("kubectl")
    with access(kubectl, Access(kubectl, named), engine.kubeconfig, engine.state) as found:
        assert found is not None
        screen = summary(engine.outputs(), observe(found, engine.variables()))
    console = Console(file=io.StringIO(), width=200)
    console.print(screen)
    assert isinstance(console.file, io.StringIO)
    return [" ".join(line.split()) for line in console.file.getvalue().splitlines()]


def twice(cluster: Any, written: dict[str, Any]) -> list[Advice]:
    """What an `up` with these settings would install again."""
    kubectl = Kubectl(cluster.toolchain.path("kubectl"), cluster.kubeconfig, "")
    return [row for row in advice_for(read_snapshot(kubectl.version(), kubectl.ask), parse(written)) if row.twice]


def test_a_platform_comes_up_on_a_cluster_that_is_there_and_leaves_it_as_it_was(workspace: Any, cluster: Any) -> None:
    pools = {**POOLS, "l4": CLAIMED}
    racks = [node("rack-1", "cpu"), node("rack-2", "cpu"), node("rack-3", "l4", pools)]
    cluster.kubectl("apply", "-f", "-", text=yaml.safe_dump_all([*racks, devices("rack-3", "l4", pools)]))
    before = cluster.census()
    engine = on_existing(workspace, settings(cluster.kubeconfig, pools))
    plan = engine.preview()
    assert (plan.failures, plan.violations) == ((), ())
    up = engine.up()
    assert (up.failures, up.violations) == ((), ())
    assert engine.up().changes == {}
    assert engine.refresh().changes == {}
    rows = what_is_said(engine, cluster.kubeconfig)
    assert "resnet vision training 1 1 Running rack-3" in rows
    assert any(row.startswith("chat vision KServe model 1 1 Running; ready rack-") for row in rows), rows
    assert "chat https://chat-vision.ml.example.com" in rows, "as KServe's configuration says, not as we count on it"
    nowhere = what_is_said(engine, cluster.kubeconfig, server="https://127.0.0.1:1")
    assert sum("the cluster does not answer" in row for row in nowhere) == 1
    assert "resnet vision training ? ? ?" in nowhere
    assert {one["metadata"]["name"]: one["provisioner"] for one in listed(cluster, "storageclasses")} == {
        "mlplatform-fast": "rancher.io/local-path",
        "mlplatform-standard": "rancher.io/local-path",
        "mlplatform-shared": "nfs.csi.k8s.io",
        "mlplatform-dataset": "nfs.csi.k8s.io",
    }
    assert "metallb" in cluster.kubectl("get", "deployments", "-n", "metallb-system", "-o", "name")
    (addresses,) = listed(cluster, "ipaddresspools.metallb.io", "-A")
    assert addresses["spec"]["addresses"] == ["198.18.7.0/24"]
    has_its_device_software(cluster)
    assert twice(cluster, settings(cluster.kubeconfig)) == []
    assert engine.destroy().failures == ()
    assert engine.resources() == []
    assert cluster.difference(before) == set()
    cluster.kubectl("delete", "resourceslices", "rack-3-devices")
    cluster.kubectl("delete", "nodes", "rack-1", "rack-2", "rack-3")


def listed(cluster: Any, *what: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(cluster.kubectl("get", *what, "-o", "json"))["items"]
    return found


def has_its_device_software(cluster: Any) -> None:
    """The GPU Operator brings drivers, the DRA driver runs on the nodes of claims, and nothing of a cloud is there."""
    (policy,) = listed(cluster, "clusterpolicies.nvidia.com")
    brought = {part: policy["spec"][part]["enabled"] for part in ("driver", "toolkit", "devicePlugin", "dcgmExporter")}
    assert brought == {"driver": True, "toolkit": True, "devicePlugin": False, "dcgmExporter": True}
    assert policy["spec"]["mig"] == {"strategy": "none"}
    plugins = listed(cluster, "pods", "-n", "dra-driver-nvidia-gpu")
    assert {pod["spec"]["nodeName"] for pod in plugins} == {"rack-3"}
    assert "gpu.nvidia.com" in [one["metadata"]["name"] for one in listed(cluster, "deviceclasses")]
    assert "nodepools.karpenter.sh" not in [one["metadata"]["name"] for one in listed(cluster, "crds")]


def test_what_a_cluster_has_is_named_then_used_and_not_installed_again(workspace: Any, cluster: Any) -> None:
    crds = [
        argument
        for name in (*FOUND, *FOUND_CRDS)
        for argument in ("-f", str(stand_ins.folder() / "crds" / f"{name}.yaml"))
    ]
    cluster.kubectl("apply", "--server-side", *crds)
    established(cluster.kubectl, *crds)
    cluster.kubectl("apply", "-f", "-", text=yaml.safe_dump_all([*NODES, *others()]))
    cluster.kubectl("wait", "--for=condition=Available", "deployments", "--all", "-A", "--timeout=60s")
    before = cluster.census()
    # The API server answers for its own groups; none of them is metrics-server's.
    kubectl = Kubectl(cluster.toolchain.path("kubectl"), cluster.kubeconfig, "")
    assert read_snapshot(kubectl.version(), kubectl.ask).get("aggregated_apis") == []

    undeclared = settings(cluster.kubeconfig)
    del undeclared["training"], undeclared["inference"]
    assert {(row.path, row.advice.split("`")[1]) for row in twice(cluster, undeclared)} == {
        *(("cluster.existingAddons", f"{addon}: {namespace}") for addon, namespace in FOUND.items()),
        *(("cluster.existingCrds", f"- {name}") for name in FOUND_CRDS),
    }
    declared = merged(undeclared, {"cluster": {"existingAddons": FOUND, "existingCrds": [*FOUND_CRDS]}})
    assert twice(cluster, declared) == []

    engine = on_existing(workspace, declared)
    up = engine.up()
    assert (up.failures, up.violations) == ((), ())
    assert engine.up().changes == {}
    made = json.loads(
        cluster.kubectl("get", "namespaces", "-l", "app.kubernetes.io/managed-by=mlplatform", "-o", "json")
    )
    names = {one["metadata"]["name"] for one in made["items"]}
    assert {"monitoring", "mlflow", "kserve"} <= names
    assert not {"cert-manager", "cnpg-system", "node-feature-discovery", *FOUND.values()} & names
    issuers = json.loads(cluster.kubectl("get", "clusterissuers", "-o", "json"))["items"]
    assert {one["metadata"]["name"] for one in issuers} == {"mlplatform-self-signed", "mlplatform-internal"}
    assert "mlplatform-internal-ca" in cluster.kubectl("get", "certificates", "-n", "certificates", "-o", "name")
    prometheus = json.loads(cluster.kubectl("get", "prometheuses", "-A", "-o", "json"))["items"]
    assert [one["metadata"]["namespace"] for one in prometheus] == ["monitoring"]
    assert "operator" not in cluster.kubectl("get", "deployments", "-n", "monitoring", "-o", "name")
    assert engine.destroy().failures == ()
    assert cluster.difference(before) == set()
    cluster.kubectl("delete", "nodes", "rack-1", "rack-2", "rack-3")
    cluster.kubectl("delete", "namespaces", *FOUND.values())
    cluster.kubectl("delete", *crds)


SHIPPED_NODES = {"cpu": 3, "h100": 2, "l4": 1}


def test_the_shipped_onprem_stack_comes_up(workspace: Any, cluster: Any) -> None:
    """`Pulumi.onprem.yaml` itself, on nodes and storage classes that its owner has made.

    Only this finds a shipped file that previews and does not come up. Not proved: that pods reach the bucket.
    """
    config = yaml.safe_load((REPOSITORY / "Pulumi.onprem.yaml").read_text(encoding="utf-8"))["config"]
    reached = {"environment": {"rehearsal": True}, "cluster": {"kubeconfig": str(cluster.kubeconfig), "context": None}}
    shipped = merged({key.partition(":")[2]: value for key, value in config.items()}, reached)
    nodes = [
        node(f"{pool}-{index}", pool, shipped["cluster"]["pools"])
        for pool, count in SHIPPED_NODES.items()
        for index in range(count)
    ]
    classes = [storage_class(one) for one in shipped["storage"]["declared"]]
    cluster.kubectl("apply", "-f", "-", text=yaml.safe_dump_all([*nodes, *classes]))
    before = cluster.census()
    engine = on_existing(workspace, shipped)
    up = engine.up()
    assert (up.failures, up.violations) == ((), ())
    assert engine.up().changes == {}
    pods = json.loads(cluster.kubectl("get", "pods", "-A", "-o", "json"))["items"]
    assert {pod["status"]["phase"] for pod in pods} <= {"Running", "Succeeded"}
    assert {pod["metadata"]["namespace"] for pod in pods} >= {"mlflow", "monitoring"}
    subjects = engine.outputs()["objectStoreAccounts"]
    for subject in subjects:
        _, _, namespace, name = subject.split(":")
        account = json.loads(cluster.kubectl("get", "serviceaccount", name, "-n", namespace, "-o", "json"))
        assert "eks.amazonaws.com/role-arn" in account["metadata"]["annotations"]
    assert engine.destroy().failures == ()
    assert cluster.difference(before) == set()
    cluster.kubectl("delete", "nodes", *(one["metadata"]["name"] for one in nodes))
    cluster.kubectl("delete", "storageclasses", *(one["metadata"]["name"] for one in classes))


def test_detect_reads_the_port_of_the_api_server_from_its_own_endpoint_slice(cluster: Any) -> None:
    """The port of an embedded API server is nobody's default, as MicroK8s's is not: the line for it must come out."""
    facts = read_network(Kubectl(cluster.toolchain.path("kubectl"), cluster.kubeconfig, "").ask)
    server = yaml.safe_load(cluster.kubeconfig.read_text(encoding="utf-8"))["clusters"][0]["cluster"]["server"]
    assert facts["api_server_ports"] == [urlsplit(server).port]
    assert len(facts["api_server_addresses"]) == 1
