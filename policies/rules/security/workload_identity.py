"""Accounts, devices and files of pods beyond the Pod Security Standards."""

from collections.abc import Iterator

from policies.objects import UNKNOWN, PlannedObject, at, listed
from policies.pod_templates import containers, pod_templates
from policies.rule import Place, Severity, about_objects

_RUNTIMES = ("ServingRuntime", "ClusterServingRuntime", "PodTemplate")
READ_ONLY = "securityContext.readOnlyRootFilesystem"
DEVICES = "NVIDIA_VISIBLE_DEVICES"
SOCKETS = ("docker.sock", "containerd.sock", "crio.sock", "cri-dockerd.sock")


def _default_account(subject: PlannedObject) -> Iterator[Place]:
    """Pods with a token of the account that every pod of the namespace shares. Runtimes get that of their model."""
    for pod in pod_templates(subject) if subject.kind not in _RUNTIMES else ():
        account, token = pod.spec.get("serviceAccountName"), pod.spec.get("automountServiceAccountToken")
        if account in (None, "", "default") and token is not False and token is not UNKNOWN:
            yield f"{pod.path}.serviceAccountName", account or "not set"


def _devices(subject: PlannedObject) -> Iterator[Place]:
    """With it a container sees devices that other pods have: the device plugin sets it."""
    for pod in pod_templates(subject):
        for one in containers(pod.spec):
            for variable in listed(one.body.get("env")):
                if at(variable, "name") == "NVIDIA_VISIBLE_DEVICES" and at(variable, "value") not in (
                    "void",
                    "",
                    UNKNOWN,
                ):
                    yield f"{pod.path}.{one.path}.env[NVIDIA_VISIBLE_DEVICES]", at(variable, "value") or "set"


def _sockets(subject: PlannedObject) -> Iterator[Place]:
    for pod in pod_templates(subject):
        for index, volume in enumerate(listed(pod.spec.get("volumes"))):
            path = at(volume, "hostPath.path")
            if isinstance(path, str) and path.endswith(SOCKETS):
                yield f"{pod.path}.volumes[{index}].hostPath.path", path


def _writable(subject: PlannedObject) -> Iterator[Place]:
    if subject.group not in ("", "apps", "batch"):
        return
    for pod in pod_templates(subject):
        for one in containers(pod.spec):
            value = at(one.body, "securityContext.readOnlyRootFilesystem")
            if value not in (True, UNKNOWN):
                yield (
                    f"{pod.path}.{one.path}.securityContext.readOnlyRootFilesystem",
                    "not set" if value is None else value,
                )


RULES = (
    about_objects(
        *("no-default-service-account", "No pod has a token of the account default.", _default_account),
        "write a serviceAccountName of its own, or automountServiceAccountToken: false",
        severity=Severity.MEDIUM,
        frameworks=("CIS EKS 4.1.5",),
    ),
    about_objects(
        *("no-devices-by-variable", "No container chooses its GPUs by a variable.", _devices),
        "request nvidia.com/gpu: the device plugin sets the variable",
    ),
    about_objects(
        *(
            "no-container-runtime-sockets",
            "No pod reaches the container runtime of its node.",
            _sockets,
            "remove the volume",
        ),
    ),
    about_objects(
        *("root-file-systems-are-read-only", "No container writes to its image.", _writable),
        "write readOnlyRootFilesystem: true, and an emptyDir for what it writes",
        severity=Severity.MEDIUM,
        frameworks=("NSA C-0017",),
    ),
)
"""The policies of this subject."""
