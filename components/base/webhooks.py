"""Repeats the creation of custom resources while the admission webhook of their kind does not answer.

A webhook answers later than its Deployment is ready: the readiness probe of MetalLB's controller is a ping, and its
webhook server starts after the kubelet has projected the certificate; CA bundles and Endpoints are updated
asynchronously. Until then the API server refuses every object of the webhook's kinds, and the provider (4.25) retries
only NotFound and NoMatch. So every custom resource has an error hook: the engine calls it with the error of a failed
operation, and repeats the operation if the hook asks for it.
"""

import asyncio
import re
import time
from collections import defaultdict
from typing import Any
from weakref import WeakKeyDictionary

import pulumi.log
from pulumi import ErrorHook, ErrorHookArgs, ResourceHookBinding, ResourceOptions
from pulumi.runtime.settings import get_monitor

from components.base.flows import WEBHOOKS
from components.base.gke_firewall import OPENED, WHICH, firewall_command

HOOK = "mlplatform-webhook-answers"
"""Its name in the state."""
WAIT_SECONDS = 300.0
"""A kubelet projects a new Secret within about two minutes (its sync period and cache); the rest is reserve."""
LONGEST_DELAY_SECONDS = 10.0
"""The engine stops after 100 repetitions; these are about 35."""

_UNANSWERED = re.compile(r"failed calling webhook|conversion webhook for .+ failed: Post ")
_NAME = re.compile(r'failed calling webhook "([^"]+)"|conversion webhook for (.+?) failed')
_CALL = re.compile(r'Post "?https://([^./:]+)\.([^./:]+)\.svc[^:]*:\d+[^ ]*?"?: (.+)', re.DOTALL)
_DROPPED = re.compile(r"deadline exceeded|timeout|timed out", re.IGNORECASE)
_ANSWERED = re.compile(r"denied the request|failed to fully initialize or become live")


def webhook_unanswered(error: str) -> bool:
    """Whether a request was refused because a webhook did not answer: a denial is an answer. Pure."""
    return bool(_UNANSWERED.search(error)) and not _ANSWERED.search(error)


def delay_seconds(failures: int, elapsed_seconds: float) -> float | None:
    """Delay before the next attempt; None after `WAIT_SECONDS`. Pure."""
    return min(2.0 ** (failures - 1), LONGEST_DELAY_SECONDS) if elapsed_seconds < WAIT_SECONDS else None


def unanswered_text(error: str) -> str:
    """The message after the last attempt: which webhook, its address, and what to examine. Pure.

    `tools.transient` recognises it by its first words: another run would wait as long again.
    """
    named, call = _NAME.search(error), _CALL.search(error)
    name = (named[1] or f"of {named[2]}") if named else "(unknown)"
    if call is None:
        return f"the webhook {name} did not answer for {WAIT_SECONDS:.0f} s: see the address in its configuration"
    service, namespace, reason = call.groups()
    reason = reason.strip().splitlines()[0]
    text = f"the webhook {name} did not answer for {WAIT_SECONDS:.0f} s: {reason}."
    if not _DROPPED.search(reason):
        return f"{text} Examine its endpoints: kubectl -n {namespace} get pods,endpointslices"
    port = next((webhook.port for webhook in WEBHOOKS.values() if webhook.service == service), None)
    where = f"port {port} of the pods" if port else "the pods"
    text += (
        f" Nothing comes back from {where} behind the Service {namespace}/{service}: a firewall or the CNI drops it."
    )
    if port and port not in OPENED:
        text += (
            f" On GKE with a control plane that is peered with the VPC ({WHICH} prints a name), Google's firewall "
            f"opens {' and '.join(map(str, sorted(OPENED)))} only; open it: {firewall_command([port])}"
        )
    return f"{text} For other clusters `python -m tools detect` prints what the CNI needs (docs/networking.md)."


def _register() -> ErrorHook:
    last_message: set[str] = set()
    began: dict[str, float] = defaultdict(time.monotonic)

    async def wait(failed: ErrorHookArgs) -> bool:
        """The errors of one operation come newest first."""
        if not webhook_unanswered(failed.errors[0]):
            return False
        delay = delay_seconds(len(failed.errors), time.monotonic() - began[failed.urn])
        if delay is None:
            if (text := unanswered_text(failed.errors[0])) not in last_message:
                last_message.add(text)
                pulumi.log.error(text)
            return False
        if len(failed.errors) == 1:
            pulumi.log.info(f"{failed.name}: its webhook does not answer yet; retrying for {WAIT_SECONDS:.0f} s")
        await asyncio.sleep(delay)
        return True

    return ErrorHook(HOOK, wait)


# A name can be registered once with an engine, and each run of a program has its own connection to one.
_registered: WeakKeyDictionary[Any, ErrorHook] = WeakKeyDictionary()


def until_webhook_answers(options: ResourceOptions) -> ResourceOptions:
    """The options with the error hook."""
    monitor = get_monitor()
    hook = _registered.get(monitor) or _registered.setdefault(monitor, _register())
    return ResourceOptions.merge(options, ResourceOptions(hooks=ResourceHookBinding(on_error=[hook])))
