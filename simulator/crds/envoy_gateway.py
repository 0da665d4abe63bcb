"""Envoy Gateway v1.9.1: how the proxies of a GatewayClass run, and who may pass a route."""

from simulator.crds.core import (
    AFFINITY,
    CONTAINER,
    CONTAINER_SECURITY,
    ENV_ENTRY,
    IMAGE_PULL_SECRETS,
    POD_SECURITY,
    RESOURCES,
    ROLLING_STRATEGY,
    TOLERATIONS,
    TOPOLOGY_SPREAD,
    VOLUME_MOUNT,
    VOLUMES,
)
from simulator.crds.schema import (
    BOOLEAN,
    INT32,
    INT_OR_STRING,
    STRING,
    STRING_MAP,
    STRINGS,
    Kind,
    array,
    choice,
    mapping,
    obj,
    string,
)

_DURATION = string(pattern=r"^([0-9]{1,5}(h|m|s|ms)){1,4}$")
_DEPLOYMENT = obj(
    {
        "container": obj(
            {
                "env": array(ENV_ENTRY),
                "image": STRING,
                "resources": RESOURCES,
                "securityContext": CONTAINER_SECURITY,
                "volumeMounts": array(VOLUME_MOUNT),
            }
        ),
        "initContainers": array(CONTAINER),
        "name": STRING,
        "pod": obj(
            {
                "affinity": AFFINITY,
                "annotations": STRING_MAP,
                "imagePullSecrets": IMAGE_PULL_SECRETS,
                "labels": STRING_MAP,
                "nodeSelector": STRING_MAP,
                "priorityClassName": STRING,
                "securityContext": POD_SECURITY,
                "tolerations": TOLERATIONS,
                "topologySpreadConstraints": array(TOPOLOGY_SPREAD),
                "volumes": VOLUMES,
            }
        ),
        "replicas": INT32,
        "strategy": ROLLING_STRATEGY,
    }
)
_SERVICE = obj(
    {
        "allocateLoadBalancerNodePorts": BOOLEAN,
        "annotations": STRING_MAP,
        "externalTrafficPolicy": choice("Local", "Cluster", default="Local"),
        "labels": STRING_MAP,
        "loadBalancerClass": STRING,
        "loadBalancerIP": STRING,
        "loadBalancerSourceRanges": STRINGS,
        "name": STRING,
        "type": choice("ClusterIP", "LoadBalancer", "NodePort", default="LoadBalancer"),
    }
)
_PROXY = obj(
    {
        "concurrency": INT32,
        "ipFamily": choice("IPv4", "IPv6", "DualStack"),
        "logging": obj(
            {
                "level": mapping(
                    choice("trace", "debug", "info", "warn", "error", "off", "critical"), default={"default": "warn"}
                )
            },
            default={"level": {"default": "warn"}},
        ),
        "mergeGateways": BOOLEAN,
        "provider": obj(
            {
                "kubernetes": obj(
                    {
                        "envoyDeployment": _DEPLOYMENT,
                        "envoyPDB": obj(
                            {
                                "maxUnavailable": INT_OR_STRING,
                                "minAvailable": INT_OR_STRING,
                                "name": STRING,
                            }
                        ),
                        "envoyService": _SERVICE,
                        "envoyServiceAccount": obj({"name": STRING}),
                        "useListenerPortAsContainerPort": BOOLEAN,
                    }
                ),
                "type": choice("Kubernetes", "Host"),
            },
            "type",
        ),
        "shutdown": obj({"drainTimeout": _DURATION, "minDrainDuration": _DURATION}),
    }
)

_SECURITY_POLICY = obj(
    {
        "basicAuth": obj(
            {
                "users": obj(
                    {
                        "group": string(default=""),
                        "kind": string(default="Secret"),
                        "name": STRING,
                        "namespace": STRING,
                    },
                    "name",
                )
            },
            "users",
        ),
        "targetRefs": array(
            obj(
                {
                    "group": choice("gateway.networking.k8s.io"),
                    "kind": choice("Gateway", "ListenerSet", "HTTPRoute", "GRPCRoute", "TCPRoute"),
                    "name": STRING,
                    "sectionName": STRING,
                },
                "group kind name",
            )
        ),
    }
)

KINDS = (
    Kind(
        "gateway.envoyproxy.io",
        "EnvoyProxy",
        "envoyproxies",
        "How the proxies of a GatewayClass run, and the Service in front of them.",
        _PROXY,
        versions=("v1alpha1",),
        short_names=("eproxy",),
        categories=("envoy-gateway",),
        columns=(),
    ),
    Kind(
        "gateway.envoyproxy.io",
        "SecurityPolicy",
        "securitypolicies",
        "Who may pass the routes that it names.",
        _SECURITY_POLICY,
        versions=("v1alpha1",),
        short_names=("sp",),
        categories=("envoy-gateway",),
        columns=(),
    ),
)
