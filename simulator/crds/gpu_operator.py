"""NVIDIA GPU Operator v26.7.0: the one policy that says what it brings to nodes with GPUs."""

from simulator.crds.schema import (
    BOOLEAN,
    INT64,
    INT_OR_STRING,
    STRING,
    STRING_MAP,
    STRINGS,
    Fragment,
    Kind,
    Schema,
    array,
    choice,
    integer,
    obj,
    string,
)

_ENV = Fragment("env", array(obj({"name": STRING, "value": STRING}, "name")))
_IMAGE = string(pattern=r"[a-zA-Z0-9\-]+")
_SECONDS = integer(None, minimum=0)


def _operand(more: dict[str, Schema] | None = None) -> Schema:
    """What every operand has: whether it runs, from which image."""
    common = {"enabled": BOOLEAN, "repository": STRING, "image": _IMAGE, "version": STRING, "env": _ENV}
    return obj({**common, **(more or {})})


_SERVICE_MONITOR = obj(
    {
        "additionalLabels": STRING_MAP,
        "enabled": BOOLEAN,
        "honorLabels": BOOLEAN,
        "interval": STRING,
        "scrapeTimeout": STRING,
    }
)
_TOLERATION = obj({"effect": STRING, "key": STRING, "operator": STRING, "tolerationSeconds": INT64, "value": STRING})
_UPGRADE = obj(
    {
        "autoUpgrade": {**BOOLEAN, "default": False},
        "drain": obj(
            {
                "deleteEmptyDir": {**BOOLEAN, "default": False},
                "enable": {**BOOLEAN, "default": False},
                "force": {**BOOLEAN, "default": False},
                "podSelector": STRING,
                "timeoutSeconds": {**_SECONDS, "default": 300},
            }
        ),
        "maxParallelUpgrades": integer(None, minimum=0, default=1),
        "maxUnavailable": {**INT_OR_STRING, "default": "25%"},
    }
)

_POLICY = obj(
    {
        "cdi": obj({"enabled": {**BOOLEAN, "default": True}}),
        "daemonsets": obj(
            {
                "annotations": STRING_MAP,
                "labels": STRING_MAP,
                "priorityClassName": STRING,
                "rollingUpdate": obj({"maxUnavailable": STRING}),
                "tolerations": array(_TOLERATION),
                "updateStrategy": choice("RollingUpdate", "OnDelete", default="RollingUpdate"),
            }
        ),
        "dcgm": _operand(),
        "dcgmExporter": _operand(
            {
                "config": obj({"name": STRING}),
                "enablePodLabels": BOOLEAN,
                "podLabelAllowlistRegex": STRINGS,
                "serviceMonitor": _SERVICE_MONITOR,
            }
        ),
        "devicePlugin": _operand({"config": obj({"default": STRING, "name": STRING})}),
        "driver": _operand(
            {
                "kernelModuleType": choice("auto", "open", "proprietary", default="auto"),
                "rdma": obj({"enabled": BOOLEAN, "useHostMofed": BOOLEAN}),
                "upgradePolicy": _UPGRADE,
                "useNvidiaDriverCRD": BOOLEAN,
                "usePrecompiled": BOOLEAN,
            }
        ),
        "gfd": _operand(),
        "hostPaths": obj({"driverInstallDir": STRING, "rootFS": STRING}),
        "mig": obj({"strategy": choice("none", "single", "mixed")}),
        "migManager": _operand(
            {"config": obj({"default": choice("all-disabled", "", default="all-disabled"), "name": STRING})}
        ),
        "nodeStatusExporter": _operand(),
        "operator": obj({"runtimeClass": string(default="nvidia")}),
        "toolkit": _operand({"installDir": string(default="/usr/local/nvidia")}),
    },
    "daemonsets dcgm dcgmExporter devicePlugin driver gfd nodeStatusExporter operator toolkit",
)

KINDS = (
    Kind(
        "nvidia.com",
        "ClusterPolicy",
        "clusterpolicies",
        "What the operator brings to the nodes with GPUs.",
        _POLICY,
        cluster_scoped=True,
        columns=(("Status", "string", ".status.state"),),
        required="",
    ),
)
