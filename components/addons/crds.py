"""Custom resource definitions, installed in a separate step: charts install none, and all custom resources depend on
them.

The provider reads the files, because PyYAML cannot read prometheus-operator's CRDs, and waits until the API server
serves each kind. Deleting a CRD deletes every object of it, in every namespace.

Give this component and every chart one explicit provider. Under default providers the CRDs go through another provider
process than the charts do, and the first preview fails: "failed to determine if the following GVK is namespaced".

Managed clusters include some CRDs (GKE: gateway-api): omit those sets there.
"""

from collections.abc import Mapping
from typing import Any, Required, TypedDict

from pulumi import ResourceOptions, ResourceTransform, ResourceTransformArgs, ResourceTransformResult
from pulumi_kubernetes.yaml.v2 import ConfigGroup

from catalog.versions import CONVERSIONS, CRDS
from components.addons.validation import check_crd_sets
from components.base.chart_source import ChartOrigin, ChartSource
from components.base.component import Component
from components.findings import refuse


class CrdsArgs(TypedDict, total=False):
    """The CRD sets and their source."""

    sets: Required[list[str]]
    """Keys of `versions.CRDS`."""
    source: Required[ChartSource]
    """Source, the same setting as for charts."""
    mirror: str
    """Location of CRDs if `source` is a mirror at oci://…, which contains charts and no files.

    An https:// address (a file repository, a Git server's raw files) or a folder. Default: the mirror's location.
    """
    converters: dict[str, str]
    """Set -> namespace of the webhook that converts its objects, where it is not the chart's usual one."""
    keep_data: bool
    """Required in stacks that are not simulated: CRDs, and with them all custom resources, are kept when the stack is
    destroyed."""


def crds_location(source: ChartSource, mirror: str = "") -> str:
    """The folder or address with the CRD files; empty for upstream, where each project has its own address. Pure."""
    if source["origin"] == ChartOrigin.UPSTREAM:
        return ""
    if source["origin"] == ChartOrigin.MIRROR and mirror:
        return mirror.rstrip("/")
    return source["location"].rstrip("/")


def crd_files(name: str, source: ChartSource, mirror: str = "") -> list[str]:
    """The files of one set: `<location>/crds/<set>.yaml` (stub), `<mirror>/crds/<set>/<version>.yaml`. Pure."""
    location = crds_location(source, mirror)
    match source["origin"]:
        case ChartOrigin.STUB:
            return [f"{location}/crds/{name}.yaml"]
        case ChartOrigin.MIRROR:
            return [f"{location}/crds/{name}/{CRDS[name].version}.yaml"]
        case _:
            return list(CRDS[name].urls)


CRD_TYPE = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition"


def conversions(converters: Mapping[str, str]) -> ResourceTransform:
    """Adds the conversion webhooks that upstream's plain manifests leave out.

    A transform, so that the CRD has its webhook in every version that is applied: the provider replaces CRDs as a whole
    when they change, and would drop what a patch had added.
    """

    def convert(resource: ResourceTransformArgs) -> ResourceTransformResult | None:
        if resource.type_ != CRD_TYPE:
            return None
        metadata: Any = resource.props.get("metadata") or {}
        missing = CONVERSIONS.get(str(metadata.get("name")))
        if missing is None:
            return None
        spec: Any = resource.props["spec"]
        added = missing.spec(converters.get(missing.crd_set, missing.namespace))
        return ResourceTransformResult({**resource.props, "spec": {**spec, "conversion": added}}, resource.opts)

    return convert


class Crds(Component):
    """The CRD sets that a stack needs, each one group. Every component that declares a custom resource
    depends on it.
    """

    def __init__(self, name: str, args: CrdsArgs, opts: ResourceOptions | None = None) -> None:
        source, mirror = args["source"], args.get("mirror", "")
        location = crds_location(source, mirror)
        refuse(f"CRDs {name}", check_crd_sets(name, args["sets"], list(CRDS), source["origin"], location))
        super().__init__(name, args, opts)
        kept = bool(args.get("keep_data"))
        convert = conversions(args.get("converters") or {})
        options = ResourceOptions.merge(
            self.child, ResourceOptions(protect=kept, retain_on_delete=kept, transforms=[convert])
        )
        for crd_set in args["sets"]:
            ConfigGroup(f"{name}-{crd_set}", files=crd_files(crd_set, source, mirror), opts=options)
        self.register_outputs({})
