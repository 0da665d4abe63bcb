"""The check against Google's API models sees each way to depart from them."""

from tests.support.google_api import departures


def test_what_the_api_knows_passes() -> None:
    pool = {
        "name": "l4",
        "cluster": "ml",
        "node_config": {
            "machine_type": "g2-standard-8",
            "guest_accelerators": [{"type": "nvidia-l4", "count": 1}],
            "kubelet_config": {"insecure_kubelet_readonly_port_enabled": "FALSE"},
            "labels": {"acme.dev/tier": "a"},
        },
        "autoscaling": {"total_max_node_count": 4.0, "location_policy": "ANY"},
    }
    assert departures("container.v1", "NodePool", pool) == []


def test_each_way_to_depart_is_seen() -> None:
    pool = {
        "colour": "red",
        "autoscaling": {"location_policy": "SOMEWHERE", "total_max_node_count": 4.5},
        "management": {"auto_repair": "yes"},
        "node_locations": "europe-west4-a",
        "node_config": ["n2-standard-8"],
        "name": 7,
    }
    assert departures("container.v1", "NodePool", pool) == [
        "NodePool.colour: NodePool has no colour",
        "NodePool.autoscaling.locationPolicy: 'SOMEWHERE' is none of LOCATION_POLICY_UNSPECIFIED, BALANCED, ANY",
        "NodePool.autoscaling.totalMaxNodeCount: 4.5 is no integer",
        "NodePool.management.autoRepair: 'yes' is no boolean",
        "NodePool.nodeLocations: 'europe-west4-a' is no list",
        "NodePool.nodeConfig: ['n2-standard-8'] is no NodeConfig",
        "NodePool.name: 7 is no string",
    ]
