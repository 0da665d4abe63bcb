"""Limits are read from the clouds' answers, and what cannot be read is a warning.

The answers are written by hand, in the shapes of Service Quotas (botocore's model) and of the providers' functions (SDK
classes); no cloud was asked. Names, codes and units of the AWS answer are those of published `list-service-quotas`
output. Not proved here: that the providers pass the clouds' answers on unchanged.
"""

import inspect
from collections.abc import Callable
from math import inf
from typing import Any

import pulumi_gcp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi import InvokeOptions
from pulumi.runtime import MockCallArgs, MockResourceArgs, Mocks, set_mocks
from pulumi_aws.servicequotas import GetServiceQuotaResult

from components.clouds.eks.limits import aws_limits
from components.clouds.gke.limits import gcp_limits, limit_in
from components.clouds.limits import CloudLimits, quota_report
from components.clouds.quotas import QuotaNeed, QuotaPool, check_quotas, quota_needs, quota_warnings
from components.findings import camel
from tests.support.aws_models import departures

AWS = quota_needs([QuotaPool("h100", "p5.48xlarge", 4), QuotaPool("l4", "g6.xlarge", 8, "spot")])
GCP = quota_needs([QuotaPool("h100", "a3-highgpu-8g", 2), QuotaPool("v6e", "ct6e-standard-4t", 16)])
DENIED = (
    "invocation of aws:servicequotas/getServiceQuota:getServiceQuota returned an error: reading Service Quotas Service"
    " Quota (ec2/L-3819A6DF): operation error Service Quotas: GetServiceQuota, https response error StatusCode: 400,"
    " AccessDeniedException: User: arn:aws:iam::1:user/x is not authorized to perform: servicequotas:GetServiceQuota"
)
OFF = (
    "invocation of gcp:cloudquota/getSQuotaInfo:getSQuotaInfo returned an error: googleapi: Error 403: Cloud Quotas API"
    " has not been used in project 1 before or it is disabled"
)


ROW_CLASSES = (
    pulumi_gcp.cloudquota.outputs.GetSQuotaInfoDimensionsInfoResult,
    pulumi_gcp.cloudquota.outputs.GetSQuotaInfoDimensionsInfoDetailResult,
)


def quota_answer(code: str, value: float) -> dict[str, Any]:
    """An answer of GetServiceQuota, held to the API model, as the provider's function returns it."""
    quota = {
        "ServiceCode": "ec2",
        "ServiceName": "Amazon Elastic Compute Cloud (Amazon EC2)",
        "QuotaArn": f"arn:aws:servicequotas:us-east-1:000000000001:ec2/{code}",
        "QuotaCode": code,
        "QuotaName": "Running On-Demand P instances",
        "Value": value,
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
        "QuotaAppliedAtLevel": "ACCOUNT",
    }
    assert departures("service-quotas", "ServiceQuota", quota) == []
    answer = {
        "id": quota["QuotaArn"],
        "arn": quota["QuotaArn"],
        "adjustable": True,
        "globalQuota": False,
        "quotaCode": code,
        "quotaName": quota["QuotaName"],
        "serviceCode": "ec2",
        "serviceName": quota["ServiceName"],
        "region": "us-east-1",
        "defaultValue": 0,
        "usageMetrics": [],
        "value": value,
    }
    assert set(answer) == fields_of(GetServiceQuotaResult)
    return answer


def fields_of(result: type) -> set[str]:
    """The fields of a class of the SDK, as the provider names them."""
    return {camel(name) for name in inspect.signature(result).parameters}


def quota_info_answer(quota_id: str, *rows: tuple[dict[str, str], str, list[str]]) -> dict[str, Any]:
    """A quota as the function of Google's provider returns it; its fields are those of the SDK's classes."""
    answer = {
        "containerType": "PROJECT",
        "dimensions": ["region"],
        "dimensionsInfos": [
            {"dimensions": dimensions, "details": [{"value": value}], "applicableLocations": locations}
            for dimensions, value, locations in rows
        ],
        "id": f"projects/p/locations/global/services/compute.googleapis.com/quotaInfos/{quota_id}",
        "isConcurrent": False,
        "isFixed": False,
        "isPrecise": True,
        "metric": "compute.googleapis.com/gpus",
        "metricDisplayName": "GPUs",
        "metricUnit": "1",
        "name": "n",
        "parent": "projects/p",
        "quotaDisplayName": "GPUs",
        "quotaId": quota_id,
        "quotaIncreaseEligibilities": [{"isEligible": True, "ineligibilityReason": ""}],
        "refreshInterval": "",
        "service": "compute.googleapis.com",
        "serviceRequestQuotaUri": "",
    }
    assert set(answer) == fields_of(pulumi_gcp.cloudquota.GetSQuotaInfoResult)
    row, detail = ROW_CLASSES
    assert all(set(info) == fields_of(row) for info in answer["dimensionsInfos"])
    assert all(set(value) == fields_of(detail) for info in answer["dimensionsInfos"] for value in info["details"])
    return answer


