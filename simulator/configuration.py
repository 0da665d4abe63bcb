"""The configuration of a simulated cluster's control plane: facts as tables, and one pure function that combines them.

kwokctl reads the document, creates keys and certificates, and starts the programs. Everything listens on 127.0.0.1.
"""

import random
import socket
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

ADDRESS = "127.0.0.1"

COMPONENTS: Mapping[str, str] = {
    "etcd": "etcd",
    "kube-apiserver": "kube-apiserver",
    "kube-controller-manager": "kube-controller-manager",
    "kube-scheduler": "kube-scheduler",
    "kwok-controller": "kwok",
}
"""Programs of a control plane, with kwokctl's names, in the order of their start -> name in the toolchain."""

LINKS: Mapping[str, str] = {**COMPONENTS, "kubectl": "kubectl"}
"""Links from a cluster to its programs -> name in the toolchain. Its configuration thus names no other folder."""

PORT_OPTIONS: Mapping[str, str] = {
    "etcdPort": "etcd",
    "etcdPeerPort": "etcd",
    "kubeApiserverPort": "kube-apiserver",
    "kubeControllerManagerPort": "kube-controller-manager",
    "kubeSchedulerPort": "kube-scheduler",
    "kwokControllerPort": "kwok-controller",
}
"""The options of kwokctl that take a port -> the program that listens there. A cluster never changes its ports, so its
kubeconfig never changes."""

PORT_RANGE = range(20000, 32000)
"""Below the range that Linux and macOS use for outgoing connections (32768 and up): any program could get such a port
while the cluster is stopped."""

KWOK_CONFIGURATION = "kwok-controller.yaml"
"""Name of an empty file for kwok: kwokctl writes one with Stages, which kwok refuses together with the cluster's."""

POD_NETWORK = "10.0.0.0/10"
SERVICE_NETWORK = "10.96.0.0/16"
"""Disjoint, and separate from the addresses of nodes (10.128.0.0/9, stages/node.yaml). No address is reachable."""

API_ADDRESS = "10.96.0.1"
"""Of the Service default/kubernetes: clients in pods verify that the API server's certificate has it."""

_STRINGENT = {
    # Real rules: requests are authorized by RBAC and pass the admission plugins that Kubernetes enables by default
    # (ResourceQuota, LimitRanger, PodSecurity, ServiceAccount, Priority, DefaultTolerationSeconds, StorageClass ...).
    "securePort": True,
    "kubeAuthorization": True,
    "kubeAdmission": True,
}

_ARGUMENTS: Mapping[str, Mapping[str, str]] = {
    "etcd": {
        # A simulation may lose its last writes when the computer loses power. Without fsync a write takes microseconds
        # on any disk; a killed process loses nothing, because the kernel has the pages.
        "unsafe-no-fsync": "true",
        "log-level": "warn",
    },
    "kube-apiserver": {
        "profiling": "false",
        # The default allows 254 Services.
        "service-cluster-ip-range": SERVICE_NETWORK,
    },
    "kube-controller-manager": {
        # Always one of each: waiting for the lease of a killed predecessor would take up to 15 s.
        "leader-elect": "false",
        "profiling": "false",
        # Real controllers with separate identities, so that RBAC applies to them as in a real cluster.
        "use-service-account-credentials": "true",
    },
    "kube-scheduler": {"leader-elect": "false", "profiling": "false"},
    "kwok-controller": {
        # Stages are objects in the cluster: kwok can then handle kinds that are defined later.
        "enable-crds": "Stage",
        "node-lease-duration-seconds": "40",
        "cidr": POD_NETWORK,
    },
}


