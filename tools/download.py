"""Downloads official releases: verified with the publisher's checksums, resumed after an interruption."""

from __future__ import annotations

import hashlib
import http.client
import json
import shutil
import tarfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import tenacity

from tools.errors import ToolError
from tools.pins import OfficialRelease, Tool
from tools.progress import Progress
from tools.store import HostPlatform

REACH_SECONDS = 6.0
"""Time limit for all publishers together. Without internet access a name lookup fails at once; this limit is for a
firewall that drops packets."""
READ_SECONDS = 30.0
ATTEMPTS = 5
CHUNK_BYTES = 1 << 20

_TRANSIENT = (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError)


@dataclass(frozen=True)
class Asset:
    """One file of a release for this platform, with the publisher's digest."""

    address: str
    sha256: str

    @property
    def name(self) -> str:
        return self.address.rpartition("/")[2]

    @property
    def publisher(self) -> str:
        """The host that serves it."""
        return urllib.parse.urlsplit(self.address).netloc


@dataclass(frozen=True)
class Unavailable:
    """Why a release cannot be downloaded here."""

    publisher: str
    """A host, or another subject of the reason."""
    reason: str


class NotDownloadedError(ToolError):
    """A release whose checksum is available, but whose download failed."""

    def __init__(self, message: str, unavailable: Unavailable, silent: bool) -> None:
        super().__init__(message)
        self.unavailable = unavailable
        self.silent = silent
        """Nothing was received: other releases from the same host need no attempt."""


def joined_reasons(unavailable: Iterable[Unavailable]) -> str:
    """All reasons in one text, each once: `dl.k8s.io, github.com: cannot be reached (Name or service not known)`."""
    publishers: dict[str, set[str]] = {}
    for one in unavailable:
        publishers.setdefault(one.reason, set()).add(one.publisher)
    return "; ".join(f"{', '.join(sorted(names))}: {reason}" for reason, names in sorted(publishers.items()))


def assets(tools: Iterable[Tool], platform: HostPlatform, base: str | None) -> dict[str, Asset | Unavailable]:
    """Downloadable releases, by tool name: the publishers' checksums, queried in parallel, decide.

    `base` is a mirror, which keeps each file under `<base>/<host>/<path>` of its official address.
    """
    wanted = {tool.name: tool for tool in tools}
    addresses = {name: _addresses(tool.release, tool.version, platform, base) for name, tool in wanted.items()}
    texts = _fetch_all({pair[1] for pair in addresses.values() if pair is not None})
    found: dict[str, Asset | Unavailable] = {}
    for name, pair in addresses.items():
        if pair is None:
            found[name] = Unavailable(name, f"not published for {platform.system}/{platform.architecture}")
            continue
        address, checksums = pair
        text = texts[checksums]
        if isinstance(text, Unavailable):
            found[name] = text
            continue
        digest = find_digest(text, address.rpartition("/")[2])
        found[name] = Asset(address, digest) if digest else Unavailable(checksums, f"names no digest of {address}")
    return found


def _addresses(
    release: OfficialRelease, version: str, platform: HostPlatform, base: str | None
) -> tuple[str, str] | None:
    architecture = release.architectures.get(platform.architecture)
    if architecture is None or platform.system not in release.systems:
        return None
    facts = {"version": version, "os": platform.system, "arch": architecture}
    address, checksums = release.address.format(**facts), release.checksums.format(**facts)
    return mirrored(address, base), mirrored(checksums, base)


def mirrored(address: str, base: str | None) -> str:
    """`https://host/path` on a mirror: `<base>/host/path`."""
    return f"{base.rstrip('/')}/{address.removeprefix('https://')}" if base else address


def find_digest(text: str, name: str) -> str | None:
    """The sha256 of a file in a checksum list, a file with one digest only, or a GitHub release description."""
    if text.lstrip().startswith("{"):
        described = json.loads(text).get("assets", [])
        digests = {entry["name"]: entry.get("digest") or "" for entry in described}
        return digests.get(name, "").removeprefix("sha256:") or None
    words = [line.split() for line in text.splitlines() if line.strip()]
    if [len(line) for line in words] == [1]:
        return words[0][0]
    return next((line[0] for line in words if len(line) == 2 and line[1].lstrip("*./") == name), None)


def _fetch_all(addresses: set[str]) -> dict[str, str | Unavailable]:
    """Small files, in parallel. Daemon threads, because a name lookup has no timeout."""
    answers: dict[str, str | Unavailable] = {}

    def fetch(address: str) -> None:
        host = urllib.parse.urlsplit(address).netloc
        try:
            with urllib.request.urlopen(address, timeout=REACH_SECONDS) as response:  # noqa: S310 - from pins, or a mirror
                answers[address] = response.read().decode()
        except urllib.error.HTTPError as error:
            answers[address] = Unavailable(host, f"answers {error.code} {error.reason}")
        except (*_TRANSIENT, ValueError) as error:
            answers[address] = Unavailable(host, f"cannot be reached ({_cause(error)})")

    threads = [threading.Thread(target=fetch, args=(address,), daemon=True) for address in sorted(addresses)]
    deadline = time.monotonic() + REACH_SECONDS
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    late = {
        address: Unavailable(urllib.parse.urlsplit(address).netloc, f"no answer in {REACH_SECONDS:.0f} s")
        for address in addresses
    }
    return {**late, **answers}


