"""SPDY/3.1 streams over one connection: what `kubectl exec` and `kubectl port-forward` arrive as from the kubelet.

Source: the draft "SPDY Protocol 3.1" of the Chromium project, sections 2.2 to 2.6. No flow control: Kubernetes' own has
none.
"""

import asyncio
import struct
import zlib
from collections.abc import Callable

_WORDS = """
options, head, post, put, delete, trace, accept, accept-charset, accept-encoding, accept-language,
accept-ranges, age, allow, authorization, cache-control, connection, content-base, content-encoding,
content-language, content-length, content-location, content-md5, content-range, content-type, date, etag,
expect, expires, from, host, if-match, if-modified-since, if-none-match, if-range, if-unmodified-since,
last-modified, location, max-forwards, pragma, proxy-authenticate, proxy-authorization, range, referer,
retry-after, server, te, trailer, transfer-encoding, upgrade, user-agent, vary, via, warning, www-authenticate,
method, get, status, 200 OK, version, HTTP/1.1, url, public, set-cookie, keep-alive, origin
"""
_TEXT = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Authoritat"
    "ive Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found5"
    "00 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct N"
    "ov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,applic"
    "ation/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf"
    "-8charset=iso-8859-1,utf-,*,enq=0."
)
DICTIONARY = (
    b"".join(struct.pack(">I", len(word)) + word.encode() for word in _WORDS.strip().replace("\n", " ").split(", "))
    + _TEXT.encode()
)
"""Initial dictionary of the compression of headers (section 2.6.10.1): words with their lengths, then a text."""

_CONTROL = 0x80030000
_OPEN, _OPENED, _RESET, _PING = 1, 2, 3, 6
_LAST = 1
_LONGEST_FRAME = 16384


class Stream:
    """One stream of a connection."""

    def __init__(self, connection: "Connection", number: int, headers: dict[str, str]) -> None:
        self.headers = headers
        """Headers of the request for the stream, names in lower case."""
        self.input: asyncio.Queue[bytes] = asyncio.Queue()
        """What the client sends; empty bytes at its end."""
        self._connection, self._number = connection, number

    def write(self, data: bytes, *, last: bool = False) -> None:
        """Sends data to the client; `last` closes this direction."""
        for at in range(0, len(data) or 1, _LONGEST_FRAME):
            part = data[at : at + _LONGEST_FRAME]
            flags = _LAST if last and at + _LONGEST_FRAME >= len(data) else 0
            self._connection.send(struct.pack(">II", self._number, flags << 24 | len(part)) + part)


class Connection:
    """The server's side of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._inflate, self._deflate = zlib.decompressobj(zdict=DICTIONARY), zlib.compressobj(zdict=DICTIONARY)
        self._streams: dict[int, Stream] = {}

    def send(self, frame: bytes) -> None:
        """Sends a frame as it is."""
        self._writer.write(frame)

    async def drain(self) -> None:
        """Waits until the client has taken most of what was sent."""
        await self._writer.drain()

    def close(self) -> None:
        """Ends the connection."""
        self._writer.close()

    async def run(self, opened: Callable[[Stream], None]) -> None:
        """Calls `opened` with each stream that the client opens; returns when the connection ends."""
        try:
            while True:
                first, second = struct.unpack(">II", await self._reader.readexactly(8))
                body = await self._reader.readexactly(second & 0xFFFFFF)
                if first >> 31:
                    self._control(first & 0xFFFF, second, body, opened)
                else:
                    self._data(first, second >> 24, body)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            for stream in self._streams.values():
                stream.input.put_nowait(b"")
            self._writer.close()

    def _data(self, number: int, flags: int, body: bytes) -> None:
        if stream := self._streams.get(number):
            if body:
                stream.input.put_nowait(body)
            if flags & _LAST:
                stream.input.put_nowait(b"")

    def _control(self, kind: int, second: int, body: bytes, opened: Callable[[Stream], None]) -> None:
        if kind == _OPEN:
            number = struct.unpack(">I", body[:4])[0]
            stream = self._streams[number] = Stream(self, number, self._headers(body[10:]))
            block = self._deflate.compress(struct.pack(">I", 0)) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
            self.send(struct.pack(">III", _CONTROL | _OPENED, 4 + len(block), number) + block)
            if second >> 24 & _LAST:
                stream.input.put_nowait(b"")
            opened(stream)
        elif kind == _PING:
            self.send(struct.pack(">II", _CONTROL | _PING, second) + body)
        elif kind == _RESET and (ended := self._streams.pop(struct.unpack(">I", body[:4])[0], None)):
            ended.input.put_nowait(b"")

    def _headers(self, block: bytes) -> dict[str, str]:
        data, at = self._inflate.decompress(block), 4
        texts: list[str] = []
        for _ in range(2 * struct.unpack(">I", data[:4])[0]):
            length = struct.unpack(">I", data[at : at + 4])[0]
            texts.append(data[at + 4 : at + 4 + length].decode())
            at += 4 + length
        return {name.lower(): value for name, value in zip(texts[::2], texts[1::2], strict=True)}
