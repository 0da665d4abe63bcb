"""Whose cloud it is, asked before anything else. Not proved here: what clouds say (tests/engine/test_rehearsals.py)."""

from collections.abc import Callable
from typing import Any

import pulumi_aws as aws
import pulumi_gcp as gcp
import pytest
from pulumi.runtime import MockCallArgs, MockResourceArgs, Mocks, set_mocks

from policies.rules.finding import Finding, Refused
from stacks.clouds.credentials import project_number, require_account
from stacks.models.clouds import EksCluster, GkeCluster
from stacks.reader import from_file
from tests.support.settings import HERE

ACCOUNT, PROJECT = "111122223333", "example-ml-platform"
SIGN_IN_TO_AWS = "sign in (`aws sso login`, AWS_PROFILE, or the CI's role), then run it again"
SIGN_IN_TO_GOOGLE = (
    "sign in (`gcloud auth application-default login`, or the CI's identity), or correct cluster.project"
)


class Cloud(Mocks):
    """Answers one question with facts, or with an error: the provider's refusal."""

    def __init__(self, answer: dict[str, Any] | Exception) -> None:
        self.answer = answer
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def call(self, args: MockCallArgs) -> Any:
        self.asked.append((args.token, dict(args.args)))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        return args.name, args.inputs


def cluster(kind: str) -> Any:
    """Of the good settings of that cloud."""
    return from_file((HERE / f"good-{kind}.yaml").read_text(encoding="utf-8")).cluster


def asked(answer: dict[str, Any] | Exception, question: Callable[[], object]) -> Cloud:
    """The cloud that was asked."""
    mocks = Cloud(answer)
    set_mocks(mocks)
    question()
    return mocks


def refused(answer: dict[str, Any] | Exception, question: Callable[[], object]) -> Refused:
    """What is said."""
    with pytest.raises(Refused) as found:
        asked(answer, question)
    assert "Traceback" not in str(found.value)
    assert found.value.__suppress_context__ or found.value.__context__ is None
    return found.value


def ask_aws() -> None:
    eks = cluster("eks")
    assert isinstance(eks, EksCluster)
    require_account(eks, aws.Provider("aws", region=eks.region))


def ask_google() -> str:
    gke = cluster("gke")
    assert isinstance(gke, GkeCluster)
    return project_number(gke, gcp.Provider("gcp", project=gke.project))


def test_the_right_account_passes_and_one_question_was_enough() -> None:
    mocks = asked({"accountId": ACCOUNT}, ask_aws)
    assert [token for token, _ in mocks.asked] == ["aws:index/getCallerIdentity:getCallerIdentity"]


def test_another_account_is_one_finding_with_both() -> None:
    assert refused({"accountId": "999988887777"}, ask_aws).findings == (
        Finding(
            "AWS credentials",
            "account 999988887777",
            f"cluster.accountId is {ACCOUNT}",
            "sign in to that account, or correct cluster.accountId",
        ),
    )


def test_without_aws_credentials_the_provider_is_quoted_and_what_to_do_is_said() -> None:
    error = RuntimeError("unable to validate AWS credentials:\n  no EC2 IMDS role found\n\n  NOTE: see the manual\n")
    assert str(refused(error, ask_aws)) == (
        "cloud: 1 problem, nothing was changed\n"
        "  AWS credentials: unable to validate AWS credentials: no EC2 IMDS role found NOTE: see the manual\n"
        f"    rule:   credentials that work in account {ACCOUNT}\n"
        f"    remedy: {SIGN_IN_TO_AWS}"
    )


def test_the_number_is_that_of_the_project_in_the_settings() -> None:
    numbers: list[str] = []
    mocks = asked({"number": "123456789012"}, lambda: numbers.append(ask_google()))
    assert numbers == ["123456789012"]
    assert mocks.asked == [("gcp:organizations/getProject:getProject", {"projectId": PROJECT})]


@pytest.mark.parametrize(
    "said",
    [
        "could not find default credentials",
        f"googleapi: Error 403: The caller does not have permission, project {PROJECT}",
    ],
    ids=["no credentials", "another project"],
)
def test_a_project_that_is_not_reached_is_one_finding_in_googles_words(said: str) -> None:
    assert refused(RuntimeError(said), ask_google).findings == (
        Finding("Google Cloud credentials", said, f"credentials that reach project {PROJECT}", SIGN_IN_TO_GOOGLE),
    )


@pytest.mark.parametrize(("error", "value"), [(RuntimeError(""), "(none)"), (RuntimeError("x" * 900), "x" * 500)])
def test_a_cloud_that_says_nothing_or_too_much_is_still_one_short_finding(error: Exception, value: str) -> None:
    assert [finding.value for finding in refused(error, ask_aws).findings] == [value]
