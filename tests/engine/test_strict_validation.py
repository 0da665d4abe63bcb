"""Every object of the shipped environments and of every component, under strict validation of a real API server.

Upstream's own CRDs are in ../shared/crds where they are provided; elsewhere the CRDs are built from the facts of
catalog/upstream, which have upstream's fields and no rules in CEL, and the end of the run says so. Namespaces, quotas,
limit ranges, service accounts and admission policies are created, so that each pod template is admitted as its pod
would be. Only this finds a CEL rule that an object breaks, and a pod that a quota, a limit range or Pod Security
refuses. Not proved here: what charts render, what operators make of the objects (`make verify-controllers`), and the
NodeClass of EKS Auto Mode, whose CRD AWS keeps to itself.
"""

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tenacity import retry, stop_after_delay, wait_fixed

from catalog.versions import API_VERSIONS
from components.base.cluster_network import USUAL_NETWORK, PolicyEngine
from components.base.namespaces import IsolatedNamespace, IsolatedNamespaceArgs, PodSecurity
from components.base.traffic import webhook_from_api_server
from simulator.cluster import Cluster
from tests.components.cases import CASES
from tests.components.test_contract import registered
from tests.engine.conftest import LiveCluster
from tests.recorder import Registered, record
from tests.support.definitions import established, whole_crds
from tests.support.kserve_merge import merged_autoscalers, merged_deployments, merged_services
from tests.support.platforms import CHART, clear, manifests, pods, recorded_platform
from tests.support.served import STACKS

EMITTED = frozenset(kind for kind, version in API_VERSIONS.items() if not version.startswith("resource.k8s.io/"))
CREATED = (
    "Namespace",
    "PriorityClass",
    "ServiceAccount",
    "LimitRange",
    "ResourceQuota",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
)
"""What decides over the admission of other objects, in the order in which it is created."""
PER_PLATFORM = "validatingadmissionpolicies,validatingadmissionpolicybindings,resourcequotas,limitranges"


class Admission:
    """A control plane that is asked whether it would take objects."""

    def __init__(self, cluster: LiveCluster) -> None:
        self.kubectl = cluster.kubectl

    def refused(self, objects: Iterable[dict[str, Any]]) -> dict[str, str]:
        """What it says of each object that it does not take."""
        sent = list(objects)
        if self._send(sent).count("created (server dry run)") == len(sent):
            return {}
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda one: self._send([one]), sent))
        return {_title(one): said for one, said in zip(sent, answers, strict=True) if "(server dry run)" not in said}

    def _send(self, objects: list[dict[str, Any]]) -> str:
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        return self.kubectl("create", "--dry-run=server", "--validate=strict", "-f", "-", text=text, check=False)

    def create(self, objects: list[dict[str, Any]]) -> None:
        """Creates what decides over admission, in place of what an earlier platform had."""
        self.kubectl("delete", PER_PLATFORM, "--all", "--all-namespaces", "--wait=false")
        for kind in CREATED:
            items = [one for one in objects if one["kind"] == kind]
            text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
            if items:
                self.kubectl("apply", "--server-side", "--force-conflicts", "--validate=strict", "-f", "-", text=text)
        self._counted()

    @retry(stop=stop_after_delay(30), wait=wait_fixed(0.3), reraise=True)
    def _counted(self) -> None:
        """Returns once every quota is counted and every namespace has its default service account."""
        quotas = json.loads(self.kubectl("get", "resourcequotas", "-A", "-o", "json"))["items"]
        assert all(quota.get("status", {}).get("hard") for quota in quotas)
        spaces = self.kubectl("get", "namespaces", "-o", "name").split()
        accounts = self.kubectl("get", "serviceaccounts", "-A", "--field-selector=metadata.name=default", "-o", "name")
        assert len(accounts.split()) == len(spaces)


def _title(manifest: dict[str, Any]) -> str:
    return f"{manifest['kind']} {manifest['metadata'].get('namespace', '')}/{manifest['metadata']['name']}"


