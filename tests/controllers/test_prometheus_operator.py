"""prometheus-operator on the CRDs that the platform installs, with the monitors and rules of every environment.

Only this finds a monitor or a rule that no selector of our Prometheus takes, one that the operator skips without a word
to whoever applied it, and a configuration that it generates of them and Prometheus refuses. Upstream's chart is no Go
module: Prometheus, Alertmanager and the charts' own monitors are what our stand-ins render with the same values
(`tests/upstream` holds them to upstream's facts). Not proved here: that anything answers a scrape.
"""

import base64
import gzip
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from simulator import charts
from tests.controllers.conftest import Home, Platform, Program, documents, free_port, platform, until
from tests.support.served import STACKS
from tools.controllers import FOLDER_VARIABLE, PROMTOOL

STAND_INS = Path(charts.__file__).parent
SERVERS = ("Prometheus", "Alertmanager")
MONITORS = {"ServiceMonitor": "endpoints", "PodMonitor": "podMetricsEndpoints"}
"""Kind -> the list of its spec of which every row becomes a scrape job."""
JUDGED = (*MONITORS, "PrometheusRule")
WEBHOOKS = ("prometheus-operator-validatingwebhook.yaml", "alertmanager-config-validating-webhook.yaml")
SKIPPED = ("skipping object", "skipping prometheusrule", "skipping alertmanagerconfig", "level=error")


@pytest.fixture(scope="module")
def operator(home):
    home.install("prometheus-operator")
    home.nodes_for([{}, {}, {}])
    port = free_port()
    program = home.run(
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-tls=true",
        f"--web.cert-file={home.folder / 'tls.crt'}",
        f"--web.key-file={home.folder / 'tls.key'}",
        "--localhost=127.0.0.1",
        # It writes into the status of each monitor and rule what it thinks of it.
        "--feature-gates=StatusForConfigurationResources=true",
    )
    program.says("successfully synced all caches")
    resources = home.module / "test" / "framework" / "resources"
    home.webhooks((one for name in WEBHOOKS for one in documents((resources / name).read_text())), port)
    return program


def test_it_starts_on_the_crds_that_the_platform_installs(operator):
    assert not operator.ended, operator.last_words


def test_its_webhook_refuses_a_rule_that_does_not_parse(operator, home):
    """So that the rules below are judged by it, and this file can fail."""
    group = {"name": "broken", "rules": [{"record": "a", "expr": "sum(("}]}
    rule = {"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule", "spec": {"groups": [group]}}
    rule["metadata"] = {"name": "broken", "namespace": "default"}
    with pytest.raises(AssertionError, match="could not parse expression"):
        home.apply([rule])


@pytest.fixture(scope="module", params=STACKS)
def monitored(request, operator, home):
    """An environment's Prometheus, Alertmanager, monitors and rules; nothing of it is left afterwards."""
    declared = platform(request.param)
    rendered = [
        one
        for chart, values in declared.values.items()
        for one in home.rendered(STAND_INS / chart, declared.namespaces[chart], values)
    ]
    monitored = Monitored(home, operator, declared, rendered, len(operator.said))
    home.apply(declared.of("Namespace", "StorageClass", "Secret"))
    home.apply(one for one in rendered if one["kind"] in ("Secret", "ServiceAccount"))
    home.apply([*monitored.certificates, *monitored.storage_classes])
    home.apply([*monitored.servers, *monitored.judged])
    yield monitored
    kinds = (f"{kind.lower()}s.monitoring.coreos.com" for kind in ("Prometheuse", "Alertmanager", *JUDGED))
    home.kubectl("delete", ",".join(kinds), "--all", "--all-namespaces", "--cascade=foreground")
    home.kubectl("delete", "persistentvolumeclaims", "--all", "--all-namespaces")
    home.kubectl("delete", "storageclasses", "--all")


