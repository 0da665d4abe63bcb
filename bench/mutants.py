"""Faults planted one by one in the code, and whether its tests find them: `python bench/mutants.py --run`.

`bench/mutants.json` is the list: file, function, source line, what it becomes, tests that are run, result. A mutant is
found by its function and line, also after its function has moved to another module. `--propose` writes a new list.
`bench/engine_faults.json` are faults that tests on the real engine find: `--run --engine`, with the file changed.
Mutants of `mutants.json` change no file: each is planted in a forked process. Killed: a test fails or takes too long.
"""

import argparse
import ast
import contextlib
import gc
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pulumi_aws  # noqa: F401 - forked processes have the SDKs
import pulumi_gcp  # noqa: F401
import pulumi_kubernetes  # noqa: F401
import pytest

REPOSITORY = Path(__file__).parents[1]
LIST = Path(__file__).with_suffix(".json")
ENGINE_LIST = Path(__file__).with_name("engine_faults.json")
PACKAGES = ("components", "policies", "settings", "stacks", "tools")
SECONDS = 300
COMPARISONS = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.In: (" in ", " not in "),
    ast.NotIn: (" not in ", " in "),
    ast.Is: (" is ", " is not "),
    ast.IsNot: (" is not ", " is "),
}
OPTIONS = ("depends_on", "protect", "retain_on_delete", "delete_before_replace", "ignore_changes")

OF_THE_LIFECYCLE = ("engine.py", "events.py", "leftovers.py", "lifecycle.py", "recovery.py", "run.py", "transient.py")
TESTS_OF_TOOLS = [f"tests/tools/test_{name}" for name in OF_THE_LIFECYCLE if name != "run.py"]

Mutant = dict[str, Any]


def functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.FunctionDef]]:
    """Qualified name -> function, innermost last."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            name = f"{prefix}{node.name}"
            if not isinstance(node, ast.ClassDef):
                yield name, node
            yield from functions(node, f"{name}.")


def changes(node: ast.AST, line: str) -> Iterator[tuple[str, str]]:
    """(operator, changed line) for a node that stands on one line."""
    start, end = node.col_offset, node.end_col_offset  # type: ignore[attr-defined]

    def with_text(text: str) -> str:
        return line[:start] + text + line[end:]

    text = line[start:end]
    match node:
        case ast.Compare(ops=[op]) if type(op) in COMPARISONS:
            old, new = COMPARISONS[type(op)]
            if text.count(old) == 1:
                yield "comparison", with_text(text.replace(old, new))
        case ast.BoolOp(op=op):
            old, new = (" and ", " or ") if isinstance(op, ast.And) else (" or ", " and ")
            if text.count(old) == 1:
                yield "and/or", with_text(text.replace(old, new))
        case ast.UnaryOp(op=ast.Not()):
            yield "not", with_text(text.removeprefix("not "))
        case ast.Constant(value=bool(value)):
            yield "constant", with_text(str(not value))
        case ast.Constant(value=int(value)):
            yield "constant", with_text(str(value + 1))
        case ast.keyword(arg=str(name)) if name in OPTIONS:
            yield "option", with_text(f"{name}={'False' if text.endswith('True') else 'None'}")


def candidates(path: Path) -> Iterator[Mutant]:
    """Every mutant of a module. Each changes one line."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    for name, function in functions(ast.parse(text)):
        for node in [each for statement in function.body for each in ast.walk(statement)]:
            first = getattr(node, "lineno", 0)
            if not first:
                continue
            line = lines[first - 1]
            found = list(changes(node, line)) if first == getattr(node, "end_lineno", 0) and line.isascii() else []
            of_one = isinstance(node, ast.Yield) and not isinstance(node.value, ast.Tuple)
            if of_one and line.strip().startswith("yield "):
                found.append(("no finding", line.replace("yield ", "yield from () and ", 1)))
            if isinstance(node, ast.YieldFrom) and line.strip().startswith("yield from "):
                found.append(("no finding", line.replace("yield from ", "yield from () and ", 1)))
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and line.strip().startswith('"'):
                key = line.strip().removesuffix(",")
                with contextlib.suppress(SyntaxError):
                    if line.strip().endswith(",") and isinstance(ast.parse(f"{{{key}}}", mode="eval").body, ast.Dict):
                        found.append(("key", line.replace(line.strip(), "")))
            for operator, changed in found:
                yield {
                    "file": str(path.relative_to(REPOSITORY)),
                    "function": name,
                    "line": line.strip(),
                    "becomes": changed.strip(),
                    "operator": operator,
                }


