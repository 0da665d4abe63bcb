"""Workloads that survive nodes, updates and their own mistakes. Sources: Kubernetes documentation, by kind."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from policies.objects import UNKNOWN, PlannedObject, at, listed
from policies.pod_templates import containers, pod_templates
from policies.rule import Place, Severity, about_objects

_KEPT_RUNNING = (("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "DaemonSet"))
_BATCH = {("batch", "Job"): "spec", ("batch", "CronJob"): "spec.jobTemplate.spec"}
"""Kind -> path of the `spec` of its Jobs."""
_CORE = (*_KEPT_RUNNING, *_BATCH, ("", "Pod"))
"""Kinds whose pods are as they are written: no operator or runtime adds to them."""


def _key(subject: PlannedObject) -> tuple[str, str]:
    return subject.group, subject.kind


def _bare_pod(subject: PlannedObject) -> Iterator[Place]:
    if _key(subject) == ("", "Pod"):
        yield "kind", "Pod"


def _containers(subject: PlannedObject) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(path, container) of kinds of Kubernetes itself, but for containers of `kubectl debug`."""
    for pod in pod_templates(subject) if _key(subject) in _CORE else ():
        for one in containers(pod.spec):
            if not one.path.startswith("ephemeral"):
                yield f"{pod.path}.{one.path}", one.body


def _no_requests(subject: PlannedObject) -> Iterator[Place]:
    """A limit is the request, too, where there is none."""
    for path, container in _containers(subject):
        for resource in ("cpu", "memory"):
            if all(at(container, f"resources.{kind}.{resource}") is None for kind in ("requests", "limits")):
                yield f"{path}.resources.requests.{resource}", "not set"


def _no_memory_limit(subject: PlannedObject) -> Iterator[Place]:
    for path, container in _containers(subject):
        if at(container, "resources.limits.memory") is None:
            yield f"{path}.resources.limits.memory", "not set"


def _not_ready(subject: PlannedObject) -> Iterator[Place]:
    """Long-running containers that a Service may send requests to."""
    for pod in pod_templates(subject) if _key(subject) in _KEPT_RUNNING[:2] else ():
        for one in containers(pod.spec):
            serves = one.path.startswith("containers") and listed(one.body.get("ports"))
            if serves and at(one.body, "readinessProbe") is None:
                yield f"{pod.path}.{one.path}.readinessProbe", "not set"


def _same_variable(subject: PlannedObject) -> Iterator[Place]:
    for pod in pod_templates(subject):
        for one in containers(pod.spec):
            names = [at(variable, "name") for variable in listed(one.body.get("env"))]
            known = [name for name in names if isinstance(name, str)]
            for name in sorted({name for name in known if known.count(name) > 1}):
                yield f"{pod.path}.{one.path}.env[{name}]", "more than once"


def _local_disk(subject: PlannedObject) -> Iterator[Place]:
    for pod in pod_templates(subject):
        for index, volume in enumerate(listed(pod.spec.get("volumes"))):
            directory = at(volume, "emptyDir")
            if isinstance(directory, Mapping) and directory.get("sizeLimit") is None:
                yield f"{pod.path}.volumes[{index}].emptyDir.sizeLimit", "not set"


def _of_jobs(field: str) -> Callable[[PlannedObject], Iterator[Place]]:
    def check(subject: PlannedObject) -> Iterator[Place]:
        path = _BATCH.get(_key(subject))
        if path and subject.at(f"{path}.{field}") is None:
            yield f"{path}.{field}", "not set"

    return check


def _overlapping(subject: PlannedObject) -> Iterator[Place]:
    value = subject.at("spec.concurrencyPolicy", "Allow")
    if _key(subject) == ("batch", "CronJob") and value == "Allow":
        yield "spec.concurrencyPolicy", "Allow"


def _late(subject: PlannedObject) -> Iterator[Place]:
    """Not of a suspended one, whose runs a person starts."""
    suspended = subject.at("spec.suspend") in (True, UNKNOWN)
    if _key(subject) == ("batch", "CronJob") and not suspended and subject.at("spec.startingDeadlineSeconds") is None:
        yield "spec.startingDeadlineSeconds", "not set"


def _other_labels(subject: PlannedObject) -> Iterator[Place]:
    """Labels that the selector wants and the template lacks: the API server refuses them, for some kinds only."""
    wanted, labels = subject.at("spec.selector.matchLabels"), subject.at("spec.template.metadata.labels")
    if _key(subject) in _KEPT_RUNNING and isinstance(wanted, Mapping) and labels is not UNKNOWN:
        found = labels if isinstance(labels, Mapping) else {}
        for key, value in wanted.items():
            if UNKNOWN not in (value, found.get(key)) and found.get(key) != value:
                yield f"spec.selector.matchLabels[{key}]", value


def _blocking(subject: PlannedObject) -> Iterator[Place]:
    """Budgets that never allow an eviction: upgrades of nodes wait for ever."""
    if _key(subject) == ("policy", "PodDisruptionBudget"):
        if subject.at("spec.maxUnavailable") in (0, "0", "0%"):
            yield "spec.maxUnavailable", subject.at("spec.maxUnavailable")
        if subject.at("spec.minAvailable") == "100%":
            yield "spec.minAvailable", "100%"


