"""Every rule that settings can break once their shapes are right: the rules that components hold too, all at once."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import replace
from types import ModuleType
from typing import Any, cast

from catalog.accelerators import ACCELERATORS, ClusterKind
from catalog.versions import CRDS
from components.addons import (
    cert_manager,
    cloudnative_pg,
    dcgm_exporter,
    efa_device_plugin,
    external_dns,
    gpu_operator,
    kserve,
    metallb,
    node_feature_discovery,
    nvidia_dra_driver,
)
from components.addons import nvidia_device_plugin as device_plugin
from components.addons.accelerator_nodes import accelerator_charts, custom_plugin_pools, exporter_pools, operator_pools
from components.addons.accelerator_validation import check_device_plugin, check_device_plugin_pod, check_gpu_operator
from components.addons.gateway import GatewayArgs, domain_facts, is_envoy, is_public
from components.addons.metallb import POOL_ANNOTATION
from components.addons.metallb_validation import check_metallb
from components.addons.validation import (
    check_acme,
    check_crd_sets,
    check_gateway,
    check_gateway_names,
    check_http_challenges,
)
from components.base.charts import ChartOrigin
from components.base.cluster_network import API_SERVICE_PORT
from components.base.destinations import check_ranges
from components.base.grammar import (
    ANNOTATION_KEY,
    CHART_URL,
    ENVIRONMENT_NAME,
    HOST_PATH,
    HTTPS_URL,
    LINE,
    SUBDOMAIN,
    check_keys,
    check_text,
)
from components.base.images import check_image, check_repository
from components.base.names import check_object_name
from components.capacity.validation import check_ledger
from components.clouds.eks import cluster_autoscaler, karpenter
from components.clouds.eks.handles import NodeProvisioning
from components.clouds.existing.inspection import ExistingAddon, left_out
from components.clouds.pool_validation import likely_accelerators
from components.findings import Finding, camel, nearest
from components.monitoring.validation import check_alert_rules, check_monitoring
from components.storage import local_path_storage, nfs_storage
from components.storage.onprem_validation import check_encryption, check_host_paths, check_nfs
from components.storage.plan import ObjectStoreKind, StoragePurpose, plan_storage_classes
from components.storage.validation import check_bucket, check_object_store, check_storage_classes, check_store_ranges
from components.tenants.spec import TeamSpec
from components.tenants.validation import (
    RESERVED_NAMESPACES,
    check_internet,
    check_registry,
    check_team,
    holdings_within_quota,
)
from components.tracking.validation import check_backup, check_external_database, check_tracking_server
from components.workloads.serving.hosts import MAX_LABEL
from components.workloads.serving.runtime_validation import check_runtimes
from policies.network import check_api_server_ports
from settings.cloud_validation import judge_cloud
from settings.errors import LARGEST, SECRET, shown
from settings.kinds.base import Replicas
from settings.models.base import Unknown
from settings.models.clouds import EksCluster, GkeCluster
from settings.models.cluster import ExistingCluster
from settings.models.platform import BasicLogin, ExistingDatabase, ExistingStore, InClusterStore, Mlflow
from settings.models.workloads import Workload
from settings.partial import as_far_as_known, is_known, without
from settings.pools import pool_findings
from settings.published import published, served_domains
from settings.settings import MLFLOW_NAMESPACE, PROJECT, STORE_NAMESPACE, Settings

_DEVICE_KEYS = frozenset({"accelerators", "pool", "team"})
_SIZE_KEYS = frozenset({"cpuMillis", "memoryGib", "ephemeralStorageGib"})
"""What decides how much a workload takes of pools, and of its team's quota for everything else; kinds add to both."""
_KEYS = (
    ("credentialsSecretName", "accessKeyId"),
    ("name their Secret", "set accessKeyId and secretAccessKey: pulumi config set --secret --path"),
    ("remove it and bind", "remove accessKeyId and secretAccessKey and bind"),
)
"""What components are told of a store's keys, and what settings say of them."""


