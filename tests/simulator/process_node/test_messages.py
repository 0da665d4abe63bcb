"""The table of CRI messages against upstream's own file, and what protobuf makes of it.

The file is in Go's module cache once the tools have been built here; where they were downloaded there is none, and the
comparison is skipped by name.
"""

import re
import subprocess
from pathlib import Path

import pytest

from simulator.process_node.messages import classes, new, table

MODULE = Path(__file__).parents[3] / "tools" / "go" / "kubernetes"


def upstream_fields() -> dict[str, dict[str, tuple[int, str]]]:
    """The messages of api.proto: field -> number and type, written as in the table."""
    answer = subprocess.run(
        ["go", "list", "-mod=mod", "-m", "-f", "{{.Dir}}", "k8s.io/cri-api"],
        cwd=MODULE,
        capture_output=True,
        text=True,
        check=False,
    )
    path = Path(answer.stdout.strip() or "/nowhere") / "pkg/apis/runtime/v1/api.proto"
    if answer.returncode or not path.exists():
        pytest.skip("k8s.io/cri-api is not in Go's module cache: the field numbers of cri.yaml are not compared")
    text = re.sub(r"//.*", "", path.read_text(encoding="utf-8"))
    enumerations = set(re.findall(r"enum (\w+) \{", text))
    messages: dict[str, dict[str, tuple[int, str]]] = {}
    for name, body in re.findall(r"message (\w+)\s*\{((?:[^{}]|\{[^{}]*\})*)\}", text):
        fields = messages.setdefault(name, {})
        for repeated, kind, field, number in re.findall(r"(repeated )?(map<[^>]*>|[\w.]+) (\w+) = (\d+)\s*;", body):
            written = "map" if kind.startswith("map") else "int32" if kind in enumerations else kind
            fields[field] = int(number), written + ("[]" if repeated else "")
    return messages


def test_every_field_has_upstreams_number_and_type() -> None:
    upstream = upstream_fields()
    ours = {(message, name): tuple(fact) for message, fields in table().items() for name, fact in fields.items()}
    theirs = {(message, name): upstream[message].get(name) for message, name in ours}
    assert ours == theirs


def test_a_field_that_the_table_lacks_is_skipped() -> None:
    """The kubelet sends more than the runtime reads: here field 2 of PodSandboxStatusRequest, `verbose`."""
    pod = new("PodSandboxStatusRequest", pod_sandbox_id="a")
    read = classes()["PodSandboxStatusRequest"].FromString(pod.SerializeToString() + b"\x10\x01")
    assert read.pod_sandbox_id == "a"


def test_a_state_of_zero_in_a_filter_differs_from_no_state() -> None:
    """READY is 0: a filter for ready pods must not be read as a filter for every pod."""
    assert new("PodSandboxFilter", state={"state": 0}).HasField("state")
    assert not new("PodSandboxFilter").HasField("state")
