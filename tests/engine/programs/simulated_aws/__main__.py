"""A VPC, an EKS cluster, a group of GPU nodes, a Deployment on them: the way real code goes, exec plugin included."""

import json

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

config = pulumi.Config("simulated")
region = pulumi.Config("aws").require("region")

vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", enable_dns_hostnames=True, tags={"Name": "simulated"})
subnets = [
    aws.ec2.Subnet(
        f"subnet-{zone}", vpc_id=vpc.id, cidr_block=f"10.0.{index}.0/24", availability_zone=f"{region}{zone}"
    )
    for index, zone in enumerate("ab")
]


def role(name: str, service: str) -> aws.iam.Role:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": service}, "Action": ["sts:AssumeRole", "sts:TagSession"]}
        ],
    }
    return aws.iam.Role(name, name=name, assume_role_policy=json.dumps(trust))


cluster_role, node_role = role("cluster", "eks.amazonaws.com"), role("node", "ec2.amazonaws.com")
attachment = aws.iam.RolePolicyAttachment(
    "node-policy", role=node_role.name, policy_arn="arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"
)
key = aws.kms.Key("key", description="secrets of the cluster", enable_key_rotation=True)
cluster = aws.eks.Cluster(
    "cluster",
    name="simulated",
    role_arn=cluster_role.arn,
    version=config.get("version") or "1.34",
    vpc_config={
        "subnet_ids": [subnet.id for subnet in subnets],
        "endpoint_private_access": True,
        "endpoint_public_access": True,
    },
    encryption_config={"provider": {"key_arn": key.arn}, "resources": ["secrets"]},
    access_config={"authentication_mode": "API"},
    enabled_cluster_log_types=["api", "audit"],
    deletion_protection=config.get_bool("protect") or False,
)
template = aws.ec2.LaunchTemplate(
    "nodes",
    name="simulated-nodes",
    metadata_options={"http_tokens": "required", "http_put_response_hop_limit": 2},
    block_device_mappings=[
        {"device_name": "/dev/xvda", "ebs": {"volume_size": 200, "volume_type": "gp3", "encrypted": "true"}}
    ],
    vpc_security_group_ids=[cluster.vpc_config.cluster_security_group_id],
)
machine = config.get("machine") or "g6.12xlarge"
group = aws.eks.NodeGroup(
    "gpu",
    cluster_name=cluster.name,
    node_group_name=f"gpu-{machine.replace('.', '-')}",
    node_role_arn=node_role.arn,
    subnet_ids=[subnet.id for subnet in subnets],
    ami_type="AL2023_x86_64_NVIDIA",
    instance_types=[machine],
    scaling_config={"min_size": 0, "desired_size": 0, "max_size": config.get_int("nodes") or 2},
    labels={"mlplatform.dev/pool": "gpu", "nvidia.com/device-plugin.config": "time-slicing-4"},
    taints=[{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}],
    launch_template={"id": template.id, "version": template.latest_version.apply(str)},
    opts=pulumi.ResourceOptions(depends_on=[attachment]),
)
aws.autoscaling.Tag(
    "scale-from-zero",
    autoscaling_group_name=group.resources[0].autoscaling_groups[0].name,
    tag={
        "key": "k8s.io/cluster-autoscaler/node-template/label/mlplatform.dev/pool",
        "value": "gpu",
        "propagate_at_launch": False,
    },
)
kubeconfig = pulumi.Output.json_dumps(
    {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "eks",
                "cluster": {
                    "server": cluster.endpoint,
                    "certificate-authority-data": cluster.certificate_authority.data,
                },
            }
        ],
        "users": [
            {
                "name": "eks",
                "user": {
                    "exec": {
                        "apiVersion": "client.authentication.k8s.io/v1beta1",
                        "command": "aws",
                        "args": ["eks", "get-token", "--cluster-name", cluster.name, "--region", region],
                    }
                },
            }
        ],
        "contexts": [{"name": "eks", "context": {"cluster": "eks", "user": "eks"}}],
        "current-context": "eks",
    }
)
on_cluster = pulumi.ResourceOptions(
    provider=kubernetes.Provider("cluster", kubeconfig=pulumi.Output.secret(kubeconfig)), depends_on=[group]
)
labels = {"app": "sharing"}
kubernetes.apps.v1.Deployment(
    "sharing",
    metadata={"name": "sharing", "namespace": "default"},
    spec={
        "replicas": 3,
        "selector": {"matchLabels": labels},
        "template": {
            "metadata": {"labels": labels},
            "spec": {
                "nodeSelector": {"mlplatform.dev/pool": "gpu"},
                "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
                "containers": [
                    {"name": "main", "image": "busybox", "resources": {"limits": {"nvidia.com/gpu.shared": "1"}}}
                ],
            },
        },
    },
    opts=on_cluster,
)
pulumi.export("account", aws.get_caller_identity().account_id)
pulumi.export("endpoint", cluster.endpoint)
pulumi.export("node_group", group.arn)