def digest(mutant: Mutant) -> str:
    """An order that mixes all, and stays: a run that is cut short has met something of everything."""
    return hashlib.sha256("".join(mutant[key] for key in ("file", "function", "line", "becomes")).encode()).hexdigest()


def mirrored(file: str) -> str:
    """The test file of a module."""
    return str(Path("tests", file).with_name(f"test_{Path(file).name}"))


def tests_of(file: str) -> list[str]:
    """The mirrored test file, else those of its folder."""
    if (REPOSITORY / mirrored(file)).exists():
        return [mirrored(file)]
    if file.startswith("tools/"):
        return TESTS_OF_TOOLS
    return [folder_of(file)]


def tests_now(mutant: Mutant) -> list[str]:
    """Its tests; where they have moved, those of the module in which its line stands now."""
    if all((REPOSITORY / test).exists() for test in mutant["tests"]):
        return list(mutant["tests"])
    where = places(mutant, REPOSITORY)
    return tests_of(str(where[0][0].relative_to(REPOSITORY)) if where else mutant["file"])


def folder_of(file: str) -> str:
    """The folder of tests that is nearest to a module's own."""
    return str(next(each for each in Path(mirrored(file)).parents if list((REPOSITORY / each).glob("test_*.py"))))


def wider(file: str) -> list[str]:
    """What else might find what the mirrored tests do not: the folder, and what every component keeps."""
    return [folder_of(file), *(["tests/components/test_contract.py"] * file.startswith("components/"))]


def places(mutant: Mutant, root: Path) -> list[tuple[Path, int]]:
    """Where its line stands in its function: in its file, else in any module that has them."""
    own = root / mutant["file"]
    everywhere = sorted(p for package in PACKAGES for p in (root / package).rglob("*.py"))
    for paths in ([own] if own.exists() else [], everywhere):
        found = []
        for path in paths:
            text = path.read_text(encoding="utf-8")
            if mutant["line"] not in text:
                continue
            lines = text.splitlines()
            for name, function in functions(ast.parse(text)):
                if name.rsplit(".")[-1] != mutant["function"].rsplit(".")[-1]:
                    continue
                for number in range(function.lineno, function.end_lineno + 1):  # type: ignore[attr-defined]
                    if lines[number - 1].strip() == mutant["line"] and (path, number) not in found:
                        found.append((path, number))
        if found:
            return found
    return []


def propose(count: int) -> list[Mutant]:
    """Spread over modules and functions: at most one of a line; the same list for the same code."""
    skipped = ("/__main__.py", "tools/verify_", "tools/prices", "tools/upstream")
    by_file: dict[str, list[Mutant]] = {}
    for package in PACKAGES:
        for path in sorted((REPOSITORY / package).rglob("*.py")):
            file = str(path.relative_to(REPOSITORY))
            if any(each in file for each in skipped) or (package == "tools" and path.name not in OF_THE_LIFECYCLE):
                continue
            found = {(m["function"], m["line"], m["becomes"]): m for m in candidates(path)}
            ordered = sorted(found.values(), key=digest)
            one_of_a_line = list({m["line"]: m for m in reversed(ordered)}.values())[::-1]
            wanted = (
                4 if "validation" in file or package in ("policies", "tools") else 3 if len(one_of_a_line) > 40 else 1
            )
            chosen, functions_of = [], Counter[tuple[str, str]]()
            for mutant in one_of_a_line:
                key = (mutant["function"], mutant["operator"])
                if len(chosen) < wanted and not functions_of[key] and len(places(mutant, REPOSITORY)) == 1:
                    functions_of[key] += 1
                    chosen.append(mutant)
            by_file[file] = chosen
    rows = [mutant for chosen in by_file.values() for mutant in chosen][: count or None]
    return [{**mutant, "tests": tests_of(mutant["file"])} for mutant in rows]


