"""Calls of the Linux kernel that Python 3.11 lacks: mounts, namespaces, seccomp filters. Standard library only."""

import ctypes
import os
import stat
import struct
from collections.abc import Collection, Mapping, Sequence

RDONLY, NOSUID, NODEV, NOEXEC, REMOUNT, BIND, REC, PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
"""Flags of mount(2)."""
NEW_MOUNTS, NEW_USER, NEW_NETWORK = 0x20000, 0x10000000, 0x40000000
"""Namespaces, of unshare(2) and setns(2)."""
_NEW_ANYTHING = 0x7E020000
"""Flags of clone(2) together: new mount, cgroup, UTS, IPC, user, process and network namespaces."""
_DETACH, _FILTER = 2, 2
_PARENT_DEATH_SIGNAL, _DUMPABLE, _SECCOMP, _NO_NEW_PRIVILEGES = 1, 4, 22, 38
"""Options of prctl(2)."""
_KEPT = {"nosuid": NOSUID, "nodev": NODEV, "noexec": NOEXEC}
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(namespaces: int) -> None:
    """Moves this thread into new namespaces."""
    _check(_libc.unshare(namespaces), "unshare")


def enter(namespace: str, kind: int) -> None:
    """Moves this thread into a namespace, by its file in /proc."""
    with open(namespace) as file:
        _check(_libc.setns(file.fileno(), kind), f"setns {namespace}")


def enter_all(pid: int) -> None:
    """Moves this process into the namespaces of another. Only its children are in that one's process namespace."""
    # The user namespace is last: in it, this process may not enter the others.
    opened = [os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY) for name in ("ipc", "uts", "net", "pid", "mnt", "user")]
    for namespace in opened:
        _check(_libc.setns(namespace, 0), "setns")
        os.close(namespace)


def set_host_name(name: str) -> None:
    """Sets the host name of this UTS namespace. /proc/sys would refuse it in a user namespace."""
    encoded = name.encode()
    _check(_libc.sethostname(encoded, len(encoded)), "sethostname")


def forbid_new_privileges() -> None:
    """No program that this process runs gains a privilege, by set-user-id or file capabilities."""
    _check(_libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0), "no_new_privs")


def conceal() -> None:
    """Until it runs another program, no process without privileges sees the memory and files of this one in /proc."""
    _check(_libc.prctl(_DUMPABLE, 0, 0, 0, 0), "dumpable")


def end_with_parent() -> None:
    """The kernel kills this process when its parent ends, even by SIGKILL."""
    parent = os.getppid()
    _check(_libc.prctl(_PARENT_DEATH_SIGNAL, 9, 0, 0, 0), "parent death signal")
    if os.getppid() != parent:
        os._exit(1)


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """mount(2)."""
    arguments = (source.encode(), target.encode(), kind.encode() or None, flags, options.encode() or None)
    _check(_libc.mount(*arguments), f"mount {source} on {target}")


def bind(source: str, target: str, *, read_only: bool) -> None:
    """Makes a file or folder visible at `target`, which is created."""
    if stat.S_ISDIR(os.stat(source).st_mode):
        os.makedirs(target, exist_ok=True)
    elif not os.path.lexists(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_EXCL))
    mount(source, target, flags=BIND | REC)
    if read_only:
        found = os.statvfs(target).f_flag
        make_read_only(target, [option for option, flag in _KEPT.items() if found & flag])


def make_read_only(target: str, options: Collection[str]) -> None:
    """Makes a mount read-only, but not those below it. `options`: those it has, as in /proc/self/mountinfo."""
    # They must be repeated: a user namespace may not clear those of mounts from outside.
    kept = sum(flag for option, flag in _KEPT.items() if option in options)
    mount("none", target, flags=REMOUNT | BIND | RDONLY | kept)


