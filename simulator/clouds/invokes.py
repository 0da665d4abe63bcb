"""Questions that a program asks a simulated cloud. Others are refused by name."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from simulator.clouds import sdk
from simulator.clouds.account import SIMULATED_PROJECT_NUMBER, Account, zones_of
from simulator.clouds.errors import CloudRefusal
from simulator.clouds.shapes import aws_regions

SIGNED_IN = "MLPLATFORM_SIMULATED_CREDENTIALS"
"""Environment variable; `none`: no credentials, and the cloud refuses to name the caller."""
_AMPLE = 10_000
"""A quota that the files do not name."""

Answer = dict[str, Any]


def answer(token: str, arguments: Mapping[str, Any], account: Account, directory: Path) -> Answer:
    """What the cloud answers. Raises CloudRefusal for a question that it does not know, or that is asked wrongly."""
    if token not in _ANSWERS:
        raise CloudRefusal("UnknownOperation", f"the simulated cloud does not know the function {token}")
    takes = sdk.function_inputs(token)
    wrong = sorted(name for name in arguments if name not in takes)
    if wrong:
        raise CloudRefusal("ValidationException", f"{token} has no argument {', '.join(wrong)}")
    return _ANSWERS[token](arguments, account, directory)


def quotas(directory: Path) -> dict[str, Any]:
    """The quotas that come with the simulator, and what the cloud's own directory says instead."""
    found: dict[str, Any] = json.loads((Path(__file__).parent / "quotas.json").read_text(encoding="utf-8"))
    own = directory / "quotas.json"
    if own.exists():
        for cloud, services in json.loads(own.read_text(encoding="utf-8")).items():
            if isinstance(services, dict):
                for service, values in services.items():
                    found.setdefault(cloud, {}).setdefault(service, {}).update(values)
    return found


def _refuse_strangers() -> None:
    if os.environ.get(SIGNED_IN) == "none":
        raise CloudRefusal("NoCredentials", f"no credentials: {SIGNED_IN} is none")


def _refuse_nowhere(region: str, service: str) -> None:
    """A region that does not exist has no endpoint: the name is not found."""
    if region not in aws_regions():
        raise CloudRefusal(
            "RequestError", f"send request failed: dial tcp: lookup {service}.{region}.amazonaws.com: no such host"
        )


def _caller(arguments: Mapping[str, Any], account: Account, directory: Path) -> Answer:
    _refuse_strangers()
    _refuse_nowhere(account.region, "sts")
    return {
        "accountId": account.account,
        "arn": f"arn:aws-simulated:iam::{account.account}:user/simulated",
        "userId": "simulated",
        "id": account.account,
    }


def _region(arguments: Mapping[str, Any], account: Account, directory: Path) -> Answer:
    region = arguments.get("region") or arguments.get("name") or account.region
    return {
        "id": region,
        "name": region,
        "region": region,
        "description": "simulated",
        "endpoint": f"ec2.{region}.simulated.invalid",
    }


def _zones(arguments: Mapping[str, Any], account: Account, directory: Path) -> Answer:
    _refuse_nowhere(account.region, "ec2")
    return {
        "id": account.region,
        "region": account.region,
        "names": account.zones,
        "zoneIds": [f"simulated-az{number}" for number in (1, 2, 3)],
        "groupNames": [account.region],
    }


def _service_quota(arguments: Mapping[str, Any], account: Account, directory: Path) -> Answer:
    service, code, name = arguments.get("serviceCode", ""), arguments.get("quotaCode"), arguments.get("quotaName")
    known = quotas(directory)["aws"].get(service, {})
    if code is None:
        code = next((each for each, (title, _) in known.items() if title == name), None)
        if code is None:
            raise CloudRefusal("NoSuchResourceException", f"no quota {name!r} of {service}")
    title, value = known.get(code, (name or "simulated", _AMPLE))
    return {
        "adjustable": True,
        "arn": f"arn:aws-simulated:servicequotas:{account.region}:{account.account}:{service}/{code}",
        "defaultValue": 0,
        "globalQuota": False,
        "id": f"arn:aws-simulated:servicequotas:{account.region}:{account.account}:{service}/{code}",
        "quotaCode": code,
        "quotaName": title,
        "region": account.region,
        "serviceCode": service,
        "serviceName": service,
        "usageMetrics": [],
        "value": value,
    }


def _project(arguments: Mapping[str, Any], account: Account, directory: Path) -> Answer:
    _refuse_strangers()
    project = arguments.get("projectId") or account.project
    return {
        "id": f"projects/{project}",
        "projectId": project,
        "name": f"{project} (simulated)",
        "number": SIMULATED_PROJECT_NUMBER,
        "autoCreateNetwork": False,
        "billingAccount": "",
        "deletionPolicy": "PREVENT",
        "effectiveLabels": {},
        "folderId": "",
        "labels": {},
        "orgId": "",
        "pulumiLabels": {},
        "tags": {},
    }


def _client(arguments: Mapping[str, Any], account: Account, directory: Path) -> Answer:
    return {
        "id": f"projects/{account.project}",
        "project": account.project,
        "region": account.region,
        "zone": account.zone,
        "accessToken": "simulated",
        "defaultLabels": dict(account.default_tags),
    }


def _google_zones(arguments: Mapping[str, Any], account: Account, directory: Path) -> Answer:
    project, region = arguments.get("project") or account.project, arguments.get("region") or account.region
    return {
        "id": f"projects/{project}/regions/{region}",
        "names": zones_of("gcp", region),
        "project": project,
        "region": region,
        "status": arguments.get("status") or "",
    }


def _quota_info(arguments: Mapping[str, Any], account: Account, directory: Path) -> Answer:
    """Cloud Quotas API, QuotaInfo; a quota has one value for each region, or one in all."""
    service, name = arguments.get("service", ""), arguments.get("quotaId", "")
    value = quotas(directory)["gcp"].get(service, {}).get(name, _AMPLE)
    by_region = value if isinstance(value, dict) else {account.region: value}
    return {
        "id": f"{arguments.get('parent', '')}/locations/global/services/{service}/quotaInfos/{name}",
        "name": f"{arguments.get('parent', '')}/locations/global/services/{service}/quotaInfos/{name}",
        "parent": arguments.get("parent", ""),
        "service": service,
        "quotaId": name,
        "metric": f"{service}/{name}",
        "metricDisplayName": f"{name} (simulated)",
        "metricUnit": "1",
        "quotaDisplayName": f"{name} (simulated)",
        "containerType": "PROJECT",
        "dimensions": ["region"],
        "dimensionsInfos": [
            {"applicableLocations": [region], "dimensions": {"region": region}, "details": [{"value": str(number)}]}
            for region, number in by_region.items()
        ],
        "isConcurrent": False,
        "isFixed": False,
        "isPrecise": True,
        "quotaIncreaseEligibilities": [{"isEligible": True, "ineligibilityReason": ""}],
        "refreshInterval": "",
        "serviceRequestQuotaUri": "",
    }


_ANSWERS: Mapping[str, Callable[[Mapping[str, Any], Account, Path], Answer]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": _caller,
    "aws:index/getRegion:getRegion": _region,
    "aws:index/getAvailabilityZones:getAvailabilityZones": _zones,
    "aws:servicequotas/getServiceQuota:getServiceQuota": _service_quota,
    "gcp:organizations/getProject:getProject": _project,
    "gcp:compute/getZones:getZones": _google_zones,
    "gcp:organizations/getClientConfig:getClientConfig": _client,
    "gcp:cloudquota/getSQuotaInfo:getSQuotaInfo": _quota_info,
}
