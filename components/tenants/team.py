"""A team: an isolated namespace, its quotas, its roles, and the service accounts of its pods."""

import json
from typing import Any, Required, TypedDict

from pulumi import Input, Output, ResourceOptions
from pulumi_kubernetes import core, meta, rbac

from components.addons.gateway_spec import GatewayHandle
from components.base.cluster_network import USUAL_NETWORK, ClusterNetworkHandle
from components.base.component import Component, once_created
from components.base.labels import LABELS
from components.base.namespaces import IsolatedNamespace, IsolatedNamespaceArgs, PodSecurity
from components.capacity.ledger import Supply, supplies_of
from components.capacity.placement import PoolHandle
from components.findings import refuse
from components.monitoring.spec import MonitoringHandle
from components.storage.plan import ObjectStoreHandle
from components.tenants.handles import PriorityHandle, TeamHandle
from components.tenants.plan import (
    LIMITS,
    PULL_SECRET,
    SERVING_ACCOUNT,
    TRAINING_ACCOUNT,
    quota_spec,
    role_rules,
    role_subjects,
    roles_of,
    team_labels,
    team_traffic,
)
from components.tenants.spec import TeamSpec, namespace_of
from components.tenants.validation import check_internet, check_team
from components.tracking.spec import TrackingHandle

PRIORITIES_ANNOTATION = "mlplatform.dev/priority-classes"
"""On the namespace, for objects that are created by hand: the priority classes of its workloads, highest first."""


class RegistryCredentials(TypedDict):
    """Credentials for a private registry."""

    server: str
    """Host name of the registry."""
    username: str
    """User."""
    password: Input[str]
    """Password or token; kept as a secret."""


class TeamArgs(TypedDict, total=False):
    """A team and the parts of the platform that it uses."""

    name: Required[str]
    """Name of the team."""
    team: Required[TeamSpec]
    """Its quotas, its members, its egress rules."""
    registry: RegistryCredentials
    """Private registry that its pods pull from; default: none."""
    account_annotations: dict[str, dict[str, str]]
    """Service account (`training`, `serving`) -> its annotations, for workload identity (`eks.amazonaws.com/role-arn`,
    `iam.gke.io/gcp-service-account`)."""
    pools: Required[list[PoolHandle]]
    """All pools of the environment, including those without a quota for the team."""
    priorities: Required[PriorityHandle]
    """Priority classes of its workloads."""
    tracking: TrackingHandle
    """Tracking server that its pods log to."""
    monitoring: MonitoringHandle
    """Prometheus, which scrapes its pods."""
    gateway: GatewayHandle
    """The gateway of its models."""
    artifacts: ObjectStoreHandle
    """Object store of its models and artifacts; its keys are `ObjectStoreCredentials` in the team's namespace."""
    network: ClusterNetworkHandle
    """How the CNI resolves names and enforces policies. Default: `USUAL_NETWORK`."""


