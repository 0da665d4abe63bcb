"""Whose cloud it is, and where: the provider's configuration, refused as the cloud refuses it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.clouds.checks import Problem
from simulator.clouds.values import is_unknown

SIMULATED_ACCOUNT = "000000000000"
SIMULATED_PROJECT_NUMBER = "000000000000"
SIMULATED_PARTITION = "aws-simulated"
"""In the place of `aws` in ARNs; the patterns of AWS's API models let it pass."""
SIMULATED_TAGS = {"simulated": "true"}
"""On everything that has tags or labels: names, accounts and projects are those of the user's own settings."""


@dataclass(frozen=True)
class Account:
    """The account or project of one provider."""

    cloud: str
    account: str = SIMULATED_ACCOUNT
    """AWS account id; one of `allowedAccountIds` when those are given: the simulated cloud has the expected account."""
    project: str = ""
    """Google Cloud project id."""
    region: str = ""
    zone: str = ""
    default_tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def zones(self) -> list[str]:
        """Zones of the region."""
        return zones_of(self.cloud, self.region)


def zones_of(cloud: str, region: str) -> list[str]:
    """Zones of a region: three, `a` to `c` where nothing else is known."""
    if cloud == "aws":
        return [f"{region}{letter}" for letter in "abc"]
    return [f"{region}-{letter}" for letter in _LETTERS.get(region, "abc")]


_LETTERS = {"europe-west1": "bcd", "us-central1": "abcf", "us-east1": "bcd"}
"""Google Cloud, regions and zones: those whose zones are not a, b and c."""


def account(cloud: str, config: Mapping[str, Any], environment: Mapping[str, str]) -> Account:
    """The account that a provider's configuration means."""
    if cloud == "aws":
        allowed = [str(each) for each in config.get("allowedAccountIds") or () if not is_unknown(each)]
        given = environment.get("MLPLATFORM_SIMULATED_ACCOUNT", "")
        tags = {**((config.get("defaultTags") or {}).get("tags") or {}), **SIMULATED_TAGS}
        region = config.get("region") or environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or ""
        return Account(cloud, account=given or (allowed or [SIMULATED_ACCOUNT])[0], region=region, default_tags=tags)
    project = (
        config.get("project") or environment.get("GOOGLE_PROJECT") or environment.get("GOOGLE_CLOUD_PROJECT") or ""
    )
    return Account(
        cloud,
        project=project,
        region=config.get("region") or environment.get("GOOGLE_REGION") or "",
        zone=config.get("zone") or environment.get("GOOGLE_ZONE") or "",
        default_tags={**(config.get("defaultLabels") or {}), "goog-pulumi-provisioned": "true", **SIMULATED_TAGS},
    )


def check_account(cloud: str, config: Mapping[str, Any], environment: Mapping[str, str]) -> Iterator[Problem]:
    """What the provider refuses before its first call."""
    found = account(cloud, config, environment)
    if cloud == "gcp":
        if not found.project:
            yield Problem("project", "no project: set gcp:project, or GOOGLE_PROJECT")
        return
    allowed = [str(each) for each in config.get("allowedAccountIds") or ()]
    forbidden = [str(each) for each in config.get("forbiddenAccountIds") or ()]
    if not found.region:
        yield Problem("region", "Missing region configuration: set aws:region, or AWS_REGION")
    elif not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", found.region) and not is_unknown(found.region):
        yield Problem("region", f"invalid AWS Region: {found.region}")
    if (allowed and found.account not in allowed) or found.account in forbidden:
        yield Problem("allowedAccountIds", f"AWS account ID not allowed: {found.account} (simulated)")
    for each in allowed:
        if not re.fullmatch(r"\d{12}", each) and not is_unknown(each):
            yield Problem("allowedAccountIds", f"{each!r} is not an account id: 12 digits")
