"""What a stand-in provider answers to the engine: one implementation for both clouds."""

import contextlib
import json
import os
import random
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from simulator.clouds import changes, checks, invokes, outputs, sdk
from simulator.clouds.account import Account, account, check_account
from simulator.clouds.clusters import Clusters
from simulator.clouds.errors import CloudRefusal
from simulator.clouds.inputs import refused
from simulator.clouds.lifecycle import AccountLifecycle
from simulator.clouds.rows import Row
from simulator.clouds.store import CloudStore
from simulator.clouds.tables import ROWS
from simulator.clouds.values import from_struct, to_struct
from simulator.errors import SimulatorError

Answer = TypeVar("Answer")
_AUTONAME_DIGITS = 7


def refusing(method: Callable[..., Answer]) -> Callable[..., Answer]:
    """What the cloud refuses becomes the error of the call."""

    @wraps(method)
    def call(self: Any, request: Any, context: grpc.ServicerContext) -> Answer:
        try:
            return method(self, request, context)
        except (CloudRefusal, SimulatorError, sdk.UnknownClass) as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
            raise

    return call


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """The ResourceProvider service of one simulated cloud. Method names and messages are the protocol's."""

    def __init__(self, cloud: str, version: str, directory: Path) -> None:
        self._cloud = cloud
        self._version = version
        self._directory = directory
        self._use(account(cloud, {}, os.environ))

    def _use(self, owner: Account) -> None:
        self._account = owner
        self._lifecycle = AccountLifecycle(
            CloudStore(self._directory, self._cloud), owner, Clusters(self._directory, owner)
        )

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:  # noqa: N802
        return plugin_pb2.PluginInfo(version=self._version)

    def GetSchema(  # noqa: N802
        self, request: provider_pb2.GetSchemaRequest, context: grpc.ServicerContext
    ) -> provider_pb2.GetSchemaResponse:
        schema = {"name": self._cloud, "version": self._version, "description": "simulated"}
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema))

    def CheckConfig(  # noqa: N802
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        found = check_account(self._cloud, _decoded(from_struct(request.news)), os.environ)
        return provider_pb2.CheckResponse(inputs=request.news, failures=_failures(found))

    def DiffConfig(  # noqa: N802
        self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext
    ) -> provider_pb2.DiffResponse:
        olds, news = from_struct(request.old_inputs), from_struct(request.news)
        changed = sorted(name for name in {*olds, *news} if olds.get(name) != news.get(name))
        return provider_pb2.DiffResponse(changes=_some(changed), diffs=changed)

    def Configure(  # noqa: N802
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        self._use(account(self._cloud, _decoded(from_struct(request.args)), os.environ))
        return provider_pb2.ConfigureResponse(
            acceptSecrets=False, supportsPreview=True, acceptResources=False, acceptOutputs=False
        )

    def Check(  # noqa: N802
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        """All that is wrong, at once."""
        token, inputs = _token(request.urn), from_struct(request.news)
        if token in ROWS:
            _name(ROWS[token], request, inputs)
        return provider_pb2.CheckResponse(inputs=to_struct(inputs), failures=_failures(iter(refused(token, inputs))))

    @refusing
    def Diff(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:  # noqa: N802
        row = _row(request.urn)
        change = changes.compare(row, from_struct(request.old_inputs), from_struct(request.news))
        ignored = set(request.ignoreChanges)
        changed = [name for name in change.changed if name not in ignored]
        return provider_pb2.DiffResponse(
            changes=_some(changed),
            diffs=changed,
            replaces=[name for name in change.replacing if name not in ignored],
            deleteBeforeReplace=change.delete_first,
        )

    @refusing
    def Create(self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext) -> provider_pb2.CreateResponse:  # noqa: N802
        row, inputs = _row(request.urn), from_struct(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(
                properties=to_struct(outputs.previewed(row, self._account, inputs, None))
            )
        made = self._lifecycle.create(request.urn, row, inputs)
        return provider_pb2.CreateResponse(id=made.id, properties=to_struct(made.outputs))

    @refusing
    def Read(self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext) -> provider_pb2.ReadResponse:  # noqa: N802
        found = self._lifecycle.read(_row(request.urn), request.id)
        if found is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=found["id"], properties=to_struct(found["outputs"]), inputs=to_struct(found["inputs"])
        )

    @refusing
    def Update(self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext) -> provider_pb2.UpdateResponse:  # noqa: N802
        row, news, olds = _row(request.urn), from_struct(request.news), from_struct(request.old_inputs)
        if request.preview:
            self._lifecycle.refuse_change(row, olds, news)
            shown = outputs.previewed(row, self._account, news, from_struct(request.olds))
            return provider_pb2.UpdateResponse(properties=to_struct(shown))
        return provider_pb2.UpdateResponse(properties=to_struct(self._lifecycle.update(row, request.id, news, olds)))

    @refusing
    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:  # noqa: N802
        self._lifecycle.delete(_row(request.urn), request.id, from_struct(request.old_inputs))
        return empty_pb2.Empty()

    @refusing
    def Invoke(self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext) -> provider_pb2.InvokeResponse:  # noqa: N802
        found = invokes.answer(request.tok, from_struct(request.args), self._account, self._directory)
        response = provider_pb2.InvokeResponse()
        getattr(response, "return").CopyFrom(to_struct(found))
        return response

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:  # noqa: N802
        return empty_pb2.Empty()


def _token(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def _row(urn: str) -> Row:
    row = ROWS.get(_token(urn))
    if row is None:
        raise CloudRefusal("UnknownResourceType", f"the simulated cloud does not know the resource type {_token(urn)}")
    return row


def _some(changed: list[str]) -> Any:
    return provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE


def _failures(found: Iterator[checks.Problem]) -> list[provider_pb2.CheckFailure]:
    """The property stands in the reason: the engine would print its value as well, and it may be a secret."""
    reasons = (f"{path}: {reason}" if path else reason for path, reason in found)
    return [provider_pb2.CheckFailure(reason=reason) for reason in reasons]


def _decoded(config: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a provider as they were before the SDK made strings of all that is not one."""
    decoded = {}
    for name, value in config.items():
        if isinstance(value, str) and value[:1] in ("[", "{"):
            with contextlib.suppress(ValueError):
                value = json.loads(value)  # noqa: PLW2901
        decoded[name] = value
    return decoded


def _name(row: Row, request: provider_pb2.CheckRequest, inputs: dict[str, Any]) -> None:
    """Gives a name to what has none: the one it had, or the program's with random digits, as the real provider does."""
    if not row.autoname or row.autoname in inputs or f"{row.autoname}Prefix" in inputs or "namePrefix" in inputs:
        return
    if row.autoname not in sdk.inputs(row.type):
        return
    given: struct_pb2.Struct = request.olds
    olds = from_struct(given)
    digits = random.Random(request.randomSeed or None)  # noqa: S311 - a name, not a secret
    fresh = f"{request.urn.rpartition('::')[2]}-{digits.getrandbits(4 * _AUTONAME_DIGITS):0{_AUTONAME_DIGITS}x}"
    inputs[row.autoname] = olds.get(row.autoname) or (fresh if row.cloud == "aws" else fresh.lower())
