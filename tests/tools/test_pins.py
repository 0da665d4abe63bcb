"""The table agrees with everything that has to say the same once more."""

import re
from pathlib import Path

import pytest

from tools.build import MODULES
from tools.pins import (
    ETCD_VERSION,
    GO_VERSION,
    KUBERNETES_PROVIDER,
    KUBERNETES_PROVIDER_VERSION,
    KUBERNETES_VERSION,
    KWOK_VERSION,
    PULUMI_VERSION,
    TOOLS,
    Tool,
    parse_version,
)

ROOT = Path(__file__).parents[2]


def ids(tool: Tool) -> str:
    return tool.name


@pytest.mark.parametrize("tool", TOOLS, ids=ids)
def test_the_module_file_requires_the_version_of_the_table(tool: Tool) -> None:
    module_file = (MODULES / tool.build.module / "go.mod").read_text()

    assert re.search(rf"^\s*(require )?{re.escape(tool.build.dependency)}( // indirect)?$", module_file, re.MULTILINE)


@pytest.mark.parametrize("tool", TOOLS, ids=ids)
def test_go_sum_carries_the_digest_of_what_a_tool_is_built_from(tool: Tool) -> None:
    module, version = tool.build.dependency.split()
    sums = (MODULES / tool.build.module / "go.sum").read_text()

    assert re.search(rf"^{re.escape(module)} {re.escape(version)} h1:\S{{44}}$", sums, re.MULTILINE)
    assert re.search(rf"^{re.escape(module)} {re.escape(version)}/go.mod h1:\S{{44}}$", sums, re.MULTILINE)


@pytest.mark.parametrize("tool", TOOLS, ids=ids)
def test_the_pinned_version_is_accepted_and_the_next_major_is_not(tool: Tool) -> None:
    major, minor, patch = parse_version(tool.version)

    assert tool.accepts((major, minor, patch))
    assert not tool.accepts((major + 1, 0, 0))
    assert not tool.accepts((major, minor - 1, patch))


def test_kubernetes_accepts_another_patch_of_its_minor_and_the_provider_accepts_none() -> None:
    kubectl = next(tool for tool in TOOLS if tool.name == "kubectl")

    assert kubectl.accepts((1, 36, 0))
    assert not kubectl.accepts((1, 37, 0))
    assert not KUBERNETES_PROVIDER.accepts((4, 25, 1))


def test_the_provider_is_the_release_that_the_python_sdk_is_pinned_to() -> None:
    assert f"pulumi-kubernetes=={KUBERNETES_PROVIDER_VERSION} " in (ROOT / "requirements.txt").read_text()


def test_the_provider_that_is_built_says_the_pinned_version_about_itself() -> None:
    main = (MODULES / "pulumi" / "provider" / "main.go").read_text()

    assert f'provider.Serve("kubernetes", "{KUBERNETES_PROVIDER_VERSION}", schema, mapping)' in main


def test_every_staging_module_is_replaced_by_the_one_of_the_same_kubernetes() -> None:
    replaced = re.findall(r"=> k8s\.io/\S+ v(\S+)", (MODULES / "kubernetes" / "go.mod").read_text())

    assert set(replaced) == {"0" + KUBERNETES_VERSION.removeprefix("1")}
    assert len(replaced) > 25


def test_both_module_files_ask_for_the_go_of_the_table() -> None:
    asked = {re.search(r"^go (\d+)\.(\d+)", (MODULES / m / "go.mod").read_text(), re.MULTILINE) for m in ("pulumi",)}
    asked |= {re.search(r"^go (\d+)\.(\d+)", (MODULES / "kubernetes" / "go.mod").read_text(), re.MULTILINE)}

    assert {(int(found[1]), int(found[2])) for found in asked if found} == {GO_VERSION}


def test_addresses_are_complete_for_each_platform_that_is_published() -> None:
    addresses = {
        tool.release.address.format(version=tool.version, os=system, arch=architecture)
        for tool in TOOLS
        for system in tool.release.systems
        for architecture in tool.release.architectures.values()
    }

    assert f"https://dl.k8s.io/v{KUBERNETES_VERSION}/bin/linux/amd64/kube-apiserver" in addresses
    pulumi = "https://github.com/pulumi/pulumi/releases/download"
    assert f"{pulumi}/v{PULUMI_VERSION}/pulumi-v{PULUMI_VERSION}-linux-x64.tar.gz" in addresses
    etcd = f"https://github.com/etcd-io/etcd/releases/download/v{ETCD_VERSION}"
    assert f"{etcd}/etcd-v{ETCD_VERSION}-linux-arm64.tar.gz" in addresses
    kwok = f"https://github.com/kubernetes-sigs/kwok/releases/download/v{KWOK_VERSION}"
    assert f"{kwok}/kwokctl-linux-amd64" in addresses
    assert not any("{" in address for address in addresses)
