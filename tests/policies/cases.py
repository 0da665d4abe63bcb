"""Objects that break one policy each, and objects that come close and comply.

Fields are those of the providers' schemas as the engine sends them: camelCase. Tokens: Pulumi registry.
"""

import json
from typing import Any, NamedTuple

from policies.objects import PlannedObject

Body = dict[str, Any]
RBAC = "rbac.authorization.k8s.io/v1"


class Broken(NamedTuple):
    """An object, and what one policy says of it: path and value."""

    policy: str
    subject: PlannedObject
    path: str
    value: str


def manifest(version: str, kind: str, **body: Any) -> PlannedObject:
    """A Kubernetes object."""
    metadata = {"namespace": "team", "name": "it", **body.pop("metadata", {})}
    full = {"apiVersion": version, "kind": kind, "metadata": metadata, **body}
    token = f"kubernetes:{version}:{kind}"
    return PlannedObject(f"urn:pulumi:test::project::{token}::it", token, "it", full)


def resource(token: str, **body: Any) -> PlannedObject:
    """A resource of a cloud."""
    return PlannedObject(f"urn:pulumi:test::project::{token}::it", token, "it", body)


def role(
    kind: str = "Role", resources: tuple[str, ...] = ("pods",), verbs: tuple[str, ...] = ("get",)
) -> PlannedObject:
    rules = [
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": [*resources], "verbs": [*verbs]},
    ]
    return manifest(RBAC, kind, rules=rules)


def binding(role_name: str = "view", subject: str = "team") -> PlannedObject:
    subjects = [{"kind": "Group", "name": "people"}, {"kind": "Group", "name": subject}]
    return manifest(RBAC, "RoleBinding", roleRef={"kind": "ClusterRole", "name": role_name}, subjects=subjects)


def changed(body: Body, path: str, value: Any) -> Body:
    """A copy with another value at a path; None removes it."""
    key, _, rest = path.partition(".")
    if rest:
        return {**body, key: changed(body.get(key, {}), rest, value)}
    return {k: v for k, v in {**body, key: value}.items() if v is not None}


SIZES: Body = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1Gi"}}
MAIN: Body = {"name": "main", "resources": SIZES, "securityContext": {"readOnlyRootFilesystem": True}}
LABELS = {"app": "it"}


def template(container: Body | None = None, **spec: Any) -> Body:
    """A pod template that complies, with changes of its container and of its pod spec; None removes a field."""
    main = {key: value for key, value in {**MAIN, **(container or {})}.items() if value is not None}
    pod = {"serviceAccountName": "it", "containers": [main], **spec}
    return {"metadata": {"labels": LABELS}, "spec": {key: value for key, value in pod.items() if value is not None}}


def deployment(container: Body | None = None, *, selector: Body = LABELS, **spec: Any) -> PlannedObject:
    body = {"selector": {"matchLabels": selector}, "template": template(container, **spec)}
    return manifest("apps/v1", "Deployment", spec=body)


JOB: Body = {"activeDeadlineSeconds": 60, "backoffLimit": 1, "template": template()}
CRON: Body = {
    "schedule": "0 3 * * *",
    "concurrencyPolicy": "Forbid",
    "startingDeadlineSeconds": 60,
    "jobTemplate": {"spec": JOB},
}


def job(path: str, value: Any) -> PlannedObject:
    return manifest("batch/v1", "Job", spec=changed(JOB, path, value))


def cron_job(path: str, value: Any) -> PlannedObject:
    return manifest("batch/v1", "CronJob", spec=changed(CRON, path, value))


def pod(**container: Any) -> PlannedObject:
    """A Deployment of a container with these fields."""
    return deployment(container)


def service(annotations: Body | None = None, **spec: Any) -> PlannedObject:
    return manifest("v1", "Service", metadata={"annotations": annotations or {}}, spec=spec)


