"""The handle of a PostgreSQL database, and its form for clients. Pure.

Clients get the variables of libpq (PGHOST, PGUSER, PGPASSWORD, …), which psycopg2, pg_dump and psql share: the password
is never part of an address, and no character in it needs quoting.
"""

from collections.abc import Mapping
from typing import Any, TypedDict

from pulumi import Input, Output

from components.base.pods import Mounted, environment, environment_from_secret, from_secret
from components.base.traffic_rules import TrafficRuleArgs

CA_FOLDER = "/etc/postgresql-ca"
CA_FILE = "ca.crt"


class DatabaseHandle(TypedDict):
    """A database and its credentials."""

    host: Input[str]
    """Name in its certificate; a short name works only in the database's namespace. Of a managed database it is unknown
    until that exists."""
    port: int
    """TCP port."""
    database: str
    """Name of the database."""
    secret_name: str
    """Secret with the user and the password, in the namespace of the clients."""
    username_key: str
    """Key of the user in it."""
    password_key: str
    """Key of the password in it."""
    ssl_mode: str
    """libpq's sslmode: `verify-full`, `verify-ca` or `require`."""
    ca_secret_name: str
    """Secret with `ca.crt`; empty: the system's certificate authorities, or none (`require`)."""
    egress: TrafficRuleArgs
    """The traffic rule of its clients; add their `pods`."""
    client_label: dict[str, str]
    """Label that the database requires on client pods; empty if it requires none."""


class ManagedDatabaseHandle(TypedDict):
    """A managed database of a cloud (RDS, Cloud SQL) for `ExternalDatabase`: its fields of the same names."""

    host: Input[str]
    """Host name or address for clients."""
    port: int
    """TCP port."""
    database: str
    """Name of the database."""
    username: Input[str]
    """User that owns it."""
    password: Input[str]
    """Its password; a secret."""
    ssl_mode: str
    """The strictest sslmode of libpq that its certificate supports."""
    ca_certificate: Input[str]
    """PEM of the authority of its certificate; empty: unknown."""
    address_range: Input[str]
    """CIDR of its address."""


def libpq_environment(database: DatabaseHandle) -> list[dict[str, Any]]:
    """For a container's `env`: all variables of libpq. User and password come from the Secret by reference."""
    plain = {
        "PGHOST": database["host"],
        "PGPORT": str(int(database["port"])),
        "PGDATABASE": database["database"],
        "PGSSLMODE": database["ssl_mode"],
        "PGCONNECT_TIMEOUT": "10",
    }
    if database["ca_secret_name"]:
        plain["PGSSLROOTCERT"] = f"{CA_FOLDER}/{CA_FILE}"
    elif database["ssl_mode"].startswith("verify"):
        plain["PGSSLROOTCERT"] = "system"
    keys = {"PGUSER": database["username_key"], "PGPASSWORD": database["password_key"]}
    return environment(plain) + environment_from_secret(database["secret_name"], keys)


def ca_mounts(database: DatabaseHandle) -> list[Mounted]:
    """The volume with the certificate authority; none if there is no Secret with one."""
    if not database["ca_secret_name"]:
        return []
    mounted = from_secret("postgresql-ca", CA_FOLDER, database["ca_secret_name"])
    # CloudNativePG's CA Secret contains the private key too: only the certificate is mounted.
    mounted.volume["secret"]["items"] = [{"key": CA_FILE, "path": CA_FILE}]
    return [mounted]


def sqlalchemy_uri(database: DatabaseHandle) -> Input[str]:
    """The address for SQLAlchemy, without user and password. The driver is named: bare `postgresql://` is psycopg 3
    from SQLAlchemy 2.1 on."""
    host, rest = database["host"], f"{int(database['port'])}/{database['database']}"
    if isinstance(host, str):
        return f"postgresql+psycopg2://{host}:{rest}"
    return Output.format("postgresql+psycopg2://{0}:{1}", host, rest)


def egress_of(database: DatabaseHandle, pods: Mapping[str, str]) -> TrafficRuleArgs:
    """The egress rule of those pods to the database."""
    rule = TrafficRuleArgs(**database["egress"])
    rule["pods"] = dict(pods)
    return rule
