"""Each part of the platform, and each team, has a namespace of its own."""

from collections.abc import Iterator, Mapping
from contextlib import suppress

from catalog.addons import namespaces_of
from components.addons.accelerator_nodes import accelerator_charts
from components.addons.gateway_spec import GatewaySpec
from components.findings import Finding
from components.tenants.spec import namespace_of
from components.tenants.validation import RESERVED_NAMESPACES
from settings.models.base import UnknownSetting
from settings.partial import as_far_as_known
from settings.settings import MLFLOW_NAMESPACE, STORE_NAMESPACE, Settings


def _fixed_namespaces(settings: Settings) -> Iterator[tuple[str, str]]:
    """Namespaces that the platform makes and no setting moves, each with what lives there."""
    brought = {"external-dns"} if settings.proved_zone else set[str]()
    with suppress(UnknownSetting):
        brought |= {*accelerator_charts([*settings.pools.values()])}
    yield from namespaces_of(brought, settings.existing_addons).items()
    yield MLFLOW_NAMESPACE, "MLflow"
    yield STORE_NAMESPACE, "the object store"
    yield from settings.cluster.namespaces


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


def new_namespaces(settings: Settings) -> set[str]:
    """Namespaces that the stack makes, for the platform and for teams."""
    return {*made_namespaces(settings), *(namespace_of(name, team) for name, team in settings.teams.items())}


def platform_namespaces(settings: Settings) -> Mapping[str, str]:
    """Namespace -> what lives there of the platform, or of what it found."""
    return {**{namespace: addon for addon, namespace in settings.existing_addons.items()}, **made_namespaces(settings)}


@as_far_as_known
def check_namespaces(settings: Settings) -> Iterator[Finding]:
    """Each part of the platform, and each team, has a namespace of its own."""
    owners = {**dict.fromkeys(RESERVED_NAMESPACES, "Kubernetes"), **dict(_fixed_namespaces(settings))}
    usual = {"gateway.namespace": not (settings.gateway or GatewaySpec()).get("namespace")}
    usual["monitoring.namespace"] = not settings.monitoring_args.get("namespace")
    usual |= {
        f"devicePlugins.{name}.namespace": not one.get("namespace") for name, one in settings.device_plugins.items()
    }
    # Defaults come first: of two in one namespace, the finding names the one that sets it.
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
        namespace = namespace_of(name, team)
        if namespace in owners:
            yield Finding(
                f"teams.{name}.namespace",
                namespace,
                f"a team has a namespace of its own; this is that of {owners[namespace]}",
                "give the team another namespace",
            )
        owners.setdefault(namespace, f"team {name}")
