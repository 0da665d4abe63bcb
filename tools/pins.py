"""Versions, sources and builds of the tools that the platform runs on, in one table.

Facts only. Versions change here (and in `tools/go/*/go.mod`, which `tests/tools/test_pins.py` compares with this
table); everything else in `tools/` reads them from here.
"""

from __future__ import annotations

from dataclasses import dataclass

PULUMI_VERSION = "3.246.0"  # renovate: datasource=go depName=github.com/pulumi/pulumi/pkg/v3
KUBERNETES_PROVIDER_VERSION = "4.25.0"  # renovate: datasource=pypi depName=pulumi-kubernetes
KUBERNETES_VERSION = "1.36.3"  # renovate: datasource=go depName=k8s.io/kubernetes
KWOK_VERSION = "0.8.0"  # renovate: datasource=go depName=sigs.k8s.io/kwok
HELM_VERSION = "3.18.6"  # renovate: datasource=go depName=helm.sh/helm/v3
ETCD_VERSION = "3.6.8"  # renovate: datasource=go depName=go.etcd.io/etcd/server/v3

GO_VERSION = (1, 26)
"""The oldest Go version that the two modules under `tools/go` allow."""

Version = tuple[int, int, int]


@dataclass(frozen=True)
class OfficialRelease:
    """Address of the official release.

    Addresses are templates with `version`, `os` and `arch` (in the publisher's spelling of the platform).
    """

    address: str
    checksums: str
    """A `sha256sum` file, or a GitHub release description (JSON), whose assets have the digest that GitHub computed
    when they were uploaded: kwok and the Kubernetes provider publish no checksum file under a name we could verify."""
    architectures: dict[str, str]
    """The publisher's name of `amd64` and `arm64`."""
    systems: tuple[str, ...] = ("linux", "darwin")


@dataclass(frozen=True)
class GoBuild:
    """Arguments of `go build` for a tool that cannot be downloaded."""

    module: str
    """A folder under `tools/go` with a go.mod and a complete go.sum."""
    package: str
    dependency: str
    """The Go module with the version, as in go.mod (path and version)."""
    linker_values: tuple[str, ...] = ()
    """What the publisher's own build sets with `-X`. Without it `pulumi version` prints an empty line, and `kubectl
    version` cannot parse the server's."""
    embedded: tuple[str, ...] = ()
    """Files of `dependency` that the package embeds, read from the module directory at build time."""


@dataclass(frozen=True)
class Tool:
    """One program, and its accepted versions."""

    name: str
    version: str
    accepted: tuple[Version, Version]
    """Lowest accepted version, and the first that is too new."""
    rule: str
    """The accepted range and its reason, as the error message prints it."""
    version_command: tuple[str, ...]
    """Arguments that make the tool print its version; empty for a Pulumi plugin, which is queried over gRPC."""
    version_pattern: str
    release: OfficialRelease
    build: GoBuild
    companions: tuple[str, ...] = ()
    """Prefixes of the other programs in the release's archive that belong to the tool."""

    def accepts(self, version: Version) -> bool:
        lowest, beyond = self.accepted
        return lowest <= version < beyond


def parse_version(text: str) -> Version:
    """`"1.36.3"` as numbers. Raises ValueError for anything else."""
    major, minor, patch = text.split(".")
    return int(major), int(minor), int(patch)


_GNU = {"amd64": "amd64", "arm64": "arm64"}

_KUBERNETES_LINKER_VALUES = (
    f"k8s.io/component-base/version.gitVersion=v{KUBERNETES_VERSION}",
    f"k8s.io/component-base/version.gitMajor={parse_version(KUBERNETES_VERSION)[0]}",
    f"k8s.io/component-base/version.gitMinor={parse_version(KUBERNETES_VERSION)[1]}",
)


def _same_minor(version: str) -> tuple[Version, Version]:
    major, minor, _ = parse_version(version)
    return (major, minor, 0), (major, minor + 1, 0)


def _kubernetes(name: str, version_command: tuple[str, ...], version_pattern: str) -> Tool:
    minor = KUBERNETES_VERSION.rpartition(".")[0]
    return Tool(
        name=name,
        version=KUBERNETES_VERSION,
        accepted=_same_minor(KUBERNETES_VERSION),
        rule=f"Kubernetes {minor}.x: client, control plane and the bundled schemas are tested as one minor version",
        version_command=version_command,
        version_pattern=version_pattern,
        release=OfficialRelease(
            address="https://dl.k8s.io/v{version}/bin/{os}/{arch}/" + name,
            checksums="https://dl.k8s.io/v{version}/bin/{os}/{arch}/" + name + ".sha256",
            architectures=_GNU,
            systems=("linux", "darwin") if name == "kubectl" else ("linux",),
        ),
        build=GoBuild(
            module="kubernetes",
            package=f"k8s.io/kubernetes/cmd/{name}",
            dependency=f"k8s.io/kubernetes v{KUBERNETES_VERSION}",
            linker_values=_KUBERNETES_LINKER_VALUES,
        ),
    )


def _kwok(name: str) -> Tool:
    return Tool(
        name=name,
        version=KWOK_VERSION,
        accepted=_same_minor(KWOK_VERSION),
        rule=f"kwok {KWOK_VERSION.rpartition('.')[0]}.x: the Stages are written for its API version",
        version_command=("--version",),
        version_pattern=r"version v(\d+\.\d+\.\d+)",
        release=OfficialRelease(
            address="https://github.com/kubernetes-sigs/kwok/releases/download/v{version}/" + name + "-{os}-{arch}",
            checksums="https://api.github.com/repos/kubernetes-sigs/kwok/releases/tags/v{version}",
            architectures=_GNU,
        ),
        build=GoBuild("kubernetes", f"sigs.k8s.io/kwok/cmd/{name}", f"sigs.k8s.io/kwok v{KWOK_VERSION}"),
    )


