"""What the stack works out for add-ons, and what it leaves to a cluster that has it already.

With a recording engine: no chart is rendered here.
"""

from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from pulumi_kubernetes import Provider

from catalog.addons import ADDONS
from catalog.versions import CHARTS
from components.addons.accelerator_nodes import custom_resources
from components.addons.device_plugin import DevicePlugin
from components.base.component import Component
from components.clouds.eks.handles import NodeProvisioning
from components.findings import Refused
from settings.clouds.eks import EksSettings
from settings.load import parse
from settings.models.platform import NVIDIA_KEYS, Nvidia
from settings.reader import from_file
from stacks import addons, workloads
from stacks.addons import components_by_row, declared_by_row, device_plugins, more_scraped_ports, predecessors
from stacks.cluster import DeclaredCluster, cloud_of, declare_cluster
from stacks.data import declare_data
from stacks.tenants import declare_tenants
from tests.recorder import Recording, record
from tests.support.settings import GOOD, overlaid

REPOSITORY = Path(__file__).parents[2]
FOUND = {
    "cert-manager": "certificates",
    "cloudnative-pg": "databases",
    "csi-driver-nfs": "kube-system",
    "dcgm-exporter": "gpu-operator",
    "kserve": "serving",
    "node-exporter": "observability",
    "node-feature-discovery": "gpu-operator",
    "prometheus-operator": "observability",
}
EXISTING: dict[str, Any] = {
    "environment": {"name": "test", "owner": "ml-platform", "domain": "ml.example.com"},
    "charts": {"origin": "upstream"},
    "mlflow": {"login": {"kind": "none"}},
    "storage": {
        "declared": [
            {
                "purpose": "standard",
                "className": "disks",
                "provisioner": "csi.example.com",
                "encryption": "storage-system",
            }
            | {"accessModes": ["ReadWriteOnce"], "isDefault": True}
        ]
    },
}


def declared(**cluster: Any) -> Recording:
    there = {
        "kind": "existing",
        "nfs": {"server": "filer.example.com", "share": "/exports/ml", "encryption": "storage-system"},
        "pools": {"cpu": {"nodesMax": 2}, "l4": {"accelerator": "L4", "nodesMax": 1}},
        **cluster,
    }

    def program() -> None:
        settings = parse({**EXISTING, "cluster": there})
        on = DeclaredCluster(Provider("cluster"), dict(settings.pools), [], cloud_of(settings))
        platform = addons.declare_addons(settings, on, addons.declare_crds(settings, on))
        stores = declare_data(settings, on, platform)
        teams = declare_tenants(settings, on, platform, stores)
        workloads.declare_workloads(settings, on, platform, stores, teams)

    return record(program)


def charts(recording: Recording) -> set[str]:
    return {str(one.inputs["chart"]) for one in recording.of("AddonChart")}


def crds(recording: Recording) -> set[str]:
    return {one.name.removeprefix("crds-") for one in recording.of("ConfigGroup")}


def test_what_is_found_is_left_out_and_nothing_else_is_named_otherwise() -> None:
    whole, less = declared(), declared(existingAddons=FOUND, existingCrds=["gateway-api"])
    assert charts(whole) - charts(less) == {
        "cert-manager",
        "cloudnative-pg",
        "csi-driver-nfs",
        "dcgm-exporter",
        "kserve-resources",
        "node-feature-discovery",
    }
    assert charts(less) == {"gateway-helm", "kube-prometheus-stack", "nvidia-device-plugin"}
    assert crds(whole) - crds(less) == {
        *("cert-manager", "cloudnative-pg", "gateway-api", "kserve", "node-feature-discovery", "prometheus-operator")
    }
    assert crds(less) == {"envoy-gateway"}
    assert {(one.type, one.name) for one in less.resources} < {(one.type, one.name) for one in whole.resources}
    namespaces = {one.inputs["metadata"]["name"] for one in less.of("Namespace")}
    assert not namespaces & {*FOUND.values(), "cert-manager", "cnpg-system", "dcgm-exporter", "kserve"}