def _cause(error: BaseException) -> object:
    """`Name or service not known`, without the two errors that wrap it."""
    inner = getattr(error, "reason", error)
    return getattr(inner, "strerror", None) or inner


def download(tool: Tool, asset: Asset, directory: Path, downloads: Path, progress: Progress) -> None:
    """Downloads a release, verifies it, and unpacks the tool (and its companions) into `directory`.

    Raises:
        NotDownloadedError: it was refused, or failed `ATTEMPTS` times (the received part is kept for the next run).
        ToolError: its digest differs from the publisher's (it is deleted).
    """
    downloads.mkdir(parents=True, exist_ok=True)
    partial = downloads / f"{asset.sha256[:12]}-{asset.name}.partial"
    try:
        _fetch_resumed(tool, asset, partial, progress)
    except (*_TRANSIENT, EOFError) as error:
        came = partial.stat().st_size if partial.exists() else 0
        if isinstance(error, urllib.error.HTTPError):
            reason = f"answers {error.code} {error.reason} for {asset.name}"
        else:
            reason = f"broke off in {asset.name}" if came else f"cannot be reached ({_cause(error)})"
        raise NotDownloadedError(
            f"{asset.address} broke off after {came} bytes: {error}. Run the same command again to resume, "
            "or leave out MLPLATFORM_TOOLCHAIN=download to build it.",
            Unavailable(asset.publisher, reason),
            silent=not came and not isinstance(error, urllib.error.HTTPError),
        ) from error
    digest = _digest(partial)
    if digest != asset.sha256:
        partial.unlink()
        raise ToolError(
            f"{asset.address} has the sha256 {digest}, but its publisher lists {asset.sha256}. It was deleted and "
            "nothing was installed. Run the same command again; if this persists, a mirror or a proxy changes files."
        )
    progress.update(tool.name, "unpacking")
    _unpack(tool, asset, partial, directory)
    partial.unlink()


def _is_transient(error: BaseException) -> bool:
    if isinstance(error, urllib.error.HTTPError):
        return error.code >= http.HTTPStatus.INTERNAL_SERVER_ERROR or error.code == http.HTTPStatus.TOO_MANY_REQUESTS
    return isinstance(error, (*_TRANSIENT, EOFError))


@tenacity.retry(
    retry=tenacity.retry_if_exception(_is_transient),
    stop=tenacity.stop_after_attempt(ATTEMPTS),
    wait=tenacity.wait_exponential(multiplier=0.2, max=5),
    reraise=True,
)
def _fetch_resumed(tool: Tool, asset: Asset, partial: Path, progress: Progress) -> None:
    have = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(asset.address, headers=_range(have))  # noqa: S310 - from pins, or a mirror
    try:
        response = urllib.request.urlopen(request, timeout=READ_SECONDS)  # noqa: S310
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            return  # complete: the digest decides
        raise
    with response:
        resumed = response.status == http.HTTPStatus.PARTIAL_CONTENT
        have = have if resumed else 0
        expected = have + int(response.headers.get("Content-Length") or 0)
        with partial.open("ab" if resumed else "wb") as file:
            while chunk := response.read(CHUNK_BYTES):
                file.write(chunk)
                have += len(chunk)
                progress.update(tool.name, f"downloading: {have / 1e6:.0f} of {expected / 1e6:.0f} MB")
    if have < expected:
        raise EOFError(f"{have} of {expected} bytes came")


def _range(have: int) -> Mapping[str, str]:
    return {"Range": f"bytes={have}-"} if have else {}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _unpack(tool: Tool, asset: Asset, archive: Path, directory: Path) -> None:
    """Extracts the programs by name into one directory, whatever folders (or paths) the archive has."""
    if not asset.name.endswith(".tar.gz"):
        shutil.copyfile(archive, directory / tool.name)
        (directory / tool.name).chmod(0o755)
        return
    with tarfile.open(archive) as tar:
        for member in tar:
            name = Path(member.name).name
            if not member.isfile() or not (name == tool.name or name.startswith(tool.companions or ("\0",))):
                continue
            source = tar.extractfile(member)
            assert source is not None
            with source, (directory / name).open("wb") as target:
                shutil.copyfileobj(source, target)
            (directory / name).chmod(0o755)
    if not (directory / tool.name).is_file():
        raise ToolError(f"{asset.address} holds no program named {tool.name}. Report it: the archive's layout changed.")
