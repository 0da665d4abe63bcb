"""An S3-compatible object store inside the cluster: SeaweedFS on one volume, with separate keys.

For clusters without a cloud. One server, one volume: no replicas, so it is as durable as its storage class. Its keys
are generated once and kept by the state (docs/adr/0011-generated-credentials.md).
"""

import base64
import json
import secrets
from typing import Any, Required, TypedDict

from pulumi import Output, ResourceOptions
from pulumi_kubernetes import apps, batch, core, meta

from catalog.versions import IMAGES
from components.base.cluster_network import USUAL_NETWORK, ClusterNetworkHandle
from components.base.component import Component
from components.base.generated_secrets import keeping_drawn
from components.base.labels import LABELS, REPLACED_IF_FAILED
from components.base.namespaces import IsolatedNamespace, IsolatedNamespaceArgs, PodSecurity
from components.base.pods import (
    claimed,
    container,
    from_secret,
    http_probe,
    pod_spec,
    resources,
    scratch,
    startup_probe,
)
from components.base.traffic_rules import Direction, TrafficRuleArgs
from components.storage.object_store import FINGERPRINT_ANNOTATION, SAME_OWNER, fingerprint_of
from components.storage.object_store_plan import (
    ACCESS_KEY_ID,
    SECRET_ACCESS_KEY,
    ObjectStoreArgs,
    object_store,
    rclone_environment,
)
from components.storage.plan import ObjectStoreHandle, ObjectStoreKind, StorageHandle
from components.storage.volumes import CLAIM_ANNOTATIONS, claim_spec

PORT = 8333
"""SeaweedFS's S3 port."""
_CONFIGURATION = "s3.json"
_CONFIGURATION_FOLDER = "/etc/seaweedfs"


class ObjectStoreServerArgs(TypedDict, total=False):
    """A server, its bucket and its clients."""

    namespace: Required[str]
    """Its namespace, created by the component."""
    bucket: Required[str]
    """The bucket, created by the component."""
    storage: Required[StorageHandle]
    """Class of its volume."""
    storage_gib: Required[int]
    """Size of its volume."""
    client_namespaces: Required[list[str]]
    """Namespaces whose pods may reach it."""
    key_generation: int
    """Increase it to generate new keys; every pod that uses them restarts. Default: 1."""
    keep_data: bool
    """Required in stacks that are not simulated. The volume is protected and outlives the stack."""
    cpu_millis: int
    """Requested. Default: 250."""
    memory_mib: int
    """Requested and limit. SeaweedFS keeps its index in memory. Default: 1024."""
    network: ClusterNetworkHandle
    """How names are resolved and policies are evaluated. Default: `USUAL_NETWORK`."""


