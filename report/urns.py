"""Names in a Pulumi URN: `urn:pulumi:<stack>::<project>::<parent type>$<type>::<name>`. Pure."""

STACK_TYPE = "pulumi:pulumi:Stack"


def resource_name(urn: str) -> str:
    """The short type and the name of a resource: `ConfigMap one`; `stack` for the stack itself and for an empty URN."""
    if not urn or f"::{STACK_TYPE}::" in urn:
        return "stack"
    parts = urn.split("::")
    if len(parts) < 4:
        return urn
    return f"{type_of(urn).split(':')[-1]} {'::'.join(parts[3:])}"


def type_of(urn: str) -> str:
    """The type token of the resource itself, without those of its parents; empty if there is none."""
    parts = urn.split("::")
    return parts[2].split("$")[-1] if len(parts) > 3 else ""
