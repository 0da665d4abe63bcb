"""GKE and what it uses of Google Cloud. Properties: Pulumi registry, gcp 9. CIS GKE Benchmark 1.9."""

from collections.abc import Iterator
from typing import Any

from policies.objects import UNKNOWN, PlannedObject, at, listed
from policies.rule import Place, Severity, about_objects

CLUSTER, POOL = "gcp:container/cluster:Cluster", "gcp:container/nodePool:NodePool"


def _differs(subject: PlannedObject, token: str, path: str, *wanted: Any, missing: Any = None) -> Iterator[Place]:
    value = subject.at(path, missing)
    if subject.type == token and value is not UNKNOWN and value not in wanted:
        yield path, "not set" if value is None else value


def _standard(subject: PlannedObject) -> bool:
    """A cluster whose nodes are not Google's: Autopilot sets the rest itself."""
    return subject.type == CLUSTER and subject.at("enableAutopilot") not in (True, UNKNOWN)


def _public_nodes(subject: PlannedObject) -> Iterator[Place]:
    return _differs(subject, CLUSTER, "privateClusterConfig.enablePrivateNodes", True)


def _open_endpoint(subject: PlannedObject) -> Iterator[Place]:
    """A public address of the control plane without ranges, or with all of them."""
    private = subject.at("privateClusterConfig.enablePrivateEndpoint")
    ranges = subject.at("masterAuthorizedNetworksConfig")
    if subject.type == CLUSTER and private is not True and UNKNOWN not in (private, ranges):
        blocks = [at(one, "cidrBlock") for one in listed(at(ranges, "cidrBlocks"))]
        if ranges is None or "0.0.0.0/0" in blocks:
            yield "masterAuthorizedNetworksConfig", "every address"


def _legacy(subject: PlannedObject) -> Iterator[Place]:
    yield from _differs(subject, CLUSTER, "enableLegacyAbac", False, None)
    if subject.type == CLUSTER and subject.at("masterAuth.clientCertificateConfig.issueClientCertificate") is True:
        yield "masterAuth.clientCertificateConfig.issueClientCertificate", True
    if subject.type == CLUSTER and subject.at("enableKubernetesAlpha") is True:
        yield "enableKubernetesAlpha", True


def _no_identity(subject: PlannedObject) -> Iterator[Place]:
    if _standard(subject) and subject.at("workloadIdentityConfig") is None:
        yield "workloadIdentityConfig", "not set"
    yield from _differs(subject, POOL, "nodeConfig.workloadMetadataConfig.mode", "GKE_METADATA")


_DEFAULT_ACCOUNT = "-compute@developer.gserviceaccount.com"


def _default_account(subject: PlannedObject) -> Iterator[Place]:
    account = subject.at("nodeConfig.serviceAccount")
    if subject.type == POOL and (
        account in (None, "default") or str(account).endswith("-compute@developer.gserviceaccount.com")
    ):
        yield "nodeConfig.serviceAccount", account or "not set"


def _not_shielded(subject: PlannedObject) -> Iterator[Place]:
    for field in ("enableSecureBoot", "enableIntegrityMonitoring"):
        yield from _differs(subject, POOL, f"nodeConfig.shieldedInstanceConfig.{field}", True)


def _no_policies(subject: PlannedObject) -> Iterator[Place]:
    engine, provider = subject.at("networkPolicy.enabled"), subject.at("datapathProvider")
    if (
        _standard(subject)
        and UNKNOWN not in (engine, provider)
        and engine is not True
        and provider != "ADVANCED_DATAPATH"
    ):
        yield "datapathProvider", provider or "not set"


def _no_channel(subject: PlannedObject) -> Iterator[Place]:
    if subject.type == CLUSTER and subject.at("releaseChannel.channel") in (None, "UNSPECIFIED"):
        yield "releaseChannel.channel", subject.at("releaseChannel.channel") or "not set"


def _no_repair(subject: PlannedObject) -> Iterator[Place]:
    """Not of nodes that exist for one run: GKE wants repair off there (its documentation, provisioningrequest)."""
    for_one_run = (subject.at("queuedProvisioning.enabled"), subject.at("nodeConfig.flexStart"))
    if not any(one in (True, UNKNOWN) for one in for_one_run):
        yield from _differs(subject, POOL, "management.autoRepair", True)


def _insecure_kubelet(subject: PlannedObject) -> Iterator[Place]:
    if subject.type == POOL and subject.at("nodeConfig.kubeletConfig.insecureKubeletReadonlyPortEnabled") == "TRUE":
        yield "nodeConfig.kubeletConfig.insecureKubeletReadonlyPortEnabled", "TRUE"


BUCKET, SQL = "gcp:storage/bucket:Bucket", "gcp:sql/databaseInstance:DatabaseInstance"
_EVERYONE = ("allUsers", "allAuthenticatedUsers")


def _public_bucket(subject: PlannedObject) -> Iterator[Place]:
    yield from _differs(subject, BUCKET, "publicAccessPrevention", "enforced")
    yield from _differs(subject, BUCKET, "uniformBucketLevelAccess", True)


