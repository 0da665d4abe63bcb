"""What the tests of the toolchain share: what real tools print, and a download mirror on loopback."""

from __future__ import annotations

import hashlib
import io
import shutil
import tarfile
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType

from tools.download import mirrored
from tools.pins import TOOLS, Tool

MakeTool = Callable[..., Path]


def printed_version(tool: Tool, version: str) -> str:
    """What the real tool prints, as far as its version is read from it (recorded from the pinned builds)."""
    return {
        "pulumi": f"v{version}",
        "kubectl": f'{{"clientVersion": {{"major": "1", "gitVersion": "v{version}"}}, "kustomizeVersion": "v5.8.1"}}',
        "kwok": f"kwok version v{version} go1.26.8 (linux/amd64)",
        "kwokctl": f"kwokctl version v{version} go1.26.8 (linux/amd64)",
        "etcd": f"etcd Version: {version}\nGit SHA: Not provided\nGo Version: go1.26.8",
    }.get(tool.name, f"Kubernetes v{version}")


def only(environment: Mapping[str, str], tmp_path: Path) -> dict[str, str]:
    """PATH without this computer's own kubectl and language host: the test's programs, and the shell's."""
    shell = tmp_path / "shell"
    shell.mkdir(exist_ok=True)
    for name in ("sh", "cat", "printf", "chmod", "sleep", "env", "dirname"):
        if not (shell / name).exists():
            (shell / name).symlink_to(str(shutil.which(name)))
    return {**environment, "PATH": f"{tmp_path / 'bin'}:{shell}"}


class Mirror:
    """Serves files by path, with ranges, and can be set to misbehave. A context manager."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.break_after: dict[str, int] = {}
        """Bytes of each answer for a path after which the connection is cut; counted from 0 for every request."""
        self.requests: list[tuple[str, str | None]] = []
        """Path and Range header of every request, in order."""
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                mirror.requests.append((self.path, self.headers["Range"]))
                if self.path not in mirror.files:
                    self.send_error(404)
                    return
                body = mirror.files[self.path]
                begin = int((self.headers["Range"] or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
                if begin >= len(body) > 0:
                    self.send_error(416)
                    return
                self.send_response(206 if begin else 200)
                self.send_header("Content-Length", str(len(body) - begin))
                self.end_headers()
                part = body[begin:]
                self.wfile.write(part[: mirror.break_after.get(self.path, len(part))])

            def log_message(self, *_: object) -> None:
                """Nothing on the test's output."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Mirror:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def path(self, address: str) -> str:
        """The path on this server of an official address."""
        return mirrored(address, self.base).removeprefix(self.base)

    def publish(self, tool: Tool, body: bytes, *, digest: str | None = None) -> str:
        """Puts a tool's release for linux/amd64 here, with its publisher's kind of checksums. Returns its path."""
        facts = {"version": tool.version, "os": "linux", "arch": tool.release.architectures["amd64"]}
        address, checksums = tool.release.address.format(**facts), tool.release.checksums.format(**facts)
        name = address.rpartition("/")[2]
        self.files[self.path(address)] = body
        told = digest or hashlib.sha256(body).hexdigest()
        listed = self.path(checksums)
        if listed.startswith("/api.github.com"):
            before = self.files.get(listed, b'{"assets": []}').decode().removesuffix("]}")
            comma = "," if before.endswith("}") else ""
            self.files[listed] = f'{before}{comma}{{"name": "{name}", "digest": "sha256:{told}"}}]}}'.encode()
        elif listed.endswith(".sha256"):
            self.files[listed] = told.encode()
        else:
            self.files[listed] = f"{'0' * 64}  another.tar.gz\n{told}  {name}\n".encode()
        return self.path(address)

    def publish_everything(self) -> None:
        """Every tool, as a program that prints its version (the provider excepted, which prints nothing)."""
        for tool in TOOLS:
            program = f"#!/bin/sh\ncat <<'END'\n{printed_version(tool, tool.version)}\nEND\n".encode()
            self.publish(tool, archive(tool, program) if tool.release.address.endswith(".tar.gz") else program)


def archive(tool: Tool, program: bytes, *, companions: tuple[str, ...] = ()) -> bytes:
    """A release archive: the programs in a folder, and a readme that is not installed."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, body in [(tool.name, program), ("README.md", b"read me"), *((c, b"companion") for c in companions)]:
            member = tarfile.TarInfo(f"folder/{name}")
            member.size = len(body)
            tar.addfile(member, io.BytesIO(body))
    return buffer.getvalue()
