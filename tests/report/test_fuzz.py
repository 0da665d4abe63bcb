"""Damaged and hostile streams: only here a crash on a value of another kind, or a secret in a format, is found.

`MLPLATFORM_FUZZ_EXAMPLES` sets the number of streams; each is a part of a recorded one with a few values replaced.
"""

import copy
import json
import os
import random
import time
from collections.abc import Iterator
from typing import Any

import pytest

from report.comparison import Comparison
from report.document import report
from report.render.html import as_html
from report.render.json import as_json
from report.render.markdown import as_markdown
from report.render.sarif import as_sarif
from report.render.text import as_text
from report.stream import read_plan
from tests.report.recorded import TODAY, lines
from tests.report.scenarios import scenario

EXAMPLES = int(os.environ.get("MLPLATFORM_FUZZ_EXAMPLES", "300"))
FORMATS = (as_text, as_markdown, as_json, as_sarif, as_html)
SECRET = "planted-7f3a"
MARK = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
SECRETS: tuple[dict[str, Any], ...] = (
    {"value": {**MARK, "plaintext": json.dumps(SECRET)}},
    {"deep": [{"list": {**MARK, "value": SECRET, "ciphertext": SECRET}}]},
    {"password": SECRET, "adminPassword": SECRET, "apiToken": SECRET},
    {"env": [{"name": "WANDB_API_KEY", "value": SECRET}]},
    {"kind": "Secret", "stringData": {"plain": SECRET}, "data": {"other": SECRET}},
    {"data": {"file.conf": f"user = a\npassword = {SECRET}\n"}},
    {"args": [f"--token={SECRET}", "--secret-key", SECRET]},
    {"uri": f"https://user:{SECRET}@example.com/x"},
    {"template": {"metadata": {"annotations": {"credentials": SECRET}}}},
)
ODD: tuple[Any, ...] = (
    *(None, 0, -1, 1e308, True, "", "x", [], {}, [None], {"": None}, "🦆", "\x1b[2J", "a" * 3000, [[[]]]),
    *({"4dabf18193072939515e22adb298388d": 1}, {"containers": 1}, {"op": {}}, "urn:pulumi:::", "$", "::::"),
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container within the value, with each key of it."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield value, key
            yield from places(part)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield value, index
            yield from places(part)


def damaged(events: list[dict[str, Any]], chance: random.Random) -> list[str]:
    """A few events with values replaced, and now and then a line that is cut."""
    chosen = copy.deepcopy(chance.sample(events, min(6, len(events))))
    for _ in range(chance.randint(1, 4)):
        container, key = chance.choice([*places(chosen)])
        container[key] = copy.deepcopy(chance.choice(ODD))
    written = [json.dumps(one) for one in chosen]
    if chance.random() < 0.2:
        index = chance.randrange(len(written))
        written[index] = written[index][: chance.randrange(len(written[index]) + 1)]
    return written


def test_no_damaged_stream_is_a_crash_in_any_format():
    names = ("prod-grown", "prod-shrunk", "dev-changed", "blocked", "gke-spot-removed", "onprem-first")
    events = {name: [json.loads(line) for line in lines(name) if line.startswith("{")] for name in names}
    changing = {
        name: [one for one in found if '"op": "same"' not in json.dumps(one)[:300]] for name, found in events.items()
    }
    base = scenario("prod-shrunk")
    for number in range(EXAMPLES):
        chance = random.Random(number)
        stream = damaged(changing[chance.choice(names)], chance)
        end = ['{"summaryEvent": {}}'] if chance.random() < 0.9 else []
        plan = read_plan([*stream, *end], "prod", chance.choice((0, 0, 1)))
        made = report([Comparison("prod", plan, base.base, base.head, "the state", TODAY)])
        render = chance.choice(FORMATS)
        assert "\x1b" not in render(made), number


@pytest.mark.parametrize("inputs", SECRETS)
@pytest.mark.parametrize("operation", ["create", "update", "delete", "replace", "import", "teleport"])
def test_no_format_contains_a_secret(inputs, operation):
    urn = "urn:pulumi:prod::mlplatform::kubernetes:core/v1:Secret::one"
    old = {"custom": True, "inputs": {"kind": "ConfigMap", "changed": 1}}
    new = {"custom": True, "inputs": {"kind": "ConfigMap", "changed": 2, **inputs}}
    for states in ((old, new), (new, old), (None, new), (new, None)):
        metadata = {"op": operation, "urn": urn, "type": urn.split("::")[2], "old": states[0], "new": states[1]}
        stream = [json.dumps({"resOutputsEvent": {"metadata": metadata}}), '{"summaryEvent": {}}']
        base = scenario("prod-same")
        made = report([Comparison("prod", read_plan(stream, "prod"), base.base, base.head, "the state", TODAY)])
        for render in FORMATS:
            assert SECRET not in render(made)


def test_messages_of_policies_and_errors_show_no_secret():
    text = f"Job a/b: password={SECRET}, url https://a:{SECRET}@b"
    policy = {"policyName": "p", "message": text, "enforcementLevel": "advisory", "severity": "high"}
    streams = (
        [json.dumps({"policyEvent": policy}), '{"summaryEvent": {}}'],
        [json.dumps({"diagnosticEvent": {"severity": "error", "message": text}})],
        [f"error: {text}"],
    )
    for stream in streams:
        base = scenario("prod-same")
        made = report([Comparison("prod", read_plan(stream, "prod"), base.base, base.head, "the state", TODAY)])
        assert all(SECRET not in render(made) for render in FORMATS)


def test_ten_thousand_changed_resources_are_reported_in_every_format_within_seconds():
    def event(number: int) -> str:
        urn = f"urn:pulumi:prod::mlplatform::kubernetes:apps/v1:Deployment::d{number}"
        pod = {
            "containers": [{"name": "a", "image": f"ghcr.io/a/b:{number}", "env": [{"name": "A", "value": "b"}] * 5}]
        }
        states = {
            key: {
                "custom": True,
                "inputs": {"kind": "Deployment", "spec": {"replicas": count, "template": {"spec": pod}}},
            }
            for key, count in (("old", 1), ("new", 2))
        }
        return json.dumps({"resOutputsEvent": {"metadata": {"op": "update", "urn": urn, "type": "x", **states}}})

    stream = [*map(event, range(10_000)), '{"summaryEvent": {}}']
    base = scenario("prod-same")
    began = time.process_time()
    made = report([Comparison("prod", read_plan(stream, "prod"), base.base, base.head, "the state", TODAY)])
    assert made.stacks[0].changes.operations == {"update": 10_000}
    seconds = [time.process_time() - began]
    for render in FORMATS:
        began = time.process_time()
        render(made)
        seconds.append(time.process_time() - began)
    assert seconds[0] < 3, seconds
    assert max(seconds[1:]) < 3, seconds
