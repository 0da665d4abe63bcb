"""Which errors are tried again, and how often."""

import pytest

from tools.events import Failure, Outcome, Violation
from tools.transient import (
    ATTEMPTS,
    LONGEST_WAIT_SECONDS,
    result_unknown,
    transient_cause,
    with_retries,
    worth_retrying,
)

PASSING = (
    "Too Many Requests",
    'Internal error occurred: failed calling webhook "x": connect: connection refused',
    "an error on the server: 502 Bad Gateway",
    "the server is currently unable to handle the request",
    "Service Unavailable",
    "504 Gateway Timeout",
    'Get "https://127.0.0.1:1/api": read tcp 127.0.0.1:2->127.0.0.1:1: read: connection reset by peer',
    'Post "https://127.0.0.1:1/api": dial tcp 127.0.0.1:1: connect: connection refused',
    'Patch "https://x": EOF',
    # Recorded: provider 4.25 on a cluster whose API server had been killed.
    "configured Kubernetes cluster is unreachable. If the cluster was deleted, you can remove this resource from "
    'Pulumi state by rerunning the operation with the PULUMI_K8S_DELETE_UNREACHABLE environment variable set to "true"',
    "unexpected EOF",
    "net/http: TLS handshake timeout",
    "http2: client connection lost",
    "dial tcp 10.0.0.1:443: i/o timeout",
    "etcdserver: leader changed",
    "Operation cannot be fulfilled on configmaps: the object has been modified; please apply your changes",
    'configmaps "x" is forbidden: unable to create new content in namespace y because it is being terminated',
    "rpc error: code = Unavailable desc = error reading from server: EOF",
)
FINAL = (
    'ConfigMap "X" is invalid: metadata.name: Invalid value: "X"',
    'pods "x" is forbidden: exceeded quota: gpus, requested: 8, used: 0, limited: 4',
    "Internal error occurred: exceeded quota",
    'admission webhook "x" denied the request: no',
    'deployments.apps is forbidden: User "x" cannot create resource',
    "Unauthorized",
    "resource was created but failed to become ready: timed out waiting for 429 pods",
    "KeyError: 'image'",
    "",
)


def outcome(
    *messages: str, exit_code: int = 1, interruptions: int = 0, violations: tuple[Violation, ...] = ()
) -> Outcome:
    """A run that ended with these errors."""
    return Outcome(
        operation="up",
        exit_code=exit_code,
        changes={},
        same=0,
        steps=(),
        failures=tuple(Failure("", message) for message in messages),
        violations=violations,
        warnings=(),
        seconds=0.0,
        log="",
        interruptions=interruptions,
    )


@pytest.mark.parametrize("message", PASSING)
def test_what_may_pass_by_itself_is_tried_again(message):
    assert transient_cause(message)
    assert worth_retrying(outcome(message))
    assert result_unknown(outcome(message))


@pytest.mark.parametrize("message", FINAL)
def test_a_definite_answer_is_not(message):
    assert transient_cause(message) is None
    assert not worth_retrying(outcome(message))
    assert not result_unknown(outcome(message))


def test_one_definite_error_among_passing_ones_is_enough_to_stop():
    mixed = outcome(PASSING[0], FINAL[0])
    assert not worth_retrying(mixed)
    assert result_unknown(mixed), "yet an answer was lost, so the state is not to be trusted"


def test_a_violation_an_interruption_and_a_run_without_errors_are_never_tried_again():
    broken = Violation("", "rule", "no", mandatory=True)
    assert not worth_retrying(outcome(PASSING[0], violations=(broken,)))
    assert not worth_retrying(outcome(PASSING[0], interruptions=1))
    assert not worth_retrying(outcome())
    assert not worth_retrying(outcome(exit_code=0))


def test_a_killed_engine_and_an_interruption_leave_the_result_unknown():
    assert result_unknown(outcome(exit_code=-9))
    assert result_unknown(outcome("cancelled", interruptions=1))
    assert not result_unknown(outcome("cancelled"))


def test_attempts_are_bounded_announced_and_wait_longer_each_time():
    said, waited, runs = [], [], []

    def run() -> Outcome:
        runs.append(1)
        return outcome(PASSING[0])

    last = with_retries(run, said.append, sleep=waited.append)
    assert len(runs) == ATTEMPTS == 3
    assert last.failures == (Failure("", PASSING[0]),)
    assert [line.split(" in ")[0] for line in said] == [
        "stack: the API server asked to slow down; attempt 2 of 3",
        "stack: the API server asked to slow down; attempt 3 of 3",
    ]
    assert 0 < waited[0] < waited[1] <= LONGEST_WAIT_SECONDS


def test_a_run_that_succeeds_at_the_second_attempt_is_a_success():
    results = iter([outcome(PASSING[0]), outcome(exit_code=0)])
    assert with_retries(lambda: next(results), lambda _: None, sleep=lambda _: None).succeeded
