"""Whether a simulated cloud would take the inputs of a resource. For unit tests too: no engine, no provider."""

from collections.abc import Mapping
from typing import Any

from simulator.clouds import checks, sdk
from simulator.clouds.checks import Problem
from simulator.clouds.rules import check_rules
from simulator.clouds.tables import ROWS


def refused(type_token: str, inputs: Mapping[str, Any]) -> list[Problem]:
    """All that is wrong with inputs (wire names, JSON values, `values.UNKNOWN`) of a resource type."""
    row = ROWS.get(type_token)
    if row is None:
        unknown = f"the simulated cloud does not know the resource type {type_token} (simulator/clouds/tables)"
        return [Problem("", unknown)]
    try:
        found = list(checks.check_sdk(type_token, inputs))
    except sdk.UnknownClass as error:
        return [Problem("", str(error))]
    if found:  # what the SDK does not have, the API model would only complain of again
        return found
    return [*checks.check_api(row, inputs), *check_rules(type_token, inputs)]
