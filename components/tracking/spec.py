"""What a tracking server is, in plain data: the part of it that people write in settings. Pure."""

from typing import Required, TypedDict


class IngressArgs(TypedDict, total=False):
    """The way in through an Ingress, for clusters without a Gateway."""

    hostname: Required[str]
    """Public name."""
    class_name: Required[str]
    """Ingress class."""
    tls_secret_name: Required[str]
    """Secret with the certificate, in the server's namespace."""
    annotations: dict[str, str]
    """What the controller reads: the certificate's issuer, limits of upload sizes."""
    controller_namespace: Required[str]
    """Where the controller's pods run."""


class TrackingServerSpec(TypedDict, total=False):
    """The size of a tracking server, and its identity."""

    workers: int
    """Processes of each replica. Default: 2."""
    cpu_millis: int
    """Requested by each replica. Default: 500."""
    memory_mib: int
    """Requested by each replica, and its limit. Default: 1024 for each worker."""
    upload_gib: int
    """Local disk of each replica for artifacts on their way to the store: the largest files that are uploaded at
    once, together. Default: 20."""
    service_account_annotations: dict[str, str]
    """Workload identity: `eks.amazonaws.com/role-arn`, `iam.gke.io/gcp-service-account`."""
