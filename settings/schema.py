"""The JSON Schema of the settings, for editors."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import ModelSchema

from settings.models.base import Model
from settings.models.descriptions import descriptions
from settings.settings import PROJECT, Settings

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SECURE = {
    "type": "object",
    "properties": {"secure": {"type": "string"}},
    "required": ["secure"],
    "additionalProperties": False,
    "description": "Written by `pulumi config set --secret --path`.",
}


class _Described(GenerateJsonSchema):
    """With the descriptions of fields, which models do not hold."""

    def model_schema(self, schema: ModelSchema) -> JsonSchemaValue:
        model: type[Model] = schema["cls"]
        found = super().model_schema(schema)
        for name, text in descriptions(model).items():
            found["properties"][model.model_fields[name].alias]["description"] = text
        return found


def stack_file_schema(settings: type[Settings] = Settings) -> dict[str, Any]:
    """Schema of a whole `Pulumi.<stack>.yaml`. Keys of other namespaces (`aws:region`) are let through.

    `settings`: with the sections of a company's own workload kinds, where there are any.
    """
    schema: dict[str, Any] = _for_editors(settings.model_json_schema(by_alias=True, schema_generator=_Described))
    required = [f"{PROJECT}:{name}" for name in schema.get("required", [])]
    properties = {f"{PROJECT}:{name}": value for name, value in schema["properties"].items()}
    own = f"^{PROJECT}:"
    return {
        "$schema": DIALECT,
        "title": f"{PROJECT} stack settings",
        "type": "object",
        "properties": {
            "config": {
                "type": "object",
                "properties": properties,
                "required": required,
                "propertyNames": {"anyOf": [{"enum": [*properties]}, {"not": {"pattern": own}}]},
            }
        },
        "required": ["config"],
        "$defs": {"Secure": SECURE, **schema.get("$defs", {})},
    }


def _for_editors(schema: Any) -> Any:
    """Without pydantic's titles and empty defaults, which say nothing; any text may also stand encrypted."""
    if isinstance(schema, list):
        return [_for_editors(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {
        key: _for_editors(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str)) and not (key == "default" and value is None)
    }
    if "patternProperties" in kept:
        kept["additionalProperties"] = False  # names that fit no pattern are no names
    if kept.get("type") != "string" or "const" in kept or "enum" in kept:
        return kept
    description = {"description": kept.pop("description")} if "description" in kept else {}
    return {"anyOf": [kept, {"$ref": "#/$defs/Secure"}], **description}
