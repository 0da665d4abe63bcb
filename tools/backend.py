"""Where the state of a stack is stored, and how its secrets are encrypted.

Unless the user chooses a backend, the state is in a private directory of this checkout below the user's state
directory: it survives `git clean` and a deleted checkout (a new checkout at the same path finds it), and two checkouts
never share it. A choice takes precedence, in the engine's order: PULUMI_BACKEND_URL, `backend.url` in Pulumi.yaml,
`pulumi login`.

Secrets are encrypted with a passphrase that is generated once per state directory and never shown. The user's
PULUMI_CONFIG_PASSPHRASE(_FILE) takes precedence, and so does a `secretsprovider` in Pulumi.<stack>.yaml.
The engine would write its salt into that file, different in every checkout. The state contains the salt too, and the
engine reads it from there (PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER); `settings_copy` gives the engine a copy to write
to, so the committed file does not change.
"""

import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from simulator.home import home_directory

PRIVATE_DIRECTORY_MODE = 0o700
PRIVATE_FILE_MODE = 0o600
# Backends that keep the state in a bucket or a database of the user, and so include no secrets provider.
_SELF_MANAGED_SCHEMES = frozenset({"file", "s3", "gs", "azblob", "postgres", "postgresql"})
_SALT = "encryptionsalt"


@dataclass(frozen=True)
class Backend:
    """A Pulumi backend and how it was chosen."""

    url: str
    chosen_by: str
    """`PULUMI_BACKEND_URL`, `Pulumi.yaml`, `pulumi login` or `default`."""

    @property
    def self_managed(self) -> bool:
        """State in a file, bucket or database: locks are files and the engine rewrites the state at each step."""
        return urlsplit(self.url).scheme in _SELF_MANAGED_SCHEMES

    @property
    def is_file(self) -> bool:
        """State in a directory of this machine."""
        return urlsplit(self.url).scheme == "file"

    @property
    def path(self) -> Path:
        """The directory of a file backend, with `~` resolved as the engine does."""
        return Path(self.url.removeprefix("file://").split("?")[0]).expanduser()

    def remove_torn_attributes(self) -> None:
        """Removes attribute files (`<file>.attrs`) of a file backend that a killed engine left empty or incomplete.

        The engine writes each of them in place, so a kill at that moment leaves one that every later command fails to
        read ("error: EOF"). They contain a content type and a checksum that nothing verifies; none is needed.
        """
        for path in (self.path / ".pulumi").rglob("*.attrs") if self.is_file else ():
            with contextlib.suppress(FileNotFoundError):  # another stack's run removes its file
                try:
                    json.loads(path.read_bytes())
                except ValueError:
                    path.unlink()

    def unlocked(self, stack: str) -> bool:
        """Whether no run holds the lock of the stack. Only file backends can be checked."""
        return self.is_file and not any((self.path / ".pulumi" / "locks").glob(f"*/*/{stack}/*.json"))


def checkout_name(project: Path) -> str:
    """A name for this checkout, unique on this machine: `mlplatform-1a2b3c4d`."""
    path = project.resolve()
    digest = hashlib.sha256(str(path).encode()).hexdigest()[:8]
    readable = re.sub(r"[^a-z0-9]+", "-", path.name.lower()).strip("-") or "checkout"
    return f"{readable[:20]}-{digest}"


def cluster_name(project: Path, stack: str) -> str:
    """The simulated cluster of a stack of this checkout: two checkouts never share one."""
    return f"{stack[:24]}-{checkout_name(project).rsplit('-', 1)[-1]}"


def state_directory(project: Path) -> Path:
    """The private directory of this checkout for state, passphrase, logs and journals. Not created here."""
    return home_directory() / "checkouts" / checkout_name(project)


def prepare(directory: Path) -> Path:
    """Creates a directory that only its owner can access, if it is missing, and returns it."""
    directory.mkdir(mode=PRIVATE_DIRECTORY_MODE, parents=True, exist_ok=True)
    directory.chmod(PRIVATE_DIRECTORY_MODE)
    return directory


