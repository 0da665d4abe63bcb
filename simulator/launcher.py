"""Runs kwokctl and kubectl so that they access only the intended cluster."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from simulator.errors import SimulatorError

TIMEOUT_SECONDS = 150.0
"""kwokctl itself waits up to 120 s for the API server."""
EXIT_SECONDS = 5
"""A killed API server keeps its port until the kernel has freed its memory; measured: 0.1 to 1 s."""
_LAST_LINES = 12


def environment(home: Path) -> dict[str, str]:
    """The environment of kwokctl: its clusters are in `home`, and the user's kwok settings are ignored.

    The API server inherits GOGC: each CRD makes it rebuild its OpenAPI document, mostly garbage (0.9 s, then 0.5 s).
    """
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("KWOK_", "KUBE"))}
    return {**kept, "KWOK_WORKDIR": str(home), "GOGC": "200"}


def call_kwokctl(program: Path, home: Path, cluster: str, *arguments: str) -> None:
    """Runs kwokctl to its end. Raises SimulatorError with the end of its output.

    Its children outlive it, in a separate session: Ctrl-C in a terminal does not reach them. Files that it and they
    write are private.
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
            f"cluster {cluster}: kwokctl has not finished in {TIMEOUT_SECONDS:.0f} s. Is the computer short "
            f"of memory or processor time? Try again; finished parts are kept."
        ) from None
    if run.returncode:
        last = "\n".join(run.stderr.splitlines()[-_LAST_LINES:])
        raise SimulatorError(f"cluster {cluster}: kwokctl failed (exit code {run.returncode}):\n{last}")


def call_kubectl(program: Path, kubeconfig: Path, *arguments: str, text: str = "") -> str:
    """Runs kubectl with `text` on its standard input and returns its output. Raises SimulatorError with its message."""
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
            f"cluster {cluster}: another program listens on {listed}. A cluster never changes its ports, so that its "
            f"kubeconfig never changes. End that program, or delete the cluster and start it again."
        )