@dataclass(frozen=True)
class Monitored:
    """What an environment declares, and what the operator made of it."""

    home: Home
    operator: Program
    declared: Platform
    rendered: list[dict[str, Any]]
    heard: int
    """How much the operator had said before."""

    @property
    def certificates(self) -> list[dict[str, Any]]:
        """Secrets that cert-manager makes: the operator reads those that a monitor names."""
        wanted = [one for one in (*self.rendered, *self.declared.objects) if one["kind"] == "Certificate"]
        files = {name: (self.home.folder / name).read_bytes() for name in ("tls.crt", "tls.key", "ca.crt")}
        data = {name: base64.b64encode(text).decode() for name, text in files.items()}
        return [
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": one["spec"]["secretName"], "namespace": one["metadata"]["namespace"]},
                "type": "kubernetes.io/tls",
                "data": data,
            }
            for one in wanted
        ]

    @property
    def storage_classes(self) -> list[dict[str, Any]]:
        """Those of the cluster itself that a server names: the operator goes no further where one is missing."""
        ours = {one["metadata"]["name"] for one in self.declared.of("StorageClass")}
        claims = [one["spec"]["storage"]["volumeClaimTemplate"] for one in self.servers if "storage" in one["spec"]]
        return [
            {
                "apiVersion": "storage.k8s.io/v1",
                "kind": "StorageClass",
                "metadata": {"name": name},
                "provisioner": "rancher.io/local-path",
            }
            for name in {claim["spec"]["storageClassName"] for claim in claims} - ours
        ]

    @property
    def servers(self) -> list[dict[str, Any]]:
        return [one for one in self.rendered if one["kind"] in SERVERS]

    @property
    def judged(self) -> list[dict[str, Any]]:
        """Monitors and rules, of ours and of the charts."""
        return [one for one in (*self.rendered, *self.declared.objects) if one["kind"] in JUDGED]

    def server(self, kind: str) -> dict[str, Any]:
        """As it is in the cluster."""
        (one,) = [one for one in self.servers if one["kind"] == kind]
        return self.live(one)

    def live(self, one: dict[str, Any]) -> dict[str, Any]:
        kind = f"{one['kind'].lower()}.monitoring.coreos.com"
        return self.home.get(kind, one["metadata"]["name"], one["metadata"]["namespace"])

    @property
    def prefix(self) -> str:
        """Of the names of what the operator makes for Prometheus."""
        return f"prometheus-{self.server('Prometheus')['metadata']['name']}"

    @property
    def namespace(self) -> str:
        return str(self.server("Prometheus")["metadata"]["namespace"])

    @property
    def configuration(self) -> str:
        """What Prometheus would read; empty before the operator has written it."""
        secret = self.home.get("secret", self.prefix, self.namespace).get("data", {})
        packed = base64.b64decode(secret.get("prometheus.yaml.gz", ""))
        return gzip.decompress(packed).decode() if packed else ""

    @property
    def jobs(self) -> set[str]:
        configuration = yaml.safe_load(self.configuration) or {}
        return {one["job_name"] for one in configuration.get("scrape_configs") or ()}

    @property
    def wanted_jobs(self) -> set[str]:
        return {
            f"{one['kind'][0].lower()}{one['kind'][1:]}/{named(one)}/{number}"
            for one in self.judged
            if one["kind"] in MONITORS
            for number in range(len(one["spec"][MONITORS[one["kind"]]]))
        }

    @property
    def rule_files(self) -> dict[str, str]:
        """Rules as Prometheus would read them, by the name of their file."""
        maps = [one for one in self.home.listed("configmaps", self.namespace) if self._holds_rules(one)]
        return {file: text for one in maps for file, text in one.get("data", {}).items()}

    def _holds_rules(self, config_map: dict[str, Any]) -> bool:
        return str(config_map["metadata"]["name"]).startswith(f"{self.prefix}-rulefiles-")


def named(one: dict[str, Any]) -> str:
    return f"{one['metadata']['namespace']}/{one['metadata']['name']}"


def accepted(one: dict[str, Any]) -> str:
    """What the operator says of a monitor or rule: `True`, or why not; empty before it says anything."""
    bindings = one.get("status", {}).get("bindings", ())
    conditions = [condition for binding in bindings for condition in binding.get("conditions", ())]
    said = {condition["status"]: condition.get("message", "") for condition in conditions}
    return "True" if set(said) == {"True"} else json.dumps(said) if said else ""


