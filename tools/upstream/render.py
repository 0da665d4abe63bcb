"""Renders a chart with helm as the Kubernetes provider does: no hooks, no CRDs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.versions import API_VERSIONS
from tools.errors import ToolError
from tools.pins import KUBERNETES_VERSION

HOOK = "helm.sh/hook"


@dataclass(frozen=True)
class Helm:
    """The toolchain's helm."""

    program: Path

    def render(self, chart: Path, name: str, namespace: str, values: Mapping[str, Any], *options: str) -> str:
        """The manifests. Raises ToolError with helm's message if it refuses the values."""
        # Our clusters serve these kinds; some charts check for them before they render a monitor.
        served = [f"--api-versions={version}/{kind}" for kind, version in API_VERSIONS.items()]
        served += [f"--api-versions={version}" for version in sorted(set(API_VERSIONS.values()))]
        answer = subprocess.run(
            [
                *(str(self.program), "template", name, str(chart), "--namespace", namespace, "--values", "-"),
                *("--kube-version", KUBERNETES_VERSION, *served, *options),
            ],
            input=json.dumps(values),
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode:
            raise ToolError(f"helm refuses {name} in {chart}: {answer.stderr.strip()}")
        return answer.stdout
