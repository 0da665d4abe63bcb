"""GKE. What is fixed: the API's UpdateCluster and UpdateNodePool requests (container.v1) lack it."""

from simulator.clouds.rows import Row
from simulator.clouds.tables.gcp_network import NETWORK, SUBNETWORK

CLUSTER = "gcp:container/cluster:Cluster"
NODE_POOL = "gcp:container/nodePool:NodePool"
_ACCOUNT = "gcp:serviceaccount/account:Account"
_KEY = "gcp:kms/cryptoKey:CryptoKey"

_NODE_CONFIG = {
    "guestAccelerators": "accelerators",
    "guestAccelerators.type": "acceleratorType",
    "guestAccelerators.count": "acceleratorCount",
    "hostMaintenancePolicy": "",
    "loggingVariant": "loggingConfig.variantConfig.variant",
    "sandboxConfig.sandboxType": "type",
    "gpudirectStrategy": "",
}
_AUTOSCALING = {
    "clusterAutoscaling": "autoscaling",
    "clusterAutoscaling.enabled": "enableNodeAutoprovisioning",
    "clusterAutoscaling.autoProvisioningDefaults": "autoprovisioningNodePoolDefaults",
    "clusterAutoscaling.autoProvisioningDefaults.management": "management",
    "clusterAutoscaling.autoProvisioningDefaults.diskSize": "diskSizeGb",
    "clusterAutoscaling.autoProvisioningDefaults.image": "imageType",
    "clusterAutoscaling.autoProvisioningDefaults.shieldedInstanceConfig": "shieldedInstanceConfig",
    "clusterAutoscaling.autoProvisioningLocations": "autoprovisioningLocations",
    "clusterAutoscaling.defaultComputeClassEnabled": "defaultComputeClassConfig.enabled",
}


def _at(prefix: str) -> dict[str, str]:
    return {f"{prefix}.{name}": member for name, member in _NODE_CONFIG.items() if member}


def _unchecked(prefix: str) -> str:
    return " ".join(f"{prefix}.{name}" for name, member in _NODE_CONFIG.items() if not member)


