"""What a PostgreSQL database hands to those who use it, and how it is written down for them. Pure.

Clients get libpq's own variables (PGHOST, PGUSER, PGPASSWORD, …): psycopg2, pg_dump and psql read them alike, the
password is never part of an address, and no character in it needs quoting.
"""

from collections.abc import Mapping
from typing import Any, TypedDict

from pulumi import Input, Output

from components.base.namespaces import TrafficRuleArgs
from components.base.pods import Mounted, environment, environment_from_secret, from_secret

PORT = 5432
CA_FOLDER = "/etc/postgresql-ca"
CA_FILE = "ca.crt"


class DatabaseHandle(TypedDict):
    """A database and how to log in."""

    host: Input[str]
    """Name that its certificate carries; a short name is good in the database's own namespace only. Of a managed
    database it is unknown until that exists."""
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
    """The traffic rule with which its clients reach it; add their `pods`."""
    client_label: dict[str, str]
    """Label that pods must carry to be let in; empty where nobody checks."""


class ManagedDatabaseHandle(TypedDict):
    """What a managed database of a cloud (RDS, Cloud SQL) hands to `ExternalDatabase`: these are fields of its own."""

    host: Input[str]
    """Name or address that clients connect to."""
    port: int
    """TCP port."""
    database: str
    """Name of the database."""
    username: Input[str]
    """User that owns it."""
    password: Input[str]
    """Its password; a secret."""
    ssl_mode: str
    """The strictest of libpq's modes that its certificate allows."""
    ca_certificate: Input[str]
    """PEM of the authority of its certificate; empty: none is known."""
    address_range: Input[str]
    """CIDR that it is in."""


def libpq_environment(database: DatabaseHandle) -> list[dict[str, Any]]:
    """For a container's `env`: everything libpq needs. User and password come from the Secret by reference."""
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
    """The volume with the certificate authority; none where there is no Secret with one."""
    if not database["ca_secret_name"]:
        return []
    mounted = from_secret("postgresql-ca", CA_FOLDER, database["ca_secret_name"])
    # CloudNativePG's CA Secret holds the private key as well: only the certificate goes into pods.
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
    """The rule with which those pods reach the database."""
    rule = TrafficRuleArgs(**database["egress"])
    rule["pods"] = dict(pods)
    return rule