def _to_everyone(subject: PlannedObject) -> Iterator[Place]:
    if subject.type.startswith("gcp:"):
        for value in (subject.at("member"), *listed(subject.at("members"))):
            if value in _EVERYONE:
                yield "member", value


def _basic_roles(subject: PlannedObject) -> Iterator[Place]:
    if subject.type.startswith("gcp:projects/iAM") and subject.at("role") in ("roles/owner", "roles/editor"):
        yield "role", subject.at("role")


def _public_database(subject: PlannedObject) -> Iterator[Place]:
    yield from _differs(subject, SQL, "settings.ipConfiguration.ipv4Enabled", False)
    for one in listed(subject.at("settings.ipConfiguration.authorizedNetworks")) if subject.type == SQL else ():
        if at(one, "value") == "0.0.0.0/0":
            yield "settings.ipConfiguration.authorizedNetworks", "0.0.0.0/0"


def _plain_connections(subject: PlannedObject) -> Iterator[Place]:
    wanted = ("ENCRYPTED_ONLY", "TRUSTED_CLIENT_CERTIFICATE_REQUIRED")
    return _differs(subject, SQL, "settings.ipConfiguration.sslMode", *wanted)


def _no_backup(subject: PlannedObject) -> Iterator[Place]:
    return _differs(subject, SQL, "settings.backupConfiguration.enabled", True)


RULES = (
    about_objects(
        *("gke-nodes-are-private", "Nodes of GKE have no public addresses.", _public_nodes),
        "write privateClusterConfig.enablePrivateNodes: true",
        frameworks=("CIS GKE 5.6.5",),
    ),
    about_objects(
        *(
            "gke-endpoint-is-restricted",
            "The public endpoint of GKE names the ranges that reach it.",
            _open_endpoint,
        ),
        "write masterAuthorizedNetworksConfig, or enablePrivateEndpoint: true",
        frameworks=("CIS GKE 5.6.3",),
    ),
    about_objects(
        *("gke-has-no-legacy-access", "GKE uses no legacy ABAC, client certificates or alpha features.", _legacy),
        "remove it",
        frameworks=("CIS GKE 5.8.1", "CIS GKE 5.10.2"),
    ),
    about_objects(
        *(
            "gke-uses-workload-identity",
            "Pods of GKE have identities of their own.",
            _no_identity,
        ),
        "write workloadIdentityConfig, and workloadMetadataConfig.mode: GKE_METADATA for pools",
        frameworks=("CIS GKE 5.2.2",),
    ),
    about_objects(
        *("gke-nodes-have-an-account", "Nodes of GKE do not use the default service account.", _default_account),
        "name a service account with the roles of nodes",
        frameworks=("CIS GKE 5.2.1",),
    ),
    about_objects(
        *("gke-nodes-are-shielded", "Nodes of GKE start with secure boot and integrity monitoring.", _not_shielded),
        "write shieldedInstanceConfig",
        severity=Severity.MEDIUM,
        frameworks=("CIS GKE 5.5.6",),
    ),
    about_objects(
        *("gke-enforces-network-policies", "GKE enforces NetworkPolicies.", _no_policies),
        "write datapathProvider: ADVANCED_DATAPATH",
        frameworks=("CIS GKE 5.6.7",),
    ),
    about_objects(
        *("gke-has-a-release-channel", "GKE gets versions from a release channel.", _no_channel),
        "write releaseChannel.channel",
        severity=Severity.MEDIUM,
        frameworks=("CIS GKE 5.5.4",),
    ),
    about_objects(
        *(
            "gke-nodes-are-repaired",
            "Failed nodes of GKE are repaired.",
            _no_repair,
            "write management.autoRepair: true",
        ),
        severity=Severity.MEDIUM,
        frameworks=("CIS GKE 5.5.2",),
    ),
    about_objects(
        *("no-insecure-kubelet-port", "No kubelet of GKE answers without authentication.", _insecure_kubelet),
        "write insecureKubeletReadonlyPortEnabled: FALSE",
    ),
    about_objects(
        *("no-public-gcs-buckets", "No bucket of Cloud Storage can be public.", _public_bucket),
        "write publicAccessPrevention: enforced and uniformBucketLevelAccess: true",
    ),
    about_objects(
        *("no-grants-to-everyone", "No role of Google Cloud is granted to everyone.", _to_everyone),
        "name a group or a service account",
    ),
    about_objects(
        *("no-basic-roles", "No owner or editor of a project is made by the program.", _basic_roles),
        "grant the roles that are needed",
    ),
    about_objects(
        *("no-public-cloud-sql", "No instance of Cloud SQL has a public address.", _public_database),
        "write ipConfiguration.ipv4Enabled: false and a private network",
    ),
    about_objects(
        *("cloud-sql-needs-tls", "Connections to Cloud SQL are encrypted.", _plain_connections),
        "write ipConfiguration.sslMode: ENCRYPTED_ONLY",
    ),
    about_objects(
        *("cloud-sql-has-backups", "Every instance of Cloud SQL has backups.", _no_backup),
        "write backupConfiguration.enabled: true",
    ),
)
"""The policies of this subject."""
