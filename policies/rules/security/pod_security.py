"""Pod Security Standards, baseline and restricted, over every object that carries pods.

Which standard applies is what the pods' namespace enforces: the API server refuses the same pods, but only when a
controller creates them, after `up` has ended. Here the plan is refused. Controls and values: Kubernetes documentation,
concepts/security/pod-security-standards; k8s.io/pod-security-admission v0.36.3, version `latest`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from components.findings import Finding
from policies.objects import UNKNOWN, PlannedObject, at, listed
from policies.pod_templates import PodTemplate, containers, pod_templates
from policies.rule import Rule, Severity

ENFORCE = "pod-security.kubernetes.io/enforce"
BASELINE, RESTRICTED, PRIVILEGED = "baseline", "restricted", "privileged"
_STANDARDS = {PRIVILEGED: frozenset(), BASELINE: frozenset({BASELINE}), RESTRICTED: frozenset({BASELINE, RESTRICTED})}
_DEFAULT = BASELINE
"""Standard of pods in namespaces that the plan does not contain, or that enforce none."""

Place = tuple[str, Any]
"""Path from the pod spec, and the value that is not allowed there."""

SAFE_CAPABILITIES = tuple(
    "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID "
    "SYS_CHROOT".split()
)
SAFE_SYSCTLS = tuple(
    "kernel.shm_rmid_forced net.ipv4.ip_local_port_range net.ipv4.tcp_syncookies net.ipv4.ping_group_range "
    "net.ipv4.ip_unprivileged_port_start net.ipv4.ip_local_reserved_ports net.ipv4.tcp_keepalive_time "
    "net.ipv4.tcp_fin_timeout net.ipv4.tcp_keepalive_intvl net.ipv4.tcp_keepalive_probes net.ipv4.tcp_rmem "
    "net.ipv4.tcp_wmem".split()
)
SELINUX_TYPES = ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
PROFILES = ("RuntimeDefault", "Localhost")
"""Of seccomp and AppArmor."""
VOLUME_TYPES = frozenset(
    "configMap csi downwardAPI emptyDir ephemeral image persistentVolumeClaim projected secret".split()
)
APPARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"


def _contexts(pod: PodTemplate) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(path, security context) of the pod and of each container, where there is one."""
    for path, holder in (("", pod.spec), *((f"{one.path}.", one.body) for one in containers(pod.spec))):
        context = holder.get("securityContext")
        if isinstance(context, Mapping):
            yield f"{path}securityContext", context


def _forbidden(pod: PodTemplate, field: str, allowed: Callable[[Any], bool]) -> Iterator[Place]:
    """Values of a field of any security context that are set, known, and not allowed."""
    for path, context in _contexts(pod):
        value = at(context, field)
        if value is not None and value is not UNKNOWN and not allowed(value):
            yield f"{path}.{field}", value


def _windows(pod: PodTemplate) -> bool:
    """Whether it runs on Windows, or may: where that is not known, `up` decides."""
    return at(pod.spec, "os.name") in ("windows", UNKNOWN)


def _own_users(pod: PodTemplate) -> bool:
    """Whether the pod has, or may have, a user namespace, in which root is no user of the node."""
    return pod.spec.get("hostUsers") in (False, UNKNOWN)


def _host_namespaces(pod: PodTemplate) -> Iterator[Place]:
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.spec.get(field) is True:
            yield field, True


def _privileged(pod: PodTemplate) -> Iterator[Place]:
    return _forbidden(pod, "privileged", lambda value: value is False)


def _capabilities(pod: PodTemplate) -> Iterator[Place]:
    for one in containers(pod.spec):
        added = listed(at(one.body, "securityContext.capabilities.add"))
        for name in (name for name in added if name is not UNKNOWN and name not in SAFE_CAPABILITIES):
            yield f"{one.path}.securityContext.capabilities.add", name


