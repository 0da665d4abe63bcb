"""Relays: what one side sends, ends or resets, the other one sees."""

import asyncio
import contextlib
import socket
import struct

from simulator.process_node.relay import Serve, to_port

SECONDS = 5


async def relayed(serve: Serve, request: bytes) -> bytes:
    """What a client gets from a server behind a relay."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    relay = await asyncio.start_server(to_port(server.sockets[0].getsockname()[1]), "127.0.0.1", 0)
    async with server, relay:
        reader, writer = await asyncio.open_connection(*relay.sockets[0].getsockname())
        writer.write(request)
        try:
            return await asyncio.wait_for(reader.read(), SECONDS)
        finally:
            writer.close()


def ask(serve: Serve) -> bytes:
    """In a loop of its own. `asyncio.run` would leave the process without one, which Pulumi's resources need."""
    with contextlib.closing(asyncio.new_event_loop()) as loop:
        return loop.run_until_complete(relayed(serve, b"question"))


def test_an_answer_and_its_end_arrive() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"answer to " + await reader.read(100))
        writer.close()

    assert ask(serve) == b"answer to question"


def test_a_connection_that_the_server_resets_ends_at_the_client() -> None:
    """Only this finds a client that waits for ever for a program that was killed."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    with contextlib.suppress(ConnectionResetError):
        assert ask(serve) == b""
