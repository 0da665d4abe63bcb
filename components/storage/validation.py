"""Rules on storage classes, volumes and object stores."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from catalog.machines import GKE_VOLUME_DISKS, Machine
from components.base.destinations import check_destinations
from components.base.grammar import HTTP_URL, QUALIFIED_NAME, REGION, S3_BUCKET, SUBDOMAIN, check_text
from components.findings import Finding
from components.storage.plan import (
    ACCESS_MODES,
    ENCRYPTING_PARAMETERS,
    PROVISIONERS,
    ClassPlan,
    Encryption,
    ObjectStoreKind,
    StorageHandle,
    StoragePurpose,
    store_namespace,
)

GKE_DISKS = "pd.csi.storage.gke.io"
Paths = Mapping[StoragePurpose, str]
"""Purpose -> where its class is written."""
_PREFIX = re.compile(r"[A-Za-z0-9._=-]+(/[A-Za-z0-9._=-]+)*")


def check_storage_classes(path: str, plans: Sequence[ClassPlan], written: Paths | None = None) -> Iterator[Finding]:
    """Findings for the storage classes of an environment.

    `written`: purpose -> path of its class, where that is not `<path>.<purpose>`.
    """
    paths = {plan.purpose: f"{path}.{plan.purpose}" for plan in plans} | {**(written or {})}
    for plan in plans:
        yield from check_text(f"{paths[plan.purpose]}.className", plan.class_name, SUBDOMAIN)
        if plan.provisioner:
            yield from check_text(f"{paths[plan.purpose]}.provisioner", plan.provisioner, QUALIFIED_NAME)
    yield from exactly_one_default(path, [plan.class_name for plan in plans if plan.is_default])
    yield from provisioners_serve_their_purpose(paths, plans)
    yield from volumes_are_encrypted(paths, plans)
    yield from parameters_are_complete(path, plans)


def exactly_one_default(path: str, defaults: Sequence[str]) -> Iterator[Finding]:
    """A claim without a class must have a defined default."""
    if len(defaults) != 1:
        yield Finding(
            f"{path}.defaultPurpose",
            f"{len(defaults)} default storage classes{': ' if defaults else ''}{', '.join(defaults)}",
            "exactly one storage class must be the default",
            "set defaultPurpose to a purpose that has a class, and isDefault on no other class",
        )


def provisioners_serve_their_purpose(paths: Paths, plans: Iterable[ClassPlan]) -> Iterator[Finding]:
    """The provisioner of a class must support the access modes of its purpose: no ReadWriteMany on a disk."""
    for plan in plans:
        driver = PROVISIONERS.get(plan.provisioner)
        if driver is None and not plan.access_modes:
            known = ", ".join(sorted(PROVISIONERS))
            yield Finding(
                f"{paths[plan.purpose]}.provisioner",
                plan.provisioner or "(none)",
                f"a known provisioner ({known}), or accessModes with its capabilities",
                "correct the name, or set accessModes",
            )
            continue
        served = {str(mode) for mode in driver.access_modes} if driver else set(plan.access_modes)
        wanted = {*ACCESS_MODES[plan.purpose], *plan.access_modes}
        beyond = sorted(str(mode) for mode in wanted if str(mode) not in served)
        if beyond:
            yield Finding(
                paths[plan.purpose],
                f"{' and '.join(beyond)} on {plan.provisioner}",
                f"volumes of {plan.provisioner} support {', '.join(sorted(served))} only",
                "use a provisioner of a shared file system (EFS, Filestore, NFS), or another purpose",
            )


def volumes_are_encrypted(paths: Paths, plans: Iterable[ClassPlan]) -> Iterator[Finding]:
    """Volumes are encrypted at rest; if the driver does it, a parameter enables it."""
    for plan in plans:
        if plan.encryption not in [*Encryption] or plan.parameters.get("encrypted", "true") != "true":
            yield Finding(
                f"{paths[plan.purpose]}.encryption",
                f"{plan.class_name} is not encrypted",
                "volumes must be encrypted at rest",
                f"set the provisioner's parameter, or set `encryption` to one of: {', '.join(Encryption)}",
            )
        elif (
            plan.encryption == Encryption.PARAMETER
            and not plan.exists
            and not any(plan.parameters.get(key) for key in ENCRYPTING_PARAMETERS)
        ):
            yield Finding(
                f"{paths[plan.purpose]}.encryption",
                f"parameter, and {plan.class_name} has none that enables it",
                f"the class needs one of the parameters {', '.join(ENCRYPTING_PARAMETERS)}",
                "add it under parameters, or set another encryption: "
                + ", ".join(each for each in Encryption if each != Encryption.PARAMETER),
            )


def parameters_are_complete(path: str, plans: Iterable[ClassPlan]) -> Iterator[Finding]:
    """Parameters that depend on the environment are set."""
    for plan in plans:
        for key in plan.missing_parameters:
            yield Finding(
                f"{path}.parameters.{plan.purpose}.{key}",
                "(missing)",
                f"{plan.provisioner} cannot create volumes without {key}",
                f"set {key}",
            )


def check_attachment(path: str, plan: ClassPlan, machine: Machine, remedy: str) -> Iterator[Finding]:
    """GKE: the machine supports the disks of the class; otherwise their pods wait forever. Unknown combinations
    pass."""
    disk, taken = plan.parameters.get("type"), machine.volume_disks
    known = frozenset[str]().union(*GKE_VOLUME_DISKS.values())
    if plan.provisioner == GKE_DISKS and taken and isinstance(disk, str) and disk in known - taken:
        yield Finding(
            path,
            f"{disk} (class {plan.class_name}) on {machine.name}",
            f"volumes on {machine.name} are {', '.join(sorted(taken))}",
            remedy,
        )


def check_volume(path: str, handle: StorageHandle, access_mode: str, size_gib: int) -> Iterator[Finding]:
    """The class of a claim supports its access mode."""
    if access_mode not in handle["access_modes"]:
        yield Finding(
            f"{path}.accessMode",
            f"{access_mode} on storage class {handle['class_name']}",
            f"its volumes support {', '.join(handle['access_modes'])}",
            "use the `shared` class for many writers and the `dataset` class for many readers",
        )
    if int(size_gib) < 1:
        yield Finding(f"{path}.sizeGib", f"{size_gib}", "1 or more", "set the size in GiB")


def check_bucket(path: str, bucket: str) -> Iterator[Finding]:
    """A name that is valid in every object store."""
    if not S3_BUCKET.accepts(bucket):
        yield Finding(path, bucket, S3_BUCKET.rule, "correct the bucket's name; no slash and no scheme")


def check_prefix(path: str, prefix: str) -> Iterator[Finding]:
    """Prefix of objects in a bucket; empty: its root."""
    if prefix and not _PREFIX.fullmatch(prefix):
        yield Finding(path, prefix, "a/b, no slash at either end", "write it like platform/dev")


class KeysOfStore(NamedTuple):
    """How the keys of an object store are given: what findings say of them."""

    field: str = "credentialsSecretName"
    give: str = "set the name of their Secret"
    remove: str = "remove it"


SECRET_OF_STORE = KeysOfStore()


def check_object_store(path: str, store: Mapping[str, Any], keys: KeysOfStore = SECRET_OF_STORE) -> Iterator[Finding]:
    """An object store is named so that it can be reached, with one identity."""
    kind = ObjectStoreKind(store["kind"])
    endpoint, credentials = store.get("endpoint") or "", store.get("credentials_secret_name") or ""
    yield from check_bucket(f"{path}.bucket", store["bucket"])
    yield from check_prefix(f"{path}.prefix", store.get("prefix") or "")
    if store.get("region"):
        yield from check_text(f"{path}.region", store["region"], REGION)
    if kind is ObjectStoreKind.S3_COMPATIBLE:
        yield from _endpoint_and_credentials(path, endpoint, credentials, keys)
    elif endpoint:
        yield Finding(
            f"{path}.endpoint", endpoint, f"{kind} has no custom endpoint", "remove it, or use kind s3-compatible"
        )
    if kind is ObjectStoreKind.GCS and credentials:
        yield Finding(
            f"{path}.{keys.field}",
            credentials,
            "gcs uses workload identity",
            f"{keys.remove} and bind the service accounts, or use s3-compatible with HMAC keys",
        )
    yield from check_store_ranges(f"{path}.ranges", store.get("ranges") or [], endpoint)
    if kind is ObjectStoreKind.S3 and not store.get("region"):
        yield Finding(f"{path}.region", "(missing)", "s3 requests are signed for a region", "set the bucket's region")


def check_store_ranges(path: str, ranges: Sequence[str], endpoint: str = "") -> Iterator[Finding]:
    """Addresses of a store outside of the cluster."""
    yield from check_destinations(path, ranges)
    if ranges and store_namespace(endpoint):
        yield Finding(path, ", ".join(ranges), "a store in the cluster is selected by its namespace", "remove it")


def _endpoint_and_credentials(path: str, endpoint: str, credentials: str, keys: KeysOfStore) -> Iterator[Finding]:
    if not HTTP_URL.accepts(endpoint) or urlsplit(endpoint).path not in ("", "/"):
        yield Finding(
            f"{path}.endpoint",
            endpoint if "@" not in endpoint else "(an address with credentials in it)",
            "http(s)://host:port, no path, no credentials",
            "write it like https://s3.example.com:9000; set keys separately",
        )
    if not credentials:
        yield Finding(f"{path}.{keys.field}", "(missing)", "an s3-compatible store needs keys", keys.give)
