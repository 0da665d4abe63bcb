"""The ConfigMap with the files of a workload."""

from collections.abc import Mapping

from pulumi import Output, ResourceOptions
from pulumi_kubernetes import core, meta

from components.tenants.handles import TeamHandle
from components.workloads.files import FilesSpec, config_map_name, file_data


def declare_files(
    name: str,
    team: TeamHandle,
    spec: FilesSpec,
    labels: Mapping[str, str],
    opts: ResourceOptions,
    *,
    changing: bool = False,
) -> Output[str] | None:
    """Declare the ConfigMap of a workload's files and return its name; None without files.

    Another content is another ConfigMap, and other pods. `changing`: it keeps its name, for pods that start at any time
    and whose own spec does not change (runs of a schedule).
    """
    files = spec.get("files")
    if not files:
        return None
    made = core.v1.ConfigMap(
        f"{name}-files",
        metadata=meta.v1.ObjectMetaArgs(
            name=f"{name}-files" if changing else config_map_name(name, files),
            namespace=team["namespace"],
            labels=dict(labels),
        ),
        data=file_data(files),
        immutable=not changing,
        opts=ResourceOptions.merge(opts, ResourceOptions(delete_before_replace=False)),
    )
    return made.metadata.name.apply(str)
