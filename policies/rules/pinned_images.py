"""Images of every object of the plan, whoever declares it: components, charts or raw manifests."""

from collections.abc import Iterator, Mapping
from typing import Any

from policies.rules.finding import Finding
from policies.rules.images import check_image
from policies.rules.objects import UNKNOWN, PlannedObject

_LISTS = frozenset({"containers", "initContainers", "ephemeralContainers", "sidecars"})
_SINGLE = frozenset({"container", "script", "model"})
"""Keys of one container: Argo templates, and the predictor's model of an InferenceService."""


def images_name_one_version(subject: PlannedObject) -> Iterator[Finding]:
    """Every image of every container of an object names one version: no tag that moves.

    An image that is not known in a preview (built by the same program) is checked in `up`, with its final value.
    """
    if not subject.is_kubernetes:
        return
    for path, image in _images(subject.body, ""):
        if image is not UNKNOWN:
            yield from check_image(f"{subject.title} {path}", str(image))


def _images(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """(path, image) of each container at any depth. A container without an image takes its runtime's."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            where = f"{path}.{key}" if path else str(key)
            single = key in _SINGLE and isinstance(inner, Mapping)
            for index, one in enumerate(inner if key in _LISTS and isinstance(inner, list) else [inner] * single):
                if isinstance(one, Mapping) and one.get("image"):
                    yield (where if single else f"{where}[{index}]") + ".image", one["image"]
            if key == "imageName" and inner:
                yield where, inner
            yield from _images(inner, where)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _images(item, f"{path}[{index}]")
