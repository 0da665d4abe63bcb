"""Private files, and a folder that is kept while another process removes it."""

import os
import stat
from pathlib import Path

import pytest

from simulator import files


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    folder = tmp_path / "dev"
    files.write_private(folder / "state" / "objects", "kept")
    (folder / "link").symlink_to("/nowhere")
    return folder


def test_files_and_folders_belong_to_their_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        files.write_private(tmp_path / "a" / "b" / "key", "secret")
    finally:
        os.umask(before)
    assert mode(tmp_path / "a") == mode(tmp_path / "a" / "b") == 0o700
    assert mode(tmp_path / "a" / "b" / "key") == 0o600
    assert (tmp_path / "a" / "b" / "key").read_text() == "secret"


def test_a_file_that_is_written_again_is_replaced_and_leaves_no_draft(tmp_path: Path) -> None:
    files.write_private(tmp_path / "key", "one")
    (tmp_path / "key.draft").write_text("of a writer that was killed")
    files.write_private(tmp_path / "key", "two")
    assert (tmp_path / "key").read_text() == "two"
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_folder_that_a_failing_block_removes_comes_back(directory: Path) -> None:
    def remove_and_fail() -> None:
        with files.kept(directory):
            (directory / "state" / "objects").unlink()
            (directory / "link").unlink()
            raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        remove_and_fail()
    assert (directory / "state" / "objects").read_text() == "kept"
    assert (directory / "link").readlink() == Path("/nowhere")
    assert [path.name for path in directory.parent.iterdir()] == ["dev"]


def test_what_a_successful_block_does_stays(directory: Path) -> None:
    with files.kept(directory):
        (directory / "state" / "objects").unlink()
    assert not (directory / "state" / "objects").exists()
    assert [path.name for path in directory.parent.iterdir()] == ["dev"]


def test_a_folder_comes_back_after_the_process_was_killed_in_the_block(directory: Path) -> None:
    directory.rename(directory.with_name(".dev.kept"))
    files.restore(directory)
    assert (directory / "state" / "objects").read_text() == "kept"
    assert [path.name for path in directory.parent.iterdir()] == ["dev"]


def test_a_copy_of_a_folder_that_still_exists_is_dropped(directory: Path) -> None:
    (directory.parent / ".dev.kept").mkdir()
    files.restore(directory)
    assert [path.name for path in directory.parent.iterdir()] == ["dev"]
