"""Names in a cloud: short enough, allowed, the same each time. Not proved here: that they are free."""

import re

import pytest
from botocore.session import Session
from hypothesis import given
from hypothesis import strategies as st

from components.clouds.names import deterministic_name, identifier, partition

NAMES = st.text(alphabet="abcXYZ019-_.", min_size=1, max_size=80)


@given(st.lists(NAMES, min_size=1, max_size=4), st.integers(min_value=16, max_value=97))
def test_a_name_fits_and_is_the_same_each_time(parts: list[str], length: int) -> None:
    name = deterministic_name(length, *parts)
    assert len(name) <= length
    assert name == deterministic_name(length, *parts)
    assert name == "-".join(parts) or re.fullmatch(r".*-[0-9a-f]{8}", name)


def test_names_that_begin_alike_stay_apart_when_they_are_cut() -> None:
    assert deterministic_name(20, "a" * 40, "x") != deterministic_name(20, "a" * 40, "y")


def test_a_name_that_is_cut_is_the_one_that_running_stacks_have() -> None:
    assert deterministic_name(20, "a" * 40, "x") == "aaaaaaaaaaa-ff6db383"


@given(st.lists(NAMES, min_size=1, max_size=4))
def test_an_identifier_starts_with_a_letter_and_has_single_hyphens(parts: list[str]) -> None:
    if all(re.search("[A-Za-z0-9]", part) for part in parts):
        assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", identifier(63, *parts))


@pytest.mark.parametrize("known", Session().get_available_partitions())
def test_every_region_of_botocore_is_in_its_partition(known: str) -> None:
    for region in Session().get_available_regions("s3", known):
        if known in ("aws", "aws-cn", "aws-us-gov", "aws-eusc"):
            assert partition(region) == known, region