def judge(settings: Settings, dropped: Mapping[str, Set[str]] = {}) -> Iterator[Finding]:
    """Everything that is wrong with an environment. `dropped`: mapping -> entries whose shape is wrong already."""
    unshaped = {*dropped.get("pools", ()), *dropped.get("computeClasses", ())}
    of_pools = _findings_of_pools(settings)
    for findings in (of_pools or {}).values():
        yield from findings
    broken = unshaped | {name for name, findings in (of_pools or {}).items() if findings}
    sound = without_pools(settings, broken) if of_pools is not None else without(settings, "cluster")
    yield from judge_cloud(settings, sound)
    yield from _on_prem(settings)
    yield from _software(settings)
    yield from _charts(settings)
    yield from _found(sound)
    yield from _storage(settings)
    yield from _object_store(settings)
    yield from _way_in(settings)
    yield from _monitoring(sound)
    yield from _alerts(settings)
    yield from _mlflow(settings)
    if not unshaped:  # one of them may bring the accelerator
        yield from _caps(sound)
    yield from _nvidia(sound)
    yield from _device_plugins(sound, has_all_pools=not broken)
    if not broken:
        yield from _gpu_operator(sound)
    yield from _namespaces(sound if is_known(sound, "cluster") else settings)
    yield from _names(settings)
    for kind in settings.kinds:
        yield from as_far_as_known(kind.findings_together)(sound if is_known(sound, "cluster") else settings)
    yield from _public_names(settings)
    yield from _serving(settings)
    yield from dict.fromkeys(_tenancy(sound, dropped.get("teams", frozenset())))


def _findings_of_pools(settings: Settings) -> Mapping[str, Sequence[Finding]] | None:
    """None where too little of the cluster is known."""
    try:
        return pool_findings(settings.cluster)
    except Unknown:
        return None


def without_pools(settings: Settings, broken: set[str]) -> Settings:
    """The settings without these pools and all that names them: the rest is judged nevertheless."""
    if not broken:
        return settings
    sections = ("pools", "compute_classes") if isinstance(settings.cluster, GkeCluster) else ("pools",)
    pools = {
        section: {name: pool for name, pool in getattr(settings.cluster, section).items() if name not in broken}
        for section in sections
    }
    rest: dict[str, Any] = {"cluster": settings.cluster.model_copy(update=pools)}
    if is_known(settings, "teams"):
        rest["teams"] = {name: {**team, "quota": _kept(team, broken)} for name, team in settings.teams.items()}
    for kind in settings.kinds:
        if is_known(settings, kind.field):
            rest[kind.field] = {name: one for name, one in kind.workloads(settings).items() if one.pool not in broken}
    return settings.model_copy(update=rest)


def _kept(team: TeamSpec, broken: set[str]) -> dict[str, int]:
    return {key: units for key, units in (team.get("quota") or {}).items() if key.split("/")[0] not in broken}


@as_far_as_known
def _tenancy(settings: Settings, misshapen_teams: Set[str]) -> Iterator[Finding]:
    """Teams, workloads, and the ledger that joins them with the pools."""
    yield from _teams(settings)
    # One mistake is one finding: a workload whose own size is wrong is not held against pools and quotas as well.
    without_devices, without_size = set[str](), set[str]()
    for path, name, workload in settings.workloads():
        if workload.team not in misshapen_teams:
            yield from _team_of(path, workload, settings)
        kind = settings.kind_of(workload)
        of_devices = _DEVICE_KEYS | kind.device_keys
        of_size = of_devices | _SIZE_KEYS | kind.size_keys
        for finding in _workload(path, name, workload, settings):
            keys = {*re.findall(r"\.(\w+)", finding.path.removeprefix(path))}
            for deciding, unsized in ((of_devices, without_devices), (of_size, without_size)):
                if keys & deciding:
                    unsized.add(path)
            yield finding
    ledger = settings.ledger
    yield from check_ledger(replace(ledger, demands=tuple(d for d in ledger.demands if d.path not in without_devices)))
    teams = {name: team for name, team in settings.teams.items() if name not in misshapen_teams}
    sized = [one for one in settings.holdings() if one.path not in without_size and one.storage_gib < LARGEST]
    yield from holdings_within_quota(teams, sized)


@as_far_as_known
def _teams(settings: Settings) -> Iterator[Finding]:
    supplies = settings.supplies()
    for name, team in settings.teams.items():
        yield from check_team(f"teams.{name}", name, team, supplies)
        if not isinstance(settings.object_store, InClusterStore):
            store = settings.object_store
            endpoint = (store.endpoint or "") if isinstance(store, ExistingStore) else ""
            yield from check_internet(f"teams.{name}", team, endpoint, store.ranges)
        registry = team.get("registry")
        if registry:
            yield from check_registry(f"teams.{name}.registry", registry["server"], registry["username"])


