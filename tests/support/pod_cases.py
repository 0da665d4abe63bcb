"""Pod specs for the Pod Security Standards: one that complies with `restricted`, and what breaks which control.

Our own cases, written from the documentation. tests/engine/test_pod_security.py asks a real API server for its verdict.
"""

import copy
from typing import Any, NamedTuple

Spec = dict[str, Any]
COMPLIANT: Spec = {
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "initContainers": [
        {
            "name": "first",
            "image": "example.com/first:1",
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        }
    ],
    "containers": [
        {
            "name": "main",
            "image": "example.com/main:1",
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        }
    ],
}


class Case(NamedTuple):
    """A change of the compliant pod."""

    name: str
    breaks: tuple[str, ...]
    """The controls that it breaks; empty: it still complies."""
    pod: Spec = {}  # noqa: RUF012 - never changed
    """Merged into the pod spec."""
    container: Spec = {}  # noqa: RUF012 - never changed
    """Merged into its container."""
    first: Spec = {}  # noqa: RUF012 - never changed
    """Merged into its init container."""
    annotations: dict[str, str] = {}  # noqa: RUF012 - never changed

    @property
    def spec(self) -> Spec:
        """The pod spec."""
        spec = merged(COMPLIANT, self.pod)
        spec["containers"] = [merged(spec["containers"][0], self.container)]
        spec["initContainers"] = [merged(spec["initContainers"][0], self.first)]
        return spec


def merged(base: Spec, change: Spec) -> Spec:
    """A copy of `base` with the change; None removes a key, lists are replaced."""
    found = copy.deepcopy(base)
    for key, value in change.items():
        if value is None:
            found.pop(key, None)
        elif isinstance(value, dict) and isinstance(found.get(key), dict):
            found[key] = merged(found[key], value)
        else:
            found[key] = copy.deepcopy(value)
    return found


def _context(**fields: Any) -> Spec:
    return {"securityContext": fields}


def _volume(**source: Any) -> Spec:
    return {"volumes": [{"name": "data", **source}]}


_NOT = _context(runAsNonRoot=True)
_PROBE = {"httpGet": {"port": 80, "host": "169.254.169.254"}}
_PORT = {"containerPort": 80, "hostPort": 80}
_NAME = "iqn.2001-04.com.example:a"
_BASELINE_CAPABILITY, _FORBIDDEN = "CHOWN", "SYS_ADMIN"
_ARMOR = "container.apparmor.security.beta.kubernetes.io/main"

