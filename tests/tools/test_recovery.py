"""What is known about a run that is dead, and about one that may not be."""

import os
import subprocess
import sys

import psutil
import pytest

from tools.engine import RUN_VARIABLE
from tools.events import Failure
from tools.recovery import (
    Holder,
    Journal,
    Lock,
    Unfinished,
    began,
    end_processes_of,
    holder,
    locks_named_in,
    new_run,
)

MESSAGE = (
    "the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete the lock file "
    "with `pulumi cancel`.\n  file:///s/.pulumi/locks/organization/mlplatform/dev/4b.json: "
    "created by ann@lab-1.example.org (pid 2861) at 2026-11-21T10:40:00Z"
)
TAKEN = 1795257600.0  # 2026-11-21T10:40:00Z
LOCK = Lock("ann", "lab-1.example.org", 2861, "2026-11-21T10:40:00Z")


def test_a_lock_is_read_from_the_engines_message():
    assert locks_named_in([Failure("", MESSAGE), Failure("", "other")]) == (LOCK,)
    assert locks_named_in([Failure("", "created by ann@x (pid 1) at 2026-11-21T10:40:00Z")]) == ()
    assert str(LOCK) == "ann@lab-1.example.org, process 2861, since 2026-11-21T10:40:00Z"


@pytest.mark.parametrize(
    ("beginning", "expected"),
    [
        (None, Holder.DEAD),
        (TAKEN - 3.0, Holder.ALIVE),
        (TAKEN + 1.0, Holder.ALIVE),
        (TAKEN + 60.0, Holder.DEAD),
    ],
    ids=["no such process", "began before", "clocks differ a little", "the number was given again"],
)
def test_a_lock_is_dead_only_if_its_process_is_surely_gone(beginning, expected):
    assert holder(LOCK, "lab-1.example.org", lambda _: beginning) is expected


def test_a_process_of_another_machine_is_unknown():
    assert holder(LOCK, "lab-2", lambda _: None) is Holder.ELSEWHERE


def test_a_zone_other_than_utc_and_fractions_are_understood():
    lock = Lock("ann", "here", 1, "2026-11-21T12:40:00.5+02:00")
    assert holder(lock, "here", lambda _: TAKEN) is Holder.ALIVE


def test_a_process_that_has_ended_did_not_begin():
    child = subprocess.Popen([sys.executable, "-c", ""])
    while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
        pass
    assert began(child.pid) is None
    child.wait()
    assert began(child.pid) is None
    assert began(os.getpid()) == psutil.Process().create_time()


def test_the_journal_tells_of_a_run_until_it_ends_and_only_its_owner_may_read_it(tmp_path):
    journal = Journal.of(tmp_path, "dev")
    assert journal.read() is None
    entry = Unfinished.now("up", "mark")
    journal.write(entry)
    assert journal.read() == entry
    assert journal.path.stat().st_mode & 0o077 == 0
    journal.end()
    journal.end()
    assert journal.read() is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"operation": "up"}'])
def test_a_torn_journal_counts_as_a_run_of_unknown_kind(tmp_path, text):
    journal = Journal.of(tmp_path, "dev")
    journal.path.parent.mkdir()
    journal.path.write_text(text, encoding="utf-8")
    assert journal.read() == Unfinished("unknown", "", "")


@pytest.mark.parametrize(
    ("operation", "creates"), [("up", True), ("unknown", True), ("refresh", False), ("destroy", False)]
)
def test_a_run_may_have_created_objects_unless_its_operation_creates_none(operation, creates):
    assert Unfinished.now(operation, "mark").creates is creates


def test_only_the_processes_of_the_dead_run_are_ended():
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    mark = new_run()
    of_the_run = subprocess.Popen(sleep, env={**os.environ, RUN_VARIABLE: mark})
    of_another = subprocess.Popen(sleep, env={**os.environ, RUN_VARIABLE: new_run()})
    try:
        ended = end_processes_of(mark)
        assert len(ended) == 1
        assert not psutil.pid_exists(of_the_run.pid)
        assert of_another.poll() is None
        assert end_processes_of("") == []
    finally:
        of_another.kill()
        of_another.wait()