@as_far_as_known
def _team_of(path: str, workload: Workload, settings: Settings) -> Iterator[Finding]:
    if workload.team not in settings.teams:
        known = ", ".join(settings.teams) or "(none declared)"
        remedy = _or_declare(workload.team, [*settings.teams], "teams")
        yield Finding(f"{path}.team", workload.team, f"a team of this environment: {known}", remedy)


@as_far_as_known
def _charts(settings: Settings) -> Iterator[Finding]:
    charts = settings.charts
    origin, location = charts.origin, charts.location
    simulated = settings.cluster.kind == ClusterKind.SIMULATED or settings.environment.rehearsal
    if origin is ChartOrigin.STUB and not simulated:
        yield Finding(
            "charts.origin",
            origin,
            f"stub charts are stand-ins that run nothing; this is a real cluster ({settings.cluster.kind})",
            "use upstream, or mirror with the address of your registry",
        )
    if (origin is ChartOrigin.MIRROR) != bool(location):
        yield Finding(
            "charts.location",
            location or "(missing)",
            "a mirror has an address, and nothing else has",
            "give oci://… or https://… with origin mirror, and leave it out otherwise",
        )
    elif location and not CHART_URL.accepts(location):
        yield Finding("charts.location", location, CHART_URL.rule, CHART_URL.example)
    elif origin is ChartOrigin.MIRROR:
        for finding in check_crd_sets("charts", [*CRDS], [*CRDS], origin, charts.crd_location or location):
            yield finding._replace(
                path="charts.crdLocation", remedy=finding.remedy.replace("<mirror>", "<crdLocation>")
            )
        written = charts.crd_location
        if "://" in written and not written.startswith("oci://") and not HTTPS_URL.accepts(written):
            rule = f"{HTTPS_URL.rule}, or a folder"
            yield Finding("charts.crdLocation", charts.crd_location, rule, HTTPS_URL.example)
    if charts.crd_location and origin is not ChartOrigin.MIRROR:
        yield Finding("charts.crdLocation", charts.crd_location, "only a mirror has one", "remove it")


@as_far_as_known
def _found(settings: Settings) -> Iterator[Finding]:
    """What the cluster has already: only what would be installed otherwise, in a namespace that stays its owner's."""
    if not isinstance(settings.cluster, ExistingCluster):
        return
    yield from check_ranges("cluster.dnsAddresses", settings.cluster.dns_addresses)
    yield from check_api_server_ports("cluster.apiServerPorts", settings.cluster.api_server_ports, API_SERVICE_PORT)
    would_install = {
        ExistingAddon.CSI_DRIVER_NFS: (bool(settings.cluster.nfs), "cluster.nfs"),
        ExistingAddon.DCGM_EXPORTER: (
            bool(exporter_pools([*settings.pools.values()])),
            "NVIDIA pools that the GPU Operator does not serve",
        ),
    }
    made = made_namespaces(settings)
    for addon, namespace in settings.existing_addons.items():
        path = f"cluster.existingAddons.{addon}"
        yield from check_object_name(path, namespace)
        wanted, by = would_install.get(addon, (True, ""))
        if not wanted:
            yield Finding(
                path, namespace, f"what the platform would install otherwise; this only for {by}", "remove it"
            )
        if namespace in made:
            yield Finding(
                path,
                namespace,
                f"the platform makes this namespace for {made[namespace]}, closes it, and deletes it when it goes",
                f"give {made[namespace]} another one where it has a setting for it (monitoring.namespace, "
                "gateway.namespace), else install the add-on elsewhere",
            )
    sets = sorted(settings.needed_crds - left_out(settings.existing_addons, ()))
    for name in settings.cluster.existing_crds:
        if name not in sets:
            rule = f"a set that the platform would install otherwise: {', '.join(sets)}"
            yield Finding("cluster.existingCrds", name, rule, _nearest(name, sets))


@as_far_as_known
def _on_prem(settings: Settings) -> Iterator[Finding]:
    """What a cluster without a cloud gets its addresses and volumes from."""
    if not isinstance(settings.cluster, ExistingCluster):
        return
    if settings.cluster.metallb:
        yield from check_metallb("cluster.metallb", settings.cluster.metallb)
    if settings.cluster.nfs:
        yield from check_nfs("cluster.nfs", settings.cluster.nfs)
    if settings.cluster.local_path:
        yield from check_host_paths("cluster.localPath.paths", settings.cluster.local_path["paths"])
        yield from check_encryption("cluster.localPath", settings.cluster.local_path["encryption"])


