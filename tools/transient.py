"""Errors that are worth another attempt, and the number of attempts.

The Kubernetes provider repeats a request that was answered with 429, and no other: a 500, a reset connection or a
webhook that is not ready fails the run (measured: 100 resources with HTTP 500 on 5 % of the requests never deployed in
one run, and always in two). A run is repeated only if every one of its errors is in this table.
"""

import re
import time
from collections.abc import Callable

from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_attempt, wait_exponential_jitter

from tools.events import Outcome

ATTEMPTS = 3
FIRST_WAIT_SECONDS = 2.0
LONGEST_WAIT_SECONDS = 20.0

# Messages of an API server, etcd, a load balancer or a broken connection; each key is printed to the user.
_TRANSIENT = {
    "the API server asked to slow down": r"\btoo many requests\b|\brate limit(ed| exceeded)|client rate limiter",
    "the API server had an internal error": r"\binternal error occurred\b|\binternal server error\b",
    "the API server was unavailable": r"\bbad gateway\b|\bservice unavailable\b|\bgateway timeout\b"
    r"|server is currently unable to handle the request|the server was unable to return a response in the time",
    "the connection broke": r"connection reset by peer|connection refused|\bunexpected EOF\b|: EOF\b|broken pipe"
    r"|client connection lost|server sent GOAWAY|use of closed network connection|\bi/o timeout\b"
    r"|TLS handshake timeout|no route to host",
    # The provider prints no more, and only if the server was unreachable before its first request.
    "the API server did not answer": r"configured Kubernetes cluster is unreachable|due to unreachable cluster",
    "the provider went away": r"code = Unavailable|transport is closing|error reading from server",
    "etcd changed its leader": r"etcdserver: (leader changed|request timed out|no leader|too many requests)",
    "another client changed the object": r"the object has been modified|operation cannot be fulfilled on",
    "a webhook was not ready": r"failed calling webhook|no endpoints available for service",
    "the namespace is terminating": r"because it is being terminated",
}
# Words that make an error final even if it quotes one of the above: `internal error occurred: … exceeded quota`; the
# first are of `components.base.webhooks`, which has already waited for a webhook.
_FINAL = (
    r"did not answer for \d+ s: "
    r"|exceeded quota|is forbidden|\bforbidden:|\binvalid value\b|is invalid|unauthorized|denied the request"
)

_TRANSIENT_EXPRESSIONS = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in _TRANSIENT.items()}
_FINAL_EXPRESSION = re.compile(_FINAL, re.IGNORECASE)


def transient_cause(message: str) -> str | None:
    """Why another attempt may help; None if it cannot.

    A namespace that is being terminated refuses with `forbidden`, and is the one refusal that resolves by itself.
    """
    terminating = "the namespace is terminating"
    if _TRANSIENT_EXPRESSIONS[terminating].search(message):
        return terminating
    if _FINAL_EXPRESSION.search(message):
        return None
    return next((name for name, pattern in _TRANSIENT_EXPRESSIONS.items() if pattern.search(message)), None)


def worth_retrying(outcome: Outcome) -> bool:
    """The run failed, was not interrupted, violated no policy, and each of its errors may resolve by itself."""
    return (
        not outcome.succeeded
        and not outcome.interruptions
        and not outcome.mandatory_violations
        and bool(outcome.failures)
        and all(transient_cause(failure.message) for failure in outcome.failures)
    )


def result_unknown(outcome: Outcome) -> bool:
    """Resources may exist that the state does not contain: the engine was killed or stopped, or an answer was lost.

    Ctrl-C counts too: the engine cancels its providers, and the Kubernetes provider abandons requests that are in
    flight. A definite refusal does not count.
    """
    stopped = outcome.exit_code < 0 or outcome.interruptions > 0
    return stopped or any(transient_cause(failure.message) for failure in outcome.failures)


def with_retries(
    run: Callable[[], Outcome],
    announce: Callable[[str], None],
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Runs up to `ATTEMPTS` times with increasing, jittered waits; each new attempt is announced in one line."""

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
