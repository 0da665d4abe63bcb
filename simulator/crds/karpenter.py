"""Karpenter v1.14.3 (core and AWS): node pools, the claims that it makes of them, and what EC2 machines look like."""

from simulator.crds.schema import (
    AGE,
    ATOMIC_STRINGS,
    BOOLEAN,
    INT32,
    INT64,
    QUANTITY,
    STRING,
    STRING_MAP,
    STRINGS,
    Fragment,
    Kind,
    array,
    atomic,
    choice,
    integer,
    mapping,
    obj,
    string,
)

_DURATION = string(pattern=r"^([0-9]+(s|m|h))+$")
_DURATION_OR_NEVER = string(pattern=r"^(([0-9]+(s|m|h))+|Never)$")
_ENABLED = ("enabled", "disabled")

_REQUIREMENTS = Fragment(
    "requirements",
    array(
        obj(
            {
                "key": string(maxLength=316),
                "minValues": integer(None, minimum=1, maximum=50),
                "operator": choice(*"Gte Lte In NotIn Exists DoesNotExist Gt Lt".split()),
                "values": {**ATOMIC_STRINGS, "maxLength": 63},
            },
            "key operator",
        ),
        "atomic",
        maxItems=100,
    ),
)
_TAINTS = Fragment(
    "taints",
    array(
        obj(
            {
                "effect": choice("NoSchedule", "PreferNoSchedule", "NoExecute"),
                "key": string(minLength=1),
                "timeAdded": string(format="date-time"),
                "value": STRING,
            },
            "effect key",
        ),
        "atomic",
    ),
)
_NODE = {
    "expireAfter": _DURATION_OR_NEVER | {"default": "720h"},
    "nodeClassRef": obj({"group": string(pattern="^[^/]*$"), "kind": STRING, "name": STRING}, "group kind name"),
    "requirements": _REQUIREMENTS,
    "startupTaints": _TAINTS,
    "taints": _TAINTS,
    "terminationGracePeriod": _DURATION,
}
_BUDGET = obj(
    {
        "duration": string(pattern=r"^((([0-9]+(h|m))|([0-9]+h[0-9]+m))(0s)?)$"),
        "nodes": string(default="10%", pattern=r"^((100|[0-9]{1,2})%|[0-9]+)$"),
        "reasons": array(choice("Underutilized", "Empty", "Drifted"), "set", maxItems=50),
        "schedule": STRING,
    },
    "nodes",
)
_NODE_POOL = obj(
    {
        "disruption": obj(
            {
                "budgets": array(_BUDGET, "atomic", default=[{"nodes": "10%"}], maxItems=50),
                "consolidateAfter": _DURATION_OR_NEVER,
                "consolidationPolicy": choice(
                    "WhenEmpty", "WhenEmptyOrUnderutilized", "Balanced", default="WhenEmptyOrUnderutilized"
                ),
            },
            "consolidateAfter",
            default={"consolidateAfter": "0s"},
        ),
        "limits": mapping(QUANTITY),
        "replicas": integer("int64", minimum=0),
        "template": obj(
            {
                "metadata": obj(
                    {
                        "annotations": mapping(STRING, **{"x-kubernetes-map-type": "granular"}),
                        "labels": atomic(mapping(string(maxLength=63), maxProperties=100)),
                    }
                ),
                "spec": obj(_NODE, "nodeClassRef requirements"),
            },
            "spec",
        ),
        "weight": integer(minimum=1, maximum=100),
    },
    "template",
)