class Cloud(Mocks):
    """Answers each function call by a function of its arguments; an exception is the provider's refusal."""

    def __init__(self, answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self.answer = answer
        self.asked: list[dict[str, Any]] = []

    def call(self, args: MockCallArgs) -> Any:
        self.asked.append({"token": args.token, **args.args})
        return self.answer(dict(args.args))

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        raise AssertionError(f"{args.name} was registered")


def cloud(answer: Callable[[dict[str, Any]], dict[str, Any]]) -> Cloud:
    mocks = Cloud(answer)
    set_mocks(mocks)
    return mocks


def refuse(text: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def answer(args: dict[str, Any]) -> dict[str, Any]:
        raise RuntimeError(text)

    return answer


def test_limits_of_aws_are_asked_by_code_in_the_region() -> None:
    values = {"L-417A185B": 192.0, "L-3819A6DF": 64.0}
    answers = {code: quota_answer(code, value) for code, value in values.items()}
    mocks = cloud(lambda args: answers[args["quotaCode"]])
    found = aws_limits(AWS, "us-east-1", InvokeOptions())
    assert found == CloudLimits({"ec2/L-417A185B": 192.0, "ec2/L-3819A6DF": 64.0})
    assert {call["token"] for call in mocks.asked} == {"aws:servicequotas/getServiceQuota:getServiceQuota"}
    assert {(call["serviceCode"], call["region"]) for call in mocks.asked} == {("ec2", "us-east-1")}
    (finding,) = check_quotas(AWS, found.limits, "us-east-1")
    assert finding.path == "cluster.pools.h100.nodesMax"


def test_limits_of_google_are_asked_of_the_project_by_quota_id() -> None:
    rows = {
        "GPUS-ALL-REGIONS-per-project": [({}, "64", ["global"])],
        "GPUS-PER-GPU-FAMILY-per-project-region": [
            ({"gpu_family": "NVIDIA_H100", "region": "us-central1"}, "8", ["us-central1"]),
            ({"gpu_family": "NVIDIA_H200", "region": "us-central1"}, "800", ["us-central1"]),
            ({}, "0", ["us-central1", "us-east1"]),
        ],
        "TPUS-PER-TPU-FAMILY-per-project-region": [({"tpu_family": "CT6E"}, "-1", ["us-central1"])],
    }
    answers = {quota_id: quota_info_answer(quota_id, *found) for quota_id, found in rows.items()}
    mocks = cloud(lambda args: answers[args["quotaId"]])
    found = gcp_limits(GCP, "p", "us-central1")
    assert found == CloudLimits(
        {
            "compute.googleapis.com/GPUS-ALL-REGIONS-per-project": 64,
            "compute.googleapis.com/GPUS-PER-GPU-FAMILY-per-project-region/gpu_family=NVIDIA_H100": 8,
            "compute.googleapis.com/TPUS-PER-TPU-FAMILY-per-project-region/tpu_family=CT6E": inf,
        }
    )
    assert {(call["parent"], call["service"]) for call in mocks.asked} == {("projects/p", "compute.googleapis.com")}
    (finding,) = check_quotas(GCP, found.limits, "us-central1")
    assert "NVIDIA_H100" in finding.rule


@pytest.mark.parametrize(
    ("read", "text"), [(lambda: aws_limits(AWS, "us-east-1"), DENIED), (lambda: gcp_limits(GCP, "p", "r"), OFF)]
)
def test_missing_rights_to_read_quotas_are_reported_once_and_the_run_continues(
    read: Callable[[], CloudLimits], text: str
) -> None:
    mocks = cloud(refuse(text))
    found = read()
    assert not found.limits
    (warning,) = found.warnings
    assert warning.startswith("not allowed to read quotas: ")
    assert "\n" not in warning
    assert len(mocks.asked) == 1


def test_a_missing_quota_is_reported_and_the_others_are_read() -> None:
    there = quota_answer("L-3819A6DF", 64)

    def answer(args: dict[str, Any]) -> dict[str, Any]:
        if args["quotaCode"] == "L-417A185B":
            raise RuntimeError(
                "NoSuchResourceException: The request failed because the specified resource\ndoes not exist"
            )
        return there

    cloud(answer)
    found = aws_limits(AWS, "us-east-1")
    assert found.limits == {"ec2/L-3819A6DF": 64}
    (warning,) = found.warnings
    assert warning.startswith("quota L-417A185B could not be read: ")
    assert "\n" not in warning
    assert any("Running On-Demand P instances" in line for line in quota_warnings(AWS, found.limits, "us-east-1"))


def test_each_cloud_is_asked_for_its_own_quotas_only() -> None:
    mocks = cloud(refuse("nobody is to be asked"))
    assert aws_limits(GCP, "us-east-1") == gcp_limits(AWS, "p", "r") == CloudLimits()
    assert not mocks.asked


POOLS = [QuotaPool("h100", "a3-highgpu-8g", 2), QuotaPool("v4", "ct4p-hightpu-4t", 1)]
V4 = "pool v4: no quota is known for ct4p-hightpu-4t on-demand; nothing was checked"
FAMILY = "compute.googleapis.com/GPUS-PER-GPU-FAMILY-per-project-region/gpu_family=NVIDIA_H100"


def test_a_report_has_what_is_too_small_and_what_is_unknown() -> None:
    report = quota_report(POOLS, "us-central1", lambda needs: CloudLimits({FAMILY: 8}))
    (finding,) = report.findings
    assert finding.path == "cluster.pools.h100.nodesMax"
    unmetered, unknown = report.warnings
    assert unmetered == V4
    assert "GPUs (all regions)" in unknown


def test_a_report_says_once_that_nothing_could_be_read() -> None:
    report = quota_report(POOLS, "us-central1", lambda needs: CloudLimits({}, ["not allowed to read quotas: no"]))
    assert report.findings == ()
    assert report.warnings == (V4, "not allowed to read quotas: no")


def test_a_report_checks_what_was_read_before_the_refusal() -> None:
    report = quota_report(POOLS, "us-central1", lambda needs: CloudLimits({FAMILY: 8}, ["not allowed"]))
    assert len(report.findings) == 1
    assert report.warnings == (V4, "not allowed")


H100 = next(need for need in GCP if need.dimensions == (("gpu_family", "NVIDIA_H100"),))
ALL = next(need for need in GCP if need.everywhere)


@pytest.mark.parametrize(
    ("rows", "need", "limit"),
    [
        ([], H100, None),
        ([({}, [""], ["us-central1"])], H100, None),
        ([({}, [], ["us-central1"])], H100, None),
        ([({}, ["0"], ["us-central1"])], H100, 0),
        ([({}, ["4"], ["us-east1"])], H100, None),
        ([({}, ["4"], [])], H100, 4),
        ([({"region": "us-east1"}, ["4"], ["us-east1"]), ({}, ["2"], ["us-central1"])], H100, 2),
        ([({"gpu_family": "nvidia_h100"}, ["4"], ["us-central1"]), ({}, ["2"], ["us-central1"])], H100, 4),
        ([({"gpu_family": "NVIDIA_B200"}, ["4"], ["us-central1"])], H100, None),
        ([({}, ["-1"], ["global"])], ALL, inf),
        ([({}, ["3"], ["us-central1"])], ALL, None),
    ],
)
def test_the_most_particular_row_for_the_region_is_the_limit(rows: Any, need: QuotaNeed, limit: float | None) -> None:
    assert limit_in(rows, need, "us-central1") == limit


@given(st.permutations([({}, ["1"], ["r"]), ({"region": "r"}, ["2"], ["r"]), ({"zone": "r-a"}, ["9"], ["r"])]))
def test_the_order_of_rows_does_not_matter(rows: Any) -> None:
    assert limit_in(rows, H100, "r") == 2
