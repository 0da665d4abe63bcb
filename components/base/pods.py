"""Parts of pods, hardened: security contexts, resources, volumes, probes, placement.

Pure functions that return plain dicts in Kubernetes' format (camelCase), so that native workloads, custom resources and
policies share them. Pods built from them meet Pod Security "restricted".
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from components.base.quantities import quantity
from components.capacity.placement import AcceleratorRequest, PoolHandle, pod_needs

USER_ID = 10001
"""User and group of our containers: no account of the node, and above the range of system users in images."""
HOST_TOPOLOGY = "kubernetes.io/hostname"
ZONE_TOPOLOGY = "topology.kubernetes.io/zone"
DEVICES = "devices"
"""Name of a pod's claim to devices (DRA) within the pod."""


class Mounted(NamedTuple):
    """A volume of a pod and its mount in one container."""

    volume: dict[str, Any]
    """For `spec.volumes`."""
    mount: dict[str, Any]
    """For the container's `volumeMounts`."""


def pod_security_context(user_id: int = USER_ID) -> dict[str, Any]:
    """For `spec.securityContext`: not root; files of volumes belong to the same group."""
    return {
        "runAsNonRoot": True,
        "runAsUser": user_id,
        "runAsGroup": user_id,
        "fsGroup": user_id,
        # The default, Always, visits every file of a volume at each start: minutes on a checkpoint or dataset volume.
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security_context(*, read_only_root: bool = True) -> dict[str, Any]:
    """For a container's `securityContext`. Writable folders are `scratch` volumes."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "privileged": False,
        "readOnlyRootFilesystem": read_only_root,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def resources(
    *,
    cpu_millis: int,
    memory_mib: int,
    cpu_limit_millis: int = 0,
    ephemeral_storage_mib: int = 1024,
    units: Mapping[str, str] | None = None,
    claims: Sequence[str] = (),
) -> dict[str, Any]:
    """For a container's `resources`: requests equal limits, except for CPU.

    No CPU limit by default (0): it throttles data loaders and first requests, and requests already divide the CPU.
    `units` are extended resources (`PodNeeds.units`), `claims` names of the pod's ResourceClaims.
    """
    fixed = {"memory": quantity(memory_mib), "ephemeral-storage": quantity(ephemeral_storage_mib), **(units or {})}
    limits = fixed | ({"cpu": _cpu(cpu_limit_millis)} if cpu_limit_millis else {})
    held = {"claims": [{"name": name} for name in claims]} if claims else {}
    return {"requests": {"cpu": _cpu(cpu_millis), **fixed}, "limits": limits, **held}


def addon_resources(cpu: str, memory: str) -> dict[str, Any]:
    """For a container's `resources` in values of a chart: the memory limit equals the request, CPU has no limit."""
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory}}


def _cpu(millis: int) -> str:
    whole, rest = divmod(int(millis), 1000)
    return f"{whole}" if whole and not rest else f"{int(millis)}m"


def pod_claims(template: Any) -> list[dict[str, Any]]:
    """For a pod's `spec.resourceClaims`; empty without a template."""
    return [{"name": DEVICES, "resourceClaimTemplateName": template}] if template is not None else []


def scratch(name: str, path: str, size_mib: int) -> Mounted:
    """An emptyDir for files of a read-only container. Counts towards its ephemeral storage."""
    return Mounted({"name": name, "emptyDir": {"sizeLimit": quantity(size_mib)}}, {"name": name, "mountPath": path})


def claimed(name: str, path: str, claim: Any, *, read_only: bool = False) -> Mounted:
    """A PersistentVolumeClaim, by name (text or output)."""
    source = {"claimName": claim} | ({"readOnly": True} if read_only else {})
    mount = {"name": name, "mountPath": path} | ({"readOnly": True} if read_only else {})
    return Mounted({"name": name, "persistentVolumeClaim": source}, mount)


def from_secret(name: str, path: str, secret: Any) -> Mounted:
    """The keys of a Secret as files, readable only by the pod's user."""
    # 0440, not 0400: files of a Secret belong to root and to the pod's group.
    return Mounted(
        {"name": name, "secret": {"secretName": secret, "defaultMode": 0o440}},
        {"name": name, "mountPath": path, "readOnly": True},
    )


