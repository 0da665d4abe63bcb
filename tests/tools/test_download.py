"""Downloads from a mirror on loopback: verified, resumed, refused."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import tenacity

from tests.tools.support import Mirror, archive
from tools import download
from tools.download import Asset, Unavailable, assets, find_digest, mirrored
from tools.errors import ToolError
from tools.pins import ETCD, PULUMI, TOOL_BY_NAME, TOOLS
from tools.progress import Silent
from tools.store import HostPlatform

LINUX = HostPlatform("linux", "amd64")
KUBECTL = TOOL_BY_NAME["kubectl"]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries follow at once."""
    monkeypatch.setattr(download._fetch_resumed.retry, "wait", tenacity.wait_none())


@pytest.fixture
def target(tmp_path: Path) -> Path:
    directory = tmp_path / "tool"
    directory.mkdir()
    return directory


def take(mirror: Mirror, tool_name: str, target: Path) -> None:
    tool = TOOL_BY_NAME[tool_name]
    asset = assets([tool], LINUX, mirror.base)[tool_name]
    assert isinstance(asset, Asset)
    download.download(tool, asset, target, target.parent / "downloads", Silent())


def test_a_mirror_keeps_each_file_under_its_official_host_and_path() -> None:
    assert mirrored("https://dl.k8s.io/v1/a", "http://mirror/x/") == "http://mirror/x/dl.k8s.io/v1/a"
    assert mirrored("https://dl.k8s.io/v1/a", None) == "https://dl.k8s.io/v1/a"


def test_a_program_is_downloaded_and_made_executable(mirror: Mirror, target: Path) -> None:
    mirror.publish(KUBECTL, b"the program")

    take(mirror, "kubectl", target)

    assert [(path.name, path.read_bytes()) for path in target.iterdir()] == [("kubectl", b"the program")]
    assert (target / "kubectl").stat().st_mode & 0o111
    assert list((target.parent / "downloads").iterdir()) == []


def test_an_archive_gives_the_tool_and_its_companions_and_nothing_else(mirror: Mirror, target: Path) -> None:
    packed = archive(
        PULUMI, b"engine", companions=("pulumi-language-python", "pulumi-language-python-exec", "pulumi-x")
    )
    mirror.publish(PULUMI, packed)

    take(mirror, "pulumi", target)

    assert {path.name for path in target.iterdir()} == {
        "pulumi",
        "pulumi-language-python",
        "pulumi-language-python-exec",
    }


def test_an_archive_without_the_tool_is_refused(mirror: Mirror, target: Path) -> None:
    mirror.publish(ETCD, archive(PULUMI, b"engine"))

    with pytest.raises(ToolError, match="holds no program named etcd"):
        take(mirror, "etcd", target)


def test_a_wrong_checksum_is_an_error_that_names_both_and_nothing_stays(mirror: Mirror, target: Path) -> None:
    mirror.publish(KUBECTL, b"changed on the way", digest="ab" * 32)

    with pytest.raises(ToolError) as refused:
        take(mirror, "kubectl", target)

    assert "ab" * 32 in refused.value.message
    assert hashlib.sha256(b"changed on the way").hexdigest() in refused.value.message
    assert list(target.iterdir()) == []
    assert list((target.parent / "downloads").iterdir()) == []


def test_a_connection_that_breaks_is_taken_up_where_it_broke(mirror: Mirror, target: Path) -> None:
    path = mirror.publish(KUBECTL, b"0123456789")
    mirror.break_after[path] = 4

    take(mirror, "kubectl", target)

    assert (target / "kubectl").read_bytes() == b"0123456789"
    ranges = [asked for requested, asked in mirror.requests if requested == path]
    assert ranges == [None, "bytes=4-", "bytes=8-"]


def test_what_came_before_a_lasting_break_is_kept_for_the_next_run(mirror: Mirror, target: Path) -> None:
    path = mirror.publish(KUBECTL, bytes(100))
    mirror.break_after[path] = 10

    with pytest.raises(ToolError, match=r"broke off after 50 bytes.*Run the same command again to resume"):
        take(mirror, "kubectl", target)
    assert list(target.iterdir()) == []

    del mirror.break_after[path]
    take(mirror, "kubectl", target)
    assert (target / "kubectl").read_bytes() == bytes(100)
    assert mirror.requests[-1] == (path, "bytes=50-")


def test_a_file_that_was_complete_but_not_yet_unpacked_is_not_fetched_again(mirror: Mirror, target: Path) -> None:
    path = mirror.publish(KUBECTL, b"0123456789")
    asset = assets([KUBECTL], LINUX, mirror.base)["kubectl"]
    assert isinstance(asset, Asset)
    downloads = target.parent / "downloads"
    downloads.mkdir()
    (downloads / f"{asset.sha256[:12]}-kubectl.partial").write_bytes(b"0123456789")

    take(mirror, "kubectl", target)

    assert (target / "kubectl").read_bytes() == b"0123456789"
    assert (path, None) not in mirror.requests


def test_a_release_that_is_not_on_the_mirror_is_unavailable_with_the_reason(mirror: Mirror) -> None:
    found = assets(TOOLS, LINUX, mirror.base)

    host = mirror.base.removeprefix("http://")
    assert found == {tool.name: Unavailable(host, "answers 404 Not Found") for tool in TOOLS}


def test_a_mirror_that_does_not_exist_is_unavailable_at_once() -> None:
    found = assets([KUBECTL], LINUX, "http://127.0.0.1:9")["kubectl"]

    assert isinstance(found, Unavailable)
    assert found == Unavailable("127.0.0.1:9", "cannot be reached (Connection refused)")


def test_a_platform_without_a_release_is_unavailable_without_asking(mirror: Mirror) -> None:
    found = assets([ETCD], HostPlatform("darwin", "arm64"), mirror.base)

    assert found == {"etcd": Unavailable("etcd", "not published for darwin/arm64")}
    assert mirror.requests == []


def test_a_checksum_list_without_the_file_makes_it_unavailable(mirror: Mirror) -> None:
    mirror.publish(ETCD, b"")
    listed = mirror.path(ETCD.release.checksums.format(version=ETCD.version))
    mirror.files[listed] = b"00  another.tar.gz\n"

    found = assets([ETCD], LINUX, mirror.base)["etcd"]

    assert isinstance(found, Unavailable)
    assert found.reason.startswith(f"names no digest of {mirror.base}/github.com/etcd-io/")


def test_reasons_are_joined_each_once() -> None:
    unreached = [Unavailable(host, "cannot be reached") for host in ("github.com", "dl.k8s.io", "github.com")]

    assert download.joined_reasons([*unreached, Unavailable("etcd", "not published for darwin/arm64")]) == (
        "dl.k8s.io, github.com: cannot be reached; etcd: not published for darwin/arm64"
    )
    assert download.joined_reasons([]) == ""


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        ("abc123", "abc123"),
        ("abc123  tool.tar.gz", "abc123"),
        ("000  other\nabc123 *tool.tar.gz\n", "abc123"),
        ("000  other\nabc123  ./tool.tar.gz\n", "abc123"),
        ("000  not-tool.tar.gz\n", None),
        (json.dumps({"assets": [{"name": "tool.tar.gz", "digest": "sha256:abc123"}]}), "abc123"),
        (json.dumps({"assets": [{"name": "tool.tar.gz", "digest": None}]}), None),
        (json.dumps({"message": "not found"}), None),
    ],
)
def test_a_digest_is_read_from_each_kind_of_checksum_file(text: str, digest: str | None) -> None:
    assert find_digest(text, "tool.tar.gz") == digest