def test_what_stands_on_it_is_still_declared_and_knows_where_it_is() -> None:
    less = declared(existingAddons=FOUND)
    (stack,) = (one for one in less.of("Chart") if one.inputs["name"] == "kube-prometheus-stack")
    values = stack.inputs["values"]
    assert values["prometheusOperator"] == {"enabled": False}
    assert values["nodeExporter"] == {"enabled": False}
    issuers = {one.inputs["metadata"]["name"]: one.inputs["spec"] for one in less.of("ClusterIssuer")}
    assert issuers == {
        "mlplatform-self-signed": {"selfSigned": {}},
        "mlplatform-internal": {"ca": {"secretName": "mlplatform-internal-ca"}},
    }
    ca = less.one("Certificate", "cert-manager-ca")
    assert ca.inputs["metadata"]["namespace"] == "certificates"
    assert ca.inputs["spec"]["issuerRef"]["name"] == "mlplatform-self-signed"
    classes = {one.inputs["metadata"]["name"]: one.inputs["provisioner"] for one in less.of("StorageClass")}
    assert classes["mlplatform-shared"] == "nfs.csi.k8s.io"
    policies = [str(one.inputs) for one in less.of("NetworkPolicy")]
    assert any("'kubernetes.io/metadata.name': 'databases'" in text for text in policies)
    assert not any("cnpg-system" in text for text in policies)
    assert {one.inputs["kind"] for one in less.resources if one.kind in ("Cluster", "PrometheusRule")} == {
        "Cluster",
        "PrometheusRule",
    }


def test_a_set_of_crds_by_itself_is_left_out_and_its_add_on_is_not() -> None:
    less = declared(existingCrds=["prometheus-operator"])
    assert "prometheus-operator" not in crds(less)
    (stack,) = (one for one in less.of("Chart") if one.inputs["name"] == "kube-prometheus-stack")
    assert "enabled" not in stack.inputs["values"]["prometheusOperator"]


def test_prometheus_reaches_what_is_outside_of_the_platforms_namespaces_by_the_ports_of_what_is_there() -> None:
    """Inside of them nothing is typed twice: each namespace opens the ports of its own monitors."""
    assert more_scraped_ports(from_file(GOOD.read_text(encoding="utf-8"))) == []
    written = overlaid({"monitoring": {"moreScrapedPorts": [7777]}})
    assert more_scraped_ports(from_file(written)) == [7777]
    there = {"kind": "existing", "pools": {"cpu": {"nodesMax": 2}}}
    metallb = {"addresses": ["192.168.10.0/24"]}
    found = {"cert-manager": "certificates", "dcgm-exporter": "gpu-operator"}
    pools = {"cpu": {"nodesMax": 2}, "l4": {"accelerator": "L4", "nodesMax": 1, "devicePlugin": "found"}}
    assert more_scraped_ports(parse({**EXISTING, "cluster": {**there, "metallb": metallb}})) == [9120]
    assert more_scraped_ports(parse({**EXISTING, "cluster": {**there, "pools": pools, "existingAddons": found}})) == [
        9400,
        9402,
    ]


def test_what_is_said_of_the_network_reaches_every_namespace_of_the_platform() -> None:
    """`dnsAddresses` is in each DNS policy, and `networkPolicies: cilium` adds a policy for each webhook."""
    usual, said = declared(), declared(dnsAddresses=["10.43.0.10/32"], networkPolicies="cilium")
    assert usual.of("CiliumNetworkPolicy") == []
    webhooks = {one.inputs["metadata"]["namespace"] for one in said.of("CiliumNetworkPolicy")}
    assert webhooks == {"cert-manager", "cnpg-system", "kserve", "monitoring"}
    dns = [one.inputs for one in said.of("NetworkPolicy") if one.inputs["metadata"]["name"] == "allow-dns"]
    home = {one.inputs["metadata"]["name"] for one in said.of("Namespace")}
    reached = {one["metadata"]["namespace"] for one in dns if "10.43.0.10/32" in str(one["spec"])}
    assert home - reached == {"csi-driver-nfs"}, "its pods have the node's network"


