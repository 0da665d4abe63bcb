"""What a simulated cloud keeps, and what it refuses to change or to let go. No engine and no cluster is started."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from simulator.clouds import outputs, sdk
from simulator.clouds.account import account
from simulator.clouds.store import CloudStore, Content, Record
from simulator.clouds.tables import ROWS
from simulator.clouds.values import UNKNOWN, to_struct

from .conftest import CONTEXT, Cloud, Refused

VPC, SUBNET, ROLE = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:iam/role:Role"
BUCKET, DATABASE, KEY = "aws:s3/bucket:Bucket", "aws:rds/instance:Instance", "aws:kms/key:Key"
CLUSTER, GROUP = "aws:eks/cluster:Cluster", "aws:eks/nodeGroup:NodeGroup"
NETWORK, SUBNETWORK = "gcp:compute/network:Network", "gcp:compute/subnetwork:Subnetwork"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)


REAL_LOOKING = {
    "aws": account("aws", {"region": "eu-central-1", "allowedAccountIds": ["111122223333"]}, {}),
    "gcp": account("gcp", {"region": "europe-west4", "project": "example-ml-platform"}, {}),
}
MADE_UP = re.compile(r"arn:|\d{12}|[0-9a-f]{12}|://|\.(com|net|org|invalid|goog)\b|^\d+\.\d+\.\d+\.\d+$")
"""What only a cloud can have given: ARNs, numbers, hosts, addresses."""
SAYS_SO = re.compile(r"simulated|SIMULATED|000000000[0-9a-f]{8}\b|0{8}-0{4}-0{4}-|0{6}\d{6}\b|^198\.1[89]\.")
OF_INPUTS_ALONE = re.compile(
    r"111122223333|(serviceAccount:|projects/.*/)?it@example-ml-platform\.iam\.gserviceaccount\.com|gs://it|10\..*"
)
"""The account, Google's names of service accounts and buckets, and addresses in a private network."""


def strings(value: Any) -> Iterator[str]:
    """Every string in a value."""
    if isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


def test_what_a_cloud_makes_up_says_that_it_is_simulated_though_account_and_project_are_the_user_s() -> None:
    """Finds an id, ARN, host or address that cannot be told from one of a real account.

    Names, accounts and projects come from settings, and Google's ids are made of these alone: tags and labels say it.
    """
    silent = {}
    for token, row in ROWS.items():
        owner, takes = REAL_LOOKING[row.cloud], sdk.inputs(token)
        templates = f"{row.id}{row.unique}{json.dumps(row.outputs)}"
        named = {*re.findall(r"{(\w+)", templates), "tags", "labels"}
        inputs: dict[str, Any] = dict.fromkeys(named & {*takes} - {"region", "project", "location", "port"}, "it")
        inputs |= {name: {"key": "it"} for name in ("tags", "labels") if name in inputs}
        inputs |= {name: {key: "it"} for name, key in re.findall(r"{(\w+)\[(\w+)\]", templates)}
        given = outputs.words(row, owner, inputs, "seed", {"id": "it"})
        given["id"] = identity = row.id.format_map(given)
        answer = outputs.made(row, owner, inputs, given)
        made_up = {text for text in (identity, *strings(answer)) if MADE_UP.search(text)}
        silent[token] = {t for t in made_up if not SAYS_SO.search(t) and not OF_INPUTS_ALONE.fullmatch(t)}
        for name in {"tagsAll", "effectiveLabels"} & {*answer}:
            assert answer[name]["simulated"] == "true", token
    assert {token: texts for token, texts in silent.items() if texts} == {}


def test_ids_keep_the_form_that_the_apis_of_the_clouds_demand(aws: Cloud, gcp: Cloud) -> None:
    identity, answer = aws.create(VPC, {"cidrBlock": "10.0.0.0/16"})
    assert re.fullmatch(r"vpc-[0-9a-f]{17}", identity)
    assert answer["arn"] == f"arn:aws-simulated:ec2:eu-central-1:000000000000:vpc/{identity}"
    assert answer["tagsAll"] == {"simulated": "true"}
    _, role = aws.create(ROLE, {"name": "it", "assumeRolePolicy": TRUST})
    assert role["arn"] == "arn:aws-simulated:iam::000000000000:role/it"
    assert gcp.create(NETWORK, {"name": "it"})[0] == "projects/example-ml-platform/global/networks/it"


