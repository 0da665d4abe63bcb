"""kwokctl and kubectl, called so that they touch nothing but the cluster they are meant for."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from simulator.errors import SimulatorError

TIMEOUT_SECONDS = 150.0
"""kwokctl itself waits up to 120 s for the API server."""
EXIT_SECONDS = 5
"""A killed API server keeps its port until the kernel has taken its memory back; 0.1 to 1 s were seen."""
_LAST_LINES = 12


def environment(home: Path) -> dict[str, str]:
    """The environment of kwokctl: its clusters go to `home`, and no setting of the user's own kwok reaches it.

    The API server inherits GOGC: each CRD makes it build its OpenAPI document anew, mostly garbage (0.9 s, then 0.5 s).
    """
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("KWOK_", "KUBE"))}
    return {**kept, "KWOK_WORKDIR": str(home), "GOGC": "200"}


def call_kwokctl(program: Path, home: Path, cluster: str, *arguments: str) -> None:
    """Runs kwokctl to its end. Raises SimulatorError with its last words.

    Its children outlive it, in a session of their own: Ctrl-C in a terminal does not reach them. What it and they write
    to disk is private.
    """
    command = [str(program), "--name", cluster, *arguments]
    try:
        run = subprocess.run(
            command,
            env=environment(home),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            umask=0o077,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SimulatorError(
            f"cluster {cluster}: kwokctl has not finished in {TIMEOUT_SECONDS:.0f} s. Is the computer short of memory "
            f"or of processor time? Try again; what was made is kept."
        ) from None
    if run.returncode:
        last = "\n".join(run.stderr.splitlines()[-_LAST_LINES:])
        raise SimulatorError(f"cluster {cluster}: kwokctl failed (exit code {run.returncode}):\n{last}")


def call_kubectl(program: Path, kubeconfig: Path, *arguments: str, text: str = "") -> str:
    """Runs kubectl with `text` on its standard input and returns its output. Raises SimulatorError with its words."""
    run = subprocess.run(
        [str(program), f"--kubeconfig={kubeconfig}", f"--cache-dir={kubeconfig.parent / 'cache'}", *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        umask=0o077,
        check=False,
    )
    if run.returncode:
        raise SimulatorError(f"kubectl {arguments[0]} failed (exit code {run.returncode}): {run.stderr.strip()}")
    return run.stdout


def last_words(directory: Path, component: str) -> str:
    """The end of a component's log."""
    try:
        lines = (directory / "logs" / f"{component}.log").read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return "(no log)"
    return "\n".join(lines[-_LAST_LINES:])


def refuse_taken_ports(
    cluster: str, ports: Mapping[str, int], is_free: Callable[[int], bool], patience_seconds: float = EXIT_SECONDS
) -> None:
    """Raises SimulatorError if another program listens on a port (by its option) that the cluster keeps for itself."""
    deadline = time.monotonic() + patience_seconds
    taken = {option: port for option, port in ports.items() if not is_free(port)}
    while taken and time.monotonic() < deadline:
        time.sleep(0.1)
        taken = {option: port for option, port in taken.items() if not is_free(port)}
    if taken:
        listed = ", ".join(f"{port} ({option})" for option, port in taken.items())
        raise SimulatorError(
            f"cluster {cluster}: another program listens on {listed}. A cluster keeps its ports for life, so that its "
            f"kubeconfig never changes. End that program, or delete the cluster and start it again."
        )
