"""Whose cloud it is: settings of a provider that the clouds refuse, and questions that programs ask."""

import json
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from simulator.clouds.values import to_struct

from .conftest import CONTEXT, Cloud, Refused


def refused(cloud: Cloud, **config: Any) -> list[str]:
    request = provider_pb2.CheckRequest(news=to_struct(config))
    return [failure.reason for failure in cloud.provider.CheckConfig(request, CONTEXT).failures]


@pytest.fixture(autouse=True)
def _no_settings_of_this_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "GOOGLE_PROJECT", "GOOGLE_CLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)


def test_a_provider_needs_a_region_or_a_project(aws: Cloud, gcp: Cloud) -> None:
    assert refused(aws, region="eu-central-1") == []
    assert refused(gcp, project="example-ml-platform") == []
    assert refused(aws) == ["region: Missing region configuration: set aws:region, or AWS_REGION"]
    assert refused(gcp) == ["project: no project: set gcp:project, or GOOGLE_PROJECT"]
    assert "invalid AWS Region" in refused(aws, region="germany")[0]


def test_an_account_that_is_not_allowed_is_refused(aws: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = json.dumps(["111111111111"])
    assert refused(aws, region="eu-central-1", allowedAccountIds=allowed) == []
    monkeypatch.setenv("MLPLATFORM_SIMULATED_ACCOUNT", "222222222222")
    assert refused(aws, region="eu-central-1", allowedAccountIds=allowed) == [
        "allowedAccountIds: AWS account ID not allowed: 222222222222 (simulated)"
    ]


def test_the_simulated_account_is_the_one_that_is_expected(tmp_path: Path, provider_of: Any) -> None:
    aws = provider_of("aws", tmp_path, region="eu-central-1", allowedAccountIds='["111111111111"]')
    assert aws.invoke("aws:index/getCallerIdentity:getCallerIdentity")["accountId"] == "111111111111"


@pytest.mark.parametrize(
    ("cloud", "token"),
    [
        ("aws", "aws:index/getCallerIdentity:getCallerIdentity"),
        ("gcp", "gcp:organizations/getProject:getProject"),
    ],
)
def test_without_credentials_the_caller_is_not_named(
    cloud: str, token: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLPLATFORM_SIMULATED_CREDENTIALS", "none")
    with pytest.raises(Refused, match="NoCredentials: no credentials"):
        request.getfixturevalue(cloud).invoke(token)


def test_questions_are_answered_and_unknown_ones_refused_by_name(aws: Cloud, gcp: Cloud) -> None:
    assert aws.invoke("aws:index/getRegion:getRegion")["region"] == "eu-central-1"
    assert gcp.invoke("gcp:organizations/getClientConfig:getClientConfig")["project"] == "example-ml-platform"
    assert "simulated" in gcp.invoke("gcp:organizations/getProject:getProject", projectId="other")["name"]
    with pytest.raises(Refused, match="does not know the function aws:ec2/getAmi:getAmi"):
        aws.invoke("aws:ec2/getAmi:getAmi")
    with pytest.raises(Refused, match="has no argument regionn"):
        aws.invoke("aws:index/getRegion:getRegion", regionn="x")


def test_quotas_come_from_a_file_that_a_test_can_override(aws: Cloud, gcp: Cloud) -> None:
    token = "aws:servicequotas/getServiceQuota:getServiceQuota"
    assert aws.invoke(token, serviceCode="ec2", quotaCode="L-417A185B")["value"] == 1536
    aws.directory.mkdir(exist_ok=True)
    own = {"aws": {"ec2": {"L-417A185B": ["P", 8]}}, "gcp": {"compute.googleapis.com": {"GPUS": {"europe-west4": 4}}}}
    (aws.directory / "quotas.json").write_text(json.dumps(own), encoding="utf-8")
    assert aws.invoke(token, serviceCode="ec2", quotaCode="L-417A185B")["value"] == 8
    found = gcp.invoke(
        "gcp:cloudquota/getSQuotaInfo:getSQuotaInfo",
        parent="projects/example-ml-platform",
        service="compute.googleapis.com",
        quotaId="GPUS",
    )
    assert found["dimensionsInfos"][0]["details"] == [{"value": "4"}]
