"""GKE's ComputeClass, which every GKE cluster brings with it: from the documented fields (reference/crds/computeclass).

Google publishes no CRD file, so nothing here is compared with one: names, types and enumerations are the page's.
"""

from simulator.crds.schema import BOOLEAN, STRING, STRING_MAP, STRINGS, Kind, array, choice, integer, obj

_INTEGER = integer(None)
_RESERVATION = obj(
    {
        "name": STRING,
        "project": STRING,
        "zones": STRINGS,
        "reservationBlock": obj({"name": STRING, "reservationSubBlock": obj({"name": STRING}, "name")}, "name"),
    },
    "name",
)
_PRIORITY = obj(
    {
        "machineType": STRING,
        "machineFamily": STRING,
        "minCores": _INTEGER,
        "minMemoryGb": _INTEGER,
        "nodepools": STRINGS,
        "spot": BOOLEAN,
        "gpu": obj({"type": STRING, "count": _INTEGER, "driverVersion": choice("default", "latest")}),
        "tpu": obj({"type": STRING, "count": _INTEGER, "topology": STRING}),
        "flexStart": obj({"enabled": BOOLEAN}, "enabled"),
        "maxRunDurationSeconds": integer(None, minimum=1, maximum=604800),
        "reservations": obj(
            {"affinity": choice("Specific", "AnyBestEffort", "None"), "specific": array(_RESERVATION)}, "affinity"
        ),
        "location": obj({"zones": STRINGS}),
        "storage": obj({"bootDiskType": STRING, "bootDiskSize": _INTEGER, "localSSDCount": _INTEGER}),
    }
)

KINDS = (
    Kind(
        "cloud.google.com",
        "ComputeClass",
        "computeclasses",
        "Which nodes GKE makes for the pods that select the class.",
        obj(
            {
                "description": STRING,
                "activeMigration": obj({"optimizeRulePriority": BOOLEAN}, "optimizeRulePriority"),
                "nodePoolAutoCreation": obj({"enabled": BOOLEAN}, "enabled"),
                "nodePoolConfig": obj(
                    {
                        "serviceAccount": STRING,
                        "nodeLabels": STRING_MAP,
                        "taints": array(
                            obj(
                                {
                                    "key": STRING,
                                    "value": STRING,
                                    "effect": choice("NoSchedule", "PreferNoSchedule", "NoExecute"),
                                },
                                "key effect",
                            )
                        ),
                        "imageStreaming": obj({"enabled": BOOLEAN}, "enabled"),
                    }
                ),
                "priorities": array(_PRIORITY),
                "whenUnsatisfiable": choice("ScaleUpAnyway", "DoNotScaleUp"),
            },
            "priorities",
        ),
        cluster_scoped=True,
        short_names=(),
    ),
)