class ObjectStoreServer(Component):
    """SeaweedFS with one bucket, reachable over S3 only by the named namespaces."""

    access_key_id: Output[str]
    """Generated; a secret."""
    secret_access_key: Output[str]
    """Generated; a secret."""

    def __init__(self, name: str, args: ObjectStoreServerArgs, opts: ResourceOptions | None = None) -> None:
        store = server_store(name, args)
        claim = claim_spec(f"object store {name}", args["storage"], int(args["storage_gib"]))
        super().__init__(name, args, opts)
        self.handle: ObjectStoreHandle = store
        """For clients of the bucket."""
        home = IsolatedNamespace(f"{name}-home", server_namespace(args), opts=self.child)
        keys = self._keys(name, home.namespace, store)
        self.access_key_id = keys.data.apply(lambda data: _decoded(data[ACCESS_KEY_ID]))
        self.secret_access_key = keys.data.apply(lambda data: _decoded(data[SECRET_ACCESS_KEY]))
        account = core.v1.ServiceAccount(
            f"{name}-account",
            metadata=meta.v1.ObjectMetaArgs(name=name, namespace=home.namespace, labels=LABELS),
            automount_service_account_token=False,
            opts=self.child,
        )
        volume = core.v1.PersistentVolumeClaim(
            f"{name}-volume",
            metadata=meta.v1.ObjectMetaArgs(
                name=name, namespace=home.namespace, labels=LABELS, annotations=CLAIM_ANNOTATIONS
            ),
            spec=claim,
            opts=self.keeping(bool(args.get("keep_data"))),
        )
        server = apps.v1.Deployment(
            f"{name}-server",
            metadata=meta.v1.ObjectMetaArgs(
                name=name, namespace=home.namespace, labels={**LABELS, **_pods(name)}, annotations=SAME_OWNER
            ),
            spec=server_spec(name, args, store, fingerprint_of(self.access_key_id, self.secret_access_key)),
            opts=ResourceOptions.merge(self.child, ResourceOptions(depends_on=[keys, account, volume])),
        )
        service = core.v1.Service(
            f"{name}-service",
            metadata=meta.v1.ObjectMetaArgs(name=name, namespace=home.namespace, labels={**LABELS, **_pods(name)}),
            spec={"selector": _pods(name), "ports": [{"name": "s3", "port": PORT, "targetPort": PORT}]},
            opts=ResourceOptions.merge(self.child, ResourceOptions(depends_on=[server])),
        )
        batch.v1.Job(
            f"{name}-bucket",
            metadata=meta.v1.ObjectMetaArgs(
                name=f"{name}-bucket", namespace=home.namespace, labels=LABELS, annotations=REPLACED_IF_FAILED
            ),
            spec=bucket_job_spec(name, store),
            opts=ResourceOptions.merge(self.child, ResourceOptions(depends_on=[service])),
        )
        self.register_outputs({"accessKeyId": self.access_key_id, "secretAccessKey": self.secret_access_key})

    def _keys(self, name: str, namespace: Output[str], store: ObjectStoreHandle) -> "core.v1.Secret":
        # The generation is part of both names: a replacement under the old resource name would keep the old keys.
        return core.v1.Secret(
            store["credentials_secret_name"],
            metadata=meta.v1.ObjectMetaArgs(
                name=store["credentials_secret_name"], namespace=namespace, labels=LABELS, annotations=SAME_OWNER
            ),
            data=Output.secret(drawn_keys()),
            # Each run generates keys; only those of the run that creates the Secret are used (ADR 0011).
            opts=keeping_drawn(self.child, "data"),
        )

    def keeping(self, keep: bool) -> ResourceOptions:
        """Options of a child with data."""
        return ResourceOptions.merge(self.child, ResourceOptions(protect=keep, retain_on_delete=keep))


def server_store(name: str, args: ObjectStoreServerArgs) -> ObjectStoreHandle:
    """The handle of the bucket in that server. Pure. Raises `Refused` if the bucket's name is invalid."""
    store = object_store(
        f"object store {name}",
        ObjectStoreArgs(
            kind=ObjectStoreKind.S3_COMPATIBLE,
            bucket=args["bucket"],
            endpoint=f"http://{name}.{args['namespace']}.svc.cluster.local:{PORT}",
            credentials_secret_name=f"{name}-keys-{int(args.get('key_generation') or 1)}",
        ),
    )
    return {**store, "pod_port": PORT}


def server_namespace(args: ObjectStoreServerArgs) -> IsolatedNamespaceArgs:
    """The server's namespace: ingress from its clients on the S3 port; no egress. Pure."""
    within = [
        TrafficRuleArgs(name=f"within-{direction.value.lower()}", direction=direction, ports=[PORT])
        for direction in Direction
    ]
    clients = [
        TrafficRuleArgs(name=f"from-{client}", direction=Direction.INGRESS, peer_namespace=client, ports=[PORT])
        for client in args["client_namespaces"]
    ]
    return IsolatedNamespaceArgs(
        namespace=args["namespace"],
        pod_security=PodSecurity.RESTRICTED,
        exceptions=[*within, *clients],
        network=args.get("network") or USUAL_NETWORK,
    )


