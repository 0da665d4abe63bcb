"""Relays between streams: the node's network, this computer's loopback, and the unix sockets between them."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

API_SOCKET = "api.sock"
"""In the node's folder: leads from the node's network to the API server."""
CLUSTER_SOCKET = "cluster.sock"
"""In the node's folder: an HTTP CONNECT proxy into the node's network, for the API server and for loopback ports."""
RUNTIME_SOCKET = "cri.sock"
"""In the node's folder: the container runtime, for the kubelet."""
_CHUNK = 65536


async def _copy(source: Pair, target: Pair) -> None:
    (reader, back), (_, writer) = source, target
    try:
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except OSError:
        # A side that was killed resets its connection. Without this the other one waits for an answer for ever: a
        # client of a killed PostgreSQL did so for a minute.
        for one in (writer, back):
            one.transport.abort()


async def join(one: Pair, other: Pair) -> None:
    """Relays both ways until both sides have ended; a reset ends both."""
    try:
        await asyncio.gather(_copy(one, other), _copy(other, one))
    finally:
        one[1].close()
        other[1].close()


async def connect_through(state: Path, target: str) -> Pair | None:
    """A connection to `host:port` in the node's network; None if nothing answers there."""
    reader, writer = await asyncio.open_unix_connection(str(state / CLUSTER_SOCKET))
    writer.write(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
    if b" 200 " in await reader.readuntil(b"\r\n\r\n"):
        return reader, writer
    writer.close()
    return None


def to_cluster(state: Path, target: str) -> Serve:
    """Serves connections by `host:port` in the node's network. A client is cut off while nothing answers there."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            other = await connect_through(state, target)
        except (OSError, asyncio.IncompleteReadError):
            other = None
        if other is None:
            writer.transport.abort()
        else:
            await join((reader, writer), other)

    return serve


def to_port(port: int) -> Serve:
    """Serves connections by a port of this computer's loopback."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            other = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.transport.abort()
        else:
            await join((reader, writer), other)

    return serve
