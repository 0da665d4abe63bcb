"""CloudNativePG on the CRDs that the platform installs, with the database of the onprem environment."""

import pytest

from tests.controllers.conftest import documents, free_port, platform, until

NAMESPACE = "cnpg-system"


@pytest.fixture(scope="module")
def operator(home):
    home.install("cloudnative-pg", "prometheus-operator")
    home.apply(
        platform("onprem").of("Namespace", "PriorityClass", "LimitRange", "ResourceQuota", "Secret", "ServiceAccount")
    )
    home.nodes_for([{}])
    port = free_port()
    for source, target in {"tls.crt": "apiserver.crt", "tls.key": "apiserver.key"}.items():
        (home.folder / target).write_bytes((home.folder / source).read_bytes())
    (home.folder / "operator").mkdir()
    (home.folder / "operator" / "manager_amd64").write_bytes(b"")
    program = home.run(
        *("controller", f"--webhook-port={port}", f"--metrics-bind-address=127.0.0.1:{free_port()}"),
        environment={
            "OPERATOR_NAMESPACE": NAMESPACE,
            "OPERATOR_IMAGE_NAME": "ghcr.io/cloudnative-pg/cloudnative-pg:test",
            "WEBHOOK_CERT_DIR": str(home.folder),
        },
    )
    program.says("Serving webhook server")
    home.webhooks(documents((home.module / "config" / "webhook" / "manifests.yaml").read_text()), port)
    return program


def test_the_operator_starts_on_the_crds_that_the_platform_installs(operator):
    operator.says("Starting workers")
    assert not operator.ended, operator.said[-2000:]
    assert "no matches for kind" not in operator.said


def test_the_cluster_of_onprem_is_accepted_and_reconciled_until_its_first_pod(operator, home):
    (cluster,) = platform("onprem").of("Cluster")
    home.apply([cluster])
    name, namespace = cluster["metadata"]["name"], cluster["metadata"]["namespace"]
    selector = f"cnpg.io/cluster={name}"

    def first_pod():
        return home.kubectl("get", "pods", "-n", namespace, "-l", selector, "-o", "name").split()

    problem = home.kubectl
    until(first_pod, 90, lambda: problem("get", "events", "-n", namespace) + operator.said[-3000:])
    services = home.kubectl("get", "services", "-n", namespace, "-o", "name").split()
    assert {f"service/{name}-rw", f"service/{name}-ro", f"service/{name}-r"} <= set(services)
    refused = [event for event in home.listed("events", namespace) if event["reason"] == "FailedCreate"]
    assert refused == []
