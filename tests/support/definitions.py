"""Waiting for custom resource definitions, on whichever cluster a test has."""

from collections.abc import Callable

from tenacity import retry, stop_after_delay, wait_fixed


@retry(stop=stop_after_delay(60), wait=wait_fixed(0.5), reraise=True)
def established(kubectl: Callable[..., object], *definitions: str) -> None:
    """Returns once these (`crd --all`, or `-f <file>` …) are served; `kubectl` raises where the command fails.

    Asked again, because `kubectl wait` does not wait for a definition without conditions, which a new one is for a
    moment: `.status.conditions accessor error: <nil> is of the type <nil>` (kubectl 1.36.3).
    """
    kubectl("wait", "--for=condition=Established", "--timeout=60s", *definitions)
