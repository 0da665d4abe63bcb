"""Whether this computer can run the process node, found by trying."""

import os
import shutil
import subprocess
import sys

from simulator.process_node.node import UNPRIVILEGED

PROGRAMS = {"unshare": "util-linux", "nsenter": "util-linux", "mount": "util-linux", "ip": "iproute2"}
"""Programs that the node calls -> the package that has them, on most distributions."""
_TRIAL = (
    *("unshare", "--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--mount-proc"),
    *("sh", "-ec", "ip link add name trial type bridge; mount -t tmpfs tmpfs /mnt"),
)
_APPARMOR = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"
_SECONDS = 10


def obstacle() -> str:
    """Why pods cannot run as processes here, and what to do about it; "" where they can."""
    if sys.platform != "linux":
        return "pods run as processes on Linux only"
    missing = sorted({package for program, package in PROGRAMS.items() if shutil.which(program) is None})
    if missing:
        return f"install {' and '.join(missing)}"
    as_root = os.geteuid() == 0
    identity = {"user": UNPRIVILEGED, "group": UNPRIVILEGED, "extra_groups": []} if as_root else {}
    try:
        trial = subprocess.run(_TRIAL, capture_output=True, text=True, check=False, timeout=_SECONDS, **identity)  # type: ignore[call-overload]
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"user namespaces could not be tried: {error}"
    if trial.returncode == 0:
        return ""
    return f"this computer refuses user namespaces ({trial.stderr.strip().splitlines()[-1]}). {_remedy()}"


def _remedy() -> str:
    try:
        with open(_APPARMOR) as file:
            if file.read().strip() == "1":
                return "Allow them: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"
    except OSError:
        pass
    return "In a container, start it with --security-opt seccomp=unconfined --security-opt systempaths=unconfined"
