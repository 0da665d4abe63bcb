"""Directories of the cache appear whole or not at all."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from tools.errors import ToolError
from tools.pins import PULUMI
from tools.progress import Silent
from tools.store import Store, Way, cache_root, link


def test_the_cache_is_outside_the_checkout_and_a_variable_moves_it(tmp_path: Path) -> None:
    assert cache_root({"MLPLATFORM_CACHE": str(tmp_path)}) == tmp_path
    assert not cache_root({}).is_relative_to(Path(__file__).parents[2])
    assert cache_root({}).name == "mlplatform"


def test_a_build_is_kept_by_its_recipe_and_a_download_by_its_version(tmp_path: Path) -> None:
    store = Store(tmp_path)

    assert store.directory(PULUMI, Way.BUILD, "aaa") != store.directory(PULUMI, Way.BUILD, "bbb")
    assert store.directory(PULUMI, Way.DOWNLOAD, "aaa") == store.directory(PULUMI, Way.DOWNLOAD, "bbb")
    assert PULUMI.version in store.directory(PULUMI, Way.DOWNLOAD, "").name


def test_a_directory_appears_when_it_is_finished(tmp_path: Path) -> None:
    store, wanted = Store(tmp_path), tmp_path / "tools" / "x"

    with store.becoming(wanted) as (directory, scratch):
        (directory / "program").write_text("whole")
        (scratch / "waste").write_text("")
        assert not wanted.exists()

    assert [path.name for path in wanted.iterdir()] == ["program"]
    assert list((tmp_path / "staging").iterdir()) == []


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, ValueError])
def test_an_interruption_leaves_nothing(tmp_path: Path, interruption: type[BaseException]) -> None:
    store, wanted = Store(tmp_path), tmp_path / "tools" / "x"

    def begin() -> None:
        with store.becoming(wanted) as (directory, _):
            (directory / "program").write_text("half")
            raise interruption

    with pytest.raises(interruption):
        begin()

    assert not wanted.exists()
    assert list((tmp_path / "staging").iterdir()) == []


def test_where_another_process_was_quicker_its_directory_stays(tmp_path: Path) -> None:
    store, wanted = Store(tmp_path), tmp_path / "tools" / "x"

    with store.becoming(wanted) as (directory, _):
        (directory / "program").write_text("mine")
        wanted.mkdir(parents=True)
        (wanted / "program").write_text("theirs")

    assert (wanted / "program").read_text() == "theirs"


def test_what_a_killed_installation_left_is_cleared_by_the_next_one(tmp_path: Path) -> None:
    left = tmp_path / "staging" / "killed" / "half"
    left.mkdir(parents=True)

    with Store(tmp_path).installing(Silent()):
        assert not left.exists()


def test_a_second_installation_says_that_it_waits_and_then_goes_on(tmp_path: Path) -> None:
    class Notes(Silent):
        def __init__(self) -> None:
            self.notes: list[str] = []
            self.told = threading.Event()

        def note(self, text: str) -> None:
            self.notes.append(text)
            self.told.set()

    order: list[str] = []
    waiting = Notes()

    def second() -> None:
        with Store(tmp_path).installing(waiting):
            order.append("second")

    thread = threading.Thread(target=second)
    with Store(tmp_path).installing(Silent()):
        thread.start()
        assert waiting.told.wait(10)
        order.append("first")
    thread.join(10)

    assert order == ["first", "second"]
    assert waiting.notes == [f"Another installation is writing to {tmp_path}; waiting for it."]


def test_a_cache_that_cannot_be_made_is_an_error_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ToolError, match="MLPLATFORM_CACHE"), Store(tmp_path / "file" / "cache").installing(Silent()):
        pass


def test_a_link_is_the_same_file_and_a_copy_where_links_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    source.write_text("x")
    source.chmod(0o755)

    link(source, tmp_path / "linked")
    monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError("no links here")))
    link(source, tmp_path / "copied")

    assert (tmp_path / "linked").samefile(source)
    assert not (tmp_path / "copied").samefile(source)
    assert (tmp_path / "copied").read_text() == "x"
    assert os.access(tmp_path / "copied", os.X_OK)