def test_ids_are_the_same_in_every_new_cloud_and_others_after_a_replacement(tmp_path: Path, provider_of: Any) -> None:
    first, second = (provider_of("aws", tmp_path / name, region="eu-central-1") for name in "ab")
    identity = first.create(VPC, {"cidrBlock": "10.0.0.0/16"})[0]
    assert second.create(VPC, {"cidrBlock": "10.0.0.0/16"})[0] == identity
    assert first.create(VPC, {"cidrBlock": "10.1.0.0/16"})[0] != identity


def test_a_preview_shows_inputs_and_what_the_provider_knows_and_no_more(aws: Cloud) -> None:
    shown = aws.preview(
        CLUSTER,
        {"name": "it", "roleArn": UNKNOWN, "vpcConfig": {"subnetIds": UNKNOWN, "endpointPrivateAccess": True}},
    )
    assert shown["name"] == "it"
    assert shown["region"] == "eu-central-1"
    assert shown["certificateAuthority"] == UNKNOWN
    assert shown["endpoint"] == UNKNOWN
    assert shown["vpcConfig"] == {
        "subnetIds": UNKNOWN,
        "endpointPrivateAccess": True,
        "clusterSecurityGroupId": UNKNOWN,
        "vpcId": UNKNOWN,
    }
    assert aws.preview(GROUP, {"nodeGroupName": "it"})["resources"] == UNKNOWN
    assert CloudStore(aws.directory, "aws").read()["records"] == {}


def test_what_has_no_name_gets_one_and_keeps_it(aws: Cloud) -> None:
    named = aws.checked(ROLE, {"assumeRolePolicy": TRUST}, name="nodes")["name"]
    assert named.startswith("nodes-")
    request = provider_pb2.CheckRequest(
        urn=f"urn:pulumi:test::project::{ROLE}::nodes",
        news=to_struct({"assumeRolePolicy": TRUST}),
        olds=to_struct({"assumeRolePolicy": TRUST, "name": "nodes-before"}),
    )
    assert aws.provider.Check(request, CONTEXT).inputs["name"] == "nodes-before"


def test_a_name_that_is_taken_is_refused(aws: Cloud, gcp: Cloud) -> None:
    for cloud, token, inputs in (
        (aws, BUCKET, {"bucket": "simulated"}),
        (aws, ROLE, {"name": "it", "assumeRolePolicy": TRUST}),
        (gcp, NETWORK, {"name": "it"}),
    ):
        cloud.create(token, inputs)
        with pytest.raises(Refused, match=r"Already ?Exists.*already"):
            cloud.create(token, inputs, name="another")


def test_what_a_resource_names_must_be_there(aws: Cloud) -> None:
    with pytest.raises(Refused, match=r"NotFound: vpcId: there is no ec2.Vpc 'vpc-1'"):
        aws.create(SUBNET, {"vpcId": "vpc-1", "cidrBlock": "10.0.0.0/24"})


def test_what_is_in_use_is_not_deleted_before_its_users(aws: Cloud, gcp: Cloud) -> None:
    vpc, _ = aws.create(VPC, {"cidrBlock": "10.0.0.0/16"})
    subnet, _ = aws.create(SUBNET, {"vpcId": vpc, "cidrBlock": "10.0.0.0/24"})
    with pytest.raises(Refused, match=r"DependencyViolation: ec2.Vpc .* is in use by ec2.Subnet"):
        aws.delete(VPC, vpc)
    aws.delete(SUBNET, subnet)
    aws.delete(VPC, vpc)
    network, outputs = gcp.create(NETWORK, {"name": "it"})
    gcp.create(SUBNETWORK, {"name": "it", "network": outputs["selfLink"], "ipCidrRange": "10.0.0.0/20"})
    with pytest.raises(Refused, match="resourceInUseByAnotherResource"):
        gcp.delete(NETWORK, network)


def test_subnets_lie_within_their_vpc_and_apart_from_each_other(aws: Cloud) -> None:
    vpc, _ = aws.create(VPC, {"cidrBlock": "10.0.0.0/16"})
    aws.create(SUBNET, {"vpcId": vpc, "cidrBlock": "10.0.0.0/24"})
    with pytest.raises(Refused, match=r"InvalidSubnet\.Conflict"):
        aws.create(SUBNET, {"vpcId": vpc, "cidrBlock": "10.0.0.128/25"}, name="overlapping")
    with pytest.raises(Refused, match=r"InvalidSubnet\.Range"):
        aws.create(SUBNET, {"vpcId": vpc, "cidrBlock": "10.1.0.0/24"}, name="outside")