@as_far_as_known
def _storage(settings: Settings) -> Iterator[Finding]:
    for finding in check_storage_classes("storage", plan_storage_classes(PROJECT, settings.storage_args)):
        yield finding._replace(path=_of_declared(finding.path, settings))
    for index, row in enumerate(settings.storage.get("declared") or []):
        path, listed = f"storage.declared[{index}]", "as kubectl get storageclass lists it"
        if row.get("class_name") == "":
            rule = "the name of a class that the cluster has; without the line the platform makes one"
            yield Finding(f"{path}.className", "(empty)", rule, f"write it {listed}, or remove the line")
        if row.get("provisioner") == "" and not row.get("class_name"):
            rule = "a class that the platform makes has a provisioner"
            yield Finding(f"{path}.provisioner", "(empty)", rule, f"write it {listed}")
    declared = [str(one["purpose"]) for one in settings.storage.get("declared") or []]
    for purpose in sorted({purpose for purpose in declared if declared.count(purpose) > 1}):
        yield Finding(
            "storage.declared",
            f"{purpose} {declared.count(purpose)} times",
            "each purpose has one class",
            "keep one of them",
        )
    for purpose, parameters in (settings.storage.get("parameters") or {}).items():
        # Components take ids that are not known yet as well, so the shape leaves them open.
        for key, value in parameters.items():
            if not isinstance(value, str):
                path = f"storage.parameters.{purpose}.{key}"
                yield Finding(path, shown(value), "text", f'write it in quotes: "{shown(value)}"')
        if purpose not in [*StoragePurpose]:
            rule = f"by purpose: {', '.join(StoragePurpose)}"
            yield Finding(f"storage.parameters.{purpose}", purpose, rule, _nearest(purpose, [*StoragePurpose]))
    standard = settings.storage_handles.get(StoragePurpose.STANDARD)
    if standard is None or "ReadWriteOnce" not in standard["access_modes"]:
        yield Finding(
            "storage.declared",
            f"{standard['class_name']}: {', '.join(standard['access_modes'])}" if standard else "(none for standard)",
            "Prometheus, PostgreSQL and the object store in the cluster keep their data on ReadWriteOnce volumes of "
            "the class for standard",
            "declare it: purpose: standard, className (kubectl get storageclass), provisioner, encryption",
        )


def _of_declared(path: str, settings: Settings) -> str:
    """Where a class is written: `storage.fast.className` of a declared one is `storage.declared[0].className`."""
    for index, one in enumerate(settings.storage.get("declared") or []):
        path = re.sub(rf"^storage\.{one['purpose']}(?=\.|$)", f"storage.declared[{index}]", path)
    return path


@as_far_as_known
def _object_store(settings: Settings) -> Iterator[Finding]:
    store = settings.object_store
    if isinstance(store, InClusterStore):
        yield from check_bucket("objectStore.bucket", store.bucket)
    elif not isinstance(store, ExistingStore):
        yield from check_store_ranges("objectStore.ranges", store.ranges)
    if not isinstance(store, ExistingStore):
        return
    keys = (store.access_key_id, store.secret_access_key)
    if any(keys) and not all(keys):
        missing = "secretAccessKey" if store.access_key_id else "accessKeyId"
        yield Finding(
            f"objectStore.{missing}",
            "(missing)",
            "a key has two halves",
            f"set it with pulumi config set --secret --path '{PROJECT}:objectStore.{missing}', or remove the other one "
            "(workload identity)",
        )
    yield from _store_identity(settings, store)
    args = store.model_dump(exclude={"access_key_id", "secret_access_key", "identity"}, exclude_none=True)
    known = {**args, "credentials_secret_name": "object-store-keys" if any(keys) else ""}
    for finding in check_object_store("objectStore", known):
        path, remedy = finding.path, finding.remedy
        for theirs, ours in _KEYS:
            path, remedy = path.replace(theirs, ours), remedy.replace(theirs, ours)
        given = finding.value if finding.value == "(missing)" or not path.endswith("KeyId") else SECRET
        yield finding._replace(path=path, remedy=remedy, value=given)


