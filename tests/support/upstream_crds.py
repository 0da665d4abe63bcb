"""The CRDs of upstream, which may be next to the checkout; they are no part of the project."""

from pathlib import Path

FOLDER = Path(__file__).parents[3] / "shared" / "crds"
ABSENT = "the CRDs of upstream are not next to the checkout"
"""Why a test is skipped; `tests/conftest.py` says once, at the end, what is then not checked."""
UNCHECKED = f"""{ABSENT} ({FOLDER}). Not checked:
that the facts have every field of upstream's CRDs (simulator/test_crds.py), that statuses of the simulator fit
upstream's (simulator/test_custom_resources.py), that fields which policies read exist (policies/test_pods.py,
policies/test_pod_templates.py).
engine/test_strict_validation.py and simulator/test_onprem_charts.py validated against CRDs built from the facts of
catalog/upstream, which have no rules in CEL."""
