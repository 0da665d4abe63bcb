"""Custom resources against the schemas of their CRDs (`catalog/upstream/schemas`). Pure.

Components validate what they declare; the policy pack validates every object of a plan. Stand-in CRDs are open in deep
fields, and the provider drops a misspelt field without an error from release 4.29 on. Not checked: rules in CEL.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, ValidationError, validators

from catalog.upstream.crd_schemas import Schema, kinds_of_set
from catalog.versions import CLOUD_CRDS, CRDS
from components.findings import Finding


@cache
def _validator(unknown: type) -> Any:
    """A validator that accepts values of this class everywhere: they are not known before `up`."""

    def tolerant(keyword: Any) -> Any:
        def check(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
            if not isinstance(instance, unknown):
                yield from keyword(validator, value, instance, schema) or ()

        return check

    return validators.extend(  # type: ignore[no-untyped-call]
        Draft202012Validator, {name: tolerant(check) for name, check in Draft202012Validator.VALIDATORS.items()}
    )


class _Closed:
    """Schemas as strict field validation reads them: an object takes no property that it does not declare."""

    def __init__(self) -> None:
        self.made: dict[int, Schema] = {}
        """By the identity of the open schema, which stands in many places."""

    def of(self, schema: Schema) -> Schema:
        if id(schema) not in self.made:
            self.made[id(schema)] = self._closed(schema)
        return self.made[id(schema)]

    def _closed(self, schema: Schema) -> Schema:
        closed = {**schema}
        if "properties" in schema:
            closed["properties"] = {name: self.of(one) for name, one in schema["properties"].items()}
            if not schema.get("x-kubernetes-preserve-unknown-fields"):
                closed["additionalProperties"] = False
            # The API server fills in defaults before it validates.
            closed["required"] = [
                name for name in schema.get("required", ()) if "default" not in schema["properties"].get(name, {})
            ]
        for key in ("items", "additionalProperties"):
            if isinstance(schema.get(key), dict):
                closed[key] = self.of(schema[key])
        if schema.get("x-kubernetes-int-or-string"):
            closed["type"] = ["integer", "string"]
        if schema.get("nullable"):
            closed["type"] = [schema["type"], "null"]
        if "(?i)" in schema.get("pattern", ""):
            del closed["pattern"]  # Go takes flags in the middle of an expression, Python does not
        return closed


@cache
def schema_of(api_version: str, kind: str) -> Schema | None:
    """The closed JSON schema of a whole object; None for a kind whose CRD is not installed."""
    group, _, version = api_version.partition("/")
    for name in (*CRDS, *CLOUD_CRDS):
        facts = kinds_of_set(name).get(kind)
        if facts and facts["group"] == group and version in facts["versions"]:
            schema = facts["versions"][version]["schema"]
            properties = {**schema["properties"], "metadata": {}, "status": {}}
            return _Closed().of({**schema, "properties": properties})
    return None


def check_custom_resource(
    path: str, api_version: str, kind: str, body: Mapping[str, Any], *, unknown: type, separator: str = "."
) -> Iterator[Finding]:
    """Where an object departs from the schema of its CRD. Values of class `unknown` are let through.

    A null is no value, as for the API server, which removes it where a field cannot be null.
    """
    schema = schema_of(api_version, kind)
    if schema is None:
        yield Finding(path, f"{api_version} {kind}", "a kind whose CRD the platform installs", "declare its CRD first")
        return
    for error in _validator(unknown)(schema).iter_errors(_without_nulls({**body})):
        where = ".".join(str(part) for part in error.absolute_path)
        yield Finding(
            f"{path}{separator}{where}" if where else path,
            _message(error)[:200],
            f"the schema of {api_version} {kind}",
            "correct the field; the API server would refuse or drop it",
        )


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


_KINDS_OF_VALUE: Mapping[type, str] = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}


def _message(error: ValidationError) -> str:
    """What is wrong, without the value: it may be a credential, or long. Names of fields are printed."""
    if error.validator in ("additionalProperties", "required"):
        return error.message
    kind = _KINDS_OF_VALUE.get(type(error.instance), "a number")
    value, demand = repr(error.instance), error.message
    return kind + demand.removeprefix(value) if demand.startswith(value) else f"{kind} that breaks {error.validator}"
