"""Shared by the language host and the simulated clouds, which talk to the engine: its messages, without the SDK."""

import importlib.util
import os
import sys
import types

WATCH_SECONDS = 0.5
"""Interval in which a killed engine (-9) is noticed: its children get no signal, so they check their parent."""
MESSAGE_BYTES = 400 << 20
"""The engine's own limit."""
THREADS = 32
"""Each running program, policy pack and component plugin occupies one."""


def spare_the_sdk() -> None:
    """Makes `pulumi.runtime.proto` importable without `pulumi` itself: 0.2 s instead of 0.65 s, at each command.

    For callers that only pass messages on. Programs and plugins run in separate processes, with the whole SDK.
    """
    found = importlib.util.find_spec("pulumi")
    if found is None or found.origin is None:
        sys.exit(
            f"The Pulumi SDK is not installed for {sys.executable}. Run `pip install -r requirements.txt` with it."
        )
    place = os.path.dirname(found.origin)
    for name, directory in (("pulumi", place), ("pulumi.runtime", os.path.join(place, "runtime"))):
        package = types.ModuleType(name)
        package.__path__ = [directory]
        sys.modules[name] = package
