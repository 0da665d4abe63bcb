"""`python -m tools detect`: what a cluster has already, and the settings that describe it. It changes nothing."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import yaml

from catalog.accelerators import ClusterKind
from catalog.addons import ADDONS
from catalog.versions import CRDS
from components.base.flows import WEBHOOKS
from components.clouds.existing.advice import Advice
from components.clouds.existing.cluster_advice import advice
from components.clouds.existing.inspection import (
    ClusterSnapshot,
    devices_of,
    software_of,
)
from components.clouds.existing.network import (
    NetworkFacts,
    cnis_of,
    network_advice,
)
from components.clouds.existing.suggestions import suggested_classes, suggested_existing, suggested_pools
from components.findings import Refused
from components.storage.plan import plan_storage_classes
from settings.clouds.existing import ExistingSettings
from settings.reader import from_file
from settings.settings import PROJECT, Settings
from settings.validation.namespaces import new_namespaces
from tools.errors import ToolError
from tools.snapshot import Object, read_network, read_snapshot


def snapshot_of(program: Path, kubeconfig: Path, context: str) -> ClusterSnapshot:
    """The facts about the cluster that a kubeconfig reaches, asked with kubectl."""
    kubectl = kubectl_of(program, kubeconfig, context)
    return read_snapshot(kubectl.version(), kubectl.ask)


def kubectl_of(program: Path, kubeconfig: Path, context: str) -> Kubectl:
    """kubectl on the cluster that a kubeconfig reaches. Raises `ToolError` where that file is not there."""
    path = kubeconfig.expanduser()
    if not path.exists():
        raise ToolError(f"{path} is not there: name the kubeconfig of the cluster with --kubeconfig")
    return Kubectl(program, path, context)


def second_installs(settings: Settings, program: Path) -> list[Advice]:
    """What an `up` with these settings would install although their cluster has it."""
    cluster = existing(settings)
    snapshot = snapshot_of(program, Path(cluster.kubeconfig), cluster.context or "")
    return [row for row in advice_for(snapshot, settings) if row.twice]


class Kubectl:
    """kubectl on one cluster, for reading."""

    def __init__(self, program: Path, kubeconfig: Path, context: str) -> None:
        self._command = [str(program), f"--kubeconfig={kubeconfig}", *([f"--context={context}"] if context else [])]

    def version(self) -> str:
        """The API server's version."""
        answer = json.loads(self._run("version", "--output=json"))
        return str(answer.get("serverVersion", {}).get("gitVersion", ""))

    def ask(self, kind: str) -> Sequence[Object]:
        """All objects of a kind; empty where the cluster does not know it, or does not show those of one namespace."""
        kind, _, namespace = kind.partition("/")
        where = f"--namespace={namespace}" if namespace else "--all-namespaces"
        try:
            answer = self._run("get", kind, where, "--show-managed-fields", "--output=json")
        except ToolError as error:
            if "doesn't have a resource type" in error.message or (namespace and "orbidden" in error.message):
                return []
            raise
        items: list[Object] = json.loads(answer)["items"]
        return items

    def _run(self, *arguments: str) -> str:
        run = subprocess.run(
            [*self._command, "--request-timeout=30s", *arguments], capture_output=True, text=True, check=False
        )
        if run.returncode:
            raise ToolError(
                f"the cluster does not answer `kubectl {' '.join(arguments[:2])}`:\n{run.stderr.strip()}\n"
                "Reading needs get and list on nodes, storage classes, CSI drivers, CRDs, APIServices, DaemonSets, "
                "Deployments and namespaces; check --kubeconfig and --context."
            )
        return run.stdout


def settings_of(stack: str, folder: Path) -> Settings:
    """The settings of a stack. Raises `ToolError` with everything that is wrong with them."""
    path = folder / f"Pulumi.{stack}.yaml"
    if not path.exists():
        raise ToolError(f"{path} is not there: name a stack that has settings, or use --kubeconfig")
    try:
        return from_file(path.read_text(encoding="utf-8"))
    except Refused as refused:
        raise ToolError(f"{path.name}: {refused}") from None


