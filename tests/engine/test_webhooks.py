"""An admission webhook that answers seconds after its Deployment is ready, on the real API server and engine.

Only this finds that nothing retries the API server's refusal: no chart of the bundled mirror has a webhook that runs.
Not proved here: upstream's webhooks (`make verify-controllers`).
"""

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.engine.conftest import LiveCluster
from tests.support.webhook import ADDRESS, certificate, webhook

LATE_SECONDS = 5.0
ALLOWED, DENIED, REASON = "192.168.10.0/24", "192.168.66.0/24", "not this range"


def deny(manifest: dict[str, object]) -> str:
    return REASON if DENIED in str(manifest["spec"]) else ""


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return int(probe.getsockname()[1])


@dataclass
class LateWebhook:
    """A webhook whose server starts some seconds after the Deployment that it would belong to is ready."""

    ca_bundle: str
    port: int
    started: float = 0.0
    answers: list[str] = field(default_factory=list)


@pytest.fixture
def late_webhook(cluster: LiveCluster, tmp_path: Path) -> Iterator[LateWebhook]:
    """Ends after everything that the test made was destroyed: finalizers are updates, which it is asked about too."""
    pem, bundle = certificate(tmp_path)
    made, stop = LateWebhook(bundle, unused_port()), threading.Event()

    def serve() -> None:
        ready = ("wait", "deployment/metallb-controller", "-n", "metallb-system", "--for=condition=Available")
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and "condition met" not in cluster.kubectl(*ready, check=False):
            time.sleep(0.2)
        time.sleep(LATE_SECONDS)
        with webhook(pem, made.port, deny) as made.answers:
            made.started = time.monotonic()
            stop.wait()

    server = threading.Thread(target=serve)
    server.start()
    yield made
    stop.set()
    server.join()


def test_custom_resources_wait_for_a_late_webhook_and_not_for_one_that_denies(late_webhook, workspace):
    settings = {"url": f"https://{ADDRESS}:{late_webhook.port}/", "caBundle": late_webhook.ca_bundle}
    config = {f"mlplatform:{key}": value for key, value in {**settings, "addresses": ALLOWED}.items()}
    engine = workspace("webhook", config=config)
    assert engine.up().failures == ()
    assert 0 < late_webhook.started < time.monotonic()
    assert late_webhook.answers == ["", ""]  # the pool and its advertisement, once each

    file = engine.project / f"Pulumi.{engine.stack}.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace(ALLOWED, DENIED), encoding="utf-8")
    refused = engine.up()
    assert [failure.resource for failure in refused.failures] == ["IPAddressPool lan-addresses"]
    assert REASON in refused.failures[0].message
    assert late_webhook.answers.count(REASON) <= 2  # a dry run and the request itself, neither repeated


def test_who_waits_in_vain_reads_once_which_webhook_did_not_answer(workspace, tmp_path):
    """Two objects of one webhook: each error is the API server's, and says neither how long it was nor what to do."""
    _, bundle = certificate(tmp_path)
    settings = {"url": f"https://{ADDRESS}:{unused_port()}/", "caBundle": bundle, "waitSeconds": "3"}
    config = {f"mlplatform:{key}": value for key, value in {**settings, "addresses": ALLOWED}.items()}
    failed = workspace("webhook", config=config).up()
    told = [
        one.message for one in failed.failures if "the webhook late.example.com did not answer for 3 s" in one.message
    ]
    assert len(told) == 1, failed.failures
