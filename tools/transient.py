"""Which errors are worth another attempt, and how often.

The Kubernetes provider repeats a request that was answered 429, and nothing else: a 500, a connection that was reset or
a webhook that is not up yet fails the run (measured: 100 resources with HTTP 500 on 5 % of the requests never came up
in one run, and always in two). A run is attempted again only when every one of its errors is in this table.
"""

import re
import time
from collections.abc import Callable

from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_attempt, wait_exponential_jitter

from tools.events import Outcome

ATTEMPTS = 3
FIRST_WAIT_SECONDS = 2.0
LONGEST_WAIT_SECONDS = 20.0

# What an API server, etcd, a load balancer or a dying connection says; each name is what the user reads.
_TRANSIENT = {
    "the API server asked to slow down": r"\btoo many requests\b|\brate limit(ed| exceeded)|client rate limiter",
    "the API server had an internal error": r"\binternal error occurred\b|\binternal server error\b",
    "the API server was unavailable": r"\bbad gateway\b|\bservice unavailable\b|\bgateway timeout\b"
    r"|server is currently unable to handle the request|the server was unable to return a response in the time",
    "the connection broke": r"connection reset by peer|connection refused|\bunexpected EOF\b|: EOF\b|broken pipe"
    r"|client connection lost|server sent GOAWAY|use of closed network connection|\bi/o timeout\b"
    r"|TLS handshake timeout|no route to host",
    # The provider says no more, and only where it found nobody before its first request.
    "the API server did not answer": r"configured Kubernetes cluster is unreachable|due to unreachable cluster",
    "the provider went away": r"code = Unavailable|transport is closing|error reading from server",
    "etcd changed its leader": r"etcdserver: (leader changed|request timed out|no leader|too many requests)",
    "somebody else changed the object": r"the object has been modified|operation cannot be fulfilled on",
    "a webhook was not ready": r"failed calling webhook|no endpoints available for service",
    "the namespace is still going": r"because it is being terminated",
}
# Words that make an error final even if it quotes one of the above: `internal error occurred: … exceeded quota`; the
# first are of `components.base.webhooks`, which has waited for a webhook already.
_FINAL = (
    r"did not answer for \d+ s: "
    r"|exceeded quota|is forbidden|\bforbidden:|\binvalid value\b|is invalid|unauthorized|denied the request"
)

_TRANSIENT_EXPRESSIONS = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in _TRANSIENT.items()}
_FINAL_EXPRESSION = re.compile(_FINAL, re.IGNORECASE)


def transient_cause(message: str) -> str | None:
    """Why another attempt may help, in words; None when it cannot.

    A namespace that is being terminated refuses with `forbidden` and is yet the one refusal that passes by itself.
    """
    terminating = "the namespace is still going"
    if _TRANSIENT_EXPRESSIONS[terminating].search(message):
        return terminating
    if _FINAL_EXPRESSION.search(message):
        return None
    return next((name for name, pattern in _TRANSIENT_EXPRESSIONS.items() if pattern.search(message)), None)


def worth_retrying(outcome: Outcome) -> bool:
    """The run failed, nobody stopped it, no law was broken, and each of its errors may pass by itself."""
    return (
        not outcome.succeeded
        and not outcome.interruptions
        and not outcome.mandatory_violations
        and bool(outcome.failures)
        and all(transient_cause(failure.message) for failure in outcome.failures)
    )


def result_unknown(outcome: Outcome) -> bool:
    """The world may hold what the state does not know: the engine was killed or stopped, or an answer was lost.

    Ctrl-C is no better than that: the engine cancels its providers, and the Kubernetes provider gives up requests that
    are on their way. A definite refusal is no such case.
    """
    stopped = outcome.exit_code < 0 or outcome.interruptions > 0
    return stopped or any(transient_cause(failure.message) for failure in outcome.failures)


def with_retries(
    run: Callable[[], Outcome],
    announce: Callable[[str], None],
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Runs up to `ATTEMPTS` times with growing, jittered waits; each new attempt is announced in one line."""

    def before_sleep(state: RetryCallState) -> None:
        assert state.outcome is not None
        assert state.next_action is not None
        failure = state.outcome.result().failures[0]
        announce(
            f"{failure.resource}: {transient_cause(failure.message)}; "
            f"attempt {state.attempt_number + 1} of {ATTEMPTS} in {state.next_action.sleep:.0f} s"
        )

    def last_result(state: RetryCallState) -> Outcome:
        assert state.outcome is not None
        result: Outcome = state.outcome.result()
        return result

    retrying = Retrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential_jitter(multiplier=FIRST_WAIT_SECONDS, max=LONGEST_WAIT_SECONDS),
        retry=retry_if_result(worth_retrying),
        before_sleep=before_sleep,
        retry_error_callback=last_result,
        sleep=sleep,
    )
    return retrying(run)
