"""The node: the kubelet, the container runtime and the cluster's network, in namespaces that need no root.

    python -m simulator.process_node.node outside|inside|kubelet SETTINGS

`outside` gives up root, where it has it, and starts `inside` in new user, mount and process namespaces: when it ends,
however it ends, the kernel ends everything inside. `inside` runs, in this computer's network, the container runtime and
the relays (unix sockets reach across), and, in a network namespace of the node, the kubelet and the cluster's network.
"""

import asyncio
import contextlib
import json
import logging
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Collection
from pathlib import Path

import yaml

from simulator.process_node import kernel, kubelet
from simulator.process_node.images import local_images
from simulator.process_node.pod_network import hold_namespaces, in_network, make_bridge
from simulator.process_node.processes import ENVIRONMENT, ROOT
from simulator.process_node.relay import API_SOCKET, CLUSTER_SOCKET, RUNTIME_SOCKET, to_cluster, to_port
from simulator.process_node.settings import OPEN_PORTS, VOLUMES, NodeSettings

UNPRIVILEGED = 164_064
"""User and group that root runs the node as: of no account (Debian Policy 9.2.2 leaves 65536 and above to the system).
A user namespace of root itself could write to /proc/sys."""
HARD_CODED = ("/var/log", "/var/lib", "/run")
"""Folders in which the kubelet writes whatever its settings say; empty ones in the node's mount namespace."""
_SOCKET_SECONDS = 30.0
_LONGEST_LOG, _KEPT_OF_LOG = 8 * 2**20, 2**20
_EACH_SECONDS = 30.0
"""Between looks at the logs, and tries to open a port that another program has."""
_MODULE = "simulator.process_node.node"


def show_only(paths: Collection[Path]) -> None:
    """Makes folders reachable for another user, in a mount namespace of this process.

    Replaces the first folder on the way to each path that only its owner may enter, such as /root, by one that holds
    nothing but these paths.
    """
    hidden: dict[Path, dict[Path, int]] = {}
    for path in sorted({one.resolve() for one in paths}):
        closed = [one for one in reversed([path, *path.parents]) if not one.stat().st_mode & 0o001]
        if closed and closed[0] != path:
            hidden.setdefault(closed[0], {})[path] = os.open(path, os.O_PATH)
    for folder, inner in hidden.items():
        kernel.mount("tmpfs", str(folder), "tmpfs", kernel.NOSUID | kernel.NODEV, "mode=755")
        for path, opened in inner.items():
            kernel.bind(f"/proc/self/fd/{opened}", str(path), read_only=False)
            os.close(opened)


def _give_up_root(settings: NodeSettings) -> None:
    kernel.unshare(kernel.NEW_MOUNTS)
    kernel.mount("none", "/", flags=kernel.REC | kernel.PRIVATE)
    programs = (Path(sys.prefix), Path(sys.base_prefix), ROOT, settings.kubelet.resolve().parent)
    own = [folder for image in local_images(settings.local_images) for folder in image.folders]
    show_only([settings.state, settings.cache, *programs, *own])
    os.chdir(ROOT)  # the one that is still reachable
    os.setgroups([])
    os.setresgid(UNPRIVILEGED, UNPRIVILEGED, UNPRIVILEGED)
    os.setresuid(UNPRIVILEGED, UNPRIVILEGED, UNPRIVILEGED)


def protect(writable: Collection[Path]) -> None:
    """Makes every file read-only but those in some folders, in this mount namespace.

    The kubelet itself makes what a `hostPath` with the type `FileOrCreate` names, before the runtime refuses it.
    """
    kept = [folder.resolve() for folder in writable]
    for folder in kept:
        kernel.mount(str(folder), str(folder), flags=kernel.BIND | kernel.REC)
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        escaped, options = line.split()[4:6]
        at = re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), escaped)
        if not any(Path(at).is_relative_to(folder) for folder in kept):
            with contextlib.suppress(OSError):  # below a folder that this user may not enter
                kernel.make_read_only(at, options.split(","))


