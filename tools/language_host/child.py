"""Runs one Pulumi program, or one plugin, in the project's own interpreter.

Executed as a file by that interpreter, so it imports nothing of this project; the task is JSON on standard input. It
ends with the language host, however the host ends.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import runpy
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any

ERROR_SHOWN = 32
"""Exit code: the error was shown already, and the host adds nothing. The official host uses the same one."""
INTERRUPTED = 130
WATCH_SECONDS = 0.5


def main() -> int:
    """Runs the task that standard input holds. Returns the exit code."""
    threading.Thread(target=end_with_host, args=(os.getppid(),), daemon=True).start()
    task = json.load(sys.stdin.buffer)
    sys.path[0] = task["import_from"]  # in place of the directory of this file
    try:
        return run_program(task) if task["kind"] == "program" else run_plugin(task)
    except KeyboardInterrupt:
        return INTERRUPTED


def end_with_host(host: int) -> None:
    while os.getppid() == host:
        time.sleep(WATCH_SECONDS)
    os._exit(1)


def run_plugin(task: dict[str, Any]) -> int:
    """A policy pack or a component provider: serves until it is stopped. Its exit code is raised as SystemExit."""
    sys.argv = [task["path"], *task["arguments"]]
    try:
        run_file(task["path"])
    except Exception as error:
        sys.stderr.write(own_traceback(error, task["import_from"]))
        return 1
    return 0


def run_program(task: dict[str, Any]) -> int:
    """A program: runs it within the stack resource, waits for all of its registrations, shows its error once."""
    try:
        import grpc  # noqa: PLC0415 - the project's interpreter may lack both
        import pulumi  # noqa: PLC0415
        from pulumi.runtime import stack  # noqa: PLC0415
    except ImportError as error:
        text = (
            f"{sys.executable} cannot import the Pulumi SDK ({error}). Run `pip install -r requirements.txt` with it."
        )
        print(text, file=sys.stderr)  # noqa: T201 - without the SDK there is no other channel to the engine
        return ERROR_SHOWN

    configure(task)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # a failed program leaves tasks; its error is enough
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    # Resource registrations are blocking calls on this executor: the engine's parallelism, plus some for invokes.
    executor = ThreadPoolExecutor(max_workers=max(task["settings"]["parallel"], 1) * 4)
    loop.set_default_executor(executor)
    sys.argv = [task["path"], *task["arguments"]]
    try:
        loop.run_until_complete(stack.run_in_stack(lambda: run_file(task["path"])))
        return 0
    except pulumi.RunError as error:
        show(str(error))
    except grpc.RpcError as error:
        if error.code() != grpc.StatusCode.UNAVAILABLE:  # else the engine has ended
            show(f"The engine refused a call: {error.details()}")
    except Exception as error:
        show("Program failed with an unhandled exception:\n" + own_traceback(error, task["import_from"]))
    finally:
        executor.shutdown(wait=True)
        loop.close()
        sys.stdout.flush()
        sys.stderr.flush()
    return ERROR_SHOWN


def show(text: str) -> None:
    """Shows an error in the engine's diagnostics, or on standard error when the engine has gone."""
    import grpc  # noqa: PLC0415
    from pulumi import log  # noqa: PLC0415

    try:
        log.error(text)
    except grpc.RpcError:
        sys.stderr.write(f"{text}\n")


def run_file(path: str) -> None:
    """Runs a file, or the `__main__.py` of a directory, as `python path` does."""
    runpy.run_path(path, run_name="__main__")


def configure(task: dict[str, Any]) -> None:
    """Sets engine, stack and configuration of the program in the SDK."""
    from pulumi import runtime  # noqa: PLC0415
    from pulumi.runtime.config import set_all_config  # noqa: PLC0415

    runtime.configure(runtime.Settings(**task["settings"]))
    set_all_config(task["config"], task["secret_keys"])


def own_traceback(error: BaseException, directory: str) -> str:
    """The traceback from the first frame of the program, without the frames of this file, runpy and asyncio."""
    frame: TracebackType | None = error.__traceback__
    while frame is not None and not frame.tb_frame.f_code.co_filename.startswith(directory):
        frame = frame.tb_next
    return "".join(traceback.format_exception(type(error), error, frame))


if __name__ == "__main__":
    sys.exit(main())
