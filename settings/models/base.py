"""What all settings have in common: frozen, closed, camelCase outside and snake_case inside."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

NAME_PATTERN = r"^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$"
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
"""A name that becomes part of object names: lower case, digits and dashes, at most 40 characters."""
LARGEST = 2**31 - 1
Int32 = Annotated[int, Field(ge=-LARGEST, le=LARGEST)]
"""A whole number, as most APIs of Kubernetes and the clouds hold it."""

MODULE_PATTERN = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$"
KEY_ARN = r"^arn:aws(-[a-z]+)*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+$"
KEY_ID = r"^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$"


class UnknownSetting(Exception):
    """Something was asked for that is not known, because what was written of it is wrong."""


class Model(BaseModel):
    """Base of every settings model."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        str_strip_whitespace=True,
        # Only `Settings` validates: what it is made of is built once, inside it.
        defer_build=True,
    )

    in_parts: ClassVar[bool] = False
    """Whether its fields are checked one by one where one is wrong; else a wrong field makes the whole unknown."""

    def args(self) -> Any:
        """As a component takes it: snake_case keys, what was not given left out."""
        return self.model_dump(exclude_none=True)

    if not TYPE_CHECKING:  # it would make every attribute one that exists

        def __getattr__(self, name: str) -> Any:
            if name in type(self).model_fields:
                raise UnknownSetting(name)
            return super().__getattr__(name)