def _bounds(subject: PlannedObject) -> Iterator[Place]:
    if _key(subject) == ("autoscaling", "HorizontalPodAutoscaler"):
        least, most = subject.at("spec.minReplicas", 1), subject.at("spec.maxReplicas")
        if isinstance(least, (int, float)) and isinstance(most, (int, float)) and most < least:
            yield "spec.maxReplicas", int(most)


REMOVED = {
    "extensions/v1beta1": "1.22",
    "apps/v1beta1": "1.16",
    "apps/v1beta2": "1.16",
    "batch/v1beta1": "1.25",
    "batch/v2alpha1": "1.21",
    "policy/v1beta1": "1.25",
    "autoscaling/v2beta1": "1.25",
    "autoscaling/v2beta2": "1.26",
    "networking.k8s.io/v1beta1": "1.22",
    "rbac.authorization.k8s.io/v1alpha1": "1.22",
    "rbac.authorization.k8s.io/v1beta1": "1.22",
    "storage.k8s.io/v1beta1": "1.27",
    "scheduling.k8s.io/v1beta1": "1.22",
    "admissionregistration.k8s.io/v1beta1": "1.22",
    "apiextensions.k8s.io/v1beta1": "1.22",
    "certificates.k8s.io/v1beta1": "1.22",
    "coordination.k8s.io/v1beta1": "1.22",
    "discovery.k8s.io/v1beta1": "1.25",
    "flowcontrol.apiserver.k8s.io/v1beta1": "1.26",
    "flowcontrol.apiserver.k8s.io/v1beta2": "1.29",
    "flowcontrol.apiserver.k8s.io/v1beta3": "1.32",
}
"""API version -> the Kubernetes version without it. Source: Kubernetes documentation, deprecation guide."""


def _removed(subject: PlannedObject) -> Iterator[Place]:
    version = subject.body.get("apiVersion")
    if subject.is_kubernetes and isinstance(version, str) and version in REMOVED:
        yield "apiVersion", f"{version}, removed in {REMOVED[version]}"


_IN_NAMESPACES = (
    *_CORE,
    *(("", kind) for kind in ("ConfigMap", "PersistentVolumeClaim", "Secret", "Service", "ServiceAccount")),
    *(("networking.k8s.io", kind) for kind in ("Ingress", "NetworkPolicy")),
    *(("rbac.authorization.k8s.io", kind) for kind in ("Role", "RoleBinding")),
)
"""Without the API server the provider does not know which kinds have a namespace: others get `default` too."""


def _default_namespace(subject: PlannedObject) -> Iterator[Place]:
    if _key(subject) in _IN_NAMESPACES and subject.metadata.get("namespace") == "default":
        yield "metadata.namespace", "default"


_SECONDS = "write a number of seconds"
RULES = (
    about_objects(
        *(
            "no-bare-pods",
            "Pods are made by a controller, which replaces them.",
            _bare_pod,
            "write a Deployment or a Job",
        ),
        severity=Severity.MEDIUM,
    ),
    about_objects(
        *("containers-have-requests", "Every container requests processor time and memory.", _no_requests),
        "write resources.requests",
        severity=Severity.MEDIUM,
    ),
    about_objects(
        "containers-have-memory-limits",
        "Every container has a limit of memory.",
        _no_memory_limit,
        "write resources.limits.memory",
    ),
    about_objects(
        *("served-containers-have-readiness-probes", "Containers with ports say when they are ready.", _not_ready),
        "write readinessProbe",
        severity=Severity.MEDIUM,
    ),
    about_objects(
        *("variables-are-set-once", "A container sets each variable once.", _same_variable, "remove one of them"),
        severity=Severity.MEDIUM,
    ),
    about_objects(
        *("local-disk-has-a-limit", "Every emptyDir has a limit.", _local_disk, "write sizeLimit"),
        severity=Severity.MEDIUM,
    ),
    about_objects("jobs-have-deadlines", "Every Job has a deadline.", _of_jobs("activeDeadlineSeconds"), _SECONDS),
    about_objects(
        *("jobs-limit-their-retries", "Every Job says how often it is tried again.", _of_jobs("backoffLimit")),
        "write a number; the default is 6",
        severity=Severity.MEDIUM,
    ),
    about_objects(
        *("cron-jobs-do-not-overlap", "Runs of a CronJob do not overlap.", _overlapping),
        "write concurrencyPolicy: Forbid or Replace",
        severity=Severity.MEDIUM,
    ),
    about_objects(
        *("cron-jobs-have-starting-deadlines", "A CronJob says how late a run may start.", _late, _SECONDS),
        severity=Severity.MEDIUM,
    ),
    about_objects(
        *("selectors-match-their-pods", "A selector matches the labels of its own pods.", _other_labels),
        "write the same labels in spec.template.metadata.labels",
    ),
    about_objects(
        *("disruption-budgets-allow-evictions", "A disruption budget allows an eviction.", _blocking),
        "write maxUnavailable: 1",
    ),
    about_objects(
        *("autoscalers-have-room", "The maximum of an autoscaler is at least its minimum.", _bounds),
        "raise maxReplicas",
    ),
    about_objects(
        *("no-removed-api-versions", "Every object is of an API version that Kubernetes has.", _removed),
        "write the version that replaced it",
    ),
    about_objects(
        *("no-default-namespace", "No object is in the namespace default.", _default_namespace),
        "write another namespace",
        severity=Severity.MEDIUM,
        frameworks=("CIS EKS 4.5.2",),
    ),
)
"""The policies of this subject."""