def write_private(path: Path, text: str) -> None:
    """Writes a file that only its owner can read, atomically."""
    prepare(path.parent)
    draft = path.with_name(f"{path.name}.{os.getpid()}.part")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE_MODE), "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


def choose_backend(project: Path, state: Path, environ: Mapping[str, str] = os.environ) -> Backend:
    """The backend that the engine would use, else the directory of this checkout."""
    default = f"file://{state / 'backend'}"
    if url := environ.get("PULUMI_BACKEND_URL"):
        # In a shell that has run `eval "$(python -m tools env)"` the default looks like a choice.
        return Backend(url, "default" if url == default else "PULUMI_BACKEND_URL")
    settings = _yaml(project / "Pulumi.yaml")
    chosen = settings.get("backend")
    if isinstance(chosen, dict) and chosen.get("url"):
        return Backend(str(chosen["url"]), "Pulumi.yaml")
    if url := _login(environ):
        return Backend(url, "pulumi login")
    return Backend(default, "default")


def _login(environ: Mapping[str, str]) -> str:
    home = environ.get("PULUMI_CREDENTIALS_PATH") or environ.get("PULUMI_HOME") or Path.home() / ".pulumi"
    try:
        return str(json.loads((Path(home) / "credentials.json").read_text(encoding="utf-8")).get("current") or "")
    except (OSError, ValueError, AttributeError):
        return ""


def passphrase_file(state: Path) -> Path:
    """The file with the passphrase of this state directory; generated if it is missing."""
    path = state / "passphrase"
    if not path.exists():
        write_private(path, secrets.token_urlsafe(32) + "\n")
    return path


def secrets_environment(
    project: Path, stack: str, state: Path, backend: Backend, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Environment that the engine needs to encrypt and decrypt; `{}` if the user or the backend provides it.

    An empty PULUMI_CONFIG_PASSPHRASE counts as unset: it would store secrets almost in clear text. A salt in the
    settings file does not matter: plain `pulumi` writes it there, and it belongs to the same passphrase.
    """
    if not backend.self_managed or own_secrets_provider(project, stack):
        return {}
    variables = {"PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true"}
    if not (environ.get("PULUMI_CONFIG_PASSPHRASE") or environ.get("PULUMI_CONFIG_PASSPHRASE_FILE")):
        variables["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(passphrase_file(state))
    return variables


def own_secrets_provider(project: Path, stack: str) -> bool:
    """The stack's settings file names a secrets provider other than a passphrase."""
    provider = _yaml(settings_file(project, stack)).get("secretsprovider")
    return provider not in {None, "", "default", "passphrase"}


def settings_file(project: Path, stack: str) -> Path:
    """Pulumi.<stack>.yaml."""
    return project / f"Pulumi.{stack}.yaml"


def settings_copy(
    project: Path, stack: str, state: Path, backend: Backend, edit: Callable[[str], str] | None = None
) -> Path | None:
    """A new copy of Pulumi.<stack>.yaml for the engine to write its salt to; None if the engine may use the file
    itself.

    `edit` changes the text of the copy. The salt of the last copy is kept: without it the engine reads the whole state
    a second time to find it (1.3 s).
    """
    if edit is None and (not backend.self_managed or own_secrets_provider(project, stack)):
        return None
    original = settings_file(project, stack)
    text = original.read_text(encoding="utf-8") if original.exists() else ""
    text = edit(text) if edit else text
    copy = prepare(state / "settings") / original.name
    if (salt := _yaml(copy).get(_SALT)) and not re.search(rf"^{_SALT}:", text, re.MULTILINE):
        text = f"{text.rstrip()}\n{_SALT}: {salt}\n"
    write_private(copy, text)
    return copy


def forget_salt(project: Path, stack: str, state: Path) -> None:
    """For a stack that is created again: it gets another salt."""
    (state / "settings" / settings_file(project, stack).name).unlink(missing_ok=True)


def remove_state(state: Path) -> None:
    """Removes everything that this checkout stores outside of it."""
    shutil.rmtree(state, ignore_errors=True)
    with contextlib.suppress(OSError):  # the parent is removed with the last checkout
        state.parent.rmdir()


def _yaml(path: Path) -> dict[str, object]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return content if isinstance(content, dict) else {}
