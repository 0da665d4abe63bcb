"""CloudNativePG 1.30.1: PostgreSQL clusters, their backups, connection poolers and databases."""

from simulator.crds.core import (
    CLAIM_SPEC,
    CONTAINER_SECURITY,
    ENV_ENTRY,
    ENV_FROM_ENTRY,
    KEY_SELECTOR,
    LOCAL_NAME,
    NAMED,
    NODE_AFFINITY,
    POD_AFFINITY,
    POD_SECURITY,
    RESOURCES,
    ROLLING_STRATEGY,
    SECCOMP_PROFILE,
    TOLERATIONS,
    TOPOLOGY_SPREAD,
)
from simulator.crds.prometheus_operator import relabelings
from simulator.crds.schema import (
    AGE,
    BOOLEAN,
    INT32,
    INT64,
    STRING,
    STRING_MAP,
    STRINGS,
    Fragment,
    Kind,
    Schema,
    array,
    atomic,
    boolean,
    choice,
    free,
    integer,
    obj,
    string,
)

_GROUP = "postgresql.cnpg.io"
_CLUSTER_COLUMN = ("Cluster", "string", ".spec.cluster.name")
_INTEGER = integer(None)
_INSTANCES = {"specReplicasPath": ".spec.instances", "statusReplicasPath": ".status.instances"}
_CLUSTER_REFERENCE = NAMED
_SECRET_REFERENCE = NAMED
_BACKUP_TARGET = choice("primary", "prefer-standby")
_BACKUP_METHOD = choice("barmanObjectStore", "volumeSnapshot", "plugin", default="barmanObjectStore")
_ENSURE = choice("present", "absent", default="present")
_ONLINE = {"immediateCheckpoint": BOOLEAN, "waitForArchive": boolean(default=True)}
_LABELS_AND_ANNOTATIONS = obj({"annotations": STRING_MAP, "labels": STRING_MAP})
_IMAGE_CATALOG = atomic(obj({"apiGroup": STRING, "kind": STRING, "major": _INTEGER, "name": STRING}, "kind major name"))

