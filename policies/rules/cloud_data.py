"""Rules on identities, buckets, databases, file systems and DNS zones of the clouds."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from policies.rules.finding import Finding
from policies.rules.names import check_object_name

_ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z0-9*?]+")
_ROLE = re.compile(r"(roles|projects/[a-z0-9:.-]+/roles|organizations/[0-9]+/roles)/[A-Za-z0-9_.]+")


def check_identity_of(path: str, args: Mapping[str, Any]) -> Iterator[Finding]:
    """A service account that can be named; what is unknown yet is not judged."""
    yield from check_object_name(f"{path}.serviceAccount", args["service_account"])
    if isinstance(args["namespace"], str):
        yield from check_object_name(f"{path}.namespace", args["namespace"])


def check_pod_identity(path: str, args: Mapping[str, Any]) -> Iterator[Finding]:
    """A role that one service account can take, for something that somebody has thought of."""
    yield from check_object_name(path, path)
    yield from check_identity_of(path, args)
    if not args["statements"]:
        yield Finding(
            f"{path}.statements", "(empty)", "a role is for something", "say what it may do, or leave the identity out"
        )
    for index, statement in enumerate(args["statements"]):
        yield from check_policy_statement(f"{path}.statements.{index}", statement)


def check_policy_statement(path: str, statement: Mapping[str, Any]) -> Iterator[Finding]:
    """Least privilege: actions by name on resources by name, or a reason."""
    actions, resources = statement["actions"], statement["resources"]
    excused = bool(str(statement.get("any_because") or "").strip())
    for field, given in (("actions", actions), ("resources", resources)):
        if not given:
            yield Finding(f"{path}.{field}", "(empty)", "IAM takes no statement without it", f"name the {field}")
    for action in actions:
        if not _ACTION.fullmatch(action) and action != "*":
            yield Finding(f"{path}.actions", action or "(empty)", "service:Action", "write it like s3:GetObject")
        elif ("*" in action or "?" in action) and not excused:
            yield Finding(
                f"{path}.actions", action, "actions are named one by one", "name them, or say why not in anyBecause"
            )
    for resource in resources:
        if isinstance(resource, str):
            yield from _resource_is_named(f"{path}.resources", resource, excused=excused)


def _resource_is_named(path: str, resource: str, *, excused: bool) -> Iterator[Finding]:
    parts = resource.split(":", 5)
    is_arn = len(parts) == 6 and parts[0] == "arn" and parts[2] != ""
    if not is_arn and resource != "*":
        yield Finding(path, resource or "(empty)", "an ARN", "write it like arn:aws:s3:::bucket/*")
    elif (resource == "*" or parts[2] == "*" or parts[5] in ("", "*")) and not excused:
        yield Finding(
            path,
            resource,
            "a policy names its resources: this is everything of a service, whoever made it",
            "name it (a wildcard below a name is fine: bucket/*), or say in anyBecause why it cannot be named",
        )


def check_workload_identity(path: str, args: Mapping[str, Any]) -> Iterator[Finding]:
    """Bindings with names of their own, on something that is named, or with a reason for the whole project."""
    yield from check_identity_of(path, args)
    if not args["grants"]:
        yield Finding(
            f"{path}.grants", "(empty)", "an identity is for something", "say what it may do, or leave it out"
        )
    purposes = [grant["purpose"] for grant in args["grants"]]
    for index, grant in enumerate(args["grants"]):
        at = f"{path}.grants.{index}"
        yield from check_object_name(f"{at}.purpose", grant["purpose"])
        if purposes.index(grant["purpose"]) != index:
            yield Finding(f"{at}.purpose", grant["purpose"], "each binding has its own purpose", "choose another")
        yield from _check_grant(at, grant)


def _check_grant(path: str, grant: Mapping[str, Any]) -> Iterator[Finding]:
    role, resource = grant["role"], grant.get("resource")
    if not _ROLE.fullmatch(role):
        yield Finding(
            f"{path}.role", role or "(empty)", "the full name of a role", "write it like roles/storage.objectUser"
        )
    elif role in ("roles/owner", "roles/editor", "roles/viewer"):
        yield Finding(f"{path}.role", role, "no basic role: they reach every service", "use a role of the service")
    if str(grant["on"]) != "project":
        if resource is None or resource == "":
            yield Finding(f"{path}.resource", "(missing)", f"the {grant['on']} that the role is on", "name it")
        return
    if resource is not None:
        yield Finding(f"{path}.resource", f"{resource}", "a role on the project is on no one thing", "remove it")
    if not str(grant.get("any_because") or "").strip():
        yield Finding(
            f"{path}.on",
            "project",
            "a role is granted on the bucket or zone that it is for",
            "grant it there, or say in anyBecause why that cannot be",
        )
