"""Pods of every stack have a way into the object store: keys, grants of the platform, or an identity bound outside.

Only this finds a service account that no setting reaches. The other side: amazon-eks-pod-identity-webhook reads one
annotation of a pod's service account, and AWS trusts the subject `system:serviceaccount:<namespace>:<name>` of its
token; both are looked for on what is registered.
Not proved: that the webhook runs there, that IAM trusts the cluster's issuer.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

from components.findings import Refused
from settings.reader import from_file
from settings.settings import Settings
from stacks.data import store_accounts
from tests.recorder import Recording
from tests.support.settings import HERE, PREFIX, Deleted, merged, overlaid
from tests.support.whole_stack import recorded_stack

REPOSITORY = Path(__file__).parents[2]
ROLE = "eks.amazonaws.com/role-arn"
CLIENTS = ("DatabaseBackup", "Team", "TrackingServer")
"""Components whose pods reach the store."""


def settings(stack: str, **over: Any) -> Settings:
    config = yaml.safe_load((REPOSITORY / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))["config"]
    return from_file(yaml.safe_dump({"config": merged(config, {f"{PREFIX}{key}": one for key, one in over.items()})}))


def identities(recording: Recording) -> dict[str, str]:
    """Subject of each service account -> role that the webhook gives its pods."""
    accounts = [each.inputs["metadata"] for each in recording.of("ServiceAccount")]
    return {
        f"system:serviceaccount:{one['namespace']}:{one['name']}": one["annotations"][ROLE]
        for one in accounts
        if ROLE in (one.get("annotations") or {})
    }


def test_the_shipped_onprem_stack_gives_every_client_of_the_store_an_identity(tmp_path: Path) -> None:
    onprem = settings("onprem")
    recording = recorded_stack(onprem, tmp_path)
    found = identities(recording)
    assert {subject: role.rpartition("-")[2] for subject, role in found.items()} == {
        "system:serviceaccount:mlflow:mlflow": "writer",
        "system:serviceaccount:mlflow:mlflow-backup": "writer",
        "system:serviceaccount:vision:training": "writer",
        "system:serviceaccount:vision:serving": "reader",
    }
    assert set(store_accounts(onprem)) == set(found)
    assert {subject for subject, does in store_accounts(onprem).items() if does == "reads"} == {
        "system:serviceaccount:vision:serving"
    }
    # No pod of a client runs as another account.
    named = {
        f"system:serviceaccount:{one['namespace']}:{one['name']}"
        for kind in CLIENTS
        for component in recording.of(kind)
        for one in [each.inputs["metadata"] for each in recording.of("ServiceAccount") if each.parent == component.urn]
    }
    assert named == set(found)


@pytest.mark.parametrize("stack", ["prod", "gke"])
def test_the_platform_binds_the_accounts_of_its_own_cloud(stack: str, tmp_path: Path) -> None:
    mine = settings(stack)
    assert mine.binds_accounts
    assert store_accounts(mine) == {}
    assert mine.account_annotations == ({}, {})


def test_a_store_of_another_cloud_is_not_bound_until_the_settings_say_how() -> None:
    """A GCS bucket that EKS would have granted as if it were one of S3."""
    overlay = {"objectStore": {"kind": "gcs", "s3": Deleted(), "bucket": "example-models"}}
    with pytest.raises(Refused) as refused:
        from_file(overlaid(overlay, HERE / "good-eks.yaml"))
    assert {finding.path for finding in refused.value.findings} == {"objectStore.identity"}
    from_file(overlaid({"objectStore": {**overlay["objectStore"], "identity": {}}}, HERE / "good-eks.yaml"))


def test_accounts_that_are_bound_by_name_need_no_annotation(tmp_path: Path) -> None:
    bound = settings("onprem", objectStore={"identity": {"writers": Deleted(), "readers": Deleted()}})
    assert len(store_accounts(bound)) == 4
    assert identities(recorded_stack(bound, tmp_path)) == {}
