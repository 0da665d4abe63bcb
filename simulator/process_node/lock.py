"""Writes `images/*.txt` from `images/*.in`: every package with the hashes of its wheels. `python -m
simulator.process_node.lock [NAME ...]`, with `uv` on PATH (`pip install uv`).

Only what an image here can use is kept: wheels of CPython 3.11 to 3.13 for Linux on x86_64 and aarch64.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import tomllib
from packaging.markers import Marker, default_environment
from packaging.tags import Tag
from packaging.utils import parse_wheel_filename

from simulator.process_node.images import DATA, PYTHONS

_MACHINES = ("x86_64", "aarch64")
_ENVIRONMENTS: list[dict[str, str | AbstractSet[str]]] = [
    {
        **{name: str(value) for name, value in default_environment().items()},
        "python_version": f"{major}.{minor}",
        "python_full_version": f"{major}.{minor}.99",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": machine,
        "os_name": "posix",
    }
    for major, minor in PYTHONS
    for machine in _MACHINES
]


def main(names: list[str]) -> None:
    """Locks the named images, or all of them."""
    for source in sorted(DATA.glob("*.in")):
        if not names or source.stem in names:
            source.with_suffix(".txt").write_text(locked(source), encoding="utf-8")


def locked(source: Path) -> str:
    """The requirements of an image, with hashes."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "pylock.toml"
        uv = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", ".".join(map(str, PYTHONS[0]))]
        subprocess.run([*uv, "--only-binary", ":all:", "--format", "pylock.toml", "-o", output, source], check=True)
        packages = tomllib.loads(output.read_text(encoding="utf-8"))["packages"]
    head = f"# Written by `python -m simulator.process_node.lock` from {source.name}; do not edit.\n"
    return head + "".join(line for package in packages for line in _lines(package))


def _lines(package: dict[str, Any]) -> Iterator[str]:
    marker = Marker(package["marker"]) if "marker" in package else None
    fits = [marker is None or marker.evaluate(environment) for environment in _ENVIRONMENTS]
    if not any(fits):
        return
    hashes = sorted(wheel["hashes"]["sha256"] for wheel in package["wheels"] if usable(wheel["url"].rpartition("/")[2]))
    condition = "" if all(fits) else f" ; {marker}"
    yield f"{package['name']}=={package['version']}{condition}"
    yield from (f" \\\n    --hash=sha256:{digest}" for digest in hashes)
    yield "\n"


def usable(wheel: str) -> bool:
    """Whether the file of that name is for one of the Pythons and machines."""
    return any(_usable(tag) for tag in parse_wheel_filename(wheel)[3])


def _usable(tag: Tag) -> bool:
    machine = tag.platform == "any" or (tag.platform.startswith("manylinux") and tag.platform.endswith(_MACHINES))
    if tag.interpreter == "py3":
        return machine and tag.abi == "none"
    exact = {f"cp{major}{minor}" for major, minor in PYTHONS}
    stable = tag.abi == "abi3" and int(tag.interpreter.removeprefix("cp3")) <= PYTHONS[-1][1]
    return machine and (stable or (tag.interpreter in exact and tag.abi in {tag.interpreter, "none"}))


if __name__ == "__main__":
    main(sys.argv[1:])
