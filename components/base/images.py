"""Rules on container images: a valid reference that permanently names one build.

Sources: OCI distribution specification v1.1 (pulling manifests: `<name>` and tags), OCI image specification v1.1
(digests), distribution/reference v0.6 (registry host before the name, 255 characters).
"""

import re
from collections.abc import Iterator

from components.findings import Finding

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_HOST = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128}")
MAX_NAME = 255
"""Characters of a name, without its host."""

_BRANCH = "a branch: each commit moves it"
_SCHEDULE = "a schedule: each build moves it"
_CHANNEL = "a channel: each release moves it"
_STAGE = "an environment: each deployment moves it"
MOVING: dict[str, str] = {
    "latest": "the default: each push without a tag moves it",
    **dict.fromkeys(("main", "master", "trunk", "head", "tip", "dev", "devel", "develop", "development"), _BRANCH),
    **dict.fromkeys(("nightly", "daily", "weekly", "snapshot"), _SCHEDULE),
    **dict.fromkeys(("stable", "unstable", "edge", "canary", "next", "current", "rolling", "lts", "preview"), _CHANNEL),
    **dict.fromkeys(("experimental", "testing", "beta", "alpha", "release"), _CHANNEL),
    **dict.fromkeys(("prod", "production", "staging", "qa"), _STAGE),
}
"""Word of a tag -> what moves such a tag, unless the rest of the tag names one build."""
_ONE_BUILD = re.compile(
    r"(?<!\d)20\d{2}[-._]?[01]\d[-._]?[0-3]\d(?!\d)"  # a date
    r"|(?<![A-Za-z0-9])(?=[a-f0-9]*\d)[a-f0-9]{7,40}(?![A-Za-z0-9])"  # a commit
    r"|(?:^|[-_])v?\d+\.\d+\.\d+"  # a whole version
    r"|(?:alpha|beta|rc)[-._]?\d"  # a numbered pre-release
)
EXAMPLE = "write repository:version, better repository@sha256:…"


def check_image(path: str, reference: str) -> Iterator[Finding]:
    """A container image reference: valid, and with a digest or an immutable tag."""
    name, tag, digest = split_image(reference)
    if problem := _name_problem(name) or _tag_problem(tag) or _digest_problem(digest):
        yield Finding(path, reference or "(missing)", f"a container image: {problem}", EXAMPLE)
    elif digest is None and (moves := moving_tag(tag or "")):
        yield Finding(
            path, reference, f"an image with a digest or the tag of one build, never latest: {moves}", EXAMPLE
        )


def check_tag(path: str, tag: str) -> Iterator[Finding]:
    """A tag of an image that is named elsewhere."""
    problem, moves = _tag_problem(tag), moving_tag(tag)
    if problem or moves:
        yield Finding(path, tag, problem or f"the tag of one build, never latest: {moves}", "name one version")


def check_repository(path: str, name: str) -> Iterator[Finding]:
    """Host and name of an image whose tag is chosen elsewhere."""
    if problem := _name_problem(name):
        yield Finding(path, name or "(empty)", f"an image without a tag: {problem}", "write registry.example.com/name")


def split_image(reference: str) -> tuple[str, str | None, str | None]:
    """Host and name, tag, digest of a reference; None if it has none."""
    rest, at, digest = reference.partition("@")
    name, colon, tag = rest.rpartition(":")
    has_tag = colon and "/" not in tag  # with a slash after it, the colon is before the port of the host
    return name if has_tag else rest, tag if has_tag else None, digest if at else None


def moving_tag(tag: str) -> str:
    """Why the build of a tag can change; empty if the tag names one build."""
    if not tag:
        return "without a tag it is latest"
    words = [word for word in re.split(r"[-._]", tag.lower()) if word in MOVING]
    if "latest" in words:
        return f"latest is {MOVING['latest']}"
    if words and not _ONE_BUILD.search(tag.lower()):
        return f"{words[0]} is {MOVING[words[0]]}"
    if not re.search(r"\d", tag):
        return "without any digit it is a variant, not a version"
    return ""


def _name_problem(name: str) -> str:
    host, slash, path = name.partition("/")
    named = slash and (re.search(r"[.:A-Z]", host) or host == "localhost") and _HOST.fullmatch(host)
    path = path if named else name
    if not _NAME.fullmatch(path):
        return "its name is of a-z, 0-9, '.', '_', '-', each part starts and ends with a letter or digit"
    # Without a host Docker Hub is meant, and `library/` is put before a single part.
    longest = MAX_NAME if "/" in name else MAX_NAME - len("library/")
    return f"its name has at most {longest} characters" if len(path) > longest else ""


def _tag_problem(tag: str | None) -> str:
    if tag is None or _TAG.fullmatch(tag):
        return ""
    return "a tag has 1 to 128 letters, digits, '.', '-' and '_', the first a letter, digit or '_'"


def _digest_problem(digest: str | None) -> str:
    return "" if digest is None or _DIGEST.fullmatch(digest) else "a digest is sha256:<64 hex digits>"