def test_every_monitor_and_rule_is_selected_and_accepted(monitored):
    assert {one["kind"] for one in monitored.judged} == set(JUDGED)
    for one in monitored.judged:
        until(lambda one=one: accepted(monitored.live(one)), 60, lambda one=one: f"nothing takes {named(one)}")
        assert accepted(monitored.live(one)) == "True", f"{one['kind']} {named(one)}"
    said = monitored.operator.said[monitored.heard :]
    assert [line for line in said.splitlines() if any(word in line for word in SKIPPED)] == []


def test_every_endpoint_is_a_scrape_job_and_there_is_no_other(monitored):
    until(lambda: monitored.jobs >= monitored.wanted_jobs, 60, lambda: f"no {monitored.wanted_jobs - monitored.jobs}")
    assert monitored.jobs == monitored.wanted_jobs


def test_every_rule_is_in_the_files_that_prometheus_reads(monitored):
    wanted = {
        (named(one).replace("/", "-"), rule.get("alert") or rule["record"])
        for one in monitored.judged
        if one["kind"] == "PrometheusRule"
        for group in one["spec"]["groups"]
        for rule in group["rules"]
    }
    files = {file.removesuffix(".yaml")[:-37]: yaml.safe_load(text) for file, text in monitored.rule_files.items()}
    found = {
        (file, rule.get("alert") or rule["record"])
        for file, rules in files.items()
        for group in rules["groups"]
        for rule in group["rules"]
    }
    assert found == wanted


def test_prometheus_takes_the_configuration_and_the_rules(monitored, tmp_path):
    program = Path(os.environ[FOLDER_VARIABLE]) / PROMTOOL.name
    if not program.exists():
        pytest.skip(f"{PROMTOOL.module} {PROMTOOL.version} could not be built")
    # The number of the Go module of Prometheus 3.14.0 is 0.314.0.
    major, minor, patch = monitored.server("Prometheus")["spec"]["version"].partition("-")[0].split(".")
    assert PROMTOOL.version == f"v0.{major.removeprefix('v')}{minor:0>2}.{patch}"
    until(lambda: monitored.configuration, 60, lambda: "no configuration was written")
    file = tmp_path / "prometheus.yaml"
    file.write_text(monitored.configuration, encoding="utf-8")
    # What it names of files (tokens, certificates) is mounted into the pod.
    check(program, "config", "--syntax-only", str(file))
    for name, text in monitored.rule_files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        check(program, "rules", str(tmp_path / name))


def check(*command: str | Path) -> None:
    program, *rest = command
    answer = subprocess.run([program, "check", *rest], capture_output=True, text=True, check=False, timeout=60)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize("kind", SERVERS)
def test_prometheus_and_alertmanager_are_reconciled_and_their_simulated_pods_available(monitored, kind):
    def conditions() -> dict[str, str]:
        status = monitored.server(kind).get("status", {})
        return {
            one["type"]: f"{one['status']} {one.get('message', '')}".strip() for one in status.get("conditions", ())
        }

    def state() -> str:
        where = ("-n", monitored.namespace)
        return f"{conditions()}\n{monitored.home.kubectl('get', 'pods,pvc,events', *where)}"

    until(lambda: conditions() == {"Available": "True", "Reconciled": "True"}, 90, state)


def test_alertmanager_gets_our_receivers(monitored):
    name = monitored.server("Alertmanager")["metadata"]["name"]
    secret = monitored.home.get("secret", f"alertmanager-{name}-generated", monitored.namespace)
    packed = base64.b64decode(secret["data"]["alertmanager.yaml.gz"])
    made = yaml.safe_load(gzip.decompress(packed))
    ours = monitored.declared.values["kube-prometheus-stack"]["alertmanager"]["config"]
    assert [one["name"] for one in made["receivers"]] == [one["name"] for one in ours["receivers"]]
    assert len(made["route"].get("routes", ())) == len(ours["route"].get("routes", ()))
