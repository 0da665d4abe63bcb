"""StorageClasses of a plan together."""

from collections.abc import Iterator

from components.findings import Finding
from policies.objects import PlannedObject
from policies.rule import Rule, Severity

DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


def one_default_storage_class(objects: list[PlannedObject]) -> Iterator[Finding]:
    """At most one StorageClass of the plan is the default: of several, the newest counts, whichever that is."""
    classes = [one for one in objects if (one.group, one.kind) == ("storage.k8s.io", "StorageClass")]
    defaults = [one for one in classes if _annotation(one) == "true"]
    for one in defaults[1:]:
        yield Finding(
            f"{one.title} metadata.annotations[{DEFAULT_CLASS}]",
            f"true, as for {defaults[0].object_name}",
            "a cluster has one default StorageClass",
            "remove the annotation from one of them",
        )


def _annotation(subject: PlannedObject) -> object:
    annotations = subject.metadata.get("annotations")
    return annotations.get(DEFAULT_CLASS) if isinstance(annotations, dict) else None


RULES = (
    Rule(
        "one-default-storage-class",
        "A plan has one default StorageClass at most.",
        Severity.MEDIUM,
        of_all=one_default_storage_class,
    ),
)
"""The policies of this subject."""
