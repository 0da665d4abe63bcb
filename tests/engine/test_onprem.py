"""What a cluster without a cloud needs, on the real engine and API server. Not proved here: upstream's charts."""

import json
from typing import Any


def listed(cluster, *what: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(cluster.kubectl("get", *what, "-o", "json"))["items"]
    return found


def test_it_comes_up_in_one_run_settles_and_leaves_nothing(workspace, cluster):
    before = cluster.census()
    engine = workspace("onprem")
    assert engine.preview().failures == ()
    assert engine.up().failures == ()
    again = engine.up()
    assert (again.failures, again.changes) == ((), {})
    drift = engine.refresh()
    assert (drift.failures, drift.changes) == ((), {})

    (policy,) = listed(cluster, "clusterpolicies.nvidia.com")
    brought = {part: policy["spec"][part]["enabled"] for part in ("driver", "toolkit", "devicePlugin", "dcgmExporter")}
    assert brought == {"driver": True, "toolkit": True, "devicePlugin": False, "dcgmExporter": True}
    assert policy["spec"]["mig"] == {"strategy": "none"}
    plugins = listed(cluster, "pods", "-n", "dra-driver-nvidia-gpu")
    assert {pod["spec"]["nodeName"] for pod in plugins} == {"bare-0"}
    assert "gpu.nvidia.com" in [one["metadata"]["name"] for one in listed(cluster, "deviceclasses")]
    (addresses,) = listed(cluster, "ipaddresspools.metallb.io", "-A")
    assert addresses["spec"]["addresses"] == ["192.168.10.20-192.168.10.40"]
    classes = {one["metadata"]["name"]: one["provisioner"] for one in listed(cluster, "storageclasses")}
    assert {name: classes[name] for name in sorted(classes) if name.startswith("lab-")} == {
        "lab-dataset": "nfs.csi.k8s.io",
        "lab-fast": "rancher.io/local-path",
        "lab-shared": "nfs.csi.k8s.io",
        "lab-standard": "rancher.io/local-path",
    }
    assert "nodepools.karpenter.sh" not in [one["metadata"]["name"] for one in listed(cluster, "crds")]

    assert engine.destroy().failures == ()
    assert cluster.difference(before) == set()