def outside(path: str) -> None:
    """Becomes `unshare`, which starts `inside` and ends it when it ends itself."""
    if os.geteuid() == 0:
        _give_up_root(NodeSettings.read(Path(path)))
    kernel.end_with_parent()
    namespaces = ("--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
    os.execvp("unshare", ["unshare", *namespaces, *_python(_MODULE, "inside", path)])


def _of_pip() -> list[Path]:
    """Where pip writes apart from the cache of images."""
    cache = os.path.expanduser(os.path.join(os.environ.get("XDG_CACHE_HOME", "~/.cache"), "pip"))
    return [Path(one) for one in (tempfile.gettempdir(), cache) if os.path.isdir(one)]


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


async def _relays(settings: NodeSettings) -> None:
    """From the node's network to the API server, and from this computer's loopback into the cluster."""
    await asyncio.start_unix_server(to_port(settings.api_port), str(settings.state / API_SOCKET))
    closed = dict(settings.ports)
    opened = settings.state / OPEN_PORTS
    opened.unlink(missing_ok=True)
    while True:
        for port, target in list(closed.items()):  # again and again: another program may have it for a while
            try:
                await asyncio.start_server(to_cluster(settings.state, target), "127.0.0.1", port)
                del closed[port]
                opened.write_text(json.dumps(sorted(settings.ports.keys() - closed.keys())), encoding="utf-8")
            except OSError as error:
                logging.warning("port %s, for %s: %s", port, target, error.strerror)
        for log in settings.state.glob("*.log"):
            shorten(log)
        await asyncio.sleep(_EACH_SECONDS)


def shorten(log: Path) -> None:
    """Keeps the end of a log that has grown too long. Who writes to it goes on behind that: logs are appended to."""
    if log.stat().st_size > _LONGEST_LOG:
        with log.open("r+b") as file:
            file.seek(-_KEPT_OF_LOG, os.SEEK_END)
            end = file.read()
            file.seek(0)
            file.truncate()
            file.write(end)


def _await_socket(path: Path) -> None:
    deadline = time.monotonic() + _SOCKET_SECONDS
    while not path.exists():
        if time.monotonic() > deadline:
            sys.exit(f"{path.name} did not appear in {_SOCKET_SECONDS:.0f} s; the logs are in {path.parent}")
        time.sleep(0.02)


def inside(path: str) -> None:
    """Runs the parts until one of them ends; the kernel then ends the others."""
    settings = NodeSettings.read(Path(path))
    state = settings.state
    for socket in (API_SOCKET, CLUSTER_SOCKET, RUNTIME_SOCKET):
        (state / socket).unlink(missing_ok=True)
    protect([Path("/dev"), Path("/proc"), state, settings.cache, *_of_pip()])
    for folder in HARD_CODED:
        if not state.is_relative_to(folder) and os.path.isdir(folder):
            kernel.mount("tmpfs", folder, "tmpfs", kernel.NOSUID | kernel.NODEV, "mode=755")
    if not state.is_relative_to("/run"):
        (state / "volumes").mkdir(exist_ok=True)
        kernel.bind(str(state / "volumes"), VOLUMES, read_only=False)
    for file, text in (
        ("kubelet.yaml", kubelet.configuration(settings)),
        ("kubelet.kubeconfig", kubelet.kubeconfig(settings)),
    ):
        (state / file).write_text(yaml.safe_dump(text), encoding="utf-8")
        (state / file).chmod(0o600)

    def start(part: str, command: list[str]) -> int:
        with (state / f"{part}.log").open("ab") as log:
            own = None if part == "runtime" else ENVIRONMENT
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT, env=own).pid

    holder = hold_namespaces("--net").pid
    make_bridge(holder)
    threading.Thread(target=lambda: asyncio.run(_relays(settings)), daemon=True).start()
    parts = {start("runtime", _python("simulator.process_node.service", path, str(holder)))}
    _await_socket(state / API_SOCKET)
    _await_socket(state / RUNTIME_SOCKET)
    parts.add(start("network", in_network(holder, *_python("simulator.process_node.cluster_network", path))))
    _await_socket(state / CLUSTER_SOCKET)
    parts.add(start("kubelet", in_network(holder, *_python(_MODULE, "kubelet", path))))
    while os.wait()[0] not in {*parts, holder}:  # orphans of containers are reaped here too
        continue
    sys.exit(f"a part of the node has ended; the logs are in {state}")


def main() -> None:
    """Runs the part that the first argument names."""
    part, path = sys.argv[1:]
    if part == "outside":
        outside(path)
    elif part == "inside":
        inside(path)
    else:
        kubelet.become(NodeSettings.read(Path(path)))


if __name__ == "__main__":
    main()