def is_free(port: int) -> bool:
    """Whether a program could listen on the port now."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free to listen on
        try:
            listener.bind((ADDRESS, port))
        except OSError:
            return False
    return True


def choose_ports(taken: Collection[int], is_free: Callable[[int], bool] = is_free) -> dict[str, int]:
    """A free port for each of `PORT_OPTIONS`, none of `taken` (the ports of stopped clusters).

    Random, so that clusters of different homes, which cannot see each other, rarely choose the same.
    """
    candidates = random.sample(PORT_RANGE, k=len(PORT_RANGE))
    free = (port for port in candidates if port not in taken and is_free(port))
    return {option: next(free) for option in PORT_OPTIONS}


def ports_of(configuration: Mapping[str, Any], components: Collection[str] = COMPONENTS) -> dict[str, int]:
    """The ports in a document of `control_plane`, by option, of some components; empty for an empty document."""
    options = configuration.get("options", {})
    return {
        option: options[option] for option, name in PORT_OPTIONS.items() if option in options and name in components
    }


def _security(directory: Path, ports: Mapping[str, int]) -> dict[str, dict[str, str]]:
    """Arguments, by component, that grant access only to holders of the cluster's keys.

    kwokctl starts etcd with plain HTTP: any user of the computer could read Secrets, without RBAC. The controllers
    serve the certificate of the cluster instead of their own, so that their health can be queried.
    """
    keys = directory / "pki"
    certificate, key, authority = str(keys / "admin.crt"), str(keys / "admin.key"), str(keys / "ca.crt")
    client = f"https://{ADDRESS}:{ports['etcdPort']}"
    peer = f"https://{ADDRESS}:{ports['etcdPeerPort']}"
    serving = {"tls-cert-file": certificate, "tls-private-key-file": key}
    return {
        "etcd": {
            "listen-client-urls": client,
            "advertise-client-urls": client,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"node0={peer}",
            "cert-file": certificate,
            "key-file": key,
            "trusted-ca-file": authority,
            "client-cert-auth": "true",
            "peer-cert-file": certificate,
            "peer-key-file": key,
            "peer-trusted-ca-file": authority,
            "peer-client-cert-auth": "true",
        },
        "kube-apiserver": {
            "etcd-servers": client,
            "etcd-certfile": certificate,
            "etcd-keyfile": key,
            "etcd-cafile": authority,
        },
        "kube-controller-manager": serving,
        "kube-scheduler": serving,
        "kwok-controller": {"config": str(directory / KWOK_CONFIGURATION)},
    }


_SET_BY_KWOKCTL = frozenset(
    {
        "listen-client-urls",
        "advertise-client-urls",
        "listen-peer-urls",
        "initial-advertise-peer-urls",
        "initial-cluster",
        "etcd-servers",
        "config",
        "node-lease-duration-seconds",
        "manage-all-nodes",
    }
)
"""Arguments that kwokctl writes, so a patch overrides them instead of adding them."""


def _patch(component: str, arguments: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": component,
        "extraArgs": [
            {"key": key, "value": value, "override": key in _SET_BY_KWOKCTL} for key, value in arguments.items()
        ],
    }


def control_plane(
    directory: Path, ports: Mapping[str, int], node: Mapping[str, Mapping[str, str]] | None = None
) -> dict[str, Any]:
    """The KwokctlConfiguration of a cluster in `directory` (absolute) on `ports` (by `PORT_OPTIONS`).

    The programs are in `bin/` of the directory, under the names of `LINKS`. `node`: further arguments by component, of
    a control plane with a process node.
    """
    security = _security(directory, ports)
    binaries = {
        "etcdBinary": "etcd",
        "kubeApiserverBinary": "kube-apiserver",
        "kubeControllerManagerBinary": "kube-controller-manager",
        "kubeSchedulerBinary": "kube-scheduler",
        "kwokControllerBinary": "kwok-controller",
        "kubectlBinary": "kubectl",
    }
    return {
        "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
        "kind": "KwokctlConfiguration",
        "options": {
            "runtime": "binary",
            "bindAddress": ADDRESS,
            "components": list(COMPONENTS),
            # The client-side limits of the controllers (20 requests/s) are for shared clusters; here they only make the
            # deletion of a namespace with 100 objects take 5 s.
            "disableQPSLimits": True,
            "etcdQuotaBackendSize": "2Gi",
            **({"kubeApiserverCertSANs": [API_ADDRESS]} if node else {}),
            **_STRINGENT,
            **{option: str(directory / "bin" / name) for option, name in binaries.items()},
            **{option: ports[option] for option in PORT_OPTIONS},
        },
        "componentsPatches": [
            _patch(name, {**_ARGUMENTS[name], **security[name], **(node or {}).get(name, {})}) for name in COMPONENTS
        ],
    }