def ingress(annotations: Body | None = None, **spec: Any) -> PlannedObject:
    return manifest("networking.k8s.io/v1", "Ingress", metadata={"annotations": annotations or {}}, spec=spec)


def gateway(protocol: str, allowed: str) -> PlannedObject:
    listener = {"name": "web", "protocol": protocol, "port": 80, "allowedRoutes": {"namespaces": {"from": allowed}}}
    return manifest("gateway.networking.k8s.io/v1", "Gateway", spec={"listeners": [listener]})


def policy(*actions: str, effect: str = "Allow") -> PlannedObject:
    text = json.dumps({"Statement": [{"Effect": effect, "Action": [*actions], "Resource": "*"}]})
    return resource("aws:iam/rolePolicy:RolePolicy", policy=text)


def budget(**spec: Any) -> PlannedObject:
    return manifest("policy/v1", "PodDisruptionBudget", spec=spec)


def autoscaler(least: int | None, most: int) -> PlannedObject:
    bounds = {"maxReplicas": most} | ({"minReplicas": least} if least else {})
    return manifest("autoscaling/v2", "HorizontalPodAutoscaler", spec=bounds)


SPEC = "spec.template.spec"
CONTAINER, READ_ONLY = f"{SPEC}.containers[main]", "securityContext.readOnlyRootFilesystem"
EKS, GROUP, TEMPLATE = "aws:eks/cluster:Cluster", "aws:eks/nodeGroup:NodeGroup", "aws:ec2/launchTemplate:LaunchTemplate"
GKE, POOL = "gcp:container/cluster:Cluster", "gcp:container/nodePool:NodePool"
RDS, SQL, BUCKET = "aws:rds/instance:Instance", "gcp:sql/databaseInstance:DatabaseInstance", "gcp:storage/bucket:Bucket"
BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
GOOD_EKS: Body = {
    "vpcConfig": {"endpointPublicAccess": True, "endpointPrivateAccess": True, "publicAccessCidrs": ["203.0.113.0/24"]},
    "encryptionConfig": {"resources": ["secrets"], "provider": {"keyArn": "arn"}},
    "enabledClusterLogTypes": ["api", "audit", "authenticator"],
}
GOOD_GKE: Body = {
    "privateClusterConfig": {"enablePrivateNodes": True, "enablePrivateEndpoint": True},
    "workloadIdentityConfig": {"workloadPool": "p.svc.id.goog"},
    "datapathProvider": "ADVANCED_DATAPATH",
    "releaseChannel": {"channel": "REGULAR"},
}
GOOD_POOL: Body = {
    "nodeConfig": {
        "serviceAccount": "nodes@example.iam.gserviceaccount.com",
        "workloadMetadataConfig": {"mode": "GKE_METADATA"},
        "shieldedInstanceConfig": {"enableSecureBoot": True, "enableIntegrityMonitoring": True},
        "kubeletConfig": {"insecureKubeletReadonlyPortEnabled": "FALSE"},
    },
    "management": {"autoRepair": True},
}
GOOD_SQL: Body = {
    "settings": {
        "ipConfiguration": {"ipv4Enabled": False, "sslMode": "ENCRYPTED_ONLY"},
        "backupConfiguration": {"enabled": True},
    }
}
GOOD_RDS: Body = {"storageEncrypted": True, "publiclyAccessible": False, "backupRetentionPeriod": 7}
FOUR = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


def eks(path: str, value: Any) -> PlannedObject:
    return resource(EKS, **changed(GOOD_EKS, path, value))


def gke(path: str, value: Any) -> PlannedObject:
    return resource(GKE, **changed(GOOD_GKE, path, value))


def node_pool(path: str, value: Any) -> PlannedObject:
    return resource(POOL, **changed(GOOD_POOL, path, value))


def sql(path: str, value: Any) -> PlannedObject:
    return resource(SQL, **changed(GOOD_SQL, path, value))


