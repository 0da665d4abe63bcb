"""The shipped settings files as the Kubernetes objects that they declare, with values as a cloud would give them.

The simulated clouds answer in place of AWS and Google Cloud, so that an id or an address has the form of a real one.
Not here: what charts render and what CRD files define, which need the provider.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs

from settings.clouds.eks import EksSettings
from settings.clouds.gke import GkeSettings
from settings.settings import Settings
from simulator.clouds import invokes
from simulator.clouds.account import Account
from simulator.clouds.lifecycle import AccountLifecycle
from simulator.clouds.store import CloudStore, Content, Record
from simulator.clouds.tables import ROWS
from tests.recorder import Echo, Recording, Registered
from tests.support.served import stack_settings
from tests.support.whole_stack import recorded_stack


class _NoMachines:
    """Clusters of the cloud have no API server here."""

    def made(self, made: Record, content: Content) -> dict[str, Any]:
        return {}

    def ending(self, ended: Record, content: Content) -> None: ...


class CloudAnswers(Echo):
    """Outputs of the clouds' resources come from the simulated clouds, all others from the inputs."""

    def __init__(self, account: Account, folder: Path) -> None:
        self._account, self._folder = account, folder
        self._lifecycle = AccountLifecycle(CloudStore(folder, account.cloud), account, _NoMachines())

    def call(self, args: MockCallArgs) -> Any:
        return invokes.answer(args.token, args.args, self._account, self._folder)

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        row = ROWS.get(args.typ)
        if row is None:
            return super().new_resource(args)
        named = {row.autoname: args.name} if row.autoname else {}
        made = self._lifecycle.create(f"{args.typ}::{args.name}", row, {**named, **args.inputs})
        return made.id, made.outputs


def _account(settings: Settings) -> Account | None:
    match settings.cluster:
        case EksSettings() as cluster:
            return Account("aws", account=cluster.account_id, region=cluster.region)
        case GkeSettings() as cluster:
            return Account("gcp", project=cluster.project, region=cluster.region)
    return None


def recorded_platform(name: str, folder: Path) -> Recording:
    """What `Pulumi.<name>.yaml` registers."""
    settings = stack_settings(name)
    account = _account(settings)
    return recorded_stack(settings, folder, CloudAnswers(account, folder) if account else None)


CHART = "kubernetes:helm.sh/v4:Chart"
_NOT_SENT = ("kubernetes:helm.sh/", "kubernetes:yaml/", "pulumi:")
_TEMPLATES = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}
"""Where a workload has the template of its pods."""


def manifests(resources: Iterable[Registered]) -> Iterator[dict[str, Any]]:
    """The Kubernetes objects among these resources, with secrets in clear."""
    for resource in resources:
        if resource.type.startswith("kubernetes:") and not resource.type.startswith(_NOT_SENT):
            yield clear(resource.inputs)


def clear(value: Any) -> Any:
    """The value with every secret in clear."""
    if isinstance(value, Mapping):
        return clear(value["value"]) if rpc.is_rpc_secret(value) else {key: clear(one) for key, one in value.items()}
    return [clear(one) for one in value] if isinstance(value, list) else value


def pods(objects: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """One pod of each workload, as its controller makes it."""
    for manifest in objects:
        template: Any = manifest
        for step in _TEMPLATES.get(manifest["kind"], ("absent",)):
            template = template.get(step, {})
        if template:
            owner = manifest["metadata"]
            metadata = {**template.get("metadata", {}), "name": owner["name"], "namespace": owner["namespace"]}
            yield {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
