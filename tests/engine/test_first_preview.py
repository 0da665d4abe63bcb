"""A first preview, without a cluster: policies see every object, those of charts too.

Not proved here: charts of upstream's registries (`make verify-upstream` renders those).
"""

import pytest

from tests.engine.conftest import REPOSITORY

PACK = REPOSITORY / "policies"


@pytest.fixture
def preview(workspace, monkeypatch):
    """Previews the program with a tag of the chart's image and a location of charts."""
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))

    def run(tag: str, **settings: str):
        config = {f"unreachable:{key}": value for key, value in {"tag": tag, **settings}.items()}
        name = f"unreachable-{settings.get('units', '0')}"
        return workspace("unreachable", config=config, policy_pack=PACK, name=name).preview()

    return run


def test_an_object_that_a_chart_would_create_is_refused_before_the_cluster_is_there(preview):
    """On the first preview of prod policies saw 479 of 662 objects; the rest was checked while `up` created it."""
    plan = preview("latest")
    assert not [name for name in plan.changes if "DaemonSet" in name]
    (violation,) = [found for found in plan.violations if found.mandatory]
    assert violation.policy == "charts-keep-the-policies"
    assert "\nimages-name-one-version: DaemonSet dcgm/dcgm-exporter spec.template.spec" in violation.message
    assert ":latest" in violation.message


def test_a_chart_that_keeps_the_policies_passes(preview):
    assert preview("4.5.3").violations == ()


def test_a_chart_that_cannot_be_rendered_is_named_and_stops_nothing(preview):
    (violation,) = preview("4.5.3", location="/nowhere").violations
    assert (violation.policy, violation.mandatory) == ("charts-are-visible", False)
    assert "chart dcgm-exporter: helm: " in violation.message


def test_a_job_over_its_quota_is_refused_before_the_cluster_is_there(preview):
    """Without a cluster the provider answers with empty outputs: policies on the whole stack passed everything."""
    assert preview("4.5.3", units="4").violations == ()
    violations = {found.policy: found.message for found in preview("4.5.3", units="8").violations if found.mandatory}
    assert violations.keys() == {"accelerators-within-quota", "accelerator-namespaces-have-quota"}
    wanted = "Job vision/greedy: team vision requests 8 of h100. Rule: its quota is 4."
    assert wanted in violations["accelerators-within-quota"]
