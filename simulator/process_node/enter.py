"""A further command in a running container: `kubectl exec` and exec probes.

python -SE -m simulator.process_node.enter DESCRIPTOR PROCESS

Its arguments are a file descriptor, from which the command comes as JSON, and process 1 of the container. Standard
library only, as in `container.py`.
"""

import json
import os
import signal
import sys
from typing import TypedDict

from simulator.process_node import kernel
from simulator.process_node.container import exit_code, run


class Entered(TypedDict):
    """What is to run."""

    command: list[str]
    environment: dict[str, str]
    working_directory: str


def main() -> None:
    """Runs the command and exits with its code, or with 128 and the number of the signal that ended it."""
    with os.fdopen(int(sys.argv[1])) as text:
        entered: Entered = json.load(text)
    kernel.conceal()
    sys.path.clear()  # no module comes from the container's files
    kernel.enter_all(int(sys.argv[2]))
    child = os.fork()
    if child:
        for key in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP):  # of the terminal: for the command alone
            signal.signal(key, signal.SIG_IGN)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.exit(code if code >= 0 else 128 - code)
    try:
        kernel.end_with_parent()
        run(entered["command"], entered["environment"], entered["working_directory"])
    except OSError as error:
        os.write(2, f"{entered['command'][0]}: {error}\n".encode())
        os._exit(exit_code(error))


if __name__ == "__main__":
    main()
