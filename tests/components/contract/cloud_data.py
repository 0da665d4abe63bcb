"""Identities, buckets, databases, file systems and DNS of the clouds."""

from components.addons.external_dns import ExternalDns
from components.clouds.eks.bucket import S3Bucket
from components.clouds.eks.database import RdsDatabase
from components.clouds.eks.dns import Route53Zone
from components.clouds.eks.file_system import EfsFileSystem
from components.clouds.eks.pod_identity import PodIdentity
from components.clouds.gke.bucket import GcsBucket
from components.clouds.gke.database import CloudSqlDatabase
from components.clouds.gke.dns import CloudDnsZone
from components.clouds.gke.workload_identity import GrantOn, WorkloadIdentity
from tests.components.cloud_handles import CLOUD_ZONE, EKS, GKE, OTHER_EKS, OTHER_GKE, ZONE
from tests.components.contract.case import ABSENT, Case
from tests.components.platform_handles import NETWORK, SOURCE

KEY = "arn:aws:kms:eu-west-1:123456789012:key/data"
CLOUD_KEY = "projects/ml/locations/europe-west4/keyRings/ml/cryptoKeys/data"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"

CASES = [
    Case(
        PodIdentity,
        {
            "cluster": EKS,
            "namespace": "mlflow",
            "service_account": "mlflow",
            "statements": [
                {
                    "actions": ["s3:GetObject"],
                    "resources": ["*"],
                    "condition": {"StringEquals": {"s3:prefix": "a"}},
                    "any_because": "a test",
                }
            ],
        },
        variants={"cluster": OTHER_EKS, "statements.0.any_because": " ", "statements.0.resources": ["arn:aws:s3:::b"]},
        rules_only={"statements.0.any_because": "it says why a wildcard is right"},
        refused={"statements": []},
    ),
    Case(
        WorkloadIdentity,
        {
            "cluster": GKE,
            "namespace": "mlflow",
            "service_account": "mlflow",
            "grants": [
                {"purpose": "artifacts", "role": "roles/storage.objectUser", "on": GrantOn.BUCKET, "resource": "models"}
            ],
        },
        contexts={
            "grants.0.any_because": {
                "grants.0.on": GrantOn.PROJECT,
                "grants.0.resource": ABSENT,
                "grants.0.any_because": "a test",
            }
        },
        variants={"cluster": OTHER_GKE, "grants.0.any_because": " "},
        rules_only={"grants.0.any_because": "it says why a role is on the whole project"},
        refused={"grants": []},
    ),
    Case(
        S3Bucket,
        {
            "region": "eu-west-1",
            "bucket": {
                "bucket": "example-models",
                "prefix": "prod",
                "version_days": 60,
                "version_archive_days": 30,
                "abort_upload_days": 3,
                "log_bucket": "example-logs",
            },
            "key_arn": KEY,
            "keep_data": False,
        },
        handed={"region": "clients, which sign for it", "bucket.prefix": "clients, which write below it"},
        refused={"bucket.bucket": "Models"},
    ),
    Case(
        RdsDatabase,
        {
            "cluster": EKS,
            "database": {
                "database": "experiments",
                "username": "ml",
                "postgresql": "17",
                "instance_class": "db.t4g.medium",
                "storage_gib": 50,
                "storage_max_gib": 200,
                "highly_available": False,
                "backup_days": 14,
                "log_days": 90,
                "ca_certificate": CERTIFICATE,
            },
            "key_arn": KEY,
            "password": "s3cr3t-s3cr3t-s3cr3t",
            "keep_data": False,
        },
        variants={
            "cluster": OTHER_EKS,
            "database.postgresql": "16",
            "database.instance_class": "db.m7g.large",
            "database.log_days": 30,
            "database.ca_certificate": "",
        },
        handed={"database.ca_certificate": "ExternalDatabase, whose clients verify the server with it"},
        refused={"database.storage_max_gib": 50},
    ),
    Case(
        EfsFileSystem,
        {
            "cluster": EKS,
            "file_system": {"infrequent_after_days": 30, "daily_backups": True},
            "key_arn": KEY,
            "keep_data": False,
        },
        variants={"cluster": OTHER_EKS, "file_system.infrequent_after_days": 0},
        refused={"file_system.infrequent_after_days": 2},
    ),
    Case(
        Route53Zone,
        {"zone": {"domain": "ml.example.com"}, "account_id": "123456789012", "keep_data": False},
        variants={"zone.zone_id": "Z123", "account_id": "210987654321"},
        handed={"account_id": "external-dns and cert-manager"},
        refused={"zone.domain": "localhost"},
    ),
    Case(
        GcsBucket,
        {
            "project": "ml",
            "region": "europe-west4",
            "bucket": {
                "bucket": "example-models",
                "prefix": "prod",
                "version_days": 60,
                "version_archive_days": 30,
                "abort_upload_days": 3,
                "soft_delete_days": 14,
            },
            "key_id": CLOUD_KEY,
            "keep_data": False,
        },
        variants={"bucket.location": "EU"},
        handed={"bucket.prefix": "clients, which write below it"},
        refused={"bucket.bucket": "google"},
    ),
    Case(
        CloudSqlDatabase,
        {
            "cluster": GKE,
            "database": {
                "database": "experiments",
                "username": "ml",
                "postgresql": "17",
                "tier": "db-custom-2-7680",
                "storage_gib": 50,
                "storage_max_gib": 200,
                "highly_available": False,
                "backup_days": 14,
                "generation": 2,
            },
            "key_id": CLOUD_KEY,
            "password": "s3cr3t-s3cr3t-s3cr3t",
            "keep_data": False,
        },
        variants={
            "cluster": OTHER_GKE,
            "database.postgresql": "16",
            "database.tier": "db-perf-optimized-N-4",
        },
        refused={"database.storage_max_gib": 50},
    ),
    Case(
        CloudDnsZone,
        {"zone": {"domain": "ml.example.com"}, "project": "ml", "keep_data": False},
        variants={"zone.zone": "existing"},
        refused={"zone.domain": "localhost"},
    ),
    Case(
        ExternalDns,
        {
            "network": NETWORK,
            "source": SOURCE,
            "zone": ZONE,
            "owner": "prod",
            "eks": EKS,
            "namespace": "names",
            "monitoring_namespace": "monitoring",
        },
        contexts={"gke": {"zone": CLOUD_ZONE, "eks": ABSENT, "gke": GKE}},
        variants={"zone": {**ZONE, "zone": "Z456"}, "eks": OTHER_EKS, "gke": OTHER_GKE},
        refused={"owner": "No Name!"},
        second={"namespace": "others"},
        single="its chart is installed once in a cluster: objects of a chart are named after it",
    ),
]
