"""The pools of an environment before there are any: what each will hand out, and what is wrong with it. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from catalog.machines import MACHINES
from components.capacity.placement import PoolHandle, plan_pool
from components.clouds.eks.handles import NodeProvisioning
from components.clouds.eks.plan import plan_eks_pool
from components.clouds.eks.spec import EksPoolSpec
from components.clouds.eks.validation import check_eks_pool
from components.clouds.existing.described_pool import described_software
from components.clouds.gke.compute_class_plan import plan_compute_class
from components.clouds.gke.compute_class_validation import check_compute_class
from components.clouds.gke.place_validation import zones_region
from components.clouds.gke.plan import plan_gke_pool
from components.clouds.gke.validation import check_gke_pool
from components.clouds.pool_spec import DescribedNodePoolArgs
from components.clouds.pool_validation import check_described_pool, check_pool
from components.findings import Finding
from settings.models.clouds import EksCluster, GkeCluster
from settings.models.cluster import ExistingCluster, SimulatedCluster

AnyCluster = SimulatedCluster | ExistingCluster | EksCluster | GkeCluster


def pool_handles(cluster: AnyCluster) -> dict[str, PoolHandle]:
    """Pool name -> what it will hand out. The components hand out the same; here it is known before them."""
    match cluster:
        case EksCluster():
            return {
                name: plan_eks_pool(name, spec, provisioning_of(cluster, spec), cluster.zones).handle
                for name, spec in cluster.pools.items()
            }
        case GkeCluster():
            zones = cluster.zones or [cluster.region]  # none is refused with the cluster; no handle depends on them
            pools = {name: plan_gke_pool(name, spec, zones).handle for name, spec in cluster.pools.items()}
            classes = {name: plan_compute_class(name, spec, zones)[0] for name, spec in cluster.compute_classes.items()}
            return pools | classes
        case ExistingCluster():
            described = {name: described_pool(pool) for name, pool in cluster.pools.items()}
            return {
                name: plan_pool(name, args["pool"], cluster.kind, described_software(args))[0]
                for name, args in described.items()
            }
        case SimulatedCluster():
            return {name: plan_pool(name, pool, cluster.kind)[0] for name, pool in cluster.pools.items()}


def described_pool(written: Mapping[str, Any]) -> DescribedNodePoolArgs:
    """A pool of a cluster that exists, as the component takes it: what the nodes are, and who brings what to them."""
    beside = DescribedNodePoolArgs.__annotations__.keys() & written.keys()
    nodes = {key: value for key, value in written.items() if key not in beside}
    return cast(DescribedNodePoolArgs, {"pool": nodes, **{key: written[key] for key in beside}})


def is_managed_group(cluster: EksCluster, pool: EksPoolSpec) -> bool:
    """Whether its nodes are an EKS managed node group.

    Where Karpenter makes nodes, it runs on some that it did not make: pools without accelerators with a nodesMin.
    """
    match cluster.provisioning:
        case NodeProvisioning.MANAGED_GROUPS:
            return True
        case NodeProvisioning.KARPENTER:
            plain = all(machine in MACHINES and not MACHINES[machine].accelerator for machine in pool["machines"])
            return plain and bool(pool.get("nodes_min"))
    return False


def provisioning_of(cluster: EksCluster, pool: EksPoolSpec) -> NodeProvisioning:
    """Who makes the nodes of one pool."""
    return NodeProvisioning.MANAGED_GROUPS if is_managed_group(cluster, pool) else cluster.provisioning


def pool_findings(cluster: AnyCluster) -> dict[str, list[Finding]]:
    """Pool name -> everything that is wrong with it by itself."""
    return {name: list(findings) for name, findings in _pool_findings(cluster)}


def _pool_findings(cluster: AnyCluster) -> Iterator[tuple[str, Iterator[Finding]]]:
    match cluster:
        case EksCluster():
            for name, spec in cluster.pools.items():
                yield (
                    name,
                    check_eks_pool(
                        f"cluster.pools.{name}",
                        spec,
                        provisioning_of(cluster, spec),
                        zones=cluster.zones,
                        kubernetes_version=cluster.control_plane["kubernetes_version"],
                    ),
                )
        case GkeCluster():
            limits = cluster.control_plane.get("auto_provisioning")
            known: dict[str, Any] = {
                "region": zones_region(cluster.region, cluster.zones),
                "zones": cluster.zones,
                "kubernetes_version": cluster.control_plane.get("kubernetes_version") or "",
            }
            for name, pool in cluster.pools.items():
                yield name, check_gke_pool(f"cluster.pools.{name}", pool, cluster.mode, **known)
            for name, one in cluster.compute_classes.items():
                path = f"cluster.computeClasses.{name}"
                yield name, check_compute_class(path, one, cluster.mode, limits, **known)
        case ExistingCluster():
            for name, there in cluster.pools.items():
                args = described_pool(there)
                software = described_software(args)
                mixed = bool(args.get("mig_mixed"))
                yield name, check_described_pool(f"cluster.pools.{name}", args["pool"], software, mig_mixed=mixed)
        case SimulatedCluster():
            for name, simulated in cluster.pools.items():
                yield name, check_pool(f"cluster.pools.{name}", simulated)
