"""Kubeconfigs of clusters that are there before the stack."""

from pathlib import Path

import pulumi

from components.findings import Finding, Refused


def read_kubeconfig(path: Path, remedy: str) -> pulumi.Output[str]:
    """Its text, a secret. Raises `Refused` when there is none, with what to do about it."""
    if not path.exists():
        raise Refused("cluster", [Finding("cluster", str(path), "the kubeconfig of the cluster is there", remedy)])
    return pulumi.Output.secret(path.read_text())
