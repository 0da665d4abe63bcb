"""The TypedDict of a component, read from YAML: the shape of a thing stands once, where the component is.

`Annotated[JobSpec, Shape(JobSpec)]` as a field of a settings model takes camelCase keys, refuses unknown ones, and
gives the plain dict that the component takes. Required are the keys that the TypedDict requires.
"""

from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Union, get_args, get_origin, get_type_hints, is_typeddict

from pydantic import ConfigDict, Field, GetCoreSchemaHandler, Strict, create_model
from pydantic_core import CoreSchema, core_schema

from settings.models.base import Int32, Model


class Mirror(Model):
    """Base of the models made from TypedDicts. What was not written is left out, so that components' defaults hold."""

    # Text stays as it was written: the argument " " of a program is not the argument "".
    model_config = ConfigDict(str_strip_whitespace=False)

    typed: ClassVar[type]
    """The TypedDict."""

    def args(self) -> dict[str, Any]:
        """Snake_case keys, only what was written."""
        return self.model_dump(exclude_unset=True, exclude_none=True)


class Shape:
    """Pydantic metadata: validate as the mirror of a TypedDict, give back the plain dict.

    `joined`: another TypedDict with further fields of the same mapping.
    """

    def __init__(self, typed: type, *, joined: type | None = None) -> None:
        self.model = mirror(typed)
        if joined is not None:
            self.model = mirror(joined, self.model)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(Mirror.args, handler.generate_schema(self.model))


@cache
def mirror(typed: type, base: type[Mirror] = Mirror) -> type[Mirror]:
    """The closed, frozen model with the fields and types of a TypedDict."""
    required_keys: frozenset[str] = typed.__required_keys__  # type: ignore[attr-defined]
    # A default is not validated, so `editors:` without a value is refused although the key may be left out.
    fields: dict[str, Any] = {
        name: (_plain(hint), Field(... if name in required_keys else None))
        for name, hint in get_type_hints(typed).items()
    }
    model = create_model(typed.__name__, __base__=base, __doc__=typed.__doc__, **fields)
    model.typed = typed
    return model


def _plain(hint: Any) -> Any:
    """The type of a value in YAML: TypedDicts mirrored, no text and no truth value for a number."""
    origin, arguments = get_origin(hint), get_args(hint)
    if is_typeddict(hint):
        return mirror(hint)
    if origin in (Union, UnionType):
        (kept,) = (argument for argument in arguments if argument is not NoneType)
        return _plain(kept)
    if origin in (list, dict):
        return origin[tuple(_plain(argument) for argument in arguments)]
    return Annotated[Int32, Strict()] if hint is int else hint
