"""The commands that write the facts of upstream: on a chart made here, not on upstream's."""

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from catalog.versions import CHARTS, CRDS, Chart, CrdSet
from tools.toolchain import Toolchain
from tools.toolchain import ensure as ensure_toolchain
from tools.upstream import commands
from tools.upstream.charts import default_values, documents, unpacked
from tools.upstream.write import text_of

CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: things.example.com }
spec:
  group: example.com
  names: { kind: Thing, plural: things }
  scope: Namespaced
  conversion:
    strategy: Webhook
    webhook: { clientConfig: { service: { namespace: default, name: converter, path: /convert } } }
  versions:
    - name: v1
      served: true
      storage: true
      schema: { openAPIV3Schema: { type: object, properties: { spec: { type: object } } } }
    - { name: v1beta1, served: true, storage: false, deprecated: true }
    - { name: v1alpha1, served: false, storage: false }
"""
TEMPLATE = """
apiVersion: v1
kind: Secret
metadata: { name: random, namespace: {{ .Release.Namespace }} }
data: { key: {{ randAlphaNum 48 | b64enc }} }
---
apiVersion: v1
kind: Service
metadata:
  name: probe
  namespace: {{ .Release.Namespace }}
  labels: { app: probe, helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }} }
spec:
  selector: { app: {{ .Values.app }} }
  ports: [{ name: web, port: {{ .Values.port }}, targetPort: web }]
