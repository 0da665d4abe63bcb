"""Files with keys, and files in the same folders: no other user of the computer may read them."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600


def make_private_folder(path: Path) -> None:
    """Creates a folder that only its owner can access, and its parents alike: `Path.mkdir` would leave those open."""
    if not path.parent.exists():
        make_private_folder(path.parent)
    path.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)


def write_private(path: Path, text: str) -> None:
    """Writes a file atomically, readable only by its owner."""
    make_private_folder(path.parent)
    draft = path.with_name(f"{path.name}.draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE), "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


@contextmanager
def kept(directory: Path) -> Iterator[None]:
    """Restores a folder if the block fails, even if the block removed it, as kwokctl does after a failure.

    The copy consists of hard links: it takes no space and almost no time.
    """
    copy = _copy_of(directory)
    forget(directory)
    shutil.copytree(directory, copy, copy_function=os.link, symlinks=True)
    try:
        yield
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        copy.replace(directory)
        raise
    forget(directory)


def restore(directory: Path) -> None:
    """Finishes a `kept` whose process was killed: the folder was removed and not restored."""
    if _copy_of(directory).exists() and not directory.exists():
        _copy_of(directory).replace(directory)
    forget(directory)


def forget(directory: Path) -> None:
    """Removes the copy that a killed `kept` left."""
    shutil.rmtree(_copy_of(directory), ignore_errors=True)


def _copy_of(directory: Path) -> Path:
    return directory.with_name(f".{directory.name}.kept")
