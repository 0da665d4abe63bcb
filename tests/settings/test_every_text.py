"""Every setting that is text ends in some grammar, or says why it is free.

`FIELDS` is complete by the models, so a new setting fails here until it has a rule. Each value of a grammar's list is
written into settings that are right, at each field of that grammar, and must be refused there. Only this finds a field
that is not validated. Not proved: that a registry or a cloud accepts what is accepted here; the API server's word is in
tests/engine/test_grammars.py.
"""

import copy
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

import pytest
import yaml
from pydantic import BaseModel

from components.findings import Refused
from settings.load import parse
from settings.models.shape import Shape
from settings.settings import Settings
from tests.support.settings import PREFIX, overlaid, overlay_of

HERE = Path(__file__).parent
LONG = "a" * 64
CONTROL = "a\x00b"

GRAMMARS: dict[str, list[str]] = {
    # Kubernetes (k8s.io/apimachinery, pkg/util/validation)
    "label": ["", "A", "a_b", "-a", "a-", "a.b", LONG, "a b", "ä", CONTROL],
    "end of a label": ["", "A", "a_b", "a-", "a.b", LONG, "a b", "ä", CONTROL],
    "subdomain": ["", "Not A Name", "A.b", "a..b", ".a", "a.", "-a", "a_b", "a" * 254, "ä", CONTROL],
    "label value": ["-a", "a b", "a/b", LONG, "ä", CONTROL],
    "required label value": ["", "-a", "a b", "a/b", LONG, "ä", CONTROL],
    "qualified name": ["", "bad key!!", "/a", "a/", "a/b/c", "A_b/c", LONG, f"example.com/{LONG}", CONTROL],
    "extended resource": [
        "",
        "fpga",
        "bad key!!",
        "/a",
        "a/",
        "a/b/c",
        "A_b/c",
        f"example.com/{LONG}",
        "requests.a.b/c",
        CONTROL,
    ],
    "provisioner": ["bad key!!", "/a", "a/", "a/b/c", "A_b/c", "no such driver", LONG, CONTROL],
    "annotation key": ["", "bad key!!", "/a", "a/", "a/b/c", "a_b/c", LONG, f"example.com/{LONG}", CONTROL],
    "environment name": ["", "a b", "1A", "A=B", "ä", CONTROL],
    "data key": ["", "a b", "..", "a/b", "a" * 254, "ä", CONTROL],
    "cron": ["", "nightly", "* * * *", "* * * * * *", "61 * * * *", "* * * * 7", CONTROL],
    "time zone": ["", "Nowhere/At-All", "Europe/Berlin ", CONTROL],
    "group": ["", " ", "  weird group ", "a\nb", "system:masters", CONTROL],
    "verb": ["", "Get", "get list", CONTROL],
    "api resource": ["", "Nodes", "no des", "nodes/", CONTROL],
    "python module": ["", "Not A Module", "a-b", "a..b", ".a", "a.", "1a", "a/b", "ä", CONTROL],
    # paths and addresses
    "path": ["", "relative", "a/b", "/a/../b", "/a:b", "/a b/..", CONTROL, f"/{CONTROL}"],
    "http path": ["", "relative", "a/b", "/a b", "/a\nb", CONTROL],
    "host path": ["", "relative", "a/b", "/a/../b", CONTROL, f"/{CONTROL}"],
    "local folder": ["", "~/training", "$HOME/training", CONTROL],
    "range": [
        "",
        "::ffff:10.0.0.0/104",
        "everywhere",
        "10.0.0.1",
        "10.0.0.0/255.0.0.0",
        "10.0.0.1/8",
        "10.0.0.0/33",
        "10.0.0.0 /8",
        CONTROL,
    ],
    "cidr": ["everywhere", "10.0.0.1", "10.0.0.0/255.0.0.0", "10.0.0.1/8", "10.0.0.0/33", CONTROL],
    "addresses": ["", "everywhere", "10.0.0.9-10.0.0.1", CONTROL],
    "host": ["", "https://a.example.com", "a b", "a.example.com/x", "A_B", CONTROL],
    "dns name": [
        "",
        "https://a.example.com",
        "a b.example.com",
        "a.example.com/x",
        "A.example.com",
        "10.0.0.1",
        CONTROL,
    ],
    "database host": [
        "",
        "https://a.example.com",
        "a b.example.com",
        "a.example.com/x",
        "A.example.com",
        "::1",
        CONTROL,
    ],
    "registry host": ["", "https://registry.example.com", "a b", "registry.example.com/x", "-a.com", CONTROL],
    "http url": ["", "ftp://a.example.com", "a.example.com", "https://a b", "https://user:word@a.example.com", CONTROL],
    "https url": ["", "http://a.example.com", "a.example.com", "https://a b", CONTROL],
    "chart url": ["ftp://a.example.com", "a.example.com", "oci://", "oci://a b", CONTROL],
    "crd location": ["ftp://a.example.com", "https://a b", CONTROL],
    "email": ["", "somebody", "a@b", "a b@c.de", CONTROL],
    "interface": ["", "eth 0", "a/b", "abcdefghijklmnop", CONTROL],
    # images and models
    "image": ["", "my image:1", "UPPER/Case:1", "a/b", "a/b:latest", "a/b:main", CONTROL],
    "repository": ["my image", "UPPER/Case", "https://a.example.com/b", CONTROL],
    "tag": ["latest", "nightly", "a b", CONTROL],
    "run": ["A", "a_b", "-a", "a" * 17, "a b", CONTROL],
    # names of clouds and of things that stand elsewhere
    "bucket": ["", "A", "ab", "s3://models", "a/b", "a" * 64, CONTROL],
    "prefix": ["/a", "a/", "a//b", "a b", CONTROL],
    "sql name": ["Ab", "1a", "a-b", "a b", "a" * 64, CONTROL],
    "sql user": ["Ab", "1a", "a b", "a" * 64, CONTROL],
    "pem": ["", "a certificate", CONTROL],
    "row": ["no-such-row", "no such row", CONTROL],
    "key of a table": ["no-such-row", "no such row", CONTROL],
    "cloud id": ["something else", "a b", CONTROL],
    "stack": ["a", "a b/c/d", "a/b/c/d", "a/b/", CONTROL],
    "name of settings": ["", "A", "a_b", "-a", "1a", "a" * 41, "a b", CONTROL],
    "line": ["a\nb", CONTROL],
    "text": [CONTROL],
}
"""Name of a grammar -> values that it refuses."""