ROWS = (
    Row(
        CLUSTER,
        "container.v1.Cluster",
        id="projects/{project}/locations/{location}/clusters/{name}",
        renames={
            **_AUTOSCALING,
            **_at("nodeConfig"),
            "datapathProvider": "networkConfig.datapathProvider",
            "defaultMaxPodsPerNode": "defaultMaxPodsConstraint.maxPodsPerNode",
            "defaultSnatStatus": "networkConfig.defaultSnatStatus",
            "dnsConfig": "networkConfig.dnsConfig",
            "enableAutopilot": "autopilot.enabled",
            "allowNetAdmin": "autopilot.workloadPolicyConfig.allowNetAdmin",
            "enableCiliumClusterwideNetworkPolicy": "networkConfig.enableCiliumClusterwideNetworkPolicy",
            "enableFqdnNetworkPolicy": "networkConfig.enableFqdnNetworkPolicy",
            "enableIntranodeVisibility": "networkConfig.enableIntraNodeVisibility",
            "enableL4IlbSubsetting": "networkConfig.enableL4ilbSubsetting",
            "enableLegacyAbac": "legacyAbac.enabled",
            "enableMultiNetworking": "networkConfig.enableMultiNetworking",
            "enableShieldedNodes": "shieldedNodes.enabled",
            "fleet.membershipId": "membership",
            "gatewayApiConfig": "networkConfig.gatewayApiConfig",
            "inTransitEncryptionConfig": "networkConfig.inTransitEncryptionConfig",
            "loggingConfig.enableComponents": "componentConfig.enableComponents",
            "monitoringConfig.enableComponents": "componentConfig.enableComponents",
            "monitoringConfig.managedPrometheus": "managedPrometheusConfig",
            "maintenancePolicy.dailyMaintenanceWindow": "window.dailyMaintenanceWindow",
            "maintenancePolicy.recurringWindow": "window.recurringWindow",
            "maintenancePolicy.recurringWindow.startTime": "window.startTime",
            "maintenancePolicy.recurringWindow.endTime": "window.endTime",
            "maintenancePolicy.maintenanceExclusions": "container.v1.TimeWindow/",
            "maintenancePolicy.maintenanceExclusions.exclusionOptions": "maintenanceExclusionOptions",
            "minMasterVersion": "initialClusterVersion",
            "networkPerformanceConfig": "networkConfig.networkPerformanceConfig",
            "nodeLocations": "locations",
            "nodeVersion": "currentNodeVersion",
            "privateIpv6GoogleAccess": "networkConfig.privateIpv6GoogleAccess",
            "resourceUsageExportConfig.enableResourceConsumptionMetering": "consumptionMeteringConfig.enabled",
            "serviceExternalIpsConfig": "networkConfig.serviceExternalIpsConfig",
        },
        unchecked=f"""
            deletionProtection removeDefaultNodePool networkingMode ignoreNodeCountChanges skipNodePoolRefresh
            desiredEmulatedVersion disableL4LbFirewallReconciliation fleet.membershipLocation
            maintenancePolicy.maintenanceExclusions.exclusionName {_unchecked("nodeConfig")}
        """,
        autoname="name",
        outputs={
            "selfLink": "https://container.googleapis.simulated.invalid/v1/projects/{project}/locations/{location}/clusters/{name}",
            "endpoint": "",
            "masterVersion": "{clusterVersion}",
            "nodeVersion": "{clusterVersion}",
            "masterAuth.clusterCaCertificate": "",
            "masterAuth.clientCertificate": "",
            "masterAuth.clientKey": "",
            "servicesIpv4Cidr": "10.96.0.0/16",
            "clusterIpv4Cidr": "10.0.0.0/10",
            "operation": "",
            "labelFingerprint": "simulated",
            "tpuIpv4CidrBlock": "",
            "emulatedVersion": "",
            "nodeLocations": "{zones}",
            "nodePools": [],
            "privateClusterConfig.privateEndpoint": "",
            "privateClusterConfig.publicEndpoint": "",
            "controlPlaneEndpointsConfig.dnsEndpointConfig.endpoint": "",
            "databaseEncryption": {"state": "DECRYPTED", "keyName": ""},
            "datapathProvider": "LEGACY_DATAPATH",
            "networkingMode": "VPC_NATIVE",
            "releaseChannel": {"channel": "REGULAR"},
            "location": "{region}",
        },
        fixed="""
            name project location network subnetwork datapathProvider networkingMode ipAllocationPolicy
            enableAutopilot clusterIpv4Cidr defaultMaxPodsPerNode privateClusterConfig.masterIpv4CidrBlock
            enableMultiNetworking privateClusterConfig.enablePrivateNodes confidentialNodes nodeConfig
            initialNodeCount description enableKubernetesAlpha
        """,
        unique="{project} {location} {name}",
        needs={
            "network": NETWORK,
            "subnetwork": SUBNETWORK,
            "~databaseEncryption.keyName": _KEY,
            "~nodeConfig.serviceAccount": _ACCOUNT,
            "~clusterAutoscaling.autoProvisioningDefaults.serviceAccount": _ACCOUNT,
        },
        protected="deletionProtection",
        protected_by_default=True,
        labels="resourceLabels",
    ),
    Row(
        NODE_POOL,
        "container.v1.NodePool",
        id="projects/{project}/locations/{location}/clusters/{cluster}/nodePools/{name}",
        renames={
            "nodeConfig": "config",
            **_at("nodeConfig"),
            "maxPodsPerNode": "maxPodsConstraint.maxPodsPerNode",
            "nodeCount": "initialNodeCount",
            "nodeLocations": "locations",
            "namePrefix": "name",
            "networkConfig.podCidrOverprovisionConfig.disabled": "disable",
        },
        unchecked=f"cluster location ignoreNodeCountChanges {_unchecked('nodeConfig')}",
        autoname="name",
        outputs={
            "instanceGroupUrls": [
                "https://www.googleapis.simulated.invalid/compute/v1/projects/{project}/zones/{location}-a/instanceGroupManagers/"
                "gke-simulated-{name}"
            ],
            "managedInstanceGroupUrls": [
                "https://www.googleapis.simulated.invalid/compute/v1/projects/{project}/zones/{location}-a/instanceGroups/"
                "gke-simulated-{name}"
            ],
            "operation": "",
            "version": "simulated",
            "nodeLocations": "{zones}",
            "maxPodsPerNode": 110,
            "nodeCount": 0,
            "initialNodeCount": 0,
            "location": "{locationOfCluster}",
        },
        fixed="""
            name namePrefix project location cluster initialNodeCount maxPodsPerNode networkConfig
            placementPolicy queuedProvisioning nodeConfig.guestAccelerators nodeConfig.localSsdCount
            nodeConfig.spot nodeConfig.preemptible nodeConfig.serviceAccount nodeConfig.oauthScopes
            nodeConfig.reservationAffinity nodeConfig.flexStart nodeConfig.maxRunDuration
            nodeConfig.minCpuPlatform nodeConfig.ephemeralStorageLocalSsdConfig
            nodeConfig.localNvmeSsdBlockConfig nodeConfig.secondaryBootDisks nodeConfig.shieldedInstanceConfig
            nodeConfig.advancedMachineFeatures nodeConfig.bootDiskKmsKey nodeConfig.confidentialNodes
            nodeConfig.metadata nodeConfig.soleTenantConfig
        """,
        unique="{cluster} {name}",
        needs={"cluster": CLUSTER, "~nodeConfig.serviceAccount": _ACCOUNT},
        labels="nodeConfig.resourceLabels",
    ),
)
