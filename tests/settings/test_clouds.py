"""Kinds of clusters: only their own modules know one, and each has all that the others ask of it."""

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

import settings
import stacks
from catalog.accelerators import ClusterKind
from settings.clouds.base import ClusterSettings
from settings.clouds.registry import CLOUDS
from settings.reader import from_file
from stacks.cluster import cloud_of
from tests.support.settings import HERE

SETTINGS, STACKS = Path(settings.__file__ or "").parent, Path(stacks.__file__ or "").parent
MODELS = {cloud.__name__ for cloud in CLOUDS}
OWN = {f"{kind}.py" for kind in ClusterKind} | {"registry.py"}


def named(tree: ast.AST) -> Iterator[str]:
    """Kinds that code names: a class of settings, a member of `ClusterKind`, or its text in a comparison."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="ClusterKind"), attr=name):
                yield name
            case ast.Name(id=name) | ast.alias(name=name):
                yield from [name] if name in MODELS else []
            case ast.Compare() | ast.match_case():
                texts = (one.value for one in ast.walk(node) if isinstance(one, ast.Constant))
                yield from [str(text) for text in texts if text in [*ClusterKind]]


def test_no_module_outside_of_the_kinds_knows_one_by_name() -> None:
    """Finds a `match`, an `isinstance` or a comparison, each of which another kind would have to be added to."""
    found = []
    for path in (*SETTINGS.rglob("*.py"), *STACKS.rglob("*.py")):
        if not (path.parent.name == "clouds" and path.name in OWN):
            found += [f"{path.name}: {name}" for name in named(ast.parse(path.read_text(encoding="utf-8")))]
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        "isinstance(cluster, EksSettings)",
        "match cluster:\n    case GkeSettings(): pass",
        "match kind:\n    case 'gke': pass",
        "cluster.kind == ClusterKind.EKS",
        "cluster.kind == 'existing'",
        "from settings.clouds.eks import EksSettings",
    ],
)
def test_each_way_to_name_a_kind_is_found(code: str) -> None:
    assert [*named(ast.parse(code))]


def test_every_kind_of_cluster_is_registered_once() -> None:
    assert sorted(cloud.kind_name() for cloud in CLOUDS) == sorted(ClusterKind)


@pytest.mark.parametrize("cloud", CLOUDS, ids=lambda cloud: cloud.kind_name())
def test_a_kind_answers_only_what_is_asked_of_all_kinds(cloud: type[ClusterSettings]) -> None:
    """Another member would be asked of one kind alone. Those that the kind's own module in stacks reads are named."""
    own = {"eks": {"provisioning", "zones", "is_managed_group", "provisioning_of"}, "gke": {"mode"}}
    reads = own.get(cloud.kind_name(), set()) | ({"quota_pools"} if cloud.is_made else set())
    members = {
        name
        for name, member in vars(cloud).items()
        if (inspect.isfunction(member) or isinstance(member, property)) and not name.startswith("_")
    }
    assert members - {*dir(ClusterSettings)} - {*dir(BaseModel)} == reads


def test_the_stack_has_a_cloud_for_every_kind() -> None:
    for name, kind in (("good.yaml", "EmbeddedCluster"), ("../../Pulumi.onprem.yaml", "ExistingCloud")):
        cloud = cloud_of(from_file((HERE / name).read_text(encoding="utf-8")))
        assert type(cloud).__name__ == kind
    for kind in ClusterKind:
        assert "CLOUD = " in (STACKS / "clouds" / f"{kind}.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ClusterKind)
def test_a_stack_loads_the_sdk_of_its_own_cloud_alone(kind: ClusterKind) -> None:
    """Each SDK takes a second to import."""
    code = (
        f"import sys, stacks.clouds.{kind}; print([one for one in ('pulumi_aws', 'pulumi_gcp') if one in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=HERE.parents[1], capture_output=True, text=True, check=True)
    assert ast.literal_eval(ran.stdout) == {"eks": ["pulumi_aws"], "gke": ["pulumi_gcp"]}.get(kind, [])
