"""Custom resources that are validated before they are sent, and awaited until they are ready by their kind.

The provider drops a misspelt field of a custom resource without an error from release 4.29 on, and awaits none of them
by itself. So each one goes through `custom_resource`: its spec is validated against the fields that upstream's CRD
declares (`catalog/upstream/schemas`), and its kind decides the await.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, ValidationError, validators
from pulumi import Input, Output, ResourceOptions
from pulumi_kubernetes import meta
from pulumi_kubernetes.apiextensions import CustomResource

from catalog.upstream.crd_schemas import Schema, kinds_of_set
from catalog.versions import API_VERSIONS, CLOUD_CRDS, CRDS
from components.base.component import LABELS
from components.base.webhooks import until_webhook_answers
from components.findings import Finding, refuse

READY: dict[str, str] = {
    "Certificate": "condition=Ready",
    "ClusterIssuer": "condition=Ready",
    "Issuer": "condition=Ready",
    "GatewayClass": "condition=Accepted",
    "Gateway": "condition=Programmed",
    # The conditions of a route are listed by Gateway; a route that no Gateway accepts has no effect.
    "HTTPRoute": 'jsonpath={.status.parents[*].conditions[?@.type=="Accepted" && @.status=="True"]}',
    "InferenceService": "condition=Ready",
    "Cluster": "condition=Ready",
    "NodePool": "condition=Ready",
    "EC2NodeClass": "condition=Ready",
}
"""What `up` waits for, by kind. Kinds without a status (ServiceMonitor, PrometheusRule, …) are not awaited."""


def _tolerant(keyword: Any) -> Any:
    """A schema keyword that accepts values which are not known before `up`."""

    def check(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if not isinstance(instance, Output):
            yield from keyword(validator, value, instance, schema) or ()

    return check


_Validator = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {name: _tolerant(check) for name, check in Draft202012Validator.VALIDATORS.items()}
)


class _Closed:
    """Schemas as strict field validation reads them: an object takes no property that it does not declare."""

    def __init__(self) -> None:
        self.made: dict[int, Schema] = {}
        """By the identity of the open schema, which stands in many places."""

    def of(self, schema: Schema) -> Schema:
        if id(schema) not in self.made:
            self.made[id(schema)] = self._closed(schema)
        return self.made[id(schema)]

    def _closed(self, schema: Schema) -> Schema:
        closed = {**schema}
        if "properties" in schema:
            closed["properties"] = {name: self.of(one) for name, one in schema["properties"].items()}
            if not schema.get("x-kubernetes-preserve-unknown-fields"):
                closed["additionalProperties"] = False
        for key in ("items", "additionalProperties"):
            if isinstance(schema.get(key), dict):
                closed[key] = self.of(schema[key])
        if schema.get("x-kubernetes-int-or-string"):
            closed["type"] = ["integer", "string"]
        if schema.get("nullable"):
            closed["type"] = [schema["type"], "null"]
        if "(?i)" in schema.get("pattern", ""):
            del closed["pattern"]  # Go takes flags in the middle of an expression, Python does not
        return closed


@cache
def schema_of(api_version: str, kind: str) -> Schema | None:
    """The closed JSON schema of a whole object; None for a kind whose CRD is not installed."""
    group, _, version = api_version.partition("/")
    for name in (*CRDS, *CLOUD_CRDS):
        facts = kinds_of_set(name).get(kind)
        if facts and facts["group"] == group and version in facts["versions"]:
            schema = facts["versions"][version]["schema"]
            properties = {**schema["properties"], "metadata": {}, "status": {}}
            return _Closed().of({**schema, "properties": properties})
    return None


def check_custom_resource(path: str, api_version: str, kind: str, body: Mapping[str, Any]) -> Iterator[Finding]:
    """Where an object departs from the schema of its CRD. Values not known before `up` are let through."""
    schema = schema_of(api_version, kind)
    if schema is None:
        yield Finding(path, f"{api_version} {kind}", "a kind whose CRD the platform installs", "declare its CRD first")
        return
    for error in _Validator(schema).iter_errors({**body}):
        where = ".".join(str(part) for part in error.absolute_path)
        yield Finding(
            f"{path}.{where}" if where else path,
            error.message[:200],
            f"the schema of {api_version} {kind}",
            "correct the field; the API server would refuse or drop it",
        )


def custom_resource(
    resource_name: str,
    kind: str,
    name: Input[str],
    spec: Mapping[str, Any],
    opts: ResourceOptions,
    *,
    namespace: Input[str] | None = None,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> CustomResource:
    """Declare one custom resource: validated now, sent again while its webhook does not answer, awaited until ready.

    `kind` is a key of `API_VERSIONS`. Raises `Refused` if the spec differs from the CRD's schema.
    """
    api_version = API_VERSIONS[kind]
    refuse(
        f"{kind} {resource_name}",
        check_custom_resource(resource_name, api_version, kind, {"metadata": {}, "spec": spec}),
    )
    wait = {"pulumi.com/waitFor": READY[kind]} if kind in READY else {}
    return CustomResource(
        resource_name,
        api_version=api_version,
        kind=kind,
        metadata=meta.v1.ObjectMetaArgs(
            name=name,
            namespace=namespace,
            labels={**LABELS, **(labels or {})},
            annotations={**wait, **(annotations or {})} or None,
        ),
        spec=spec,
        opts=until_webhook_answers(opts),
    )