def _store_identity(settings: Settings, store: ExistingStore) -> Iterator[Finding]:
    """Pods have one way into the bucket: keys, the platform's own grants, or an identity that somebody else binds."""
    path, keys = "objectStore.identity", bool(store.access_key_id or store.secret_access_key)
    if store.kind is ObjectStoreKind.S3_COMPATIBLE:  # needs keys, which is reported with the store
        if store.identity is not None:
            yield Finding(path, "(given)", "an s3-compatible store needs keys", "remove identity, set accessKeyId")
    elif store.identity is not None and (keys or settings.binds_accounts):
        rule = "keys or an identity" if keys else f"on {settings.cluster.kind} the platform binds the service accounts"
        yield Finding(path, "(given)", rule, "remove identity" + (", or the keys" if keys else ""))
    elif store.identity is None and not keys and _is_bound_outside(settings):
        yield Finding(
            path,
            "(missing)",
            f"pods reach a bucket of {store.kind} by keys, or by their service accounts, which {settings.cluster.kind} "
            "does not bind by itself",
            "set identity.writers and identity.readers to the annotations of the service accounts (an empty identity "
            "where they are bound in the cloud by name), or set accessKeyId and secretAccessKey with pulumi config set "
            "--secret --path",
        )
    annotations = {"writers": store.identity.writers, "readers": store.identity.readers} if store.identity else {}
    for role, written in annotations.items():
        for key in written:
            yield from check_text(f"{path}.{role}", key, ANNOTATION_KEY)


def _is_bound_outside(settings: Settings) -> bool:
    """Whether identities of pods are somebody else's work. In a simulated cluster no pod asks for one."""
    return not settings.binds_accounts and settings.cluster.kind != ClusterKind.SIMULATED


@as_far_as_known
def _serving(settings: Settings) -> Iterator[Finding]:
    yield from check_runtimes("servingRuntimes", settings.serving_runtimes)


@as_far_as_known
def _way_in(settings: Settings) -> Iterator[Finding]:
    if settings.acme:
        yield from check_acme("acme", settings.acme.email, settings.acme.server)
    written = cast(GatewayArgs, settings.gateway or {})
    yield from check_gateway(
        "gateway",
        [domain_facts(domain) for domain in served_domains(settings, settings.proved_zone)],
        has_acme=settings.acme is not None,
        dns_zone=settings.proved_zone,
        needs_class=not is_envoy(written) and not written.get("class_name"),
    )
    yield from check_gateway_names("gateway", written)
    wrong = [*check_ranges("gateway.clientRanges", written.get("client_ranges") or [])]
    yield from wrong
    yield from check_ranges("gateway.proxyRanges", written.get("proxy_ranges") or [])
    if settings.acme and is_envoy(written) and not wrong and not is_public(written):
        domains, ranges = [domain_facts(domain) for domain in settings.domains], written.get("client_ranges") or []
        yield from check_http_challenges("gateway", domains, settings.acme.server, settings.proved_zone, ranges)
    yield from _address(settings, written)


def _address(settings: Settings, gateway: GatewayArgs) -> Iterator[Finding]:
    """The gateway's Service asks for an address where MetalLB gives none by itself."""
    metallb = settings.cluster.metallb if isinstance(settings.cluster, ExistingCluster) else None
    if metallb is None or metallb.get("automatic", True) or not is_envoy(gateway):
        return
    if not {POOL_ANNOTATION, "metallb.io/loadBalancerIPs"} & {*(gateway.get("service_annotations") or {})}:
        yield Finding(
            "gateway.serviceAnnotations",
            f"without {POOL_ANNOTATION}",
            "with cluster.metallb.automatic: false only a Service that asks for it gets an address",
            f"add {POOL_ANNOTATION}: metallb, or remove automatic",
        )


@as_far_as_known
def _monitoring(settings: Settings) -> Iterator[Finding]:
    standard = settings.storage_handles.get(StoragePurpose.STANDARD)
    known: dict[str, Any] = {
        "cluster_kind": settings.cluster.kind,
        # A class that Prometheus cannot use is reported with the storage classes.
        "storage": {"access_modes": ["ReadWriteOnce"], "class_name": standard["class_name"] if standard else ""},
    }
    yield from check_monitoring("monitoring", {**settings.monitoring_args, **known})


@as_far_as_known
def _alerts(settings: Settings) -> Iterator[Finding]:
    yield from check_alert_rules("alerts", settings.alerts)


@as_far_as_known
def _mlflow(settings: Settings) -> Iterator[Finding]:
    mlflow = settings.mlflow
    yield from check_backup("mlflow.backup", mlflow.backup.schedule, mlflow.backup.retention_days)
    if mlflow.backup.image is not None:
        yield from check_image("mlflow.backup.image", mlflow.backup.image)
    yield from check_tracking_server("mlflow.server", {**(mlflow.server or {})})
    yield from _ingress(mlflow)
    yield from _login(settings)
    if isinstance(mlflow.database, ExistingDatabase):
        yield from check_external_database("mlflow.database", mlflow.database.model_dump(exclude={"password"}))


