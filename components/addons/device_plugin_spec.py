"""What people write of a device plugin. Pure."""

from typing import Required, TypedDict


class HostPathArgs(TypedDict, total=False):
    """A path of the node that the plugin sees under the same name."""

    path: Required[str]
    """`/sys`, `/dev/kfd`, …"""
    writable: bool
    """Default false."""


class ApiRuleArgs(TypedDict):
    """Something of the core API that the plugin may do."""

    resources: list[str]
    """`pods`, `nodes/status`, …"""
    verbs: list[str]
    """`get`, `patch`, …"""


class DevicePluginSpec(TypedDict, total=False):
    """What to run, and where."""

    image: Required[str]
    """With a version or a digest."""
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
    """What it needs of the node besides the sockets: device files, /sys."""
    privileged: bool
    """Whether it must see every device file; default false."""
    reads_nodes: bool
    """Whether it asks the API server about nodes (labels, annotations); default false: it gets no credentials."""
    api_rules: list[ApiRuleArgs]
    """What else it may do with the core API; default: nothing."""
    node_name_variable: str
    """Environment variable that tells it its node's name; default: none."""
    cpu_millis: int
    """CPU request in thousandths of a vCPU; default 50."""
    memory_mib: int
    """Memory request and limit in MiB; default 128."""
