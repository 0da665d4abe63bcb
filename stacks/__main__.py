"""One environment, from its settings: cluster, add-ons, tenants, workloads."""

import pulumi

from components.findings import Refused
from stacks import sdk
from stacks.environment import declare

sdk.spare()
try:
    declare()
except Refused as refused:
    raise pulumi.RunError(str(refused)) from None