def test_what_is_protected_stays_until_that_is_switched_off(aws: Cloud) -> None:
    inputs = {
        "identifier": "it",
        "instanceClass": "db.m7g.large",
        "deletionProtection": True,
        "skipFinalSnapshot": True,
    }
    identity, _ = aws.create(DATABASE, inputs)
    with pytest.raises(Refused, match="deletionProtection is on"):
        aws.delete(DATABASE, identity)
    aws.update(DATABASE, identity, inputs, {**inputs, "deletionProtection": False})
    aws.delete(DATABASE, identity)
    assert aws.read(DATABASE, identity).id == ""


def test_a_database_does_not_go_without_a_last_word_on_its_data(aws: Cloud) -> None:
    identity, _ = aws.create(DATABASE, {"identifier": "it", "instanceClass": "db.m7g.large"})
    with pytest.raises(Refused, match="finalSnapshotIdentifier is required"):
        aws.delete(DATABASE, identity)


@pytest.mark.parametrize(
    ("token", "olds", "news", "said"),
    [
        (CLUSTER, {"version": "1.35"}, {"version": "1.34"}, "from 1.35 to 1.34: not down"),
        (CLUSTER, {"version": "1.34"}, {"version": "1.36"}, "from 1.34 to 1.36: one at a time"),
        (DATABASE, {"allocatedStorage": 200}, {"allocatedStorage": 100}, "storage cannot be made smaller"),
        (DATABASE, {"engineVersion": "16.4"}, {"engineVersion": "17.2"}, "AllowMajorVersionUpgrade"),
        ("gcp:container/cluster:Cluster", {"minMasterVersion": "1.35"}, {"minMasterVersion": "1.34"}, "not down"),
    ],
)
def test_a_change_that_the_cloud_cannot_make_is_refused_in_the_preview_already(
    aws: Cloud, gcp: Cloud, token: str, olds: dict[str, Any], news: dict[str, Any], said: str
) -> None:
    cloud = gcp if token.startswith("gcp") else aws
    request = provider_pb2.UpdateRequest(
        urn=f"urn:pulumi:test::project::{token}::it",
        id="it",
        old_inputs=to_struct(olds),
        news=to_struct(news),
        preview=True,
    )
    with pytest.raises(Refused, match=said):
        cloud.provider.Update(request, CONTEXT)


@pytest.mark.parametrize(
    ("token", "olds", "news", "replaces"),
    [
        (VPC, {"cidrBlock": "10.0.0.0/16"}, {"cidrBlock": "10.1.0.0/16"}, ["cidrBlock"]),
        (VPC, {"cidrBlock": "10.0.0.0/16"}, {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True}, []),
        (GROUP, {"amiType": "AL2023_x86_64_NVIDIA"}, {"amiType": "BOTTLEROCKET_x86_64_NVIDIA"}, ["amiType"]),
        (GROUP, {"launchTemplate": {"id": "a", "version": "1"}}, {"launchTemplate": {"id": "a", "version": "2"}}, []),
        (
            GROUP,
            {"launchTemplate": {"id": "a", "version": "1"}},
            {"launchTemplate": {"id": "b", "version": "1"}},
            ["launchTemplate"],
        ),
        (GROUP, {"scalingConfig": {"maxSize": 1}}, {"scalingConfig": {"maxSize": 2}}, []),
        (GROUP, {"diskSize": 20}, {}, []),
        (KEY, {"customerMasterKeySpec": "SYMMETRIC_DEFAULT"}, {"customerMasterKeySpec": "RSA_2048"}, ["customerMas"]),
        (SUBNETWORK, {"ipCidrRange": "10.0.0.0/20"}, {"ipCidrRange": "10.0.0.0/18"}, []),
        (SUBNETWORK, {"ipCidrRange": "10.0.0.0/20"}, {"ipCidrRange": "10.0.0.0/22"}, ["ipCidrRange"]),
        (
            "gcp:container/nodePool:NodePool",
            {"nodeConfig": {"machineType": "g2-standard-4", "labels": {"a": "b"}}},
            {"nodeConfig": {"machineType": "g2-standard-8", "labels": {"a": "c"}}},
            [],
        ),
        (
            "gcp:container/nodePool:NodePool",
            {"nodeConfig": {"spot": False}},
            {"nodeConfig": {"spot": True}},
            ["nodeConfig"],
        ),
    ],
)
def test_what_cannot_change_in_place_is_replaced(
    aws: Cloud, token: str, olds: dict[str, Any], news: dict[str, Any], replaces: list[str]
) -> None:
    found = list(aws.diff(token, olds, news).replaces)
    assert len(found) == len(replaces)
    assert all(path.startswith(wanted) for path, wanted in zip(found, replaces, strict=True))


