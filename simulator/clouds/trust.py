"""Whom programs of a simulated cloud trust: the authorities of this computer, and those of its clusters.

The DNS endpoint of a GKE cluster shows a certificate that everybody trusts, so a kubeconfig for it names no authority.
The embedded cluster signs its own; `SSL_CERT_FILE` tells Go and OpenSSL (on Linux) to trust it, here and nowhere else.
"""

import os
import ssl
from pathlib import Path

from filelock import FileLock

from simulator import files

BUNDLE = "authorities.pem"
VARIABLE = "SSL_CERT_FILE"
_OWN = "authorities-of-this-computer.pem"


def prepare(directory: Path) -> Path:
    """Notes what this computer trusts, and returns the bundle that `VARIABLE` is to name."""
    known = os.environ.get(VARIABLE) or ssl.get_default_verify_paths().cafile
    if known and Path(known) != directory / BUNDLE and Path(known).is_file():
        files.write_private(directory / _OWN, Path(known).read_text(encoding="utf-8", errors="replace"))
    write(directory)
    return directory / BUNDLE


def write(directory: Path) -> None:
    """Makes the bundle say what is so now. Call it when a cluster has come or gone."""
    with FileLock(directory / f".{BUNDLE}.lock", mode=files.PRIVATE_FILE):
        parts = [directory / _OWN, *sorted(directory.glob("clusters/[!.]*/pki/ca.crt"))]
        texts = [path.read_text(encoding="utf-8") for path in parts if path.is_file()]
        files.write_private(directory / BUNDLE, "\n".join(texts))