def _host_path(pod: PodTemplate) -> Iterator[Place]:
    for index, volume in enumerate(listed(pod.spec.get("volumes"))):
        if at(volume, "hostPath") not in (None, UNKNOWN):
            yield f"volumes[{index}].hostPath", at(volume, "hostPath.path")


def _host_ports(pod: PodTemplate) -> Iterator[Place]:
    for one in containers(pod.spec):
        for index, port in enumerate(listed(one.body.get("ports"))):
            if at(port, "hostPort") not in (None, 0, UNKNOWN):
                yield f"{one.path}.ports[{index}].hostPort", at(port, "hostPort")


_HANDLERS = ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle.postStart", "lifecycle.preStop")


def _probe_hosts(pod: PodTemplate) -> Iterator[Place]:
    for one in containers(pod.spec):
        for path in (f"{handler}.{kind}.host" for handler in _HANDLERS for kind in ("httpGet", "tcpSocket")):
            if at(one.body, path) not in (None, "", UNKNOWN):
                yield f"{one.path}.{path}", at(one.body, path)


def _app_armor(pod: PodTemplate) -> Iterator[Place]:
    yield from _forbidden(pod, "appArmorProfile.type", PROFILES.__contains__)
    for key, value in pod.annotations.items():
        allowed = value in ("", "runtime/default", UNKNOWN) or str(value).startswith("localhost/")
        if str(key).startswith(APPARMOR_ANNOTATION) and not allowed:
            yield f"metadata.annotations[{key}]", value


def _selinux(pod: PodTemplate) -> Iterator[Place]:
    yield from _forbidden(pod, "seLinuxOptions.type", SELINUX_TYPES.__contains__)
    yield from _forbidden(pod, "seLinuxOptions.user", lambda value: value == "")
    yield from _forbidden(pod, "seLinuxOptions.role", lambda value: value == "")


def _proc_mount(pod: PodTemplate) -> Iterator[Place]:
    return iter(()) if _own_users(pod) else _proc_mount_of_any(pod)


def _proc_mount_of_any(pod: PodTemplate) -> Iterator[Place]:
    return _forbidden(pod, "procMount", lambda value: value == "Default")


def _seccomp(pod: PodTemplate) -> Iterator[Place]:
    return _forbidden(pod, "seccompProfile.type", PROFILES.__contains__)


def _sysctls(pod: PodTemplate) -> Iterator[Place]:
    for one in listed(at(pod.spec, "securityContext.sysctls")):
        if at(one, "name") not in (*SAFE_SYSCTLS, None, UNKNOWN):
            yield "securityContext.sysctls", at(one, "name")


def _host_process(pod: PodTemplate) -> Iterator[Place]:
    return _forbidden(pod, "windowsOptions.hostProcess", lambda value: value is False)


def _volume_types(pod: PodTemplate) -> Iterator[Place]:
    for index, volume in enumerate(listed(pod.spec.get("volumes"))):
        if isinstance(volume, Mapping) and not VOLUME_TYPES & {
            key for key, value in volume.items() if value is not None
        }:
            yield f"volumes[{index}]", " ".join(sorted(volume.keys() - {"name"})) or "no type"


def _escalation(pod: PodTemplate) -> Iterator[Place]:
    for one in containers(pod.spec) if not _windows(pod) else ():
        value = at(one.body, "securityContext.allowPrivilegeEscalation")
        if value not in (False, UNKNOWN):
            yield f"{one.path}.securityContext.allowPrivilegeEscalation", "not set" if value is None else value


def _root(pod: PodTemplate) -> Iterator[Place]:
    if not _own_users(pod):
        yield from _not_set(pod, "runAsNonRoot", lambda value: value is True)


def _root_user(pod: PodTemplate) -> Iterator[Place]:
    if not _own_users(pod):
        yield from _forbidden(pod, "runAsUser", lambda value: value != 0)


def _seccomp_set(pod: PodTemplate) -> Iterator[Place]:
    if not _windows(pod):
        yield from _not_set(pod, "seccompProfile.type", PROFILES.__contains__)