PULUMI = Tool(
    name="pulumi",
    version=PULUMI_VERSION,
    accepted=(parse_version(PULUMI_VERSION), (4, 0, 0)),
    rule=f"Pulumi {PULUMI_VERSION} or newer, below 4: older engines lack what the Python SDK and policy packs use",
    version_command=("version",),
    version_pattern=r"v?(\d+\.\d+\.\d+)",
    release=OfficialRelease(
        address="https://github.com/pulumi/pulumi/releases/download/v{version}/pulumi-v{version}-{os}-{arch}.tar.gz",
        checksums="https://github.com/pulumi/pulumi/releases/download/v{version}/pulumi-{version}-checksums.txt",
        architectures={"amd64": "x64", "arm64": "arm64"},
    ),
    build=GoBuild(
        module="pulumi",
        package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        dependency=f"github.com/pulumi/pulumi/pkg/v3 v{PULUMI_VERSION}",
        linker_values=(f"github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{PULUMI_VERSION}",),
    ),
    companions=("pulumi-language-python", "pulumi-analyzer-policy-python", "pulumi-resource-pulumi-python"),
)

KUBERNETES_PROVIDER = Tool(
    name="pulumi-resource-kubernetes",
    version=KUBERNETES_PROVIDER_VERSION,
    accepted=(parse_version(KUBERNETES_PROVIDER_VERSION), (4, 25, 1)),
    rule=f"exactly {KUBERNETES_PROVIDER_VERSION}: pulumi-kubernetes in requirements.txt is pinned to it",
    version_command=(),
    version_pattern=r"v?(\d+\.\d+\.\d+)",
    release=OfficialRelease(
        address="https://github.com/pulumi/pulumi-kubernetes/releases/download/v{version}/"
        "pulumi-resource-kubernetes-v{version}-{os}-{arch}.tar.gz",
        checksums="https://api.github.com/repos/pulumi/pulumi-kubernetes/releases/tags/v{version}",
        architectures=_GNU,
    ),
    build=GoBuild(
        module="pulumi",
        package="./provider",
        dependency="github.com/pulumi/pulumi-kubernetes/provider/v4 v4.0.0-20260115033456-f47bc2d6f199",
        embedded=(
            "cmd/pulumi-resource-kubernetes/schema.json",
            "cmd/pulumi-resource-kubernetes/terraform-mapping.json",
        ),
    ),
)

HELM = Tool(
    name="helm",
    version=HELM_VERSION,
    accepted=((3, 18, 0), (4, 0, 0)),
    rule=f"helm 3.18 or newer, below 4: the Kubernetes provider renders charts with helm {HELM_VERSION}",
    version_command=("version", "--template={{.Version}}"),
    version_pattern=r"v(\d+\.\d+\.\d+)",
    release=OfficialRelease(
        address="https://get.helm.sh/helm-v{version}-{os}-{arch}.tar.gz",
        checksums="https://get.helm.sh/helm-v{version}-{os}-{arch}.tar.gz.sha256sum",
        architectures=_GNU,
    ),
    build=GoBuild(
        module="pulumi",
        package="helm.sh/helm/v3/cmd/helm",
        dependency=f"helm.sh/helm/v3 v{HELM_VERSION}",
        linker_values=(f"helm.sh/helm/v3/internal/version.version=v{HELM_VERSION}",),
    ),
)
"""Renders the bundled charts in tests; `make up` itself renders charts in the provider."""

ETCD = Tool(
    name="etcd",
    version=ETCD_VERSION,
    accepted=_same_minor(ETCD_VERSION),
    rule=f"etcd {ETCD_VERSION.rpartition('.')[0]}.x: minors cannot share the data directory of a cluster",
    version_command=("--version",),
    version_pattern=r"etcd Version: (\d+\.\d+\.\d+)",
    release=OfficialRelease(
        address="https://github.com/etcd-io/etcd/releases/download/v{version}/etcd-v{version}-{os}-{arch}.tar.gz",
        checksums="https://github.com/etcd-io/etcd/releases/download/v{version}/SHA256SUMS",
        architectures=_GNU,
        systems=("linux",),
    ),
    build=GoBuild("kubernetes", "go.etcd.io/etcd/server/v3", f"go.etcd.io/etcd/server/v3 v{ETCD_VERSION}"),
)

TOOLS: tuple[Tool, ...] = (
    PULUMI,
    KUBERNETES_PROVIDER,
    HELM,
    _kubernetes("kube-apiserver", ("--version",), r"Kubernetes v(\d+\.\d+\.\d+)"),
    _kubernetes("kube-controller-manager", ("--version",), r"Kubernetes v(\d+\.\d+\.\d+)"),
    _kubernetes("kube-scheduler", ("--version",), r"Kubernetes v(\d+\.\d+\.\d+)"),
    _kubernetes("kubectl", ("version", "--client", "--output=json"), r'"gitVersion": "v(\d+\.\d+\.\d+)'),
    _kubernetes("kubelet", ("--version",), r"Kubernetes v(\d+\.\d+\.\d+)"),
    _kwok("kwok"),
    _kwok("kwokctl"),
    ETCD,
)
"""Every tool, in the order of the quickest build: tools that share most packages are adjacent."""

TOOL_BY_NAME: dict[str, Tool] = {tool.name: tool for tool in TOOLS}

LANGUAGE_HOST = "pulumi-language-python"
"""Part of every official Pulumi release. It is not available as a Go module, so a Pulumi built from modules gets the
stand-in `tools.language_host` under this name."""
