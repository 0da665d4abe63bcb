"""Cilium's policies for nodes, which a cluster with that CNI brings: the fields that the platform uses.

Facts of cilium/cilium pkg/k8s/apis/cilium.io/client/crds/v2/ciliumnetworkpolicies.yaml.
"""

from simulator.crds.schema import AGE, STRING_MAP, Kind, array, atomic, choice, condition, obj, string

_PORT = (
    r"^(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[0-9]{1,4})"
    r"|([a-zA-Z0-9]-?)*[a-zA-Z](-?[a-zA-Z0-9])*$"
)
_ENTITY = choice(
    "all",
    "world",
    "cluster",
    "host",
    "init",
    "ingress",
    "unmanaged",
    "remote-node",
    "health",
    "none",
    "kube-apiserver",
)
_PORTS = array(
    obj({"port": string(pattern=_PORT), "protocol": choice("TCP", "UDP", "SCTP", "VRRP", "IGMP", "ANY")}), maxItems=40
)

KINDS = (
    Kind(
        "cilium.io",
        "CiliumNetworkPolicy",
        "ciliumnetworkpolicies",
        "What may reach pods, by what Cilium calls entities: nodes and the API server among them.",
        obj(
            {
                "endpointSelector": atomic(obj({"matchLabels": STRING_MAP})),
                "ingress": array(obj({"fromEntities": array(_ENTITY), "toPorts": array(obj({"ports": _PORTS}))})),
            }
        ),
        versions=("v2",),
        short_names=("cnp", "ciliumnp"),
        categories=("cilium", "ciliumpolicy"),
        columns=(AGE, condition("Valid", "Valid")),
        required="metadata",
    ),
)