---
apiVersion: batch/v1
kind: Job
metadata: { name: hooked, annotations: { helm.sh/hook: pre-install } }
spec: { template: { spec: { containers: [{ name: a, image: {{ .Values.hookImage }} }] } } }
"""
VALUES = "app: probe\nport: 80\nhookImage: a\nunread: 1\nlong: |\n  a text\n  of upstream\nopen: {}\n"
CASES = [
    {
        "chart": "probe",
        "case": "dev",
        "namespace": "home",
        "values": {"app": "probe", "port": 81, "hookImage": "b", "unread": 2, "misspelt": True},
    }
]


@pytest.fixture
def chart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "probe-1.0.0"
    for name, text in {
        "Chart.yaml": "apiVersion: v2\nname: probe\nversion: 1.0.0\nappVersion: v1\n",
        "values.yaml": VALUES,
        "templates/all.yaml": TEMPLATE,
        "crds/things.yaml": CRD,
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    monkeypatch.setitem(CHARTS, "probe", Chart("probe", "1.0.0", "https://example.com", "v1", "", "example/probe v1"))
    (tmp_path / "facts").mkdir()
    monkeypatch.setattr(commands, "ROOT", tmp_path)
    monkeypatch.setattr(commands, "chart_file", lambda name, version: tmp_path / "facts" / f"{name}-{version}.json")
    monkeypatch.setattr(commands, "crds_file", lambda name, version: tmp_path / "facts" / f"{name}-{version}.json")
    monkeypatch.setattr(commands, "schemas_file", lambda name, version: tmp_path / "facts" / f"{name}-fields.json")
    monkeypatch.setattr(commands, "KINDS", {"things": "Thing"})
    (tmp_path / "cases.json").write_text(json.dumps(CASES), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def toolchain() -> Toolchain:
    return ensure_toolchain()


def run(folder: Path, toolchain: Toolchain, *options: str) -> Any:
    cases = ("--cases", str(folder.parent / "cases.json"), "--helm", str(toolchain.path("helm")))
    return CliRunner().invoke(commands.upstream, [str(folder), *cases, *options])


def written(folder: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((folder.parent / "facts" / "probe-1.0.0.json").read_text(encoding="utf-8"))
    return facts


@pytest.mark.engine
def test_the_facts_of_a_chart_and_what_each_value_changes(chart: Path, toolchain: Toolchain) -> None:
    assert run(chart, toolchain).exit_code == 0
    facts = written(chart)
    assert facts["set"] == {
        "app = text": "default",
        "hookImage = text": "hook",
        "misspelt = true": "nothing",
        "port = number": "changes",
        "unread = number": "nothing",
    }
    assert facts["hooks"] == ["Job hooked"]
    assert facts["objects"] == [
        {"kind": "Secret", "name": "random", "apiVersion": "v1", "namespace": "(release)", "keys": ["key"]},
        {
            "kind": "Service",
            "name": "probe",
            "apiVersion": "v1",
            "namespace": "(release)",
            "labels": {"app": "probe"},
            "selector": {"app": "probe"},
            "ports": [{"port": 81, "name": "web", "targetPort": "web"}],
        },
    ]
    assert facts["crds"] == [
        {
            "name": "things.example.com",
            "kind": "Thing",
            "scope": "Namespaced",
            "versions": ["v1 (stored)", "v1beta1 (deprecated)"],
            "conversion": "default/converter/convert",
        }
    ]
    assert facts["values"] == {"app": "probe", "hookImage": "a", "long": "(text)", "open": {}, "port": 80, "unread": 1}


@pytest.mark.engine
def test_what_is_random_does_not_show_and_an_archive_is_as_good_as_a_folder(chart: Path, toolchain: Toolchain) -> None:
    run(chart, toolchain)
    first = written(chart)
    archive = chart.parent / "probe-1.0.0.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(chart, "probe")
    answer = run(archive, toolchain, "--check")
    assert (answer.exit_code, answer.output) == (0, "probe-1.0.0.json: as upstream\n")
    assert written(chart) == first


@pytest.mark.engine
def test_a_difference_is_shown_by_check_and_nothing_is_written(chart: Path, toolchain: Toolchain) -> None:
    run(chart, toolchain)
    before = written(chart)
    template = chart / "templates" / "all.yaml"
    template.write_text(template.read_text(encoding="utf-8").replace("name: web", "name: http"), encoding="utf-8")
    answer = run(chart, toolchain, "--check")
    assert answer.exit_code == 1
    assert '+  {"kind": "Service"' in answer.output
    assert "1 of 1 differ" in answer.output
    assert written(chart) == before


@pytest.mark.engine
def test_the_day_stays_while_nothing_else_changes(
    chart: Path, toolchain: Toolchain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "today", lambda: "2001-01-01")
    run(chart, toolchain)
    monkeypatch.setattr(commands, "today", lambda: "2002-02-02")
    run(chart, toolchain)
    assert written(chart)["date"] == "2001-01-01"
    (chart / "values.yaml").write_text(VALUES + "more: 1\n", encoding="utf-8")
    run(chart, toolchain)
    assert written(chart)["date"] == "2002-02-02"


def refused(*arguments: str) -> str:
    answer = CliRunner().invoke(commands.upstream, [*arguments, "--helm", "/nowhere/helm"])
    assert answer.exit_code == 1
    return answer.output


def test_no_chart_another_chart_and_another_version_are_refused_before_anything_is_rendered(
    chart: Path, tmp_path: Path
) -> None:
    cases = ("--cases", str(tmp_path / "cases.json"))
    assert "There is no chart at" in refused(str(tmp_path / "nothing"), *cases)
    about = chart / "Chart.yaml"
    about.write_text(about.read_text(encoding="utf-8").replace("1.0.0", "1.0.1"), encoding="utf-8")
    assert "is probe 1.0.1, but catalog/versions.py pins 1.0.0" in refused(str(chart), *cases)
    about.write_text("name: other\nversion: 1.0.0\n", encoding="utf-8")
    assert "the chart 'other', which the platform does not install" in refused(str(chart), *cases)


def test_values_of_sub_charts_stand_below_their_alias_and_the_charts_own_come_first(chart: Path) -> None:
    part = chart / "charts" / "part"
    part.mkdir(parents=True)
    (part / "Chart.yaml").write_text("name: part\nversion: 1.0.0\n", encoding="utf-8")
    (part / "values.yaml").write_text("size: 1\ncolour: blue\n", encoding="utf-8")
    about = chart / "Chart.yaml"
    about.write_text(about.read_text(encoding="utf-8") + "dependencies: [{ name: part, alias: piece }]\n")
    (chart / "values.yaml").write_text("piece: { size: 2 }\n", encoding="utf-8")
    assert default_values(chart) == {"piece": {"size": 2, "colour": "blue"}}


def test_the_crds_of_a_set_are_read_from_a_folder_by_the_end_of_their_addresses(
    chart: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CRDS, "things", CrdSet("v1", "example.com", "owner/things", "config", ("things.yaml",)))
    (url,) = CRDS["things"].urls
    place = tmp_path / "manifests" / "config" / "things.yaml"
    place.parent.mkdir(parents=True)
    place.write_text(CRD, encoding="utf-8")
    assert CliRunner().invoke(commands.upstream_crds, ["things", "--files", str(place.parents[1])]).exit_code == 0
    facts = json.loads((tmp_path / "facts" / "things-v1.json").read_text(encoding="utf-8"))
    assert [crd["name"] for crd in facts["files"][url]] == ["things.example.com"]
    known = json.loads((tmp_path / "facts" / "things-fields.json").read_text(encoding="utf-8"))
    assert [*known["kinds"]] == ["Thing"]
    place.unlink()
    answer = CliRunner().invoke(commands.upstream_crds, ["things", "--files", str(place.parents[1])])
    assert answer.exit_code == 1
    assert f"has no file for {url}" in answer.output
    answer = CliRunner().invoke(commands.upstream_crds, ["nothing"])
    assert "there is no CRD set 'nothing'" in answer.output


def test_each_entry_of_the_first_level_has_its_line() -> None:
    text = text_of({"chart": "a", "crds": [{"name": "x"}, {"name": "y"}], "values": {"a.b": 1}, "hooks": []})
    assert text.splitlines() == [
        "{",
        ' "chart": "a",',
        ' "crds": [',
        '  {"name": "x"},',
        '  {"name": "y"}',
        " ],",
        ' "values": {',
        '  "a.b": 1',
        " },",
        ' "hooks": []',
        "}",
    ]


def test_a_chart_is_read_as_it_is(chart: Path) -> None:
    with unpacked(chart) as read:
        assert (read.name, read.version, read.app_version) == ("probe", "1.0.0", "v1")
    assert [one["kind"] for one in documents("kind: A\n---\n---\nkind: B\nenum: [=]\n")] == ["A", "B"]