def environment(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """For a container's `env`, sorted by name, so that the order of a dict is never a change."""
    return [{"name": name, "value": values[name]} for name in sorted(values)]


def environment_from_secret(secret: Any, keys: Mapping[str, str]) -> list[dict[str, Any]]:
    """For a container's `env`: variable name -> key of that Secret."""
    return [{"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": keys[name]}}} for name in sorted(keys)]


def http_probe(
    path: str, port: int | str, *, period_seconds: int = 10, timeout_seconds: int = 5, failures: int = 3
) -> dict[str, Any]:
    """An HTTP probe; fails after `period_seconds * failures`."""
    return {
        "httpGet": {"path": path, "port": port, "scheme": "HTTP"},
        "periodSeconds": period_seconds,
        "timeoutSeconds": timeout_seconds,
        "failureThreshold": failures,
        "successThreshold": 1,
    }


def startup_probe(path: str, port: int | str, *, within_seconds: int) -> dict[str, Any]:
    """Delays the other probes until the first answer, for at most `within_seconds`: loading a model takes long."""
    return http_probe(path, port, failures=max(1, -(-within_seconds // 10)))


def spread(match_labels: Mapping[str, str], *, topology: str = HOST_TOPOLOGY, required: bool = False) -> dict[str, Any]:
    """For `spec.topologySpreadConstraints`: spreads these pods, with a skew of at most one."""
    return {
        "maxSkew": 1,
        "topologyKey": topology,
        "whenUnsatisfiable": "DoNotSchedule" if required else "ScheduleAnyway",
        "labelSelector": {"matchLabels": dict(match_labels)},
    }


def container(
    *,
    name: str,
    image: Any,
    resources: Mapping[str, Any],
    mounts: Sequence[Mounted] = (),
    command: Sequence[Any] = (),
    args: Sequence[Any] = (),
    env: Sequence[Mapping[str, Any]] = (),
    ports: Mapping[str, int] | None = None,
    read_only_root: bool = True,
    **more: Any,
) -> dict[str, Any]:
    """One hardened container. `ports` is name -> number; `more` are further fields in Kubernetes' format: probes."""
    optional: dict[str, Any] = {
        "command": list(command),
        "args": list(args),
        "env": [dict(variable) for variable in env],
        "ports": [
            {"name": port_name, "containerPort": port, "protocol": "TCP"} for port_name, port in (ports or {}).items()
        ],
        "volumeMounts": [mounted.mount for mounted in mounts],
    }
    return {
        "name": name,
        "image": image,
        "resources": dict(resources),
        "securityContext": container_security_context(read_only_root=read_only_root),
        **{key: value for key, value in optional.items() if value},
        **more,
    }


def placed(pool: PoolHandle, request: AcceleratorRequest | None = None) -> dict[str, Any]:
    """The part of a pod spec that schedules it to that pool only."""
    needs = pod_needs(pool, request or AcceleratorRequest())
    return {
        "nodeSelector": needs["node_selector"],
        "tolerations": [dict(toleration) for toleration in needs["tolerations"]],
    }


def pod_spec(
    *,
    containers: Sequence[Mapping[str, Any]],
    service_account: Any,
    pool: PoolHandle | None = None,
    init_containers: Sequence[Mapping[str, Any]] = (),
    mounts: Sequence[Mounted] = (),
    automount_token: bool = False,
    user_id: int = USER_ID,
    **more: Any,
) -> dict[str, Any]:
    """A hardened pod spec. `mounts` are those of all containers; each volume is added once.

    Without a pool the pod can run on any untainted node. `more` are further fields in Kubernetes' format; those that
    are None or empty are omitted.
    """
    volumes = {mounted.volume["name"]: mounted.volume for mounted in mounts}
    optional: dict[str, Any] = {
        "initContainers": [dict(one) for one in init_containers],
        "volumes": list(volumes.values()),
        **(placed(pool) if pool else {}),
        **more,
    }
    return {
        "serviceAccountName": service_account,
        "automountServiceAccountToken": automount_token,
        # Otherwise a Service named `mlflow` would add MLFLOW_PORT=tcp://… to every pod of its namespace.
        "enableServiceLinks": False,
        "securityContext": pod_security_context(user_id),
        "containers": [dict(one) for one in containers],
        **{key: value for key, value in optional.items() if value not in (None, "", [], {})},
    }
