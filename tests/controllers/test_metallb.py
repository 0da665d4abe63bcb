"""MetalLB's controller: its webhook starts on the CRDs that the platform installs, and admits our pool.

Only this finds a CRD without its conversion webhook: the controller is ready then, and its webhook never answers.
Not proved here: speakers and addresses on a network.
"""

import socket

import pytest

from components.addons.metallb import MetalLb
from components.base.chart_source import ChartOrigin, ChartSource
from tests.controllers.conftest import documents, free_port, until
from tests.recorder import record
from tests.support.platforms import manifests
from tests.support.webhook import ADDRESS

NAMESPACE, PORT = "metallb-system", 9443
SOURCE = ChartSource(origin=ChartOrigin.UPSTREAM, location="")


def ours() -> list[dict[str, object]]:
    return list(
        manifests(record(lambda: MetalLb("lan", {"addresses": ["192.168.10.0/24"], "source": SOURCE})).resources)
    )


def listens() -> bool:
    with socket.socket() as client:
        return client.connect_ex((ADDRESS, PORT)) == 0


@pytest.fixture(scope="module")
def installed(home):
    if listens():
        pytest.skip(f"port {PORT} of this computer is taken, and MetalLB has no flag for it")
    home.install("metallb")
    home.apply(one for one in ours() if one["kind"] == "Namespace")
    metadata = {"name": "metallb-webhook-cert", "namespace": NAMESPACE}
    home.apply([{"apiVersion": "v1", "kind": "Secret", "metadata": metadata}])
    container = {"name": "controller", "image": "controller"}
    own = {"metadata": {"name": "controller-0", "namespace": NAMESPACE}, "spec": {"containers": [container]}}
    home.apply([{"apiVersion": "v1", "kind": "Pod", **own}])
    register_webhooks(home)
    return home


def register_webhooks(home) -> None:
    folder = home.module / "config" / "webhook"
    configurations = [one for one in documents((folder / "manifests.yaml").read_text()) if "webhooks" in one]
    for one in configurations:
        one["metadata"]["name"] = "metallb-webhook-configuration"
    home.webhooks(configurations, PORT)


def started(home, *flags: str):
    return home.run(
        *flags,
        f"--namespace={NAMESPACE}",
        f"--port={free_port()}",
        f"--health-probe-port={free_port()}",
        "--pod-name=controller-0",
        f"--cert-dir={home.folder / 'k8s-webhook-server' / 'serving-certs'}",
        environment={"METALLB_BGP_TYPE": "frr-k8s", **home.temporary_folder()},
    )


def test_its_webhook_starts_on_the_crds_that_the_platform_installs(installed):
    """As installed: it writes its certificate and injects it into the webhooks and the converted CRD first."""
    controller = started(installed)
    controller.says("CA certs are injected to webhooks")
    until(lambda: listens() or controller.ended, 60, lambda: controller.said[-3000:])
    assert not controller.ended, controller.said[-2000:]
    controller.stop()


def test_our_pool_and_its_advertisement_are_admitted(installed):
    """With a certificate for this computer, since the API server cannot reach it by the name of its Service."""
    until(lambda: not listens(), 30)
    register_webhooks(installed)
    controller = started(installed, "--disable-cert-rotation")
    until(lambda: listens() or controller.ended, 60, lambda: controller.said[-3000:])
    installed.apply(one for one in ours() if one["kind"] in ("IPAddressPool", "L2Advertisement"))
    assert len(installed.listed("ipaddresspools", NAMESPACE)) == 1
    assert len(installed.listed("l2advertisements", NAMESPACE)) == 1
