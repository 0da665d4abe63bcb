"""Names, tags and labels of cloud resources. Pure."""

import hashlib
import re
from collections.abc import Mapping

from components.base.labels import MANAGED_BY

GCP_LABELS = {"managed-by": MANAGED_BY}
"""Labels of everything in Google Cloud that a component declares."""
PARTITIONS: Mapping[str, str] = {"cn": "aws-cn", "us-gov": "aws-us-gov", "eusc": "aws-eusc"}
"""Start of a region's name -> partition of its ARNs, where it is not `aws` (botocore partitions.json)."""


def aws_tags(name: str) -> dict[str, str]:
    """Tags of everything in AWS that a component declares."""
    return {"mlplatform": name, "managed-by": MANAGED_BY}


def partition(region: str) -> str:
    """The partition of a region: the second part of every ARN in it."""
    head = region.rsplit("-", 2)[0]
    return PARTITIONS.get(head, PARTITIONS.get(head.split("-")[0], "aws"))


def deterministic_name(length: int, *parts: str) -> str:
    """The parts joined by `-`; if that is too long, its start and a digest of the whole."""
    whole = "-".join(parts)
    if len(whole) <= length:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:8]
    return f"{whole[: length - 9].rstrip('-')}-{digest}"


def identifier(length: int, *parts: str) -> str:
    """A `deterministic_name` of a-z, 0-9 and single `-`, a letter first: valid for databases and zones."""
    slugs = [re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-") for part in parts]
    if not slugs[0][:1].isalpha():
        slugs[0] = f"n-{slugs[0]}".rstrip("-")
    return deterministic_name(length, *slugs)