@pytest.fixture(scope="module")
def admission(toolchain: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Admission]:
    """A control plane of its own, so that upstream's CRDs do not meet the bundled ones."""
    cluster = Cluster("strict", home=tmp_path_factory.mktemp("strict"))
    try:
        cluster.start(toolchain)
        live = LiveCluster(cluster.kubeconfig, toolchain)
        live.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", text=whole_crds(kinds=EMITTED))
        established(live.kubectl, "crd", "--all")
        yield Admission(live)
    finally:
        cluster.delete()


@pytest.mark.parametrize("name", STACKS)
def test_every_object_and_pod_of_a_shipped_environment_is_accepted(
    name: str, admission: Admission, tmp_path: Path
) -> None:
    resources = recorded_platform(name, tmp_path).resources
    objects = list(manifests(resources))
    (values,) = [clear(one.inputs["values"]) for one in resources if one.type == CHART and "kserve" in one.name]
    served = [
        merged
        for merge in (merged_deployments, merged_autoscalers, merged_services)
        for merged in merge(objects, values)
    ]
    admission.create(objects)
    rest = [one for one in objects if one["kind"] not in CREATED] + served
    assert len(rest) > 100
    assert admission.refused(rest) == {}
    started = list(pods([*objects, *served]))
    assert len(started) >= 3
    assert admission.refused(started) == {}


def every_component() -> list[Registered]:
    """What each component registers in its full case, and a namespace with the webhook of a cluster with Cilium."""
    args = IsolatedNamespaceArgs(
        namespace="cilium",
        pod_security=PodSecurity.RESTRICTED,
        exceptions=webhook_from_api_server({"app": "webhook"}, 9443, ["10.0.0.0/8"]),
        network={**USUAL_NETWORK, "policies": PolicyEngine.CILIUM},
    )
    cilium = record(lambda: IsolatedNamespace("cilium", args) and None).resources
    return [*cilium, *(resource for case in CASES for resource in registered(case, {}).resources)]


def test_every_custom_resource_of_every_component_is_accepted(admission: Admission) -> None:
    # The recorder invents the id of a security group; the CRD wants one that looks like AWS's.
    text = json.dumps(list(manifests(every_component())))
    emitted = json.loads(text.replace('"it-fabric-id"', '"sg-0123456789abcdef0"'))
    custom = [one for one in emitted if one["kind"] in EMITTED and API_VERSIONS[one["kind"]] == one["apiVersion"]]
    assert {one["kind"] for one in custom} == EMITTED
    distinct = {json.dumps(one, sort_keys=True): one for one in custom}
    spaces = sorted({one["metadata"]["namespace"] for one in custom if "namespace" in one["metadata"]})
    admission.create([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}} for space in spaces])
    assert admission.refused(distinct.values()) == {}


def test_a_field_that_upstream_does_not_have_is_refused(admission: Admission) -> None:
    """That the tests above can fail."""
    spec = {"secretName": "x", "issuerRef": {"name": "x"}, "dnsNames": ["x"], "isCa": True}
    body = {"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": {"name": "x"}, "spec": spec}
    (said,) = admission.refused([body]).values()
    assert 'unknown field "isCa"' in said


def test_a_pod_that_a_quota_refuses_is_refused(admission: Admission) -> None:
    """That the tests above can fail."""
    space = {"namespace": "narrow"}
    quota = {"metadata": {"name": "narrow", **space}, "spec": {"hard": {"requests.cpu": "1"}}}
    admission.create(
        [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "narrow"}},
            {"apiVersion": "v1", "kind": "ResourceQuota", **quota},
        ]
    )
    container = {"name": "x", "image": "x", "resources": {"requests": {"cpu": "2"}}}
    template = {"spec": {"containers": [container]}}
    workload = {"kind": "Deployment", "metadata": {"name": "x", **space}, "spec": {"template": template}}
    (said,) = admission.refused(pods([workload])).values()
    assert "exceeded quota" in said