def test_the_ports_of_the_api_server_are_in_every_policy_that_names_it_and_6443_in_none() -> None:
    """On MicroK8s no controller reached it, whichever namespace it is in; that of PostgreSQL's instances included."""
    policies = declared(apiServerPorts=[443, 16443]).of("NetworkPolicy")
    named = {
        (one.inputs["metadata"]["namespace"], tuple(port["port"] for port in one.inputs["spec"]["egress"][0]["ports"]))
        for one in policies
        if one.inputs["metadata"]["name"].endswith("api-server")
    }
    assert named >= {(namespace, (443, 16443)) for namespace in ("cert-manager", "kserve", "mlflow", "monitoring")}
    assert {ports for _, ports in named} == {(443, 16443)}
    assert not [one.name for one in policies if "6443" in str(one.inputs["spec"]).replace("16443", "")]


@pytest.mark.parametrize(
    ("stack", "addresses"),
    [
        ("dev", ["169.254.20.10/32"]),
        ("prod", ["169.254.20.10/32"]),
        ("gke", ["169.254.20.10/32", "169.254.169.254/32"]),
        ("onprem", ["169.254.20.10/32"]),
    ],
)
def test_cloud_dns_shares_the_address_of_the_metadata_service_and_is_open_on_gke_alone(
    stack: str, addresses: list[str]
) -> None:
    text = (REPOSITORY / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")
    assert from_file(text).network["dns_addresses"] == addresses


def test_on_auto_mode_nodes_answer_at_the_address_of_the_dns_service() -> None:
    settings = from_file((REPOSITORY / "tests" / "settings" / "good-eks.yaml").read_text(encoding="utf-8"))
    assert settings.network["dns_addresses"] == ["169.254.20.10/32"]
    assert isinstance(settings.cluster, EksSettings)
    control_plane = {**settings.cluster.control_plane, "provisioning": NodeProvisioning.AUTO_MODE}
    cluster = settings.cluster.model_copy(update={"control_plane": control_plane})
    network = settings.model_copy(update={"cluster": cluster}).network
    assert network["dns_addresses"] == ["169.254.20.10/32", "10.100.0.10/32", "172.20.0.10/32"]


FPGA = {
    "name": "u250",
    "resourceName": "vendor.example/fpga",
    "nodeLabels": {"fpga": "yes"},
    "taintKey": "vendor.example/fpga",
}
PLUGIN = {
    "image": "registry.example.com/fpga-plugin:1.2",
    "resourceName": "vendor.example/fpga",
    "arguments": ["--all"],
}
WITH_FPGA = {"cluster": {"pools": {"fpga": {"customAccelerator": FPGA, "devicesPerNode": 2, "nodesMax": 2}}}}


def test_a_declared_device_plugin_runs_on_the_pools_with_its_device_and_on_no_others() -> None:
    settings = from_file(overlaid({**WITH_FPGA, "devicePlugins": {"fpga": PLUGIN}}))
    planned = device_plugins(settings, list(settings.pools.values()))
    assert {name: [pool["placement"]["pool"] for pool in plugin["pools"]] for name, plugin in planned.items()} == {
        "fpga-device-plugin": ["fpga"]
    }
    recording = record(lambda: [DevicePlugin(name, plugin) for name, plugin in planned.items()] and None)
    pod = recording.one("DaemonSet").inputs["spec"]["template"]["spec"]
    assert (pod["containers"][0]["image"], pod["containers"][0]["args"]) == (PLUGIN["image"], ["--all"])
    assert recording.one("Namespace").inputs["metadata"]["name"] == "fpga-device-plugin"


def test_alerts_cover_devices_that_the_catalogue_does_not_know() -> None:
    assert custom_resources(list(from_file(overlaid(WITH_FPGA)).pools.values())) == ["vendor.example/fpga"]
    assert custom_resources(list(from_file(GOOD.read_text(encoding="utf-8")).pools.values())) == []


def test_an_invalid_pool_is_no_finding_about_a_plugin() -> None:
    wrong = {"cluster": {"pools": {"fpga": {"customAccelerator": FPGA, "nodesMax": 0}}}}
    with pytest.raises(Refused) as refused:
        from_file(overlaid({**wrong, "devicePlugins": {"fpga": PLUGIN}}))
    assert [finding.path for finding in refused.value.findings] == ["cluster.pools.fpga.nodesMax"]


def test_programs_that_read_the_driver_on_gke_get_its_path() -> None:
    """The driver of a GKE node is in no container but those that get a device; elsewhere the runtime mounts it."""

    def program() -> None:
        settings = from_file((GOOD.parents[2] / "Pulumi.gke.yaml").read_text(encoding="utf-8"))
        with patch("stacks.clouds.gke.require_project", return_value="1"), patch("stacks.clouds.gke.require_quotas"):
            on = declare_cluster(settings)
        addons.declare_addons(settings, on, addons.declare_crds(settings, on))

    (exporter,) = record(program).of("DcgmExporter")
    assert exporter.inputs["driver_root"] == "/home/kubernetes/bin/nvidia"
    assert "driver_root" not in declared().of("DcgmExporter")[0].inputs


@pytest.mark.parametrize(("given", "asked"), [({}, ""), ({"loadBalancerClass": "example.com/lan"}, "example.com/lan")])
def test_the_gateway_asks_for_an_address_of_the_class_that_metallb_serves(given: dict[str, str], asked: str) -> None:
    recording = declared(metallb={"addresses": ["192.168.10.0/24"], **given})
    service = recording.one("EnvoyProxy").inputs["spec"]["provider"]["kubernetes"]["envoyService"]
    assert service.get("loadBalancerClass", "") == asked


BY_ROW = components_by_row()


@pytest.mark.parametrize("name", BY_ROW)
def test_a_component_that_is_declared_by_a_row_has_one_with_its_chart_and_what_it_waits_for(name: str) -> None:
    assert issubclass(BY_ROW[name], Component)
    assert {"source"} <= BY_ROW[name].__init__.__annotations__["args"].__annotations__.keys()
    assert name in CHARTS
    assert {*ADDONS[name].after} <= {*BY_ROW}


def test_a_row_with_a_condition_or_an_order_has_a_component_that_is_declared_by_it() -> None:
    used = {name for name, row in ADDONS.items() if row.resource or row.after or row.for_devices or row.sees_nodes}
    assert used == {*BY_ROW}


def test_add_ons_are_declared_after_those_that_they_need_and_else_in_the_order_of_the_rows() -> None:
    settings = from_file((REPOSITORY / "Pulumi.dev.yaml").read_text(encoding="utf-8"))
    assert declared_by_row(settings) == ["node-feature-discovery", "nvidia-device-plugin", "dcgm-exporter"]
    chain = {"nvidia-device-plugin": ("dcgm-exporter",), "dcgm-exporter": ("node-feature-discovery",)}
    rows = {name: row._replace(after=chain.get(name, ())) for name, row in ADDONS.items()}
    with patch("stacks.addons.ADDONS", rows):
        assert declared_by_row(settings) == ["node-feature-discovery", "dcgm-exporter", "nvidia-device-plugin"]


def test_an_add_on_is_declared_after_those_behind_one_that_is_not_wanted() -> None:
    """dev wants no GPU Operator: what is declared after it is declared after its predecessors."""
    settings = from_file((REPOSITORY / "Pulumi.dev.yaml").read_text(encoding="utf-8"))
    order = {"node-feature-discovery": ("gpu-operator",), "gpu-operator": ("dcgm-exporter",)}
    rows = {name: row._replace(after=order.get(name, ())) for name, row in ADDONS.items()}
    with patch("stacks.addons.ADDONS", rows):
        assert declared_by_row(settings) == ["nvidia-device-plugin", "dcgm-exporter", "node-feature-discovery"]
        assert predecessors("node-feature-discovery", ["dcgm-exporter"]) == ["dcgm-exporter"]


def test_what_settings_say_of_an_add_on_is_said_of_one_that_a_row_declares() -> None:
    assert {*NVIDIA_KEYS} <= {*BY_ROW}
    assert {key for keys in NVIDIA_KEYS.values() for key in keys} == {*Nvidia.model_fields}
