"""One environment, from its settings: cluster, add-ons, tenants, workloads."""

import os

import pulumi
import pulumi.log

from components.findings import Refused
from stacks.environment import declare

# What the SDK does for each resource and nobody reads: it fetches every object of a chart a second time, for the
# chart's output `resources`, and sends four debug messages, each a call to the engine that only `pulumi --debug` shows.
# A preview of dev (467 resources) took 18.7 s with both and takes 13.5 s without.
os.environ.setdefault("PULUMI_DISABLE_RESOURCE_REFERENCES", "true")
if not os.environ.get("MLPLATFORM_SDK_DEBUG"):
    pulumi.log.debug = lambda *_args, **_options: None

try:
    declare()
except Refused as refused:
    raise pulumi.RunError(str(refused)) from None
