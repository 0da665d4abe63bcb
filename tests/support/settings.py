"""Bad settings as files: `tests/settings/bad_settings/<path>--<what is wrong>.yaml`, each laid over `good.yaml`.

The name is the expectation: before `--` the path of the finding, or several joined by `+`, with `~` for a slash, `=`
for a space and ANY for `*`. The first line says which words the message must hold, separated by `;`. Below it stands
what differs from `good.yaml`, in `bad_settings/eks/` and `gke/` from `good-eks.yaml` and `good-gke.yaml`; `!delete`
removes a key. In `bad_settings/files/` are whole files: the fault is in YAML.
"""

from pathlib import Path
from typing import Any, NamedTuple

import yaml

HERE = Path(__file__).parents[1] / "settings"
GOOD = HERE / "good.yaml"
BAD = HERE / "bad_settings"
SAYS = "# says: "
PREFIX = "mlplatform:"
SMALL: dict[str, Any] = {
    "environment": {"name": "test", "owner": "ml-platform", "domain": "ml.example.com"},
    "cluster": {"kind": "simulated", "pools": {"cpu": {"nodesMax": 2}}},
}
"""The least that is good: sections without the project's prefix."""
SPELLING = {"~": "/", "=": " ", "ANY": "*"}


class Deleted:
    """In the place of a value: the key is removed."""


class _Overlay(yaml.SafeLoader):
    """YAML with `!delete`."""


_Overlay.add_constructor("!delete", lambda _loader, _node: Deleted())


class BadSettings(NamedTuple):
    """One file."""

    name: str
    paths: frozenset[str]
    says: tuple[str, ...]
    text: str
    """The whole settings, as a user would have written them."""
    whole: bool
    """Whether they are laid over nothing."""


def bad_settings() -> list[BadSettings]:
    """All of them, by name."""
    return [_read(path) for path in sorted(BAD.rglob("*.yaml"))]


def _read(path: Path) -> BadSettings:
    text = path.read_text(encoding="utf-8")
    first, _, rest = text.partition("\n")
    assert first.startswith(SAYS), f"{path.name} does not start with {SAYS!r}"
    places, _, _ = path.stem.partition("--")
    for spelled, meant in SPELLING.items():
        places = places.replace(spelled, meant)
    whole = path.parent.name == "files"
    text = text if whole else overlaid(yaml.load(rest, Loader=_Overlay), _base(path))
    says = tuple(word.strip() for word in first.removeprefix(SAYS).split(";"))
    return BadSettings(path.stem, frozenset(places.split("+")), says, text, whole)


def overlay_of(path: Path) -> dict[str, Any]:
    """The sections in a file, which may remove keys with `!delete`."""
    sections: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=_Overlay)
    return sections


def _base(path: Path) -> Path:
    """What it is laid over: good settings of the cloud whose name its folder has."""
    return GOOD if path.parent == BAD else HERE / f"good-{path.parent.name}.yaml"


def overlaid(overlay: dict[str, Any], base: Path = GOOD) -> str:
    """The text of good settings with these sections (without the project's prefix) laid over them."""
    config = yaml.safe_load(base.read_text(encoding="utf-8"))["config"]
    both = merged(config, {f"{PREFIX}{section}": value for section, value in overlay.items()})
    return yaml.safe_dump({"config": both}, sort_keys=False)


def merged(under: Any, over: Any) -> Any:
    """Mapping over mapping, at every depth."""
    if not isinstance(over, dict):
        return over
    base = under if isinstance(under, dict) else {}
    both = {**base, **{key: merged(base.get(key), value) for key, value in over.items()}}
    return {key: value for key, value in both.items() if not isinstance(value, Deleted)}
