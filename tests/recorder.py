"""A recording engine for unit tests: what a program registers, with parents, order and options. No provider runs.

It does not prove that an API server accepts anything: children of remote components (charts) do not exist here, and
every output echoes its input. The engine tests prove the rest.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks


@dataclass(frozen=True)
class Registered:
    """One registered resource. Inputs are what the engine received; secrets are `Secret` wrappers, outputs resolved."""

    type: str
    name: str
    urn: str
    parent: str
    inputs: dict[str, Any]
    dependencies: frozenset[str]
    protect: bool
    retain_on_delete: bool
    aliases: int
    ignore_changes: tuple[str, ...] = ()
    on_error: tuple[str, ...] = ()
    """Names of its error hooks."""
    delete_before_replace: bool = False

    @property
    def kind(self) -> str:
        """The last part of the type: `Deployment`, `Namespace`, …"""
        return self.type.rsplit(":", 1)[-1]


@dataclass
class Recording:
    """All that one program registered."""

    resources: list[Registered] = field(default_factory=list)

    def of(self, kind: str) -> list[Registered]:
        """Those of one kind, in order."""
        return [resource for resource in self.resources if resource.kind == kind]

    def one(self, kind: str, name: str | None = None) -> Registered:
        """The only one of that kind (and name); fails otherwise."""
        found = [r for r in self.of(kind) if name in (None, r.name, r.inputs.get("metadata", {}).get("name"))]
        assert len(found) == 1, f"{len(found)} of {kind} {name}: {[r.name for r in self.of(kind)]}"
        return found[0]

    def kinds(self) -> list[str]:
        """`kind name` of every resource, sorted: for asserting exact children."""
        return sorted(f"{r.kind} {r.name}" for r in self.resources)

    def ancestors(self, resource: Registered) -> list[str]:
        """URNs from the parent up to the stack."""
        parents = {r.urn: r.parent for r in self.resources}
        chain, urn = [], resource.parent
        while urn:
            chain.append(urn)
            urn = parents.get(urn, "")
        return chain


COMPUTED: dict[str, dict[str, Any]] = {
    "aws:eks/cluster:Cluster": {
        "endpoint": "https://eks.test",
        "certificateAuthority": {"data": "Y2E="},
        "vpcConfig": {"clusterSecurityGroupId": "sg-cluster"},
    },
    "aws:eks/nodeGroup:NodeGroup": {"resources": [{"autoscalingGroups": [{"name": "eks-group"}]}]},
}
"""What a cloud adds to the inputs of a resource, where a component reads more of it than an id or an ARN."""


def _with_computed(kind: str, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    arn = {"arn": f"arn:aws:test:::{name}"} if kind.startswith("aws:") else {}
    added = {
        key: {**inputs.get(key, {}), **value} if isinstance(value, dict) else value
        for key, value in COMPUTED.get(kind, {}).items()
    }
    return {**arn, **inputs, **added}


def _whole(value: Any) -> Any:
    """The wire has floats only (protobuf's Struct); a provider takes 2.0 for 2."""
    if isinstance(value, dict):
        return {key: _whole(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


class Echo(Mocks):
    """Every output is its input."""

    def call(self, args: MockCallArgs) -> Any:
        return {}

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        return f"{args.name}-id", _with_computed(args.typ, args.name, args.inputs)


class _Recorder(MockMonitor):
    def __init__(self, recording: Recording, answers: Mocks) -> None:
        super().__init__(answers)  # type: ignore[no-untyped-call]
        self.recording = recording

    def RegisterResource(self, request: Any) -> Any:
        if request.type != "pulumi:pulumi:Stack":
            self.recording.resources.append(
                Registered(
                    request.type,
                    request.name,
                    self.make_urn(request.parent, request.type, request.name),  # type: ignore[no-untyped-call]
                    request.parent,
                    _whole(rpc.deserialize_properties(request.object, keep_unknowns=True)),  # type: ignore[no-untyped-call]
                    frozenset(request.dependencies),
                    request.protect,
                    request.retainOnDelete,
                    len(request.aliases),
                    tuple(request.ignoreChanges),
                    tuple(request.hooks.on_error),
                    request.deleteBeforeReplace,
                )
            )
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]


def record(program: Callable[[], Any], *, preview: bool = False, answers: Mocks | None = None) -> Recording:
    """Run a program against the recorder. An exception of the program comes out of here.

    `answers` make the outputs; by default they are the inputs.
    """
    recording, mocks = Recording(), answers or Echo()
    monitor = _Recorder(recording, mocks)
    pulumi.runtime.set_mocks(mocks, project="mlplatform", stack="test", preview=preview, monitor=monitor)
    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    return recording
