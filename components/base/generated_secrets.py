"""Generated credentials: random in each run, kept by the state (docs/adr/0011-generated-credentials.md).

Each run generates values; only those of the run that creates the resource are used. All others read the output of the
resource, so they have the same value. A value that is set replaces the generated one: this is how it is changed if the
resource cannot be replaced under another name.
"""

import secrets

from pulumi import Input, Output, ResourceOptions


def given_or_drawn(given: Input[str] | None, length_bytes: int = 24) -> Output[str]:
    """A secret: the given value, or a generated one without characters that need quoting."""
    return Output.secret(secrets.token_urlsafe(length_bytes) if given is None else given)


def keeping_drawn(options: ResourceOptions, field: str, *, given: bool = False) -> ResourceOptions:
    """Options of the resource with the value in `field`: a later run never replaces a generated value."""
    return options if given else ResourceOptions.merge(options, ResourceOptions(ignore_changes=[field]))
