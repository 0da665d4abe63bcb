"""Credentials that nobody chose: drawn by each run, kept by the state (docs/adr/0011-generated-credentials.md).

Each run draws; only what the run that creates the resource has drawn is used. Everybody else takes the resource's
output, so that all of them hold the same value. A value that is given takes the drawn one's place: that is how one is
changed where the resource cannot be made anew under another name.
"""

import secrets

from pulumi import Input, Output, ResourceOptions


def given_or_drawn(given: Input[str] | None, length_bytes: int = 24) -> Output[str]:
    """A secret: the given value, or a new one without characters that any program would have to quote."""
    return Output.secret(secrets.token_urlsafe(length_bytes) if given is None else given)


def keeping_drawn(options: ResourceOptions, field: str, *, given: bool = False) -> ResourceOptions:
    """Options of the resource that holds the value in `field`: a drawn one is never replaced by a later run's."""
    return options if given else ResourceOptions.merge(options, ResourceOptions(ignore_changes=[field]))
