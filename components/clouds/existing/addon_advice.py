"""Advice on add-ons and CRDs that a cluster has, or lacks. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

from catalog.accelerators import ACCELERATORS
from catalog.addons import ExistingAddon
from catalog.versions import API_VERSIONS, CRDS
from components.capacity.placement import PoolHandle
from components.clouds.existing.advice import Advice
from components.clouds.existing.inspection import (
    ENCRYPTED_BY,
    LOCAL_PATH,
    NFS,
    PULUMI,
    ClusterSnapshot,
    _theirs,
    software_of,
)

OUR_PROMETHEUS_OPERATOR = "kube-prometheus-stack-operator"
"""The name that the platform's release of that chart would give it; all names of a release have the same prefix."""


def addon_advice(
    snapshot: ClusterSnapshot, pools: Sequence[PoolHandle], found: Mapping[str, str], brings: Sequence[str]
) -> Iterator[Advice]:
    """Add-ons that run in the cluster, compared with `cluster.existingAddons`."""
    installs = {
        ExistingAddon.CSI_DRIVER_NFS: "nfs" in brings,
        ExistingAddon.DCGM_EXPORTER: any(
            pool["capacity"]["accelerator"] in ACCELERATORS
            and ACCELERATORS[pool["capacity"]["accelerator"]].vendor == "NVIDIA"
            for pool in pools
        ),
    }
    for row, namespace, words in _theirs(snapshot).values():
        if row.addon is None or not installs.get(row.addon, True):
            continue
        if row.addon is ExistingAddon.PROMETHEUS_OPERATOR and words.endswith(f"/{OUR_PROMETHEUS_OPERATOR}"):
            remedy = (
                "its release and its cluster roles have the same names as the platform's; install it under another name"
            )
            yield Advice(f"cluster.existingAddons.{row.addon}", words, remedy, blocks=True, twice=True)
        if row.addon not in found:
            line = (
                f"write `{row.addon}: {namespace}` under cluster.existingAddons: the platform uses it and installs none"
            )
            yield Advice("cluster.existingAddons", words, line, blocks=True, twice=True)
        elif found[row.addon] != namespace:
            line = f"write `{row.addon}: {namespace}`"
            yield Advice(f"cluster.existingAddons.{row.addon}", words, line, blocks=True)


def source_advice(snapshot: ClusterSnapshot, brings: Set[str]) -> Iterator[Advice]:
    """Sources of addresses and volumes that the cluster has and that the settings would install too."""
    there = _theirs(snapshot)
    ours = {
        row.what
        for one in [*(snapshot.get("daemon_sets") or []), *(snapshot.get("deployments") or [])]
        if (row := software_of(one)) and one["namespace"] in (snapshot.get("ours") or [])
    }
    if "metallb" in brings and "MetalLB" in there:
        remedy = "remove metallb; the existing MetalLB assigns addresses of its own pools"
        yield Advice("cluster.metallb", there["MetalLB"][2], remedy, blocks=True, twice=True)
    nfs = "CSI driver for NFS"
    if "nfs" in brings and nfs not in there and nfs not in ours and NFS in (snapshot.get("csi_drivers") or []):
        line = (
            f"write `{ExistingAddon.CSI_DRIVER_NFS}: <its namespace>` under cluster.existingAddons: "
            "its classes are made with it"
        )
        yield Advice("cluster.existingAddons", f"CSIDriver {NFS}", line, blocks=True, twice=True)
    local = "local-path provisioner"
    classes = [row for row in snapshot.get("storage_classes") or [] if row["provisioner"] == LOCAL_PATH]
    if "localPath" in brings and local not in ours and (local in there or classes):
        name = classes[0]["name"] if classes else "<name of its class>"
        yield Advice(
            "cluster.localPath",
            there[local][2] if local in there else f"storage class {name}: provisioner {LOCAL_PATH}",
            "remove localPath, and write under storage.declared "
            f"`- {{purpose: standard, className: {name}, provisioner: {LOCAL_PATH}, encryption: <{ENCRYPTED_BY}>}}`",
            blocks=True,
            twice=True,
        )


def declared_advice(snapshot: ClusterSnapshot, found: Mapping[str, str], sets: Iterable[str]) -> Iterator[Advice]:
    """Software that the settings declare as existing and that is missing, or serves other versions than the platform
    needs.
    """
    for addon, namespace in found.items():
        if namespace not in (snapshot.get("namespaces") or []):
            yield Advice(
                f"cluster.existingAddons.{addon}", f"no namespace {namespace}", "correct it, or remove it", blocks=True
            )
    for name in sorted(sets):
        group, path = CRDS[name].group, f"cluster.existingAddons.{name}" if name in found else "cluster.existingCrds"
        theirs = [crd for crd in snapshot.get("crds") or [] if crd["name"].partition(".")[2] == group]
        served = {version for crd in theirs for version in crd["versions"]}
        needed = {
            version for have, _, version in (one.partition("/") for one in API_VERSIONS.values()) if have == group
        }
        if not theirs:
            yield Advice(path, f"no CRD of {group}", f"remove {name}: the platform installs it", blocks=True)
        elif missing := sorted(needed - served):
            what = f"{group} serves {', '.join(sorted(served)) or 'nothing'}"
            yield Advice(path, what, f"upgrade it: objects of the platform are {', '.join(missing)}", blocks=True)


def crd_advice(snapshot: ClusterSnapshot, crd_sets: Sequence[str]) -> Iterator[Advice]:
    running = {row.addon or row.what.lower() for row, _, _ in _theirs(snapshot).values()}
    for name in crd_sets:
        if name in running:
            continue  # reported with the add-on itself
        group = CRDS[name].group
        theirs = [
            crd
            for crd in snapshot.get("crds") or []
            if crd["name"].partition(".")[2] == group and crd["owner"] != PULUMI
        ]
        if not theirs:
            continue
        releases = sorted({crd["bundle"] for crd in theirs if crd["bundle"]})
        owners = sorted({crd["owner"] for crd in theirs if crd["owner"]})
        wanted = CRDS[name].version
        same = [release.removeprefix("v") for release in releases] == [wanted.removeprefix("v")]
        yield Advice(
            "cluster.existingCrds",
            f"{len(theirs)} CRDs of {group} are there"
            f"{', from ' + ', '.join(releases) if releases else ', of unknown release'}"
            f"{', managed by ' + ', '.join(owners) if owners else ''}; ours are {wanted}",
            f"write `- {name}` under cluster.existingCrds: its owner manages it"
            if same or owners
            else f"find their owner, then write `- {name}` under cluster.existingCrds, or remove them",
            blocks=not same,
            twice=True,
        )
