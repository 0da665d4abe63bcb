"""Custom resources of the plan: from components, charts or raw manifests."""

from collections.abc import Iterator

from components.base.crd_validation import check_custom_resource, schema_of
from components.findings import Finding
from policies.objects import PlannedObject, Unknown
from policies.rule import Rule, Severity

REMEDY = (
    "correct the field: the API server would refuse or drop it; if the cluster has a newer CRD of its own "
    "(cluster.existingCrds, cluster.existingAddons), exempt the object"
)


def custom_resource_matches_its_schema(subject: PlannedObject) -> Iterator[Finding]:
    """Every custom resource of a kind in `catalog/upstream/schemas` has the fields, types and bounds of its CRD.

    A value that is not known in a preview is checked in `up`. Stand-in CRDs accept any deep field; real ones do not.
    A patch (`CustomResourcePatch`) has some fields of an object that exists; it is not checked.
    """
    api_version = str(subject.body.get("apiVersion", ""))
    whole = subject.is_kubernetes and subject.type.endswith(f":{subject.kind}")
    if whole and schema_of(api_version, subject.kind):
        for finding in check_custom_resource(
            subject.title, api_version, subject.kind, subject.body, unknown=Unknown, separator=" "
        ):
            yield finding._replace(remedy=REMEDY)


RULES = (
    Rule(
        "custom-resources-match-their-schemas",
        "Every custom resource has only fields of its CRD, with the types and bounds that the CRD demands.",
        Severity.MEDIUM,
        of_one=custom_resource_matches_its_schema,
    ),
)
"""The policies of this subject."""
