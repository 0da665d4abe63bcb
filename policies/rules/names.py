"""Rules on names that settings give to objects of the cluster."""

from collections.abc import Collection, Iterator, Mapping

from policies.rules.finding import Finding
from policies.rules.grammar import LABEL
from policies.rules.objects import PlannedObject

AUTONAMED = "pulumi.com/autonamed"
"""Annotation of an object whose name the Kubernetes provider made up (Pulumi registry, kubernetes, annotations)."""


def check_object_name(path: str, name: str) -> Iterator[Finding]:
    """A name that every kind of object can have: what is refused here, the API server would refuse half-way."""
    if not LABEL.accepts(name):
        yield Finding(path, name or "(missing)", LABEL.rule, "choose such a name")


def check_known(path: str, name: str, known: Collection[str]) -> Iterator[Finding]:
    """A row of one of our tables."""
    if name not in known:
        yield Finding(path, name or "(missing)", f"one of {', '.join(sorted(known))}", "correct the name, or add a row")


def object_has_a_name_of_its_own(subject: PlannedObject) -> Iterator[Finding]:
    """Every Kubernetes object has a `metadata.name` that the program gave it: a run that was killed finds it again."""
    if not subject.is_kubernetes:
        return
    annotations = subject.metadata.get("annotations")
    made_up = isinstance(annotations, Mapping) and annotations.get(AUTONAMED) == "true"
    if made_up or not subject.metadata.get("name"):
        yield Finding(
            f"{subject.kind} {subject.name}",
            "generateName" if subject.metadata.get("generateName") else "no metadata.name",
            "every object has an explicit name: under a random one a run that goes on after a crash makes a second",
            "set metadata.name",
        )
