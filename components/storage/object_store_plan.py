"""Object stores for the pods that use them: the handle, environment variables and traffic rules. Pure."""

from collections.abc import Mapping
from typing import Any, Required, TypedDict
from urllib.parse import urlsplit

from components.base.pods import environment, environment_from_secret
from components.base.traffic_rules import Direction, TrafficRuleArgs, identity_egress, to_anywhere
from components.findings import refuse
from components.storage.plan import ObjectStoreHandle, ObjectStoreKind, store_namespace
from components.storage.validation import check_object_store

ACCESS_KEY_ID = "AWS_ACCESS_KEY_ID"
SECRET_ACCESS_KEY = "AWS_SECRET_ACCESS_KEY"  # noqa: S105 - the name of a key, for every S3 client
ANY_REGION = "us-east-1"
"""Signing region for stores without regions."""


class ObjectStoreArgs(TypedDict, total=False):
    """An existing bucket, and its connection."""

    kind: Required[ObjectStoreKind]
    """s3, gcs or s3-compatible."""
    bucket: Required[str]
    """Its name."""
    prefix: str
    """Prefix of the platform's objects: `platform/dev`. Default: the root."""
    endpoint: str
    """Required for s3-compatible: `http(s)://host:port`."""
    region: str
    """Required for s3. s3-compatible: default `us-east-1`."""
    credentials_secret_name: str
    """Name of the Secret with the keys; empty or missing: workload identity."""
    ranges: list[str]
    """Address ranges of a store outside of the cluster; without them pods may reach any address on its port."""


def object_store(path: str, args: ObjectStoreArgs) -> ObjectStoreHandle:
    """The handle of a bucket. Pure. Raises `Refused` for invalid arguments; `path` is their path in the settings."""
    refuse(path, check_object_store(path, args))
    kind = ObjectStoreKind(args["kind"])
    prefix = args.get("prefix") or ""
    scheme = "gs" if kind is ObjectStoreKind.GCS else "s3"
    region = "" if kind is ObjectStoreKind.GCS else args.get("region") or ANY_REGION
    handle = ObjectStoreHandle(
        kind=kind,
        bucket=args["bucket"],
        prefix=prefix,
        endpoint=(args.get("endpoint") or "").rstrip("/"),
        region=region,
        credentials_secret_name=args.get("credentials_secret_name") or "",
        uri=f"{scheme}://{args['bucket']}" + (f"/{prefix}" if prefix else ""),
    )
    return {**handle, "ranges": args["ranges"]} if args.get("ranges") else handle


def object_store_environment(store: ObjectStoreHandle) -> list[dict[str, Any]]:
    """For a container's `env`: the variables of boto3, MLflow and the AWS SDKs. Keys come from the Secret by
    reference."""
    values: dict[str, str] = {}
    if store["kind"] is not ObjectStoreKind.GCS:
        values = {"AWS_DEFAULT_REGION": store["region"], "AWS_REGION": store["region"]}
    if store["endpoint"]:
        values |= {"AWS_ENDPOINT_URL_S3": store["endpoint"], "MLFLOW_S3_ENDPOINT_URL": store["endpoint"]}
    return environment(values) + _keys_of(store)


def _keys_of(store: ObjectStoreHandle) -> list[dict[str, Any]]:
    keys = (ACCESS_KEY_ID, SECRET_ACCESS_KEY) if store["credentials_secret_name"] else ()
    return environment_from_secret(store["credentials_secret_name"], {key: key for key in keys})


def rclone_environment(store: ObjectStoreHandle, *, create_buckets: bool = False) -> list[dict[str, Any]]:
    """For a container's `env`: rclone's remote `store:`, without a configuration file. Keys by reference, as above."""
    settings = {"ENV_AUTH": "true"}
    if store["kind"] is ObjectStoreKind.GCS:
        settings |= {"TYPE": "google cloud storage", "BUCKET_POLICY_ONLY": "true"}
    else:
        settings |= {
            "TYPE": "s3",
            "PROVIDER": "AWS" if store["kind"] is ObjectStoreKind.S3 else "Other",
            "REGION": store["region"],
            # Otherwise each upload checks for the bucket first, which write-only keys are not allowed to do.
            "NO_CHECK_BUCKET": "false" if create_buckets else "true",
        }
        if store["endpoint"]:
            settings |= {"ENDPOINT": store["endpoint"], "FORCE_PATH_STYLE": "true"}
    variables = {f"RCLONE_CONFIG_STORE_{key}": value for key, value in settings.items()}
    return environment({**variables, "RCLONE_CONFIG": "/dev/null"}) + _keys_of(store)


def object_store_egress(store: ObjectStoreHandle, pods: Mapping[str, str] | None = None) -> list[TrafficRuleArgs]:
    """Egress to the store, for a namespace or some of its pods. Pure."""
    url = urlsplit(store["endpoint"] or "https://public")
    port = url.port or (443 if url.scheme == "https" else 80)
    host = (url.hostname or "").split(".")
    inside = store_namespace(store["endpoint"])
    if inside:
        rules = [_to_namespace("object-store", inside, store)]
    elif store.get("ranges"):
        rules = [
            TrafficRuleArgs(name=f"object-store-{index}", direction=Direction.EGRESS, cidr=cidr, ports=[port])
            for index, cidr in enumerate(store["ranges"])
        ]
    else:
        rules = [to_anywhere("object-store", [port])]
    # `minio.storage` is a Service for pods and `example.com` is not: only DNS distinguishes them.
    if len(host) == 2:
        rules.append(_to_namespace("object-store-service", host[1], store))
    for rule in rules if pods else []:
        rule["pods"] = dict(pods or {})
    return rules


def _to_namespace(name: str, namespace: str, store: ObjectStoreHandle) -> TrafficRuleArgs:
    """To the pods of a Service. Most CNIs compare the port of the pod, which the endpoint does not contain."""
    rule = TrafficRuleArgs(name=name, direction=Direction.EGRESS, peer_namespace=namespace)
    if "pod_port" in store:
        rule["ports"] = [store["pod_port"]]
    return rule


def object_store_traffic(store: ObjectStoreHandle, pods: Mapping[str, str] | None = None) -> list[TrafficRuleArgs]:
    """All traffic that a store needs: to it, and to the pods' identity service if there are no keys. Pure."""
    if store["credentials_secret_name"]:
        return object_store_egress(store, pods)
    identity = identity_egress(google=store["kind"] is ObjectStoreKind.GCS)
    for rule in identity if pods else []:
        rule["pods"] = dict(pods or {})
    return [*object_store_egress(store, pods), *identity]


def kserve_annotations(store: ObjectStoreHandle) -> dict[str, str]:
    """Annotations with the endpoint for KServe's storage initializer, on the Secret of the service account. Pure.

    Source: kserve/kserve pkg/credentials/s3/s3_secret.go.
    """
    if not store["endpoint"]:
        return {}
    url = urlsplit(store["endpoint"])
    return {
        "serving.kserve.io/s3-endpoint": url.netloc,
        "serving.kserve.io/s3-usehttps": "1" if url.scheme == "https" else "0",
        "serving.kserve.io/s3-region": store["region"],
        # Buckets as host names need a DNS record for each, which in-cluster stores lack.
        "serving.kserve.io/s3-usevirtualbucket": "0",
    }