def _not_set(pod: PodTemplate, field: str, allowed: Callable[[Any], bool]) -> Iterator[Place]:
    """Values that are not allowed, and containers for which neither they nor the pod set the field."""
    yield from _forbidden(pod, field, allowed)
    if at(pod.spec, f"securityContext.{field}") is None:
        for one in containers(pod.spec):
            if at(one.body, f"securityContext.{field}") is None:
                yield f"{one.path}.securityContext.{field}", "not set"


def _drop_all(pod: PodTemplate) -> Iterator[Place]:
    for one in containers(pod.spec) if not _windows(pod) else ():
        path = "securityContext.capabilities"
        dropped, added = listed(at(one.body, f"{path}.drop")), listed(at(one.body, f"{path}.add"))
        if "ALL" not in dropped and UNKNOWN not in (*dropped, at(one.body, path)):
            yield f"{one.path}.{path}.drop", " ".join(map(str, dropped)) or "not set"
        for name in (name for name in added if name not in ("NET_BIND_SERVICE", UNKNOWN)):
            yield f"{one.path}.{path}.add", name


class Control(NamedTuple):
    """One control of a standard."""

    name: str
    standard: str
    check: Callable[[PodTemplate], Iterator[Place]]
    rule: str
    """What is required, as a clause."""
    remedy: str
    severity: Severity = Severity.HIGH


_OR_ELSEWHERE = "or run it in a namespace that enforces a weaker standard"
CONTROLS = (
    Control(
        "no-privileged-containers", BASELINE, _privileged, "no container is privileged", "remove `privileged: true`"
    ),
    Control(
        *("no-host-namespaces", BASELINE, _host_namespaces, "no pod shares the network, processes or IPC of its node"),
        "remove the field",
    ),
    Control(
        *("no-host-path-volumes", BASELINE, _host_path, "no pod mounts a folder of its node"),
        "use a claim, an emptyDir or a CSI volume",
    ),
    Control("no-host-ports", BASELINE, _host_ports, "no container takes a port of its node", "use a Service"),
    Control(
        *("no-hosts-in-probes", BASELINE, _probe_hosts, "probes and lifecycle handlers connect to their own pod"),
        "remove `host`: the kubelet would send requests anywhere",
    ),
    Control(
        *("no-host-process-containers", BASELINE, _host_process, "no Windows container is a process of its node"),
        "remove `hostProcess`",
    ),
    Control(
        *("only-safe-capabilities", BASELINE, _capabilities, "containers add only capabilities of the baseline list"),
        f"remove it; allowed are {', '.join(sorted(SAFE_CAPABILITIES))}",
    ),
    Control(
        *("no-unconfined-seccomp", BASELINE, _seccomp, "a seccomp profile is RuntimeDefault or Localhost"),
        "write `type: RuntimeDefault`",
    ),
    Control(
        *("no-unconfined-app-armor", BASELINE, _app_armor, "an AppArmor profile is RuntimeDefault or Localhost"),
        "write `type: RuntimeDefault`, or leave it out",
        Severity.MEDIUM,
    ),
    Control(
        *("no-custom-selinux-options", BASELINE, _selinux, "SELinux types are those of containers; no user, no role"),
        "remove it",
        Severity.MEDIUM,
    ),
    Control(
        *("default-proc-mount", BASELINE, _proc_mount, "procMount is Default, but in a user namespace"),
        "remove `procMount`",
        Severity.MEDIUM,
    ),
    Control(
        *("only-safe-sysctls", BASELINE, _sysctls, "sysctls are of the safe set"),
        "set it on the node, or leave it out",
        Severity.MEDIUM,
    ),
    Control(
        *("no-privilege-escalation", RESTRICTED, _escalation, "every container forbids privilege escalation"),
        "write `allowPrivilegeEscalation: false`",
    ),
    Control(
        *("containers-run-as-non-root", RESTRICTED, _root, "every container runs as a user other than root"),
        "write `runAsNonRoot: true`, and a `runAsUser` if the image names none",
    ),
    Control("no-root-user", RESTRICTED, _root_user, "runAsUser is not 0", "write another user"),
    Control(
        *(
            "seccomp-profile-is-set",
            RESTRICTED,
            _seccomp_set,
            "every container has RuntimeDefault or Localhost",
        ),
        "write `seccompProfile: {type: RuntimeDefault}` for the pod",
        Severity.MEDIUM,
    ),
    Control(
        *("all-capabilities-dropped", RESTRICTED, _drop_all, "containers drop ALL and add NET_BIND_SERVICE at most"),
        "write `capabilities: {drop: [ALL]}`",
    ),
    Control(
        *(
            "only-restricted-volume-types",
            RESTRICTED,
            _volume_types,
            "no volume is a part of the node",
        ),
        f"use one of {', '.join(sorted(VOLUME_TYPES))}",
        Severity.MEDIUM,
    ),
    Control(
        *("restricted-proc-mount", RESTRICTED, _proc_mount_of_any, "procMount is Default, in a user namespace too"),
        "remove `procMount`",
        Severity.MEDIUM,
    ),
)
"""The controls of the standards. A namespace that enforces `restricted` has those of `baseline` too."""