def drawn_keys() -> dict[str, str]:
    """New keys and the server's configuration with them, as the `data` of a Secret."""
    access_key_id, secret_access_key = secrets.token_hex(10).upper(), secrets.token_hex(20)
    identity = {
        "name": "platform",
        "credentials": [{"accessKey": access_key_id, "secretKey": secret_access_key}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    plain = {
        ACCESS_KEY_ID: access_key_id,
        SECRET_ACCESS_KEY: secret_access_key,
        _CONFIGURATION: json.dumps({"identities": [identity]}),
    }
    return {key: base64.b64encode(value.encode()).decode() for key, value in plain.items()}


def _decoded(value: str) -> str:
    return base64.b64decode(value).decode()


def _pods(name: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": "seaweedfs", "app.kubernetes.io/instance": name}


def server_spec(name: str, args: ObjectStoreServerArgs, store: ObjectStoreHandle, fingerprint: Any) -> dict[str, Any]:
    """The `spec` of the server's Deployment: master, volume server, filer and S3 gateway in one process. Pure."""
    data = claimed("data", "/data", name)
    configuration = from_secret("configuration", _CONFIGURATION_FOLDER, store["credentials_secret_name"])
    configuration.volume["secret"]["items"] = [{"key": _CONFIGURATION, "path": _CONFIGURATION}]
    mounts = [data, configuration, scratch("tmp", "/tmp", 256)]  # noqa: S108 - an emptyDir of the pod
    server = container(
        name="seaweedfs",
        image=IMAGES["seaweedfs"].reference,
        command=["weed", "server"],
        args=[
            "-dir=/data",
            "-ip=$(POD_IP)",
            "-ip.bind=0.0.0.0",
            "-master.volumeSizeLimitMB=1024",
            "-volume.max=0",
            "-filer",
            "-s3",
            f"-s3.port={PORT}",
            f"-s3.config={_CONFIGURATION_FOLDER}/{_CONFIGURATION}",
            "-s3.allowDeleteBucketNotEmpty=false",
        ],
        env=[{"name": "POD_IP", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}}}],
        ports={"s3": PORT},
        resources=resources(
            cpu_millis=int(args.get("cpu_millis") or 250), memory_mib=int(args.get("memory_mib") or 1024)
        ),
        mounts=mounts,
        startupProbe=startup_probe("/status", PORT, within_seconds=300),
        readinessProbe=http_probe("/status", PORT),
        livenessProbe=http_probe("/status", PORT, period_seconds=20),
    )
    return {
        "replicas": 1,
        # Two servers on one volume would corrupt it.
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": _pods(name)},
        "template": {
            "metadata": {"labels": {**LABELS, **_pods(name)}, "annotations": {FINGERPRINT_ANNOTATION: fingerprint}},
            "spec": pod_spec(
                containers=[server], service_account=name, mounts=mounts, terminationGracePeriodSeconds=60
            ),
        },
    }


def bucket_job_spec(name: str, store: ObjectStoreHandle) -> dict[str, Any]:
    """The `spec` of the Job that creates the bucket; idempotent. Pure."""
    mounts = [scratch("tmp", "/tmp", 64)]  # noqa: S108 - an emptyDir of the pod
    make = container(
        name="make-bucket",
        image=IMAGES["rclone"].reference,
        command=["rclone"],
        args=["mkdir", "--retries=5", "--low-level-retries=20", f"store:{store['bucket']}"],
        env=[*rclone_environment(store, create_buckets=True), {"name": "HOME", "value": "/tmp"}],  # noqa: S108
        resources=resources(cpu_millis=50, memory_mib=128, ephemeral_storage_mib=128),
        mounts=mounts,
    )
    return {
        "backoffLimit": 6,
        "activeDeadlineSeconds": 600,
        "template": {
            "metadata": {"labels": {**LABELS, "app.kubernetes.io/name": "make-bucket"}},
            "spec": pod_spec(containers=[make], service_account=name, mounts=mounts, restartPolicy="Never"),
        },
    }
