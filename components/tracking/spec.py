"""Tracking servers as plain data: the part that settings contain, and the handle for clients. Pure."""

from typing import Required, TypedDict


class IngressArgs(TypedDict, total=False):
    """Access through an Ingress, for clusters without a Gateway."""

    hostname: Required[str]
    """Public name."""
    class_name: Required[str]
    """Ingress class."""
    tls_secret_name: Required[str]
    """Secret with the certificate, in the server's namespace."""
    annotations: dict[str, str]
    """Annotations for the controller: the certificate's issuer, limits of upload sizes."""
    controller_namespace: Required[str]
    """Namespace of the controller's pods."""


class TrackingServerSpec(TypedDict, total=False):
    """Size and identity of a tracking server."""

    workers: int
    """Processes of each replica. Default: 2."""
    cpu_millis: int
    """CPU request of each replica. Default: 500."""
    memory_mib: int
    """Memory request and limit of each replica. Default: 1024 for each worker."""
    upload_gib: int
    """Local disk of each replica for artifacts during their upload: the total size of the largest files that are
    uploaded at once. Default: 20."""
    service_account_annotations: dict[str, str]
    """Workload identity: `eks.amazonaws.com/role-arn`, `iam.gke.io/gcp-service-account`."""


class TrackingHandle(TypedDict):
    """The handle of a tracking server for its clients."""

    uri: str
    """For `MLFLOW_TRACKING_URI`, inside the cluster."""
    environment: dict[str, str]
    """Environment of a client's container."""
    namespace: str
    """Namespace of the server."""
    pods: dict[str, str]
    """Labels of its pods, for the egress rule of clients."""
    port: int
    """TCP port."""
    client_label: dict[str, str]
    """Label that a client's namespace needs for access."""
