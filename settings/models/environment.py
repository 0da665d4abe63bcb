"""Settings of the environment as a whole."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from components.base.chart_source import ChartOrigin
from settings.models.base import Int32, Model, Name

DOMAIN_PATTERN = r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)+[a-z]{2,}$"


class Environment(Model):
    """What this environment is and what it may own."""

    in_parts = True

    name: Name
    """Shown in labels, alerts and the report: dev, staging, prod."""
    owner: Annotated[str, StringConstraints(min_length=3)]
    """Who answers for it: a team or an address."""
    domain: Annotated[str, StringConstraints(pattern=DOMAIN_PATTERN)]
    """DNS domain under which its services are reachable."""
    device_caps: dict[str, Annotated[Int32, Field(ge=0, strict=True)]] = {}
    """Accelerator -> physical devices it may own, pools at their largest. Not named: not capped."""
    highly_available: bool = False
    """Two or three replicas of everything that can have them."""
    rehearsal: bool = False
    """Set by `make rehearse` alone: clouds are simulated, charts are stand-ins, nothing is kept."""
    disposable: bool = False
    """Data is deleted with the stack: buckets, databases, volumes. For temporary environments; never for production."""


class Scope(StrEnum):
    """Which part of an environment a stack is."""

    ALL = "all"
    """Cluster and platform."""
    CLUSTER = "cluster"
    """The cluster, its pools and data services, for a stack with scope platform."""
    PLATFORM = "platform"
    """What stands on the cluster of another stack, with the same settings of the cluster."""


class Charts(Model):
    """Where charts and CRDs come from."""

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
    """Whom the authority warns before certificates expire."""
