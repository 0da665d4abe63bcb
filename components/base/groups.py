"""Rules on the groups that RoleBindings name."""

from collections.abc import Iterator

from components.base.grammar import LINE
from components.findings import Finding

GROUPS = ("viewers", "editors", "admins")
"""Fields of a team that name groups."""
SYSTEM = "system:"
"""Prefix of the users and groups that Kubernetes itself assigns (Kubernetes documentation, RBAC, Referring to
subjects)."""


def check_group_name(path: str, group: str) -> Iterator[Finding]:
    """A group of users: not empty, and not a group of Kubernetes itself."""
    if not LINE.accepts(group):
        rule = "the name of a group, on one line, without blanks at either end"
        yield Finding(path, group or "(empty)", rule, "write the group as in logins, or remove it")
    elif group.startswith(SYSTEM):
        yield Finding(
            path,
            group,
            f"roles of a team are for its own groups: {SYSTEM} is the prefix of Kubernetes' groups, such as all users",
            "name a group of your identity provider",
        )
