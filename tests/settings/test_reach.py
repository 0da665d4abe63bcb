"""Every argument of every component that the stack declares is said by the stack, or stands here with a reason.

Only this finds an argument that no settings file reaches. Computed from the sources: the keys that a module of
`stacks`, or a workload kind, writes where it declares the component, and the fields of the settings models that are
handed over whole. Not proved by the first test: that a key reaches the right component of several in one module, or
with the right value; the others look at what is registered.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from pydantic import BaseModel

import settings.kinds
import stacks
from components.base.component import Component
from settings.models.base import Model
from settings.models.platform import NVIDIA_KEYS
from settings.models.shape import Mirror
from settings.reader import from_file
from stacks.addons import components_by_row
from tests.components.cases import CASES
from tests.recorder import Recording
from tests.support.settings import HERE, overlaid
from tests.support.whole_stack import recorded_stack

STACKS = Path(stacks.__file__).parent
KINDS = Path(settings.kinds.__file__).parent
COMPONENTS: dict[str, type[Component]] = {case.name: case.component for case in CASES}
HANDED_WHOLE = {
    "DatabaseBackup": "Backup",
    "DescribedNodePool": "DescribedSoftwareSpec",
    "ExternalDatabase": "ExistingDatabase",
    "ObjectStoreServer": "InClusterStore",
}
"""Component -> settings model whose fields are its arguments."""
BY_ITSELF = "drawn by the component; the stack keeps it"
OF_PROGRAMS = "for programs that declare components themselves: one platform in a cluster has no use for it"
NOT_SAID = {
    ("CertManager", "eks"): "handed over whole: `Cloud.clusters`",
    ("CertManager", "gke"): "handed over whole: `Cloud.clusters`",
    ("ExternalDns", "eks"): "handed over whole: `Cloud.clusters`",
    ("ExternalDns", "gke"): "handed over whole: `Cloud.clusters`",
    ("Crds", "converters"): "no setting moves the webhook that converts objects of MetalLB",
    ("DescribedNodePool", "pool"): "handed over whole: `described_pool`",
    ("EfaDevicePlugin", "image_repository"): "handed over whole: `chart_arguments`",
    ("ObjectStoreCredentials", "access_key_id"): "handed over whole: `Keys`",
    ("ObjectStoreCredentials", "secret_access_key"): "handed over whole: `Keys`",
    ("Monitoring", "grafana_admin_password"): BY_ITSELF,
    ("RdsDatabase", "password"): BY_ITSELF,
    ("CloudSqlDatabase", "password"): BY_ITSELF,
    ("CertManager", "control_plane_ranges"): OF_PROGRAMS,
    ("CloudNativePg", "control_plane_ranges"): OF_PROGRAMS,
    ("KServe", "control_plane_ranges"): OF_PROGRAMS,
    ("KServe", "storage_initializer_memory_gib"): OF_PROGRAMS,
    ("Dashboards", "folder"): OF_PROGRAMS,
    ("Gateway", "exceptions"): OF_PROGRAMS,
    ("IsolatedNamespace", "annotations"): OF_PROGRAMS,
    ("IsolatedNamespace", "exceptions"): OF_PROGRAMS,
    ("PriorityClasses", "prefix"): OF_PROGRAMS,
    ("FixedRuns", "prefix"): OF_PROGRAMS,
    ("LocalPathStorage", "namespace"): OF_PROGRAMS,
    ("MetalLb", "namespace"): OF_PROGRAMS,
    ("NfsStorage", "namespace"): OF_PROGRAMS,
}
"""Component and argument -> why the stack does not write it by name."""


def written_keys(tree: ast.AST) -> set[str]:
    """Keys of dictionaries, of item assignments, and names of keyword arguments."""
    keys: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Dict():
                keys |= {str(key.value) for key in node.keys if isinstance(key, ast.Constant)}
            case ast.Subscript(slice=ast.Constant(value=str(key))):
                keys.add(key)
            case ast.keyword(arg=str(key)):
                keys.add(key)
            case ast.Call(func=ast.Attribute(attr="of")):
                keys |= {str(each.value) for each in node.args if isinstance(each, ast.Constant)}
    return keys


def models(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for each in base.__subclasses__():
        yield each
        yield from models(each)


def fields_of(name: str, base: type[BaseModel]) -> set[str]:
    """Fields of the settings models of that name, including the ones that contain them."""
    return {field for model in models(base) if model.__name__ == name for field in model.model_fields}


def unsaid() -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for path in (*STACKS.rglob("*.py"), *KINDS.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {
            alias.asname or alias.name: alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        called = {
            node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        if path.name == "addons.py":
            called |= {component.__name__ for component in components_by_row().values()}
        for name in {imported.get(each, each) for each in called} & {*COMPONENTS}:
            typed: Any = COMPONENTS[name].__init__.__wrapped__.__annotations__["args"]  # type: ignore[attr-defined]
            spec = f"{typed.__name__.removesuffix('Args')}Spec"
            said = written_keys(tree) | fields_of(HANDED_WHOLE.get(name, ""), Model)
            said |= fields_of(typed.__name__, Mirror) | fields_of(spec, Mirror)
            charts = [chart for chart in NVIDIA_KEYS if components_by_row()[chart].__name__ == name]
            said |= {key for chart in charts for key in NVIDIA_KEYS[chart]}
            found |= {(name, argument) for argument in typed.__annotations__ if argument not in said}
    return found


def test_every_argument_of_a_component_is_said_by_the_stack_or_has_a_reason() -> None:
    assert unsaid() == set(NOT_SAID)


def stack(tmp_path: Path, base: Path = HERE / "good.yaml", **sections: Any) -> Recording:
    with patch("stacks.clouds.eks.require_account"), patch("stacks.clouds.eks.require_quotas"):
        return recorded_stack(from_file(overlaid(sections, base)), tmp_path)


def test_what_settings_say_of_data_reaches_its_components(tmp_path: Path) -> None:
    database = {"kind": "external", "host": "db.example.com", "database": "runs", "username": "runs"}
    database |= {"password": "hunter2", "addressRange": "10.30.0.0/24"}
    recording = stack(
        tmp_path,
        objectStore={"kind": "in-cluster", "cpuMillis": 700, "memoryMib": 4096},
        mlflow={"database": database, "backup": {"image": "ghcr.io/example/pg:18.1"}},
        nvidia={"runtimeClass": "nvidia", "profiling": False, "driverRoot": "/run/nvidia/driver"},
    )
    server = recording.one("Deployment", "object-store").inputs["spec"]["template"]["spec"]["containers"][0]
    assert server["resources"]["requests"]["cpu"] == "700m"
    backup = str(recording.one("CronJob", "mlflow-backup").inputs["spec"])
    assert "ghcr.io/example/pg:18.1" in backup
    egress = [each.inputs["spec"].get("egress") for each in recording.of("NetworkPolicy")]
    assert sum("10.30.0.0/24" in str(rules) for rules in egress) >= 2, "the server's way and the backup's"
    values = {str(chart.inputs["chart"]): str(chart.inputs["values"]) for chart in recording.of("AddonChart")}
    assert "'runtimeClassName': 'nvidia'" in values["nvidia-device-plugin"]
    assert "/run/nvidia/driver" in values["nvidia-device-plugin"]
    assert "'runtimeClassName': 'nvidia'" in values["dcgm-exporter"]
    assert "DCGM_FI_PROF" not in str([each.inputs for each in recording.of("ConfigMap")])


KEY = "arn:aws:kms:eu-central-1:111122223333:key/0a1b2c3d"


def test_what_settings_say_of_aws_reaches_its_resources(tmp_path: Path) -> None:
    recording = stack(
        tmp_path,
        HERE / "good-eks.yaml",
        cluster={"idleMinutes": 25, "fileSystem": {"infrequentAfterDays": 90}, "efaImageRepository": "r.example/efa"},
        objectStore={"keyArn": KEY},
        mlflow={"database": {"keyArn": KEY}},
    )
    assert recording.one("Instance").inputs["kmsKeyId"] == KEY
    encryption = str(recording.one("BucketServerSideEncryptionConfiguration").inputs)
    assert KEY in encryption
    readers = [each for each in recording.of("RolePolicy") if "s3:GetObject" in str(each.inputs["policy"])]
    assert len(readers) == 4
    assert all(KEY in str(each.inputs["policy"]) for each in readers), "a reader that may not decrypt reads nothing"
    values = {str(chart.inputs["chart"]): str(chart.inputs["values"]) for chart in recording.of("AddonChart")}
    assert "25m" in values["cluster-autoscaler"]
    assert "r.example/efa" in values["aws-efa-k8s-device-plugin"]
    assert "AFTER_90_DAYS" in str(recording.one("FileSystem").inputs)


@pytest.mark.parametrize("name", sorted(COMPONENTS))
def test_the_reasons_are_of_arguments_that_exist(name: str) -> None:
    typed: Any = COMPONENTS[name].__init__.__wrapped__.__annotations__["args"]  # type: ignore[attr-defined]
    assert {argument for component, argument in NOT_SAID if component == name} <= set(typed.__annotations__)