class Team(Component):
    """A namespace with quotas and default-deny network policies."""

    namespace: Output[str]
    """Its name, known once isolation, quota, limits and accounts exist: workloads wait for all of them."""
    quota: Output[dict[str, int]]
    """Accelerator quota by pool, for policies and reports."""

    def __init__(self, name: str, args: TeamArgs, opts: ResourceOptions | None = None) -> None:
        team, supplies = args["team"], supplies_of_all(args["pools"])
        store = args.get("artifacts")
        closed = check_internet(name, team, store["endpoint"], store.get("ranges") or []) if store else ()
        refuse(f"team {args['name']}", [*check_team(name, args["name"], team, supplies), *closed])
        registry: Any = args.get("registry")
        if registry:
            registry = {**registry, "password": Output.secret(registry["password"])}
        super().__init__(name, {**args, "registry": registry}, opts)
        handles = (args.get("tracking"), args.get("monitoring"), args.get("gateway"), args.get("artifacts"))
        home = IsolatedNamespace(
            f"{name}-home",
            IsolatedNamespaceArgs(
                namespace=namespace_of(args["name"], team),
                pod_security=PodSecurity.RESTRICTED,
                exceptions=team_traffic(team, *handles),
                labels=namespace_labels(args),
                annotations={PRIORITIES_ANNOTATION: ", ".join(args["priorities"].values())},  # type: ignore[arg-type]
                network=args.get("network") or USUAL_NETWORK,
            ),
            opts=self.child,
        )
        self.labels = {**LABELS, **team_labels(args["name"], team)}
        pull_secret = self._pull_secret(name, home.namespace, registry) if registry else None
        guards = [
            core.v1.ResourceQuota(
                f"{name}-quota",
                metadata=self._metadata("team", home.namespace),
                spec=quota_spec(team, supplies),
                opts=self.child,
            ),
            core.v1.LimitRange(
                f"{name}-limits", metadata=self._metadata("team", home.namespace), spec=LIMITS, opts=self.child
            ),
            *(
                self._account(name, account, home.namespace, pull_secret, args)
                for account in (TRAINING_ACCOUNT, SERVING_ACCOUNT)
            ),
        ]
        self._rights(name, home.namespace, team)
        self.namespace = once_created(namespace_of(args["name"], team), home, *guards)
        self.quota = Output.from_input({key: int(units) for key, units in (team.get("quota") or {}).items()})
        self.handle = TeamHandle(
            name=args["name"],
            namespace=self.namespace,
            training_service_account=TRAINING_ACCOUNT,
            serving_service_account=SERVING_ACCOUNT,
            priorities=args["priorities"],
        )
        self.register_outputs({"namespace": self.namespace, "quota": self.quota})

    def _metadata(
        self, name: str, namespace: Output[str], annotations: dict[str, str] | None = None
    ) -> meta.v1.ObjectMetaArgs:
        return meta.v1.ObjectMetaArgs(name=name, namespace=namespace, labels=self.labels, annotations=annotations)

    def _account(
        self,
        name: str,
        account: str,
        namespace: Output[str],
        pull_secret: Output[str] | None,
        args: TeamArgs,
    ) -> "core.v1.ServiceAccount":
        """A service account without a token; KServe reads the store's credentials from its `secrets`."""
        store, annotations = args.get("artifacts"), (args.get("account_annotations") or {}).get(account)
        keys = store["credentials_secret_name"] if store and account == SERVING_ACCOUNT else ""
        return core.v1.ServiceAccount(
            f"{name}-{account}-account",
            metadata=self._metadata(account, namespace, annotations or None),
            automount_service_account_token=False,
            image_pull_secrets=[{"name": pull_secret}] if pull_secret else None,
            secrets=[{"name": keys}] if keys else None,
            opts=self.child,
        )

    def _pull_secret(self, name: str, namespace: Output[str], registry: RegistryCredentials) -> Output[str]:
        return core.v1.Secret(
            f"{name}-registry",
            metadata=self._metadata(PULL_SECRET, namespace),
            type="kubernetes.io/dockerconfigjson",
            string_data={
                ".dockerconfigjson": Output.secret(registry["password"]).apply(
                    lambda password: pull_configuration(registry["server"], registry["username"], password)
                )
            },
            opts=self.child,
        ).metadata.name.apply(str)

    def _rights(self, name: str, namespace: Output[str], team: TeamSpec) -> None:
        for role, rights, groups in roles_of(team):
            declared = rbac.v1.Role(
                f"{name}-{role}",
                metadata=self._metadata(f"team-{role}", namespace),
                rules=role_rules(rights),
                opts=self.child,
            )
            rbac.v1.RoleBinding(
                f"{name}-{role}-binding",
                metadata=self._metadata(f"team-{role}", namespace),
                role_ref={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": declared.metadata.name},
                subjects=role_subjects(groups),
                opts=self.child,
            )


def supplies_of_all(pools: list[PoolHandle]) -> tuple[Supply, ...]:
    """The supplies of all pools."""
    return tuple(supply for pool in pools for supply in supplies_of(pool["capacity"]))


def namespace_labels(args: TeamArgs) -> dict[str, str]:
    """Labels of the namespace: its identity, and the labels that its peers require before they allow traffic."""
    tracking, gateway = args.get("tracking"), args.get("gateway")
    return {
        **team_labels(args["name"], args["team"]),
        **(tracking["client_label"] if tracking else {}),
        **(gateway["route_namespace_labels"] if gateway else {}),
    }


def pull_configuration(server: str, username: str, password: str) -> str:
    """Configuration of the container runtime for pulls from that registry."""
    return json.dumps({"auths": {server: {"username": username, "password": password}}})