_TAGS = mapping(STRING, maxProperties=20)
_PERCENT = integer(minimum=0, maximum=100)
_EC2_NODE_CLASS = obj(
    {
        "amiFamily": choice("AL2", "AL2023", "Bottlerocket", "Custom", "Windows2019", "Windows2022", "Windows2025"),
        "amiSelectorTerms": array(
            obj(
                {
                    "alias": string(maxLength=30),
                    "id": string(pattern="ami-[0-9a-z]+"),
                    "name": STRING,
                    "owner": STRING,
                    "ssmParameter": STRING,
                    "tags": _TAGS,
                }
            ),
            minItems=1,
            maxItems=30,
        ),
        "associatePublicIPAddress": BOOLEAN,
        "blockDeviceMappings": array(
            obj(
                {
                    "deviceName": STRING,
                    "ebs": obj(
                        {
                            "deleteOnTermination": BOOLEAN,
                            "encrypted": BOOLEAN,
                            "iops": INT64,
                            "kmsKeyID": STRING,
                            "snapshotID": STRING,
                            "throughput": INT64,
                            "volumeInitializationRate": integer(minimum=100, maximum=300),
                            "volumeSize": string(pattern=r"^[1-9][0-9]{0,4}(Gi|G|Ti|T)$"),
                            "volumeType": choice("standard", "io1", "io2", "gp2", "sc1", "st1", "gp3"),
                        }
                    ),
                    "rootVolume": BOOLEAN,
                }
            ),
            maxItems=50,
        ),
        "capacityReservationSelectorTerms": array(
            obj(
                {
                    "id": string(pattern="^cr-[0-9a-z]+$"),
                    "instanceMatchCriteria": choice("open", "targeted"),
                    "ownerID": string(pattern="^[0-9]{12}$"),
                    "tags": _TAGS,
                }
            ),
            maxItems=30,
        ),
        "connectionTracking": obj(
            {
                "tcpEstablishedTimeout": integer(minimum=60, maximum=432000),
                "udpStreamTimeout": integer(minimum=60, maximum=180),
                "udpTimeout": integer(minimum=30, maximum=60),
            }
        ),
        "context": STRING,
        "cpuOptions": obj({"nestedVirtualization": choice(*_ENABLED)}),
        "detailedMonitoring": BOOLEAN,
        "instanceProfile": STRING,
        "instanceStorePolicy": choice("RAID0"),
        "ipPrefixCount": integer(minimum=0),
        "kubelet": obj(
            {
                "clusterDNS": STRINGS,
                "cpuCFSQuota": BOOLEAN,
                "evictionHard": STRING_MAP,
                "evictionMaxPodGracePeriod": INT32,
                "evictionSoft": STRING_MAP,
                "evictionSoftGracePeriod": STRING_MAP,
                "imageGCHighThresholdPercent": _PERCENT,
                "imageGCLowThresholdPercent": _PERCENT,
                "kubeReserved": STRING_MAP,
                "maxPods": integer(minimum=0),
                "podsPerCore": integer(minimum=0),
                "systemReserved": STRING_MAP,
            }
        ),
        "metadataOptions": obj(
            {
                "httpEndpoint": choice(*_ENABLED, default="enabled"),
                "httpProtocolIPv6": choice(*_ENABLED, default="disabled"),
                "httpPutResponseHopLimit": integer("int64", default=1, minimum=1, maximum=64),
                "httpTokens": choice("required", "optional", default="required"),
            },
            default={
                "httpEndpoint": "enabled",
                "httpProtocolIPv6": "disabled",
                "httpPutResponseHopLimit": 1,
                "httpTokens": "required",
            },
        ),
        "networkInterfaces": array(
            obj(
                {
                    "deviceIndex": integer(minimum=0),
                    "interfaceType": choice("interface", "efa-only"),
                    "networkCardIndex": integer(minimum=0),
                },
                "deviceIndex interfaceType networkCardIndex",
            ),
            maxItems=150,
        ),
        "placementGroupSelector": obj({"id": string(pattern="^pg-[0-9a-z]+$"), "name": string(minLength=1)}),
        "role": STRING,
        "securityGroupSelectorTerms": array(
            obj({"id": string(pattern="sg-[0-9a-z]+"), "name": STRING, "tags": _TAGS}), maxItems=30
        ),
        "subnetSelectorTerms": array(obj({"id": string(pattern="subnet-[0-9a-z]+"), "tags": _TAGS}), maxItems=30),
        "tags": STRING_MAP,
        "userData": STRING,
    },
    "amiSelectorTerms securityGroupSelectorTerms subnetSelectorTerms",
)

KINDS = (
    Kind(
        "karpenter.sh",
        "NodePool",
        "nodepools",
        "Nodes that Karpenter may make, and how many of them.",
        _NODE_POOL,
        categories=("karpenter",),
        cluster_scoped=True,
        columns=(("NodeClass", "string", ".spec.template.spec.nodeClassRef.name"), AGE),
        scale={"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.nodes"},
    ),
    Kind(
        "karpenter.sh",
        "NodeClaim",
        "nodeclaims",
        "One node that Karpenter asked for.",
        obj(
            {**_NODE, "resources": obj({"requests": mapping(QUANTITY)})},
            "nodeClassRef requirements",
        ),
        categories=("karpenter",),
        cluster_scoped=True,
    ),
    Kind(
        "karpenter.k8s.aws",
        "EC2NodeClass",
        "ec2nodeclasses",
        "What the EC2 instances of a node pool are made from.",
        _EC2_NODE_CLASS,
        short_names=("ec2nc", "ec2ncs"),
        categories=("karpenter",),
        cluster_scoped=True,
        columns=(AGE, ("Role", "string", ".spec.role")),
        required="",
    ),
)
