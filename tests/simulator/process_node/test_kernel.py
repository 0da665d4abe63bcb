"""The filters of system calls, on the kernel that runs these tests."""

import os
import platform
import subprocess
import sys

import pytest

from simulator.process_node import kernel

linux = pytest.mark.skipif(sys.platform != "linux", reason="seccomp is part of Linux")
MACHINE = platform.machine()


def under(filter_of: str, act: str) -> str:
    """What a Python program prints under a filter of ours."""
    program = (
        "import os, ctypes, subprocess\n"
        "from simulator.process_node import kernel\n"
        "kernel.forbid_new_privileges()\n"
        f"kernel.filter_calls(kernel.{filter_of}(os.uname().machine))\n"
        f"{act}\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    return (run.stdout + run.stderr).strip()


@linux
@pytest.mark.parametrize("name", sorted(kernel.FORBIDDEN_CALLS))
def test_a_forbidden_call_fails_with_operation_not_permitted(name: str) -> None:
    number = kernel.FORBIDDEN_CALLS[name][0 if MACHINE == "x86_64" else 1]
    call = f"c = ctypes.CDLL(None, use_errno=True); r = c.syscall({number}, -1, -1, -1, -1, -1)"
    assert under("container_filter", f"{call}; print(r, ctypes.get_errno())") == "-1 1"


@linux
def test_the_flags_of_clone_are_read() -> None:
    """A plain child is allowed, one in a new user namespace is not."""
    number = 56 if MACHINE == "x86_64" else 220
    call = "c = ctypes.CDLL(None, use_errno=True); r = c.syscall({}, {:#x} | 17, 0, 0, 0, 0)"
    end = "os._exit(0) if r == 0 else print(r > 0, ctypes.get_errno())"
    assert under("container_filter", f"{call.format(number, 0)}; {end}") == "True 0"
    assert under("container_filter", f"{call.format(number, kernel.NEW_USER)}; {end}") == "False 1"


@linux
def test_threads_and_programs_start_under_the_filter() -> None:
    act = "import threading; t = threading.Thread(target=print, args=('ran',)); t.start(); t.join()"
    assert under("container_filter", act) == "ran"
    assert under("container_filter", "subprocess.run(['echo', 'started'])") == "started"


@linux
def test_a_change_of_owner_succeeds_and_does_nothing() -> None:
    """The kubelet's filter: it hands tokens to users that this user namespace does not have."""
    act = (
        "import tempfile; f = tempfile.NamedTemporaryFile(); before = os.stat(f.name).st_uid\n"
        "os.chown(f.name, 4321, 4321); os.lchown(f.name, 4321, 4321); os.fchown(f.fileno(), 4321, 4321)\n"
        "print(before == os.stat(f.name).st_uid)"
    )
    assert under("without_owners", act) == "True"


@linux
def test_a_program_ends_with_its_parent() -> None:
    """SIGKILL of the parent: nothing else would end it."""
    child = (
        "import time; from simulator.process_node import kernel\n"
        "kernel.end_with_parent(); print(1, flush=True); time.sleep(60)"
    )
    parent = (
        "import os, signal, subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}], stdout=subprocess.PIPE)\n"
        "child.stdout.readline(); print(child.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    run = subprocess.run([sys.executable, "-c", parent], capture_output=True, text=True, check=False)
    number = int(run.stdout)
    for _ in range(200):
        try:
            with open(f"/proc/{number}/stat") as file:
                state = file.read().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":
            return
        os.sched_yield()
    pytest.fail("the child outlived its parent")


def test_the_operations_are_those_of_both_architectures() -> None:
    assert len(kernel.container_filter("x86_64")) == len(kernel.container_filter("aarch64")) + 2  # x32
    assert kernel.without_owners("aarch64")[1][3] == 0xC00000B7  # AUDIT_ARCH_AARCH64, linux/audit.h
