"""Workload kinds: those of the platform are known in one place, and a module that is none is one finding."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import settings
import stacks
from components.findings import Finding, Refused
from settings.kinds import registry
from settings.kinds.registry import KINDS
from settings.reader import from_file, model_from_file
from stacks.addons import more_scraped_ports
from tests.support.settings import overlaid

SETTINGS, STACKS = Path(settings.__file__ or "").parent, Path(stacks.__file__ or "").parent
RIGHT = """
from settings.kinds.base import WorkloadKind
from settings.models.workloads import Workload
class Entry(Workload):
    size: int
    '''How large.'''
class Own(WorkloadKind[Entry]):
    section, model, description = "ownThings", Entry, "Things."
    def findings(self, path, name, workload, pool, settings): return iter(())
    def demand(self, path, name, workload, pool): return []
    def holdings(self, path, name, workload): return []
    def row(self, name, workload): return {"kind": "own"}
    def declare(self, platform): pass
    def scraped_ports(self, settings): return [9400 for _ in self.workloads(settings)]
KIND = Own()
"""
ENTRY = {"team": "vision", "pool": "cpu", "size": 1}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in the place of the checkout; what is imported from it is forgotten."""
    monkeypatch.setattr(registry, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = {*sys.modules}
    yield tmp_path
    for name in {*sys.modules} - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


def findings(name: object, **sections: object) -> list[Finding]:
    with pytest.raises(Refused) as refused:
        from_file(overlaid({"workloadKinds": name, **sections}))
    return list(refused.value.findings)


def test_a_module_of_the_checkout_brings_a_section(checkout: Path) -> None:
    (checkout / "right_kind.py").write_text(RIGHT, encoding="utf-8")
    good = overlaid({"workloadKinds": ["right_kind"], "ownThings": {"it": ENTRY}})
    read = from_file(good)
    assert [(path, one.size) for path, _, one in read.workloads() if path.startswith("own")] == [("ownThings.it", 1)]  # type: ignore[attr-defined]
    assert 9400 in more_scraped_ports(read)
    assert model_from_file(good) is type(read), "one model for the same kinds"
    [wrong] = findings(["right_kind"], ownThings={"it": {**ENTRY, "sise": 1}})
    assert (wrong.path, wrong.remedy) == ("ownThings.it.sise", "did you mean size?")


def test_the_section_of_a_kind_that_is_not_registered_is_an_unknown_key(checkout: Path) -> None:
    assert [one.path for one in findings([], ownThings={"it": ENTRY})] == ["ownThings"]
    (checkout / "right_kind.py").write_text(RIGHT, encoding="utf-8")
    assert [one.path for one in findings(["right_kind"], theirThings={"it": ENTRY})] == ["theirThings"]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("KIND = 1", "subclass of WorkloadKind"),
        ("", "subclass of WorkloadKind"),
        ("def", "SyntaxError"),
        ("import no_such_module_at_all", "ModuleNotFoundError"),
        ("raise ValueError('the reason')", "ValueError: the reason"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        (RIGHT.replace("    def holdings(self, path, name, workload): return []\n", ""), "abstract method"),
        (RIGHT.replace('"ownThings"', '"own things"'), "a key like modelServers"),
        (RIGHT.replace('"ownThings"', '"training"'), "training already"),
        (RIGHT.replace('"ownThings"', '"pools"'), "pools already"),
        (RIGHT.replace('"ownThings"', '"ledger"'), "ledger already"),
        (RIGHT.replace('"ownThings", Entry', '"ownThings", int'), "subclass of Workload"),
        (RIGHT.replace("section, model, description", "section, model, text"), "a sentence"),
        (RIGHT.replace("size: int", "size: NoSuchType = 1"), "NoSuchType"),
        (RIGHT.replace("size: int", "size: 'NoSuchType'"), "NoSuchType"),
    ],
)
def test_a_module_that_brings_none_is_one_finding(checkout: Path, source: str, says: str) -> None:
    (checkout / "wrong_kind.py").write_text(source, encoding="utf-8")
    # The section may be meant by what cannot be read, so it is not called unknown.
    [finding] = findings(["wrong_kind"], ownThings={"it": ENTRY})
    assert finding.path == "workloadKinds[0]"
    assert says in f"{finding.value} {finding.rule}"
    with pytest.raises(Refused):
        model_from_file(overlaid({"workloadKinds": ["wrong_kind"]}))


@pytest.mark.parametrize("name", ["antigravity", "os.path", "yaml", "no_such.module", "tests"])
def test_only_files_of_the_checkout_are_imported(checkout: Path, name: str) -> None:
    assert name not in sys.modules or name != "antigravity"
    [finding] = findings([name])
    assert (finding.path, "of this checkout" in finding.rule) == ("workloadKinds[0]", True)
    assert "antigravity" not in sys.modules


def test_a_file_that_is_hidden_by_an_installed_module_is_named_so(checkout: Path) -> None:
    (checkout / "json.py").write_text(RIGHT, encoding="utf-8")
    [finding] = findings(["json"])
    assert "no installed module" in finding.rule


@pytest.mark.parametrize(
    "name", ["../kinds", "/etc/kinds", "a-b", "", "Kinds", ".kinds", "stacks.__main__", 5, "a", ["a"]]
)
def test_what_is_no_list_of_module_names_is_refused_and_nothing_is_imported(checkout: Path, name: object) -> None:
    (checkout / "a.py").write_text("raise SystemExit", encoding="utf-8")
    assert all(one.path.startswith("workloadKinds") for one in findings(name if name == "a" else [name]))


def test_two_modules_share_no_section_and_no_model(checkout: Path) -> None:
    for name in ("first_kind", "second_kind"):
        (checkout / f"{name}.py").write_text(RIGHT, encoding="utf-8")
    assert [one.path for one in findings(["first_kind", "second_kind"])] == ["workloadKinds[1]"]
    (checkout / "third_kind.py").write_text(
        "from first_kind import Entry, Own\nclass Other(Own):\n    section = 'other'\nKIND = Other()", encoding="utf-8"
    )
    [finding] = findings(["first_kind", "third_kind"])
    assert "a class of its own" in finding.rule


def test_no_module_outside_of_the_kinds_knows_one_by_name() -> None:
    """Finds a `match`, an `isinstance` or a section by name, which a kind of a company's own would not reach."""
    known = {kind.field for kind in KINDS} | {kind.section for kind in KINDS} | {kind.model.__name__ for kind in KINDS}
    found = []
    for path in (*SETTINGS.rglob("*.py"), *STACKS.rglob("*.py")):
        if path.parent == SETTINGS / "kinds":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Attribute(attr=name) | ast.Name(id=name) | ast.alias(name=name) | ast.Constant(value=name):
                    found += [f"{path.name}: {name}"] if name in known else []
    assert found == []
