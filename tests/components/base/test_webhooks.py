"""Which refusals are repeated, and how often. The errors are those that API servers of 1.36 send; the engine test in
tests/engine/test_webhooks.py proves that the engine repeats them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.base.webhooks import (
    LONGEST_DELAY_SECONDS,
    WAIT_SECONDS,
    delay_seconds,
    unanswered_text,
    webhook_unanswered,
)
from tests.components.cases import CASES
from tests.components.test_contract import registered
from tools.transient import transient_cause

CREATE = 'resource "urn:x" was not successfully created by the Kubernetes API server: Internal error occurred: '
CALL = 'failed calling webhook "ipaddresspoolvalidationwebhook.metallb.io": failed to call webhook: Post "https://x": '


@pytest.mark.parametrize(
    "reason",
    [
        "dial tcp 10.0.0.1:443: connect: connection refused",
        'no endpoints available for service "metallb-webhook-service"',
        'service "metallb-webhook-service" not found',
        "tls: failed to verify certificate: x509: certificate signed by unknown authority",
        "context deadline exceeded",
        "EOF",
    ],
)
def test_a_webhook_that_does_not_answer_is_called_again(reason: str) -> None:
    assert webhook_unanswered(CREATE + CALL + reason)
    assert webhook_unanswered(f'update of resource "urn:x" failed: Internal error occurred: {CALL}{reason}')
    assert webhook_unanswered(
        f"conversion webhook for metallb.io/v1beta1, Kind=BGPPeer failed: Post https://x: {reason}"
    )


@pytest.mark.parametrize(
    "answer",
    [
        'admission webhook "ipaddresspoolvalidationwebhook.metallb.io" denied the request: ranges overlap',
        'IPAddressPool.metallb.io "lan" is invalid: spec.addresses: Required value',
        'pods "x" is forbidden: exceeded quota: team',
        "conversion webhook for metallb.io/v1beta1, Kind=BGPPeer failed: unknown version",
    ],
)
def test_an_answer_is_final(answer: str) -> None:
    assert not webhook_unanswered(CREATE + answer)


def test_what_was_created_and_does_not_become_ready_is_not_created_again() -> None:
    """KServe writes the refusal of its pods' webhook into the status of an InferenceService."""
    awaited = 'resource "urn:x" was successfully created, but the Kubernetes API server reported that it failed to fully initialize or become live: '  # noqa: E501
    assert not webhook_unanswered(awaited + CALL + "connection refused")


def refused(service: str, reason: str, webhook: str = "vcluster.cnpg.io") -> str:
    call = f'Post "https://{service}.svc:443/validate?timeout=10s": {reason}'
    return f'{CREATE}failed calling webhook "{webhook}": failed to call webhook: {call}'


def test_who_waited_in_vain_reads_which_webhook_on_which_port_and_what_opens_it_on_gke() -> None:
    """They read "context deadline exceeded", with the port of the Service, and no cause."""
    text = unanswered_text(refused("cnpg-webhook-service.cnpg-system", "context deadline exceeded"))
    assert text.startswith("the webhook vcluster.cnpg.io did not answer for 300 s: context deadline exceeded.")
    assert "port 9443 of the pods behind the Service cnpg-system/cnpg-webhook-service" in text
    assert "opens 443 and 10250 only" in text
    assert "gcloud compute firewall-rules create" in text
    assert "--rules=tcp:9443 " in text
    assert "tools detect" in text
    metallb = "metallb-webhook-service.metallb-system.svc.cluster.local"
    conversion = f'conversion webhook for metallb.io/v1beta1, Kind=BGPPeer failed: Post "https://{metallb}:443/convert?timeout=30s": dial tcp 10.4.0.7:9443: i/o timeout'  # noqa: E501
    assert "the webhook of metallb.io/v1beta1, Kind=BGPPeer did not answer" in unanswered_text(conversion)
    assert "metallb-system/metallb-webhook-service" in unanswered_text(conversion)


def test_googles_firewall_is_not_named_where_it_is_open_or_something_answered() -> None:
    manager = "cert-manager-webhook.cert-manager"
    assert "gcloud" not in unanswered_text(refused(manager, "context deadline exceeded"))
    answered = unanswered_text(
        refused("cnpg-webhook-service.cnpg-system", "dial tcp 10.4.0.7:9443: connection refused")
    )
    assert "gcloud" not in answered
    assert "kubectl -n cnpg-system get pods,endpointslices" in answered
    assert "(unknown)" not in unanswered_text(refused("x", "EOF").replace(".svc", ""))


def test_a_run_that_waited_for_a_webhook_is_not_repeated_by_itself() -> None:
    """The engine has waited as long as it may help; another run would wait the same five minutes again."""
    for reason in ("context deadline exceeded", "dial tcp 10.4.0.7:9443: i/o timeout", "connection refused"):
        error = refused("cnpg-webhook-service.cnpg-system", reason)
        assert transient_cause(error) is not None
        assert transient_cause(unanswered_text(error)) is None


@given(st.lists(st.floats(0, 10), max_size=100))
def test_attempts_end_after_the_wait_and_before_the_engine_gives_up(latencies: list[float]) -> None:
    elapsed, failures = 0.0, 0
    for latency in [*latencies, *[0.0] * 100]:
        elapsed, failures = elapsed + latency, failures + 1
        delay = delay_seconds(failures, elapsed)
        if delay is None:
            break
        assert 1 <= delay <= LONGEST_DELAY_SECONDS
        elapsed += delay
    assert elapsed >= WAIT_SECONDS
    assert failures < 100


def test_every_custom_resource_of_every_component_is_sent_again() -> None:
    """One that is declared past `custom_resource` would fail an `up` at random."""
    declared = [r for case in CASES for r in registered(case, {}).resources if r.type.startswith("kubernetes:")]
    custom = [r for r in declared if "." in r.inputs.get("apiVersion", "") and ".k8s.io/" not in r.inputs["apiVersion"]]
    assert len({r.inputs["kind"] for r in custom}) > 10
    assert [r.name for r in custom if r.on_error != ("mlplatform-webhook-answers",)] == []