_STORAGE = Fragment(
    "storage",
    obj(
        {
            "pvcTemplate": CLAIM_SPEC,
            "resizeInUseVolumes": boolean(default=True),
            "size": STRING,
            "storageClass": STRING,
        }
    ),
)
_PLUGIN: dict[str, Schema] = {
    "enabled": boolean(default=True),
    "isWALArchiver": boolean(default=False),
    "name": STRING,
    "parameters": STRING_MAP,
}
_SECRET_KEY = obj({"key": STRING, "name": STRING}, "key name")
_ENCRYPTION = choice("AES256", "aws:kms")
_DATA_COMPRESSIONS = ("bzip2", "gzip", "lz4", "snappy")
_OBJECT_STORE = Fragment(
    "objectStore",
    obj(
        {
            "data": obj(
                {
                    "compression": choice(*_DATA_COMPRESSIONS),
                    "encryption": _ENCRYPTION,
                    "immediateCheckpoint": BOOLEAN,
                    "jobs": integer(minimum=1),
                }
            ),
            "destinationPath": string(minLength=1),
            "endpointCA": _SECRET_KEY,
            "endpointURL": STRING,
            "googleCredentials": obj({"applicationCredentials": _SECRET_KEY, "gkeEnvironment": BOOLEAN}),
            "s3Credentials": obj(
                {
                    "accessKeyId": _SECRET_KEY,
                    "inheritFromIAMRole": BOOLEAN,
                    "region": _SECRET_KEY,
                    "secretAccessKey": _SECRET_KEY,
                    "sessionToken": _SECRET_KEY,
                }
            ),
            "serverName": STRING,
            "wal": obj(
                {
                    "compression": choice(*_DATA_COMPRESSIONS, "xz", "zstd"),
                    "encryption": _ENCRYPTION,
                    "maxParallel": integer(None, minimum=1),
                }
            ),
        },
        "destinationPath",
    ),
)
_BACKUP = obj(
    {
        "barmanObjectStore": _OBJECT_STORE,
        "retentionPolicy": string(pattern="^[1-9][0-9]*[dwm]$"),
        "target": {**_BACKUP_TARGET, "default": "prefer-standby"},
        "volumeSnapshot": obj(
            {
                "annotations": STRING_MAP,
                "className": STRING,
                "labels": STRING_MAP,
                "online": boolean(default=True),
                "onlineConfiguration": obj(_ONLINE, default={"immediateCheckpoint": False, "waitForArchive": True}),
                "snapshotOwnerReference": choice("none", "cluster", "backup", default="none"),
                "walClassName": STRING,
            }
        ),
    }
)
_VOLUME_SOURCE = atomic(obj({"apiGroup": STRING, "kind": STRING, "name": STRING}, "kind name"))
_BOOTSTRAP = obj(
    {
        "initdb": obj(
            {
                "dataChecksums": BOOLEAN,
                "database": STRING,
                "encoding": STRING,
                "localeCType": STRING,
                "localeCollate": STRING,
                "options": STRINGS,
                "owner": STRING,
                "postInitApplicationSQL": STRINGS,
                "postInitSQL": STRINGS,
                "postInitTemplateSQL": STRINGS,
                "secret": _SECRET_REFERENCE,
                "walSegmentSize": integer(None, minimum=1, maximum=1024),
            }
        ),
        "pg_basebackup": obj(
            {"database": STRING, "owner": STRING, "secret": _SECRET_REFERENCE, "source": string(minLength=1)}, "source"
        ),
        "recovery": obj(
            {
                "backup": obj({"endpointCA": _SECRET_KEY, "name": STRING}, "name"),
                "database": STRING,
                "owner": STRING,
                "recoveryTarget": obj(
                    {
                        "backupID": STRING,
                        "exclusive": BOOLEAN,
                        "targetImmediate": BOOLEAN,
                        "targetLSN": STRING,
                        "targetName": STRING,
                        "targetTLI": STRING,
                        "targetTime": STRING,
                        "targetXID": STRING,
                    }
                ),
                "secret": _SECRET_REFERENCE,
                "source": STRING,
                "volumeSnapshots": obj({"storage": _VOLUME_SOURCE, "walStorage": _VOLUME_SOURCE}, "storage"),
            }
        ),
    }
)
_ROLE = obj(
    {
        "bypassrls": BOOLEAN,
        "comment": STRING,
        "connectionLimit": integer("int64", default=-1),
        "createdb": BOOLEAN,
        "createrole": BOOLEAN,
        "disablePassword": BOOLEAN,
        "ensure": _ENSURE,
        "inRoles": STRINGS,
        "inherit": boolean(default=True),
        "login": BOOLEAN,
        "name": STRING,
        "passwordSecret": _SECRET_REFERENCE,
        "replication": BOOLEAN,
        "superuser": BOOLEAN,
        "validUntil": string(format="date-time"),
    },
    "name",
)
_POD_MONITOR_RELABELINGS = relabelings(INT64)
_POSTGRESQL = obj(
    {
        "enableAlterSystem": BOOLEAN,
        "parameters": STRING_MAP,
        "pg_hba": STRINGS,
        "pg_ident": STRINGS,
        "promotionTimeout": INT32,
        "shared_preload_libraries": STRINGS,
        "syncReplicaElectionConstraint": obj({"enabled": BOOLEAN, "nodeLabelsAntiAffinity": STRINGS}, "enabled"),
        "synchronous": obj(
            {
                "dataDurability": choice("required", "preferred"),
                "failoverQuorum": BOOLEAN,
                "maxStandbyNamesFromCluster": _INTEGER,
                "method": choice("any", "first"),
                "number": _INTEGER,
            },
            "method number",
        ),
    }
)
_CLUSTER = obj(
    {
        "affinity": obj(
            {
                "additionalPodAffinity": POD_AFFINITY,
                "additionalPodAntiAffinity": POD_AFFINITY,
                "enablePodAntiAffinity": BOOLEAN,
                "nodeAffinity": NODE_AFFINITY,
                "nodeSelector": STRING_MAP,
                "podAntiAffinityType": STRING,
                "tolerations": TOLERATIONS,
                "topologyKey": STRING,
            }
        ),
        "backup": _BACKUP,
        "bootstrap": _BOOTSTRAP,
        "certificates": obj(
            {
                "clientCASecret": STRING,
                "replicationTLSSecret": STRING,
                "serverAltDNSNames": STRINGS,
                "serverCASecret": STRING,
                "serverTLSSecret": STRING,
            }
        ),
        "description": STRING,
        "enablePDB": boolean(default=True),
        "enableSuperuserAccess": boolean(default=False),
        "env": array(ENV_ENTRY),
        "envFrom": array(ENV_FROM_ENTRY),
        "externalClusters": array(
            obj(
                {
                    "barmanObjectStore": _OBJECT_STORE,
                    "connectionParameters": STRING_MAP,
                    "name": STRING,
                    "password": KEY_SELECTOR,
                    "plugin": obj(_PLUGIN, "name"),
                    "sslCert": KEY_SELECTOR,
                    "sslKey": KEY_SELECTOR,
                    "sslRootCert": KEY_SELECTOR,
                },
                "name",
            )
        ),
        "failoverDelay": integer(default=0),
        "imageCatalogRef": _IMAGE_CATALOG,
        "imageName": STRING,
        "imagePullPolicy": STRING,
        "imagePullSecrets": array(_SECRET_REFERENCE),
        "inheritedMetadata": _LABELS_AND_ANNOTATIONS,
        "instances": integer(None, default=1, minimum=1),
        "logLevel": choice("error", "warning", "info", "debug", "trace", default="info"),
        "managed": obj(
            {
                "roles": array(_ROLE),
                "services": obj({"disabledDefaultServices": array(choice("rw", "r", "ro"))}),
            }
        ),
        "maxSyncReplicas": integer(None, default=0, minimum=0),
        "minSyncReplicas": integer(None, default=0, minimum=0),
        "monitoring": obj(
            {
                "customQueriesConfigMap": array(_SECRET_KEY),
                "disableDefaultQueries": boolean(default=False),
                "enablePodMonitor": boolean(default=False),
                "podMonitorMetricRelabelings": _POD_MONITOR_RELABELINGS,
                "podMonitorRelabelings": _POD_MONITOR_RELABELINGS,
                "tls": obj({"enabled": boolean(default=False)}),
            }
        ),
        "nodeMaintenanceWindow": obj({"inProgress": boolean(default=False), "reusePVC": boolean(default=True)}),
        "plugins": array(obj(_PLUGIN, "name")),
        "podSecurityContext": POD_SECURITY,
        "postgresGID": integer("int64", default=26),
        "postgresUID": integer("int64", default=26),
        "postgresql": _POSTGRESQL,
        "primaryUpdateMethod": choice("switchover", "restart", default="restart"),
        "primaryUpdateStrategy": choice("unsupervised", "supervised", default="unsupervised"),
        "priorityClassName": STRING,
        "replicationSlots": obj(
            {
                "highAvailability": obj(
                    {
                        "enabled": boolean(default=True),
                        "slotPrefix": string(default="_cnpg_", pattern="^[0-9a-z_]*$"),
                    },
                    default={"enabled": True},
                ),
                "updateInterval": integer(None, default=30, minimum=1),
            },
            default={"highAvailability": {"enabled": True}},
        ),
        "resources": RESOURCES,
        "schedulerName": STRING,
        "seccompProfile": SECCOMP_PROFILE,
        "securityContext": CONTAINER_SECURITY,
        "serviceAccountTemplate": obj({"metadata": _LABELS_AND_ANNOTATIONS}, "metadata"),
        "smartShutdownTimeout": integer(default=180),
        "startDelay": integer(default=3600),
        "stopDelay": integer(default=1800),
        "storage": _STORAGE,
        "superuserSecret": _SECRET_REFERENCE,
        "switchoverDelay": integer(default=3600),
        "topologySpreadConstraints": array(TOPOLOGY_SPREAD),
        "walStorage": _STORAGE,
    },
    "instances",
)
_BACKUP_FIELDS: dict[str, Schema] = {
    "cluster": _CLUSTER_REFERENCE,
    "method": _BACKUP_METHOD,
    "online": BOOLEAN,
    "onlineConfiguration": obj(_ONLINE),
    "pluginConfiguration": obj({"name": STRING, "parameters": STRING_MAP}, "name"),
    "target": _BACKUP_TARGET,
}
_POOLER = obj(
    {
        "cluster": _CLUSTER_REFERENCE,
        "deploymentStrategy": ROLLING_STRATEGY,
        "instances": integer(default=1),
        "monitoring": obj(
            {
                "enablePodMonitor": boolean(default=False),
                "podMonitorMetricRelabelings": _POD_MONITOR_RELABELINGS,
                "podMonitorRelabelings": _POD_MONITOR_RELABELINGS,
            }
        ),
        "pgbouncer": obj(
            {
                "authQuery": STRING,
                "authQuerySecret": _SECRET_REFERENCE,
                "image": STRING,
                "parameters": STRING_MAP,
                "paused": boolean(default=False),
                "pg_hba": STRINGS,
                "poolMode": choice("session", "transaction", default="session"),
            }
        ),
        "template": free(properties={"metadata": _LABELS_AND_ANNOTATIONS}),  # no component of ours has a pooler
        "type": choice("rw", "ro", "r", default="rw"),
    },
    "cluster pgbouncer",
)
_DATABASE = obj(
    {
        "allowConnections": BOOLEAN,
        "cluster": atomic(obj({"name": LOCAL_NAME})),
        "connectionLimit": _INTEGER,
        "databaseReclaimPolicy": choice("delete", "retain", default="retain"),
        "encoding": STRING,
        "ensure": _ENSURE,
        "extensions": array(
            obj({"ensure": _ENSURE, "name": STRING, "schema": STRING, "version": STRING}, "name"),
        ),
        "localeCType": STRING,
        "localeCollate": STRING,
        "name": STRING,
        "owner": STRING,
        "schemas": array(obj({"ensure": _ENSURE, "name": STRING, "owner": STRING}, "name")),
        "template": STRING,
    },
    "cluster name owner",
)

