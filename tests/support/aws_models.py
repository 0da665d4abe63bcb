"""What a request to AWS must look like: botocore's models, with the enums and patterns that botocore does not check.

Not proved by it: what AWS checks beyond its model (quotas, combinations, whether an id exists).
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape


@cache
def service(name: str) -> ServiceModel:
    """The model of one service."""
    return ServiceModel(Loader().load_service_model(name, "service-2"))


def enumeration(name: str, shape: str) -> set[str]:
    """The values that an enumeration of a service allows."""
    return set(service(name).shape_for(shape).enum)  # type: ignore[attr-defined]


def departures(name: str, shape: str, request: Mapping[str, Any]) -> list[str]:
    """Where a request departs from a shape of a service; empty: nowhere."""
    return list(problems(service(name).shape_for(shape), request, shape))


def problems(shape: Shape, value: Any, path: str = "") -> Iterator[str]:
    """Everything in a value that its shape does not allow."""
    if isinstance(shape, StructureShape):
        yield from _structure(shape, value, path)
    elif isinstance(shape, ListShape):
        for index, item in enumerate(value):
            yield from problems(shape.member, item, f"{path}[{index}]")
        yield from _range(shape, len(value), path)
    elif isinstance(shape, MapShape):
        for key, item in value.items():
            yield from problems(shape.key, key, f"{path}.{key}")
            yield from problems(shape.value, item, f"{path}.{key}")
    else:
        yield from _scalar(shape, value, path)


def _structure(shape: StructureShape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{path}: {value!r} is no structure"
        return
    for name in shape.required_members:
        if name not in value:
            yield f"{path}.{name}: missing"
    for name, item in value.items():
        if name not in shape.members:
            yield f"{path}.{name}: unknown"
        else:
            yield from problems(shape.members[name], item, f"{path}.{name}")


def _scalar(shape: Shape, value: Any, path: str) -> Iterator[str]:
    wanted: Any = {
        "string": str,
        "integer": int,
        "long": int,
        "boolean": bool,
        "double": (int, float),
        "float": (int, float),
    }.get(shape.type_name, object)
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        yield f"{path}: {value!r} is no {shape.type_name}"
        return
    enum = getattr(shape, "enum", None) or shape.metadata.get("enum")
    if enum and value not in enum:
        yield f"{path}: {value!r} is none of {enum}"
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(_as_python(pattern), str(value)):
        yield f"{path}: {value!r} does not match {pattern}"
    if isinstance(value, str):
        yield from _range(shape, len(value), path)
    elif isinstance(value, int | float):
        yield from _range(shape, value, path)


def _range(shape: Shape, size: float, path: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if (low is not None and size < low) or (high is not None and size > high):
        yield f"{path}: {size} is not within {low}..{high}"


def _as_python(pattern: str) -> str:
    for name, characters in {"L": "A-Za-z", "Z": " ", "N": "0-9", "Alnum": "A-Za-z0-9", "M": ""}.items():
        pattern = pattern.replace(rf"\p{{{name}}}", characters)
    return pattern


class Checked:
    """A boto3 client that holds each request to the model before it is sent."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def check(self, operation: str, **request: Any) -> None:
        """Do not send it; fails with everything that is wrong."""
        model = self._client.meta.service_model.operation_model(operation)
        wrong = list(problems(model.input_shape, request)) if model.input_shape else []
        assert wrong == [], f"{operation}: {wrong}"

    def __call__(self, operation: str, **request: Any) -> Any:
        """Check and send it."""
        self.check(operation, **request)
        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", operation).lower()
        return getattr(self._client, name)(**request)