class Planting:
    """A pytest plugin: in place of one run of the collected tests, one forked run for each mutant.

    The mutated module is compiled, and functions that exist take their new code: nothing is imported again. What a
    module computed when it was imported stays as it was.
    """

    def __init__(self, mutants: list[Mutant], key: str, stop: float) -> None:
        self.mutants, self.key, self.stop = mutants, key, stop
        self.failed = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keeps the first test that failed."""
        if report.failed and not self.failed:
            self.failed = report.nodeid

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Without a mutant first: tests that fail then say nothing about mutants."""
        result, by, seconds = self.forked(session, None, 3 * SECONDS)
        say(f"{len(session.items)} tests of {' '.join(tests_now(self.mutants[0]))}: {result} {by} {seconds:.0f} s")
        if result == "killed":
            return True
        for mutant in self.mutants:
            if time.time() > self.stop:
                break
            where = places(mutant, REPOSITORY)
            result, by, seconds = self.forked(session, mutant, SECONDS) if where else ("gone", "", 0)
            say(f"{result} {seconds:.0f} s {mutant['file']} {by}")
            keep(mutant, self.key, {"result": result, "by": by})
        return True

    def forked(self, session: pytest.Session, mutant: Mutant | None, seconds: float) -> tuple[str, str, float]:
        """`killed` or `survived`, the test that failed, and how long it took."""
        began = time.monotonic()
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            os.setsid()
            if mutant and not plant(mutant):
                os.write(writer, b"not reached by the imports of these tests")
                os._exit(0)
            for item, following in zip(session.items, [*session.items[1:], None], strict=True):
                session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                if self.failed:
                    break
            os.write(writer, self.failed.encode())
            os._exit(1 if self.failed else 0)
        os.close(writer)
        while time.monotonic() - began < seconds:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                by = os.read(reader, 10_000).decode()
                os.close(reader)
                return "killed" if status else "survived", by, time.monotonic() - began
            time.sleep(0.05)
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reader)
        return "killed", f"took more than {seconds:.0f} s", seconds


def plant(mutant: Mutant) -> int:
    """Gives every function that exists its code of the mutated module. Returns how many there were."""
    path, number = places(mutant, REPOSITORY)[0]
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[number - 1] = lines[number - 1].replace(mutant["line"], mutant["becomes"])
    waiting, codes = [compile("\n".join(lines), str(path), "exec")], {}
    while waiting:
        code = waiting.pop()
        codes[code.co_qualname, code.co_firstlineno] = code
        waiting += [each for each in code.co_consts if isinstance(each, CodeType)]
    gc.unfreeze()  # what is frozen (tests/conftest.py) is not among the objects
    planted = 0
    for function in [each for each in gc.get_objects() if isinstance(each, FunctionType)]:
        old = function.__code__
        new = codes.get((old.co_qualname, old.co_firstlineno)) if old.co_filename == str(path) else None
        if new and new != old and new.co_freevars == old.co_freevars:
            function.__code__ = new
            planted += 1
    return planted


