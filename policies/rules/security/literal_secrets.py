"""Secrets in literals: environment variables, arguments and ConfigMaps, which anyone who may read pods can read.

No finding prints the value. Forms of tokens: documentation of the services that issue them.
"""

import re
from collections.abc import Iterator
from typing import Any

from policies.objects import PlannedObject, at, listed
from policies.pod_templates import containers, pod_templates
from policies.rule import Place, about_objects

TOKENS = {
    "an AWS access key": r"(?<![A-Z0-9])(AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])",
    "a private key": r"-----BEGIN ([A-Z]+ )?PRIVATE KEY-----",
    "a GitHub token": r"(?<!\w)(gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{22,})",
    "a Hugging Face token": r"(?<!\w)hf_[A-Za-z0-9]{34}(?!\w)",
    "a Google API key": r"(?<!\w)AIza[0-9A-Za-z_-]{35}(?![\w-])",
    "a Slack token": r"(?<!\w)xox[abprs]-[0-9A-Za-z-]{10,}",
    "a password in an address": r"\w+://[^/\s:@]*:[^/\s:@$]{3,}@",
}
"""What it is -> its form."""
_FORMS = {what: re.compile(form) for what, form in TOKENS.items()}
_SECRET_NAME = re.compile(
    r"(PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|ACCESS_KEY|PRIVATE_KEY|CREDENTIALS?)$", re.IGNORECASE
)
_NO_SECRET = re.compile(r"^$|^\$\(|^/|^(true|false|none|null|\d+)$|^[a-z]+://[^@]*$", re.IGNORECASE)
"""A reference to another variable, a path, a switch, an address: no secret, whatever the variable is called."""


def kind_of_secret(text: Any) -> str:
    """What kind of secret a text contains, by its form; empty: none."""
    return next((what for what, form in _FORMS.items() if isinstance(text, str) and form.search(text)), "")


def _variables(subject: PlannedObject) -> Iterator[Place]:
    for pod in pod_templates(subject):
        for one in containers(pod.spec):
            for variable in listed(one.body.get("env")):
                name, value = at(variable, "name"), at(variable, "value")
                if not isinstance(name, str) or not isinstance(value, str):
                    continue
                named = _SECRET_NAME.search(name) and not _NO_SECRET.match(value)
                if what := kind_of_secret(value) or ("a literal" if named else ""):
                    yield f"{pod.path}.{one.path}.env[{name}]", what


def _arguments(subject: PlannedObject) -> Iterator[Place]:
    for pod in pod_templates(subject):
        for one in containers(pod.spec):
            for field in ("command", "args"):
                for index, text in enumerate(listed(one.body.get(field))):
                    if what := kind_of_secret(text):
                        yield f"{pod.path}.{one.path}.{field}[{index}]", what


def _config_maps(subject: PlannedObject) -> Iterator[Place]:
    data = subject.at("data") if subject.kind == "ConfigMap" and not subject.group else None
    for key, text in data.items() if isinstance(data, dict) else ():
        if what := kind_of_secret(text):
            yield f"data[{key}]", what


_BY_REFERENCE = "put it into a Secret, and name that: valueFrom.secretKeyRef"
RULES = (
    about_objects(
        "no-secrets-in-variables",
        "No environment variable has a secret as its literal value.",
        _variables,
        _BY_REFERENCE,
        frameworks=("NSA C-0012", "CIS EKS 4.4.1"),
    ),
    about_objects(
        *("no-secrets-in-arguments", "No command and no argument contains a secret.", _arguments, _BY_REFERENCE),
        frameworks=("NSA C-0012",),
    ),
    about_objects(
        *("no-secrets-in-config-maps", "No ConfigMap contains a secret.", _config_maps, "put it into a Secret"),
        frameworks=("NSA C-0012",),
    ),
)
"""The policies of this subject."""
