"""The rows against what they speak of: properties of the SDK's classes, members of the API models."""

import pytest

from simulator.clouds import sdk
from simulator.clouds.checks import _EVERYWHERE, _Api, _bare, _descend
from simulator.clouds.rows import Row
from simulator.clouds.shapes import shape
from simulator.clouds.tables import ROWS


def first(paths: str) -> set[str]:
    return {path.removeprefix("~").partition(".")[0] for path in paths.split()}


@pytest.mark.parametrize("row", ROWS.values(), ids=lambda row: row.title)
def test_every_property_that_a_row_names_is_one_of_the_sdk(row: Row) -> None:
    takes, gives = set(sdk.inputs(row.type)), set(sdk.outputs(row.type))
    named = first(f"{row.fixed} {row.unchecked} {row.protected} {row.autoname} {row.labels}")
    named |= first(" ".join([*row.renames, *row.needs]))
    assert named - takes - _EVERYWHERE[row.cloud] == set()
    assert first(" ".join([*row.outputs, row.counts])) - gives == set()


@pytest.mark.parametrize("row", ROWS.values(), ids=lambda row: row.title)
def test_every_member_that_a_row_names_is_one_of_the_api(row: Row) -> None:
    if not row.api:
        return
    name, _, inner = row.api.partition(":")
    start = _descend(shape(row.cloud, name), inner)
    for path, target in row.renames.items():
        if "." not in path:
            _Api(row)._member(start, target)


@pytest.mark.parametrize("row", ROWS.values(), ids=lambda row: row.title)
def test_types_that_a_row_needs_are_known(row: Row) -> None:
    for types in row.needs.values():
        assert set(types.split()) <= set(ROWS)


def test_the_properties_that_this_platform_uses_are_all_checked() -> None:
    """A property without a member is refused when it is used; these are used."""
    used = {
        "aws:eks/nodeGroup:NodeGroup": "subnetIds nodeRoleArn launchTemplate taints labels updateConfig",
        "aws:eks/cluster:Cluster": "vpcConfig encryptionConfig accessConfig upgradePolicy computeConfig",
        "gcp:container/nodePool:NodePool": "nodeConfig placementPolicy queuedProvisioning networkConfig management",
    }
    for token, names in used.items():
        row = ROWS[token]
        members = {_bare(name) for name in shape(row.cloud, row.api).members()}
        for name in names.split():
            assert name in row.renames or _bare(name) in members
