"""The kubelet's configuration, arguments and identity. Pure, but for `become`.

Settings: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

import os
from typing import Any

from simulator.process_node import kernel
from simulator.process_node.pod_network import NODE_ADDRESS
from simulator.process_node.relay import RUNTIME_SOCKET
from simulator.process_node.settings import DNS_ADDRESS, DOMAIN, LABEL, LABEL_VALUE, TAINT, NodeSettings


def configuration(settings: NodeSettings) -> dict[str, Any]:
    """The KubeletConfiguration."""
    state = settings.state
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": NODE_ADDRESS,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(settings.authority)},
        },
        "authorization": {"mode": "Webhook"},
        "containerRuntimeEndpoint": f"unix://{state / RUNTIME_SOCKET}",
        "clusterDNS": [DNS_ADDRESS],
        "clusterDomain": DOMAIN,
        "podLogsDir": str(state / "logs"),
        "volumePluginDir": str(state / "plugins"),
        "registerWithTaints": [{"key": TAINT, "value": "true", "effect": "NoExecute"}],
        # No cgroups: a user may not make them on most computers. Limits are not enforced.
        "cgroupsPerQOS": False,
        "enforceNodeAllocatable": [],
        "failCgroupV1": False,
        "failSwapOn": False,
        "featureGates": {"KubeletInUserNamespace": True, "KubeletCrashLoopBackOffMax": True},
        "makeIPTablesUtilChains": False,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "2%", "imagefs.available": "2%"},
        "imageGCHighThresholdPercent": 100,
        "healthzPort": 0,
        "nodeStatusUpdateFrequency": "10s",
        "syncFrequency": "10s",
        # A model whose training has not ended yet fails to download: 5 s between attempts, not up to 5 minutes.
        "crashLoopBackOff": {"maxContainerRestartPeriod": "5s"},
    }


def kubeconfig(settings: NodeSettings) -> dict[str, Any]:
    """The kubelet's own identity: the node authorizer and NodeRestriction apply to it."""
    server = f"https://127.0.0.1:{settings.api_port}"
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server, "certificate-authority": str(settings.authority)}}],
        "users": [{"name": "node", "user": {"token": settings.node_token}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "node"}}],
        "current-context": "c",
    }


def arguments(settings: NodeSettings) -> list[str]:
    """The kubelet's command line, the program first."""
    state = settings.state
    return [
        str(settings.kubelet),
        f"--config={state}/kubelet.yaml",
        f"--kubeconfig={state}/kubelet.kubeconfig",
        f"--root-dir={state}/kubelet",
        f"--cert-dir={state}/certificates",
        f"--hostname-override={settings.name}",
        f"--node-ip={NODE_ADDRESS}",
        f"--node-labels={LABEL}={LABEL_VALUE}",
    ]


def become(settings: NodeSettings) -> None:
    """Becomes the kubelet, for which a change of owner succeeds and does nothing (`kernel.without_owners`)."""
    kernel.filter_calls(kernel.without_owners(os.uname().machine))
    command = arguments(settings)
    os.execv(command[0], command)
