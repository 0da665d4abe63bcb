"""Serving runtimes: which server loads which model format. Declared from one table, under KServe's names.

Names, ports, arguments and formats are those of kserve/kserve v0.20.0 charts/kserve-runtime-configs, so that its
documentation and existing InferenceServices apply. Ours differ in five ways: images are pinned (upstream's vLLM is
`latest`), every container meets Pod Security `restricted`, no runtime has a CPU limit, MLServer
writes below /tmp alone, and the table has a selection, not all.

The InferenceService requests devices, and KServe selects the image for them. It checks for `nvidia.com/gpu` and
`nvidia.com/mig-…`: without one of these huggingfaceserver keeps its CPU image, and vLLM gets one
(pkg/controller/v1beta1/inferenceservice/utils, UpdateImageTag). For other names (`nvidia.com/gpu.shared`, DRA) our
InferenceService therefore sets `runtimeVersion` (`components.workloads.serving.spec.runtime_version`).
"""

from typing import Any, TypedDict

from pulumi import ResourceOptions
from pulumi_kubernetes.apiextensions import CustomResource

from components.base.component import Component
from components.base.custom_resources import custom_resource
from components.base.pods import container, environment, http_probe, startup_probe
from components.findings import refuse
from components.workloads.serving.runtime_table import HTTP_PORT, RUNTIMES, ModelFormat, Runtime, own_runtime
from components.workloads.serving.runtime_validation import check_runtimes
from components.workloads.serving.spec import RuntimeSpec

NOT_ROOT = {"runAsUser": 1000, "runAsGroup": 1000}
"""For images whose user is root or not set."""


USUAL = {"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"memory": "2Gi"}}
"""Upstream's defaults for an InferenceService without sizes, but no CPU limit: KServe merges the InferenceService over
these, so a limit here would stay below a larger request, which the API server refuses
(kserve/kserve v0.20.0 pkg/utils/container_merge.go)."""


class ServingRuntimesArgs(TypedDict, total=False):
    """Runtimes in addition to the platform's."""

    own: dict[str, RuntimeSpec]
    """Name of the ClusterServingRuntime -> the server; default: none."""


class ServingRuntimes(Component):
    """ClusterServingRuntimes for every namespace. Declare them after KServe: its webhook validates them."""

    def __init__(self, name: str, args: ServingRuntimesArgs, opts: ResourceOptions | None = None) -> None:
        own = args.get("own") or {}
        refuse(f"serving runtimes {name}", check_runtimes(name, own))
        super().__init__(name, args, opts)
        for runtime in RUNTIMES.values():
            self._declare(f"{name}-{runtime.server_type}", runtime)
        for key, spec in own.items():
            self._declare(f"{name}-own-{key}", own_runtime(key, spec))
        self.register_outputs({})

    def _declare(self, name: str, runtime: Runtime) -> CustomResource:
        return custom_resource(
            name,
            "ClusterServingRuntime",
            runtime.name,
            runtime_spec(runtime),
            self.child,
            annotations={"serving.kserve.io/server-type": runtime.server_type},
        )


def runtime_spec(runtime: Runtime) -> dict[str, Any]:
    """The `spec` of the ClusterServingRuntime. Pure."""
    probes: dict[str, Any] = {
        "readinessProbe": http_probe(runtime.ready_path, HTTP_PORT),
        # Half an hour: hundreds of gigabytes of a model are loaded from disk before the first answer.
        "startupProbe": startup_probe(runtime.ready_path, HTTP_PORT, within_seconds=1800),
    }
    server = container(
        # The name by which KServe identifies the container that it completes.
        name="kserve-container",
        image=runtime.image,
        resources=USUAL,
        command=runtime.command,
        args=runtime.arguments,
        env=environment(dict(runtime.environment)),
        read_only_root=False,
        **(probes if runtime.ready_path else {}),
    )
    if runtime.user:
        server["securityContext"] |= NOT_ROOT
    return {
        "annotations": {
            "prometheus.kserve.io/path": "/metrics",
            "prometheus.kserve.io/port": str(runtime.metrics_port),
        },
        "containers": [server],
        **({"protocolVersions": list(runtime.protocols)} if runtime.protocols else {}),
        "supportedModelFormats": [_format(row) for row in runtime.formats],
    }


def _format(row: ModelFormat) -> dict[str, Any]:
    chosen = {"autoSelect": True, "priority": row.priority} if row.auto_select else {}
    return {"name": row.name, "version": row.version, **chosen}
