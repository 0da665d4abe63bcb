"""Capacity before and after: only here a pool that grows without a word, or a quota that is lost, is found."""

from typing import Any

from report.comparison import Comparison, Side
from report.sections.accelerators import accelerators
from tests.report.recorded import NO_SETTINGS, TODAY, plan, side, stack_text
from tests.report.scenarios import scenario, settings_text


def texts(comparison: Comparison) -> list[str]:
    return [one.text for one in accelerators(comparison).reasons]


def changed(edit: Any) -> Comparison:
    before, after = side(settings_text("prod", lambda _: None)), side(settings_text("prod", edit))
    return Comparison("prod", plan("prod-same"), before, after, "the state", TODAY)


def test_a_pool_that_is_removed_takes_its_devices_its_cap_and_the_quota_with_it():
    found = accelerators(scenario("prod-shrunk"))
    gone = {
        one.key: (one.devices_max_before, one.devices_max_after, one.units_before, one.units_after)
        for one in found.pools
    }
    assert gone["a100-mig/1g.10gb"] == (16, 0, 32, 0)
    assert gone["h100"] == (64, 64, 64, 64)
    assert [(one.cap_before, one.cap_after) for one in found.caps if one.accelerator == "A100-80GB"] == [(16, None)]
    assert [one.text for one in found.reasons] == [
        "A100-80GB: 16 → 0 devices at most.",
        "Team vision loses quota of a100-mig/1g.10gb: 16 → 0 units, 0 requested.",
    ]


def test_a_pool_that_grows_without_a_quota_is_idle():
    def grow(sections: dict[str, Any]) -> None:
        sections["cluster"]["pools"]["h100"]["nodesMax"] = 9
        sections["environment"]["deviceCaps"]["H100"] = 72

    comparison = changed(grow)
    assert texts(comparison) == [
        "H100: 64 → 72 devices at most.",
        "8 units of pool h100 are in no team's quota and stay idle.",
    ]
    reason = accelerators(comparison).reasons[0]
    assert comparison.head.text.splitlines()[reason.line - 1].strip() == "nodesMax: 9"


def test_nodes_that_always_run_are_a_reason_to_look():
    assert texts(changed(lambda sections: sections["cluster"]["pools"]["h100"].update(nodesMin=3))) == [
        "Pool h100 keeps 16 → 24 devices running."
    ]


def test_a_first_deployment_has_all_capacity_as_new():
    found = accelerators(scenario("prod-first"))
    assert {one.devices_max_before for one in found.pools} == {0}
    assert sum(one.text.startswith("H100: 0 → 64 devices") for one in found.reasons) == 1


def test_the_section_agrees_with_the_ledger_for_every_stack():
    for name in ("dev-changed", "gke-first", "onprem-first", "prod-first"):
        comparison = scenario(name)
        ledger = comparison.head.settings.ledger
        found = accelerators(comparison)
        assert {one.key: one.units_after for one in found.pools if one.units_after} == {
            one.key: one.units for one in ledger.supplies
        }
        assert {(one.team, one.key): one.left_after for one in found.quotas} == {
            (team, key): ledger.left(team, key) for team, quotas in ledger.team_quotas.items() for key in quotas
        }


def test_without_valid_settings_nothing_is_said():
    refused = Comparison("prod", plan("prod-same"), NO_SETTINGS, Side("config: {}"), "the state", TODAY)
    assert (accelerators(refused).known, accelerators(refused).reasons) == (False, ())
    old = Comparison("prod", plan("prod-same"), Side("config: {}"), side(stack_text("prod")), "the state", TODAY)
    assert accelerators(old).reasons == ()
