"""Parts of the pods that we declare, hardened once: security contexts, resources, volumes, probes, placement.

Pure functions that return plain dicts as Kubernetes writes them (camelCase), so that native workloads, custom resources
and policies share them. Pods built from them pass Pod Security "restricted".
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from components.base.quantities import quantity
from components.capacity.placement import AcceleratorRequest, PoolHandle, pod_needs

USER_ID = 10001
"""User and group of our containers: no account of the node, and above the range that images give to system users."""
HOST_TOPOLOGY = "kubernetes.io/hostname"
ZONE_TOPOLOGY = "topology.kubernetes.io/zone"


class Mounted(NamedTuple):
    """A volume of a pod and where one container sees it."""

    volume: dict[str, Any]
    """For `spec.volumes`."""
    mount: dict[str, Any]
    """For the container's `volumeMounts`."""


def pod_security_context(user_id: int = USER_ID) -> dict[str, Any]:
    """For `spec.securityContext`: not root, files of volumes belong to the same group."""
    return {
        "runAsNonRoot": True,
        "runAsUser": user_id,
        "runAsGroup": user_id,
        "fsGroup": user_id,
        # The default, Always, walks every file of a volume at each start: minutes on a checkpoint or dataset volume.
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security_context(*, read_only_root: bool = True) -> dict[str, Any]:
    """For a container's `securityContext`. What must be written goes to `scratch` volumes."""
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
    """For a container's `resources`: requests equal limits, but for CPU.

    No CPU limit by default (0): it throttles data loaders and first requests, and protects nobody beyond what requests
    already share out. `units` are extended resources (`PodNeeds.units`), `claims` names of the pod's ResourceClaims.
    """
    fixed = {"memory": quantity(memory_mib), "ephemeral-storage": quantity(ephemeral_storage_mib), **(units or {})}
    limits = fixed | ({"cpu": _cpu(cpu_limit_millis)} if cpu_limit_millis else {})
    held = {"claims": [{"name": name} for name in claims]} if claims else {}
    return {"requests": {"cpu": _cpu(cpu_millis), **fixed}, "limits": limits, **held}


def _cpu(millis: int) -> str:
    whole, rest = divmod(int(millis), 1000)
    return f"{whole}" if whole and not rest else f"{int(millis)}m"


def scratch(name: str, path: str, size_mib: int) -> Mounted:
    """An emptyDir for what a read-only container must write. Counts towards its ephemeral storage."""
    return Mounted({"name": name, "emptyDir": {"sizeLimit": quantity(size_mib)}}, {"name": name, "mountPath": path})


def claimed(name: str, path: str, claim: Any, *, read_only: bool = False) -> Mounted:
    """A PersistentVolumeClaim, by name (text or output)."""
    source = {"claimName": claim} | ({"readOnly": True} if read_only else {})
    mount = {"name": name, "mountPath": path} | ({"readOnly": True} if read_only else {})
    return Mounted({"name": name, "persistentVolumeClaim": source}, mount)


def from_secret(name: str, path: str, secret: Any) -> Mounted:
    """The keys of a Secret as files, readable by the pod's user alone."""
    # 0440, not 0400: files of a Secret belong to root and to the pod's group.
    return Mounted(
        {"name": name, "secret": {"secretName": secret, "defaultMode": 0o440}},
        {"name": name, "mountPath": path, "readOnly": True},
    )


def environment(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """For a container's `env`, sorted by name: the order of a dict must not show up as a change."""
    return [{"name": name, "value": values[name]} for name in sorted(values)]


def environment_from_secret(secret: Any, keys: Mapping[str, str]) -> list[dict[str, Any]]:
    """For a container's `env`: variable name -> key of that Secret."""
    return [{"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": keys[name]}}} for name in sorted(keys)]


def http_probe(
    path: str, port: int | str, *, period_seconds: int = 10, timeout_seconds: int = 5, failures: int = 3
) -> dict[str, Any]:
    """An HTTP probe; gives up after `period_seconds * failures`."""
    return {
        "httpGet": {"path": path, "port": port, "scheme": "HTTP"},
        "periodSeconds": period_seconds,
        "timeoutSeconds": timeout_seconds,
        "failureThreshold": failures,
        "successThreshold": 1,
    }


def startup_probe(path: str, port: int | str, *, within_seconds: int) -> dict[str, Any]:
    """Holds the other probes back until the first answer, for `within_seconds` at most: loading a model takes long."""
    return http_probe(path, port, failures=max(1, -(-within_seconds // 10)))


def spread(match_labels: Mapping[str, str], *, topology: str = HOST_TOPOLOGY, required: bool = False) -> dict[str, Any]:
    """For `spec.topologySpreadConstraints`: these pods apart, at most one more in one place than in another."""
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
    """One hardened container. `ports` is name -> number; `more` are further fields as Kubernetes has them: probes."""
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
    """The part of a pod spec that puts it on that pool and on no other."""
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
    """A hardened pod spec. `mounts` are those of all containers together; the volumes are taken from them, each once.

    Without a pool the pod goes to any untainted node. `more` are further fields as Kubernetes writes them; those that
    are None or empty are left out.
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
        # A Service named `mlflow` would put MLFLOW_PORT=tcp://… into every pod of its namespace otherwise.
        "enableServiceLinks": False,
        "securityContext": pod_security_context(user_id),
        "containers": [dict(one) for one in containers],
        **{key: value for key, value in optional.items() if value not in (None, "", [], {})},
    }