def rds(path: str, value: Any) -> PlannedObject:
    return resource(RDS, **changed(GOOD_RDS, path, value))


KEY = "AKIA" + "A" * 16
"""The form of an access key, and none."""
TOKEN = "hf_" + "a" * 34
TLS = {"tls": [{"hosts": ["a.example.com"], "secretName": "tls"}]}
SNIPPET = "nginx.ingress.kubernetes.io/configuration-snippet"
EVERYWHERE = "0.0.0.0/0"
RANGES, ACCOUNT, CHANNEL = "vpcConfig.publicAccessCidrs", "nodeConfig.serviceAccount", "releaseChannel.channel"

BROKEN = (
    # security: roles
    Broken("no-wildcards-in-roles", role(resources=("*",)), "rules[1].resources", "*"),
    Broken("no-wildcards-in-roles", role("ClusterRole", verbs=("*",)), "rules[1].verbs", "*"),
    Broken("no-cluster-admin-bindings", binding("cluster-admin"), "roleRef.name", "cluster-admin"),
    Broken("no-bindings-to-everyone", binding(subject="system:anonymous"), "subjects[1].name", "system:anonymous"),
    Broken("no-bindings-to-everyone", binding(subject="system:masters"), "subjects[1].name", "system:masters"),
    Broken("no-privilege-escalation-in-roles", role(verbs=("bind", "escalate")), "rules[1].verbs", "bind escalate"),
    Broken("no-access-to-all-secrets", role("ClusterRole", ("secrets",)), "rules[1]", "get secrets"),
    Broken(
        "no-commands-in-pods-by-roles", role("ClusterRole", ("pods/exec",), ("create",)), "rules[1]", "create pods/exec"
    ),
    Broken("no-proxy-to-nodes", role(resources=("nodes/proxy",)), "rules[1]", "get nodes/proxy"),
    Broken(
        "no-webhook-configurations-by-roles",
        role("ClusterRole", ("mutatingwebhookconfigurations",), ("patch",)),
        "rules[1]",
        "patch mutatingwebhookconfigurations",
    ),
    Broken(
        "no-approval-of-certificates-by-roles",
        role("ClusterRole", ("certificatesigningrequests/approval",), ("update",)),
        "rules[1]",
        "update certificatesigningrequests/approval",
    ),
    Broken(
        "no-tokens-of-other-accounts",
        role(resources=("serviceaccounts/token",), verbs=("create",)),
        "rules[1]",
        "create serviceaccounts/token",
    ),
    # security: literals
    Broken(
        "no-secrets-in-variables",
        pod(env=[{"name": "ID", "value": KEY}]),
        "spec.template.spec.containers[main].env[ID]",
        "an AWS access key",
    ),
    Broken(
        "no-secrets-in-variables",
        pod(env=[{"name": "DB_PASSWORD", "value": "correct horse"}]),
        "spec.template.spec.containers[main].env[DB_PASSWORD]",
        "a literal",
    ),
    Broken(
        "no-secrets-in-variables",
        pod(env=[{"name": "URI", "value": "postgresql://user:letmein@db/x"}]),
        "spec.template.spec.containers[main].env[URI]",
        "a password in an address",
    ),
    Broken(
        "no-secrets-in-arguments",
        pod(args=["--token", TOKEN]),
        "spec.template.spec.containers[main].args[1]",
        "a Hugging Face token",
    ),
    Broken(
        "no-secrets-in-config-maps",
        manifest("v1", "ConfigMap", data={"key.pem": "-----BEGIN RSA PRIVATE KEY-----\nx"}),
        "data[key.pem]",
        "a private key",
    ),
    Broken("no-default-service-account", deployment(serviceAccountName=None), f"{SPEC}.serviceAccountName", "not set"),
    Broken(
        "no-default-service-account", deployment(serviceAccountName="default"), f"{SPEC}.serviceAccountName", "default"
    ),
    Broken(
        "no-devices-by-variable",
        pod(env=[{"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"}]),
        f"{CONTAINER}.env[NVIDIA_VISIBLE_DEVICES]",
        "all",
    ),
    Broken(
        "no-container-runtime-sockets",
        deployment(volumes=[{"name": "a", "hostPath": {"path": "/run/containerd/containerd.sock"}}]),
        f"{SPEC}.volumes[0].hostPath.path",
        "/run/containerd/containerd.sock",
    ),
    Broken("root-file-systems-are-read-only", pod(securityContext=None), f"{CONTAINER}.{READ_ONLY}", "not set"),
    Broken(
        "root-file-systems-are-read-only",
        pod(securityContext={"readOnlyRootFilesystem": False}),
        f"{CONTAINER}.{READ_ONLY}",
        "False",
    ),
    # reliability
    Broken("no-bare-pods", manifest("v1", "Pod", spec=template()["spec"]), "kind", "Pod"),
    Broken(
        "containers-have-requests",
        pod(resources={"limits": {"memory": "1Gi"}}),
        f"{CONTAINER}.resources.requests.cpu",
        "not set",
    ),
    Broken(
        "containers-have-memory-limits",
        pod(resources={"requests": {"cpu": "1", "memory": "1Gi"}}),
        f"{CONTAINER}.resources.limits.memory",
        "not set",
    ),
    Broken(
        "served-containers-have-readiness-probes",
        pod(ports=[{"containerPort": 80}]),
        f"{CONTAINER}.readinessProbe",
        "not set",
    ),
    Broken(
        "variables-are-set-once",
        pod(env=[{"name": "A", "value": "1"}, {"name": "B"}, {"name": "A", "value": "2"}]),
        f"{CONTAINER}.env[A]",
        "more than once",
    ),
    Broken(
        "local-disk-has-a-limit",
        deployment(volumes=[{"name": "a", "emptyDir": {}}]),
        f"{SPEC}.volumes[0].emptyDir.sizeLimit",
        "not set",
    ),
    Broken("jobs-have-deadlines", job("activeDeadlineSeconds", None), "spec.activeDeadlineSeconds", "not set"),
    Broken(
        "jobs-have-deadlines",
        cron_job("jobTemplate.spec.activeDeadlineSeconds", None),
        "spec.jobTemplate.spec.activeDeadlineSeconds",
        "not set",
    ),
    Broken("jobs-limit-their-retries", job("backoffLimit", None), "spec.backoffLimit", "not set"),
    Broken("cron-jobs-do-not-overlap", cron_job("concurrencyPolicy", None), "spec.concurrencyPolicy", "Allow"),
    Broken(
        "cron-jobs-have-starting-deadlines",
        cron_job("startingDeadlineSeconds", None),
        "spec.startingDeadlineSeconds",
        "not set",
    ),
    Broken(
        "selectors-match-their-pods",
        deployment(selector={"app": "other"}),
        "spec.selector.matchLabels[app]",
        "other",
    ),
    Broken("disruption-budgets-allow-evictions", budget(maxUnavailable=0), "spec.maxUnavailable", "0"),
    Broken("disruption-budgets-allow-evictions", budget(minAvailable="100%"), "spec.minAvailable", "100%"),
    Broken("autoscalers-have-room", autoscaler(3, 2), "spec.maxReplicas", "2"),
    Broken(
        "no-removed-api-versions",
        manifest("policy/v1beta1", "PodSecurityPolicy"),
        "apiVersion",
        "policy/v1beta1, removed in 1.25",
    ),
    Broken(
        "no-default-namespace",
        manifest("v1", "ConfigMap", metadata={"namespace": "default"}),
        "metadata.namespace",
        "default",
    ),
    # network
    Broken("no-public-load-balancers", service(type="LoadBalancer"), "spec.type", "LoadBalancer"),
    Broken(
        "no-public-load-balancers",
        service(type="LoadBalancer", loadBalancerSourceRanges=[EVERYWHERE]),
        "spec.type",
        "LoadBalancer",
    ),
    Broken("no-node-ports", service(type="NodePort"), "spec.type", "NodePort"),
    Broken("no-external-addresses-of-services", service(externalIPs=["192.0.2.1"]), "spec.externalIPs[0]", "192.0.2.1"),
    Broken(
        "ingresses-have-tls", ingress(rules=[{"host": "b.example.com"}], **TLS), "spec.rules[0].host", "b.example.com"
    ),
    Broken(
        "ingresses-name-hosts",
        ingress(rules=[{"host": "*"}], tls=[{"hosts": ["*"]}]),
        "spec.rules[0].host",
        "every host",
    ),
    Broken(
        "no-snippets-in-ingresses",
        ingress({SNIPPET: "x"}),
        f"metadata.annotations[{SNIPPET}]",
        "configuration of the proxy",
    ),
    Broken("gateway-listeners-have-tls", gateway("HTTP", "Selector"), "spec.listeners[0].protocol", "HTTP"),
    # clouds: EKS
    Broken(
        "eks-endpoint-is-restricted",
        eks("vpcConfig.publicAccessCidrs", None),
        "vpcConfig.publicAccessCidrs",
        EVERYWHERE,
    ),
    Broken(
        "eks-endpoint-is-restricted",
        eks("vpcConfig.publicAccessCidrs", ["10.0.0.0/8", EVERYWHERE]),
        "vpcConfig.publicAccessCidrs",
        EVERYWHERE,
    ),
    Broken(
        "eks-has-a-private-endpoint",
        eks("vpcConfig.endpointPrivateAccess", None),
        "vpcConfig.endpointPrivateAccess",
        "False",
    ),
    Broken("eks-secrets-are-encrypted", eks("encryptionConfig", None), "encryptionConfig.resources", "not set"),
    Broken(
        "eks-audit-logs-are-on",
        eks("enabledClusterLogTypes", ["api", "authenticator"]),
        "enabledClusterLogTypes",
        "without audit",
    ),
    Broken(
        "no-remote-access-to-nodes",
        resource(GROUP, remoteAccess={"ec2SshKey": "key"}),
        "remoteAccess",
        "SSH from everywhere",
    ),
    Broken(
        "node-metadata-needs-tokens",
        resource(TEMPLATE, metadataOptions={"httpTokens": "optional"}),
        "metadataOptions.httpTokens",
        "optional",
    ),
    Broken(
        "node-metadata-needs-tokens",
        resource(TEMPLATE, metadataOptions={"httpTokens": "required", "httpPutResponseHopLimit": 2}),
        "metadataOptions.httpPutResponseHopLimit",
        "2",
    ),
    Broken(
        "no-security-groups-open-to-everyone",
        resource("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", cidrIpv4=EVERYWHERE),
        "cidrIpv4",
        EVERYWHERE,
    ),
    Broken(
        "no-security-groups-open-to-everyone",
        resource("aws:ec2/securityGroup:SecurityGroup", ingress=[{"cidrBlocks": [EVERYWHERE]}]),
        "ingress[0]",
        EVERYWHERE,
    ),
    Broken(
        "no-security-groups-open-to-everyone",
        resource("aws:ec2/securityGroupRule:SecurityGroupRule", type="ingress", ipv6CidrBlocks=["::/0"]),
        "cidrBlocks",
        "::/0",
    ),
    *(
        Broken("no-public-s3-buckets", resource(BLOCK, **{**dict.fromkeys(FOUR, True), field: False}), field, "False")
        for field in FOUR
    ),
    Broken("no-public-s3-buckets", resource("aws:s3/bucket:Bucket", acl="public-read"), "acl", "public-read"),
    Broken("no-wildcards-in-iam", policy("s3:GetObject", "s3:*"), "policy.Statement[0].Action", "s3:*"),
    Broken("no-wildcards-in-iam", policy("*"), "policy.Statement[0].Action", "*"),
    Broken(
        "no-administrators-in-iam",
        resource(
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment", policyArn="arn:aws:iam::aws:policy/AdministratorAccess"
        ),
        "policyArn",
        "AdministratorAccess",
    ),
    Broken("aws-storage-is-encrypted", rds("storageEncrypted", None), "storageEncrypted", "not set"),
    Broken("aws-storage-is-encrypted", resource("aws:efs/fileSystem:FileSystem"), "encrypted", "not set"),
    Broken("aws-storage-is-encrypted", resource("aws:ebs/volume:Volume", encrypted=False), "encrypted", "False"),
    Broken("no-public-rds-databases", rds("publiclyAccessible", True), "publiclyAccessible", "True"),
    Broken("rds-databases-have-backups", rds("backupRetentionPeriod", 0), "backupRetentionPeriod", "0"),
    Broken("kms-keys-rotate", resource("aws:kms/key:Key"), "enableKeyRotation", "not set"),
    # clouds: GKE
    Broken(
        "gke-nodes-are-private",
        gke("privateClusterConfig.enablePrivateNodes", None),
        "privateClusterConfig.enablePrivateNodes",
        "not set",
    ),
    Broken(
        "gke-endpoint-is-restricted",
        gke("privateClusterConfig.enablePrivateEndpoint", False),
        "masterAuthorizedNetworksConfig",
        "every address",
    ),
    Broken("gke-has-no-legacy-access", gke("enableLegacyAbac", True), "enableLegacyAbac", "True"),
    Broken("gke-has-no-legacy-access", gke("enableKubernetesAlpha", True), "enableKubernetesAlpha", "True"),
    Broken(
        "gke-has-no-legacy-access",
        gke("masterAuth", {"clientCertificateConfig": {"issueClientCertificate": True}}),
        "masterAuth.clientCertificateConfig.issueClientCertificate",
        "True",
    ),
    Broken("gke-uses-workload-identity", gke("workloadIdentityConfig", None), "workloadIdentityConfig", "not set"),
    Broken(
        "gke-uses-workload-identity",
        node_pool("nodeConfig.workloadMetadataConfig.mode", "GCE_METADATA"),
        "nodeConfig.workloadMetadataConfig.mode",
        "GCE_METADATA",
    ),
    Broken(
        "gke-nodes-have-an-account",
        node_pool("nodeConfig.serviceAccount", None),
        "nodeConfig.serviceAccount",
        "not set",
    ),
    *(
        Broken(
            "gke-nodes-are-shielded",
            node_pool(f"nodeConfig.shieldedInstanceConfig.{field}", None),
            f"nodeConfig.shieldedInstanceConfig.{field}",
            "not set",
        )
        for field in ("enableSecureBoot", "enableIntegrityMonitoring")
    ),
    Broken("gke-enforces-network-policies", gke("datapathProvider", None), "datapathProvider", "not set"),
    Broken(
        "gke-has-a-release-channel",
        gke("releaseChannel.channel", "UNSPECIFIED"),
        "releaseChannel.channel",
        "UNSPECIFIED",
    ),
    Broken("gke-nodes-are-repaired", node_pool("management.autoRepair", False), "management.autoRepair", "False"),
    Broken(
        "no-insecure-kubelet-port",
        node_pool("nodeConfig.kubeletConfig.insecureKubeletReadonlyPortEnabled", "TRUE"),
        "nodeConfig.kubeletConfig.insecureKubeletReadonlyPortEnabled",
        "TRUE",
    ),
    Broken(
        "no-public-gcs-buckets",
        resource(BUCKET, publicAccessPrevention="inherited", uniformBucketLevelAccess=True),
        "publicAccessPrevention",
        "inherited",
    ),
    Broken(
        "no-public-gcs-buckets",
        resource(BUCKET, publicAccessPrevention="enforced"),
        "uniformBucketLevelAccess",
        "not set",
    ),
    Broken(
        "no-grants-to-everyone",
        resource("gcp:storage/bucketIAMMember:BucketIAMMember", member="allUsers", role="roles/storage.objectViewer"),
        "member",
        "allUsers",
    ),
    Broken(
        "no-basic-roles",
        resource("gcp:projects/iAMMember:IAMMember", member="group:a@example.com", role="roles/editor"),
        "role",
        "roles/editor",
    ),
    Broken(
        "no-public-cloud-sql",
        sql("settings.ipConfiguration.ipv4Enabled", True),
        "settings.ipConfiguration.ipv4Enabled",
        "True",
    ),
    Broken(
        "no-public-cloud-sql",
        sql("settings.ipConfiguration.authorizedNetworks", [{"value": EVERYWHERE}]),
        "settings.ipConfiguration.authorizedNetworks",
        EVERYWHERE,
    ),
    Broken(
        "cloud-sql-needs-tls",
        sql("settings.ipConfiguration.sslMode", "ALLOW_UNENCRYPTED_AND_ENCRYPTED"),
        "settings.ipConfiguration.sslMode",
        "ALLOW_UNENCRYPTED_AND_ENCRYPTED",
    ),
    Broken(
        "cloud-sql-has-backups",
        sql("settings.backupConfiguration.enabled", False),
        "settings.backupConfiguration.enabled",
        "False",
    ),
)

