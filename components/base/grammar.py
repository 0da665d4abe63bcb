"""Grammars of text in settings: those of Kubernetes, and of paths, addresses and names of other systems.

Otherwise the API server, a kubelet or another server would refuse the text half-way through an `up`.
Sources of Kubernetes' grammars: k8s.io/apimachinery v0.33.3, pkg/util/validation and pkg/api/validation.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from components.findings import Finding


class Grammar(NamedTuple):
    """One grammar."""

    rule: str
    example: str
    accepts: Callable[[str], Any]


_DNS_LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_WORD = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?"
_SUBDOMAIN = re.compile(rf"{_DNS_LABEL}(?:\.{_DNS_LABEL})*")
_NAME = re.compile(_WORD)
_HOST_PORT = re.compile(r"(?P<host>\[[0-9a-fA-F:]+\]|[^:/\s]+)(?::(?P<port>[0-9]{1,5}))?")


def _matches(pattern: str, longest: int) -> Callable[[str], Any]:
    compiled = re.compile(pattern)
    return lambda text: len(text) <= longest and compiled.fullmatch(text)


def _is_subdomain(text: str) -> bool:
    return len(text) <= 253 and bool(_SUBDOMAIN.fullmatch(text))


def _is_qualified(text: str) -> bool:
    prefix, slash, name = text.rpartition("/")
    return len(name) <= 63 and bool(_NAME.fullmatch(name)) and (not slash or _is_subdomain(prefix))


def _is_path(text: str) -> bool:
    path = PurePosixPath(text)
    return path.is_absolute() and ".." not in path.parts and text.isprintable()


def _is_environment_name(text: str) -> bool:
    # From 1.34 on the API server accepts almost any text; shells and older clusters do not.
    return bool(re.fullmatch(r"[-._a-zA-Z][-._a-zA-Z0-9]*", text)) and text != "." and not text.startswith("..")


def _is_data_key(text: str) -> bool:
    return len(text) <= 253 and bool(re.fullmatch(r"[-._a-zA-Z0-9]+", text)) and text != "." and text[:2] != ".."


def address_range(text: str) -> IPv4Network | IPv6Network:
    """A CIDR that the API server and the clouds accept: its length in digits, host bits zero. Raises ValueError."""
    if not re.fullmatch(r"[0-9a-fA-F.:]+/(0|[1-9][0-9]{0,2})", text):
        raise ValueError(f"{text!r} has no length in digits")
    network = ip_network(text)
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped:
        raise ValueError(f"{text!r} is a range of IPv4, written as IPv6")
    return network


def is_address(text: str) -> bool:
    """Whether it is an IP address, IPv6 with brackets or without."""
    try:
        return bool(ip_address(text.strip("[]")))
    except ValueError:
        return False


def _is_host(text: str) -> bool:
    return is_address(text) or _is_subdomain(text)


def _is_dns_name(text: str) -> bool:
    return _is_subdomain(text) and all(len(part) <= 63 for part in text.split(".")) and not is_address(text)


def _is_extended_resource(text: str) -> bool:
    # As the kubelet accepts device plugins; the API server accepts `kubernetes.io/x` too (IsExtendedResourceName).
    other = "/" not in text or "kubernetes.io/" in text or text.startswith("requests.")
    return not other and _is_qualified(f"requests.{text}")


def _is_host_and_port(text: str) -> bool:
    match = _HOST_PORT.fullmatch(text)
    return match is not None and _is_host(match["host"]) and int(match["port"] or 1) in range(1, 65536)


def _is_url(*schemes: str) -> Callable[[str], bool]:
    def accepts(text: str) -> bool:
        try:
            url = urlsplit(text)
            at_a_host = _is_host_and_port(url.netloc)
        except ValueError:
            return False
        return url.scheme in schemes and at_a_host and text.isprintable() and " " not in text

    return accepts


def _is_line(text: str) -> bool:
    return text.isprintable() and text == text.strip() != ""


LABEL = Grammar("1 to 63 of a-z, 0-9 and '-', no '-' at either end", "write it like team-a", _matches(_DNS_LABEL, 63))
"""Names of namespaces and Services (DNS-1123 label)."""
SUBDOMAIN = Grammar(
    "the name of an object: a-z, 0-9, '-' and '.', each part starts and ends with a letter or digit, at most 253",
    "write it like hub-token",
    _is_subdomain,
)
"""Names of most other objects (DNS-1123 subdomain)."""
LABEL_VALUE = Grammar(
    "the value of a label: up to 63 letters, digits, '-', '_' and '.', a letter or digit at both ends",
    "write it like a-1",
    lambda text: not text or _matches(_WORD, 63)(text),
)
S3_BUCKET = Grammar(
    "3 to 63 of a-z, 0-9, '-' and '.', the last two not at either end",
    "write it like models-prod",
    _matches(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", 63),
)
"""Names of buckets (Amazon S3, general purpose buckets; the oldest ones of us-east-1 may differ)."""
GCS_BUCKET = Grammar(
    "a-z, 0-9, '-', '_' and '.', 3 to 222 of them, between two dots at most 63; a letter or digit at both ends",
    "write it like models-prod",
    lambda text: _matches(r"[a-z0-9][a-z0-9._-]+[a-z0-9]", 222)(text) and max(map(len, text.split("."))) <= 63,
)
"""Names of buckets (Google Cloud Storage, bucket names)."""
QUALIFIED_NAME = Grammar(
    "the key of a label: letters, digits, '-', '_' and '.', up to 63, after a DNS name and '/' where it has one",
    "write it like example.com/rack",
    _is_qualified,
)
ANNOTATION_KEY = Grammar(
    "the key of an annotation: letters, digits, '-', '_' and '.', up to 63, after a DNS name and '/' where it has one",
    "write it like example.com/note",
    lambda text: _is_qualified(text.lower()),
)
EXTENDED_RESOURCE = Grammar(
    "an extended resource: a DNS name (not of kubernetes.io), '/', and up to 63 letters, digits, '-', '_' and '.'",
    "write it like vendor.example/device",
    _is_extended_resource,
)
"""k8s.io/kubernetes v1.34 pkg/apis/core/v1/helper, IsExtendedResourceName: quotas prefix it with `requests.`."""
ENVIRONMENT_NAME = Grammar(
    "the name of an environment variable: letters, digits, '_', '-' and '.', no digit first",
    "write it like LOG_LEVEL",
    _is_environment_name,
)
DATA_KEY = Grammar(
    "a key of a Secret: letters, digits, '-', '_' and '.', up to 253", "write it like slack-url", _is_data_key
)
API_RESOURCE = Grammar(
    "a resource of the API in lower case, with its subresource",
    "write it like nodes/status",
    _matches(r"\*|[a-z]+(/[a-z]+|/\*)?", 63),
)
VERB = Grammar("a verb of the API in lower case", "write it like get", _matches(r"\*|[a-z]+", 63))
GROUP = Grammar("a group, without blanks at either end", "write the name that the identity provider sends", _is_line)
MOUNT_PATH = Grammar(
    "an absolute path in the container, without ':' and '..'",
    "write it like /data",
    lambda text: _is_path(text) and ":" not in text,
)
HOST_PATH = Grammar("an absolute path of the node, without '..'", "write it like /var/lib/kubelet", _is_path)
HTTP_PATH = Grammar(
    "an absolute HTTP path",
    "write it like /metrics",
    lambda text: text.startswith("/") and bool(re.fullmatch(r"[A-Za-z0-9/\-._~%!$&'()*+,;=:@?]+", text)),
)
DNS_NAME = Grammar(
    "a DNS name in lower case: no scheme, no port, no wildcard, no path, no address",
    "write only the host: mlflow.example.com",
    _is_dns_name,
)
"""Names in certificates, routes and Host headers."""
HOST = Grammar("a host name or an address, with an optional port", "write only the host", _is_host_and_port)
HTTP_URL = Grammar("http(s)://host:port", "write it like https://s3.example.com:9000", _is_url("http", "https"))
HTTPS_URL = Grammar("an https:// address", "write it like https://files.example.com", _is_url("https"))
CHART_URL = Grammar(
    "oci:// or https://, a host and a path", "write it like oci://registry.example.com/charts", _is_url("oci", "https")
)
INTERFACE = Grammar(
    "a network interface of Linux: 1 to 15 characters, no '/', no blank",
    "write it like eth0",
    _matches(r"[!-.0-~]+", 15),
)
REGION = Grammar(
    "the store's name of a region: letters, digits and '-'", "write it like us-east-1", _matches(r"[A-Za-z0-9-]+", 63)
)
STACK = Grammar(
    "<organization>/<project>/<stack>",
    "write it like example/mlplatform/prod-cluster",
    _matches(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+/[A-Za-z0-9._-]+", 255),
)
PEM = Grammar(
    "certificates in PEM",
    "write it as in the file: from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----, line breaks included",
    lambda text: re.search(r"-----BEGIN CERTIFICATE-----\s[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----", text),
)
LINE = Grammar("text on one line, without blanks at either end", "write it on one line", _is_line)


def check_text(path: str, text: str, grammar: Grammar) -> Iterator[Finding]:
    """Text of one grammar."""
    if isinstance(text, str) and not grammar.accepts(text):  # components also accept values that are known only in `up`
        yield Finding(path, text or "(empty)", grammar.rule, grammar.example)


def check_texts(path: str, texts: Sequence[str], grammar: Grammar) -> Iterator[Finding]:
    """A list of such texts."""
    for index, text in enumerate(texts):
        yield from check_text(f"{path}[{index}]", text, grammar)


def check_keys(path: str, mapping: Mapping[str, Any], grammar: Grammar) -> Iterator[Finding]:
    """The keys of a mapping."""
    for key in mapping:
        yield from check_text(f"{path}.{key}", key, grammar)


def check_labels(path: str, labels: Mapping[str, str]) -> Iterator[Finding]:
    """Labels of an object: keys and values."""
    yield from check_keys(path, labels, QUALIFIED_NAME)
    for key, value in labels.items():
        yield from check_text(f"{path}.{key}", value, LABEL_VALUE)
