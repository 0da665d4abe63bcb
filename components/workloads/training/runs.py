"""The Job of one run of a training."""

from collections.abc import Mapping
from typing import Any

from pulumi import Input, Output, Resource, ResourceOptions
from pulumi_kubernetes import batch, core, meta

from components.base.custom_resources import custom_resource
from components.base.workload_labels import NO_AWAIT
from components.capacity.placement import PoolHandle
from components.workloads.training.plan import (
    FIXED_FIELDS,
    FIXED_TEMPLATE_FIELDS,
    SETTINGS_ANNOTATION,
    WARDEN_LABEL,
    consuming,
    node_request_spec,
)
from components.workloads.training.spec import run_name


def declare_run(
    name: str,
    run: str,
    pool: PoolHandle,
    namespace: Input[str],
    spec: Mapping[str, Any],
    opts: ResourceOptions,
    *,
    digest: str,
    labels: Mapping[str, str],
) -> Output[str]:
    """Declare the Job of one run and return its name. On a queued pool its request for nodes is declared before it.

    Not awaited: a training of twelve hours must not block `up`. Its pods are immutable once it starts (see
    `FIXED_FIELDS`); another `run` is another object, and removes this one.
    """
    fixed = ResourceOptions(ignore_changes=FIXED_FIELDS, delete_before_replace=False)
    if pool["placement"].get("queued"):
        fixed.depends_on = [_request_nodes(name, run, pool, namespace, spec, opts, labels)]
        spec = consuming(spec, run_name(name, run))
    job = batch.v1.Job(
        f"{name}-run-{run}",
        metadata=meta.v1.ObjectMetaArgs(
            name=run_name(name, run),
            namespace=namespace,
            labels=labels,
            annotations={**NO_AWAIT, SETTINGS_ANNOTATION: digest},
        ),
        spec={**spec},
        opts=ResourceOptions.merge(opts, fixed),
    )
    return job.metadata.name.apply(str)


def _request_nodes(
    name: str,
    run: str,
    pool: PoolHandle,
    namespace: Input[str],
    job: Mapping[str, Any],
    opts: ResourceOptions,
    labels: Mapping[str, str],
) -> Resource:
    """Request all nodes of a run together. They are added when enough of them are available, for this run only.

    Not awaited either: it can take days. It is fixed with its run: Kubernetes refuses to change a request.
    """
    template = core.v1.PodTemplate(
        f"{name}-pods-{run}",
        metadata=meta.v1.ObjectMetaArgs(
            name=run_name(name, run), namespace=namespace, labels={**labels, **WARDEN_LABEL}
        ),
        template=job["template"],
        opts=ResourceOptions.merge(opts, ResourceOptions(ignore_changes=FIXED_TEMPLATE_FIELDS)),
    )
    return custom_resource(
        f"{name}-nodes-{run}",
        "ProvisioningRequest",
        run_name(name, run),
        node_request_spec(job, pool, template.metadata.name),
        ResourceOptions.merge(opts, ResourceOptions(ignore_changes=["spec"])),
        namespace=namespace,
        labels=labels,
    )