CASES = (
    Case("compliant", ()),
    # baseline
    Case(
        "privileged",
        ("no-privileged-containers", "no-privilege-escalation"),
        container=_context(privileged=True, allowPrivilegeEscalation=True),
    ),
    Case("privileged-false", (), container=_context(privileged=False)),
    Case("host-network", ("no-host-namespaces",), {"hostNetwork": True}),
    Case("host-pid", ("no-host-namespaces",), {"hostPID": True}),
    Case("host-ipc", ("no-host-namespaces",), {"hostIPC": True}),
    Case("host-network-false", (), {"hostNetwork": False}),
    Case(
        *("host-path", ("no-host-path-volumes", "only-restricted-volume-types")),
        _volume(hostPath={"path": "/var/run/containerd"}),
    ),
    Case("host-port", ("no-host-ports",), container={"ports": [_PORT]}),
    Case("host-port-zero", (), container={"ports": [{**_PORT, "hostPort": 0}]}),
    Case("container-port", (), container={"ports": [{"containerPort": 80}]}),
    Case("liveness-host", ("no-hosts-in-probes",), container={"livenessProbe": _PROBE}),
    Case("readiness-host", ("no-hosts-in-probes",), container={"readinessProbe": {"tcpSocket": {**_PROBE["httpGet"]}}}),
    Case("startup-host", ("no-hosts-in-probes",), container={"startupProbe": _PROBE}),
    Case("post-start-host", ("no-hosts-in-probes",), container={"lifecycle": {"postStart": _PROBE}}),
    Case("pre-stop-host", ("no-hosts-in-probes",), container={"lifecycle": {"preStop": _PROBE}}),
    Case("probe-without-host", (), container={"livenessProbe": {"httpGet": {"port": 80}}}),
    Case("add-net-bind", (), container=_context(capabilities={"add": ["NET_BIND_SERVICE"]})),
    Case(
        *("add-baseline", ("all-capabilities-dropped",)),
        container=_context(capabilities={"add": [_BASELINE_CAPABILITY]}),
    ),
    Case(
        *("add-forbidden", ("only-safe-capabilities", "all-capabilities-dropped")),
        container=_context(capabilities={"add": [_FORBIDDEN]}),
    ),
    Case(
        *("init-adds-forbidden", ("only-safe-capabilities", "all-capabilities-dropped")),
        first=_context(capabilities={"add": ["NET_RAW"]}),
    ),
    Case(
        *("seccomp-unconfined", ("no-unconfined-seccomp", "seccomp-profile-is-set")),
        _context(seccompProfile={"type": "Unconfined"}),
    ),
    Case(
        *("container-seccomp-unconfined", ("no-unconfined-seccomp", "seccomp-profile-is-set")),
        container=_context(seccompProfile={"type": "Unconfined"}),
    ),
    Case("seccomp-local", (), _context(seccompProfile={"type": "Localhost", "localhostProfile": "a.json"})),
    Case(
        *("app-armor-unconfined", ("no-unconfined-app-armor",)),
        container=_context(appArmorProfile={"type": "Unconfined"}),
    ),
    Case("pod-app-armor-unconfined", ("no-unconfined-app-armor",), _context(appArmorProfile={"type": "Unconfined"})),
    Case("app-armor-default", (), _context(appArmorProfile={"type": "RuntimeDefault"})),
    Case("app-armor-annotation", ("no-unconfined-app-armor",), annotations={_ARMOR: "unconfined"}),
    Case("app-armor-annotation-default", (), annotations={_ARMOR: "runtime/default"}),
    Case("selinux-type", ("no-custom-selinux-options",), _context(seLinuxOptions={"type": "spc_t"})),
    Case("selinux-container", (), _context(seLinuxOptions={"type": "container_t", "level": "s0:c1"})),
    Case("selinux-engine", (), container=_context(seLinuxOptions={"type": "container_engine_t"})),
    Case("selinux-user", ("no-custom-selinux-options",), container=_context(seLinuxOptions={"user": "system_u"})),
    Case("selinux-role", ("no-custom-selinux-options",), container=_context(seLinuxOptions={"role": "system_r"})),
    Case(
        *("unmasked-proc", ("restricted-proc-mount",)),
        {"hostUsers": False},
        _context(procMount="Unmasked"),
    ),
    Case("default-proc", (), container=_context(procMount="Default")),
    Case("sysctl-safe", (), _context(sysctls=[{"name": "net.ipv4.tcp_rmem", "value": "4096 87380 6291456"}])),
    Case("sysctl-unsafe", ("only-safe-sysctls",), _context(sysctls=[{"name": "kernel.msgmax", "value": "1"}])),
    # restricted
    Case("escalation", ("no-privilege-escalation",), container=_context(allowPrivilegeEscalation=True)),
    Case("escalation-unset", ("no-privilege-escalation",), container=_context(allowPrivilegeEscalation=None)),
    Case("init-escalation-unset", ("no-privilege-escalation",), first=_context(allowPrivilegeEscalation=None)),
    Case("root", ("containers-run-as-non-root",), _context(runAsNonRoot=False)),
    Case("root-unset", ("containers-run-as-non-root",), _context(runAsNonRoot=None)),
    Case("container-root", ("containers-run-as-non-root",), container=_context(runAsNonRoot=False)),
    Case("pod-root-but-containers-not", ("containers-run-as-non-root",), _context(runAsNonRoot=False), _NOT, _NOT),
    Case("only-containers-not-root", (), _context(runAsNonRoot=None), _NOT, _NOT),
    Case("root-in-user-namespace", (), {"hostUsers": False, **_context(runAsNonRoot=None, runAsUser=0)}),
    Case("user-zero", ("no-root-user",), container=_context(runAsUser=0)),
    Case("pod-user-zero", ("no-root-user",), _context(runAsUser=0)),
    Case("user", (), _context(runAsUser=1000)),
    Case("seccomp-unset", ("seccomp-profile-is-set",), _context(seccompProfile=None)),
    Case(
        *("seccomp-of-containers", ()),
        _context(seccompProfile=None),
        _context(seccompProfile={"type": "RuntimeDefault"}),
        _context(seccompProfile={"type": "RuntimeDefault"}),
    ),
    Case("drops-nothing", ("all-capabilities-dropped",), container=_context(capabilities=None)),
    Case("drops-one", ("all-capabilities-dropped",), container=_context(capabilities={"drop": ["NET_RAW"]})),
    Case("init-drops-nothing", ("all-capabilities-dropped",), first=_context(capabilities=None)),
    Case("no-context", ("no-privilege-escalation", "all-capabilities-dropped"), container={"securityContext": None}),
    Case("nfs", ("only-restricted-volume-types",), _volume(nfs={"server": "a", "path": "/"})),
    Case("iscsi", ("only-restricted-volume-types",), _volume(iscsi={"targetPortal": "a", "iqn": _NAME, "lun": 0})),
    Case("glusterfs", ("only-restricted-volume-types",), _volume(glusterfs={"endpoints": "a", "path": "b"})),
    Case("empty-dir", (), _volume(emptyDir={})),
    Case("claim", (), _volume(persistentVolumeClaim={"claimName": "a"})),
    Case("config-map", (), _volume(configMap={"name": "a"})),
    Case("secret", (), _volume(secret={"secretName": "a"})),
    Case("projected", (), _volume(projected={"sources": []})),
    Case("csi", (), _volume(csi={"driver": "example.com"})),
    Case("downward", (), _volume(downwardAPI={"items": []})),
    Case("image-volume", (), _volume(image={"reference": "example.com/a:1"})),
    Case(
        *("windows", ()),
        {"os": {"name": "windows"}, "securityContext": {"runAsNonRoot": True, "seccompProfile": None}},
        {"securityContext": None},
        {"securityContext": None},
    ),
    Case(
        *("windows-host-process", ("no-host-namespaces", "no-host-process-containers")),
        {
            "os": {"name": "windows"},
            "hostNetwork": True,
            "securityContext": {"runAsNonRoot": True, "seccompProfile": None, "windowsOptions": {"hostProcess": True}},
        },
        {"securityContext": None},
        {"securityContext": None},
    ),
)
