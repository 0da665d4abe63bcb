"""Settings of the environment as a whole."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from components.base.chart_source import ChartOrigin
from settings.models.base import Int32, Model, Name

DOMAIN_PATTERN = r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)+[a-z]{2,}$"


class Environment(Model):
    """Facts about the environment and its limits."""

    in_parts = True

    name: Name
    """Shown in labels, alerts and the report: dev, staging, prod."""
    owner: Annotated[str, StringConstraints(min_length=3)]
    """Owner of the environment: a team or an address."""
    domain: Annotated[str, StringConstraints(pattern=DOMAIN_PATTERN)]
    """DNS domain under which its services are reachable."""
    device_caps: dict[str, Annotated[Int32, Field(ge=0, strict=True)]] = {}
    """Accelerator -> maximum number of physical devices, with pools at their maximum size. Others are not limited."""
    highly_available: bool = False
    """Whether everything that supports it has two or three replicas."""
    rehearsal: bool = False
    """Set by `make rehearse` alone: clouds are simulated, charts are stand-ins, nothing is kept."""
    disposable: bool = False
    """Whether data is deleted with the stack: buckets, databases, volumes. For temporary environments, never for
    production."""


class Scope(StrEnum):
    """The part of an environment that a stack contains."""

    ALL = "all"
    """Cluster and platform."""
    CLUSTER = "cluster"
    """The cluster, its pools and data services, for a stack with scope platform."""
    PLATFORM = "platform"
    """The platform on the cluster of another stack, with the same settings of the cluster."""


class Charts(Model):
    """Source of charts and CRDs."""

    in_parts = True

    origin: ChartOrigin = ChartOrigin.STUB
    """bundled (simulated clusters only), upstream, or mirror."""
    location: str = ""
    """mirror only: `oci://registry/path` or `https://…` that holds the same charts."""
    crd_location: str = ""
    """mirror at `oci://…` only, which holds no files: `https://…` or a folder with the CRDs, as
    `crds/<set>/<version>.yaml`."""


class Acme(Model):
    """An account with a certificate authority that speaks ACME, for domains with `certificate: acme`."""

    server: str
    """Directory URL, `https://acme-v02.api.letsencrypt.org/directory`."""
    email: str
    """E-mail address that the authority warns before certificates expire."""
