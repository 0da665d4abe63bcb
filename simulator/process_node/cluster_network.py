"""The node's network: cluster DNS, the addresses of Services, and the ways in and out. Runs in its network namespace.

- DNS on the cluster's DNS address: Services, headless Services and their pods, in the cluster's domain (A records).
- Every ClusterIP is an address of this namespace; each of its TCP ports relays to a ready endpoint, at random.
- `cluster.sock` is an HTTP CONNECT proxy: the API server (egress selector) and ports on loopback come in by it.
- The API server is reached through `api.sock`, on the address in the kubeconfig and on that of default/kubernetes.
"""

import asyncio
import contextlib
import ipaddress
import json
import logging
import random
import ssl
import struct
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from simulator.process_node.pod_network import NODE_ADDRESS
from simulator.process_node.relay import API_SOCKET, CLUSTER_SOCKET, Serve, join
from simulator.process_node.settings import DNS_ADDRESS, DOMAIN, NodeSettings

_LOG = logging.getLogger(__name__)
_RETRY_SECONDS = 0.5
_TTL_SECONDS = 5
_LONGEST_LINE = 2**24
_ADDRESS_RECORD = 1
_FOUND, _NO_SUCH_NAME = 0x8580, 0x8583
"""Flags of a DNS answer: authoritative, recursion available; with NXDOMAIN."""
Key = tuple[str, str]
"""Namespace and name."""


class Cluster:
    """Services and their endpoints, followed on the API server."""

    def __init__(self, port: int, token: str, authority: Path) -> None:
        self._port, self._token = port, token
        self._tls = ssl.create_default_context(cafile=str(authority))
        self.services: dict[Key, Any] = {}
        self.slices: dict[Key, Any] = {}
        self.changed = asyncio.Event()

    async def _get(self, path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        opened = asyncio.open_connection("127.0.0.1", self._port, ssl=self._tls, limit=_LONGEST_LINE)
        reader, writer = await opened
        lines = (f"GET {path} HTTP/1.0", "Host: 127.0.0.1", "Accept: application/json")  # 1.0: no chunks
        writer.write("\r\n".join([*lines, f"Authorization: Bearer {self._token}", "", ""]).encode())
        status = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0]
        if b" 200 " not in status:
            raise OSError(f"{path}: {status.decode()}")
        return reader, writer

    async def _list(self, path: str, kept: dict[Key, Any]) -> str:
        reader, writer = await self._get(path)
        listed = json.loads(await reader.read())
        writer.close()
        kept.clear()
        kept.update({_key(one): one for one in listed["items"]})
        self.changed.set()
        return str(listed["metadata"]["resourceVersion"])

    async def follow(self, path: str, kept: dict[Key, Any]) -> None:
        """Keeps the objects at `path` up to date, for ever."""
        while True:
            try:
                version = await self._list(path, kept)
                reader, _ = await self._get(f"{path}?watch=1&resourceVersion={version}")
                while line := await reader.readline():
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        break
                    if event["type"] == "DELETED":
                        kept.pop(_key(event["object"]), None)
                    else:
                        kept[_key(event["object"])] = event["object"]
                    self.changed.set()
            except (OSError, ValueError, KeyError, asyncio.IncompleteReadError) as error:
                _LOG.warning("watch %s: %s", path, error)
            await asyncio.sleep(_RETRY_SECONDS)

    def endpoints(self, service: Key, port: str | None = None) -> list[tuple[str, int, str]]:
        """Address, port and host name of each ready endpoint, of the port of that name or of any."""
        found = []
        for one in self.slices.values():
            metadata = one["metadata"]
            if (metadata["namespace"], metadata.get("labels", {}).get("kubernetes.io/service-name")) != service:
                continue
            ports = [each["port"] for each in one.get("ports") or [] if port in (None, each.get("name") or "")]
            for endpoint in one.get("endpoints") or []:
                if endpoint.get("conditions", {}).get("ready"):
                    name = endpoint.get("hostname", "")
                    found += [
                        (endpoint["addresses"][0], number, name) for number in (ports or [0] if port is None else ports)
                    ]
        return found

    def resolve(self, name: str) -> list[str] | None:
        """IPv4 addresses of a name such as `mlflow.mlflow.svc.cluster.local`; None where there is no such name."""
        labels = name.removesuffix(f".{DOMAIN}").split(".")
        if labels[-1] != "svc" or len(labels) not in (3, 4):
            return None
        *host, service, namespace, _ = labels
        found = self.services.get((namespace, service))
        if found is None:
            return None
        if has_address(found) and not host:
            return [found["spec"]["clusterIP"]]
        addresses = {
            address for address, _, name_of in self.endpoints((namespace, service)) if not host or name_of == host[0]
        }
        return sorted(addresses) or None


def _key(one: Any) -> Key:
    return one["metadata"]["namespace"], one["metadata"]["name"]


def has_address(service: Any) -> bool:
    """Whether a Service has a ClusterIP."""
    return service["spec"].get("clusterIP") not in (None, "", "None")


