"""One environment, from its settings: cluster, add-ons, tenants, workloads."""

import pulumi

from policies.rules.finding import Refused
from stacks.environment import declare

try:
    declare()
except Refused as refused:
    raise pulumi.RunError(str(refused)) from None