def enter_root(root: str) -> None:
    """Makes `root` the root of all files; what was there before is unmounted."""
    os.chdir(root)
    _check(_libc.syscall(_PIVOT_ROOT[os.uname().machine], b".", b"."), "pivot_root")
    _check(_libc.umount2(b".", _DETACH), "umount")
    os.chdir("/")


# --- seccomp: a filter of system calls. Numbers: Linux 6.1, asm/unistd_64.h of x86_64, asm-generic/unistd.h of aarch64.

_AUDIT_ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_ALLOW, _ERROR, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_PERMISSION, _NO_SUCH_CALL = 1, 38
_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06

CHANGE_OWNER: Mapping[str, Sequence[int]] = {"x86_64": (92, 93, 94, 260), "aarch64": (54, 55)}
"""chown, fchown, lchown, fchownat."""

FORBIDDEN_CALLS: Mapping[str, tuple[int, int]] = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "bpf": (321, 280),
    "clock_settime": (227, 112),
    "delete_module": (176, 106),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "pivot_root": (155, 41),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "setns": (308, 268),
    "settimeofday": (164, 170),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
}
"""System calls that fail in a container with "operation not permitted": name -> number on x86_64, on aarch64. They are
among those that common runtimes forbid to a container without capabilities."""
_CLONE, _CLONE3 = {"x86_64": 56, "aarch64": 220}, 435
_X32_CALLS = 0x40000000
"""Numbers from here on are calls of the x32 interface, which would go around the filter."""

Step = tuple[int, int, int, int]
"""Operation, jump if true, jump if false, operand."""


def _errors(numbers: Sequence[int], error: int) -> list[Step]:
    """Each call returns `error`; the number of the call is loaded."""
    return [step for number in numbers for step in ((_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ERROR | error))]


def _program(machine: str, steps: Sequence[Step]) -> list[Step]:
    start = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, _AUDIT_ARCHITECTURE[machine]), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, 0)]
    return [*start, *steps, (_RETURN, 0, 0, _ALLOW)]


def without_owners(machine: str) -> list[Step]:
    """A filter under which a change of owner succeeds and does nothing.

    For the kubelet: the user namespace has one id, which is every user of a pod, so files need not change hands. The
    kubelet gives projected tokens to the pod's user, and fails where it cannot.
    """
    return _program(machine, _errors(CHANGE_OWNER[machine], 0))


def container_filter(machine: str) -> list[Step]:
    """The filter of a container: no `FORBIDDEN_CALLS`, no new namespaces by clone. clone3, whose flags a filter cannot
    read, does not exist; the C library then uses clone."""
    at = list(_AUDIT_ARCHITECTURE).index(machine)
    x32: list[Step] = [(0x35, 0, 1, _X32_CALLS), (_RETURN, 0, 0, _ERROR | _NO_SUCH_CALL)] if at == 0 else []
    clone: list[Step] = [
        (_EQUAL, 0, 4, _CLONE[machine]),
        (_LOAD, 0, 0, 16),  # the lower half of the first argument: the flags
        (_ANY_BIT, 0, 1, _NEW_ANYTHING),
        (_RETURN, 0, 0, _ERROR | _PERMISSION),
        (_RETURN, 0, 0, _ALLOW),
    ]
    forbidden = _errors([numbers[at] for numbers in FORBIDDEN_CALLS.values()], _PERMISSION)
    return _program(machine, [*x32, *_errors([_CLONE3], _NO_SUCH_CALL), *forbidden, *clone])


def filter_calls(steps: Sequence[Step]) -> None:
    """Puts a filter on this process and all that it runs. Needs `forbid_new_privileges`, or a privilege."""
    code = b"".join(struct.pack("=HBBI", *step) for step in steps)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = ctypes.create_string_buffer(struct.pack("=HxxxxxxQ", len(steps), ctypes.addressof(buffer)))
    _check(_libc.prctl(_SECCOMP, _FILTER, ctypes.c_void_p(ctypes.addressof(program)), 0, 0), "seccomp")