def default_class(settings: Settings) -> str:
    """The class that the stack would make the default; empty: one that is there is declared as it."""
    plans = plan_storage_classes(PROJECT, settings.storage_args)
    return next((plan.class_name for plan in plans if plan.is_default and not plan.exists), "")


def brought(cluster: ExistingSettings) -> list[str]:
    """The keys of `cluster` that bring an add-on, in these settings."""
    written = {field.alias: getattr(cluster, name) for name, field in type(cluster).model_fields.items()}
    return [row.setting for row in ADDONS.values() if row.setting and written.get(row.setting)]


def advice_on_network(snapshot: ClusterSnapshot, facts: NetworkFacts, cluster: ExistingSettings) -> list[Advice]:
    """What the settings of that cluster should know of its network."""
    webhooks = [
        webhook.addon
        for webhook in WEBHOOKS.values()
        if webhook.addon not in cluster.existing_addons and ADDONS[webhook.addon].setting in ("", *brought(cluster))
    ]
    return [
        *network_advice(
            snapshot,
            facts,
            declared=cluster.network_policies,
            dns_addresses=cluster.dns_addresses,
            api_server_ports=cluster.api_server_ports,
            webhooks=webhooks,
        )
    ]


def advice_for(snapshot: ClusterSnapshot, settings: Settings) -> list[Advice]:
    """What settings of an existing cluster should know of that cluster."""
    cluster = existing(settings)
    return advice(
        snapshot,
        [*settings.pools.values()],
        default_class=default_class(settings),
        crd_sets=[name for name in CRDS if name in settings.needed_crds],
        gateway=(settings.gateway.get("implementation") if settings.gateway else None) or "envoy",
        found={str(addon): namespace for addon, namespace in cluster.existing_addons.items()},
        existing_crds=cluster.existing_crds,
        brings=brought(cluster),
        namespaces=new_namespaces(settings),
        autoscaled=[*autoscaled(settings)] if cluster.metrics_server else [],
    )


def existing(settings: Settings) -> ExistingSettings:
    """The cluster of a stack, of kind existing."""
    assert isinstance(settings.cluster, ExistingSettings)
    return settings.cluster


def autoscaled(settings: Settings) -> Iterator[str]:
    """Paths of the workloads whose number of replicas follows their load."""
    for path, _, workload in settings.workloads():
        replicas = settings.kind_of(workload).replicas(path, workload)
        if replicas and replicas.most > replicas.fewest:
            yield path


def facts_text(snapshot: ClusterSnapshot) -> str:
    """What is there, a line for each fact."""
    lines = [f"Kubernetes {snapshot['version']}, {len(snapshot['nodes'])} nodes"]
    for node in snapshot["nodes"]:
        devices = ", ".join(f"{count} {name}" for name, count in sorted(devices_of(node).items())) or "no devices"
        taints = ", ".join(f"{taint['key']}:{taint['effect']}" for taint in node["taints"]) or "no taints"
        lines.append(f"  node {node['name']}: {devices}; {taints}")
    for row in snapshot.get("storage_classes") or []:
        lines.append(f"  storage class {row['name']}: {row['provisioner']}{', default' if row['is_default'] else ''}")
    for kind, key in (("IngressClass", "ingress_classes"), ("GatewayClass", "gateway_classes")):
        for one in snapshot.get(key) or []:  # type: ignore[attr-defined]
            lines.append(f"  {kind} {one['name']}: {one['controller']}")
    for workload in [*(snapshot.get("daemon_sets") or []), *(snapshot.get("deployments") or [])]:
        found = software_of(workload)
        lines.append(f"  {found.what if found else 'software'}: {workload['namespace']}/{workload['name']}")
    for driver in snapshot.get("csi_drivers") or []:
        lines.append(f"  CSI driver {driver}")
    for api in snapshot.get("aggregated_apis") or []:
        lines.append(f"  aggregated API {api}")
    groups = sorted({crd["name"].partition(".")[2] for crd in snapshot.get("crds") or []})
    lines.append(f"  CRDs of {', '.join(groups)}" if groups else "  no CRDs")
    return "\n".join(lines)