TEXT = "text"
"""Free, but for control characters: each field of it says why."""
FREE: dict[str, str] = {
    "environment.owner": "people or an address, for messages",
    "cluster.kubeconfig": "a path of this computer; it need not exist where the file is checked",
    "cluster.context": "any name that the kubeconfig gives",
    "devicePlugins.*.command[]": "argument of a program",
    "devicePlugins.*.arguments[]": "argument of a program",
    "devicePlugins.*.environment.*": "value of a variable",
    "storage.parameters.*.{key}": "the provisioner's own",
    "storage.parameters.*.*": "the provisioner's own",
    "storage.declared[].parameters.{key}": "the provisioner's own",
    "storage.declared[].parameters.*": "the provisioner's own",
    "gateway.serviceAnnotations.*": "value of an annotation",
    "mlflow.ingress.annotations.*": "value of an annotation",
    "mlflow.server.serviceAccountAnnotations.*": "value of an annotation",
    "objectStore.accessKeyId": "secret of the store",
    "objectStore.secretAccessKey": "secret of the store",
    "mlflow.database.password": "secret of the database",
    "teams.*.registry.password": "secret of the registry",
    "teams.*.registry.username": "any name that the registry gives",
    "monitoring.receivers[].channel": "a channel, a user or an id of Slack",
    "cluster.controlPlane.identityProvider.clientId": "the provider's own",
    "cluster.controlPlane.identityProvider.groupsClaim": "the provider's own",
    "cluster.controlPlane.identityProvider.usernameClaim": "the provider's own",
    "cluster.controlPlane.identityProvider.groupsPrefix": "any text; groups of teams are compared with it",
    "cluster.controlPlane.identityProvider.usernamePrefix": "any text",
    "cluster.controlPlane.identityProvider.requiredClaims.{key}": "the provider's own",
    "cluster.controlPlane.identityProvider.requiredClaims.*": "the provider's own",
    "objectStore.identity.writers.*": "value of an annotation",
    "objectStore.identity.readers.*": "value of an annotation",
    "nvidia.toolkitEnvironment.*": "value of a variable",
    "training.*.job.command[]": "argument of a program",
    "training.*.job.arguments[]": "argument of a program",
    "training.*.job.environment.*": "value of a variable",
    "training.*.job.annotations.*": "value of an annotation",
    "training.*.job.files.*": "the content of a file",
    "servingRuntimes.*.command[]": "argument of a program",
    "servingRuntimes.*.arguments[]": "argument of a program",
    "servingRuntimes.*.environment.*": "value of a variable",
    "inference.*.service.arguments[]": "argument of a program",
    "inference.*.service.environment.*": "value of a variable",
    "inference.*.service.annotations.*": "value of an annotation",
    "inference.*.service.files.*": "the content of a file",
    "inference.*.service.transformer.command[]": "argument of a program",
    "inference.*.service.transformer.arguments[]": "argument of a program",
    "inference.*.service.transformer.environment.*": "value of a variable",
    "modelServers.*.server.command[]": "argument of a program",
    "modelServers.*.server.arguments[]": "argument of a program",
    "modelServers.*.server.environment.*": "value of a variable",
    "modelServers.*.server.annotations.*": "value of an annotation",
    "modelServers.*.server.files.*": "the content of a file",
}
FIELDS: dict[str, str] = {
    **dict.fromkeys(FREE, TEXT),
    "environment.name": "name of settings",
    "environment.domain": "dns name",
    "environment.deviceCaps.{key}": "row",
    "cluster.name": "name of settings",
    "cluster.localImages.{key}": "image",
    "cluster.localImages.*": "local folder",
    "cluster.pools.{key}": "name of settings",
    "cluster.pools.*.accelerator": "row",
    "cluster.pools.*.customAccelerator.name": "line",
    "cluster.pools.*.customAccelerator.resourceName": "extended resource",
    "cluster.pools.*.customAccelerator.nodeLabels.{key}": "qualified name",
    "cluster.pools.*.customAccelerator.nodeLabels.*": "label value",
    "cluster.pools.*.customAccelerator.taintKey": "qualified name",
    "cluster.pools.*.sharing.migProfiles.{key}": "row",
    "cluster.pools.*.topology": "row",
    "cluster.pools.*.labels.{key}": "qualified name",
    "cluster.pools.*.labels.*": "label value",
    "cluster.pools.*.taints[].key": "qualified name",
    "cluster.pools.*.taints[].value": "label value",
    "cluster.pools.*.taints[].effect": "row",
    "cluster.metallb.addresses[]": "addresses",
    "cluster.metallb.interfaces[]": "interface",
    "cluster.metallb.loadBalancerClass": "qualified name",
    "cluster.metallb.controlPlaneRanges[]": "range",
    "cluster.dnsAddresses[]": "range",
    "alerts.runbookBaseUrl": "http url",
    "cluster.efaImageRepository": "repository",
    "nvidia.runtimeClass": "subdomain",
    "nvidia.driverRoot": "host path",
    "nvidia.driverVersion": "line",
    "nvidia.toolkitEnvironment.{key}": "environment name",
    "mlflow.backup.image": "image",
    "mlflow.database.addressRange": "cidr",
    "mlflow.database.keyArn": "cloud id",
    "mlflow.database.keyId": "cloud id",
    "objectStore.ranges[]": "range",
    "objectStore.keyArn": "cloud id",
    "objectStore.keyId": "cloud id",
    "cluster.nfs.server": "host",
    "cluster.nfs.share": "path",
    "cluster.nfs.kubeletDirectory": "host path",
    "cluster.localPath.paths[]": "host path",
    "cluster.existingAddons.*": "label",
    "cluster.existingCrds[]": "row",
    "cluster.accountId": "cloud id",
    "cluster.region": "row",
    "cluster.network.cidr": "range",
    "cluster.network.zones[]": "row",
    "cluster.network.vpcId": "cloud id",
    "cluster.network.privateSubnetIds.{key}": "row",
    "cluster.network.privateSubnetIds.*": "cloud id",
    "cluster.network.publicSubnetIds.{key}": "row",
    "cluster.network.publicSubnetIds.*": "cloud id",
    "cluster.controlPlane.kubernetesVersion": "row",
    "cluster.controlPlane.publicRanges[]": "range",
    "cluster.controlPlane.adminRoleArns[]": "cloud id",
    "cluster.controlPlane.addonVersions.{key}": "row",
    "cluster.controlPlane.addonVersions.*": "cloud id",
    "cluster.controlPlane.groupRoleArns.{key}": "group",
    "cluster.controlPlane.groupRoleArns.*[]": "cloud id",
    "cluster.controlPlane.identityProvider.issuerUrl": "https url",
    "cluster.controlPlane.securityGroup": "email",
    "objectStore.identity.writers.{key}": "annotation key",
    "objectStore.identity.readers.{key}": "annotation key",
    "cluster.pools.*.machines[]": "row",
    "cluster.pools.*.reservationId": "cloud id",
    "cluster.pools.*.zones[]": "row",
    "cluster.pools.*.workingHours.start": "cron",
    "cluster.pools.*.workingHours.end": "cron",
    "cluster.pools.*.workingHours.timeZone": "time zone",
    "cluster.pools.*.kubernetesVersion": "row",
    "cluster.project": "cloud id",
    "cluster.zones[]": "row",
    "cluster.network.networkId": "cloud id",
    "cluster.network.subnetworkId": "cloud id",
    "cluster.network.podsRangeName": "label",
    "cluster.network.servicesRangeName": "label",
    "cluster.network.nodesCidr": "cidr",
    "cluster.network.podsCidr": "cidr",
    "cluster.network.servicesCidr": "cidr",
    "cluster.controlPlane.maintenance.start": "row",
    "cluster.controlPlane.maintenance.days[]": "row",
    "cluster.controlPlane.maintenance.exclusions[].name": "label",
    "cluster.controlPlane.maintenance.exclusions[].start": "row",
    "cluster.controlPlane.maintenance.exclusions[].end": "row",
    "cluster.controlPlane.authorizedRanges[]": "range",
    "cluster.controlPlane.autoProvisioning.acceleratorsMax.{key}": "row",
    "cluster.pools.*.machine": "row",
    "cluster.pools.*.reservation": "cloud id",
    "cluster.computeClasses.{key}": "name of settings",
    "cluster.computeClasses.*.machine": "row",
    "cluster.computeClasses.*.topology": "row",
    "cluster.computeClasses.*.reservation": "cloud id",
    "cluster.computeClasses.*.zones[]": "row",
    "cluster.computeClasses.*.labels.{key}": "qualified name",
    "cluster.computeClasses.*.labels.*": "label value",
    "cluster.computeClasses.*.taints[].key": "qualified name",
    "cluster.computeClasses.*.taints[].value": "label value",
    "cluster.computeClasses.*.taints[].effect": "row",
    "devicePlugins.{key}": "name of settings",
    "devicePlugins.*.image": "image",
    "devicePlugins.*.resourceName": "extended resource",
    "devicePlugins.*.namespace": "label",
    "devicePlugins.*.environment.{key}": "environment name",
    "devicePlugins.*.socketDirectory": "host path",
    "devicePlugins.*.hostPaths[].path": "host path",
    "devicePlugins.*.apiRules[].resources[]": "api resource",
    "devicePlugins.*.apiRules[].verbs[]": "verb",
    "devicePlugins.*.nodeNameVariable": "environment name",
    "clusterStackReference": "stack",
    "charts.location": "chart url",
    "charts.crdLocation": "crd location",
    "storage.parameters.{key}": "row",
    "storage.declared[].className": "subdomain",
    "storage.declared[].provisioner": "provisioner",
    "objectStore.bucket": "bucket",
    "objectStore.prefix": "prefix",
    "objectStore.endpoint": "http url",
    "objectStore.region": "cloud id",
    "objectStore.s3.bucket": "bucket",
    "objectStore.s3.prefix": "prefix",
    "objectStore.s3.logBucket": "bucket",
    "objectStore.gcs.bucket": "bucket",
    "objectStore.gcs.prefix": "prefix",
    "objectStore.gcs.location": "cloud id",
    "dns.route53.domain": "dns name",
    "dns.route53.zoneId": "cloud id",
    "dns.cloudDns.domain": "dns name",
    "dns.cloudDns.zone": "cloud id",
    "acme.server": "https url",
    "acme.email": "email",
    "gateway.domains[].name": "label",
    "gateway.domains[].domain": "dns name",
    "gateway.domains[].hosts[]": "label",
    "gateway.domains[].secretName": "subdomain",
    "gateway.className": "subdomain",
    "gateway.namespace": "label",
    "gateway.clientRanges[]": "range",
    "gateway.proxyRanges[]": "range",
    "gateway.serviceAnnotations.{key}": "annotation key",
    "monitoring.namespace": "label",
    "monitoring.controlPlaneRanges[]": "range",
    "monitoring.grafanaAdminSecretName": "subdomain",
    "monitoring.receivers[].name": "line",
    "monitoring.receivers[].secretName": "subdomain",
    "monitoring.receivers[].secretKey": "data key",
    "monitoring.receivers[].severities[]": "row",
    "mlflow.host": "name of settings",
    "mlflow.ingress.hostname": "dns name",
    "mlflow.ingress.className": "subdomain",
    "mlflow.ingress.tlsSecretName": "subdomain",
    "mlflow.ingress.annotations.{key}": "annotation key",
    "mlflow.ingress.controllerNamespace": "label",
    "mlflow.server.serviceAccountAnnotations.{key}": "annotation key",
    "mlflow.database.host": "database host",
    "mlflow.database.database": "sql name",
    "mlflow.database.username": "line",
    "mlflow.database.sslMode": "row",
    "mlflow.database.caCertificate": "pem",
    "mlflow.database.rds.database": "sql name",
    "mlflow.database.rds.username": "sql user",
    "mlflow.database.rds.postgresql": "row",
    "mlflow.database.rds.instanceClass": "row",
    "mlflow.database.rds.caCertificate": "pem",
    "mlflow.database.cloudSql.database": "sql name",
    "mlflow.database.cloudSql.username": "sql user",
    "mlflow.database.cloudSql.postgresql": "row",
    "mlflow.database.cloudSql.tier": "row",
    "mlflow.backup.schedule": "cron",
    "mlflow.login.usersSecretName": "subdomain",
    "servingRuntimes.{key}": "name of settings",
    "servingRuntimes.*.image": "image",
    "servingRuntimes.*.formats[].name": "line",
    "servingRuntimes.*.formats[].version": "line",
    "servingRuntimes.*.environment.{key}": "environment name",
    "servingRuntimes.*.readyPath": "http path",
    "teams.{key}": "name of settings",
    "teams.*.namespace": "label",
    "teams.*.owner": "required label value",
    "teams.*.costCenter": "required label value",
    "teams.*.quota.{key}": "row",
    "teams.*.viewers[]": "group",
    "teams.*.editors[]": "group",
    "teams.*.admins[]": "group",
    "teams.*.egress[].name": "end of a label",
    "teams.*.egress[].cidr": "range",
    "teams.*.registry.server": "registry host",
    "workloadKinds[]": "python module",
    "training.{key}": "name of settings",
    "training.*.team": "name of settings",
    "training.*.pool": "name of settings",
    "training.*.job.run": "run",
    "training.*.job.image": "image",
    "training.*.job.environment.{key}": "environment name",
    "training.*.job.environmentSecrets[]": "subdomain",
    "training.*.job.accelerators.migProfile": "row",
    "training.*.job.checkpoint.path": "path",
    "training.*.job.datasets.{key}": "subdomain",
    "training.*.job.datasets.*": "path",
    "training.*.job.annotations.{key}": "annotation key",
    "training.*.job.files.{key}": "path",
    "training.*.job.secretFolders.{key}": "subdomain",
    "training.*.job.secretFolders.*": "path",
    "training.*.schedule.cron": "cron",
    "training.*.schedule.timeZone": "time zone",
    "inference.{key}": "name of settings",
    "inference.*.team": "name of settings",
    "inference.*.pool": "name of settings",
    "inference.*.service.version": "label",
    "inference.*.service.modelFormat": "row",
    "inference.*.service.modelFormatVersion": "row",
    "inference.*.service.runtime": "row",
    "inference.*.service.runtimeVersion": "tag",
    "inference.*.service.storageUri": "row",
    "inference.*.service.environment.{key}": "environment name",
    "inference.*.service.accelerators.migProfile": "row",
    "inference.*.service.annotations.{key}": "annotation key",
    "inference.*.service.files.{key}": "path",
    "inference.*.service.secretFolders.{key}": "subdomain",
    "inference.*.service.secretFolders.*": "path",
    "inference.*.service.canary.version": "label",
    "inference.*.service.canary.storageUri": "row",
    "inference.*.service.transformer.image": "image",
    "inference.*.service.transformer.environment.{key}": "environment name",
    "modelServers.{key}": "name of settings",
    "modelServers.*.team": "name of settings",
    "modelServers.*.pool": "name of settings",
    "modelServers.*.server.image": "image",
    "modelServers.*.server.environment.{key}": "environment name",
    "modelServers.*.server.environmentSecrets[]": "subdomain",
    "modelServers.*.server.storageUri": "row",
    "modelServers.*.server.modelPath": "path",
    "modelServers.*.server.accelerators.migProfile": "row",
    "modelServers.*.server.readyPath": "http path",
    "modelServers.*.server.livePath": "http path",
    "modelServers.*.server.metricsPath": "http path",
    "modelServers.*.server.annotations.{key}": "annotation key",
    "modelServers.*.server.files.{key}": "path",
    "modelServers.*.server.secretFolders.{key}": "subdomain",
    "modelServers.*.server.secretFolders.*": "path",
    "modelServers.*.server.hostname": "dns name",
}
MAY_BE_EMPTY = frozenset(
    {
        *("gateway.className", "gateway.namespace", "gateway.domains[].secretName", "monitoring.namespace"),
        *("storage.declared[].className", "monitoring.grafanaAdminSecretName", "devicePlugins.*.nodeNameVariable"),
        *("devicePlugins.*.namespace", "devicePlugins.*.socketDirectory", "teams.*.namespace", "clusterStackReference"),
        *("cluster.metallb.loadBalancerClass", "cluster.nfs.kubeletDirectory", "objectStore.s3.logBucket"),
        *("cluster.network.podsRangeName", "cluster.network.servicesRangeName", "inference.*.service.version"),
        *("alerts.runbookBaseUrl", "servingRuntimes.*.readyPath"),
        *("modelServers.*.server.metricsPath", "modelServers.*.server.hostname", "mlflow.database.caCertificate"),
        *("mlflow.database.rds.caCertificate", "modelServers.*.server.readyPath", "modelServers.*.server.livePath"),
    }
)
"""Fields in which the empty text says: the default, or none."""
BASES = {
    "simulated": "good",
    "existing": "good",
    "operator": "good",
    "eks": "good-eks",
    "eks-made": "good-eks",
    "gke": "good-gke",
    "gke-made": "good-gke",
}
"""File in every_setting/ -> what it is laid over."""


