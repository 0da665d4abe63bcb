"""`kubectl exec` and `kubectl port-forward`: the sessions that the kubelet hands to the runtime.

Protocols: v4.channel.k8s.io and portforward.k8s.io over SPDY. Listens in the node's network namespace, where the
kubelet is.
"""

import asyncio
import fcntl
import json
import os
import socket
import struct
import subprocess
import termios
import threading
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from simulator.process_node import kernel
from simulator.process_node.processes import Command
from simulator.process_node.spdy import Connection, Stream

_OPEN_SECONDS = 10.0
_CONNECT_SECONDS = 5.0
_CHUNK = 16384
Session = Callable[[Connection], Awaitable[None]]


def socket_in_network_of(pid: int, make: Callable[[], socket.socket]) -> socket.socket:
    """The socket that `make` returns, made in the network namespace of a process: it stays there.

    In a thread of its own, which ends with the namespace. Raises OSError.
    """
    made: list[socket.socket] = []
    problems: list[OSError] = []

    def work() -> None:
        try:
            kernel.enter(f"/proc/{pid}/ns/net", kernel.NEW_NETWORK)
            made.append(make())
        except OSError as error:
            problems.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if problems:
        raise problems[0]
    return made[0]


def _status(code: int) -> bytes:
    """How a command ended, as `kubectl` reads it."""
    if not code:
        return json.dumps({"metadata": {}, "status": "Success"}).encode()
    failure = {
        "metadata": {},
        "status": "Failure",
        "reason": "NonZeroExitCode",
        "message": f"command terminated with exit code {code}",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }
    return json.dumps(failure).encode()


class Streaming:
    """Gives out an address for each session, once, and serves it."""

    def __init__(self, node: int) -> None:
        """`node`: a process in the network namespace in which to listen."""
        self._socket = socket_in_network_of(node, _listener)
        self._sessions: dict[str, tuple[str, Session]] = {}
        threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True).start()

    def exec_address(self, command: Command, *, stdin: bool, tty: bool, stderr: bool) -> str:
        """Where the kubelet finds a session that runs the command."""
        wanted = {"error", "stdout"} | ({"stdin"} if stdin else set()) | ({"stderr"} if stderr and not tty else set())
        run = _run_on_terminal if tty else _run
        return self._address("v4.channel.k8s.io", lambda connection: _exec(connection, wanted, command, run))

    def forward_address(self, pod: int) -> str:
        """Where the kubelet finds a session that connects to ports in the network of the process `pod`."""
        return self._address("portforward.k8s.io", lambda connection: _forward(connection, pod))

    def _address(self, protocol: str, session: Session) -> str:
        token = uuid.uuid4().hex
        self._sessions[token] = protocol, session
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}/{token}"

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._accept, sock=self._socket)
        await server.serve_forever()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        protocol, session = self._sessions.pop(head[0].split()[1].split("?")[0].strip("/"), ("", None))
        if session is None:
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            writer.close()
            return
        lines = ("HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: SPDY/3.1")
        writer.write("\r\n".join([*lines, f"X-Stream-Protocol-Version: {protocol}", "", ""]).encode())
        await session(Connection(reader, writer))


def _listener() -> socket.socket:
    found = socket.create_server(("127.0.0.1", 0))
    found.setblocking(False)
    return found


Run = Callable[[Command, dict[str, Stream], Connection], Awaitable[int]]


async def _exec(connection: Connection, wanted: set[str], command: Command, run: Run) -> None:
    streams: dict[str, Stream] = {}
    complete = asyncio.Event()

    def opened(stream: Stream) -> None:
        streams[stream.headers["streamtype"]] = stream
        if wanted <= streams.keys():
            complete.set()

    reading = asyncio.ensure_future(connection.run(opened))
    await asyncio.wait_for(complete.wait(), _OPEN_SECONDS)
    code = await run(command, streams, connection)
    streams["error"].write(_status(code), last=True)
    for name in ("stdout", "stderr"):
        if name in streams:
            streams[name].write(b"", last=True)
    await asyncio.wait([reading], timeout=2)
    connection.close()


async def _receive(source: asyncio.StreamReader, stream: Stream, connection: Connection) -> None:
    try:
        while data := await source.read(_CHUNK):
            stream.write(data)
            await connection.drain()
    except OSError:  # the other end of the terminal is closed
        pass


async def _run(command: Command, streams: dict[str, Stream], connection: Connection) -> int:
    stdin = subprocess.PIPE if "stdin" in streams else subprocess.DEVNULL
    stderr = subprocess.PIPE if "stderr" in streams else subprocess.DEVNULL
    with command.prepared() as (arguments, options):
        process = await asyncio.create_subprocess_exec(
            *arguments, **options, stdin=stdin, stdout=subprocess.PIPE, stderr=stderr
        )

    async def send() -> None:
        assert process.stdin is not None
        while data := await streams["stdin"].input.get():
            process.stdin.write(data)
            await process.stdin.drain()
        process.stdin.close()

    sending = asyncio.ensure_future(send()) if "stdin" in streams else None
    pairs = [(process.stdout, "stdout"), (process.stderr, "stderr")]
    await asyncio.gather(*(_receive(source, streams[name], connection) for source, name in pairs if source))
    if sending:
        sending.cancel()
    return await process.wait()


async def _run_on_terminal(command: Command, streams: dict[str, Stream], connection: Connection) -> int:
    ours, theirs = os.openpty()
    terminal: Any = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    with command.prepared() as (arguments, options):
        process = await asyncio.create_subprocess_exec("setsid", "--ctty", *arguments, **options, **terminal)
    os.close(theirs)
    output = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(output), os.fdopen(os.dup(ours), "rb", 0)
    )

    async def send() -> None:
        while data := await streams["stdin"].input.get():
            os.write(ours, data)
        os.write(ours, b"\x04")

    async def resize() -> None:
        while data := await streams["resize"].input.get():
            size = json.loads(data.splitlines()[-1])
            fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", size["Height"], size["Width"], 0, 0))

    acting = [asyncio.ensure_future(act()) for name, act in (("stdin", send), ("resize", resize)) if name in streams]
    await _receive(output, streams["stdout"], connection)
    for task in acting:
        task.cancel()
    code = await process.wait()
    os.close(ours)
    return code


async def _forward(connection: Connection, pod: int) -> None:
    errors: dict[str, Stream] = {}
    relays: set[asyncio.Task[None]] = set()

    def connect(port: int) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", port), _CONNECT_SECONDS)
        made.setblocking(False)
        return made

    async def relay(stream: Stream) -> None:
        error, port = errors.pop(stream.headers["requestid"]), int(stream.headers["port"])
        try:
            made = await asyncio.to_thread(socket_in_network_of, pod, lambda: connect(port))
            reader, writer = await asyncio.open_connection(sock=made)
        except OSError as problem:
            error.write(str(problem).encode(), last=True)
            stream.write(b"", last=True)
            return

        async def send() -> None:
            while data := await stream.input.get():
                writer.write(data)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()

        sending = asyncio.ensure_future(send())
        await _receive(reader, stream, connection)
        stream.write(b"", last=True)
        error.write(b"", last=True)
        sending.cancel()
        writer.close()

    def opened(stream: Stream) -> None:
        if stream.headers["streamtype"] == "error":
            errors[stream.headers["requestid"]] = stream
        else:
            task = asyncio.ensure_future(relay(stream))
            relays.add(task)
            task.add_done_callback(relays.discard)

    await connection.run(opened)
