"""What runs for real only on request, because it is built from Go modules for minutes: the variable MLPLATFORM_REAL."""

from collections.abc import Mapping
from enum import Enum

from simulator.errors import SimulatorError

VARIABLE = "MLPLATFORM_REAL"


class Part(str, Enum):
    """A part of the platform, with everything that it needs."""

    __str__ = str.__str__

    PROMETHEUS = "prometheus"
    """prometheus-operator, and the Prometheus, Alertmanager and kube-state-metrics of its chart."""


def requested(environment: Mapping[str, str]) -> frozenset[Part]:
    """The parts that the variable names, separated by commas.

    Raises:
        SimulatorError: there is no such part.
    """
    names = {name.strip() for name in environment.get(VARIABLE, "").split(",")} - {""}
    if unknown := sorted(names - {*Part}):
        raise SimulatorError(f"{VARIABLE}={','.join(unknown)}: allowed are {', '.join(Part)}.")
    return frozenset(Part(name) for name in names)
