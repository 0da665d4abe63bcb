"""Starts a container of a pod spec as the kubelet would, without a container: its command, arguments and environment.

`$(VAR)` is expanded, Secrets and fields are looked up, nothing else is in the environment but PATH. Mounted folders are
folders of the test: a path that starts with one is rewritten. A port that the spec fixes is replaced where it is used.
"""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_REFERENCE = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)")


@dataclass(frozen=True)
class Kubelet:
    """What a node knows: its programs, Secrets, what pods are called, and where volumes are."""

    path: str
    secrets: Mapping[str, Mapping[str, str]]
    fields: Mapping[str, str]
    folders: Mapping[str, Path]
    """Mount path -> folder. Every mount of a container must be here."""
    ports: Mapping[int, int] = field(default_factory=dict)
    """Port of the spec -> free port of this machine."""
    library_path: str = ""

    def environment(self, container: Mapping[str, Any]) -> dict[str, str]:
        """The environment of that container."""
        found = {"PATH": self.path, **({"LD_LIBRARY_PATH": self.library_path} if self.library_path else {})}
        for variable in container.get("env", []):
            found[variable["name"]] = self._here(self._value(variable))
        return found

    def arguments(self, container: Mapping[str, Any]) -> list[str]:
        """Command and arguments, expanded."""
        values = self.environment(container)

        def expanded(text: str) -> str:
            return _REFERENCE.sub(lambda match: values.get(match[1], match[0]), text)

        return [self._here(expanded(text)) for text in [*container.get("command", []), *container.get("args", [])]]

    def start(self, container: Mapping[str, Any], log: Path) -> subprocess.Popen[bytes]:
        """The container's process, in a process group of its own; what it prints goes to `log`."""
        self._check_mounts(container)
        with log.open("ab") as output:
            return subprocess.Popen(
                self.arguments(container),
                env=self.environment(container),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=log.parent,
                start_new_session=True,
            )

    def run(self, container: Mapping[str, Any], log: Path, *, timeout_seconds: float = 120) -> str:
        """Runs a container to its end; its output. Fails when the container does."""
        process = self.start(container, log)
        code = process.wait(timeout=timeout_seconds)
        text = log.read_text(encoding="utf-8", errors="replace")
        assert code == 0, f"{container['name']} ended with {code}:\n{text[-4000:]}"
        return text

    def _check_mounts(self, container: Mapping[str, Any]) -> None:
        unknown = {mount["mountPath"] for mount in container.get("volumeMounts", [])} - set(self.folders)
        assert not unknown, f"no folder for {unknown}"

    def _value(self, variable: Mapping[str, Any]) -> str:
        source = variable.get("valueFrom")
        if source is None:
            return str(variable["value"])
        if "secretKeyRef" in source:
            reference = source["secretKeyRef"]
            return self.secrets[reference["name"]][reference["key"]]
        return self.fields[source["fieldRef"]["fieldPath"]]

    def _here(self, text: str) -> str:
        """The text with this machine's folders and ports. Paths in one pass: a folder of the test may lie below one."""
        mounted = "|".join(re.escape(path) for path in sorted(self.folders, key=len, reverse=True))
        text = re.sub(rf"(?<![\w./-])({mounted})(?=/|$)", lambda match: str(self.folders[match[1]]), text)
        for written, free in self.ports.items():
            text = re.sub(rf"(?<=:){written}(?=,|$)|(?<=--port=){written}$", str(free), text)
        return text
