"""Whose cloud it is, and where, asked before anything else. Answers are those that a provider can give: another account
than that of the settings is none of them, because the provider refuses it by itself (tests/engine/test_rehearsals.py,
which also has the words of clouds)."""

from collections.abc import Callable
from typing import Any

import pulumi_aws as aws
import pulumi_gcp as gcp
import pytest
from pulumi.runtime import MockCallArgs, MockResourceArgs, Mocks, set_mocks

from components.findings import Finding, Refused
from settings.clouds.eks import EksSettings
from settings.clouds.gke import GkeSettings
from settings.reader import from_file
from stacks.clouds.eks import require_account
from stacks.clouds.gke import require_project
from tests.support.settings import HERE

ACCOUNT, PROJECT = "111122223333", "example-ml-platform"
SIGN_IN_TO_AWS = (
    "sign in (`aws sso login`, AWS_PROFILE, or the CI's role), or correct cluster.region, then run it again"
)
ZONES = {"eks": ["eu-central-1a", "eu-central-1b", "eu-central-1c"], "gke": ["europe-west4-a", "europe-west4-b"]}
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
    assert isinstance(eks, EksSettings)
    require_account(eks, aws.Provider("aws", region=eks.region))


def ask_google() -> str:
    gke = cluster("gke")
    assert isinstance(gke, GkeSettings)
    return require_project(gke, gcp.Provider("gcp", project=gke.project))


def test_two_questions_are_enough_to_know_account_and_region() -> None:
    mocks = asked({"accountId": ACCOUNT, "names": ZONES["eks"]}, ask_aws)
    assert [token for token, _ in mocks.asked] == [
        "aws:index/getCallerIdentity:getCallerIdentity",
        "aws:index/getAvailabilityZones:getAvailabilityZones",
    ]


@pytest.mark.parametrize(
    ("question", "path", "zones"),
    [(ask_aws, "cluster.network.zones", ZONES["eks"][:2]), (ask_google, "cluster.zones", ZONES["gke"])],
    ids=["eks", "gke"],
)
def test_zones_that_the_region_has_not_are_one_finding_with_those_that_it_has(
    question: Callable[[], object], path: str, zones: list[str]
) -> None:
    answer = {"accountId": ACCOUNT, "number": "1", "names": [zones[0], "elsewhere"]}
    (finding,) = refused(answer, question).findings
    assert (finding.path, finding.value) == (path, zones[1])
    assert f"{zones[0]}, elsewhere" in finding.rule
    (nowhere,) = refused({**answer, "names": []}, question).findings
    assert "there is no such region" in nowhere.rule
    assert "cluster.region" in nowhere.remedy


def test_without_aws_credentials_the_provider_is_quoted_and_what_to_do_is_said() -> None:
    error = RuntimeError("unable to validate AWS credentials:\n  no EC2 IMDS role found\n\n  NOTE: see the manual\n")
    assert str(refused(error, ask_aws)) == (
        "cloud: 1 problem, nothing was changed\n"
        "  AWS credentials: unable to validate AWS credentials: no EC2 IMDS role found NOTE: see the manual\n"
        f"    rule:   credentials that work in account {ACCOUNT}, in region eu-central-1\n"
        f"    remedy: {SIGN_IN_TO_AWS}"
    )


def test_the_number_is_that_of_the_project_in_the_settings() -> None:
    numbers: list[str] = []
    answer = {"number": "123456789012", "names": ZONES["gke"]}
    mocks = asked(answer, lambda: numbers.append(ask_google()))
    assert numbers == ["123456789012"]
    where = {"project": PROJECT, "region": "europe-west4", "status": "UP"}
    assert mocks.asked == [
        ("gcp:organizations/getProject:getProject", {"projectId": PROJECT}),
        ("gcp:compute/getZones:getZones", where),
    ]


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
