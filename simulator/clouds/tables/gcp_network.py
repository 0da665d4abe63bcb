"""Networks of Google Cloud. What is fixed: the `ForceNew` of the API, which has no method to change it."""

from simulator.clouds.rows import Row

NETWORK = "gcp:compute/network:Network"
SUBNETWORK = "gcp:compute/subnetwork:Subnetwork"
ROUTER = "gcp:compute/router:Router"
ADDRESS = "gcp:compute/globalAddress:GlobalAddress"
_SELF = "https://www.googleapis.simulated.invalid/compute/v1/"
_TIME = "2026-01-01T00:00:00.000-00:00"


def _global(kind: str) -> dict[str, str]:
    return {"selfLink": f"{_SELF}projects/{{project}}/global/{kind}/{{name}}", "creationTimestamp": _TIME}


def _regional(kind: str) -> dict[str, str]:
    return {"selfLink": f"{_SELF}projects/{{project}}/regions/{{region}}/{kind}/{{name}}", "creationTimestamp": _TIME}


ROWS = (
    Row(
        NETWORK,
        "compute.v1.Network",
        id="projects/{project}/global/networks/{name}",
        renames={
            "routingMode": "routingConfig.routingMode",
            "bgpBestPathSelectionMode": "routingConfig.bgpBestPathSelectionMode",
            "bgpAlwaysCompareMed": "routingConfig.bgpAlwaysCompareMed",
            "bgpInterRegionCost": "routingConfig.bgpInterRegionCost",
        },
        unchecked="deleteDefaultRoutesOnCreate deleteBgpAlwaysCompareMed",
        autoname="name",
        outputs={
            "selfLink": f"{_SELF}projects/{{project}}/global/networks/{{name}}",
            "networkId": "{number}",
            "numericId": "{number}",
            "gatewayIpv4": "",
            "mtu": 1460,
            "routingMode": "REGIONAL",
            "internalIpv6Range": "",
            "bgpBestPathSelectionMode": "LEGACY",
        },
        fixed="name project autoCreateSubnetworks description enableUlaInternalIpv6 internalIpv6Range networkProfile "
        "deleteDefaultRoutesOnCreate",
        unique="{project} {name}",
    ),
    Row(
        SUBNETWORK,
        "compute.v1.Subnetwork",
        id="projects/{project}/regions/{region}/subnetworks/{name}",
        renames={},
        unchecked="sendSecondaryIpRangeIfEmpty",
        autoname="name",
        outputs={
            **_regional("subnetworks"),
            "gatewayAddress": "simulated",
            "fingerprint": "simulated",
            "subnetworkId": 1,
            "purpose": "PRIVATE",
            "stackType": "IPV4_ONLY",
            "privateIpv6GoogleAccess": "DISABLE_GOOGLE_ACCESS",
            "state": "",
            "ipv6CidrRange": "",
            "externalIpv6Prefix": "",
            "internalIpv6Prefix": "",
            "ipv6GceEndpoint": "",
            "secondaryIpRanges": [],
        },
        fixed="name project region network description purpose ipv6AccessType reservedInternalRange",
        unique="{project} {region} {name}",
        needs={"network": NETWORK},
    ),
    Row(
        ROUTER,
        "compute.v1.Router",
        id="projects/{project}/regions/{region}/routers/{name}",
        autoname="name",
        outputs=_regional("routers"),
        fixed="name project region network encryptedInterconnectRouter",
        unique="{project} {region} {name}",
        needs={"network": NETWORK},
    ),
    Row(
        "gcp:compute/routerNat:RouterNat",
        "compute.v1.RouterNat",
        id="{project}/{region}/{router}/{name}",
        unchecked="router region initialNatIps",
        autoname="name",
        outputs={
            "natIps": [],
            "drainNatIps": [],
            "endpointTypes": ["ENDPOINT_TYPE_VM"],
            "minPortsPerVm": 64,
            "autoNetworkTier": "PREMIUM",
            "enableDynamicPortAllocation": False,
            "enableEndpointIndependentMapping": False,
        },
        fixed="name project region router type endpointTypes",
        unique="{project} {region} {router} {name}",
        needs={"router": ROUTER, "subnetworks.name": SUBNETWORK},
    ),
    Row(
        ADDRESS,
        "compute.v1.Address",
        id="projects/{project}/global/addresses/{name}",
        autoname="name",
        outputs={
            **_global("addresses"),
            "address": "10.{octets}.0",
            "labelFingerprint": "simulated",
            "prefixLength": 0,
        },
        fixed="name project address addressType description ipVersion network prefixLength purpose",
        unique="{project} {name}",
        needs={"network": NETWORK},
        labels="labels",
    ),
    Row(
        "gcp:compute/resourcePolicy:ResourcePolicy",
        "compute.v1.ResourcePolicy",
        id="projects/{project}/regions/{region}/resourcePolicies/{name}",
        # Of the beta API, whose document has them; the stable one's has not.
        unchecked="groupPlacementPolicy.maxDistance groupPlacementPolicy.tpuTopology "
        "diskConsistencyGroupPolicy.enabled",
        autoname="name",
        outputs={"selfLink": _regional("resourcePolicies")["selfLink"]},
        fixed="name project region description diskConsistencyGroupPolicy groupPlacementPolicy instanceSchedulePolicy "
        "workloadPolicy",
        unique="{project} {region} {name}",
    ),
    Row(
        "gcp:compute/firewall:Firewall",
        "compute.v1.Firewall",
        id="projects/{project}/global/firewalls/{name}",
        renames={
            "allows": "allowed",
            "allows.protocol": "IPProtocol",
            "denies": "denied",
            "denies.protocol": "IPProtocol",
        },
        unchecked="enableLogging",
        autoname="name",
        outputs={**_global("firewalls"), "direction": "INGRESS", "destinationRanges": [], "enableLogging": False},
        fixed="name project network direction",
        unique="{project} {name}",
        needs={"network": NETWORK},
    ),
    Row(
        "gcp:servicenetworking/connection:Connection",
        "servicenetworking.v1.Connection",
        id="{network}:{service}",
        unchecked="updateOnCreationFail",
        outputs={"peering": "servicenetworking-googleapis-com"},
        fixed="network service",
        unique="{network} {service}",
        needs={"network": NETWORK, "reservedPeeringRanges": ADDRESS},
    ),
)
