"""The variable MLPLATFORM_REAL."""

import pytest

from simulator import stand_ins
from simulator.errors import SimulatorError
from simulator.real import Part, requested


def test_nothing_is_requested_by_default():
    assert requested({}) == requested({"MLPLATFORM_REAL": ""}) == frozenset()


def test_parts_are_separated_by_commas():
    assert requested({"MLPLATFORM_REAL": " prometheus,"}) == {Part.PROMETHEUS}


def test_an_unknown_part_is_refused_with_the_allowed_ones():
    with pytest.raises(SimulatorError, match="MLPLATFORM_REAL=grafana: allowed are prometheus"):
        requested({"MLPLATFORM_REAL": "prometheus,grafana"})


def test_the_chart_of_a_real_operator_is_marked_and_the_usual_one_is_not():
    chart = "kube-prometheus-stack"
    usual, operated = (
        stand_ins.folder(real) / "charts" / chart for real in (frozenset(), frozenset({Part.PROMETHEUS}))
    )
    assert not (usual / stand_ins.OPERATED_FILE).exists()
    assert (operated / stand_ins.OPERATED_FILE).exists()
    assert (operated / "values.yaml").read_bytes() == (usual / "values.yaml").read_bytes()
