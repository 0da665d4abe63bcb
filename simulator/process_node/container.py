"""First process of a container: builds its view of the files, drops to its user, becomes its command.

Runs inside the namespaces that the runtime made with nsenter and unshare: network, IPC and host name of the pod; mounts
and processes of its own. Its arguments are two file descriptors: the specification comes as JSON on the first, a
failure goes back on the second. Standard library only: every container starts through here (60 ms).
"""

import errno
import json
import os
import resource
import signal
import sys
from typing import NoReturn, TypedDict

from simulator.process_node import kernel

SHOWN = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32")
SHOWN_IN_ETC = (
    *("alternatives", "ca-certificates", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime"),
    *("mime.types", "protocols", "services", "ssl/certs", "ssl/openssl.cnf", "pki/tls/certs", "fonts"),
)
"""Folders and files of this computer that each container sees, read-only. Not `/etc/ssl/private`."""
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
MASKED = ("/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sched_debug")

MOST_PROCESSES = 4096
"""Threads of a container. Linux counts those of its user namespace (5.14 and later), else all of the same user."""


class Bind(TypedDict):
    """A file or folder that the container sees."""

    source: str
    """Absolute path on this computer."""
    target: str
    """Absolute path in the container."""
    read_only: bool


class Specification(TypedDict):
    """What the runtime wants the container to be."""

    root: str
    """An empty folder that becomes the root."""
    files: dict[str, str]
    """Absolute path in the container -> text."""
    host_name: str
    volumes: list[Bind]
    image: list[Bind]
    read_only_root: bool
    user: int
    group: int
    working_directory: str
    command: list[str]
    environment: dict[str, str]
    memory_score: int
    """The higher, the sooner the kernel kills it when memory is short (oom_score_adj)."""


def _show_computer(root: str) -> None:
    """The programs and libraries of this computer, read-only."""
    for name in SHOWN:
        if os.path.islink(f"/{name}"):
            os.symlink(os.readlink(f"/{name}"), f"{root}/{name}")
        elif os.path.isdir(f"/{name}"):
            kernel.bind(f"/{name}", f"{root}/{name}", read_only=True)
    for name in SHOWN_IN_ETC:
        if os.path.exists(f"/etc/{name}"):
            kernel.bind(os.path.realpath(f"/etc/{name}"), f"{root}/etc/{name}", read_only=True)


def _make_devices(root: str) -> None:
    for name in DEVICES:
        kernel.bind(f"/dev/{name}", f"{root}/dev/{name}", read_only=False)
    for name, target in {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}.items():
        os.symlink(target, f"{root}/dev/{name}")
    flags = kernel.NOSUID | kernel.NODEV
    os.makedirs(f"{root}/dev/shm")
    kernel.mount("tmpfs", f"{root}/dev/shm", "tmpfs", flags, "mode=1777,size=256m")
    os.makedirs(f"{root}/dev/pts")
    kernel.mount("devpts", f"{root}/dev/pts", "devpts", kernel.NOSUID | kernel.NOEXEC, "newinstance,ptmxmode=0666")
    os.symlink("pts/ptmx", f"{root}/dev/ptmx")
    os.makedirs(f"{root}/proc")
    kernel.mount("proc", f"{root}/proc", "proc", flags | kernel.NOEXEC)
    for path in MASKED:
        if os.path.exists(root + path):
            kernel.mount("/dev/null", root + path, flags=kernel.BIND)


def build_root(specification: Specification) -> None:
    """Mounts what the container sees: programs of this computer, its image, its volumes, and nothing else."""
    root = specification["root"]
    kernel.mount("tmpfs", root, "tmpfs", kernel.NOSUID | kernel.NODEV, "mode=755,size=256m")
    _show_computer(root)
    for path, text in specification["files"].items():
        os.makedirs(os.path.dirname(root + path), exist_ok=True)
        with open(root + path, "w", encoding="utf-8") as file:
            file.write(text)
    os.makedirs(f"{root}/tmp", exist_ok=True)
    os.chmod(f"{root}/tmp", 0o1777)
    _make_devices(root)
    volumes = sorted(specification["volumes"], key=lambda one: os.path.normpath(one["target"]).count("/"))
    # The image after the volumes: one of them may hide the folder above.
    _mount_within(root, [*volumes, *specification["image"]])
    if specification["read_only_root"]:
        flags = kernel.REMOUNT | kernel.BIND | kernel.RDONLY | kernel.NOSUID | kernel.NODEV
        kernel.mount("none", root, flags=flags)


def _mount_within(root: str, binds: list[Bind]) -> None:
    """Mounts volumes. Targets may have `..` and links that pods have made: the kernel follows them within `root`."""
    above = os.open("/", os.O_PATH)
    sources = [os.open(one["source"], os.O_PATH) for one in binds]
    os.chroot(root)
    for one, source in zip(binds, sources, strict=True):
        target = os.path.realpath(one["target"])
        if target == "/" or os.path.commonpath([target, "/proc"]) == "/proc":
            raise PermissionError(errno.EPERM, f"no volume can be mounted at {one['target']}")
        kernel.bind(f"/proc/self/fd/{source}", target, read_only=one["read_only"])
        os.close(source)
    os.fchdir(above)
    os.chroot(".")
    os.close(above)


def _offer_memory(score: int) -> None:
    with open("/proc/self/oom_score_adj", "r+", encoding="utf-8") as file:
        if score > int(file.read()):  # only root may lower it
            file.seek(0)
            file.write(str(score))


def become(user: int, group: int) -> None:
    """Takes the user and group that the pod asks for: other numbers for our own user, in a user namespace of the
    container. It has no capability in any other."""
    outer_user, outer_group = os.geteuid(), os.getegid()
    kernel.unshare(kernel.NEW_USER)
    maps = (("setgroups", "deny"), ("uid_map", f"{user} {outer_user} 1"), ("gid_map", f"{group} {outer_group} 1"))
    for name, text in maps:
        with open(f"/proc/self/{name}", "w", encoding="utf-8") as file:  # no other codec is loaded, nor found from here
            file.write(text)


def run(command: list[str], environment: dict[str, str], working_directory: str) -> NoReturn:
    """Becomes the command, without what no process of a container may do. Raises OSError."""
    os.chdir(working_directory)
    for one in (signal.SIGPIPE, signal.SIGXFSZ):  # ignored by Python, and by what it runs
        signal.signal(one, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_NPROC, (MOST_PROCESSES, MOST_PROCESSES))
    kernel.forbid_new_privileges()
    kernel.filter_calls(kernel.container_filter(os.uname().machine))
    os.execvpe(command[0], command, environment)


def exit_code(error: OSError) -> int:
    """As shells have it: of a command that could not be run."""
    return 126 if isinstance(error, PermissionError) else 127


def main() -> None:
    """Becomes the command, or reports why not and exits with 127, or 126 where it may not be run."""
    source, failure = int(sys.argv[1]), int(sys.argv[2])
    with os.fdopen(source) as text:
        specification: Specification = json.load(text)
    os.set_inheritable(failure, False)
    command = specification["command"]
    try:
        _offer_memory(specification["memory_score"])
        kernel.set_host_name(specification["host_name"])
        build_root(specification)
        kernel.enter_root(specification["root"])
        become(specification["user"], specification["group"])
        run(command, specification["environment"], specification["working_directory"])
    except OSError as error:
        os.write(failure, f"{command[0]}: {error}".encode())
        sys.exit(exit_code(error))


if __name__ == "__main__":
    main()
