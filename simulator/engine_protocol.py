"""What speaks with the engine by itself, language host and simulated clouds: its messages, without the SDK."""

import importlib.util
import os
import sys
import types

WATCH_SECONDS = 0.5
"""The longest that a killed engine (-9) goes unnoticed. Nobody tells its children: they look whose child they are."""
MESSAGE_BYTES = 400 << 20
"""The engine's own bound."""
THREADS = 32
"""Each running program, policy pack and component plugin holds one."""


def spare_the_sdk() -> None:
    """Makes `pulumi.runtime.proto` importable without `pulumi` itself: 0.2 s instead of 0.65 s, at each command.

    Who calls this only passes messages on. Programs and plugins run in processes of their own, with the whole SDK.
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
