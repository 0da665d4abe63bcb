"""The add-ons on the real engine and API server, from the bundled mirror: simulated nodes, stand-in charts.

Not proved here: that upstream's charts, whose values these are, run on real nodes.
"""

import json
from typing import Any

import yaml

NVIDIA_NODES = {"h100-0", "h100-1", "l4-0", "mig-0"}
ALL_NODES = {*NVIDIA_NODES, "fpga-0", "cpu-0"}


def listed(cluster, *what: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(cluster.kubectl("get", *what, "-o", "json"))["items"]
    return found


def nodes_of(cluster, namespace: str, prefix: str) -> set[str]:
    """Nodes on which running pods of that name stand."""
    pods = listed(cluster, "pods", "-n", namespace)
    running = [pod for pod in pods if pod["metadata"]["name"].startswith(prefix)]
    assert {pod["status"]["phase"] for pod in running} == {"Running"}
    return {pod["spec"]["nodeName"] for pod in running}


def condition(thing: dict[str, Any], kind: str) -> str:
    return next((c["status"] for c in thing.get("status", {}).get("conditions", []) if c["type"] == kind), "missing")


def test_all_add_ons_come_up_in_one_run_settle_and_leave_nothing(workspace, cluster):
    before = cluster.census()
    engine = workspace("addons", config={"addons:keep": "true"})

    # The very first preview, on a cluster that knows none of the kinds, already shows every object.
    assert engine.preview().failures == ()
    up = engine.up()
    assert up.failures == ()
    again = engine.up()
    assert (again.failures, again.changes) == ((), {})
    drift = engine.refresh()
    assert (drift.failures, drift.changes) == ((), {})

    assert nodes_of(cluster, "node-feature-discovery", "node-feature-discovery-worker") == ALL_NODES
    assert nodes_of(cluster, "nvidia-device-plugin", "nvidia-device-plugin") == NVIDIA_NODES
    assert nodes_of(cluster, "dcgm-exporter", "dcgm-exporter") == NVIDIA_NODES
    assert nodes_of(cluster, "fpga-plugin", "fpga-plugin") == {"fpga-0"}

    plugin_maps = {
        m["metadata"]["name"]: m["data"] for m in listed(cluster, "configmaps", "-n", "nvidia-device-plugin")
    }
    configs = plugin_maps["nvidia-device-plugin-configs"]
    assert set(configs) == {"exclusive", "time-slicing-4", "mig"}
    assert yaml.safe_load(configs["time-slicing-4"])["sharing"]["timeSlicing"]["resources"][0]["replicas"] == 4
    labels = {node["metadata"]["name"]: node["metadata"]["labels"] for node in listed(cluster, "nodes")}
    chosen = {name: labels[name].get("nvidia.com/device-plugin.config") for name in ALL_NODES}
    assert chosen == {
        "h100-0": "exclusive",
        "h100-1": "exclusive",
        "l4-0": "time-slicing-4",
        "mig-0": "mig",
        "fpga-0": None,
        "cpu-0": None,
    }

    assert {condition(issuer, "Ready") for issuer in listed(cluster, "clusterissuers")} == {"True"}
    certificates = listed(cluster, "certificates", "-A")
    assert {c["metadata"]["name"] for c in certificates} == {
        "internal-ca",
        "envoy-gateway-ca",
        "envoy-gateway",
        "envoy",
        "envoy-rate-limit",
        "internal-tls",
    }
    assert {condition(certificate, "Ready") for certificate in certificates} == {"True"}
    gateways = listed(cluster, "gateways", "-A")
    assert [condition(gateway, "Programmed") for gateway in gateways] == ["True"]

    # CRDs are read by the provider, and protection reaches every one of them.
    definitions = [r for r in engine.resources() if r["type"].endswith(":CustomResourceDefinition")]
    assert len(definitions) == len(listed(cluster, "crds", "-l", "mlplatform.dev/stand-in"))
    assert all(crd.get("protect") and crd.get("retainOnDelete") for crd in definitions)
    assert not engine.destroy().succeeded

    settings = engine.project / f"Pulumi.{engine.stack}.yaml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("'true'", "'false'"), encoding="utf-8")
    assert engine.up().failures == ()
    assert engine.destroy().failures == ()
    assert cluster.difference(before) == set()
