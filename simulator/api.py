"""Readiness queries to a control plane, over TLS with the keys of the cluster."""

import http.client
import ssl
import urllib.error
import urllib.request
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path

from simulator.configuration import ADDRESS

_TIMEOUT_SECONDS = 5.0

_SIGNS_OF_LIFE: Mapping[str, tuple[str, str]] = {
    "kube-apiserver": ("kubeApiserverPort", "/readyz"),
    "kube-controller-manager": ("kubeControllerManagerPort", "/healthz"),
    "kube-scheduler": ("kubeSchedulerPort", "/healthz"),
    "kwok-controller": ("kwokControllerPort", "/healthz"),
    # Created by the controller manager: without it no pod is admitted to the namespace.
    "default service account": ("kubeApiserverPort", "/api/v1/namespaces/default/serviceaccounts/default"),
}
"""What must answer before a cluster counts as ready -> option of its port, path. The first implies that etcd
answers."""


EVERYTHING = tuple(_SIGNS_OF_LIFE)


def unready(directory: Path, ports: Mapping[str, int], parts: Collection[str] = EVERYTHING) -> str:
    """The first of `parts` of the control plane in `directory` that does not answer yet; empty if all do."""
    try:
        context = ssl.create_default_context(cafile=str(directory / "pki" / "ca.crt"))
        context.load_cert_chain(directory / "pki" / "admin.crt", directory / "pki" / "admin.key")
    except FileNotFoundError:
        return "keys"
    answers = partial(_answers, context)
    asked = ((name, sign) for name, sign in _SIGNS_OF_LIFE.items() if name in parts)
    return next((name for name, (port, path) in asked if not answers(ports[port], path)), "")


def _answers(context: ssl.SSLContext, port: int, path: str) -> bool:
    try:
        with urllib.request.urlopen(
            f"https://{ADDRESS}:{port}{path}", timeout=_TIMEOUT_SECONDS, context=context
        ) as response:
            return bool(response.status == http.client.OK)
    except (urllib.error.URLError, OSError, http.client.HTTPException):
        return False