def run(mutants: list[Mutant], key: str, stop: float) -> None:
    """Runs what has no result under this key yet: one process for all that have the same tests."""
    groups: dict[tuple[str, ...], list[Mutant]] = {}
    for mutant in mutants:
        groups.setdefault(tuple(tests_now(mutant)), []).append(mutant)
    os.chdir(REPOSITORY)
    sys.path.insert(0, str(REPOSITORY))
    for tests, group in groups.items():
        child = os.fork()
        if not child:
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 1)
            options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--hypothesis-seed=0"]
            pytest.main([*options, *tests], plugins=[Planting(group, key, stop)])
            os._exit(0)
        os.waitpid(child, 0)


def run_whole(faults: list[Mutant], key: str, stop: float) -> None:
    """Engine tests: the file is changed, for the programs and policy packs that the engine starts, and restored."""
    for fault in faults:
        if time.time() > stop:
            break
        where = places(fault, REPOSITORY)
        if not where:
            keep(fault, key, {"result": "gone", "by": ""})
            continue
        path, number = where[0]
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines(keepends=True)
        lines[number - 1] = lines[number - 1].replace(fault["line"], fault["becomes"])
        began = time.monotonic()
        try:
            path.write_text("".join(lines), encoding="utf-8")
            command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
            environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
            answer = subprocess.run(
                [*command, *fault["tests"]],
                cwd=REPOSITORY,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            path.write_text(text, encoding="utf-8")
        failed = [line for line in answer.stdout.splitlines() if line.startswith(("FAILED", "ERROR", "E  "))]
        prepared = not any(line.startswith("ERROR") for line in failed)
        result = {0: "survived", 1: "killed" if prepared else "not run"}.get(answer.returncode, "not run")
        say(f"{result} {time.monotonic() - began:.0f} s {fault['fault']}: {failed[:1]}")
        keep(fault, key, {"result": result, "by": next(iter(failed), "").strip()[:160]})


def say(line: str) -> None:
    """Standard output is pytest's."""
    print(line, file=sys.stderr, flush=True)


def keep(mutant: Mutant, key: str, result: dict[str, str]) -> None:
    """Writes a result into the list."""
    path = ENGINE_LIST if "fault" in mutant else LIST
    rows = load(path)
    for row in rows:
        if digest(row) == digest(mutant):
            row[key] = result
    save(rows, path)


def load(path: Path = LIST) -> list[Mutant]:
    """The list."""
    rows: list[Mutant] = json.loads(path.read_text(encoding="utf-8"))
    return rows


def save(rows: list[Mutant], path: Path = LIST) -> None:
    """Writes the list."""
    path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """One of: a new list, a run, the sums."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--propose", type=int, metavar="COUNT", help="write a new list; 0: as many as the spread gives")
    parser.add_argument("--run", action="store_true", help="run what has no result under --as yet")
    parser.add_argument("--engine", action="store_true", help=f"the faults of {ENGINE_LIST.name}; minutes for each")
    parser.add_argument("--as", dest="key", default="now", help="under which name results are kept")
    parser.add_argument("--minutes", type=float, default=600, help="begin no mutant after that")
    parser.add_argument("--wider", action="store_true", help="run those that survived once more, with more tests")
    parser.add_argument("--only", default="", help="only mutants of files with this in their path")
    options = parser.parse_args()
    if options.propose is not None:
        save(propose(options.propose))
    path = ENGINE_LIST if options.engine else LIST
    rows = load(path)
    if options.run:
        chosen = [row for row in rows if options.key not in row and options.only in row["file"]]
        if options.wider:
            survived = [row for row in rows if row.get(options.key, {}).get("result") == "survived"]
            chosen = [{**row, "tests": wider(row["file"])} for row in survived]
        (run_whole if options.engine else run)(chosen, options.key, time.time() + 60 * options.minutes)
        rows = load(path)
    print(len(rows), "mutants;", dict(Counter(row.get(options.key, {}).get("result", "not run") for row in rows)))
    for row in rows:
        if row.get(options.key, {}).get("result") == "survived":
            print(f"survived: {row['file']} {row['function']}\n  {row['line']}\n  {row['becomes']}")


if __name__ == "__main__":
    main()