def test_the_old_one_goes_first_when_both_would_have_the_same_name(aws: Cloud) -> None:
    same = {"nodeGroupName": "it", "amiType": "AL2023_x86_64_NVIDIA"}
    assert aws.diff(GROUP, same, {**same, "amiType": "CUSTOM"}).deleteBeforeReplace
    assert not aws.diff(GROUP, same, {**same, "amiType": "CUSTOM", "nodeGroupName": "other"}).deleteBeforeReplace


def test_a_launch_template_counts_its_versions(aws: Cloud) -> None:
    token = "aws:ec2/launchTemplate:LaunchTemplate"
    identity, outputs = aws.create(token, {"name": "it"})
    assert outputs["latestVersion"] == 1
    changed = aws.update(token, identity, {"name": "it"}, {"name": "it", "instanceType": "m6i.2xlarge"})
    assert (changed["latestVersion"], changed["arn"]) == (2, outputs["arn"])


class NoEffects:
    """No cluster is started, no node made."""

    def made(self, record: Record, content: Content) -> dict[str, Any]:
        return {}

    def ending(self, record: Record, content: Content) -> None:
        return


def test_a_node_group_has_its_cluster_s_version_or_keeps_the_one_it_has(
    aws: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aws.provider._lifecycle, "_effects", NoEffects())
    vpc, _ = aws.create(VPC, {"cidrBlock": "10.0.0.0/16"})
    subnets = []
    for index, zone in enumerate(["eu-central-1a", "eu-central-1b"]):
        place = {"vpcId": vpc, "cidrBlock": f"10.0.{index}.0/24", "availabilityZone": zone}
        subnets.append(aws.create(SUBNET, place, name=zone)[0])
    role = aws.create(ROLE, {"name": "it", "assumeRolePolicy": TRUST})[1]["arn"]
    cluster = {"name": "it", "version": "1.35", "roleArn": role, "vpcConfig": {"subnetIds": subnets}}
    aws.create(CLUSTER, cluster)
    sizes = {"minSize": 0, "desiredSize": 0, "maxSize": 2}
    group = {"clusterName": "it", "nodeGroupName": "it", "nodeRoleArn": role, "subnetIds": subnets, "version": "1.35"}
    group["scalingConfig"] = sizes
    for other in ("1.36", "1.34"):
        with pytest.raises(Refused, match=r"should be equal to Cluster kubernetes version 1\.35"):
            aws.create(GROUP, {**group, "version": other})
    identity, _ = aws.create(GROUP, group)
    with pytest.raises(Refused, match=r"version 1\.36: .* or NodeGroup kubernetes version 1\.35"):
        aws.update(GROUP, identity, group, {**group, "version": "1.36"})
    aws.update(CLUSTER, "it", cluster, {**cluster, "version": "1.36"})
    larger = {**group, "scalingConfig": {**sizes, "maxSize": 3}}
    assert aws.update(GROUP, identity, group, larger)["version"] == "1.35"
    assert aws.update(GROUP, identity, larger, {**larger, "version": "1.36"})["version"] == "1.36"


def test_a_key_ring_of_google_cloud_keeps_its_name_for_ever(gcp: Cloud) -> None:
    token, inputs = "gcp:kms/keyRing:KeyRing", {"name": "it", "location": "europe-west4"}
    identity, _ = gcp.create(token, inputs)
    gcp.delete(token, identity)
    assert gcp.read(token, identity).id == ""
    with pytest.raises(Refused, match="its name stays taken although it was deleted"):
        gcp.create(token, inputs)


def test_a_second_process_sees_what_the_first_one_made_and_only_its_owner_can_read_it(
    aws: Cloud, provider_of: Any
) -> None:
    identity, outputs = aws.create(BUCKET, {"bucket": "simulated"})
    found = provider_of("aws", aws.directory, region="eu-central-1").read(BUCKET, identity)
    assert found.id == "simulated"
    assert found.properties == to_struct(outputs)
    assert found.inputs == to_struct({"bucket": "simulated"})
    written = [path for path in aws.directory.rglob("*") if path.is_file()]
    assert written
    assert all(path.stat().st_mode & 0o077 == 0 for path in written)


def test_default_tags_of_the_provider_are_on_what_it_makes(tmp_path: Path, provider_of: Any) -> None:
    aws = provider_of("aws", tmp_path, region="eu-central-1", defaultTags='{"tags": {"mlplatform:stack": "prod"}}')
    assert aws.create(VPC, {"cidrBlock": "10.0.0.0/16", "tags": {"a": "b"}})[1]["tagsAll"] == {
        "mlplatform:stack": "prod",
        "a": "b",
        "simulated": "true",
    }
