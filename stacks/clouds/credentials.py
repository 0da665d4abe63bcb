"""Whose cloud it is: asked first, so that wrong credentials are one clear error and not a hundred."""

from collections.abc import Callable
from typing import TypeVar

import pulumi
import pulumi_aws as aws
import pulumi_gcp as gcp

from policies.rules.finding import Finding, Refused
from stacks.models.clouds import EksCluster, GkeCluster

Answer = TypeVar("Answer")


def require_account(cluster: EksCluster, provider: aws.Provider) -> None:
    """Raises `Refused` where the credentials do not work, or work in another account."""
    options = pulumi.InvokeOptions(provider=provider)
    found = _asked(
        lambda: aws.get_caller_identity(opts=options),
        "AWS credentials",
        f"credentials that work in account {cluster.account_id}",
        "sign in (`aws sso login`, AWS_PROFILE, or the CI's role), then run it again",
    )
    if found.account_id != cluster.account_id:
        raise Refused(
            "cloud",
            [
                Finding(
                    "AWS credentials",
                    f"account {found.account_id}",
                    f"cluster.accountId is {cluster.account_id}",
                    "sign in to that account, or correct cluster.accountId",
                )
            ],
        )


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
