"""The whole of one environment, in the order in which it stands: cluster, add-ons, tenants, workloads."""

from stacks.reader import read_settings


def declare() -> None:
    """Declare everything. Raises `Refused` before any resource is registered."""
    settings = read_settings()
    # Provider packages are imported once the settings are known to be right: a refusal takes no second.
    from stacks.cluster import declare_cluster  # noqa: PLC0415

    declare_cluster(settings)
