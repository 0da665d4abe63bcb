"""Rules on container images: what runs tomorrow is what ran today."""

from collections.abc import Iterator

from policies.rules.addons import pinned
from policies.rules.finding import Finding


def check_image(path: str, image: str) -> Iterator[Finding]:
    """An image names one version: a tag that is not `latest`, or a digest."""
    if not pinned(image):
        yield Finding(
            path,
            image or "(missing)",
            "an image with a tag or a digest, never latest: what runs must not change by itself",
            "write repository:version, better repository@sha256:…",
        )
