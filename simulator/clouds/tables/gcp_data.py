"""Identity, keys, buckets, databases, zones and schedules of Google Cloud."""

from simulator.clouds.rows import Row
from simulator.clouds.tables.gcp_network import NETWORK

ACCOUNT = "gcp:serviceaccount/account:Account"
_RING = "gcp:kms/keyRing:KeyRing"
_KEY = "gcp:kms/cryptoKey:CryptoKey"
_BUCKET = "gcp:storage/bucket:Bucket"
_DATABASES = "gcp:sql/databaseInstance:DatabaseInstance"
_ZONE = "gcp:dns/managedZone:ManagedZone"
_TIME = "2026-01-01T00:00:00Z"
_SQL = "https://sqladmin.googleapis.simulated.invalid/sql/v1beta4/projects/{project}/instances"


def _member(token: str, api: str, of: str, needs: str, more: str = "") -> Row:
    """One member of one role on something."""
    return Row(
        token,
        api,
        id=f"{{{of}}}/{{role}}/{{member}}" if of else "{project}/{role}/{member}",
        unchecked=of,
        outputs={"etag": "simulated"},
        fixed=f"{of or 'project'} role member condition",
        unique=f"{{{of or 'project'}}} {{role}} {{member}} {{condition}}",
        needs={of: needs} if needs else {},
    )


