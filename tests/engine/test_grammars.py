"""The grammars of settings against a real API server: what is accepted here is accepted there, and the other way round.

Each grammar of `tests/settings/test_every_text.py` is put into every field of Kubernetes' API that its text ends in, or
says why it ends in none. Its texts are those that all settings of the grammar refuse, and borderline ones. What the
settings refuse and the API server takes stands in STRICTER with a reason, which is removed when it no longer holds.
Only this finds a grammar that was restated wrongly. Not proved here: what kubelets, registries and clouds refuse.
"""

import http.client
import json
import re
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
import yaml

from components.base.grammar import (
    ANNOTATION_KEY,
    API_RESOURCE,
    DATA_KEY,
    ENVIRONMENT_NAME,
    EXTENDED_RESOURCE,
    HOST_PATH,
    HTTP_PATH,
    LABEL,
    LABEL_VALUE,
    MOUNT_PATH,
    QUALIFIED_NAME,
    SUBDOMAIN,
    VERB,
    address_range,
)
from components.base.groups import check_group_name
from components.base.images import check_image
from components.base.names import check_hostname
from components.base.schedules import cron_problem
from components.findings import Finding
from components.workloads.training.validation import check_schedule, check_training
from settings.models.base import NAME_PATTERN
from tests.components.addons.pools import H100 as POOL
from tests.engine.conftest import LiveCluster
from tests.settings.test_every_text import GRAMMARS

Body = dict[str, Any]
NAMESPACED = "/api/v1/namespaces/default"
NAME = {"name": "asked"}


class Question(NamedTuple):
    """One field of the API: where objects with it are sent, and an object with a text in it."""

    path: str
    body: Callable[[str], Body]


def _pod(**changes: Any) -> Body:
    container = {"name": "main", "image": "example/main:1", **changes.pop("container", {})}
    return {"metadata": NAME, "spec": {"containers": [container], **changes}}


def _pods(**spec: Callable[[str], Any]) -> Question:
    """A field of a pod's specification, or of its container."""
    return Question(f"{NAMESPACED}/pods", lambda text: _pod(**{key: make(text) for key, make in spec.items()}))


def _named(path: str, **rest: Any) -> Question:
    return Question(path, lambda text: {"metadata": {"name": text}, **rest})


NODES, NAMESPACES = "/api/v1/nodes", "/api/v1/namespaces"
STORAGE = "/apis/storage.k8s.io/v1/storageclasses"
NETWORKING = "/apis/networking.k8s.io/v1"
RIGHTS = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
JOBS = "/apis/batch/v1/namespaces/default"
TEMPLATE = {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "example/main:1"}]}}
SERVICE = {"ports": [{"port": 80}]}


def _cron_job(**spec: str) -> Body:
    job = {"spec": {"template": TEMPLATE}}
    return {"metadata": NAME, "spec": {"schedule": "0 3 * * *", "jobTemplate": job, **spec}}


def _job(name: str) -> Body:
    return {"metadata": {"name": name}, "spec": {"template": TEMPLATE}}


def _labelled(text: str) -> Body:
    return {"metadata": {**NAME, "labels": {"asked": text}}}


def _node(metadata: Body | None = None, **spec: Any) -> Body:
    return {"metadata": {**NAME, **(metadata or {})}, "spec": spec}


def _volume(kind: str, key: str) -> Question:
    return _pods(volumes=lambda text: [{"name": "data", kind: {key: text}}])


