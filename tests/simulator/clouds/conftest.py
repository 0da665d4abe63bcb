"""A simulated cloud without engine and without clusters: requests go to the service as the engine would send them."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from simulator.clouds.service import Provider
from simulator.clouds.values import from_struct, to_struct


class Refused(Exception):
    """What the engine would print."""


def _abort(_: object, message: str) -> None:
    raise Refused(message)


CONTEXT: Any = SimpleNamespace(abort=_abort)


def urn(token: str, name: str = "it") -> str:
    return f"urn:pulumi:test::project::{token}::{name}"


class Cloud:
    """One provider, asked directly."""

    def __init__(self, cloud: str, directory: Path, **config: Any) -> None:
        self.provider = Provider(cloud, "0.0.0", directory)
        self.directory = directory
        self.provider.Configure(provider_pb2.ConfigureRequest(args=to_struct(config)), CONTEXT)

    def check(self, token: str, inputs: dict[str, Any], olds: dict[str, Any] | None = None) -> list[str]:
        """What is refused in these inputs."""
        request = provider_pb2.CheckRequest(urn=urn(token), news=to_struct(inputs), olds=to_struct(olds or {}))
        return [failure.reason for failure in self.provider.Check(request, CONTEXT).failures]

    def checked(self, token: str, inputs: dict[str, Any], name: str = "it") -> dict[str, Any]:
        request = provider_pb2.CheckRequest(urn=urn(token, name), news=to_struct(inputs), randomSeed=b"seed")
        return from_struct(self.provider.Check(request, CONTEXT).inputs)

    def preview(self, token: str, inputs: dict[str, Any]) -> dict[str, Any]:
        request = provider_pb2.CreateRequest(urn=urn(token), properties=to_struct(inputs), preview=True)
        return from_struct(self.provider.Create(request, CONTEXT).properties)

    def create(self, token: str, inputs: dict[str, Any], name: str = "it") -> tuple[str, dict[str, Any]]:
        request = provider_pb2.CreateRequest(urn=urn(token, name), properties=to_struct(inputs))
        made = self.provider.Create(request, CONTEXT)
        return made.id, from_struct(made.properties)

    def diff(self, token: str, olds: dict[str, Any], news: dict[str, Any]) -> provider_pb2.DiffResponse:
        request = provider_pb2.DiffRequest(urn=urn(token), old_inputs=to_struct(olds), news=to_struct(news))
        return self.provider.Diff(request, CONTEXT)

    def update(self, token: str, identity: str, olds: dict[str, Any], news: dict[str, Any]) -> dict[str, Any]:
        request = provider_pb2.UpdateRequest(
            urn=urn(token), id=identity, old_inputs=to_struct(olds), news=to_struct(news)
        )
        return from_struct(self.provider.Update(request, CONTEXT).properties)

    def delete(self, token: str, identity: str) -> None:
        self.provider.Delete(provider_pb2.DeleteRequest(urn=urn(token), id=identity), CONTEXT)

    def read(self, token: str, identity: str) -> provider_pb2.ReadResponse:
        return self.provider.Read(provider_pb2.ReadRequest(urn=urn(token), id=identity), CONTEXT)

    def invoke(self, token: str, **arguments: Any) -> dict[str, Any]:
        request = provider_pb2.InvokeRequest(tok=token, args=to_struct(arguments))
        return from_struct(getattr(self.provider.Invoke(request, CONTEXT), "return"))


@pytest.fixture
def aws(tmp_path: Path) -> Cloud:
    return Cloud("aws", tmp_path, region="eu-central-1")


@pytest.fixture
def gcp(tmp_path: Path) -> Cloud:
    return Cloud("gcp", tmp_path, project="example-ml-platform", region="europe-west4")


@pytest.fixture
def provider_of() -> Callable[..., Cloud]:
    return Cloud