ROWS = (
    Row(
        ACCOUNT,
        "iam.v1.ServiceAccount",
        id="projects/{project}/serviceAccounts/{accountId}@{project}.iam.gserviceaccount.com",
        unchecked="accountId createIgnoreAlreadyExists",
        autoname="accountId",
        outputs={
            "email": "{accountId}@{project}.iam.gserviceaccount.com",
            "member": "serviceAccount:{accountId}@{project}.iam.gserviceaccount.com",
            "name": "{id}",
            "uniqueId": "{number}",
        },
        fixed="accountId project",
        unique="{project} {accountId}",
    ),
    _member("gcp:projects/iAMMember:IAMMember", "cloudresourcemanager.v1.Binding", "", ""),
    _member("gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember", "cloudkms.v1.Binding", "cryptoKeyId", _KEY),
    _member("gcp:storage/bucketIAMMember:BucketIAMMember", "cloudresourcemanager.v1.Binding", "bucket", _BUCKET),
    _member(
        "gcp:dns/dnsManagedZoneIamMember:DnsManagedZoneIamMember",
        "cloudresourcemanager.v1.Binding",
        "managedZone",
        _ZONE,
    ),
    _member("gcp:serviceaccount/iAMMember:IAMMember", "cloudresourcemanager.v1.Binding", "serviceAccountId", ACCOUNT),
    Row(
        "gcp:projects/iAMCustomRole:IAMCustomRole",
        "iam.v1.Role",
        id="projects/{project}/roles/{roleId}",
        renames={"permissions": "includedPermissions"},
        unchecked="roleId",
        outputs={"name": "{id}", "deleted": False, "roleId": "simulated"},
        fixed="project roleId",
        unique="{project} {roleId}",
    ),
    Row(
        "gcp:projects/service:Service",
        "serviceusage.v1.GoogleApiServiceusageV1Service",
        id="{project}/{service}",
        unchecked="service checkIfServiceHasUsageOnDestroy disableDependentServices disableOnDestroy",
        fixed="project service",
    ),
    Row(
        _RING,
        "cloudkms.v1.KeyRing",
        id="projects/{project}/locations/{location}/keyRings/{name}",
        unchecked="location",
        autoname="name",
        fixed="name project location",
        unique="{project} {location} {name}",
        outlives=True,
    ),
    Row(
        _KEY,
        "cloudkms.v1.CryptoKey",
        id="{keyRing}/cryptoKeys/{name}",
        unchecked="keyRing skipInitialVersionCreation",
        autoname="name",
        outputs={
            "primaries": [{"name": "{id}/cryptoKeyVersions/1", "state": "ENABLED"}],
            "destroyScheduledDuration": "2592000s",
        },
        fixed="name keyRing purpose importOnly destroyScheduledDuration cryptoKeyBackend skipInitialVersionCreation",
        unique="{keyRing} {name}",
        needs={"keyRing": _RING},
        labels="labels",
        outlives=True,
    ),
    Row(
        _BUCKET,
        "storage.v1.Bucket",
        id="{name}",
        renames={
            "lifecycleRules": "lifecycle.rule",
            "lifecycleRules.condition.matchesStorageClasses": "matchesStorageClass",
            "lifecycleRules.condition.matchesPrefixes": "matchesPrefix",
            "lifecycleRules.condition.matchesSuffixes": "matchesSuffix",
            "publicAccessPrevention": "iamConfiguration.publicAccessPrevention",
            "requesterPays": "billing.requesterPays",
            "uniformBucketLevelAccess": "iamConfiguration.uniformBucketLevelAccess.enabled",
        },
        unchecked="""
            forceDestroy enableObjectRetention lifecycleRules.condition.withState
            lifecycleRules.condition.sendDaysSinceNoncurrentTimeIfZero
            lifecycleRules.condition.sendNumNewerVersionsIfZero lifecycleRules.condition.sendAgeIfZero
            lifecycleRules.condition.sendDaysSinceCustomTimeIfZero lifecycleRules.condition.noAge
        """,
        autoname="name",
        outputs={
            "selfLink": "https://www.googleapis.simulated.invalid/storage/v1/b/{name}",
            "url": "gs://{name}",
            "projectNumber": 0,
            "timeCreated": _TIME,
            "updated": _TIME,
            "publicAccessPrevention": "inherited",
            "uniformBucketLevelAccess": False,
            "rpo": "DEFAULT",
        },
        fixed="name project location customPlacementConfig enableObjectRetention hierarchicalNamespace",
        unique="{name}",
        needs={"~encryption.defaultKmsKeyName": _KEY},
        labels="labels",
    ),
    Row(
        _DATABASES,
        "sqladmin.v1.DatabaseInstance",
        id="{name}",
        renames={
            "encryptionKeyName": "diskEncryptionConfiguration.kmsKeyName",
            "settings.diskAutoresize": "storageAutoResize",
            "settings.diskAutoresizeLimit": "storageAutoResizeLimit",
            "settings.diskSize": "dataDiskSizeGb",
            "settings.diskType": "dataDiskType",
            "settings.version": "settingsVersion",
        },
        unchecked="deletionProtection rootPasswordWo rootPasswordWoVersion finalBackupDescription "
        "settings.effectiveAvailabilityType",
        autoname="name",
        outputs={
            "selfLink": _SQL + "/{name}",
            "connectionName": "{project}:{region}:{name}",
            "dnsName": "{name}.simulated.{region}.sql.goog.",
            "dnsNames": [],
            "privateIpAddress": "10.0.{octets}",
            "firstIpAddress": "10.0.{octets}",
            "publicIpAddress": "",
            "ipAddresses": [{"ipAddress": "10.0.{octets}", "type": "PRIVATE", "timeToRetire": ""}],
            "serverCaCerts": [
                {
                    "cert": "-----BEGIN CERTIFICATE-----\nsimulated\n-----END CERTIFICATE-----",
                    "commonName": "simulated",
                    "createTime": _TIME,
                    "expirationTime": "2036-01-01T00:00:00Z",
                    "sha1Fingerprint": "simulated",
                }
            ],
            "serviceAccountEmailAddress": "simulated@{project}.iam.gserviceaccount.com",
            "availableMaintenanceVersions": [],
            "pscServiceAttachmentLink": "",
            "instanceType": "CLOUD_SQL_INSTANCE",
        },
        fixed="name project region encryptionKeyName masterInstanceName",
        unique="{project} {name}",
        needs={"~settings.ipConfiguration.privateNetwork": NETWORK, "~encryptionKeyName": _KEY},
        protected="deletionProtection",
        protected_by_default=True,
        labels="settings.userLabels",
    ),
    Row(
        "gcp:sql/database:Database",
        "sqladmin.v1.Database",
        id="projects/{project}/instances/{instance}/databases/{name}",
        autoname="name",
        outputs={"selfLink": _SQL + "/{instance}/databases/{name}", "charset": "UTF8", "collation": "en_US.UTF8"},
        fixed="name project instance",
        unique="{project} {instance} {name}",
        needs={"~instance": _DATABASES},
    ),
    Row(
        "gcp:sql/user:User",
        "sqladmin.v1.User",
        id="{name}/{host}/{instance}",
        unchecked="passwordWo passwordWoVersion",
        autoname="name",
        outputs={"iamEmail": "", "host": "", "sqlServerUserDetails": []},
        fixed="name project instance host type",
        unique="{project} {instance} {name} {host}",
        needs={"~instance": _DATABASES},
    ),
    Row(
        _ZONE,
        "dns.v1.ManagedZone",
        id="projects/{project}/managedZones/{name}",
        renames={"privateVisibilityConfig.gkeClusters": "gkeClusters"},
        unchecked="forceDestroy reverseLookup",
        autoname="name",
        outputs={
            "nameServers": ["ns-1.simulated.invalid.", "ns-2.simulated.invalid."],
            "managedZoneId": "{number}",
            "creationTime": _TIME,
            "description": "Managed by Pulumi",
        },
        fixed="name project dnsName visibility reverseLookup",
        unique="{project} {name}",
        needs={"~privateVisibilityConfig.networks.networkUrl": NETWORK},
        labels="labels",
    ),
    Row(
        "gcp:dns/recordSet:RecordSet",
        "dns.v1.ResourceRecordSet",
        id="projects/{project}/managedZones/{managedZone}/rrsets/{name}/{type}",
        unchecked="managedZone",
        fixed="name project managedZone type",
        unique="{project} {managedZone} {name} {type}",
        needs={"managedZone": _ZONE},
    ),
    Row(
        "gcp:cloudscheduler/job:Job",
        "cloudscheduler.v1.Job",
        id="projects/{project}/locations/{region}/jobs/{name}",
        unchecked="paused region",
        autoname="name",
        outputs={"state": "ENABLED", "paused": False},
        fixed="name project region",
        unique="{project} {region} {name}",
    ),
)
