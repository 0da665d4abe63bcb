"""Sharing of devices between containers: resource names, node labels and plugin configuration. Pure."""

from typing import TypedDict

from catalog.accelerators import SHARED_SUFFIX, Accelerator, Owner, Sharing

DEVICE_PLUGIN_CONFIG_LABEL = "nvidia.com/device-plugin.config"
"""By this label of its node the NVIDIA device plugin chooses one of its named configs."""
MIG_LAYOUT_LABEL = "nvidia.com/mig.config"
"""By this label of its node a MIG manager chooses one of its named layouts."""


class SharingArgs(TypedDict, total=False):
    """How one physical device serves several containers."""

    strategy: Sharing
    """Default: exclusive."""
    replicas: int
    """Time-slicing and MPS: containers per device, 2 or more."""
    mig_profiles: dict[str, int]
    """MIG: instances of each profile on every GPU, `{"1g.10gb": 7}`."""


def units_per_device(accelerator: Accelerator, sharing: SharingArgs, plugin: Owner = Owner.PLATFORM) -> dict[str, int]:
    """Extended resource name -> units that one physical device is worth under that sharing.

    GKE's own plugin keeps the device's name whatever it offers (GKE documentation, gpus-multi, timesharing-gpus), that
    of an image (Bottlerocket) does for partitions alone: MIG strategy `single` (bottlerocket-os/bottlerocket#4483).
    """
    strategy = Sharing(sharing.get("strategy", Sharing.EXCLUSIVE))
    if plugin is Owner.IMAGE and strategy is Sharing.MIG:
        return {accelerator.resource_name: sum(int(count) for count in sharing["mig_profiles"].values())}
    if plugin is Owner.CLOUD and strategy is not Sharing.EXCLUSIVE:
        shares = sharing["mig_profiles"].values() if strategy is Sharing.MIG else [sharing["replicas"]]
        return {accelerator.resource_name: sum(int(count) for count in shares)}
    if strategy is Sharing.MIG:
        return {f"nvidia.com/mig-{name}": int(count) for name, count in sharing.get("mig_profiles", {}).items()}
    if strategy in (Sharing.TIME_SLICING, Sharing.MPS):
        return {accelerator.resource_name + SHARED_SUFFIX: int(sharing["replicas"])}
    return {accelerator.resource_name: 1}


def device_plugin_config(sharing: SharingArgs) -> str:
    """The name of the NVIDIA device plugin's config for that sharing: `exclusive`, `time-slicing-4`, `mps-4`, `mig`."""
    strategy = Sharing(sharing.get("strategy", Sharing.EXCLUSIVE))
    if strategy in (Sharing.TIME_SLICING, Sharing.MPS):
        return f"{strategy.value}-{int(sharing['replicas'])}"
    return strategy.value


def mig_layout(profiles: dict[str, int]) -> str:
    """The name of a MIG layout, `1g.10gb-2_3g.40gb-1`: fits a label value whatever the order it was written in."""
    return "_".join(f"{profile}-{int(count)}" for profile, count in sorted(profiles.items()))


def sharing_labels(accelerator: Accelerator, sharing: SharingArgs) -> dict[str, str]:
    """Labels of the nodes by which NVIDIA's software learns how their devices are shared; none for other vendors."""
    if accelerator.vendor != "NVIDIA":
        return {}
    labels = {DEVICE_PLUGIN_CONFIG_LABEL: device_plugin_config(sharing)}
    if sharing.get("strategy") == Sharing.MIG:
        labels[MIG_LAYOUT_LABEL] = mig_layout(sharing["mig_profiles"])
    return labels


def gke_sharing_labels(sharing: SharingArgs) -> dict[str, str]:
    """Labels that GKE gives to nodes whose GPUs are shared (GKE documentation, timesharing-gpus, gpus-multi)."""
    strategy = Sharing(sharing.get("strategy", Sharing.EXCLUSIVE))
    if strategy is Sharing.MIG:
        return {"cloud.google.com/gke-gpu-partition-size": next(iter(sharing["mig_profiles"]))}
    if strategy is Sharing.EXCLUSIVE:
        return {}
    named = {Sharing.TIME_SLICING: "time-sharing", Sharing.MPS: "mps"}[strategy]
    return {
        "cloud.google.com/gke-gpu-sharing-strategy": named,
        "cloud.google.com/gke-max-shared-clients-per-gpu": str(int(sharing["replicas"])),
    }
