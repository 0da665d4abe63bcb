"""A pack of one mandatory and one advisory rule."""

import os

from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

LARGEST = int(os.environ.get("TEST_LAW_LARGEST", "4"))


def at_most(args: StackValidationArgs, report: ReportViolation) -> None:
    """No more config maps than the limit."""
    count = sum(resource.resource_type == "kubernetes:core/v1:ConfigMap" for resource in args.resources)
    if count > LARGEST:
        report(f"{count} config maps where {LARGEST} are allowed; set objects:count to {LARGEST} or less")


def named_first(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """The value should not be `forbidden`, and may not be `outlawed`."""
    if args.resource_type == "kubernetes:core/v1:ConfigMap" and args.props["data"]["value"] == "outlawed":
        report("the value is 'outlawed'; choose another")


def hint(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Advice."""
    if args.resource_type == "kubernetes:core/v1:ConfigMap" and args.props["data"]["value"] == "dull":
        report("a livelier value would be nice")


PolicyPack(
    name="rules",
    policies=[
        StackValidationPolicy("count-of-maps", "Few config maps", at_most, EnforcementLevel.MANDATORY),
        ResourceValidationPolicy("no-outlaws", "Decent values", named_first, EnforcementLevel.MANDATORY),
        ResourceValidationPolicy("lively", "Lively values", hint, EnforcementLevel.ADVISORY),
    ],
)
