"""EKS, EC2 machines and their scaling. What is fixed: the Update operations of botocore 1.44.5 lack it."""

from simulator.clouds.rows import Row
from simulator.clouds.tables.aws_network import SECURITY_GROUP, SUBNET

ROLE = "aws:iam/role:Role"
CLUSTER = "aws:eks/cluster:Cluster"
LAUNCH_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
PLACEMENT_GROUP = "aws:ec2/placementGroup:PlacementGroup"
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
_EKS = "arn:aws-simulated:eks:{region}:{account}"

ROWS = (
    Row(
        LAUNCH_TEMPLATE,
        "ec2.CreateLaunchTemplate:LaunchTemplateData",
        id="lt-{hash}",
        renames={
            "name": "ec2.CreateLaunchTemplate/LaunchTemplateName",
            "description": "ec2.CreateLaunchTemplate/VersionDescription",
            "networkInterfaces.ipv4AddressCount": "SecondaryPrivateIpAddressCount",
            "networkInterfaces.ipv4Addresses": "PrivateIpAddresses.[].PrivateIpAddress",
            "networkInterfaces.securityGroups": "Groups",
            "securityGroupNames": "SecurityGroups",
            "vpcSecurityGroupIds": "SecurityGroupIds",
        },
        unchecked="defaultVersion updateDefaultVersion namePrefix tagSpecifications.tags",
        autoname="name",
        outputs={
            "arn": "arn:aws-simulated:ec2:{region}:{account}:launch-template/{id}",
            "defaultVersion": 1,
            "metadataOptions": {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 2},
        },
        fixed="name namePrefix",
        unique="{name}",
        needs={
            "vpcSecurityGroupIds": SECURITY_GROUP,
            "networkInterfaces.securityGroups": SECURITY_GROUP,
            "~placement.groupName": PLACEMENT_GROUP,
        },
        counts="latestVersion",
    ),
    Row(
        PLACEMENT_GROUP,
        "ec2.CreatePlacementGroup",
        id="{name}",
        renames={"name": "GroupName"},
        autoname="name",
        outputs={
            "arn": "arn:aws-simulated:ec2:{region}:{account}:placement-group/{name}",
            "placementGroupId": "pg-{hash}",
            "partitionCount": 0,
            "spreadLevel": "",
        },
        fixed="name strategy partitionCount spreadLevel",
        unique="{name}",
    ),
    Row(
        CLUSTER,
        "eks.CreateCluster",
        id="{name}",
        renames={
            "vpcConfig": "resourcesVpcConfig",
            "enabledClusterLogTypes": "logging.clusterLogging.[].types",
        },
        unchecked="forceUpdateVersion defaultAddonsToRemoves",
        autoname="name",
        outputs={
            "arn": _EKS + ":cluster/{name}",
            "clusterId": "",
            "createdAt": "2026-01-01T00:00:00Z",
            "platformVersion": "eks.simulated",
            "status": "ACTIVE",
            "version": "1.35",
            "certificateAuthority": {"data": ""},
            "identities": [{"oidcs": [{"issuer": "https://oidc.eks.{region}.amazonaws.com/id/{issuer}"}]}],
            "accessConfig.authenticationMode": "API",
            "accessConfig.bootstrapClusterCreatorAdminPermissions": True,
            "vpcConfig.clusterSecurityGroupId": "sg-{hash}",
            "vpcConfig.vpcId": "{vpcOfSubnets}",
            "kubernetesNetworkConfig.serviceIpv4Cidr": "10.96.0.0/16",
            "kubernetesNetworkConfig.ipFamily": "ipv4",
            "upgradePolicy.supportType": "EXTENDED",
            "deletionProtection": False,
        },
        fixed="name roleArn encryptionConfig.provider kubernetesNetworkConfig.serviceIpv4Cidr "
        "kubernetesNetworkConfig.ipFamily bootstrapSelfManagedAddons outpostConfig "
        "accessConfig.bootstrapClusterCreatorAdminPermissions",
        unique="{name}",
        needs={
            "roleArn": ROLE,
            "vpcConfig.subnetIds": SUBNET,
            "vpcConfig.securityGroupIds": SECURITY_GROUP,
            "~encryptionConfig.provider.keyArn": "aws:kms/key:Key",
            "~computeConfig.nodeRoleArn": ROLE,
        },
        protected="deletionProtection",
    ),
    Row(
        NODE_GROUP,
        "eks.CreateNodegroup",
        id="{clusterName}:{nodeGroupName}",
        renames={
            "nodeRoleArn": "nodeRole",
            "subnetIds": "subnets",
            "instanceTypes": "ec2.RunInstances/InstanceType",  # which knows their names; EKS takes any word
            "nodeGroupNamePrefix": "nodegroupName",
            "remoteAccess.sourceSecurityGroupIds": "sourceSecurityGroups",
        },
        unchecked="forceUpdateVersion",
        autoname="nodeGroupName",
        outputs={
            "arn": _EKS + ":nodegroup/{clusterName}/{nodeGroupName}/{hash}",
            "status": "ACTIVE",
            "amiType": "AL2023_x86_64_STANDARD",
            "capacityType": "ON_DEMAND",
            "diskSize": 20,
            "instanceTypes": ["t3.medium"],
            "releaseVersion": "simulated",
            "version": "{versionOfCluster}",
            "resources": [
                {
                    "autoscalingGroups": [{"name": "eks-{nodeGroupName}-{hash}"}],
                    "remoteAccessSecurityGroupId": "",
                }
            ],
        },
        fixed="clusterName nodeGroupName nodeGroupNamePrefix amiType capacityType diskSize instanceTypes nodeRoleArn "
        "remoteAccess subnetIds launchTemplate.id launchTemplate.name",
        unique="{clusterName} {nodeGroupName}",
        needs={
            "clusterName": CLUSTER,
            "nodeRoleArn": ROLE,
            "subnetIds": SUBNET,
            "~launchTemplate.id": LAUNCH_TEMPLATE,
            "~launchTemplate.name": LAUNCH_TEMPLATE,
        },
    ),
    Row(
        "aws:eks/addon:Addon",
        "eks.CreateAddon",
        id="{clusterName}:{addonName}",
        renames={
            "resolveConflictsOnCreate": "resolveConflicts",
            "resolveConflictsOnUpdate": "eks.UpdateAddon/resolveConflicts",
        },
        unchecked="preserve",
        outputs={
            "arn": _EKS + ":addon/{clusterName}/{addonName}/{hash}",
            "addonVersion": "v0.0.0-simulated",
            "createdAt": "2026-01-01T00:00:00Z",
            "modifiedAt": "2026-01-01T00:00:00Z",
            "configurationValues": "",
        },
        fixed="clusterName addonName",
        unique="{clusterName} {addonName}",
        needs={
            "~clusterName": CLUSTER,  # a cluster goes with its add-ons
            "~serviceAccountRoleArn": ROLE,
            "~podIdentityAssociations.roleArn": ROLE,
        },
    ),
    Row(
        "aws:eks/accessEntry:AccessEntry",
        "eks.CreateAccessEntry",
        id="{clusterName}:{principalArn}",
        outputs={
            "accessEntryArn": _EKS + ":access-entry/{clusterName}/{hash}",
            "createdAt": "2026-01-01T00:00:00Z",
            "modifiedAt": "2026-01-01T00:00:00Z",
            "kubernetesGroups": [],
            "userName": "{principalArn}",
        },
        fixed="clusterName principalArn type",
        unique="{clusterName} {principalArn}",
        needs={"~clusterName": CLUSTER},
    ),
    Row(
        "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        "eks.AssociateAccessPolicy",
        id="{clusterName}#{principalArn}#{policyArn}",
        outputs={"associatedAt": "2026-01-01T00:00:00Z", "modifiedAt": "2026-01-01T00:00:00Z"},
        fixed="clusterName principalArn policyArn accessScope",
        unique="{clusterName} {principalArn} {policyArn}",
        needs={"~clusterName": CLUSTER},
    ),
    Row(
        "aws:eks/identityProviderConfig:IdentityProviderConfig",
        "eks.AssociateIdentityProviderConfig",
        id="{clusterName}:{oidc[identityProviderConfigName]}",
        outputs={"arn": _EKS + ":identityproviderconfig/{clusterName}/oidc/{hash}", "status": "ACTIVE"},
        fixed="clusterName oidc",
        unique="{clusterName}",
        needs={"~clusterName": CLUSTER},
    ),
    Row(
        "aws:eks/podIdentityAssociation:PodIdentityAssociation",
        "eks.CreatePodIdentityAssociation",
        id="a-{hash}",
        outputs={
            "associationArn": _EKS + ":podidentityassociation/{clusterName}/{id}",
            "associationId": "{id}",
            "externalId": "simulated",
            "disableSessionTags": False,
        },
        fixed="clusterName namespace serviceAccount",
        unique="{clusterName} {namespace} {serviceAccount}",
        needs={"~clusterName": CLUSTER, "~roleArn": ROLE},
    ),
    Row(
        "aws:autoscaling/tag:Tag",
        "autoscaling.CreateOrUpdateTags:Tags.[]",
        id="{autoscalingGroupName},{tag[key]}",
        renames={"autoscalingGroupName": "ResourceId", "tag": "autoscaling.CreateOrUpdateTags/Tags.[]"},
        supplied="Key tag.ResourceId",
        fixed="autoscalingGroupName tag.key",
        unique="{autoscalingGroupName} {tag[key]}",
        needs={"~autoscalingGroupName": NODE_GROUP},
    ),
    Row(
        "aws:autoscaling/schedule:Schedule",
        "autoscaling.PutScheduledUpdateGroupAction",
        id="{scheduledActionName}",
        unchecked="startTime endTime",
        outputs={
            "arn": "arn:aws-simulated:autoscaling:{region}:{account}:scheduledUpdateGroupAction:{hash}:"
            "autoScalingGroupName/{autoscalingGroupName}:scheduledActionName/{scheduledActionName}",
        },
        fixed="autoscalingGroupName scheduledActionName",
        unique="{autoscalingGroupName} {scheduledActionName}",
        needs={"~autoscalingGroupName": NODE_GROUP},
    ),
)
