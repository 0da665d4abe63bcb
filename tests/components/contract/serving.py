"""Served models."""

from typing import Any

from components.addons.kserve import KServe
from components.workloads.serving.inference_service import InferenceService
from components.workloads.serving.model_server import ModelServer
from components.workloads.serving.runtimes import ServingRuntimes
from components.workloads.serving.spec import Protocol, ScaleMetric
from tests.components.contract.case import ABSENT, Case
from tests.components.platform_handles import GATEWAY, H100, MIG, MONITORING, NETWORK, SOURCE, STORE, TEAM, TRACKING

_OTHER_POOL = {**H100, "placement": {**H100["placement"], "node_selector": {"pool": "other"}}}
_OTHER_TEAM = {**TEAM, "namespace": "speech"}


_OWN_RUNTIME = {
    "image": "registry.example.com/pmml:1.0",
    "formats": [{"name": "pmml", "version": "4", "priority": 2, "auto_select": True}],
    "protocols": ["v2"],
    "command": ["serve"],
    "arguments": ["--name={{.Name}}"],
    "environment": {"LEVEL": "info"},
    "ready_path": "/up",
    "metrics_port": 9090,
}


_CHOSEN = {
    "mine": {
        "image": "registry.example.com/mine:1.0",
        "formats": [{"name": "huggingface", "priority": 5}, {"name": "huggingface", "version": "2"}],
        "protocols": ["v1", "v2"],
        "metrics_port": 9999,
    }
}
"""A runtime that KServe prefers to the platform's."""


def _on_mig(spec: str) -> dict[str, Any]:
    return {"pool": MIG, f"{spec}.accelerators": {"count": 1, "mig_profile": "1g.10gb"}}


CASES = [
    Case(
        KServe,
        {
            "network": NETWORK,
            "source": SOURCE,
            "gateway": GATEWAY,
            "domain": "internal",
            "store": STORE,
            "namespace": "models",
            "storage_initializer_memory_gib": 4,
            "control_plane_ranges": ["10.0.0.0/28"],
            "monitoring_namespace": "monitoring",
        },
        variants={
            "gateway": {**GATEWAY, "name": "other"},
            "domain": "public",
            "store": {**STORE, "endpoint": "https://store.example.com"},
        },
        refused={"domain": "nowhere"},
        second={"namespace": "other"},
        single="its chart is installed once in a cluster: objects of a chart are named after it",
    ),
    Case(
        ServingRuntimes,
        {"own": {"pmml": _OWN_RUNTIME}},
        variants={
            "own.pmml.formats.0.auto_select": False,
            "own.pmml.protocols": ["v1"],
            "own.pmml.image": "registry.example.com/pmml:2.0",
            "own.pmml.ready_path": "/ready",
        },
        refused={"own": {"pmml": {**_OWN_RUNTIME, "image": "pmml:latest"}}},
        single="its objects are named as KServe names its own, without a namespace",
    ),
    Case(
        InferenceService,
        {
            "service": {
                "version": "a",
                "model_format": "huggingface",
                "model_format_version": "1",
                "protocol_version": Protocol.V2,
                "runtime": "kserve-huggingfaceserver",
                "runtime_version": "v0.20.0-gpu",
                "storage_uri": "s3://models/a",
                "arguments": ["--dtype=bfloat16"],
                "environment": {"LEVEL": "info"},
                "files": {"/etc/chat/config.yaml": "level: info"},
                "secret_folders": {"hub": "/run/hub"},
                "accelerators": {"count": 1},
                "cpu_millis": 8000,
                "memory_gib": 64,
                "cpu_limit_millis": 9000,
                "ephemeral_storage_gib": 100,
                "shared_memory_gib": 8,
                "read_only_root": True,
                "min_replicas": 2,
                "max_replicas": 4,
                "scale_metric": ScaleMetric.CPU,
                "scale_target_percent": 60,
                "timeout_seconds": 30,
                "metrics_port": 8000,
                "annotations": {"note": "a"},
                "canary": {"version": "b", "storage_uri": "s3://models/b", "traffic_percent": 10, "replicas": 1},
                "transformer": {
                    "image": "registry.example.com/prepare:1.0",
                    "command": ["prepare"],
                    "arguments": ["--fast"],
                    "environment": {"LEVEL": "info"},
                    "cpu_millis": 500,
                    "memory_gib": 2,
                    "min_replicas": 1,
                    "max_replicas": 2,
                },
            },
            "team": TEAM,
            "pool": H100,
            "tracking": TRACKING,
            "monitoring": MONITORING,
        },
        contexts={
            "service.accelerators.mig_profile": _on_mig("service"),
            "service.model_format": {"service.runtime": ABSENT, "service.model_format_version": ABSENT},
            "service.model_format_version": {"service.runtime": "mine", "runtimes": _CHOSEN},
            "service.runtime": {"runtimes": _CHOSEN},
            "runtimes": {"service.runtime": ABSENT, "service.metrics_port": ABSENT},
        },
        variants={
            "service.accelerators.mig_profile": "3g.40gb",
            "service.model_format": "onnx",
            "service.model_format_version": "2",
            "service.protocol_version": Protocol.V1,
            "service.runtime": "mine",
            "runtimes": _CHOSEN,
            "tracking": ABSENT,
            "team": _OTHER_TEAM,
            "pool": _OTHER_POOL,
            "monitoring": ABSENT,
        },
        refused={"service.storage_uri": "ftp://models/a"},
    ),
    Case(
        ModelServer,
        {
            "server": {
                "image": "registry.example.com/serve:1.0",
                "command": ["serve"],
                "arguments": ["--fast"],
                "environment": {"LEVEL": "info"},
                "environment_secrets": ["hub"],
                "files": {"/etc/server/models.config": "model_config_list {}"},
                "secret_folders": {"hub": "/run/hub"},
                "port": 9000,
                "storage_uri": "s3://models/a",
                "model_path": "/model",
                "model_size_gib": 10,
                "accelerators": {"count": 1},
                "cpu_millis": 4000,
                "memory_gib": 32,
                "cpu_limit_millis": 5000,
                "ephemeral_storage_gib": 5,
                "shared_memory_gib": 4,
                "read_only_root": True,
                "min_replicas": 2,
                "max_replicas": 4,
                "scale_target_percent": 60,
                "ready_path": "/ready",
                "live_path": "/live",
                "startup_minutes": 5,
                "grace_seconds": 30,
                "timeout_seconds": 30,
                "metrics_path": "/metrics/all",
                "annotations": {"note": "a"},
                "hostname": "rank.int.ml.example.com",
            },
            "team": TEAM,
            "pool": H100,
            "artifacts": STORE,
            "gateway": GATEWAY,
            "tracking": TRACKING,
            "monitoring": MONITORING,
        },
        contexts={"server.accelerators.mig_profile": _on_mig("server")},
        variants={
            "server.accelerators.mig_profile": "3g.40gb",
            "server.hostname": "score.int.ml.example.com",
            "team": _OTHER_TEAM,
            "pool": _OTHER_POOL,
            "artifacts": {**STORE, "credentials_secret_name": "other"},
            "gateway": {**GATEWAY, "name": "other"},
            "tracking": ABSENT,
            "monitoring": ABSENT,
        },
        refused={"server.image": "registry.example.com/serve:latest"},
    ),
]
