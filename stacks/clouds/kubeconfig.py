"""Kubeconfigs of clusters that exist before the stack."""

from pathlib import Path

import pulumi

from components.findings import Finding, Refused


def read_kubeconfig(path: Path, remedy: str) -> pulumi.Output[str]:
    """Its text, a secret. Raises `Refused` with a remedy if there is none."""
    if not path.exists():
        raise Refused("cluster", [Finding("cluster", str(path), "the kubeconfig of the cluster exists", remedy)])
    return pulumi.Output.secret(path.read_text())
