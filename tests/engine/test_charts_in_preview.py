"""A first preview, without a cluster: the provider renders no chart, and policies see its objects all the same.

Not proved here: charts of upstream's registries (`make verify-upstream` renders those).
"""

import pytest

from tests.engine.conftest import REPOSITORY

PACK = REPOSITORY / "policies"


@pytest.fixture
def preview(workspace, monkeypatch):
    """Previews the program with a tag of the chart's image and a location of charts."""
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))

    def run(tag: str, location: str = ""):
        config = {"unreachable:tag": tag} | ({"unreachable:location": location} if location else {})
        return workspace("unreachable", config=config, policy_pack=PACK).preview()

    return run


def test_an_object_that_a_chart_would_create_is_refused_before_the_cluster_is_there(preview):
    """On the first preview of prod policies saw 479 of 662 objects; the rest was checked while `up` created it."""
    plan = preview("latest")
    assert not [name for name in plan.changes if "DaemonSet" in name]
    (violation,) = [found for found in plan.violations if found.mandatory]
    assert violation.policy == "charts-keep-the-policies"
    assert violation.message.startswith("images-name-one-version: DaemonSet dcgm/dcgm-exporter")
    assert ":latest" in violation.message


def test_a_chart_that_keeps_the_policies_passes(preview):
    assert preview("4.5.3").violations == ()


def test_a_chart_that_cannot_be_rendered_is_named_and_stops_nothing(preview):
    (violation,) = preview("4.5.3", "/nowhere").violations
    assert (violation.policy, violation.mandatory) == ("charts-are-visible", False)
    assert "chart dcgm-exporter: helm: " in violation.message
