"""Names of planned objects."""

from collections.abc import Iterator, Mapping

from components.findings import Finding
from policies.objects import PlannedObject

AUTONAMED = "pulumi.com/autonamed"
"""Annotation of an object whose name the Kubernetes provider generated (Pulumi registry, kubernetes, annotations)."""


def object_has_a_name_of_its_own(subject: PlannedObject) -> Iterator[Finding]:
    """Every Kubernetes object has a `metadata.name` from the program: after an interrupted run, `up` finds it again."""
    if not subject.is_kubernetes:
        return
    annotations = subject.metadata.get("annotations")
    made_up = isinstance(annotations, Mapping) and annotations.get(AUTONAMED) == "true"
    if made_up or not subject.metadata.get("name"):
        yield Finding(
            f"{subject.kind} {subject.name}",
            "generateName" if subject.metadata.get("generateName") else "no metadata.name",
            "every object needs an explicit name: with a random name, the run after a crash creates a second object",
            "set metadata.name",
        )