class Field(NamedTuple):
    """A field that is text, in settings that have it."""

    path: str
    config: dict[str, Any]
    where: tuple[int | str, ...]
    """Keys on the way to its value; to a key of a mapping: the way to that entry."""


def texts_of(annotation: Any, path: str) -> Iterator[str]:
    """The paths of every text in a type: `[]` for items, `*` for entries of a mapping, `{key}` for their keys."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        shape = next((extra for extra in arguments[1:] if isinstance(extra, Shape)), None)
        yield from texts_of(shape.model if shape else arguments[0], path)
    elif origin in (Union, UnionType):
        for argument in arguments:
            yield from texts_of(argument, path)
    elif origin is list:
        yield from texts_of(arguments[0], f"{path}[]")
    elif origin is dict:
        yield from texts_of(arguments[0], path + ".{key}")
        yield from texts_of(arguments[1], f"{path}.*")
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for field in annotation.model_fields.values():
            inside = Annotated[(field.annotation, *field.metadata, None)]
            yield from texts_of(inside, f"{path}.{field.alias}".removeprefix("."))
    elif annotation is Any or getattr(annotation, "__name__", "") in ("str", "SecretStr"):
        yield path


def documents() -> dict[str, dict[str, Any]]:
    """Settings that are right, and together write every text."""
    found = {}
    for name, base in BASES.items():
        text = overlaid(overlay_of(HERE / "every_setting" / f"{name}.yaml"), HERE / f"{base}.yaml")
        found[name] = {key.removeprefix(PREFIX): value for key, value in yaml.safe_load(text)["config"].items()}
    return found


def places(node: Any, where: tuple[int | str, ...] = ()) -> Iterator[tuple[int | str, ...]]:
    """The way to everything below a node."""
    entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in entries:
        yield (*where, key)
        yield from places(value, (*where, key))


def found_fields() -> dict[str, Field]:
    """`<document>: <path of the schema>` -> where it stands first in that document."""
    fields: dict[str, Field] = {}
    for name, config in documents().items():
        for where in places(config):
            for path in schema_paths(where):
                if path in FIELDS:
                    fields.setdefault(f"{name}: {path}", Field(path, config, where))
    return fields


def schema_paths(where: tuple[int | str, ...]) -> Iterator[str]:
    """The paths of the schema that a place may be: as a value and as a key of a mapping."""
    paths = [""]
    for key in where[:-1]:
        paths = [f"{path}{step}" for path in paths for step in steps(key)]
    for path in paths:
        for step in (*steps(where[-1]), ".{key}"):
            yield f"{path}{step}".removeprefix(".")


def steps(key: int | str) -> tuple[str, ...]:
    """How a key may stand in a path of the schema."""
    return ("[]",) if isinstance(key, int) else (f".{key}", ".*")


def with_value(field: Field, value: str) -> dict[str, Any]:
    """The document with that text in the field."""
    config = copy.deepcopy(field.config)
    *way, last = field.where
    holder: Any = config
    for key in way:
        holder = holder[key]
    if field.path.endswith("{key}"):
        entries = list(holder.items())
        holder.clear()
        holder.update({value if key == last else key: entry for key, entry in entries})
    else:
        holder[last] = value
    return config


def written(where: tuple[int | str, ...]) -> str:
    """`teams.vision.egress[0].cidr`."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in where).removeprefix(".")


