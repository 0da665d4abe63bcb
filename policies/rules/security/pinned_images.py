"""Images of every object of the plan: from components, charts or raw manifests."""

from collections.abc import Iterator, Mapping
from typing import Any

from components.base.images import check_image
from components.findings import Finding
from policies.objects import UNKNOWN, PlannedObject
from policies.rule import Rule, Severity

_TEXT_ONLY = frozenset({"ConfigMap", "Secret"})
_NO_CONTENT = frozenset({"metadata", "status", "managedFields"})
"""Keys below which there is no container; a label may be called `image`."""


def images_name_one_version(subject: PlannedObject) -> Iterator[Finding]:
    """Every image of every container of an object names one version: no mutable tag.

    An image that is not known in a preview (built by the same program) is checked in `up`, with its final value.
    """
    if not subject.is_kubernetes or subject.kind in _TEXT_ONLY:
        return
    for path, image in _images(subject.body, ""):
        if image is not UNKNOWN:
            yield from check_image(f"{subject.title} {path}", str(image))


def _images(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """(path, image) of each container and image volume at any depth, under any key of its kind: `image` in containers,
    steps, scripts and specs of operators, `imageName`. A container without an image uses the image of its runtime."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key in _NO_CONTENT:
                continue
            where = f"{path}.{key}" if path else str(key)
            if key == "imageName" and inner:
                yield where, inner
            if key == "image" and (reference := _reference(value, inner)):
                yield where, reference
            yield from _images(inner, where)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _images(item, f"{path}[{index}]")


def _reference(holder: Mapping[str, Any], image: Any) -> Any:
    """The reference in an `image`: text, an image volume's, or in parts; operators have defaults for missing parts."""
    if holder.get("enabled") is False:
        return None
    if isinstance(image, Mapping):
        return image.get("reference") or _joined(image.get("repository"), image.get("tag"))
    if "repository" in holder:  # as the GPU Operator's ClusterPolicy writes it
        name = UNKNOWN if UNKNOWN in (holder["repository"], image) else f"{holder['repository']}/{image}"
        return _joined(name, holder.get("version") or holder.get("tag"))
    return image


def _joined(name: Any, tag: Any) -> Any:
    if UNKNOWN in (name, tag):
        return UNKNOWN
    separator = "@" if str(tag).startswith("sha256:") else ":"
    return f"{name}{separator}{tag}" if name and tag else None


RULES = (
    Rule(
        "images-name-one-version",
        "Every image of every container names one version: a digest, or a tag that does not move.",
        Severity.MEDIUM,
        of_one=images_name_one_version,
    ),
)
"""The policies of this subject."""
