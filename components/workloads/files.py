"""Files that a container finds next to those of its image: from settings, and from Secrets. Pure."""

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, TypedDict

from components.base.pods import Mounted, from_secret

MAX_FILES_BYTES = 1024 * 1024
"""Of a ConfigMap's data: Kubernetes' documentation, concepts/configuration/configmap."""
VOLUME = "files"


class FilesSpec(TypedDict, total=False):
    """Files of a container."""

    files: dict[str, str]
    """Path in the container -> its text: hyperparameters, the configuration of a launcher or server. At most 1 MiB
    together. No secrets: use `secretFolders`."""
    secret_folders: dict[str, str]
    """Secrets of the team's namespace -> folders in the container, read-only, with a file for each key."""


def data_keys(files: Mapping[str, str]) -> dict[str, str]:
    """Path -> its key in the ConfigMap, which has no slash: `0-launcher.yaml`."""
    names = ((path, re.sub(r"[^-._A-Za-z0-9]", "_", path.rpartition("/")[2])) for path in sorted(files))
    return {path: f"{number}-{name}" for number, (path, name) in enumerate(names)}


def file_data(files: Mapping[str, str]) -> dict[str, str]:
    """The `data` of the ConfigMap."""
    return {key: files[path] for path, key in data_keys(files).items()}


def config_map_name(name: str, files: Mapping[str, str]) -> str:
    """Another content is another ConfigMap, so that pods of the old version keep their files until they end."""
    digest = sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
    return f"{name}-files-{digest[:8]}"


def file_mounts(spec: FilesSpec, config_map: Any) -> list[Mounted]:
    """Volumes and mounts of the files. Each file is mounted alone: others of its folder stay visible.

    `config_map`: its name, text or output; None without `files`.
    """
    volume = {"name": VOLUME, "configMap": {"name": config_map}}
    alone = [
        Mounted(volume, {"name": VOLUME, "mountPath": path, "subPath": key, "readOnly": True})
        for path, key in data_keys(spec.get("files") or {}).items()
    ]
    folders = sorted((spec.get("secret_folders") or {}).items())
    return alone + [from_secret(f"secret-{number}", path, secret) for number, (secret, path) in enumerate(folders)]
