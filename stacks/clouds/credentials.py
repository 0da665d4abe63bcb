"""Whose cloud it is, and where: asked first, so that wrong credentials are one clear error and not a hundred."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import pulumi
import pulumi_aws as aws
import pulumi_gcp as gcp

from components.findings import Finding, Refused
from settings.models.clouds import EksCluster, GkeCluster

Answer = TypeVar("Answer")


def require_account(cluster: EksCluster, provider: aws.Provider) -> None:
    """Raises `Refused` where the credentials do not work, or the region has not the zones of the settings.

    Another account than `cluster.accountId` never gets here: the provider has it in `allowed_account_ids`, says
    "AWS account ID not allowed", and answers no question.
    """
    options = pulumi.InvokeOptions(provider=provider)
    _asked(
        lambda: aws.get_caller_identity(opts=options),
        "AWS credentials",
        f"credentials that work in account {cluster.account_id}, in region {cluster.region}",
        "sign in (`aws sso login`, AWS_PROFILE, or the CI's role), or correct cluster.region, then run it again",
    )
    there = _asked(
        lambda: aws.get_availability_zones(state="available", opts=options),
        "AWS region",
        f"a region that account {cluster.account_id} uses: {cluster.region}",
        "correct cluster.region, enable the region for the account, or allow ec2:DescribeAvailabilityZones",
    )
    _require_zones("cluster.network.zones", cluster.zones, there.names, cluster.region)


def require_project(cluster: GkeCluster, provider: gcp.Provider) -> str:
    """The number of the project. Raises `Refused` where the credentials do not work or do not reach it, or where the
    region has not the zones of the settings."""
    number = project_number(cluster, provider)
    options = pulumi.InvokeOptions(provider=provider)
    there = _asked(
        lambda: gcp.compute.get_zones(project=cluster.project, region=cluster.region, status="UP", opts=options),
        "Google Cloud region",
        f"a region of Google Cloud, and the Compute Engine API in project {cluster.project}: {cluster.region}",
        "correct cluster.region, enable compute.googleapis.com in the project, or allow compute.zones.list",
    )
    _require_zones("cluster.zones", cluster.zones, there.names, cluster.region)
    return number


def _require_zones(path: str, zones: Sequence[str], there: Sequence[str], region: str) -> None:
    missing = [zone for zone in zones if zone not in there]
    if missing:
        rule = f"zones of {region} that are available: {', '.join(there) or '(none: there is no such region)'}"
        raise Refused("cloud", [Finding(path, ", ".join(missing), rule, "use these, or correct cluster.region")])


def project_number(cluster: GkeCluster, provider: gcp.Provider) -> str:
    """The number of the project. Raises `Refused` where the credentials do not work, or do not reach it."""
    options = pulumi.InvokeOptions(provider=provider)
    found = _asked(
        lambda: gcp.organizations.get_project(project_id=cluster.project, opts=options),
        "Google Cloud credentials",
        f"credentials that reach project {cluster.project}",
        "sign in (`gcloud auth application-default login`, or the CI's identity), or correct cluster.project",
    )
    return str(found.number)


def _asked(question: Callable[[], Answer], what: str, rule: str, remedy: str) -> Answer:
    try:
        return question()
    except Exception as error:
        said = " ".join(str(error).split())  # of many lines the last is often general advice
        raise Refused("cloud", [Finding(what, said[:500] or "(none)", rule, remedy)]) from None
