"""Rules on storage of self-managed clusters: paths on nodes, NFS servers."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from components.base.grammar import (
    HOST,
    HOST_PATH,
    MOUNT_PATH,
    check_text,
)
from components.findings import Finding
from components.storage.plan import Encryption


def check_host_paths(path: str, paths: Sequence[str]) -> Iterator[Finding]:
    """Directories of a node that volumes may use."""
    if not paths:
        yield Finding(path, "(none)", "at least one directory of the nodes", "write one like /var/lib/local-volumes")
    for index, text in enumerate(paths):
        parsed = PurePosixPath(text)
        if not HOST_PATH.accepts(text) or len(parsed.parts) < 3:
            yield Finding(
                f"{path}[{index}]",
                text,
                "an absolute directory, at least two levels deep: volumes fill it, and their deletion empties it",
                "write one like /var/lib/local-volumes, on a separate disk",
            )


def check_encryption(path: str, encryption: str) -> Iterator[Finding]:
    """Encryption at rest of volumes whose driver has no parameter for it."""
    known = [each.value for each in Encryption if each is not Encryption.PARAMETER]
    if encryption not in known:
        yield Finding(
            f"{path}.encryption",
            encryption or "(none)",
            f"volumes are encrypted at rest, by one of: {', '.join(known)}",
            "use storage-system for an array or filer, node-disk for LUKS on every node",
        )


def check_nfs(path: str, args: Mapping[str, Any]) -> Iterator[Finding]:
    """A mountable export."""
    server, share = args["server"], args["share"]
    if not HOST.accepts(server) or ":" in server:
        yield Finding(
            f"{path}.server",
            server or "(missing)",
            "a host name or an address, without a scheme, a port or a path",
            "write it like filer.example.com",
        )
    if not MOUNT_PATH.accepts(share):
        yield Finding(
            f"{path}.share", share or "(missing)", "the absolute path of an export", "write it like /exports/ml"
        )
    if args.get("kubelet_directory"):
        yield from check_text(f"{path}.kubeletDirectory", args["kubelet_directory"], HOST_PATH)
    yield from check_encryption(path, args["encryption"])
