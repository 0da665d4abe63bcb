"""Teams and the order among their workloads."""

from components.tenants.priority_classes import PriorityClasses, priority_handle
from components.tenants.team import Team
from tests.components.contract.case import Case
from tests.components.platform_handles import CPU, GATEWAY, H100, MIG, MONITORING, NETWORK, PRIORITIES, STORE, TRACKING

CASES = [
    Case(PriorityClasses, {"prefix": "ml"}, second={"prefix": "other"}),
    Case(
        Team,
        {
            "network": NETWORK,
            "name": "vision",
            "team": {
                "namespace": "vision-home",
                "owner": "ada",
                "cost_center": "4711",
                "quota": {"h100": 4},
                "cpu": 100,
                "memory_gib": 1000,
                "pods": 50,
                "storage_gib": 100,
                "claims": 20,
                "ephemeral_storage_gib": 200,
                "viewers": ["staff"],
                "editors": ["vision"],
                "admins": ["leads"],
                "egress": [{"name": "lake", "cidr": "10.20.0.0/16", "ports": [9000]}],
                "internet": True,
            },
            "registry": {"server": "registry.example.com", "username": "puller", "password": "s3cr3t"},
            "account_annotations": {"training": {"role": "vision"}, "serving": {"role": "reader"}},
            "pools": [H100, MIG],
            "priorities": PRIORITIES,
            "tracking": TRACKING,
            "monitoring": MONITORING,
            "gateway": GATEWAY,
            "artifacts": STORE,
        },
        variants={
            "team.egress.0.cidr": "10.30.0.0/16",
            "pools": [H100, CPU],
            "priorities": priority_handle({"prefix": "other"}),
            "tracking": {**TRACKING, "namespace": "other"},
            "monitoring": {**MONITORING, "namespace": "other"},
            "gateway": {**GATEWAY, "namespace": "other"},
            "artifacts": {**STORE, "credentials_secret_name": "other"},
        },
        refused={"team.quota": {"cpu": 1}},
        second={"name": "speech", "team.namespace": "speech-home"},
    ),
]