@as_far_as_known
def _login(settings: Settings) -> Iterator[Finding]:
    """MLflow has no login of its own: everybody who reaches it may delete everything."""
    login, path = settings.mlflow.login, "mlflow.login"
    if login is None and settings.cluster.kind != ClusterKind.SIMULATED:
        yield Finding(
            path,
            "(missing)",
            "the tracking server is published, and asks nobody who they are",
            "choose kind basic with usersSecretName, or kind none where something before the gateway asks",
        )
    if not isinstance(login, BasicLogin):
        return
    yield from check_object_name(f"{path}.usersSecretName", login.users_secret_name)
    behind = "mlflow.ingress" if settings.mlflow.ingress else "gateway.implementation existing"
    if settings.mlflow.ingress or not is_envoy(cast(GatewayArgs, settings.gateway or {})):
        yield Finding(
            f"{path}.kind",
            f"basic, behind {behind}",
            "the platform's own Envoy Gateway asks for it",
            "let what answers there ask, and write kind none",
        )


@as_far_as_known
def _ingress(mlflow: Mlflow) -> Iterator[Finding]:
    if mlflow.ingress is None:
        return
    yield from check_tracking_server("mlflow", {"ingress": mlflow.ingress})
    if "host" in mlflow.model_fields_set:
        rule = "one way in: a name of the gateway, or an Ingress with a hostname of its own"
        yield Finding("mlflow.host", mlflow.host, rule, "remove host or ingress")


@as_far_as_known
def _caps(settings: Settings) -> Iterator[Finding]:
    """A cap on a misspelt accelerator would cap nothing."""
    own = [
        accelerator
        for pool in settings.pools.values()
        if (accelerator := pool["capacity"]["accelerator"]) and accelerator not in ACCELERATORS
    ]
    for name, cap in settings.environment.device_caps.items():
        if name not in ACCELERATORS and name not in own:
            close = " or ".join(likely_accelerators(name, [*ACCELERATORS, *own]))
            yield Finding(
                f"environment.deviceCaps.{name}",
                str(cap),
                f"an accelerator of the catalogue or of a pool: {', '.join([*ACCELERATORS, *own])}",
                f"did you mean {close}?" if close else "correct the name, or remove it",
            )


_INSTALLED_WITH: Mapping[str, tuple[str, ...]] = {
    "runtime_class": ("nvidia-device-plugin", "dcgm-exporter"),
    "driver_root": ("nvidia-device-plugin", "dcgm-exporter", "dra-driver-nvidia-gpu"),
    "profiling": ("dcgm-exporter",),
    "compute_domains": ("dra-driver-nvidia-gpu",),
    "driver_version": ("gpu-operator",),
    "toolkit_environment": ("gpu-operator",),
}
"""Key of `nvidia` -> charts that take it."""


@as_far_as_known
def _nvidia(settings: Settings) -> Iterator[Finding]:
    """What is said of software that is not installed here would reach nothing."""
    installed = {*accelerator_charts([*settings.pools.values()])} - {str(addon) for addon in settings.existing_addons}
    for key in settings.nvidia.of(*_INSTALLED_WITH):
        path, charts = f"nvidia.{camel(key)}", _INSTALLED_WITH[key]
        if not installed & {*charts}:
            rule = f"for {' and '.join(charts)}, of which the pools of this cluster get none from the platform"
            yield Finding(path, "(given)", rule, "remove it")
        elif key == "driver_root" and settings.cluster.kind == ClusterKind.GKE:
            yield Finding(path, settings.nvidia.driver_root or "(empty)", "on GKE the platform knows it", "remove it")
    if settings.nvidia.runtime_class is not None:
        yield from check_object_name("nvidia.runtimeClass", settings.nvidia.runtime_class)


@as_far_as_known
def _software(settings: Settings) -> Iterator[Finding]:
    """Names, paths and variables of the software for devices."""
    nvidia = settings.nvidia
    for key, text, grammar in (
        ("runtimeClass", nvidia.runtime_class, SUBDOMAIN),
        ("driverRoot", nvidia.driver_root, HOST_PATH),
        ("driverVersion", nvidia.driver_version, LINE),
    ):
        yield from check_text(f"nvidia.{key}", text, grammar) if text is not None else ()
    yield from check_keys("nvidia.toolkitEnvironment", nvidia.toolkit_environment or {}, ENVIRONMENT_NAME)
    if isinstance(settings.cluster, EksCluster) and settings.cluster.efa_image_repository:
        yield from check_repository("cluster.efaImageRepository", settings.cluster.efa_image_repository)


