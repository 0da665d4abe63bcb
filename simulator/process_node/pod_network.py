"""Pods on the bridge of the node, each in network, IPC and host name namespaces of its own."""

import subprocess
import threading
import time
from pathlib import Path

from simulator.process_node.processes import ENVIRONMENT

PREFIX = "10.64"
"""The pods' network, a /16 that no simulated pod or Service uses (`configuration.POD_NETWORK`, `SERVICE_NETWORK`)."""
NODE_ADDRESS = f"{PREFIX}.0.1"
BRIDGE = "pods"
_ADDRESSES = 65_000


def hold_namespaces(*kinds: str) -> "subprocess.Popen[bytes]":
    """A process that keeps new namespaces (`--net`, `--ipc` ...) as long as it lives. Raises OSError."""
    command = ["unshare", *kinds, "sleep", "infinity"]
    holder = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=ENVIRONMENT)
    while Path(f"/proc/{holder.pid}/comm").read_text() != "sleep\n":
        if holder.poll() is not None:
            raise OSError(f"{' '.join(command)} ended with {holder.returncode}; the log has its message")
        time.sleep(0.002)
    return holder


def in_network(holder: int, *command: str) -> list[str]:
    """A command in the network namespace of a process."""
    return ["nsenter", "-t", str(holder), "--net", *command]


def run_in_network(holder: int, script: str) -> None:
    """Runs a shell script in the network namespace of a process."""
    subprocess.run(in_network(holder, "sh", "-ec", script), check=True)


def make_bridge(holder: int) -> None:
    """The node's side of the network."""
    run_in_network(
        holder,
        f"ip link set lo up; ip link add {BRIDGE} type bridge; ip addr add {NODE_ADDRESS}/16 dev {BRIDGE}; "
        f"ip link set {BRIDGE} up; echo 1 > /proc/sys/net/ipv4/ip_forward",
    )


class PodNetwork:
    """Gives pods their namespaces and addresses."""

    def __init__(self, node: int) -> None:
        """`node`: a process in the node's network namespace."""
        self._node, self._last, self._lock = node, 1, threading.Lock()
        self._taken: set[int] = set()

    def add(self) -> tuple["subprocess.Popen[bytes]", str]:
        """A process that keeps the namespaces of a new pod, and the pod's address."""
        with self._lock:
            number = self._last % _ADDRESSES + 1
            while number in self._taken or number == 1:
                number = number % _ADDRESSES + 1
            self._last = number
            self._taken.add(number)
        address = f"{PREFIX}.{number // 256}.{number % 256}"
        try:
            return self._connect(number, address), address
        except BaseException:
            self.release(address)
            raise

    def _connect(self, number: int, address: str) -> "subprocess.Popen[bytes]":
        holder = hold_namespaces("--net", "--ipc", "--uts")
        try:
            script = f"ip link add v{number} type veth peer name eth0 netns {holder.pid}"
            run_in_network(self._node, f"{script}; ip link set v{number} master {BRIDGE} up")
            run_in_network(
                holder.pid,
                f"ip link set lo up; ip addr add {address}/16 dev eth0; ip link set eth0 up; "
                f"ip route add default via {NODE_ADDRESS}",
            )
        except BaseException:
            holder.kill()
            holder.wait()
            raise
        return holder

    def release(self, address: str) -> None:
        """The address of a pod that is gone may be given again, after all others."""
        third, fourth = address.split(".")[2:]
        with self._lock:
            self._taken.discard(int(third) * 256 + int(fourth))