def standards_of(objects: list[PlannedObject]) -> dict[str, str]:
    """Namespace -> the standard that it enforces, of those in the plan; unknown labels count as restricted."""
    found = {}
    for one in objects:
        if one.kind == "Namespace" and not one.group:
            labels = one.at("metadata.labels")
            value = labels.get(ENFORCE, _DEFAULT) if isinstance(labels, Mapping) else labels or _DEFAULT
            found[one.object_name] = value if isinstance(value, str) and value in _STANDARDS else RESTRICTED
    return found


def _rule(control: Control) -> Rule:
    def of_all(objects: list[PlannedObject]) -> Iterator[Finding]:
        enforced = standards_of(objects)
        for owner in objects:
            # In the first preview of a stack, charts are rendered for namespaces that are not known yet.
            unknown = owner.metadata.get("namespace") is UNKNOWN
            if unknown or control.standard not in _STANDARDS[enforced.get(owner.namespace, _DEFAULT)]:
                continue
            for pod in pod_templates(owner):
                for path, value in control.check(pod):
                    yield Finding(
                        pod.where(path),
                        f"{value}",
                        f"{control.rule} (Pod Security Standard {control.standard})",
                        f"{control.remedy}, {_OR_ELSEWHERE}",
                    )

    scope = f"Where `{control.standard}` applies, {control.rule}."
    return Rule(control.name, scope, control.severity, of_all=of_all, frameworks=(f"PSS {control.standard}",))


def namespaces_enforce_a_standard(subject: PlannedObject) -> Iterator[Finding]:
    """Every namespace of the plan says which standard the API server enforces in it."""
    if subject.kind != "Namespace" or subject.group:
        return
    labels = subject.at("metadata.labels", {})
    value = labels.get(ENFORCE) if isinstance(labels, Mapping) else labels
    if value is not UNKNOWN and value not in tuple(_STANDARDS):
        yield Finding(
            f"{subject.title} metadata.labels[{ENFORCE}]",
            "not set" if value is None else f"{value}",
            "a namespace enforces a Pod Security Standard",
            f"write `{ENFORCE}: {RESTRICTED}`, `{BASELINE}`, or `{PRIVILEGED}` for software of nodes",
        )


RULES = (
    *(_rule(control) for control in CONTROLS),
    Rule(
        "namespaces-enforce-pod-security",
        "Every namespace enforces a Pod Security Standard.",
        Severity.HIGH,
        of_one=namespaces_enforce_a_standard,
        frameworks=("PSS", "CIS GKE 4.2.1"),
    ),
)
"""The policies of this subject."""
