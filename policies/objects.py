"""The resources of a plan as plain data, for policies.

Values that are not known before `up` are the `UNKNOWN` object; a rule that needs one reports that it cannot decide.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class Unknown:
    """A value that is not known before `up`."""

    def __repr__(self) -> str:
        return "(not known before up)"


UNKNOWN = Unknown()


@dataclass(frozen=True)
class PlannedObject:
    """One resource of the plan. `body` is plain data: dicts, lists, scalars and `UNKNOWN`."""

    urn: str
    type: str
    """Pulumi type token."""
    name: str
    """Pulumi name."""
    body: Mapping[str, Any]

    @property
    def is_kubernetes(self) -> bool:
        """Whether it is one Kubernetes object (charts and groups are not)."""
        return self.type.startswith("kubernetes:") and "kind" in self.body

    @property
    def of_chart(self) -> bool:
        """Whether a Helm chart contains it: software of others, in a pinned version."""
        return "kubernetes:helm.sh/" in self.urn

    @property
    def kind(self) -> str:
        """Kubernetes kind; empty for other resources."""
        return str(self.body.get("kind", "")) if self.is_kubernetes else ""

    @property
    def group(self) -> str:
        """API group; empty for the core group and for other resources."""
        group, slash, _ = str(self.body.get("apiVersion", "")).partition("/")
        return group if slash and self.is_kubernetes else ""

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Its metadata."""
        found = self.body.get("metadata")
        return found if isinstance(found, Mapping) else {}

    @property
    def namespace(self) -> str:
        """Its namespace; empty if it has none or it is not known."""
        found = self.metadata.get("namespace", "")
        return found if isinstance(found, str) else ""

    @property
    def object_name(self) -> str:
        """Its `metadata.name`, or the Pulumi name where that is not known."""
        found = self.metadata.get("name")
        return found if isinstance(found, str) else self.name

    @property
    def title(self) -> str:
        """`Kind namespace/name`, for messages."""
        place = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind or self.type} {place}{self.object_name}"

    def at(self, path: str, default: Any = None) -> Any:
        """The value at a dotted path of the body; `UNKNOWN` if the path meets an unknown value."""
        return at(self.body, path, default)


def listed(value: Any) -> list[Any]:
    """The items of a list; one `UNKNOWN` if the list is not known."""
    if value is UNKNOWN:
        return [UNKNOWN]
    return value if isinstance(value, list) else []


def at(value: Any, path: str, default: Any = None) -> Any:
    """The value at a dotted path; the default if it is missing, `UNKNOWN` if the path meets an unknown value."""
    for key in path.split("."):
        if value is UNKNOWN:
            return UNKNOWN
        if not isinstance(value, Mapping) or key not in value:
            return default
        value = value[key]
    return value