def answer(query: bytes, cluster: Cluster) -> bytes:
    """The answer to a DNS query of one question."""
    at, labels = 12, []
    while length := query[at]:
        labels.append(query[at + 1 : at + 1 + length].decode().lower())
        at += 1 + length
    question, (kind,) = query[12 : at + 5], struct.unpack(">H", query[at + 1 : at + 3])
    name = ".".join(labels)
    addresses = cluster.resolve(name) if name.endswith(f".{DOMAIN}") else None
    records = addresses if addresses and kind == _ADDRESS_RECORD else []
    body = b"".join(
        b"\xc0\x0c" + struct.pack(">HHIH", _ADDRESS_RECORD, 1, _TTL_SECONDS, 4) + ipaddress.ip_address(one).packed
        for one in records
    )
    flags = _NO_SUCH_NAME if addresses is None else _FOUND
    return query[:2] + struct.pack(">HHHHH", flags, 1, len(records), 0, 0) + question + body


class Dns(asyncio.DatagramProtocol):
    """Answers queries over UDP."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the socket."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, address: Any) -> None:
        """Answers; what is no query is dropped."""
        with contextlib.suppress(IndexError, UnicodeDecodeError, struct.error):
            self._transport.sendto(answer(data, self._cluster), address)


Listener = tuple[str, int]
"""ClusterIP and port."""


def wanted_listeners(services: Iterable[Any]) -> dict[Listener, tuple[Key, str]]:
    """Where Services listen -> the Service and the name of its port."""
    return {
        (service["spec"]["clusterIP"], port["port"]): (_key(service), port.get("name") or "")
        for service in services
        if has_address(service)
        for port in service["spec"].get("ports") or []
        if port.get("protocol", "TCP") == "TCP"
    }


class Services:
    """A listener for each TCP port of each ClusterIP."""

    def __init__(self, cluster: Cluster, api_socket: Path) -> None:
        self._cluster, self._api_socket = cluster, api_socket
        self._listeners: dict[Listener, tuple[tuple[Key, str], asyncio.Server]] = {}

    def _relay(self, service: Key, port: str) -> Serve:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                if service == ("default", "kubernetes"):
                    other = await asyncio.open_unix_connection(str(self._api_socket))
                else:
                    address, number, _ = random.choice(self._cluster.endpoints(service, port))  # noqa: S311 - no secret
                    other = await asyncio.open_connection(address, number)
            except (OSError, IndexError):
                writer.transport.abort()  # refused, as without endpoints
                return
            await join((reader, writer), other)

        return serve

    async def follow(self) -> None:
        """Opens and closes listeners as Services come and go, for ever."""
        while True:
            await self._cluster.changed.wait()
            self._cluster.changed.clear()
            wanted = wanted_listeners(self._cluster.services.values())
            for key, (target, server) in list(self._listeners.items()):
                if wanted.get(key) != target:
                    server.close()
                    del self._listeners[key]
            for key in wanted.keys() - self._listeners.keys():
                await self._listen(key, wanted[key])
            await asyncio.sleep(0.1)

    async def _listen(self, key: Listener, target: tuple[Key, str]) -> None:
        subprocess.run(["ip", "addr", "replace", f"{key[0]}/32", "dev", "lo"], check=True)
        try:
            self._listeners[key] = target, await asyncio.start_server(self._relay(*target), *key)
        except OSError as error:
            _LOG.warning("Service on %s:%s: %s", *key, error)


def connect_proxy(cluster: Cluster, node: str) -> Serve:
    """Serves HTTP CONNECT to a pod, to the node or to a Service."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            target = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
            host, _, port = target.rpartition(":")
            resolved = [NODE_ADDRESS] if host == node else cluster.resolve(host)
            other = await asyncio.open_connection(resolved[0] if resolved else host.strip("[]"), int(port))
        except (OSError, ValueError, IndexError, asyncio.IncompleteReadError) as error:
            writer.write(f"HTTP/1.1 503 {error}\r\n\r\n".encode())
            writer.close()
            return
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        await join((reader, writer), other)

    return serve


async def serve(settings: NodeSettings) -> None:
    """Serves until it is killed."""
    cluster = Cluster(settings.api_port, settings.proxy_token, settings.authority)
    api_socket = settings.state / API_SOCKET

    async def to_api(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await join((reader, writer), await asyncio.open_unix_connection(str(api_socket)))

    await asyncio.start_server(to_api, "127.0.0.1", settings.api_port)
    await asyncio.start_unix_server(connect_proxy(cluster, settings.name), str(settings.state / CLUSTER_SOCKET))
    subprocess.run(["ip", "addr", "replace", f"{DNS_ADDRESS}/32", "dev", "lo"], check=True)
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: Dns(cluster), local_addr=(DNS_ADDRESS, 53))
    await asyncio.gather(
        cluster.follow("/api/v1/services", cluster.services),
        cluster.follow("/apis/discovery.k8s.io/v1/endpointslices", cluster.slices),
        Services(cluster, api_socket).follow(),
    )


if __name__ == "__main__":
    logging.basicConfig(format="%(asctime)s %(message)s")
    asyncio.run(serve(NodeSettings.read(Path(sys.argv[1]))))
