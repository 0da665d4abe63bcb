"""The check of requests finds what it is for."""

from typing import Any

import pytest

from tests.support.aws_models import problems, service

RDS = {"DBInstanceIdentifier": "db", "DBInstanceClass": "db.t4g.medium", "Engine": "postgres"}


@pytest.mark.parametrize(
    ("name", "operation", "request_", "said"),
    [
        ("rds", "CreateDBInstance", RDS, ""),
        ("rds", "CreateDBInstance", {**RDS, "DatabaseInsightsMode": "more"}, "is none of"),
        ("rds", "CreateDBInstance", {**RDS, "MultiAz": True}, "unknown"),
        ("rds", "CreateDBInstance", {**RDS, "AllocatedStorage": "20"}, "is no integer"),
        ("rds", "CreateDBInstance", {"Engine": "postgres"}, "missing"),
        ("iam", "CreateRole", {"RoleName": "a b", "AssumeRolePolicyDocument": "{}"}, "does not match"),
        ("iam", "CreateRole", {"RoleName": "a" * 65, "AssumeRolePolicyDocument": "{}"}, "is not within"),
        ("efs", "PutBackupPolicy", {"FileSystemId": "fs-1", "BackupPolicy": []}, "is no structure"),
    ],
)
def test_a_request_is_held_to_its_model(name: str, operation: str, request_: dict[str, Any], said: str) -> None:
    found = "; ".join(problems(service(name).operation_model(operation).input_shape, request_))
    assert (said in found) if said else not found