_DATABASE_ROLE = obj(
    {
        "bypassrls": BOOLEAN,
        "clientCertificate": obj({"enabled": boolean(default=True)}),
        "cluster": atomic(obj({"name": LOCAL_NAME})),
        "comment": STRING,
        "connectionLimit": integer("int64", default=-1),
        "createdb": BOOLEAN,
        "createrole": BOOLEAN,
        "databaseRoleReclaimPolicy": choice("delete", "retain", default="retain"),
        "disablePassword": BOOLEAN,
        "ensure": _ENSURE,
        "inRoles": array(STRING),
        "inherit": boolean(default=True),
        "login": BOOLEAN,
        "name": STRING,
        "passwordSecret": NAMED,
        "replication": BOOLEAN,
        "superuser": BOOLEAN,
        "validUntil": string(format="date-time"),
    },
    "cluster name",
)

KINDS = (
    Kind(
        _GROUP,
        "Cluster",
        "clusters",
        "A PostgreSQL primary with its replicas.",
        _CLUSTER,
        columns=(
            AGE,
            ("Instances", "integer", ".status.instances"),
            ("Ready", "integer", ".status.readyInstances"),
            ("Status", "string", ".status.phase"),
            ("Primary", "string", ".status.currentPrimary"),
        ),
        scale={"labelSelectorPath": ".status.selector", **_INSTANCES},
        required="metadata spec",
    ),
    Kind(
        _GROUP,
        "ScheduledBackup",
        "scheduledbackups",
        "Backups of a cluster on a schedule (six fields: seconds first).",
        obj(
            {
                **_BACKUP_FIELDS,
                "backupOwnerReference": choice("none", "self", "cluster", default="none"),
                "immediate": BOOLEAN,
                "schedule": STRING,
                "suspend": BOOLEAN,
            },
            "cluster schedule",
        ),
        columns=(AGE, _CLUSTER_COLUMN, ("Last Backup", "date", ".status.lastScheduleTime")),
        required="metadata spec",
    ),
    Kind(
        _GROUP,
        "Backup",
        "backups",
        "One backup of a cluster.",
        obj(_BACKUP_FIELDS, "cluster"),
        columns=(
            AGE,
            _CLUSTER_COLUMN,
            ("Method", "string", ".spec.method"),
            ("Phase", "string", ".status.phase"),
        ),
        required="metadata spec",
    ),
    Kind(
        _GROUP,
        "Pooler",
        "poolers",
        "PgBouncer in front of a cluster.",
        _POOLER,
        columns=(AGE, _CLUSTER_COLUMN, ("Type", "string", ".spec.type")),
        scale=_INSTANCES,
        required="metadata spec",
    ),
    Kind(
        _GROUP,
        "Database",
        "databases",
        "A database inside a cluster.",
        _DATABASE,
        columns=(
            AGE,
            _CLUSTER_COLUMN,
            ("PG Name", "string", ".spec.name"),
            ("Applied", "boolean", ".status.applied"),
        ),
        required="metadata spec",
    ),
    Kind(
        _GROUP,
        "DatabaseRole",
        "databaseroles",
        "A role inside a cluster.",
        _DATABASE_ROLE,
        columns=(
            AGE,
            _CLUSTER_COLUMN,
            ("PG Name", "string", ".spec.name"),
            ("Applied", "boolean", ".status.applied"),
        ),
        required="metadata spec",
    ),
)