def suggestion_text(snapshot: ClusterSnapshot, kubeconfig: str, context: str) -> str:
    """The settings that describe this cluster, and the commands that label its nodes."""
    pools = suggested_pools(snapshot)
    cluster: dict[str, Any] = {"kind": ClusterKind.EXISTING.value, "kubeconfig": kubeconfig}
    cluster |= {"context": context} if context else {}
    cluster["pools"] = {pool.name: dict(pool.settings) for pool in pools}
    settings: dict[str, Any] = {f"{PROJECT}:cluster": cluster}
    found, existing_crds = suggested_existing(snapshot)
    cluster |= {"existingAddons": found} if found else {}
    cluster |= {"existingCrds": existing_crds} if existing_crds else {}
    classes = suggested_classes(snapshot)
    settings |= {f"{PROJECT}:storage": {"declared": classes}} if classes else {}
    commands = [command for pool in pools for command in pool.commands]
    text = yaml.safe_dump({"config": settings}, sort_keys=False, width=120)
    return text + "".join(f"# {command}\n" for command in commands)


def advice_text(rows: Sequence[Advice]) -> str:
    """What to know, what stands in the way first."""
    marks = {True: "clash", False: "note "}
    ordered = sorted(rows, key=lambda row: not row.blocks)
    return "\n".join(f"{marks[row.blocks]} {row.path}: {row.found}\n      {row.advice}" for row in ordered)


@click.command()
@click.option("--stack", default="", help="The stack whose cluster is read, and whose settings are compared with it.")
@click.option("--kubeconfig", type=click.Path(path_type=Path), help="Instead of a stack: path of a kubeconfig.")
@click.option("--context", default="", help="Context in it; default: the current one.")
@click.option("--snapshot", "as_snapshot", is_flag=True, help="Print the facts as JSON, and nothing else.")
def detect(stack: str, kubeconfig: Path | None, context: str, as_snapshot: bool) -> None:
    """Say what a cluster has already, and which settings describe it. Changes nothing."""
    from tools.commands import ensure_showing_progress  # noqa: PLC0415 - only a run needs the toolchain
    from tools.toolchain import ROOT  # noqa: PLC0415

    if bool(stack) == bool(kubeconfig):
        raise ToolError("name the cluster in one way: --stack <stack>, or --kubeconfig <path> [--context <context>]")
    settings = settings_of(stack, ROOT) if stack else None
    if settings and not isinstance(settings.cluster, ExistingSettings):
        raise ToolError(
            f"the cluster of stack {stack} is of kind {settings.cluster.kind}: the platform makes it, nothing is there "
            "before it. For any other cluster: --kubeconfig <path>"
        )
    cluster = existing(settings) if settings else ExistingSettings(kind=ClusterKind.EXISTING, pools={})
    path = kubeconfig or Path(cluster.kubeconfig)
    context = context or cluster.context or ""
    kubectl = kubectl_of(ensure_showing_progress().path("kubectl"), path, context)
    snapshot, network = read_snapshot(kubectl.version(), kubectl.ask), read_network(kubectl.ask)
    if as_snapshot:
        click.echo(json.dumps({**snapshot, "network": network}, indent=1, sort_keys=True))
        return
    rows = advice_for(snapshot, settings) if settings else advice(snapshot)
    rows += advice_on_network(snapshot, network, cluster)
    click.echo(facts_text(snapshot))
    click.echo(f"  network: {', '.join(cni.name for cni in cnis_of(network)) or 'no CNI that is known here'}")
    click.echo(f"\n{advice_text(rows) or 'nothing clashes with what was declared'}")
    if not stack:
        click.echo(
            f"\n# Settings that describe it (check what stands in angle brackets):\n"
            f"{suggestion_text(snapshot, str(kubeconfig), context)}"
        )