@as_far_as_known
def _device_plugins(settings: Settings, *, has_all_pools: bool) -> Iterator[Finding]:
    for name, plugin in settings.device_plugins.items():
        path, resource = f"devicePlugins.{name}", plugin["resource_name"]
        theirs = custom_plugin_pools(list(settings.pools.values()), resource)
        for finding in check_device_plugin(path, plugin["image"], resource, theirs):
            if not finding.path.endswith(".pools"):
                yield finding
            elif has_all_pools:
                yield Finding(
                    f"{path}.resourceName",
                    resource,
                    "the resource of a customAccelerator, on a pool to which the platform brings the device plugin",
                    "give the pool a customAccelerator with that resourceName",
                )
        yield from check_device_plugin_pod(path, plugin)
        yield from check_object_name(f"{path}.namespace", settings.plugin_namespace(name))


@as_far_as_known
def _gpu_operator(settings: Settings) -> Iterator[Finding]:
    pools = [*settings.pools.values()]
    if operator_pools(pools) and "gpu-operator" not in settings.existing_addons:
        yield from check_gpu_operator("cluster", pools)


def _nearest(name: str, known: list[str]) -> str:
    close = nearest(name, known)
    return f"did you mean {close}?" if close else "correct the name, or remove it"


def _or_declare(name: str, known: list[str], section: str) -> str:
    close = nearest(name, known)
    return f"{f'did you mean {close}? Else ' if close else ''}declare it under {section}"


def _fixed_namespaces(settings: Settings) -> Iterator[tuple[str, str]]:
    """Namespaces that the platform makes and no setting moves, each with what lives there."""
    modules = (cert_manager, cloudnative_pg, dcgm_exporter, device_plugin, kserve, node_feature_discovery)
    for module in modules:
        name = module.__name__.rpartition(".")[2].replace("_", "-")
        if name not in settings.existing_addons:
            yield module.DEFAULT_NAMESPACE, name
    yield MLFLOW_NAMESPACE, "MLflow"
    yield STORE_NAMESPACE, "the object store"
    match settings.cluster:
        case ExistingCluster() as cluster:
            grounds: tuple[tuple[Any, ModuleType], ...] = (
                (cluster.metallb, metallb),
                (cluster.nfs and ExistingAddon.CSI_DRIVER_NFS not in settings.existing_addons, nfs_storage),
                (cluster.local_path, local_path_storage),
            )
            yield from ((module.DEFAULT_NAMESPACE, module.DEFAULT_NAMESPACE) for wanted, module in grounds if wanted)
        case EksCluster(provisioning=NodeProvisioning.KARPENTER):
            yield karpenter.DEFAULT_NAMESPACE, "Karpenter"
        case EksCluster(provisioning=NodeProvisioning.MANAGED_GROUPS):
            yield cluster_autoscaler.DEFAULT_NAMESPACE, "the Cluster Autoscaler"
    if settings.proved_zone:
        yield external_dns.DEFAULT_NAMESPACE, "external-dns"
    with suppress(Unknown):
        charts = accelerator_charts([*settings.pools.values()])
        yield from ((module.DEFAULT_NAMESPACE, chart) for chart, module in _OF_CHARTS.items() if chart in charts)


_OF_CHARTS = {
    "aws-efa-k8s-device-plugin": efa_device_plugin,
    "dra-driver-nvidia-gpu": nvidia_dra_driver,
    "gpu-operator": gpu_operator,
}


