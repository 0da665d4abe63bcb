"""MetalLB v0.16.2: the addresses that it gives to Services, and how the network learns of them."""

from simulator.crds.core import LABEL_SELECTOR
from simulator.crds.schema import (
    AGE,
    BOOLEAN,
    INT32,
    STRING,
    STRINGS,
    Fragment,
    Kind,
    array,
    atomic,
    choice,
    integer,
    obj,
    string,
)

_GROUP = "metallb.io"
_SELECTORS = Fragment("selectors", array(LABEL_SELECTOR))
_ASN = integer("int64", minimum=0, maximum=4294967295)
_ADVERTISED = {
    "ipAddressPoolSelectors": _SELECTORS,
    "ipAddressPools": STRINGS,
    "nodeSelectors": _SELECTORS,
    "serviceSelectors": _SELECTORS,
}

_POOL = obj(
    {
        "addresses": STRINGS,
        "autoAssign": {**BOOLEAN, "default": True},
        "avoidBuggyIPs": {**BOOLEAN, "default": False},
        "serviceAllocation": obj(
            {
                "namespaceSelectors": _SELECTORS,
                "namespaces": STRINGS,
                "priority": integer(None),
                "serviceSelectors": _SELECTORS,
            }
        ),
    },
    "addresses",
)
_BGP_ADVERTISEMENT = obj(
    {
        **_ADVERTISED,
        "aggregationLength": integer(default=32, minimum=1),
        "aggregationLengthV6": integer(default=128),
        "communities": STRINGS,
        "localPref": INT32,
        "peers": STRINGS,
    }
)
_BGP_PEER = obj(
    {
        "bfdProfile": STRING,
        "dynamicASN": choice("internal", "external"),
        "ebgpMultiHop": BOOLEAN,
        "holdTime": STRING,
        "keepaliveTime": STRING,
        "myASN": _ASN,
        "nodeSelectors": _SELECTORS,
        "passwordSecret": atomic(obj({"name": STRING, "namespace": STRING})),
        "peerASN": _ASN,
        "peerAddress": STRING,
        "peerPort": integer(None, default=179, minimum=1, maximum=16384),
        "routerID": STRING,
        "sourceAddress": STRING,
        "vrf": string(),
    },
    "myASN",
)

KINDS = (
    Kind(
        _GROUP,
        "IPAddressPool",
        "ipaddresspools",
        "Addresses that Services of type LoadBalancer may get.",
        _POOL,
        versions=("v1beta1",),
        columns=(("Auto Assign", "boolean", ".spec.autoAssign"), ("Addresses", "string", ".spec.addresses"), AGE),
    ),
    Kind(
        _GROUP,
        "L2Advertisement",
        "l2advertisements",
        "Addresses that a node answers for on its own network.",
        obj({**_ADVERTISED, "interfaces": STRINGS}),
        versions=("v1beta1",),
        required="",
    ),
    Kind(
        _GROUP,
        "BGPAdvertisement",
        "bgpadvertisements",
        "Addresses that routers are told of.",
        _BGP_ADVERTISEMENT,
        versions=("v1beta1",),
        required="",
    ),
    Kind(
        _GROUP,
        "BGPPeer",
        "bgppeers",
        "A router to talk to.",
        _BGP_PEER,
        versions=("v1beta2",),
        required="",
    ),
)
