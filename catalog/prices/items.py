"""Billed items other than machines: control planes, storage, network, databases. Names and units; prices are data."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """One thing that a cloud bills."""

    name: str
    cloud: str
    unit: str
    """Unit of the price."""
    what: str


def _items(cloud: str, *rows: tuple[str, str, str]) -> dict[str, Item]:
    return {name: Item(name, cloud, unit, what) for name, unit, what in rows}


ITEMS: dict[str, Item] = {
    **_items(
        "aws",
        ("eks-cluster", "hour", "EKS control plane, version in standard support"),
        ("eks-cluster-extended", "hour", "EKS control plane, version in extended support (instead of, not on top)"),
        ("ebs-gp3", "GB-month", "EBS gp3, without IOPS and throughput above what is included"),
        ("ebs-io2", "GB-month", "EBS io2, without its IOPS"),
        ("efs-standard", "GB-month", "EFS Standard (regional)"),
        ("s3-standard", "GB-month", "S3 Standard, the first 50 TB"),
        ("nat-gateway", "hour", "NAT gateway"),
        ("nat-gateway-data", "GB", "NAT gateway, data processed"),
        ("rds-gp3", "GB-month", "RDS storage gp3, one zone (two zones: twice)"),
        ("rds-db.t4g.small", "hour", "RDS for PostgreSQL db.t4g.small, one zone"),
        ("rds-db.t4g.medium", "hour", "RDS for PostgreSQL db.t4g.medium, one zone"),
        ("rds-db.m7g.large", "hour", "RDS for PostgreSQL db.m7g.large, one zone"),
    ),
    **_items(
        "gcp",
        ("gke-cluster", "hour", "GKE management fee of a cluster"),
        ("pd-balanced", "GB-month", "Balanced persistent disk"),
        ("pd-ssd", "GB-month", "SSD persistent disk"),
        ("pd-standard", "GB-month", "Standard persistent disk"),
        ("hyperdisk-balanced", "GB-month", "Hyperdisk Balanced, without IOPS and throughput above what is included"),
        ("filestore-zonal", "GB-month", "Filestore zonal"),
        ("gcs-standard", "GB-month", "Cloud Storage Standard in one region"),
        ("cloud-nat-vm", "hour", "Cloud NAT, for each VM, up to 32 of them"),
        ("cloud-nat-data", "GB", "Cloud NAT, data processed"),
        ("cloud-sql-vcpu", "hour", "Cloud SQL for PostgreSQL, a vCPU in one zone (two zones: twice)"),
        ("cloud-sql-memory", "hour", "Cloud SQL for PostgreSQL, a GB of memory in one zone (two zones: twice)"),
        ("cloud-sql-ssd", "GB-month", "Cloud SQL storage, SSD, one zone (two zones: twice)"),
    ),
}
