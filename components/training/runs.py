"""A run of a training as an object: a Job that nothing restarts by surprise."""

from collections.abc import Mapping
from typing import Any

from pulumi import Input, Output, ResourceOptions
from pulumi_kubernetes import batch, meta

from components.training.plan import FIXED_FIELDS, SETTINGS_ANNOTATION
from components.training.spec import run_name
from components.workloads import NO_AWAIT


def declare_run(
    name: str,
    run: str,
    namespace: Input[str],
    spec: Mapping[str, Any],
    opts: ResourceOptions,
    *,
    digest: str,
    labels: Mapping[str, str],
) -> Output[str]:
    """Declare the Job of one run and return its name.

    Not awaited: a training of twelve hours must not hold `up`. What its pods are is fixed when it starts (see
    `FIXED_FIELDS`); another `run` is another object, and removes this one.
    """
    job = batch.v1.Job(
        f"{name}-run-{run}",
        metadata=meta.v1.ObjectMetaArgs(
            name=run_name(name, run),
            namespace=namespace,
            labels=labels,
            annotations={**NO_AWAIT, SETTINGS_ANNOTATION: digest},
        ),
        spec={**spec},
        opts=ResourceOptions.merge(opts, ResourceOptions(ignore_changes=FIXED_FIELDS, delete_before_replace=False)),
    )
    return job.metadata.name.apply(str)
