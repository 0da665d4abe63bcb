"""What a cloud answers: inputs echoed, defaults filled in, computed properties made up by the row's templates. Pure."""

import copy
import hashlib
import uuid
from collections.abc import Mapping
from typing import Any

from simulator.clouds import sdk
from simulator.clouds.account import Account
from simulator.clouds.rows import Row
from simulator.clouds.values import UNKNOWN, at, is_unknown

_NOTHING: Mapping[str, Any] = {"bool": False, "int": 0, "float": 0, "list": [], "map": {}, "object": {}}


class _Words(dict[str, Any]):
    """Words of a template; one that is not given is empty."""

    def __missing__(self, name: str) -> Any:
        return _Words()

    def __str__(self) -> str:
        return ""

    def __format__(self, specification: str) -> str:
        return ""


def words(row: Row, account: Account, inputs: Mapping[str, Any], seed: str, more: Mapping[str, Any]) -> dict[str, Any]:
    """What the templates of a resource are filled with; `seed` is all that ids depend on."""
    digest = hashlib.sha256(seed.encode()).hexdigest()
    return _Words(
        {
            **inputs,
            # Digits where the APIs demand digits: the zeros say that no cloud has given them.
            "hash": f"{'0' * 9}{digest[:8]}",
            "number": f"{int(digest[:12], 16) % 10**6:012d}",
            "uuid": str(uuid.UUID(f"{'0' * 16}{digest[:16]}")),
            "issuer": f"SIMULATED{digest[:23].upper()}",
            "octets": f"{int(digest[:2], 16)}.{1 + int(digest[2:4], 16) % 254}",
            "account": account.account,
            "project": inputs.get("project") or account.project,
            "region": inputs.get("region") or account.region,
            "zones": account.zones,
            "path": inputs.get("path") or "/",
            "name": inputs.get(row.autoname or "name", inputs.get("name", "")),
            **more,
            "location": inputs.get("location") or more.get("location") or account.region,
        }
    )


def fill(template: Any, given: Mapping[str, Any]) -> Any:
    """A template with its words put in, at every depth. A template that is one word is that word's value."""
    if isinstance(template, str):
        if template.startswith("{") and template.count("{") == 1 and template.endswith("}") and template[1:-1] in given:
            return given[template[1:-1]]
        return template.format_map(given)
    if isinstance(template, Mapping):
        return {name: fill(value, given) for name, value in template.items()}
    return [fill(item, given) for item in template] if isinstance(template, list) else template


def previewed(row: Row, account: Account, inputs: Mapping[str, Any], olds: Mapping[str, Any] | None) -> dict[str, Any]:
    """The outputs as a preview shows them: what the cloud will make up is unknown, or stays as it was."""
    kinds = sdk.outputs(row.type)
    found = _echoed(row, account, inputs)
    top = {path for path in row.outputs if "." not in path}
    for name, kind in kinds.items():
        if name in found:
            continue
        if olds is not None and name in olds and name not in sdk.inputs(row.type) and name != row.counts:
            found[name] = olds[name]
        elif name in top or name == row.counts or not kind.optional:
            found[name] = UNKNOWN
    for path in row.outputs:
        if "." in path:
            _put(found, path, at(olds, path) if olds else UNKNOWN)
    return found


def made(row: Row, account: Account, inputs: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs of a resource that has just been made; `given` are the words of `words`."""
    found = copy.deepcopy(_echoed(row, account, inputs))
    known = _Words({**given, **found})
    for path, template in row.outputs.items():
        if "." in path:
            _put(found, path, fill(template, known))
        elif path not in found or path in (row.counts,):
            found[path] = fill(template, known)
            known.setdefault(path, found[path])
    for name, kind in sdk.outputs(row.type).items():
        if name not in found and not kind.optional:
            found[name] = copy.deepcopy(_NOTHING.get(kind.name, f"simulated-{name}"))
    if row.counts:
        found[row.counts] = 1
    return found


def updated(row: Row, account: Account, inputs: Mapping[str, Any], olds: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs after an update: what was made up stays."""
    found = copy.deepcopy(_echoed(row, account, inputs))
    takes = sdk.inputs(row.type)
    for name, value in olds.items():
        if name not in found and (name not in takes or not sdk.outputs(row.type)[name].optional):
            found[name] = value
    for path in row.outputs:
        if "." in path:
            _put(found, path, at(olds, path))
    if row.counts:
        found[row.counts] = int(olds.get(row.counts) or 0) + 1
    return found


def _echoed(row: Row, account: Account, inputs: Mapping[str, Any]) -> dict[str, Any]:
    kinds = sdk.outputs(row.type)
    found = {name: copy.deepcopy(value) for name, value in inputs.items() if name in kinds}
    for name, value in (("region", account.region), ("project", account.project)):
        if name in kinds and name not in found and value:
            found[name] = value
    for name, source in (("tagsAll", "tags"), ("effectiveLabels", "labels"), ("pulumiLabels", "labels")):
        if name in kinds:
            own = inputs.get(source if row.cloud == "aws" or source in inputs else "resourceLabels") or {}
            found[name] = own if is_unknown(own) else {**account.default_tags, **own}
    return found


def _put(found: dict[str, Any], path: str, value: Any) -> None:
    """Sets a missing value at a path; creates missing objects on the way, as the cloud returns them."""
    *way, last = path.split(".")
    for step in way:
        inner = found.setdefault(step, {})
        if isinstance(inner, list):
            inner = inner[0] if inner else {}
        if not isinstance(inner, dict):
            return
        found = inner
    if value is not None:
        found.setdefault(last, value)
