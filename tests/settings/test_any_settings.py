"""Whatever is written into a settings file, the reader answers with settings or with findings, never with an exception.

The good files are broken in one to three places. Only this finds exceptions on inputs that no other test has. Not
proved: that a finding is right (bad_settings/ does that), or that what is accepted can be deployed.
"""

import copy
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.findings import Refused
from settings.reader import from_file
from tests.support.settings import GOOD

REPOSITORY = Path(__file__).parents[2]
EXAMPLES = int(os.environ.get("MLPLATFORM_FUZZ_EXAMPLES", "500"))
"""More of them find more: 20,000 take half an hour."""
FILES = [
    *(REPOSITORY / f"Pulumi.{name}.yaml" for name in ("dev", "prod", "gke", "onprem")),
    *(GOOD.with_name(name) for name in ("good.yaml", "good-eks.yaml", "good-gke.yaml")),
]
DOCUMENTS = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in FILES]
Path_ = tuple[int | str, ...]
ODD: list[Any] = [
    *(None, True, False, 0, -1, 1, 7, 10**30, 0.5, -0.0, float("inf"), float("nan")),
    *("", " ", "x", "0", "-1", "1.5", "true", "latest", "a b", "a/b", "/", "..", "*", "\x00", "\n", "ä", "x" * 300),
    *(
        "10Gi",
        "0 0 * * *",
        "0.0.0.0/0",
        "::/0",
        "::1",
        "http://[",
        "s3://",
        "nvidia.com/gpu",
        "simulated",
        "mig",
        "spot",
    ),
    *([], {}, [None], [[]], [{}], {"": ""}, {"a": None}, {"kind": []}, {1: 2}, {None: 1}, [1, "a", {}]),
]


class Place(NamedTuple):
    """A node of a document below `config`."""

    holder: Any
    key: Any


def places(node: Any) -> Iterator[Place]:
    """Every place in a document."""
    entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in entries:
        yield Place(node, key)
        yield from places(value)


def delete(data: st.DataObject, place: Place, _all: list[Place]) -> None:
    """The key is missing."""
    del place.holder[place.key]


def retype(data: st.DataObject, place: Place, _all: list[Place]) -> None:
    """The value is of another kind."""
    place.holder[place.key] = copy.deepcopy(data.draw(st.sampled_from(ODD), label="instead"))


def wrap(data: st.DataObject, place: Place, _all: list[Place]) -> None:
    """The value is one level too deep."""
    inside = place.holder[place.key]
    wrappers = [[inside], {"kind": inside}, {str(place.key): inside}, [inside, inside]]
    place.holder[place.key] = data.draw(st.sampled_from(wrappers), label="wrapped")


def misspell(data: st.DataObject, place: Place, _all: list[Place]) -> None:
    """The key is another one."""
    if isinstance(place.holder, dict):
        key = str(place.key)
        others = [key[:-1], key + "s", key.upper(), key.lower(), key[::-1], f" {key}", 7, None, True, "kind", ""]
        place.holder[data.draw(st.sampled_from(others), label="key")] = place.holder.pop(place.key)


def swap(data: st.DataObject, place: Place, everywhere: list[Place]) -> None:
    """Two values have changed places, wherever they stand."""
    other = data.draw(st.sampled_from(everywhere), label="with")
    one, two = copy.deepcopy(place.holder[place.key]), copy.deepcopy(other.holder[other.key])
    other.holder[other.key] = one
    if place.holder is other.holder or place in [*places({"": place.holder})]:
        place.holder[place.key] = two


def copied(data: st.DataObject, place: Place, everywhere: list[Place]) -> None:
    """A value that is right elsewhere."""
    other = data.draw(st.sampled_from(everywhere), label="from")
    place.holder[place.key] = copy.deepcopy(other.holder[other.key])


BREAKS = [delete, retype, wrap, misspell, swap, copied]


@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(data=st.data(), original=st.sampled_from(range(len(FILES))), times=st.integers(1, 3))
def test_settings_that_are_broken_anywhere_are_read_or_refused_with_whole_findings(
    data: st.DataObject, original: int, times: int
) -> None:
    document = copy.deepcopy(DOCUMENTS[original])
    for _ in range(times):
        everywhere = [*places(document["config"])] if isinstance(document.get("config"), dict) else []
        if not everywhere:
            break
        change = data.draw(st.sampled_from(BREAKS), label="change")
        change(data, data.draw(st.sampled_from(everywhere), label="place"), everywhere)
    read_or_refused(yaml.safe_dump(document, sort_keys=False))


def read_or_refused(text: str) -> None:
    """Read the text. Findings are whole, each on its own lines."""
    try:
        from_file(text)
    except Refused as refused:
        for finding in refused.findings:
            assert all(isinstance(part, str) and part.strip() for part in finding), repr(finding)
            assert "\n" not in "".join(finding), repr(finding)
            assert "\x00" not in "".join(finding), repr(finding)


@pytest.mark.parametrize("section", ["dns", "objectStore", "cluster", "mlflow"])
@pytest.mark.parametrize("kind", [None, [], ["route53"], {}, {"a": 1}, True, 1.5, "route5"], ids=str)
def test_a_kind_that_is_none_is_answered_with_the_kinds_there_are(section: str, kind: Any) -> None:
    chosen = {"database": {"kind": kind}} if section == "mlflow" else {"kind": kind}
    path = "mlflow.database.kind" if section == "mlflow" else f"{section}.kind"
    config = {**DOCUMENTS[0]["config"], f"mlplatform:{section}": chosen}
    with pytest.raises(Refused) as refused:
        from_file(yaml.safe_dump({"config": config}))
    (finding,) = [finding for finding in refused.value.findings if finding.path == path]
    assert finding.rule.startswith("one of: ")