def _ingress(text: str) -> Body:
    backend = {"service": {"name": "main", "port": {"number": 80}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    return {"metadata": NAME, "spec": {"rules": [{"host": text, "http": {"paths": paths}}]}}


def _egress(text: str) -> Body:
    return {"metadata": NAME, "spec": {"podSelector": {}, "egress": [{"to": [{"ipBlock": {"cidr": text}}]}]}}


def _binding(text: str) -> Body:
    subject = {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": text}
    role = {"kind": "ClusterRole", "apiGroup": "rbac.authorization.k8s.io", "name": "view"}
    return {"metadata": NAME, "roleRef": role, "subjects": [subject]}


def _role(verb: str = "get", resource: str = "pods") -> Body:
    return {"metadata": NAME, "rules": [{"apiGroups": [""], "resources": [resource], "verbs": [verb]}]}


_TAINT = Question(NODES, lambda text: _node(taints=[{"key": "asked", "value": text, "effect": "NoSchedule"}]))
_LABEL_VALUE = {
    "label of a node": Question(NODES, lambda text: _node({"labels": {"asked": text}})),
    "taint": _TAINT,
    "toleration": _pods(tolerations=lambda text: [{"key": "asked", "operator": "Equal", "value": text}]),
    "node selector": _pods(nodeSelector=lambda text: {"asked": text}),
}
ASKED: dict[str, dict[str, Question]] = {
    "label": {"namespace": _named(NAMESPACES)},
    "end of a label": {"namespace": Question(NAMESPACES, lambda text: {"metadata": {"name": f"to-{text}"}})},
    "name of settings": {
        "namespace": _named(NAMESPACES),
        "service": _named(f"{NAMESPACED}/services", spec=SERVICE),
        "job": _named(f"{JOBS}/jobs", spec={"template": TEMPLATE}),
    },
    "run": {"job": Question(f"{JOBS}/jobs", lambda text: _job(f"train-{text}"))},
    "subdomain": {
        "secret": _named(f"{NAMESPACED}/secrets"),
        "storage class": _named(STORAGE, provisioner="example.com/disk"),
        "runtime class": _named("/apis/node.k8s.io/v1/runtimeclasses", handler="nvidia"),
        "ingress class": _named(f"{NETWORKING}/ingressclasses", spec={"controller": "example.com/x"}),
        "claim": _named(
            f"{NAMESPACED}/persistentvolumeclaims",
            spec={"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        ),
    },
    "label value": _LABEL_VALUE,
    "required label value": {"label of a namespace": Question(NAMESPACES, _labelled)},
    "qualified name": {
        "label of a node": Question(NODES, lambda text: _node({"labels": {text: "a"}})),
        "taint": Question(NODES, lambda text: _node(taints=[{"key": text, "effect": "NoSchedule"}])),
        "node selector": _pods(nodeSelector=lambda text: {text: "a"}),
        "toleration": _pods(tolerations=lambda text: [{"key": text, "operator": "Exists"}]),
        "load balancer class": Question(
            f"{NAMESPACED}/services",
            lambda text: {"metadata": NAME, "spec": {**SERVICE, "type": "LoadBalancer", "loadBalancerClass": text}},
        ),
    },
    "extended resource": {
        "limit": _pods(container=lambda text: {"resources": {"limits": {text: "1"}}}),
        "quota": Question(
            f"{NAMESPACED}/resourcequotas", lambda text: {"metadata": NAME, "spec": {"hard": {f"requests.{text}": "1"}}}
        ),
    },
    "provisioner": {"storage class": Question(STORAGE, lambda text: {"metadata": NAME, "provisioner": text})},
    "annotation key": {
        "annotation": Question(
            f"{NAMESPACED}/configmaps", lambda text: {"metadata": {**NAME, "annotations": {text: "a"}}}
        )
    },
    "environment name": {"variable": _pods(container=lambda text: {"env": [{"name": text, "value": "a"}]})},
    "data key": {
        "secret": Question(f"{NAMESPACED}/secrets", lambda text: {"metadata": NAME, "stringData": {text: "a"}}),
    },
    "cron": {"cron job": Question(f"{JOBS}/cronjobs", lambda text: _cron_job(schedule=text))},
    "time zone": {"cron job": Question(f"{JOBS}/cronjobs", lambda text: _cron_job(timeZone=text))},
    "path": {
        "mount": Question(
            f"{NAMESPACED}/pods",
            lambda text: _pod(
                container={"volumeMounts": [{"name": "data", "mountPath": text}]},
                volumes=[{"name": "data", "emptyDir": {}}],
            ),
        )
    },
    "http path": {
        "probe": _pods(container=lambda text: {"readinessProbe": {"httpGet": {"path": text, "port": 80}}}),
    },
    "host path": {"volume": _volume("hostPath", "path")},
    "range": {"policy": Question(f"{NETWORKING}/namespaces/default/networkpolicies", _egress)},
    "dns name": {"ingress": Question(f"{NETWORKING}/namespaces/default/ingresses", _ingress)},
    "group": {"binding": Question(f"{RIGHTS}/rolebindings", _binding)},
    "verb": {"role": Question(f"{RIGHTS}/roles", lambda text: _role(verb=text))},
    "api resource": {"role": Question(f"{RIGHTS}/roles", lambda text: _role(resource=text))},
    "image": {"container": _pods(container=lambda text: {"image": text})},
}
"""Grammar -> the fields of the API that its text ends in."""
_ELSEWHERE = "not Kubernetes' own: another system's"
_PART = "a part of a text that is asked"
NOT_ASKED: dict[str, str] = {
    **dict.fromkeys(("bucket", "prefix", "sql name", "sql user", "pem", "cloud id", "stack", "email"), _ELSEWHERE),
    **dict.fromkeys(
        ("http url", "https url", "chart url", "crd location", "registry host", "host", "database host"), _ELSEWHERE
    ),
    **dict.fromkeys(("cidr", "addresses", "interface"), "a cloud's or MetalLB's; ranges of policies are asked"),
    **dict.fromkeys(("row", "key of a table"), "a row of a table of ours"),
    **dict.fromkeys(("tag", "repository"), _PART),
    **dict.fromkeys(("line", "text"), "free text: arguments, values of variables and annotations"),
    "python module": "imported by the settings, in no object",
    "local folder": "a folder of this computer, in no object",
}


def _without(check: Callable[[str, str], Iterator[Finding]]) -> Callable[[str], bool]:
    return lambda text: not any(check("asked", text))


def _zone(text: str) -> bool:
    return not any(check_schedule("asked", {"cron": "0 3 * * *", "time_zone": text}))


def _is_range(text: str) -> bool:
    try:
        return bool(address_range(text))
    except ValueError:
        return False


ACCEPTS: dict[str, Callable[[str], Any]] = {
    "label": LABEL.accepts,
    "end of a label": lambda text: LABEL.accepts(f"to-{text}"),
    "name of settings": lambda text: re.fullmatch(NAME_PATTERN, text) and "\n" not in text,
    "run": lambda text: not any(one.path == "asked.run" for one in check_training("asked", "a", {"run": text}, POOL)),  # type: ignore[typeddict-item]
    "subdomain": SUBDOMAIN.accepts,
    "label value": LABEL_VALUE.accepts,
    "required label value": lambda text: text and LABEL_VALUE.accepts(text),
    "qualified name": QUALIFIED_NAME.accepts,
    "extended resource": EXTENDED_RESOURCE.accepts,
    "provisioner": QUALIFIED_NAME.accepts,
    "annotation key": ANNOTATION_KEY.accepts,
    "environment name": ENVIRONMENT_NAME.accepts,
    "data key": DATA_KEY.accepts,
    "cron": lambda text: not cron_problem(text),
    "time zone": _zone,
    "path": MOUNT_PATH.accepts,
    "http path": HTTP_PATH.accepts,
    "host path": HOST_PATH.accepts,
    "range": _is_range,
    "dns name": _without(check_hostname),
    "group": _without(check_group_name),
    "verb": VERB.accepts,
    "api resource": API_RESOURCE.accepts,
    "image": _without(check_image),
}

LONGEST = "a" * 63
PREFIX = ".".join(["a" * 49] * 5)
"""A DNS name of 249 characters."""
_KEYS = (
    "a",
    "A_b.c-9",
    LONGEST,
    f"example.com/{LONGEST}",
    f"{PREFIX}.abc/a",
    f"{PREFIX}.abcd/a",
    "a..b",
    "a/.b",
    "a.b/c_D",
)
BORDERS: dict[str, tuple[str, ...]] = {
    "label": ("a", "1", "a-b", "a--b", LONGEST, "a\n", "\uff41"),
    "end of a label": ("a", "1", "-a", "a" * 60, "a" * 61, "a\n"),
    "name of settings": ("a", "a-1", "a--b", "a" * 40, "a\n", "1"),
    "run": ("1", "2026-11-21", "a" * 16, "a\n", "0"),
    "subdomain": ("a", "1.2", "a.b-c", "a" * 64, "a" * 253, f"{LONGEST}.{LONGEST}", "a\n", "a.-b", "a-.b"),
    "label value": ("", "a", "A_b.c-9", LONGEST, "a\n", "9", "a..b", "a.", "_a"),
    "required label value": ("a", "A_b.c-9", LONGEST, "a\n", "a_", "ml-platform_at_example.com"),
    "qualified name": (*_KEYS, "a\n", "a.", "a b/c", "kubernetes.io/a", "a." + "b" * 250 + "/c"),
    "extended resource": (
        *("example.com/a", "example.com/A_b.c-9", f"example.com/{LONGEST}", f"{PREFIX}.abcd/a", "example.com/a\n"),
        *("kubernetes.io/a", "requests.example.com/a", "a/b", "example.com/a b", f"{'.'.join(['a' * 60] * 4)}/a"),
        *("example.kubernetes.io/a", "limits.example.com/a", f"{PREFIX}/a"),
    ),
    "provisioner": ("a", "example.com/a", "A_b.c-9", LONGEST, f"{PREFIX}.abcd/a", "example.com/A", "a\n"),
    "annotation key": (*_KEYS, "Example.com/a", "A.B/c", "a\n", "a/B"),
    "environment name": ("a", "_", "A.b-c", ".a", "-a", "a\n", ".", "..", "..a", "a" * 300, "a$b", "a:b"),
    "data key": ("a", ".a", "-a", "_", "A.b", "a" * 253, "...", "a\n", ".", "..a"),
    "cron": (
        *(
            "0 3 * * *",
            "*/5 * * * *",
            "0-30/5 1,2 1 1 0",
            "0 0 * JAN-MAR MON",
            "0 0 * * SUN",
            "0 0 31 2 *",
            "0 0 * * 0",
        ),
        *(
            "@daily",
            "@every 1h",
            "TZ=UTC 0 3 * * *",
            "0 0 ? * ?",
            "0 0 L * *",
            "0 0 * * 1#2",
            "60 * * * *",
            "* 24 * * *",
        ),
        *(
            "* * 0 * *",
            "* * * 13 *",
            "5-1 * * * *",
            "*/0 * * * *",
            "*/70 * * * *",
            "0  3 * * *",
            "0 3 * * *\n",
            "0 0 15W * *",
        ),
        *(
            "1/5 * * * *",
            "0 0 * * mon-fri",
            "0 0 * * Mon,Wed",
            "0 0 * * MONDAY",
            "0 0 29 2 *",
            "0 0 * * FRI-MON",
            "0 0 * * 5-1",
        ),
        *(
            "\t0 3 * * *",
            "0 3 * * * ",
            "-1 * * * *",
            "0 3 * * *,",
            "0 3 1, * *",
            "0 3 1--2 * *",
            "0 3 1-2-3 * *",
            "00 03 * * *",
        ),
    ),
    "time zone": (
        "UTC",
        "Europe/Berlin",
        "Etc/GMT+5",
        "Local",
        "europe/berlin",
        "GMT",
        "EST5EDT",
        "",
        "Europe/../UTC",
        "CET",
    ),
    "path": ("/", "/a", "/a b", "/a/b.c", "/a..b", "/a//b", "/a/", "//a", "/a:b", "/.", "/a/../b", "/..", "/ä"),
    "http path": ("/", "/a", "/a?b=c", "/%7Ea", "//a", "/a#b", "/ä"),
    "host path": ("/", "/a", "/a:b", "/a/../b", "/a..b", "/a//b", "/dev/null", "/..", "/a b"),
    "range": (
        *("0.0.0.0/0", "10.0.0.0/8", "10.0.0.1/32", "::/0", "2001:db8::/32", "::1/128", "010.0.0.0/8", "10.0.0.0/08"),
        *("::ffff:10.0.0.0/104", "2001:DB8::/32", "2001:db8::1/32", "1.2.3/24", "10.0.0.0/8\n", "fe80::%eth0/64"),
        *("2001:db8:0:0:0:0:0:0/32", "::ffff:1.2.3.4/128", "10.0.0.0/+8"),
    ),
    "dns name": (
        *(
            "a",
            "a.example.com",
            "1.2",
            "10.0.0.1",
            f"{LONGEST}.com",
            f"{LONGEST}a.com",
            "a..b",
            "*.a.com",
            "a.com.",
            "xn--a",
        ),
        *("a\n", "a-.com", "-a.com", "a_b.com", "127.1", "0x7f.1"),
    ),
    "group": ("a", "oidc:ml team", "system:authenticated", "CN=ml,OU=x", "ä", "a\n"),
    "verb": ("get", "*", "deletecollection", "GET", "a\n"),
    "api resource": ("pods", "*", "pods/log", "pods/*", "*/scale", "a\n"),
    "image": (
        *(
            "example/main:1.2.3",
            "registry.example.com:5000/a/b:1.2.3",
            f"example/main@sha256:{'a' * 64}",
            "[::1]:5000/a:1.2.3",
        ),
        *("example/main", " example/main:1.2.3", "example/main:1.2.3 ", "example/main:1.2.3\n", "example//main:1.2.3"),
    ),
}
"""Texts at the border of each grammar, on both sides of it."""
_PROGRAM = "becomes part of longer names, which begin with a letter and end in time"
_KUBELET = "the kubelet or the container runtime refuses it, or mounts another place"
_REGISTRY = "no registry has such an image, or its name says no version"
_SHELL = "taken since Kubernetes 1.34; older API servers and shells do not"
_NO_EFFECT = "taken without an effect: no request carries it"
STRICTER: dict[str, dict[str, str]] = {
    "name of settings": dict.fromkeys(("1a", "1", "a" * 41), _PROGRAM),
    "run": dict.fromkeys(("-a", "a" * 17), _PROGRAM),
    "required label value": {"": "bills and alerts name somebody"},
    "extended resource": dict.fromkeys(("kubernetes.io/a", "example.kubernetes.io/a"), _KUBELET),
    "environment name": dict.fromkeys(("a b", "1A", ".", "..", "..a", "a$b", "a:b"), _SHELL),
    "cron": {
        "0 0 31 2 *": "never runs",
        **dict.fromkeys(("@daily", "@every 1h"), "one way of writing, which is read to judge how old a backup may be"),
        **dict.fromkeys(("0 0 ? * ?", "0 3 * * *,", "0 3 1, * *"), "robfig/cron takes it, other readers do not"),
        **dict.fromkeys(("0 3 * * *\n", "\t0 3 * * *"), "one line"),
    },
    "path": dict.fromkeys(("relative", "a/b", "/a/../b", "/a:b", "/a b/..", "/..", "a\0b", "/a\0b"), _KUBELET),
    "http path": dict.fromkeys(
        ("", "relative", "a/b", "/a b", "/a\nb", "a\0b", "/a#b", "/ä"), "no request has such a path: the probe fails"
    ),
    "host path": dict.fromkeys(("relative", "a/b", "a\0b", "/a\0b"), _KUBELET),
    "dns name": {
        "": "every host",
        "*.a.com": "every host of a domain",
        f"{LONGEST}a.com": "no label of the DNS has more than 63 characters",
    },
    "group": {
        **dict.fromkeys((" ", "  weird group ", "a\nb", "a\0b", "a\n"), "no login carries it"),
        **dict.fromkeys(("system:masters", "system:authenticated"), "Kubernetes' own: a team would be everybody"),
    },
    "verb": dict.fromkeys(("", "Get", "get list", "a\0b", "GET", "a\n"), _NO_EFFECT),
    "api resource": dict.fromkeys(("", "Nodes", "no des", "nodes/", "a\0b", "*/scale", "a\n"), _NO_EFFECT),
    "image": dict.fromkeys(
        (
            *("my image:1", "UPPER/Case:1", "a/b", "a/b:latest", "a/b:main", "a\0b", "example/main"),
            "example//main:1.2.3",
        ),
        _REGISTRY,
    ),
}
"""Grammar -> texts that the API server takes in every field that is asked, and why the settings do not."""


class ApiServer:
    """A control plane that is asked whether it would take an object, without keeping any."""

    def __init__(self, cluster: LiveCluster) -> None:
        kubeconfig = yaml.safe_load(cluster.kubeconfig.read_text(encoding="utf-8"))
        server, user = kubeconfig["clusters"][0]["cluster"], kubeconfig["users"][0]["user"]
        self.address = urlsplit(server["server"]).netloc
        self.keys = ssl.create_default_context(cafile=server["certificate-authority"])
        self.keys.load_cert_chain(user["client-certificate"], user["client-key"])

    def refusals(self, question: Question, texts: list[str]) -> dict[str, str]:
        """What it says against each text; empty: it takes the object."""
        with ThreadPoolExecutor(4) as pool:
            return dict(zip(texts, pool.map(lambda text: self._refusal(question, text), texts), strict=True))

    def _refusal(self, question: Question, text: str) -> str:
        connection = http.client.HTTPSConnection(self.address, context=self.keys, timeout=30)
        try:
            headers = {"Content-Type": "application/json"}
            path = f"{question.path}?dryRun=All&fieldValidation=Strict"
            connection.request("POST", path, json.dumps(question.body(text)), headers)
            answer = connection.getresponse()
            said = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status == http.client.CREATED:
            return ""
        assert answer.status in (http.client.BAD_REQUEST, http.client.UNPROCESSABLE_ENTITY), said
        return str(said["message"])


@pytest.fixture(scope="module")
def api(cluster: LiveCluster) -> ApiServer:
    """The cluster of the session."""
    return ApiServer(cluster)


def test_every_grammar_is_asked_or_says_why_not() -> None:
    assert ASKED.keys().isdisjoint(NOT_ASKED)
    assert ASKED.keys() | NOT_ASKED.keys() == GRAMMARS.keys()
    assert ACCEPTS.keys() == BORDERS.keys() == ASKED.keys()


@pytest.mark.parametrize("grammar", ASKED)
def test_settings_and_api_server_agree(grammar: str, api: ApiServer) -> None:
    texts = [*dict.fromkeys((*GRAMMARS[grammar], *BORDERS[grammar]))]
    accepted = {text for text in texts if ACCEPTS[grammar](text)}
    assert accepted.isdisjoint(GRAMMARS[grammar]), "settings refuse it"
    assert len(accepted) >= 2
    answers = {field: api.refusals(question, texts) for field, question in ASKED[grammar].items()}
    refused_there = {f"{field}: {said[text]}" for field, said in answers.items() for text in accepted if said[text]}
    assert refused_there == set(), "settings accept it"
    taken_there = {text for text in texts if not any(said[text] for said in answers.values())}
    assert taken_there - accepted == STRICTER.get(grammar, {}).keys(), "settings refuse it: mend the rule, or say why"
