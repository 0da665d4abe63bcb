"""DRA driver for NVIDIA GPUs v0.4.1: domains of nodes whose GPUs share memory over NVLink."""

from simulator.crds.schema import STRING, Kind, choice, integer, obj

_DOMAIN = obj(
    {
        "channel": obj(
            {
                "allocationMode": choice("All", "Single", default="Single"),
                "resourceClaimTemplate": obj({"name": STRING}, "name"),
            },
            "resourceClaimTemplate",
        ),
        "numNodes": integer(None, minimum=0, default=0),
    },
    "channel",
)

KINDS = (
    Kind(
        "resource.nvidia.com",
        "ComputeDomain",
        "computedomains",
        "Nodes that share the memory of their GPUs for one workload.",
        _DOMAIN,
        versions=("v1beta1",),
        columns=(),
        required="",
    ),
)
