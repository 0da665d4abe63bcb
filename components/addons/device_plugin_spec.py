"""Settings of a device plugin. Pure."""

from typing import Required, TypedDict


class HostPathArgs(TypedDict, total=False):
    """A path of the node that is mounted at the same path."""

    path: Required[str]
    """`/sys`, `/dev/kfd`, …"""
    writable: bool
    """Default false."""


class ApiRuleArgs(TypedDict):
    """A permission of the plugin in the core API."""

    resources: list[str]
    """`pods`, `nodes/status`, …"""
    verbs: list[str]
    """`get`, `patch`, …"""


class DevicePluginSpec(TypedDict, total=False):
    """A device plugin."""

    image: Required[str]
    """Image with a version or a digest."""
    resource_name: Required[str]
    """The extended resource that it offers, `vendor.example/device`; its pools offer the same."""
    namespace: str
    """Default: the name of the component."""
    command: list[str]
    """Default: the image's."""
    arguments: list[str]
    """Default: none."""
    environment: dict[str, str]
    """Environment variables."""
    socket_directory: str
    """Directory of the kubelet's device plugin sockets; default /var/lib/kubelet/device-plugins."""
    host_paths: list[HostPathArgs]
    """Paths of the node that it needs in addition to the sockets: device files, /sys."""
    privileged: bool
    """Whether it runs privileged, with access to all device files; default false."""
    reads_nodes: bool
    """Whether it reads nodes (labels, annotations) from the API server; default false: it gets no credentials."""
    api_rules: list[ApiRuleArgs]
    """Additional permissions in the core API; default: none."""
    node_name_variable: str
    """Environment variable with the name of its node; default: none."""
    cpu_millis: int
    """CPU request in thousandths of a vCPU; default 50."""
    memory_mib: int
    """Memory request and limit in MiB; default 128."""
