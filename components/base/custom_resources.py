"""Custom resources that are validated before they are sent, and awaited until they are ready by their kind.

The provider drops a misspelt field of a custom resource without an error from release 4.29 on, and awaits none of them
by itself. So each one goes through `custom_resource`: its spec is validated against the fields that upstream's CRD
declares (`crd_validation.py`), and its kind decides the await.
"""

from collections.abc import Mapping
from typing import Any

from pulumi import Input, Output, ResourceOptions
from pulumi_kubernetes import meta
from pulumi_kubernetes.apiextensions import CustomResource

from catalog.versions import API_VERSIONS
from components.base.crd_validation import check_custom_resource
from components.base.labels import LABELS
from components.base.webhooks import until_webhook_answers
from components.findings import refuse

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
        check_custom_resource(resource_name, api_version, kind, {"metadata": {}, "spec": spec}, unknown=Output),
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