def _chosen_namespaces(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Namespaces that the platform makes and a setting moves: the setting, the namespace, what lives there."""
    yield "gateway.namespace", settings.gateway_namespace, "the gateway"
    yield "monitoring.namespace", settings.monitoring_namespace, "monitoring"
    yield "monitoring.namespace", f"{settings.monitoring_namespace}-nodes", "monitoring"
    for name in settings.device_plugins:
        yield f"devicePlugins.{name}.namespace", settings.plugin_namespace(name), f"device plugin {name}"


def made_namespaces(settings: Settings) -> Mapping[str, str]:
    """Namespace that the platform makes -> what of it lives there."""
    return {
        **dict(_fixed_namespaces(settings)),
        **{namespace: owner for _, namespace, owner in _chosen_namespaces(settings)},
    }


def platform_namespaces(settings: Settings) -> Mapping[str, str]:
    """Namespace -> what lives there of the platform, or of what it found."""
    return {**{namespace: addon for addon, namespace in settings.existing_addons.items()}, **made_namespaces(settings)}


@as_far_as_known
def _namespaces(settings: Settings) -> Iterator[Finding]:
    """Each part of the platform, and each team, has a namespace of its own."""
    owners = {**dict.fromkeys(RESERVED_NAMESPACES, "Kubernetes"), **dict(_fixed_namespaces(settings))}
    usual = {"gateway.namespace": not cast(GatewayArgs, settings.gateway or {}).get("namespace")}
    usual["monitoring.namespace"] = not settings.monitoring_args.get("namespace")
    usual |= {
        f"devicePlugins.{name}.namespace": not one.get("namespace") for name, one in settings.device_plugins.items()
    }
    # Those who chose none come first: of two in one namespace, the one that chose it is told.
    for path, namespace, owner in sorted(_chosen_namespaces(settings), key=lambda one: not usual[one[0]]):
        if namespace in owners:
            yield Finding(
                path,
                namespace,
                f"{owner} has a namespace of its own, which the platform makes; this is that of {owners[namespace]}",
                "choose another namespace",
            )
        owners.setdefault(namespace, owner)
    owners = {namespace: owner for namespace, owner in owners.items() if namespace not in RESERVED_NAMESPACES}
    owners = {**{namespace: addon for addon, namespace in settings.existing_addons.items()}, **owners}
    for name, team in sorted(settings.teams.items(), key=lambda item: bool(item[1].get("namespace"))):
        namespace = team.get("namespace") or name
        if namespace in owners:
            yield Finding(
                f"teams.{name}.namespace",
                namespace,
                f"a team has a namespace of its own; this is that of {owners[namespace]}",
                "give the team another namespace",
            )
        owners.setdefault(namespace, f"team {name}")


@as_far_as_known
def _names(settings: Settings) -> Iterator[Finding]:
    """Within a team, a name stands for one thing: Services and volumes are named after workloads."""
    places: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path, name, workload in settings.workloads():
        places[workload.team, name].append(path)
    for (team, name), paths in places.items():
        if len(paths) > 1:
            yield Finding(
                paths[-1],
                f"{name} (also {', '.join(paths[:-1])})",
                f"within team {team} a name stands for one workload",
                "rename one of them",
            )


@as_far_as_known
def _public_names(settings: Settings) -> Iterator[Finding]:
    """A public name leads to one place, and is one that DNS can hold."""
    named = [*published(settings)]
    ingress = settings.mlflow.ingress
    if ingress:
        named.insert(0, ("mlflow.ingress.hostname", ingress["hostname"]))
    owners: dict[str, str] = {}
    for path, hostname in sorted(named, key=lambda one: one[0] != "grafana"):
        label = hostname.partition(".")[0]
        if len(label) > MAX_LABEL:
            yield Finding(
                path,
                f"{label} ({len(label)} characters)",
                f"KServe publishes it under this name, and a label of a host name has at most {MAX_LABEL}",
                "shorten the model's name or version, or the team's namespace",
            )
        if hostname in owners:
            what = "Grafana" if owners[hostname] == "grafana" else owners[hostname]
            yield Finding(path, hostname, f"a public name leads to one place; this leads to {what}", "choose another")
        owners.setdefault(hostname, path)


@as_far_as_known
def _workload(path: str, name: str, workload: Workload, settings: Settings) -> Iterator[Finding]:
    pool = settings.pools.get(workload.pool)
    if pool is None:
        known = ", ".join(settings.pools) or "(none that is right)"
        remedy = _or_declare(workload.pool, [*settings.pools], "cluster.pools")
        yield Finding(f"{path}.pool", workload.pool, f"a pool of this cluster: {known}", remedy)
        return
    kind = settings.kind_of(workload)
    yield from kind.findings(path, name, workload, pool, settings)
    replicas = kind.replicas(path, workload)
    if replicas:
        yield from _autoscaling(replicas, settings)


def _autoscaling(replicas: Replicas, settings: Settings) -> Iterator[Finding]:
    """Replicas follow the load only where something serves the metrics of pods."""
    if not isinstance(settings.cluster, ExistingCluster) or settings.cluster.metrics_server:
        return
    if replicas.most > replicas.fewest:
        yield Finding(
            f"{replicas.path}.maxReplicas",
            str(replicas.most),
            "without metrics-server (cluster.metricsServer: false) the number of replicas never changes",
            f"use maxReplicas {replicas.fewest}, or install metrics-server and remove metricsServer",
        )
