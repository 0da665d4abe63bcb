"""The JSON Schema of the settings, for editors."""

from typing import Any

from stacks.settings import PROJECT, Settings


def stack_file_schema() -> dict[str, Any]:
    """Schema of a whole `Pulumi.<stack>.yaml`. Keys of other namespaces (`aws:region`) are let through."""
    schema = Settings.model_json_schema(by_alias=True)
    definitions = schema.pop("$defs", {})
    required = [f"{PROJECT}:{name}" for name in schema.get("required", [])]
    properties = {f"{PROJECT}:{name}": value for name, value in schema["properties"].items()}
    own = f"^{PROJECT}:"
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
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
        "$defs": definitions,
    }