COMPLIANT = (
    role(),
    role(resources=("pods/exec", "pods/attach"), verbs=("create",)),
    role(resources=("secrets",)),
    role("ClusterRole", ("secrets",), ("create",)),
    role("ClusterRole", ("nodes/metrics", "nodes/stats")),
    role("ClusterRole", ("mutatingwebhookconfigurations",)),
    role("ClusterRole", ("certificatesigningrequests",), ("create",)),
    role("ClusterRole", ("serviceaccounts",), ("create",)),
    binding(),
    binding("cluster-admins-of-team", "system:nodes-of-team"),
    pod(env=[{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}]),
    pod(
        env=[
            {"name": "API_TOKEN", "value": "$(OTHER)"},
            {"name": "TOKEN", "value": "/var/run/secrets/token"},
            {"name": "PASSWORD", "value": ""},
            {"name": "MAX_TOKEN", "value": "4096"},
            {"name": "MAX_TOKENS", "value": "many"},
            {"name": "URI", "value": "postgresql://db.team.svc/x"},
            {"name": "URI_2", "value": "postgresql://user:$(PASSWORD)@db/x"},
            {"name": "USE_TOKEN", "value": "true"},
        ]
    ),
    pod(args=["--token-file", "/token"], command=["sh", "-c", "echo $TOKEN"]),
    manifest("v1", "ConfigMap", data={"ca.pem": "-----BEGIN CERTIFICATE-----", "a": "hf_short", "b": "AKIA"}),
    manifest("v1", "Secret", data={"id": KEY}),
    deployment(serviceAccountName=None, automountServiceAccountToken=False),
    pod(env=[{"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"}, {"name": "A"}]),
    deployment(volumes=[{"name": "a", "hostPath": {"path": "/data"}}, {"name": "b", "emptyDir": {"sizeLimit": "1Gi"}}]),
    pod(ports=[{"containerPort": 80}], readinessProbe={"httpGet": {"port": 80}}),
    pod(resources={"limits": {"cpu": "1", "memory": "1Gi"}}),
    manifest("apps/v1", "DaemonSet", spec={"template": template({"ports": [{"containerPort": 80}]})}),
    manifest("batch/v1", "Job", spec=JOB),
    manifest("batch/v1", "CronJob", spec=CRON),
    cron_job("concurrencyPolicy", "Replace"),
    manifest("batch/v1", "CronJob", spec={**changed(CRON, "startingDeadlineSeconds", None), "suspend": True}),
    deployment(selector={}),
    budget(maxUnavailable=1),
    budget(minAvailable=1),
    budget(minAvailable="50%"),
    autoscaler(2, 2),
    autoscaler(None, 1),
    manifest("serving.kserve.io/v1alpha1", "ClusterServingRuntime", spec={"containers": [{"name": "main"}]}),
    manifest("policy/v1", "PodDisruptionBudget"),
    manifest("resource.k8s.io/v1", "ResourceSlice", metadata={"namespace": "default"}),
    service(type="ClusterIP"),
    service({"networking.gke.io/load-balancer-type": "Internal"}, type="LoadBalancer"),
    service({"service.beta.kubernetes.io/aws-load-balancer-scheme": "internal"}, type="LoadBalancer"),
    service(type="LoadBalancer", loadBalancerSourceRanges=["203.0.113.0/24"]),
    ingress(rules=[{"host": "a.example.com"}], **TLS),
    ingress({"nginx.ingress.kubernetes.io/proxy-body-size": "1m"}),
    gateway("HTTPS", "All"),
    gateway("HTTP", "Same"),
    resource(EKS, **GOOD_EKS),
    eks("vpcConfig", {"endpointPublicAccess": False, "endpointPrivateAccess": True}),
    resource(GROUP),
    resource(GROUP, remoteAccess={"ec2SshKey": "key", "sourceSecurityGroupIds": ["sg-1"]}),
    resource(TEMPLATE, metadataOptions={"httpTokens": "required", "httpPutResponseHopLimit": 1}),
    resource("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", cidrIpv4="10.0.0.0/8"),
    resource("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", cidrIpv4=EVERYWHERE),
    resource("aws:ec2/securityGroupRule:SecurityGroupRule", type="egress", cidrBlocks=[EVERYWHERE]),
    resource("aws:ec2/securityGroup:SecurityGroup", egress=[{"cidrBlocks": [EVERYWHERE]}]),
    resource(BLOCK, **dict.fromkeys(FOUR, True)),
    resource("aws:s3/bucket:Bucket", acl="private"),
    policy("s3:GetObject", "s3:Get*"),
    policy("*", effect="Deny"),
    resource("aws:iam/rolePolicy:RolePolicy", policy="no JSON"),
    resource("aws:iam/rolePolicyAttachment:RolePolicyAttachment", policyArn="arn:aws:iam::aws:policy/ReadOnlyAccess"),
    resource(RDS, **GOOD_RDS),
    resource("aws:efs/fileSystem:FileSystem", encrypted=True),
    resource("aws:kms/key:Key", enableKeyRotation=True),
    resource(GKE, **GOOD_GKE),
    resource(
        GKE,
        enableAutopilot=True,
        privateClusterConfig={"enablePrivateNodes": True},
        masterAuthorizedNetworksConfig={"cidrBlocks": [{"cidrBlock": "203.0.113.0/24"}]},
        releaseChannel={"channel": "STABLE"},
    ),
    resource(GKE, **{**changed(GOOD_GKE, "datapathProvider", None), "networkPolicy": {"enabled": True}}),
    resource(POOL, **GOOD_POOL),
    resource(POOL, **changed(GOOD_POOL, "management.autoRepair", False), queuedProvisioning={"enabled": True}),
    resource(POOL, **changed(changed(GOOD_POOL, "management.autoRepair", False), "nodeConfig.flexStart", True)),
    resource(SQL, **GOOD_SQL),
    resource(BUCKET, publicAccessPrevention="enforced", uniformBucketLevelAccess=True),
    resource("gcp:storage/bucketIAMMember:BucketIAMMember", member="group:a@example.com", role="roles/editor"),
    resource(
        "gcp:projects/iAMMember:IAMMember", member="group:a@example.com", role="roles/container.nodeServiceAccount"
    ),
)
