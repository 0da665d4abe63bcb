"""One environment, from its settings: cluster, add-ons, tenants, workloads."""

import pulumi

from components.findings import Refused
from stacks import sdk

sdk.spare()

from stacks.environment import declare  # noqa: E402 - the garbage collector runs less often during imports too

try:
    declare()
except Refused as refused:
    raise pulumi.RunError(str(refused)) from None
