"""Envoy Gateway v1.9.0: how the proxies of a gateway run (no policies, filters, patches or back ends of its own)."""

from simulator.crds.core import LABEL_SELECTOR
from simulator.crds.schema import (
    ATOMIC_STRINGS,
    INT32,
    INT_OR_STRING,
    QUANTITY,
    STRING,
    STRING_MAP,
    STRINGS,
    Kind,
    array,
    choice,
    integer,
    mapping,
    obj,
    string,
)

_DURATION = string(pattern=r"^([0-9]{1,5}(h|m|s|ms)){1,4}$")
_POD = obj(
    {
        "annotations": STRING_MAP,
        "labels": STRING_MAP,
        "nodeSelector": STRING_MAP,
        "priorityClassName": STRING,
        "tolerations": array(
            obj(
                {
                    "effect": STRING,
                    "key": STRING,
                    "operator": STRING,
                    "tolerationSeconds": integer("int64"),
                    "value": STRING,
                }
            )
        ),
        "topologySpreadConstraints": array(
            obj(
                {
                    "labelSelector": LABEL_SELECTOR,
                    "matchLabelKeys": ATOMIC_STRINGS,
                    "maxSkew": INT32,
                    "minDomains": INT32,
                    "nodeAffinityPolicy": STRING,
                    "nodeTaintsPolicy": STRING,
                    "topologyKey": STRING,
                    "whenUnsatisfiable": STRING,
                },
                "maxSkew topologyKey whenUnsatisfiable",
            )
        ),
    }
)
_DEPLOYMENT = obj(
    {
        "container": obj({"resources": obj({"limits": mapping(QUANTITY), "requests": mapping(QUANTITY)})}),
        "name": STRING,
        "pod": _POD,
        "replicas": INT32,
        "strategy": obj(
            {
                "rollingUpdate": obj({"maxSurge": INT_OR_STRING, "maxUnavailable": INT_OR_STRING}),
                "type": STRING,
            }
        ),
    }
)
_SERVICE = obj(
    {
        "annotations": STRING_MAP,
        "externalTrafficPolicy": choice("Local", "Cluster", default="Local"),
        "loadBalancerClass": STRING,
        "loadBalancerSourceRanges": STRINGS,
        "name": STRING,
        "type": choice("ClusterIP", "LoadBalancer", "NodePort", default="LoadBalancer"),
    }
)

KINDS = (
    Kind(
        "gateway.envoyproxy.io",
        "EnvoyProxy",
        "envoyproxies",
        "How the proxies of a gateway class or of one gateway run.",
        obj(
            {
                "provider": obj(
                    {
                        "kubernetes": obj(
                            {
                                "envoyDeployment": _DEPLOYMENT,
                                "envoyPDB": obj(
                                    {"maxUnavailable": INT_OR_STRING, "minAvailable": INT_OR_STRING, "name": STRING}
                                ),
                                "envoyService": _SERVICE,
                            }
                        ),
                        "type": choice("Kubernetes", "Host"),
                    },
                    "type",
                ),
                "shutdown": obj({"drainTimeout": _DURATION, "minDrainDuration": _DURATION}),
            }
        ),
        versions=("v1alpha1",),
        short_names=("eproxy",),
        categories=("envoy-gateway",),
        columns=(),
    ),
)