TEXTS = frozenset(texts_of(Settings, ""))
FOUND = found_fields()


def test_every_text_has_a_grammar_or_a_reason_and_nothing_else_has() -> None:
    assert FIELDS.keys() - TEXTS == set(), "no such setting"
    assert TEXTS - FIELDS.keys() == set(), "name the grammar, or say under FREE why any text is right"


def test_every_text_is_written_in_some_settings_that_are_right() -> None:
    assert FIELDS.keys() - {field.path for field in FOUND.values()} == set(), "write it in every_setting/"
    for config in documents().values():
        parse(config)


@pytest.mark.parametrize("name", FOUND)
def test_a_text_outside_its_grammar_is_refused_where_it_stands(name: str) -> None:
    field = FOUND[name]
    near = written(field.where[:-1]) or written(field.where)
    for value in GRAMMARS[FIELDS[field.path]]:
        if not value and field.path in MAY_BE_EMPTY:
            continue
        config = with_value(field, value)
        with pytest.raises(Refused) as refused:
            parse(config)
        paths = {finding.path for finding in refused.value.findings}
        assert any(path.startswith(near) for path in paths), f"{value!r}: {paths}"


@pytest.mark.parametrize("name", [name for name, field in FOUND.items() if FIELDS[field.path] not in (TEXT, "pem")])
def test_a_line_break_at_the_end_is_refused_or_taken_off(name: str) -> None:
    """Python's `$` matches before it; a name that keeps it is refused half-way through an `up`."""
    field = FOUND[name]
    text = field.where[-1] if field.path.endswith("{key}") else value_of(field)
    try:
        taken = parse(with_value(field, f"{text}\n"))
    except Refused:
        return
    assert taken == parse(field.config)


def value_of(field: Field) -> Any:
    """What the document has there."""
    value: Any = field.config
    for key in field.where:
        value = value[key]
    return value
